// A translation: both texts with the attention between them, a sentence translated live, its search as a tree.
// @ts-check
import * as api from "./api.js";
import { byId, complain, el, fill, short, visible } from "./dom.js";
import { exhibit } from "./stage.js";
import { set, state } from "./state.js";

/**
 * @typedef {{symbol: string, log_probability: number, score?: number, best: boolean, next: Kept[]}} Kept
 * @typedef {{source: string[], target: string[], attention: number[][] | null}} Pair
 * @typedef {Pair & {text: string, score: number, log_probability: number, unknown: number, tree: Kept}} Translation
 */

const FAINT = 0.06;
/** Pixels of a letter, of a row of the tree, and between the two texts. */
const LETTER = 7.6;
const ROW = 19;
const BETWEEN = 110;
const following = new api.Following();
const latest = new api.Latest();
let timer = 0;

/** @param {string} tag @param {Record<string, string | number>} attributes @param {...(Element | string)} children */
function drawn(tag, attributes, ...children) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, String(value));
  for (const child of children) found.append(/** @type {any} */ (child));
  return found;
}

/** What is held: by dragging on the rows, and what was typed here. */
function holds() {
  return [...new Set([...state.holds, ...state.clamps])];
}

/** Ask for what is to be seen, and show it. */
export async function load() {
  const place = byId("pair");
  if (!exhibit().beside.length) {
    place.hidden = true;
    return;
  }
  place.hidden = false;
  if (exhibit().pairs) bar();
  try {
    if (!exhibit().pairs) {
      const found = await latest.ask((signal) => api.get(`api/${state.in}/pair`, { sequence: state.sequence }, signal));
      if (found) fill(byId("pair-bar"), el("span", { class: "soft" }, `${exhibit().beside[0]}: `), el("strong", { id: "beside" }, found.source.join(found.source.every((/** @type {string} */ each) => each.length === 1) ? "" : " ")));
      fill(byId("pair-shown"));
      return;
    }
    if (state.source === null) {
      const found = await latest.ask((signal) => api.get(`api/${state.in}/pair`, { sequence: state.sequence }, signal));
      if (found) showRecorded(found);
      return;
    }
    if (!exhibit().translates || !state.source.trim()) {
      fill(byId("pair-shown"), el("p", { class: "soft" }, exhibit().translates ? "Type a sentence." : "The untrained network translates nothing."));
      return;
    }
    await following.ask(async () => {
      const found = await latest.ask((signal) => api.post(`api/${state.in}/translate`, { text: state.source, beam: state.beam, holds: holds() }, signal));
      if (found) showLive(found);
    });
  } catch (error) {
    complain(error);
    fill(byId("pair-shown"), el("p", { class: "soft" }, error instanceof Error ? error.message : ""));
  }
}

/** The sentence, the beam, and what is held. */
function bar() {
  const place = byId("pair-bar");
  if (state.source === null) {
    fill(place, el("button", { type: "button", id: "translate", disabled: !exhibit().translates, onclick: () => set({ source: recorded }) }, "Translate a sentence"), el("span", { class: "soft" }, "The pair as it was recorded: above what was read, below what was to be told."));
    return;
  }
  const there = /** @type {HTMLTextAreaElement | null} */ (document.getElementById("source"));
  if (!there || !place.contains(there)) {
    const area = el("textarea", { id: "source", rows: 2, spellcheck: "false", "aria-label": "Sentence to translate", value: state.source, oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => set({ source: area.value.replace(/\n/g, " ") }, { quiet: true }), 150);
    } });
    const beam = el("select", { id: "beam", onchange: () => set({ beam: Number(beam.value) }) }, ...[[1, "the likeliest word each time"], [5, "a beam of 5"], [10, "a beam of 10"]].map(([value, text]) => el("option", { value }, text)));
    beam.value = String(state.beam);
    const clamp = el("input", { type: "text", id: "clamp", placeholder: "encoder.0/cell:17=1@0:5", "aria-label": "A unit of either side to hold", onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === "Enter") held(); } });
    const held = () => {
      if (clamp.value.trim()) set({ clamps: [...new Set([...state.clamps, clamp.value.trim()])].slice(-16) });
      clamp.value = "";
    };
    fill(place, area, el("div", { class: "bar" }, el("label", { class: "pick" }, "search ", beam), clamp, el("button", { type: "button", id: "clamp-it", onclick: held }, "Hold"), el("span", { class: "chips", id: "clamps" }), el("button", { type: "button", id: "pair-back", onclick: () => set({ source: null, clamps: [] }) }, "Back to the recording")));
    area.focus();
  } else if (document.activeElement !== there && there.value !== state.source) there.value = state.source;
  fill(byId("clamps"), ...holds().map((each) => el("button", { type: "button", "aria-label": `Let go of ${each}`, onclick: () => set({ clamps: state.clamps.filter((other) => other !== each), holds: state.holds.filter((other) => other !== each) }) }, `${each} ×`)));
}

/** The sentence of the recorded pair, to begin with. */
let recorded = "";

/** @param {Pair & {sentence: string}} found */
function showRecorded(found) {
  recorded = found.sentence;
  fill(byId("pair-shown"), picture(found, "The pair as it was recorded"));
}

/** @param {{free: Translation, held: Translation | null, holds: string[]}} found */
function showLive(found) {
  const { free, held } = found;
  fill(
    byId("pair-shown"),
    free.unknown ? el("p", { class: "soft" }, `${free.unknown} of the symbols never came in training`) : null,
    one(free, held ? "free" : "", null),
    held ? one(held, `held: ${found.holds.join(", ")}`, free) : null,
  );
}

/** One translation with its attention and its search. @param {Translation} found @param {string} title @param {Translation | null} beside */
function one(found, title, beside) {
  const words = found.text.split(" ");
  const before = beside ? beside.text.split(" ") : words;
  return el("div", { class: "translation" },
    title ? el("h2", {}, title) : null,
    el("p", { class: "told", id: beside ? "told-held" : "told-free" }, ...words.flatMap((word, k) => [k ? " " : "", word === before[k] ? word : el("b", {}, word)])),
    el("p", { class: "soft nums" }, `ln P ${short(found.log_probability)}; ranked by ${short(found.score, 3)}`),
    picture(found, "Attention"),
    el("details", { class: "search" }, el("summary", {}, "What the search kept, as a tree"), tree(found.tree)));
}

/** Both texts, and lines between a symbol and the places it was told from. @param {Pair} found @param {string} title */
export function picture(found, title) {
  const above = places(found.source);
  const below = places(found.target);
  const width = Math.max(above.width, below.width) + 12;
  const height = BETWEEN + 2 * ROW;
  const lines = drawn("g", {});
  const told = found.attention;
  const rows = found.target.map((_, k) => {
    const row = drawn("g", { class: "looked" });
    (told?.[k] ?? []).forEach((weight, place) => {
      if (weight > FAINT) row.append(drawn("line", { x1: below.middle[k], y1: BETWEEN + ROW, x2: above.middle[place], y2: ROW + 2, "stroke-opacity": Math.min(1, weight).toFixed(2), "stroke-width": (0.5 + 2.5 * Math.min(1, weight)).toFixed(1) }));
    });
    lines.append(row);
    return row;
  });
  const word = (/** @type {string} */ text, /** @type {number} */ x, /** @type {number} */ y) => drawn("text", { x, y, "text-anchor": "middle" }, visible(text));
  const picture = drawn("svg", { class: "attention", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": described(found, title) });
  picture.append(lines, ...found.source.map((text, k) => word(text, above.middle[k], ROW - 4)));
  found.target.forEach((text, k) => {
    const label = word(text, below.middle[k], BETWEEN + 2 * ROW - 4);
    label.addEventListener("pointerenter", () => { picture.classList.add("one"); rows[k].classList.add("on"); });
    label.addEventListener("pointerleave", () => { picture.classList.remove("one"); rows[k].classList.remove("on"); });
    picture.append(label);
  });
  return el("div", { class: "wide-picture", tabindex: 0, role: "group", "aria-label": `${title}, to scroll` }, picture, told ? null : el("p", { class: "soft" }, "Attention was not recorded."));
}

/** What a picture says, in words. @param {Pair} found @param {string} title */
function described(found, title) {
  const told = found.target.map((text, k) => {
    const row = found.attention?.[k];
    return row ? `${text} from ${found.source[row.indexOf(Math.max(...row))] ?? "nothing"}` : text;
  });
  return `${title}: ${told.join(", ")}`;
}

/** Where symbols stand beside each other. @param {string[]} symbols */
function places(symbols) {
  let at = 6;
  const middle = symbols.map((symbol) => {
    const wide = 10 + LETTER * [...visible(symbol)].reduce((sum, letter) => sum + (letter > "\u2e7f" ? 1.8 : 1), 0);
    at += wide;
    return at - wide / 2;
  });
  return { middle, width: at };
}

/** The prefixes that a search kept; the path to the best translation is bold. @param {Kept} root */
export function tree(root) {
  const parts = drawn("g", {});
  let row = 0;
  let right = 0;
  /** @param {Kept} node @param {number} x @returns {number} */
  const place = (node, x) => {
    const text = node.symbol ? visible(node.symbol) : "•";
    const end = x + 10 + LETTER * [...text].reduce((sum, letter) => sum + (letter > "\u2e7f" ? 1.8 : 1), 0);
    const begun = row;
    const ends = node.next.map((each) => ({ y: place(each, end + 14), best: each.best }));
    if (!ends.length) row += 1;
    const y = ends.length ? ends[0].y : begun * ROW + 14;
    for (const each of ends) parts.append(drawn("path", { d: `M${end} ${y - 4}C${end + 8} ${y - 4} ${end + 4} ${each.y - 4} ${end + 12} ${each.y - 4}`, class: each.best ? "best" : "" }));
    const label = drawn("text", { x: x + 4, y, class: node.best ? "best" : "" }, text);
    label.append(drawn("title", {}, `ln P ${short(node.log_probability)}${node.score === undefined ? "" : `; ranked by ${short(node.score, 3)}`}`));
    parts.append(label);
    right = Math.max(right, end);
    if (node.score !== undefined) {
      parts.append(drawn("text", { x: end + 8, y, class: "score" }, short(node.score, 3)));
      right = Math.max(right, end + 60);
    }
    return y;
  };
  place(root, 0);
  const ended = leaves(root);
  const height = Math.max(1, row) * ROW + 8;
  return el("div", { class: "wide-picture", tabindex: 0, role: "group", "aria-label": "Tree of the search, to scroll" }, drawn("svg", { class: "tree", viewBox: `0 0 ${right + 8} ${height}`, width: right + 8, height, role: "img", "aria-label": `The search ended with ${ended} translations, ranked as told at the right` }, parts));
}

/** @param {Kept} node @returns {number} */
function leaves(node) {
  return (node.score === undefined ? 0 : 1) + node.next.reduce((sum, each) => sum + leaves(each), 0);
}

export function start() {
  fill(byId("pair"), el("div", { id: "pair-bar" }), el("div", { id: "pair-shown" }));
  load();
}

/** @param {Set<string>} changed */
export function changed(changed) {
  if (["in", "sequence", "source", "beam", "clamps"].some((name) => changed.has(name)) || (changed.has("holds") && state.source !== null)) load();
}
