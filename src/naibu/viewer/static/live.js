// The live network: typed text, what is held, what changes by it, and writing on.
// @ts-check
import * as api from "./api.js";
import { byId, complain, el, fill, say, short, visible } from "./dom.js";
import { parts } from "./names.js";
import { Pad } from "./pad.js";
import { exhibit, scene } from "./stage.js";
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
/** Whether what was typed is still to be read. */
let waiting = false;
/** The exhibit that what stands there was made for. */
let made = -1;
/** @type {Pad | null} */
let pad = null;

/** Change the text that is read; the fields that show it follow. @param {string} text */
function read(text) {
  clearTimeout(timer);
  waiting = true;
  timer = setTimeout(() => {
    waiting = false;
    set({ text }, { quiet: true });
  }, 150);
}

/** Where a text is typed, or drawn, and written on from. */
export function liveBar() {
  const place = byId("typing");
  if (state.text === null) {
    place.className = "";
    place.replaceChildren();
    pad = null;
    noneWritten();
    return;
  }
  const there = /** @type {HTMLTextAreaElement | null} */ (document.getElementById("typed"));
  if (there && made === state.in) {
    if (waiting) return;  // what is in the fields is newer
    if (document.activeElement !== there && there.value !== state.text) there.value = state.text;
    pad?.show(state.text);
    return;
  }
  made = state.in;
  noneWritten();
  const { how, drawn, symbols } = exhibit().typed ?? { how: "", drawn: false, symbols: true };
  const area = el("textarea", { id: "typed", rows: symbols ? 3 : 8, spellcheck: "false", "aria-label": "Text that the network reads", "aria-describedby": "typed-how typed-wrong", value: state.text, oninput: () => read(area.value) });
  pad = drawn ? new Pad(state.text, (text) => { area.value = text; read(text); }) : null;
  place.className = "typing";
  fill(
    place,
    pad ? pad.root : null,
    el("div", { class: "text" }, area, how ? el("p", { class: "soft", id: "typed-how" }, how) : null, el("p", { class: "wrong", id: "typed-wrong", role: "status" })),
    exhibit().writes ? el("div", { class: "doers" },
      el("button", { type: "button", id: "write", title: "Let the network write on, free and under what is held", onclick: write }, "Write on"),
      el("button", { type: "button", id: "write-one", title: "Let it write one symbol, under what is held where something is, and read on", onclick: writeOne }, "One symbol")) : null,
  );
  area.focus();
}

/** Say what is wrong with what was typed, or that nothing is. @param {string} text */
export function typedWrong(text) {
  const place = document.getElementById("typed-wrong");
  if (place) place.textContent = text.replace(/^--text(?:, (line \d+))?: /, (_, line) => (line ? `${line}: ` : ""));
}

/** Colours have changed: draw anew. */
export function repaintPad() {
  pad?.paint();
}

/** Mark the point that is read at a step. @param {number} step */
export function markPoint(step) {
  pad?.mark(step - 1);
}

function noneWritten() {
  byId("written").replaceChildren();
  byId("written").className = "";
}

/** Let the network write on after the typed text. */
async function write() {
  const place = byId("written");
  place.className = "written";
  const text = state.text ?? "";
  fill(place, el("p", { class: "soft" }, "writing …"));
  try {
    const found = await api.post(`api/${state.in}/write`, { text, holds: state.holds, length: 200, seed: 1 });
    fill(place, written("free", text, found.free), found.held ? written(`held on: ${found.holds.join(", ")}`, text, found.held) : el("div", { class: "soft" }, "Hold a unit to see what is written under it, with the same draws."));
  } catch (error) {
    noneWritten();
    complain(error);
  }
}

/** What was written, each symbol with its probability. @param {string} title @param {string} text @param {{text: string, symbols: string[], probabilities: number[]}} found */
function written(title, text, found) {
  const single = found.symbols.join("") === found.text;
  const parts = single ? found.symbols.map((symbol, k) => el("span", { title: `${visible(symbol)}: ${(100 * found.probabilities[k]).toFixed(1)} %` }, symbol)) : [found.text];
  return el("div", {}, el("h2", {}, title), el("pre", {}, el("b", {}, text), ...parts), el("button", { type: "button", title: "Let the network read it, so that all rows show what happened inside", onclick: () => typeIn(text + found.text, found.symbols.length) }, "Read it"));
}

/** Let the network write one symbol more, and read it. */
async function writeOne() {
  const text = state.text ?? "";
  try {
    const found = await api.post(`api/${state.in}/write`, { text, holds: state.holds, length: 1, seed: text.length });
    typeIn(text + (found.held ?? found.free).text, 1);
  } catch (error) {
    complain(error);
  }
}

/** Have a longer text read; what was held up to its end is held on. @param {string} text @param {number} more symbols */
function typeIn(text, more) {
  const steps = scene?.live ? scene.steps - 1 : Infinity;  // its last step reads the end
  const holds = state.holds.map((typed) => {
    const hold = readHold(typed);
    return hold && Number.isFinite(hold.to) && hold.to >= steps ? typed.replace(/:\d+$/, `:${hold.to + more}`) : typed;
  });
  const area = /** @type {HTMLTextAreaElement | null} */ (document.getElementById("typed"));
  if (area) area.value = text;
  noneWritten();
  set({ text, holds }, { quiet: true });
}
