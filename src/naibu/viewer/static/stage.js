// One sequence: what was read, what is known, what came out, and the signals of chosen units, one column a step.
// @ts-check
import * as api from "./api.js";
import { showAlgebra } from "./algebra.js";
import { colour } from "./colours.js";
import { Columns } from "./columns.js";
import { byId, complain, el, emptied, fill, many, say, short, visible } from "./dom.js";
import { draw as drawHeat, shape as shapeHeat } from "./heat.js";
import { addHold, heldAt, holdsBar, liveBar, markPoint, typedWrong } from "./live.js";
import { labelName, LETTERS, parts, signalName, unitName } from "./names.js";
import { live, recorded, seriesFor, signalsOf, WINDOW } from "./scene.js";
import { set, state } from "./state.js";
import { showTable } from "./table.js";
import { columnTrack, forecastTrack, heightIn, lossTrack, predictedTrack, stripTrack, textTrack, titleTrack } from "./tracks.js";
import { learn, unitOf } from "./units.js";

/** @typedef {import("./tracks.js").Track} Track @typedef {import("./scene.js").Scene} Scene */

/** @type {any} */
let about;
/** @type {Scene | null} */
export let scene = null;
/** @type {Scene | null} */
let second = null;
/** @type {Columns} */
let columns = new Columns([], true);
/** @type {Track[]} */
let tracks = [];
let height = 0;
let hover = -1;
/** @type {{from: number, to: number, track: Track} | null} */
export let span = null;
/** @type {{track: Track, from: number, to: number, value: number, kind: "find" | "hold"} | null} */
let dragging = null;
const latest = new api.Latest();
const following = new api.Following();
let frame = 0;

/** @type {HTMLElement} */ let scroller;
/** @type {HTMLCanvasElement} */ let canvas;
/** @type {HTMLElement} */ let gutter;
/** @type {HTMLElement} */ let wideness;

/** Take what the server says that there is. @param {any} described */
export function describe(described) {
  about = described;
}

/** The network or recording that is looked at. */
export function exhibit() {
  return about.exhibits[state.in] ?? about.exhibits[0];
}

export function start() {
  canvas = el("canvas", { "aria-hidden": "true" });
  wideness = el("div", { class: "wide" });
  scroller = el("div", { class: "scroller", id: "scroller", tabindex: 0, role: "application", "aria-label": "The sequence, step by step; arrow keys move, Shift with arrows marks a span", onscroll: soon }, canvas, wideness);
  gutter = el("div", { class: "gutter" });
  fill(
    byId("stage"),
    el("div", { class: "strip-bar", id: "strip-bar" }),
    el("div", { id: "typing" }),
    el("section", { class: "pair", id: "pair", hidden: true, "aria-label": "Translation" }),
    el("div", { class: "board", id: "board" }, gutter, scroller),
    el("div", { class: "doing" }, el("div", { id: "spanned" }), el("div", { id: "held" })),
    el("div", { class: "below", id: "below" }),
    el("div", { id: "written" }),
    el("div", { class: "heat", id: "heat" }),
    el("details", { class: "table", id: "table" }),
  );
  new ResizeObserver(soon).observe(scroller);
  canvas.addEventListener("pointermove", moved);
  canvas.addEventListener("pointerdown", pressed);
  canvas.addEventListener("pointerup", released);
  canvas.addEventListener("pointercancel", () => { dragging = null; soon(); });
  canvas.addEventListener("pointerleave", () => { if (!dragging && hover >= 0) { hover = -1; soon(); below(); } });
  showTable(null, []);
  byId("table").addEventListener("toggle", () => showTable(scene, state.units));
  load();
}

/** Whether the network runs, rather than a recording being read. */
export function isLive() {
  return state.text !== null || state.holds.length > 0;
}

/** Ask for what is to be seen, recorded or live, and draw it. */
export async function load() {
  const { layers } = exhibit();
  const known = state.units.filter((named) => layers.some((/** @type {any} */ each) => `${each.layer}/${each.signal}` === parts(named).key && parts(named).unit < each.units));
  if (known.length !== state.units.length) {
    set({ units: known }, { quiet: true });
    return;
  }
  const keys = new Set(seriesFor(layers, state.units, state.open).map((named) => parts(named).key));
  const unknown = state.units.length && seriesFor(layers, state.units, state.open).some((named) => !unitOf(state.in, named));
  const scales = Promise.all([...keys].map((key) => learn(state.in, key).catch(() => null)));
  const ask = async () => {
    try {
      const found = await latest.ask((signal) => sceneOf(state.in, signal));
      if (!found) return;
      scene = found;
      if (!second || second.exhibit !== state.beside) second = null;
      built();
      if (unknown) scales.then(() => { if (scene === found) built(); });
      second = await beside();
      if (second && scene === found) built();
    } catch (error) {
      if (error instanceof api.Refused && isLive() && state.holds.length && state.text === null) {
        say(error.message, true);
        set({ holds: [] });
        return;
      }
      if (state.sequence > 0 && state.text === null && !state.holds.length && error instanceof api.Refused && error.message.startsWith("sequence ")) {
        set({ sequence: 0, from: 0, at: -1 });
        return;
      }
      const told = error instanceof Error ? error.message : "";
      if (error instanceof api.Refused && state.text !== null) {
        liveBar();
        typedWrong(told);
        if (!scene) fill(byId("strip-bar"), el("button", { type: "button", id: "type", onclick: () => set({ text: null, holds: [] }) }, "Back to the recording"));
        return;
      }
      complain(error);
      if (!scene) fill(byId("strip-bar"), el("p", { class: "empty" }, told));
    }
  };
  if (isLive()) await following.ask(ask);
  else await ask();
}

/** @param {number} number @param {AbortSignal} signal @returns {Promise<Scene>} */
function sceneOf(number, signal) {
  const described = about.exhibits[number];
  const series = seriesFor(described.layers, state.units.filter((named) => has(described, named)), state.open);
  if (!isLive() || (number !== state.in && !described.live)) return recorded(number, state.sequence, state.from, series, signal);
  const holds = state.holds.filter((hold) => described.layers.some((/** @type {any} */ each) => hold.includes(`${each.signal}:`)));
  const what = state.text === null ? { sequence: state.sequence } : { text: state.text };
  return live(number, { ...what, holds, series }, signal);
}

/** @param {any} described @param {string} named */
function has(described, named) {
  const { key, unit } = parts(named);
  return described.layers.some((/** @type {any} */ each) => `${each.layer}/${each.signal}` === key && unit < each.units);
}

async function beside() {
  const described = about.exhibits[state.beside];
  if (!described || state.beside === state.in) return null;
  try {
    const keys = new Set(seriesFor(described.layers, state.units.filter((named) => has(described, named)), []).map((named) => parts(named).key));
    await Promise.all([...keys].map((key) => learn(state.beside, key)));
    return await sceneOf(state.beside, new AbortController().signal);
  } catch (error) {
    complain(error);
    return null;
  }
}

function built() {
  if (!scene) return;
  sequences = scene.sequences;
  columns = new Columns(scene.text, exhibit().spelled, scroller.clientWidth - 30);
  if (span && span.to > scene.steps) span = null;
  lay();
  bar();
  holdsBar(scene);
  liveBar();
  typedWrong("");
  spanBar();
  shapeHeat();
  below();
  const at = state.at;
  if (at >= 0 && at < scene.steps) reveal(at);
  else scroller.scrollLeft = Math.min(scroller.scrollLeft, Math.max(0, columns.width - scroller.clientWidth));
  soon();
  if (/** @type {HTMLDetailsElement} */ (byId("table")).open) showTable(scene, state.units);
}

/** Say which rows there are, from the top down. */
function lay() {
  if (!scene) return;
  const shown = scene;
  const several = new Set(exhibit().layers.map((/** @type {any} */ each) => each.layer)).size > 1;
  const chief = state.units[0] ?? null;
  tracks = [textTrack(shown, chief ? shown.series.get(chief) ?? null : null, chief ? scaleOf(state.in, chief) : [-1, 1])];
  const label = chief ? unitOf(state.in, chief)?.label ?? null : null;
  const labels = Object.keys(shown.labels);
  const first = label ? labels.find((name) => label === name || label.startsWith(`${name}=`)) : undefined;
  const ordered = [...new Set([...(first ? [first] : []), ...labels.filter((name) => name !== "position")])].slice(0, 4);
  for (const name of ordered) tracks.push(columnTrack(labelName(name), shown.labels[name], shown));
  for (const [name, column] of Object.entries(shown.inputs)) if (name !== "symbol" && !ordered.includes(name)) tracks.push(columnTrack(name, column, shown));
  outcomes(shown);
  state.units.forEach((named, k) => strips(shown, named, k, several));
  if (second) {
    const same = second.text.length === shown.text.length && second.text.every((symbol, k) => symbol === shown.text[k]);
    tracks.push(titleTrack(`beside: ${about.exhibits[second.exhibit].name}${same ? "" : " – reads another text here"}`, second));
    if (same) {
      const other = second;
      outcomes(other);
      state.units.filter((named) => other.series.has(named)).forEach((named, k) => tracks.push(strip(other, named, k, "beside", several)));
    }
  }
  let top = 0;
  for (const track of tracks) {
    track.top = top;
    top += track.height;
  }
  height = top + 6;
  scroller.style.height = `${height + 14}px`;
  wideness.style.width = `${columns.width + 60}px`;
  fill(gutter, ...tracks.map(entry));
}

/** @param {Scene} shown */
function outcomes(shown) {
  if (shown.outcomes.loss) tracks.push(lossTrack(shown));
  if (shown.outcomes.predicted) tracks.push(predictedTrack(shown, shown.pinned !== null || (shown === scene && state.drag === "hold")));
  for (const name of Object.keys(shown.outcomes)) if (/^mean(@\d+)?$/.test(name)) tracks.push(forecastTrack(shown, name));
}

/** @param {Scene} shown @param {string} named @param {number} k @param {boolean} several */
function strips(shown, named, k, several) {
  const open = state.open.includes(k);
  const own = strip(shown, named, k, "unit", several);
  own.open = open;
  tracks.push(own);
  if (!open) return;
  const { layer, unit, signal } = parts(named);
  for (const other of signalsOf(exhibit().layers, named)) if (other !== signal) tracks.push(strip(shown, `${layer}/${other}:${unit}`, k, "signal", several));
}

/** @param {Scene} shown @param {string} named @param {number} k @param {string} kind @param {boolean} several */
function strip(shown, named, k, kind, several) {
  const { signal } = parts(named);
  const chief = kind !== "signal";
  return stripTrack({
    scene: shown, named, name: chief ? unitName(named, several) : signalName(signal), sign: LETTERS[signal] ?? "", index: k, kind,
    scale: scaleOf(shown.exhibit, named), height: chief ? (k === 0 ? 64 : 46) : 32, held: (step) => shown.live && heldAt(named, step),
  });
}

/** @param {number} number @param {string} named @returns {[number, number]} */
function scaleOf(number, named) {
  const found = unitOf(number, named)?.scale;
  return found ?? (parts(named).signal.endsWith("_gate") ? [0, 1] : [-1, 1]);
}

/** @param {Track} track */
function entry(track) {
  const line = el("div", { class: `track ${track.kind}`, title: track.title ?? track.name });
  line.style.top = `${track.top}px`;
  line.style.height = `${track.height}px`;
  if (track.kind === "unit") {
    const index = track.index ?? 0;
    line.append(
      el("button", { type: "button", "aria-expanded": track.open ? "true" : "false", "aria-label": `All signals of ${track.name}`, onclick: () => set({ open: track.open ? state.open.filter((k) => k !== index) : [...state.open, index] }) }, track.open ? "▾" : "▸"),
      el("span", { class: "name" }, track.name),
      el("button", { type: "button", "aria-label": `Put ${track.name} away`, onclick: () => set({ units: state.units.filter((_, k) => k !== index) }) }, "×"),
    );
  } else {
    if (track.sign) line.append(el("i", {}, track.sign));
    line.append(el("span", { class: "name" }, track.name));
  }
  return line;
}

/** The line above the sequence: which it is, and what dragging does. */
function bar() {
  if (!scene) return;
  const shown = scene;
  const recordedOne = state.text === null;
  const step = (/** @type {number} */ by) => set({ sequence: Math.max(0, Math.min(sequences - 1, state.sequence + by)), from: 0, at: -1, holds: [] });
  const goto = el("input", { class: "goto nums", type: "text", inputmode: "numeric", "aria-label": "Number of the sequence", value: String(state.sequence), onchange: () => { if (/^\d+$/.test(goto.value) && Number(goto.value) < sequences) set({ sequence: Number(goto.value), from: 0, at: -1, holds: [], text: null }); else goto.value = String(state.sequence); } });
  const facts = recordedOne ? `${shown.split}${shown.split === "train" ? "" : shown.seen ? ", occurs in training" : ", not in training"}` : "typed";
  const total = lossOf(shown);
  fill(
    byId("strip-bar"),
    el("div", { class: "group" },
      el("button", { type: "button", "aria-label": "Sequence before", onclick: () => step(-1), disabled: !recordedOne || state.sequence === 0 }, "‹"),
      recordedOne ? goto : el("span", { class: "where" }, "your text"),
      el("button", { type: "button", id: "next-sequence", "aria-label": "Next sequence", onclick: () => step(1), disabled: !recordedOne || state.sequence >= sequences - 1 }, "›")),
    el("span", { class: "soft" }, `${recordedOne ? `of ${many(sequences)}; ${shown.live ? "" : facts + "; "}` : ""}${many(shown.length)} steps${total ? `; ${total}` : ""}`),
    pager(shown),
    el("div", { class: "group" }, el("span", {}, "drag on a strip to"),
      el("div", { class: "seg" },
        el("button", { type: "button", id: "drag-find", "aria-pressed": String(state.drag === "find"), onclick: () => set({ drag: "find" }) }, "mark"),
        el("button", { type: "button", id: "drag-hold", "aria-pressed": String(state.drag === "hold"), disabled: !exhibit().live, title: exhibit().live ? "Hold the unit at the height of the pointer" : "No run is at hand: open the recording inside its run", onclick: () => set({ drag: "hold" }) }, "hold flat"))),
    thought(),
    el("button", { type: "button", id: "type", "aria-pressed": String(state.text !== null), disabled: !exhibit().typed, title: exhibit().typed ? "Let the network read a text of yours" : "Networks of this task are not given typed texts; hold signals in recorded sequences", onclick: () => type(shown) }, state.text === null ? "Type a text" : "Back to the recording"),
  );
}

/** Begin to type with the sequence that is shown, or go back to it. @param {Scene} shown */
async function type(shown) {
  if (state.text !== null) {
    set({ text: null, holds: [] });
    return;
  }
  let text = "";
  try {
    text = exhibit().typed.symbols ? typed(shown) : (await api.post(`api/${state.in}/as_typed`, { sequence: state.sequence })).text;
  } catch (error) {
    complain(error);
  }
  set({ text, holds: [], from: 0, at: -1 });
}

/** The sequence as somebody would type it. @param {Scene} shown */
function typed(shown) {
  const symbols = shown.text.filter((symbol, k) => !((k === 0 && symbol === "ST") || (k === shown.text.length - 1 && symbol === "ED")));
  const single = symbols.every((symbol) => [...symbol].length === 1) && !symbols.every((symbol) => symbol === "(" || symbol === ")");
  return symbols.slice(0, 400).join(single ? "" : " ");
}

/** @param {Scene} shown */
function lossOf(shown) {
  const mean = (/** @type {Scene} */ each) => {
    const some = (each.outcomes.loss?.numbers ?? []).filter((value) => value !== null);
    return some.length ? some.reduce((sum, value) => sum + Number(value), 0) / some.length : null;
  };
  const now = mean(shown);
  if (now === null) return "";
  return shown.pinned ? `loss ${short(mean(shown.pinned))} → ${short(now)}` : `loss ${short(now)}`;
}

/** @param {Scene} shown */
function pager(shown) {
  if (shown.length <= WINDOW) return null;
  return el("div", { class: "group" },
    el("button", { type: "button", "aria-label": "Steps before", disabled: state.from === 0, onclick: () => set({ from: Math.max(0, state.from - WINDOW), at: -1 }) }, "«"),
    el("span", { class: "nums" }, `steps ${many(shown.start)}–${many(shown.start + shown.steps)}`),
    el("button", { type: "button", "aria-label": "Steps after", disabled: shown.start + shown.steps >= shown.length, onclick: () => set({ from: state.from + WINDOW, at: -1 }) }, "»"));
}

/** The two thought experiments: a layer that only keeps, and one that only takes in. */
function thought() {
  const chief = state.units[0] ? parts(state.units[0]).layer : null;
  const layers = exhibit().layers.filter((/** @type {any} */ each) => each.signal === "forget_gate").map((/** @type {any} */ each) => each.layer);
  const layer = layers.includes(chief) ? chief : layers.filter((/** @type {string} */ each) => exhibit().layers.some((/** @type {any} */ other) => other.layer === each && other.signal === "input_gate")).at(-1);
  const there = layer !== undefined && exhibit().layers.some((/** @type {any} */ each) => each.layer === layer && each.signal === "input_gate");
  if (!there) return null;
  const make = (/** @type {string} */ id, /** @type {string} */ text, /** @type {string} */ help, /** @type {number} */ i, /** @type {number} */ f) => {
    const holds = [`${layer}/input_gate:*=${i}`, `${layer}/forget_gate:*=${f}`];
    const on = holds.every((hold) => state.holds.includes(hold));
    return el("button", { type: "button", id, title: help, disabled: !exhibit().live, "aria-pressed": String(on), onclick: () => set({ holds: on ? [] : holds }) }, text);
  };
  return el("div", { class: "group" }, el("span", {}, "all units"),
    make("keep-all", "only keep", "Input gates shut, forget gates open: the layer keeps all and takes in nothing", 0, 1),
    make("take-all", "only take in", "Input gates open, forget gates shut: the layer takes in all and keeps nothing", 1, 0));
}

let sequences = 1;

// Drawing -------------------------------------------------------------------------------------------------------------

export function soon() {
  if (!frame) frame = requestAnimationFrame(draw);
}

/** What is in sight. @returns {import("./tracks.js").View} */
export function view(width = scroller.clientWidth, offset = scroller.scrollLeft) {
  const first = columns.steps ? columns.at(offset) : 0;
  const last = columns.steps ? Math.min(columns.steps, columns.at(offset + width) + 1) : 0;
  return { first, last, columns, offset, width };
}

function draw() {
  frame = 0;
  if (!scene) return;
  const width = scroller.clientWidth;
  const pen = emptied(canvas, width, height);
  if (!pen) return;
  paint(pen, view());
  drawHeat();
}

/** Draw all rows on a canvas, or on what takes its place. @param {any} pen @param {import("./tracks.js").View} seen */
export function paint(pen, seen) {
  for (const track of tracks) {
    if (track.kind === "unit" || track.kind === "beside") {
      pen.fillStyle = colour("line");
      pen.fillRect(0, track.top, seen.width, 1);
    }
    track.draw(pen, seen, track);
  }
  marked(pen, seen);
}

/** Tracks and size, for a picture. */
export function picture() {
  return { tracks, height, columns };
}

/** The span, what is dragged, and the cursor. @param {any} pen @param {import("./tracks.js").View} seen */
function marked(pen, seen) {
  const shown = dragging ? { from: Math.min(dragging.from, dragging.to), to: Math.max(dragging.from, dragging.to) + 1, track: dragging.track } : span;
  if (shown) {
    const x = columns.left[shown.from] - seen.offset;
    const w = columns.left[shown.to] - columns.left[shown.from];
    const now = tracks.find((track) => track.named === shown.track.named && track.kind === shown.track.kind) ?? shown.track;
    pen.globalAlpha = 0.16;
    pen.fillStyle = colour("accent");
    pen.fillRect(x, now.top + 1, w, now.height - 2);
    pen.globalAlpha = 1;
    pen.fillStyle = colour("accent");
    pen.fillRect(x, now.top + 1, 1.5, now.height - 2);
    pen.fillRect(x + w - 1.5, now.top + 1, 1.5, now.height - 2);
    if (dragging?.kind === "hold" && now.scale) {
      pen.fillStyle = colour("held");
      pen.fillRect(x, heightIn(now, now.scale)(dragging.value) - 1.5, w, 3);
    }
  }
  const step = hover >= 0 ? hover : state.at;
  if (step >= 0 && step < columns.steps) {
    const x = columns.left[step] - seen.offset;
    const w = columns.left[step + 1] - columns.left[step];
    pen.globalAlpha = hover >= 0 ? 0.08 : 0.12;
    pen.fillStyle = colour("ink");
    pen.fillRect(x, 0, w, height);
    pen.globalAlpha = 1;
    if (state.at === step) {
      pen.fillStyle = colour("accent");
      pen.fillRect(x, 0, w, 2);
    }
  }
}

// Pointing ------------------------------------------------------------------------------------------------------------

/** @param {PointerEvent} event */
function where(event) {
  const box = canvas.getBoundingClientRect();
  const x = event.clientX - box.left + scroller.scrollLeft;
  const y = event.clientY - box.top;
  return { step: columns.steps ? columns.at(Math.max(0, Math.min(columns.width - 1, x))) : -1, y, inside: x < columns.width, track: tracks.find((track) => y >= track.top && y < track.top + track.height) ?? null };
}

/** @param {PointerEvent} event */
function moved(event) {
  const { step, y, inside } = where(event);
  if (dragging) {
    dragging.to = step;
    if (dragging.kind === "hold") {
      dragging.value = valueAt(dragging.track, y);
      holdDragged();
    }
    soon();
    return;
  }
  const now = inside ? step : -1;
  if (now === hover) return;
  hover = now;
  soon();
  below();
}

/** @param {Track} track @param {number} y */
function valueAt(track, y) {
  const now = tracks.find((each) => each.named === track.named && each.kind === track.kind) ?? track;
  const scale = now.scale ?? [-1, 1];
  const share = 1 - (y - now.top - 4) / (now.height - 8);
  const value = scale[0] + Math.max(0, Math.min(1, share)) * (scale[1] - scale[0]);
  return Math.abs(value) < (scale[1] - scale[0]) * 0.03 ? 0 : Number(value.toPrecision(3));
}

/** @param {PointerEvent} event */
function pressed(event) {
  const { step, y, inside, track } = where(event);
  if (event.button !== 0 || !inside || event.pointerType === "touch") return;
  scroller.focus({ preventScroll: true });
  if (!track?.named || track.kind === "beside") return;
  canvas.setPointerCapture(event.pointerId);
  const kind = state.drag === "hold" && exhibit().live ? "hold" : "find";
  dragging = { track, from: step, to: step, value: valueAt(track, y), kind };
  event.preventDefault();
}

/** @param {PointerEvent} event */
function released(event) {
  const { step, inside } = where(event);
  const done = dragging;
  dragging = null;
  if (!done) {
    if (inside && step >= 0) set({ at: step });
    return;
  }
  const from = Math.min(done.from, done.to);
  const to = Math.max(done.from, done.to) + 1;
  if (done.kind === "hold" && (to - from > 1 || heldNow)) {
    heldNow = null;
    hold(done.track.named ?? "", done.value, from, to, false);
    return;
  }
  if (to - from > 1) mark(from, to, done.track);
  else {
    span = null;
    spanBar();
    set({ at: done.from });
  }
  soon();
}

/** @type {string | null} */
let heldNow = null;

/** Hold what is dragged while it is dragged. */
function holdDragged() {
  if (!dragging?.track.named) return;
  const from = Math.min(dragging.from, dragging.to);
  const to = Math.max(dragging.from, dragging.to) + 1;
  if (to - from < 2 && !heldNow) return;
  hold(dragging.track.named, dragging.value, from, to, true);
}

/** @param {string} named @param {number} value @param {number} from @param {number} to @param {boolean} going */
function hold(named, value, from, to, going) {
  const typed = addHold(named, value, from, to, heldNow);
  heldNow = going ? typed : null;
}

/** @param {number} from @param {number} to @param {Track} track */
export function mark(from, to, track) {
  span = { from, to, track };
  spanBar();
  soon();
}

/** What can be done with a span that is marked. */
function spanBar() {
  const place = byId("spanned");
  if (!span || !scene) {
    place.replaceChildren();
    place.className = "";
    return;
  }
  const { from, to, track } = span;
  const named = track.named ?? "";
  const known = unitOf(state.in, named);
  const whisker = el("input", { type: "number", min: 0, max: 100, value: "1", id: "whisker", "aria-label": "Steps around it that are off" });
  const value = el("input", { type: "number", step: "any", value: String(Number((known?.mean ?? 0).toPrecision(3))), "aria-label": "Value to hold it at", id: "hold-value" });
  place.className = "spanned";
  fill(
    place,
    el("strong", {}, `steps ${from + scene.start}–${to - 1 + scene.start} of ${unitName(named, false)}`),
    el("span", { class: "soft mono" }, visible(scene.text.slice(from, Math.min(to, from + 12)).join(" "))),
    el("button", { type: "button", class: "chief", id: "find-it", onclick: () => import("./find.js").then((find) => find.fromSpan(named, from, to, Number(whisker.value) || 0)) }, "Find it elsewhere"),
    el("label", {}, "off around it ", whisker),
    el("button", { type: "button", id: "alike", onclick: () => import("./find.js").then((find) => find.alike(parts(named).key, from, to, Number(whisker.value) || 0)) }, "Units that do this"),
    exhibit().live ? el("button", { type: "button", id: "hold-it", onclick: () => { addHold(named, Number(value.value), from, to, null); } }, "Hold at") : null,
    exhibit().live ? value : null,
    el("button", { type: "button", class: "plain", id: "unmark", "aria-label": "Unmark", onclick: () => { span = null; spanBar(); soon(); } }, "×"),
  );
}

/** Mark a span with the keyboard. @param {number} by */
export function extend(by) {
  const track = tracks.find((each) => each.kind === "unit");
  if (!scene || !track) return;
  const at = state.at < 0 ? 0 : state.at;
  const anchor = span && span.track.kind === track.kind ? (at === span.from ? span.to - 1 : span.from) : at;
  const now = Math.max(0, Math.min(scene.steps - 1, at + by));
  span = { from: Math.min(anchor, now), to: Math.max(anchor, now) + 1, track };
  set({ at: now });
  spanBar();
}

/** Move the cursor. @param {number} by */
export function step(by) {
  if (!scene) return;
  const at = state.at < 0 ? (by > 0 ? -1 : scene.steps) : state.at;
  set({ at: Math.max(0, Math.min(scene.steps - 1, at + by)) });
}

/** Let a step be seen. @param {number} at */
export function reveal(at) {
  const x = columns.left[at];
  const room = scroller.clientWidth;
  if (x < scroller.scrollLeft + 20 || columns.left[at + 1] > scroller.scrollLeft + room - 20) scroller.scrollLeft = Math.max(0, x - room / 3);
}

/** What stands under the rows: the algebra of the cell, and what was foreseen, at the cursor. */
export function below() {
  const at = hover >= 0 ? hover : state.at;
  showAlgebra(byId("below"), scene, at, state.units[0] ?? null, tracks);
  markPoint(at);
}

/** @param {Set<string>} changed */
export function changed(changed) {
  if (["in", "beside", "sequence", "from", "units", "open", "holds", "text"].some((name) => changed.has(name))) {
    if (changed.has("sequence") || changed.has("in") || changed.has("text")) span = null;
    load();
    return;
  }
  if (changed.has("drag")) {
    lay();
    bar();
    soon();
  }
  if (changed.has("at")) {
    if (state.at >= 0 && scene && state.at < scene.steps) reveal(state.at);
    below();
    soon();
  }
  if (changed.has("heat") || changed.has("order")) shapeHeat();
}
