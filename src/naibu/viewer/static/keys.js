// The keyboard: everything can be done with it; ? says how.
// @ts-check
import { byId, el, fill } from "./dom.js";
import { open as openSave } from "./save.js";
import { addHold } from "./live.js";
import { exhibit, extend, span, step } from "./stage.js";
import { set, state } from "./state.js";
import { unitOf } from "./units.js";

/** @type {[string, string][]} */
const TOLD = [
  ["← →", "cursor to the step before, after"],
  ["Shift ← →", "mark a span of the first unit"],
  ["[ ]", "sequence before, after"],
  ["u s f", "units, sequences, find elsewhere"],
  ["/", "filter the units"],
  ["↑ ↓ Enter", "in a table: move, choose (Shift Enter beside the others)"],
  ["e", "find the marked span elsewhere"],
  ["a", "units that do what is done in the marked span"],
  ["h", "hold the marked span at the unit's mean"],
  ["g", "let go of all that is held"],
  ["1 2", "thought experiments: only keep, only take in"],
  ["t", "type a text, or go back"],
  ["d", "what dragging does: mark, hold flat"],
  ["v", "put the first unit away"],
  ["x", "take it away: picture, numbers, address"],
  ["Esc", "close, unmark"],
  ["?", "this"],
];

export function showKeys() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("keys"));
  fill(
    dialog,
    el("h2", { id: "keys-title" }, "Keys"),
    el("dl", {}, ...TOLD.flatMap(([key, what]) => [el("dt", {}, key), el("dd", {}, what)])),
    el("p", { class: "soft" }, "Green: a gate from 0 to 1. Vermillion above zero, blue below. Grey lines: without what is held."),
    el("div", { class: "bar" }, el("button", { type: "button", onclick: () => dialog.close() }, "Close")),
  );
  dialog.showModal();
}

/** @param {string} id */
function press(id) {
  const button = /** @type {HTMLButtonElement | null} */ (document.getElementById(id));
  if (button && !button.disabled) button.click();
}

/** @param {KeyboardEvent} event */
function typed(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName)) {
    if (event.key === "Escape") target.blur();
    return;
  }
  const done = () => event.preventDefault();
  switch (event.key) {
    case "ArrowLeft": case "ArrowRight": {
      if (target.closest(".grid, [role=tablist]")) return;
      const by = event.key === "ArrowLeft" ? -1 : 1;
      if (event.shiftKey) extend(by);
      else step(by);
      return done();
    }
    case "[": set({ sequence: Math.max(0, state.sequence - 1), from: 0, at: -1, holds: [], text: null }); return done();
    case "]": press("next-sequence"); return done();
    case "u": set({ tab: "units" }); return done();
    case "s": set({ tab: "sequences" }); return done();
    case "f": set({ tab: "find" }); return done();
    case "/": set({ tab: "units" }); byId("filter").focus(); return done();
    case "e": press("find-it"); return done();
    case "a": press("alike"); return done();
    case "h":
      if (span?.track.named && exhibit().live) addHold(span.track.named, unitOf(state.in, span.track.named)?.mean ?? 0, span.from, span.to, null);
      return done();
    case "g": set({ holds: [] }); return done();
    case "1": press("keep-all"); return done();
    case "2": press("take-all"); return done();
    case "t": press("type"); return done();
    case "d": press(state.drag === "find" ? "drag-hold" : "drag-find"); return done();
    case "v": set({ units: state.units.slice(1) }); return done();
    case "x": openSave(); return done();
    case "?": showKeys(); return done();
    case "Escape": press("unmark"); return;
    default:
  }
}

export function start() {
  document.addEventListener("keydown", typed);
  byId("help").addEventListener("click", showKeys);
  byId("open-save").addEventListener("click", openSave);
}
