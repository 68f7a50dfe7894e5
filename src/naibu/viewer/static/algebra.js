// What stands under the cursor: how the cell came about, in numbers, and what was foreseen.
// @ts-check
import { el, fill, fraction, short, visible } from "./dom.js";
import { heldAt } from "./live.js";
import { parts, unitName } from "./names.js";
import { at as valueOf } from "./scene.js";

/**
 * @param {HTMLElement} place @param {import("./scene.js").Scene | null} scene @param {number} at
 * @param {string | null} chief @param {import("./tracks.js").Track[]} tracks
 */
export function showAlgebra(place, scene, at, chief, tracks) {
  if (!scene || !scene.steps) {
    place.replaceChildren();
    return;
  }
  if (at < 0 || at >= scene.steps) {
    fill(place, el("p", { class: "soft" }, chief ? "Point at a step to see its numbers; click to keep it." : "Choose a unit in the table: its signals stand under the text."), el("div"));
    return;
  }
  fill(place, algebra(scene, at, chief), told(scene, at, tracks));
}

/** @param {import("./scene.js").Scene} scene @param {number} at @param {string | null} chief */
function algebra(scene, at, chief) {
  const found = el("div", { class: "algebra" });
  found.append(el("h2", {}, `step ${scene.start + at}, ${visible(scene.text[at])}${chief ? `: ${unitName(chief, false)}` : ""}`));
  if (!chief) return found;
  const { layer, unit, signal } = parts(chief);
  /** @param {string} name @param {number} step */
  const v = (name, step) => {
    const series = scene.series.get(`${layer}/${name}:${unit}`);
    return series && step >= 0 && step < series.length ? series[step] : null;
  };
  const i = v("input_gate", at), f = v("forget_gate", at), o = v("output_gate", at), g = v("candidate", at), c = v("cell", at), h = v("hidden", at);
  const z = v("update_gate", at), r = v("reset_gate", at);
  const lines = [];
  const first = at === 0 && scene.start === 0;
  const before = first ? null : v("cell", at - 1);
  if (c !== null && f !== null && i !== null && g !== null) {
    const was = before;
    const expected = was === null ? null : f * was + i * g;
    lines.push(["c = f·c′ + i·g", was === null ? `${short(c)} = ${fraction(f)}·c′ + ${fraction(i)}·${short(g)}` : `${short(c)} = ${fraction(f)}·${short(was)} + ${fraction(i)}·${short(g)}`]);
    if (expected !== null && Math.abs(expected - c) > 0.02 * Math.max(1, Math.abs(c))) lines.push(["", `≠ ${short(expected)}${scene.live && heldAt(`${layer}/cell:${unit}`, at) ? ": held" : ": the cell has another equation"}`]);
  } else if (c !== null) lines.push(["c", short(c, 3)]);
  if (h !== null && o !== null && c !== null) lines.push(["h = o·tanh c", `${short(h)} = ${fraction(o)}·tanh ${short(c)}`]);
  else if (h !== null && z !== null && g !== null && v("hidden", at - 1) !== null) lines.push(["h = z·h′ + (1−z)·n", `${short(h)} = ${fraction(z)}·${short(v("hidden", at - 1))} + ${fraction(1 - z)}·${short(g)}`], ["r", fraction(r)]);
  else if (h !== null) lines.push(["h", short(h, 3)]);
  else if (!lines.length) lines.push([signal, short(v(signal, at), 3)]);
  for (const [what, text] of lines) found.append(el("div", {}, el("span", { class: "soft" }, what.padEnd(16, "\u00a0")), " ", text));
  return found;
}

/** @param {import("./scene.js").Scene} scene @param {number} at @param {import("./tracks.js").Track[]} tracks */
function told(scene, at, tracks) {
  const found = el("div");
  const gold = valueOf(scene.outcomes.gold, at);
  if (scene.likeliest && gold !== null) {
    found.append(el("h2", {}, `foreseen; then came ${visible(String(gold))}`));
    const list = el("div", { class: "told" });
    for (const [symbol, share] of scene.likeliest[at]) {
      const free = scene.pinned?.likeliest?.[at].find(([other]) => other === symbol)?.[1];
      list.append(
        el("span", { class: `s${symbol === gold ? " right-one" : ""}` }, visible(symbol)),
        barOf(share, free),
        el("span", { class: "nums" }, `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`),
      );
    }
    found.append(list);
    return found;
  }
  found.append(el("h2", {}, "here"));
  for (const track of tracks) {
    if (track.scene !== scene || !track.value || !["label", "outcome"].includes(track.kind)) continue;
    found.append(el("div", {}, el("span", { class: "soft" }, `${track.name} `), track.value(at)));
  }
  return found;
}

/** @param {number} share @param {number | undefined} free */
function barOf(share, free) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 9");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const rect = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ w, /** @type {number} */ h, /** @type {string} */ fill) => {
    const one = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of Object.entries({ x, y, width: w, height: h, fill })) one.setAttribute(name, String(value));
    svg.append(one);
  };
  rect(0, 0, 100, 9, "var(--faint)");
  rect(0, 0, share * 100, 9, "var(--down)");
  if (free !== undefined) rect(Math.max(0, free * 100 - 0.5), 0, 1, 9, "var(--ink)");
  return svg;
}
