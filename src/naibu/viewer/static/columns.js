// Where each step of a sequence stands: one column a step, as wide as its symbol, so that everything lies under it.
// @ts-check
import { visible } from "./dom.js";

const LEAST = 15;
const MOST = 92;
const WIDEST = 30;
const NUMBERS = 9;
export const FONT = "13px ui-monospace, 'DejaVu Sans Mono', monospace";
/** @type {CanvasRenderingContext2D | null} */
let ruler = null;

/** @param {string} text */
export function wide(text, font = FONT) {
  ruler ??= document.createElement("canvas").getContext("2d");
  if (!ruler) return text.length * 8;
  ruler.font = font;
  return ruler.measureText(text).width;
}

/** @param {string} text @param {number} room */
export function cut(text, room, font = FONT) {
  if (wide(text, font) <= room) return text;
  let kept = text;
  while (kept.length && wide(kept + "…", font) > room) kept = kept.slice(0, -1);
  return kept ? kept + "…" : "";
}

export class Columns {
  /** @param {string[]} text @param {boolean} spelled @param {number} room pixels that a short sequence may take */
  constructor(text, spelled, room = 0) {
    this.steps = text.length;
    this.left = new Float64Array(this.steps + 1);
    this.spelled = spelled;
    /** @type {string[]} */
    this.shown = spelled ? text.map(visible) : text;
    /** @type {Map<string, number>} */
    const widths = new Map();
    const least = Math.max(spelled ? LEAST : NUMBERS, Math.min(WIDEST, Math.floor(room / Math.max(1, this.steps))));
    for (let k = 0; k < this.steps; k++) {
      let width = least;
      if (spelled) {
        width = widths.get(this.shown[k]) ?? Math.max(least, Math.min(MOST, Math.ceil(wide(this.shown[k])) + 7));
        widths.set(this.shown[k], width);
      }
      this.left[k + 1] = this.left[k] + width;
    }
  }

  get width() {
    return this.left[this.steps];
  }

  /** @param {number} x @returns {number} the step there */
  at(x) {
    let low = 0;
    let high = this.steps - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.left[middle] <= x) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** @param {number} step */
  middle(step) {
    return (this.left[step] + this.left[step + 1]) / 2;
  }
}
