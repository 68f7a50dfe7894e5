// The live network: typed text, what is held, what changes by it, and writing on.
// @ts-check
import * as api from "./api.js";
import { byId, complain, el, fill, say, short } from "./dom.js";
import { parts } from "./names.js";
import { exhibit } from "./stage.js";
import { set, state } from "./state.js";

/** @typedef {{key: string, unit: string, value: number, from: number, to: number}} Hold */

/** What a hold says, LAYER/SIGNAL:UNIT=VALUE@FROM:TO. @param {string} typed @returns {Hold | null} */
export function readHold(typed) {
  const found = /^([^:=@]+):(\d+|\*)=([^@]+)(?:@(\d*):(\d*))?$/.exec(typed);
  return found && { key: found[1], unit: found[2], value: Number(found[3]), from: Number(found[4] || 0), to: found[5] ? Number(found[5]) : Infinity };
}

/** Whether a signal of a unit is held at a step. @param {string} named @param {number} step */
export function heldAt(named, step) {
  const { key, unit } = parts(named);
  return state.holds.some((typed) => {
    const hold = readHold(typed);
    return hold !== null && hold.key === key && (hold.unit === "*" || Number(hold.unit) === unit) && step >= hold.from && step < hold.to;
  });
}

/**
 * Hold a unit over some steps, in place of another hold; return how it is typed.
 * @param {string} named @param {number} value @param {number} from @param {number} to @param {string | null} instead
 */
export function addHold(named, value, from, to, instead) {
  if (state.text === null && state.from > 0) {  // a window further on: what is read live are the first steps
    say("the first steps of a sequence alone are read live: go to them, then hold", true);
    return instead;
  }
  const typed = `${named}=${Number(value.toPrecision(4))}@${from}:${to}`;
  set({ holds: [...state.holds.filter((each) => each !== instead && each !== typed), typed].slice(-32) }, { quiet: instead !== null });
  return typed;
}

/** What is held, what it changed, and how the same is said in Python. @param {import("./scene.js").Scene} scene */
export function holdsBar(scene) {
  const place = byId("held");
  const notes = [];
  if (scene.live && scene.recordedState) notes.push("its first step is set to what was recorded, for the text goes on from before it");
  if (scene.live && scene.sequence >= 0 && scene.difference === null) notes.push("read again it cannot be compared with the recording: its steps are others, or values are no numbers");
  else if (scene.live && scene.sequence >= 0 && (scene.difference ?? 0) > 0.05) notes.push(`read again it differs from the recording by up to ${short(scene.difference)}: it began in another state`);
  if (!state.holds.length) {
    place.className = notes.length ? "heldbar" : "";
    fill(place, notes.length ? el("span", { class: "soft" }, notes.join("; ")) : null);
    return;
  }
  place.className = "heldbar";
  const change = scene.total !== null && scene.pinned?.total !== null && scene.pinned ? `loss of the whole ${short(scene.pinned.total)} → ${short(scene.total)} nats` : "";
  fill(
    place,
    el("strong", {}, "Held:"),
    ...state.holds.map((hold) => el("span", { class: "hold" }, hold, el("button", { type: "button", "aria-label": `Let go of ${hold}`, onclick: () => set({ holds: state.holds.filter((each) => each !== hold) }) }, "×"))),
    el("span", { class: "change" }, change),
    wrongs(scene),
    el("button", { type: "button", id: "copy-python", onclick: () => copy(scene.python) }, "Copy as Python"),
    el("button", { type: "button", id: "let-go", onclick: () => set({ holds: [] }) }, "Let all go"),
    notes.length ? el("span", { class: "soft" }, notes.join("; ")) : null,
  );
}

/** How many predictions are wrong, without holds and with them. @param {import("./scene.js").Scene} scene */
function wrongs(scene) {
  const count = (/** @type {import("./scene.js").Scene | null} */ each) => {
    const gold = each?.outcomes.gold;
    const predicted = each?.outcomes.predicted;
    if (!gold?.codes || !predicted?.codes) return null;
    let wrong = 0;
    for (let k = 0; k < gold.codes.length; k++) {
      const told = gold.names?.[gold.codes[k]];
      if (told !== null && told !== undefined && told !== predicted.names?.[predicted.codes[k]]) wrong++;
    }
    return wrong;
  };
  const before = count(scene.pinned);
  const after = count(scene);
  return before === null || after === null ? null : el("span", {}, `wrong predictions ${before} → ${after}`);
}

/** @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("copied");
  } catch {
    const dialog = /** @type {HTMLDialogElement} */ (byId("save"));
    fill(dialog, el("h2", { id: "save-title" }, "To copy"), el("pre", { tabindex: 0 }, text), el("button", { type: "button", onclick: () => dialog.close() }, "Close"));
    dialog.showModal();
  }
}

let timer = 0;

/** Where a text is typed, and written on from. */
export function liveBar() {
  const place = byId("typing");
  if (state.text === null) {
    place.className = "";
    place.replaceChildren();
    byId("written").replaceChildren();
    byId("written").className = "";
    return;
  }
  const there = /** @type {HTMLTextAreaElement | null} */ (document.getElementById("typed"));
  if (there) {
    if (document.activeElement !== there && there.value !== state.text) there.value = state.text;
    return;
  }
  const area = el("textarea", { id: "typed", rows: 3, spellcheck: "false", "aria-label": "Text that the network reads", value: state.text, oninput: () => {
    clearTimeout(timer);
    timer = setTimeout(() => set({ text: area.value }, { quiet: true }), 150);
  } });
  place.className = "typing";
  fill(place, area, exhibit().writes ? el("button", { type: "button", id: "write", title: "Let the network write on, free and under what is held", onclick: write }, "Write on") : null);
  area.focus();
}

/** Let the network write on after the typed text. */
async function write() {
  const place = byId("written");
  place.className = "written";
  fill(place, el("p", { class: "soft" }, "writing …"));
  try {
    const found = await api.post(`api/${state.in}/write`, { text: state.text, holds: state.holds, length: 200, seed: 1 });
    fill(place, el("div", {}, el("h2", {}, "free"), el("pre", {}, el("b", {}, state.text ?? ""), found.free.text)), found.held ? el("div", {}, el("h2", {}, `held from the first symbol on: ${found.holds.join(", ")}`), el("pre", {}, el("b", {}, state.text ?? ""), found.held.text)) : el("div", { class: "soft" }, "Hold a unit to see what is written under it, with the same draws."));
  } catch (error) {
    place.replaceChildren();
    place.className = "";
    complain(error);
  }
}
