// The rows of the stage, each drawn by one function on anything that has the few methods of a canvas used here.
// @ts-check
import { colour, ink, shade } from "./colours.js";
import { cut, FONT } from "./columns.js";
import { short, visible } from "./dom.js";
import { at } from "./scene.js";

/**
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {{first: number, last: number, columns: import("./columns.js").Columns, offset: number, width: number}} View
 * @typedef {{name: string, sign?: string, title?: string, kind: string, height: number, top: number, named?: string,
 *   index?: number, open?: boolean, scale?: [number, number], scene?: Scene,
 *   draw: (pen: any, view: View, track: Track) => void, value?: (step: number) => string}} Track
 */
const SMALL = "11px system-ui, 'DejaVu Sans', sans-serif";
/** Colours of classes: Okabe & Ito's, washed. */
const CLASSES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999"];

/** @param {any} pen @param {string} fill @param {number} x @param {number} y @param {number} w @param {number} h */
function box(pen, fill, x, y, w, h) {
  pen.fillStyle = fill;
  pen.fillRect(x, y, w, h);
}

/** @param {any} pen @param {string} text @param {number} x @param {number} y @param {string} fill */
function write(pen, text, x, y, fill, font = FONT, align = "center") {
  pen.font = font;
  pen.fillStyle = fill;
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.fillText(text, x, y);
}

/** What was read, on the colour of a unit's value. @param {Scene} scene @param {Float32Array | null} series @param {[number, number]} scale @returns {Track} */
export function textTrack(scene, series, scale) {
  return {
    name: "read", kind: "text", height: 28, top: 0, scene,
    draw(pen, view, track) {
      for (let k = view.first; k < view.last; k++) {
        const x = view.columns.left[k] - view.offset;
        const w = view.columns.left[k + 1] - view.columns.left[k];
        const back = series ? shade(series[k], scale[0], scale[1]) : null;
        if (back) box(pen, `rgb(${back.join(",")})`, x, track.top + 2, w - 1, track.height - 4);
        if (view.columns.spelled) write(pen, cut(view.columns.shown[k], w - 3), x + w / 2, track.top + track.height / 2 + 1, back ? ink(back) : colour("ink"));
        else if (k % 10 === 0) write(pen, String(scene.start + k), x, track.top + track.height / 2, colour("soft"), SMALL, "left");
      }
    },
    value: (step) => visible(scene.text[step]),
  };
}

/** A label or another column, as steps or as coloured classes. @param {string} name @param {import("./scene.js").Column} column @param {Scene} scene @returns {Track} */
export function columnTrack(name, column, scene) {
  return column.numbers ? numberTrack(name, column.numbers, scene) : classTrack(name, column, scene);
}

/** @param {string} name @param {(number | null)[]} numbers @param {Scene} scene @returns {Track} */
function numberTrack(name, numbers, scene) {
  let low = 0;
  let high = 0;
  let whole = true;
  for (const value of numbers) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
    whole &&= Number.isInteger(value);
  }
  const reach = high - low || 1;
  return {
    name, kind: "label", height: low === high ? 20 : 30, top: 0, scene, title: `${name}: ${short(low)} to ${short(high)}`,
    draw(pen, view, track) {
      const bottom = track.top + track.height - 4;
      const room = track.height - 10;
      let before = view.first > 0 ? numbers[view.first - 1] : null;
      for (let k = view.first; k < view.last; k++) {
        const value = numbers[k];
        const x = view.columns.left[k] - view.offset;
        const w = view.columns.left[k + 1] - view.columns.left[k];
        if (value !== null) {
          const y = bottom - ((value - low) / reach) * room;
          box(pen, colour("accent-soft"), x, Math.min(y, bottom), w + 0.5, Math.max(1, Math.abs(bottom - y)));
          box(pen, colour("accent"), x, y - 1, w + 0.5, 2);
          if (before !== null && before !== value) {
            const from = bottom - ((before - low) / reach) * room;
            box(pen, colour("accent"), x - 0.75, Math.min(from, y) - 1, 1.5, Math.abs(from - y) + 2);
          }
          if (whole && value !== before && w >= 13 && y + 8 < bottom) write(pen, String(value), x + w / 2, y + 8, colour("soft"), SMALL);
        }
        before = value;
      }
    },
    value: (step) => short(numbers[step]),
  };
}

/** @param {string} name @param {import("./scene.js").Column} column @param {Scene} scene @returns {Track} */
function classTrack(name, column, scene) {
  const codes = column.codes ?? [];
  const names = column.names ?? [];
  const values = column.values ?? [];
  return {
    name, kind: "label", height: 20, top: 0, scene,
    draw(pen, view, track) {
      let k = view.first;
      while (k < view.last) {
        let end = k + 1;
        while (end < view.last && codes[end] === codes[k]) end++;
        const text = names[codes[k]];
        const x = view.columns.left[k] - view.offset;
        const w = view.columns.left[end] - view.columns.left[k];
        if (text !== null) {
          pen.globalAlpha = 0.22;
          box(pen, CLASSES[Math.abs(values[codes[k]]) % CLASSES.length], x, track.top + 3, w - 1, track.height - 6);
          pen.globalAlpha = 1;
          const from = Math.max(x, 0);
          const room = Math.min(x + w, view.width) - from;
          if (room > 14) write(pen, cut(visible(text), room - 6, SMALL), from + 4, track.top + track.height / 2 + 0.5, colour("ink"), SMALL, "left");
        }
        k = end;
      }
    },
    value: (step) => visible(names[codes[step]] ?? null) || "–",
  };
}

/** The loss of each step, with that of the pinned run behind it. @param {Scene} scene @returns {Track} */
export function lossTrack(scene) {
  const loss = scene.outcomes.loss?.numbers ?? [];
  const before = scene.pinned?.outcomes.loss?.numbers ?? null;
  let most = 1;
  for (const value of [...loss, ...(before ?? [])]) if (value !== null && value > most) most = value;
  return {
    name: "loss", kind: "outcome", height: 34, top: 0, scene, title: `loss in nats, up to ${short(most)}${before ? "; outlined: without holds" : ""}`,
    draw(pen, view, track) {
      const bottom = track.top + track.height - 3;
      const room = track.height - 8;
      for (let k = view.first; k < view.last; k++) {
        const x = view.columns.left[k] - view.offset;
        const w = Math.max(2, view.columns.left[k + 1] - view.columns.left[k] - 3);
        const value = loss[k];
        if (value !== null && value !== undefined) {
          const free = before?.[k] ?? null;
          const worse = free !== null && value > free + 0.05;
          const h = Math.max(1, (value / most) * room);
          box(pen, colour(worse ? "up" : "ghost"), x + 1, bottom - h, w, h);
        }
        const was = before?.[k];
        if (was !== null && was !== undefined) {
          const y = bottom - Math.max(1, (was / most) * room);
          box(pen, colour("ink"), x, y - 1, w + 2, 1.5);
        }
      }
    },
    value: (step) => short(loss[step]) + (before ? ` (${short(before[step])} free)` : ""),
  };
}

/** What was foreseen after each step, right or wrong; below it what was without holds, where that differs. @param {Scene} scene @param {boolean} roomy @returns {Track} */
export function predictedTrack(scene, roomy) {
  const predicted = scene.outcomes.predicted;
  const before = scene.pinned?.outcomes.predicted;
  const gold = scene.outcomes.gold;
  const small = "11px ui-monospace, 'DejaVu Sans Mono', monospace";
  return {
    name: "foreseen", kind: "outcome", height: roomy ? 34 : 20, top: 0, scene, title: "the most probable class after each step; underlined where it is wrong; grey below: without holds, where that differs",
    draw(pen, view, track) {
      for (let k = view.first; k < view.last; k++) {
        const text = at(predicted, k);
        const told = at(gold, k);
        if (text === null || (gold && told === null)) continue;
        const x = view.columns.left[k] - view.offset;
        const w = view.columns.left[k + 1] - view.columns.left[k];
        const wrong = told !== null && told !== text;
        write(pen, cut(visible(String(text)), w - 2, "12px ui-monospace, 'DejaVu Sans Mono', monospace"), x + w / 2, track.top + 10, colour(wrong ? "wrong" : "soft"), "12px ui-monospace, 'DejaVu Sans Mono', monospace");
        if (wrong) box(pen, colour("wrong"), x + 3, track.top + 16, w - 6, 1.5);
        const was = before ? at(before, k) : null;
        if (was !== null && was !== text) write(pen, cut(visible(String(was)), w - 2, small), x + w / 2, track.top + 26, colour("ghost"), small);
      }
    },
    value: (step) => {
      const text = at(predicted, step);
      const told = at(gold, step);
      return text === null || (gold && told === null) ? "–" : `${visible(String(text))}${told !== null && told !== text ? `, came ${visible(String(told))}` : ""}`;
    },
  };
}

/** A forecast with its intervals. @param {Scene} scene @param {string} name @returns {Track} */
export function forecastTrack(scene, name) {
  const mean = scene.outcomes[name].numbers ?? [];
  const suffix = name.slice("mean".length);
  const bands = [["low_95", "high_95"], ["low_80", "high_80"]].map((pair) => pair.map((end) => scene.outcomes[end + suffix]?.numbers)).filter((pair) => pair[0] && pair[1]);
  const gold = scene.outcomes["gold" + suffix]?.numbers ?? null;
  let low = Infinity;
  let high = -Infinity;
  for (const list of [mean, ...(gold ? [gold] : []), ...bands.flat()]) for (const value of list ?? []) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
  const reach = high - low || 1;
  return {
    name, kind: "outcome", height: 56, top: 0, scene, title: `${name}: ${short(low)} to ${short(high)}`,
    draw(pen, view, track) {
      const y = (/** @type {number} */ value) => track.top + track.height - 4 - ((value - low) / reach) * (track.height - 8);
      for (const [from, to] of bands) {
        for (let k = view.first; k < view.last; k++) {
          const a = from?.[k];
          const b = to?.[k];
          if (a === null || b === null || a === undefined || b === undefined) continue;
          pen.globalAlpha = 0.18;
          box(pen, colour("down"), view.columns.left[k] - view.offset, y(b), view.columns.left[k + 1] - view.columns.left[k], y(a) - y(b));
          pen.globalAlpha = 1;
        }
      }
      if (gold) line(pen, view, (k) => gold[k], y, colour("ghost"), 1);
      line(pen, view, (k) => mean[k], y, colour("down"), 1.6);
    },
    value: (step) => short(mean[step]),
  };
}

/** @param {any} pen @param {View} view @param {(step: number) => number | null | undefined} value @param {(value: number) => number} y @param {string} stroke @param {number} width */
function line(pen, view, value, y, stroke, width) {
  pen.strokeStyle = stroke;
  pen.lineWidth = width;
  pen.beginPath();
  let begun = false;
  for (let k = Math.max(0, view.first - 1); k < Math.min(view.columns.steps, view.last + 1); k++) {
    const found = value(k);
    if (found === null || found === undefined || Number.isNaN(found)) {
      begun = false;
      continue;
    }
    const x = view.columns.middle(k) - view.offset;
    if (begun) pen.lineTo(x, y(found));
    else pen.moveTo(x, y(found));
    begun = true;
  }
  pen.stroke();
}

/** Where a value stands in a strip. @param {Track} track @param {[number, number]} scale */
export function heightIn(track, scale) {
  const top = track.top + 4;
  const room = track.height - 8;
  return (/** @type {number} */ value) => top + room - ((Math.max(scale[0], Math.min(scale[1], value)) - scale[0]) / (scale[1] - scale[0])) * room;
}

/**
 * One signal of one unit on a fixed scale, what is held marked, the pinned run behind it.
 * @param {{scene: Scene, named: string, name: string, sign: string, scale: [number, number], height: number, index: number, open?: boolean, kind: string,
 *   held: (step: number) => boolean}} how
 * @returns {Track}
 */
export function stripTrack(how) {
  const { scene, named, scale } = how;
  const series = scene.series.get(named) ?? new Float32Array(0);
  const pinned = scene.pinned?.series.get(named) ?? null;
  return {
    name: how.name, sign: how.sign, kind: how.kind, height: how.height, top: 0, named, index: how.index, open: how.open, scale, scene,
    title: `${named}, from ${short(scale[0])} to ${short(scale[1])}`,
    draw(pen, view, track) {
      const y = heightIn(track, scale);
      const zero = y(Math.max(scale[0], 0));
      for (let k = view.first; k < view.last; k++) {
        const x = view.columns.left[k] - view.offset;
        const w = view.columns.left[k + 1] - view.columns.left[k];
        if (how.held(k)) {
          pen.globalAlpha = 0.25;
          box(pen, colour("held"), x, track.top + 1, w + 0.5, track.height - 2);
          pen.globalAlpha = 1;
        }
        const value = series[k];
        if (value === undefined || Number.isNaN(value)) continue;
        const top = y(value);
        pen.globalAlpha = 0.3;
        box(pen, colour(scale[0] >= 0 ? "gate" : value >= 0 ? "up" : "down"), x, Math.min(top, zero), w + 0.4, Math.abs(zero - top));
        pen.globalAlpha = 1;
      }
      box(pen, colour("line"), 0, zero - 0.5, view.width, 1);
      if (pinned) line(pen, view, (k) => pinned[k], y, colour("ghost"), 1);
      line(pen, view, (k) => series[k], y, colour(scale[0] >= 0 ? "gate" : "ink"), 1.5);
      write(pen, short(scale[1], 1), view.width - 4, track.top + 8, colour("ghost"), "9.5px system-ui, 'DejaVu Sans', sans-serif", "right");
      write(pen, short(scale[0], 1), view.width - 4, track.top + track.height - 7, colour("ghost"), "9.5px system-ui, 'DejaVu Sans', sans-serif", "right");
    },
    value: (step) => short(series[step], 3) + (pinned ? ` (${short(pinned[step], 3)} free)` : ""),
  };
}

/** A line of words between two runs. @param {string} name @param {Scene} scene @returns {Track} */
export function titleTrack(name, scene) {
  return {
    name, kind: "title", height: 24, top: 0, scene,
    draw(pen, view, track) {
      box(pen, colour("faint"), 0, track.top, view.width, track.height);
      const total = scene.total === null ? "" : `, loss ${short(scene.total)} in all`;
      write(pen, `${name}${total}`, 10, track.top + track.height / 2 + 0.5, colour("soft"), SMALL, "left");
    },
  };
}
