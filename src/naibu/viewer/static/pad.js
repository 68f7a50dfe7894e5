// A pad to draw on: what is drawn is the text that the network reads, JSON with the strokes as places.
// @ts-check
import { colour } from "./colours.js";
import { el, emptied } from "./dom.js";

/** @typedef {[number, number]} Place @typedef {Place[]} Stroke */

const SIDE = 220;
/** How much wider than the first drawing the pad is, its side where there is none, and steps of that. */
const ROOM = 1.2;
const EMPTY = 100;
const STEPS = 24;

/** The strokes that a text has, null for what is none. @param {string} text @returns {{strokes: Stroke[], said: Record<string, any>} | null} */
export function strokesOf(text) {
  try {
    const found = JSON.parse(text);
    const { strokes, points, drawing, ...said } = Array.isArray(found) ? { strokes: found } : found;
    const lists = strokes ?? (points ? ofMoves(points) : drawing?.map((/** @type {number[][]} */ [x, y]) => x.map((value, k) => [value, y[k]])));
    const good = Array.isArray(lists) && lists.every((each) => Array.isArray(each) && each.every((place) => Number.isFinite(place[0]) && Number.isFinite(place[1])));
    return good ? { strokes: lists.map((each) => each.map((/** @type {number[]} */ place) => [place[0], place[1]])), said } : null;
  } catch {
    return null;
  }
}

/** @param {number[][]} moves dx, dy, and the pen, or three of them */
function ofMoves(moves) {
  /** @type {Stroke[]} */
  const found = [];
  /** @type {Stroke} */
  let stroke = [];
  let x = 0;
  let y = 0;
  for (const [dx, dy, pen, up] of moves) {
    x += dx;
    y += dy;
    stroke.push([x, y]);
    if (up === undefined ? pen : up) {
      found.push(stroke);
      stroke = [];
    }
  }
  return stroke.length ? [...found, stroke] : found;
}

/** How far neighbouring places lie apart, in the middle of all. @param {Stroke[]} strokes */
function middleStep(strokes) {
  const all = strokes.flatMap((stroke) => stroke.slice(1).map((place, k) => Math.hypot(place[0] - stroke[k][0], place[1] - stroke[k][1])));
  return all.filter((each) => each > 0).sort((a, b) => a - b)[all.length >> 1] ?? 0;
}

export class Pad {
  /** @param {string} text the first drawing, which says how large the pad is @param {(text: string) => void} drawn */
  constructor(text, drawn) {
    const found = strokesOf(text);
    this.drawn = drawn;
    this.text = text;
    this.strokes = found?.strokes ?? [];
    this.said = found?.said ?? {};
    const places = this.strokes.flat();
    const xs = places.map(([x]) => x);
    const ys = places.map(([, y]) => y);
    const [left, right, top, bottom] = places.length ? [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)] : [0, EMPTY, 0, EMPTY];
    this.side = ROOM * Math.max(right - left, bottom - top) || EMPTY;
    this.corner = [(left + right - this.side) / 2, (top + bottom - this.side) / 2];
    this.step = middleStep(this.strokes) || this.side / STEPS;
    this.whole = places.every(([x, y]) => Number.isInteger(x) && Number.isInteger(y));
    this.at = -1;
    /** @type {Stroke | null} */
    this.stroke = null;
    /** Where the keyboard's pen is. @type {Place} */
    this.pen = [this.corner[0] + this.side / 2, this.corner[1] + this.side / 2];
    this.canvas = el("canvas", { id: "pad", tabindex: 0, role: "application", "aria-label": "Draw with the pointer; or arrows move the pen, Enter puts it down and lifts it, Backspace takes a stroke back" });
    this.root = el("div", { class: "pad" }, this.canvas, el("div", {},
      el("button", { type: "button", id: "pad-clear", onclick: () => this.take([]) }, "Clear"), " ",
      el("button", { type: "button", id: "pad-back", onclick: () => this.take(this.strokes.slice(0, -1)) }, "Take a stroke back")));
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.begin(this.place(event));
    });
    this.canvas.addEventListener("pointermove", (event) => this.move(this.place(event)));
    for (const over of ["pointerup", "pointercancel"]) this.canvas.addEventListener(over, (event) => this.end(this.place(/** @type {PointerEvent} */ (event))));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    for (const change of ["focus", "blur"]) this.canvas.addEventListener(change, () => this.paint());
    this.paint();
  }

  /** @param {PointerEvent} event @returns {Place} */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.rounded([this.corner[0] + ((event.clientX - box.left) / SIDE) * this.side, this.corner[1] + ((event.clientY - box.top) / SIDE) * this.side]);
  }

  /** @param {Place} place @returns {Place} */
  rounded(place) {
    const digits = Math.max(0, 3 - Math.floor(Math.log10(this.side)));
    return /** @type {Place} */ (place.map((value) => Number(value.toFixed(this.whole ? 0 : digits))));
  }

  /** @param {Place} place */
  begin(place) {
    this.stroke = [place];
    this.strokes = [...this.strokes, this.stroke];
    this.tell();
  }

  /** Go on to a place, as far from the one before as those of the data are. @param {Place} place @param {number} least */
  move(place, least = this.step) {
    const last = this.stroke?.at(-1);
    if (!last || Math.hypot(place[0] - last[0], place[1] - last[1]) < least) return;
    this.stroke?.push(place);
    this.tell();
  }

  /** @param {Place} place */
  end(place) {
    if (!this.stroke) return;
    this.move(place, this.step / 4);
    this.stroke = null;
    this.tell();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) {
      this.pen = this.rounded([this.pen[0] + way[0] * this.step, this.pen[1] + way[1] * this.step]);
      this.move(this.pen, 0);
      this.paint();
    } else if (event.key === "Enter") {
      if (this.stroke) this.end(this.pen);
      else this.begin(this.rounded(this.pen));
    } else if (event.key === "Backspace") this.take(this.strokes.slice(0, -1));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Stroke[]} strokes */
  take(strokes) {
    this.stroke = null;
    this.strokes = strokes;
    this.tell();
  }

  tell() {
    this.text = JSON.stringify({ strokes: this.strokes, ...this.said });
    this.paint();
    this.drawn(this.text);
  }

  /** Show another text. @param {string} text */
  show(text) {
    if (text === this.text || this.stroke) return;
    const found = strokesOf(text);
    if (!found) return;
    ({ strokes: this.strokes, said: this.said } = found);
    this.text = text;
    this.paint();
  }

  /** Mark a point by its number in the whole drawing. @param {number} at */
  mark(at) {
    if (at === this.at) return;
    this.at = at;
    this.paint();
  }

  paint() {
    const pen = emptied(this.canvas, SIDE, SIDE);
    if (!pen) return;
    const at = (/** @type {Place} */ [x, y]) => /** @type {Place} */ ([((x - this.corner[0]) / this.side) * SIDE, ((y - this.corner[1]) / this.side) * SIDE]);
    const dot = (/** @type {Place} */ place, /** @type {number} */ radius, /** @type {string} */ name) => {
      pen.fillStyle = colour(name);
      pen.beginPath();
      pen.arc(...at(place), radius, 0, 2 * Math.PI);
      pen.fill();
    };
    pen.lineWidth = 2;
    pen.lineJoin = pen.lineCap = "round";
    pen.strokeStyle = colour("ink");
    for (const stroke of this.strokes) {
      pen.beginPath();
      stroke.forEach((place, k) => (k ? pen.lineTo(...at(place)) : pen.moveTo(...at(place))));
      pen.stroke();
      for (const place of stroke) dot(place, 2.2, "accent");
    }
    const marked = this.strokes.flat()[this.at];
    if (marked) dot(marked, 5, "up");
    if (document.activeElement === this.canvas) dot(this.pen, 4, this.stroke ? "held" : "ghost");
  }
}
