// All units of a signal over the steps in sight, one row a unit, on a canvas.
// @ts-check
import * as api from "./api.js";
import { shade } from "./colours.js";
import { byId, complain, el, emptied, fill, fraction, labelled } from "./dom.js";
import { labelName, signalName } from "./names.js";
import { alike, byCorrelation } from "./ordering.js";
import { exhibit, scene, soon, view } from "./stage.js";
import { set, state } from "./state.js";
import { learn, listed, toggle } from "./units.js";

const PIECE = 128;
/** @type {HTMLCanvasElement | null} */
let canvas = null;
/** @type {HTMLElement | null} */
let scroller = null;
/** @type {{key: string, units: number, order: Int32Array, place: Int32Array, scale: [number, number][], name: string} | null} */
let shown = null;
/** @type {Map<number, {steps: number, values: Float32Array, picture: OffscreenCanvas | HTMLCanvasElement | null}>} */
let tiles = new Map();
/** @type {Set<number>} */
let asked = new Set();
let row = 3;
let generation = 0;

/** The signal whose units are drawn. */
function keyOf() {
  const keys = exhibit().layers.map((/** @type {any} */ each) => `${each.layer}/${each.signal}`);
  if (keys.includes(state.heat)) return state.heat;
  const now = listed();
  return keys.includes(now) ? now : keys.find((/** @type {string} */ key) => key.endsWith("/cell")) ?? keys[0];
}

/** Make the map anew: another signal, sequence or order. */
export async function shape() {
  const mine = ++generation;
  const key = keyOf();
  tiles = new Map();
  asked = new Set();
  shown = null;
  const statistics = await learn(state.in, key).catch((error) => { complain(error); return null; });
  if (mine !== generation || !statistics || !scene) return;
  const labels = statistics.all_r?.length ? statistics.labels : [];
  const order = labels.includes(state.order) ? state.order : state.order === "likeness" || state.order === "number" || !labels.length ? (state.order === "likeness" ? "likeness" : "number") : labels[statistics.label?.length ? mostFollowed(statistics) : 0];
  const numbers = labels.includes(order) ? byCorrelation(statistics.all_r[labels.indexOf(order)]) : Int32Array.from({ length: statistics.units }, (_, k) => k);
  row = Math.max(2, Math.min(8, Math.floor(340 / statistics.units)));
  shown = { key, units: statistics.units, order: numbers, place: places(numbers), scale: statistics.scale, name: order };
  head(statistics, labels, order);
  if (order === "likeness") await likeness(mine);
  soon();
}

/** @param {any} statistics */
function mostFollowed(statistics) {
  const counts = new Map();
  statistics.label.forEach((/** @type {number} */ label, /** @type {number} */ k) => { if (label >= 0) counts.set(label, (counts.get(label) ?? 0) + Math.abs(statistics.r[k] ?? 0)); });
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

/** @param {Int32Array} order */
function places(order) {
  const found = new Int32Array(order.length);
  order.forEach((unit, k) => { found[unit] = k; });
  return found;
}

/** @param {number} mine */
async function likeness(mine) {
  if (!shown) return;
  const tile = await fetchTile(Math.floor((scene?.steps ?? 0) / 2 / PIECE), mine);
  if (!tile || !shown || mine !== generation) return;
  shown.order = alike(tile.values, tile.steps, shown.units);
  shown.place = places(shown.order);
  for (const each of tiles.values()) each.picture = null;
}

/** @param {any} statistics @param {string[]} labels @param {string} order */
function head(statistics, labels, order) {
  const keys = exhibit().layers.map((/** @type {any} */ each) => `${each.layer}/${each.signal}`);
  const signal = el("select", { "aria-label": "Signal of the map", onchange: () => set({ heat: signal.value }) }, ...keys.map((/** @type {string} */ key) => el("option", { value: key }, key)));
  signal.value = shown?.key ?? "";
  const by = el("select", { "aria-label": "Order of the units", onchange: () => set({ order: by.value }) },
    ...labels.map((label) => el("option", { value: label }, `r with ${labelName(label)}`)), el("option", { value: "likeness" }, "likeness"), el("option", { value: "number" }, "number"));
  by.value = order;
  canvas = el("canvas", { role: "img", "aria-label": `All ${statistics.units} units of ${signalName(statistics.signal)} over the steps in sight; the table of units has the same in numbers` });
  canvas.addEventListener("pointermove", pointed);
  canvas.addEventListener("pointerleave", () => who(null));
  canvas.addEventListener("click", (event) => { const found = unitAt(event); if (found !== null && shown) toggle(`${shown.key}:${found.unit}`, true); });
  const space = el("div", {}, canvas);
  space.style.height = `${statistics.units * row}px`;
  scroller = el("div", { class: "frame", tabindex: 0, role: "region", "aria-label": "Map of all units", onscroll: soon }, space);
  fill(byId("heat"),
    el("div", { class: "bar" }, el("h2", {}, "All units"), signal, labelled("ordered by", by), el("span", { class: "soft" }, statistics.kind === "free" ? "each on its own scale" : statistics.kind === "gate" ? "0 white, 1 green" : "−1 blue, 1 vermillion")),
    el("div", { class: "map" }, el("div", { class: "who", id: "who" }), scroller));
}

/** @param {number} piece @param {number} mine */
async function fetchTile(piece, mine) {
  if (!shown || !scene) return null;
  const there = tiles.get(piece);
  if (there) return there;
  if (asked.has(piece)) return null;
  asked.add(piece);
  const from = scene.start + piece * PIECE;
  const to = Math.min(scene.start + scene.steps, from + PIECE);
  if (to <= from) return null;
  try {
    const where = scene.reading ? { reading: scene.reading } : { sequence: scene.sequence };
    const found = await api.values(`api/${state.in}/values`, { key: shown.key, ...where, from, to });
    if (mine !== generation) return null;
    const tile = { steps: found.steps, values: found.values, picture: null };
    tiles.set(piece, tile);
    if (tiles.size > 24) tiles.delete(/** @type {number} */ (tiles.keys().next().value));
    soon();
    return tile;
  } catch (error) {
    complain(error);
    return null;
  }
}

/** One dot for each value, a row a unit. @param {{steps: number, values: Float32Array}} tile */
function pictured(tile) {
  if (!shown) return null;
  const { units, place, scale } = shown;
  const image = new ImageData(tile.steps, units);
  for (let unit = 0; unit < units; unit++) {
    const [low, high] = scale[unit];
    let dot = place[unit] * tile.steps * 4;
    for (let step = 0; step < tile.steps; step++, dot += 4) {
      const [r, g, b] = shade(tile.values[step * units + unit], low, high);
      image.data[dot] = r;
      image.data[dot + 1] = g;
      image.data[dot + 2] = b;
      image.data[dot + 3] = 255;
    }
  }
  const found = typeof OffscreenCanvas === "undefined" ? el("canvas") : new OffscreenCanvas(tile.steps, units);
  found.width = tile.steps;
  found.height = units;
  /** @type {any} */ (found.getContext("2d")).putImageData(image, 0, 0);
  return found;
}

/** Colours have changed: draw all anew. */
export function repaint() {
  for (const tile of tiles.values()) tile.picture = null;
}

export function draw() {
  if (!shown || !canvas || !scroller || !scene) return;
  const seen = view();
  const width = seen.width;
  const top = scroller.scrollTop;
  const height = Math.min(scroller.clientHeight || 340, shown.units * row);
  const pen = emptied(canvas, width, height);
  if (!pen) return;
  pen.imageSmoothingEnabled = false;
  const from = Math.floor(top / row);
  const count = Math.min(shown.units - from, Math.ceil(height / row) + 1);
  for (let piece = Math.floor(seen.first / PIECE); piece * PIECE < seen.last; piece++) {
    const tile = tiles.get(piece);
    if (!tile) {
      fetchTile(piece, generation);
      continue;
    }
    tile.picture ??= pictured(tile);
    if (tile.picture) paint(pen, tile.picture, piece, seen, from, count, top);
  }
  chosen(pen, top, height, width);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {any} picture @param {number} piece
 * @param {import("./tracks.js").View} seen @param {number} from @param {number} count @param {number} top
 */
function paint(pen, picture, piece, seen, from, count, top) {
  const begin = Math.max(seen.first, piece * PIECE);
  const end = Math.min(seen.last, piece * PIECE + picture.width);
  const left = seen.columns.left;
  const y = from * row - top;
  let step = begin;
  while (step < end) {  // neighbours of one width are drawn in one go
    const w = left[step + 1] - left[step];
    let next = step + 1;
    while (next < end && left[next + 1] - left[next] === w) next++;
    pen.drawImage(picture, step - piece * PIECE, from, next - step, count, left[step] - seen.offset, y, left[next] - left[step], count * row);
    step = next;
  }
}

/** @param {CanvasRenderingContext2D} pen @param {number} top @param {number} height @param {number} width */
function chosen(pen, top, height, width) {
  if (!shown) return;
  for (const named of state.units) {
    const colon = named.lastIndexOf(":");
    if (named.slice(0, colon) !== shown.key) continue;
    const y = shown.place[Number(named.slice(colon + 1))] * row - top;
    if (y < -row || y > height) continue;
    pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
    pen.lineWidth = 1;
    pen.strokeRect(0.5, y - 0.5, width - 1, row + 1);
  }
}

/** @param {MouseEvent} event */
function unitAt(event) {
  if (!canvas || !shown || !scroller) return null;
  const box = canvas.getBoundingClientRect();
  const place = Math.floor((event.clientY - box.top + scroller.scrollTop) / row);
  if (place < 0 || place >= shown.units) return null;
  const seen = view();
  const step = seen.columns.at(event.clientX - box.left + seen.offset);
  return { unit: shown.order[place], step };
}

/** @param {PointerEvent} event */
function pointed(event) {
  who(unitAt(event));
}

/** @param {{unit: number, step: number} | null} found */
function who(found) {
  const place = byId("who");
  if (!found || !shown) {
    fill(place, "");
    return;
  }
  const tile = tiles.get(Math.floor(found.step / PIECE));
  const value = tile?.values[(found.step % PIECE) * shown.units + found.unit];
  fill(place, el("strong", {}, `unit ${found.unit}`), el("br"), `step ${found.step + (scene?.start ?? 0)}: ${fraction(value ?? null)}`, el("br"), "click to add");
}
