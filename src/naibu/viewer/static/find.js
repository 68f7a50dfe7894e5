// Find it elsewhere: conditions on signals, searched in the whole recording, and what is different where they hold.
// @ts-check
import * as api from "./api.js";
import { byId, complain, el, fill, many, say, short, visible } from "./dom.js";
import { labelName, parts } from "./names.js";
import { WINDOW } from "./scene.js";
import { exhibit, scene } from "./stage.js";
import { set, state } from "./state.js";
import { rounded } from "./threshold.js";
import { unitOf } from "./units.js";

/** @typedef {import("./state.js").Condition} Condition */

const latest = new api.Latest();
let timer = 0;
let asked = "";

/** Make the panel anew. */
export function shape() {
  const panel = byId("panel-find");
  const results = el("div", { id: "results", "aria-live": "polite" });
  fill(
    panel,
    el("div", { class: "find" },
      el("div", { id: "conditions" }),
      el("div", { class: "bar" }, el("button", { type: "button", id: "add-condition", onclick: add }, "Add a condition"), state.find.length ? el("button", { type: "button", class: "plain", onclick: () => set({ find: [] }) }, "Clear") : null),
      results),
  );
  fill(byId("conditions"), ...state.find.map(condition));
  if (state.find.length) search();
  else fill(results, el("div", { class: "empty" },
    el("p", {}, "Mark a span on a strip: drag over it, or Shift with the arrow keys. Then “Find it elsewhere” looks for the same in the whole recording."),
    el("p", {}, "Or add a condition: a unit of any signal above or below a value, a quantile or zero, at one step or many, earlier or later than another.")));
}

/** @param {Condition} each @param {number} k */
function condition(each, k) {
  const change = (/** @type {Partial<Condition>} */ part) => later(state.find.map((other, n) => (n === k ? { ...other, ...part } : other)));
  const unit = el("input", { type: "text", class: "mono", "aria-label": "Unit", value: `${each.key}:${each.unit}`, list: "known-units", onchange: () => {
    const found = /^(.+):(\d+)$/.exec(unit.value.trim());
    if (found) change({ key: found[1], unit: Number(found[2]) });
    else say("name a unit as lstm.0/cell:17", true);
  } });
  const choose = (/** @type {string} */ label, /** @type {string} */ value, /** @type {string[]} */ options, /** @type {(value: any) => void} */ done) => {
    const found = el("select", { "aria-label": label, onchange: () => done(found.value) }, ...options.map((option) => el("option", { value: option }, option)));
    found.value = value;
    return found;
  };
  const number = el("input", { type: "number", step: "any", "aria-label": "Threshold", value: String(each.value), disabled: each.by === "sign", oninput: () => { if (number.value !== "") change({ value: Number(number.value) }); } });
  const from = el("input", { type: "number", value: String(each.start), "aria-label": "First step, from the place found", oninput: () => { if (from.value !== "") change({ start: Number(from.value) }); } });
  const to = el("input", { type: "number", value: String(each.stop - 1), "aria-label": "Last step, from the place found", oninput: () => { if (to.value !== "") change({ stop: Number(to.value) + 1 }); } });
  const off = el("input", { type: "checkbox", onchange: () => change({ off: off.checked }) });
  off.checked = each.off;
  return el("div", { class: "cond", role: "group", "aria-label": `Condition ${k + 1}` },
    unit,
    el("button", { type: "button", class: "plain", "aria-label": "Remove this condition", onclick: () => set({ find: state.find.filter((_, n) => n !== k) }) }, "×"),
    choose("Side", each.side, ["above", "below"], (side) => change({ side })),
    choose("Threshold by", each.by, ["value", "quantile", "sign"], (by) => change({ by, value: by === "quantile" ? 0.9 : 0 })),
    number,
    el("div", { class: "steps" }, "steps", from, "to", to, el("label", {}, off, " around it")),
  );
}

/** @param {Condition[]} find */
function later(find) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const shapes = JSON.stringify(find.map((each) => each.by)) !== JSON.stringify(state.find.map((each) => each.by));
    set({ find }, { quiet: true });
    if (shapes) shape();
  }, 200);
}

function add() {
  const named = state.units[0] ?? `${exhibit().layers[0].layer}/${exhibit().layers[0].signal}:0`;
  const { key, unit } = parts(named);
  set({ find: [...state.find, { key, unit, side: "above", by: "quantile", value: 0.9, start: 0, stop: 1, off: false }] });
}

/** @param {import("./scene.js").Scene} shown @param {string} named */
function valuesOf(shown, named) {
  return shown.series.get(named) ?? new Float32Array(0);
}

/**
 * Look for what a unit does in a span, and does not around it.
 * @param {string} named @param {number} from @param {number} to @param {number} whisker
 */
export function fromSpan(named, from, to, whisker) {
  if (!scene) return;
  const series = valuesOf(scene, named);
  const within = series.slice(from, to);
  const around = [...series.slice(Math.max(0, from - whisker), from), ...series.slice(to, to + whisker)];
  const mean = unitOf(state.in, named)?.mean ?? 0;
  const above = within.reduce((sum, value) => sum + value, 0) / within.length >= (around.length ? around.reduce((a, b) => a + b, 0) / around.length : mean);
  const least = above ? Math.min(...within) : -Math.max(...within);
  const most = around.length ? Math.max(...around.map((value) => (above ? value : -value))) : -Infinity;
  const apart = whisker > 0 && least > most;
  const threshold = (apart ? (least + most) / 2 : least - 0.02 * Math.abs(least) - 1e-4) * (above ? 1 : -1);
  const { key, unit } = parts(named);
  const [low, high] = above ? [apart ? most : -Infinity, least] : [-least, apart ? -most : Infinity];
  const value = rounded(threshold, low, high);
  const side = above ? "above" : "below";
  const off = above ? "below" : "above";
  /** @type {Condition[]} */
  const find = [{ key, unit, side, by: "value", value, start: 0, stop: to - from, off: false }];
  if (apart) {
    find.push({ key, unit, side: off, by: "value", value, start: -whisker, stop: 0, off: true }, { key, unit, side: off, by: "value", value, start: to - from, stop: to - from + whisker, off: true });
  } else if (whisker > 0) say("it is not off around the span: looking for the span alone");
  set({ find, tab: "find" });
}

/** Look for the units that a span sets apart. @param {string} key @param {number} from @param {number} to @param {number} whisker */
export async function alike(key, from, to, whisker) {
  if (!scene || scene.sequence < 0) {
    say("units are looked for in recorded sequences; go back to the recording", true);
    return;
  }
  try {
    const found = await api.get(`api/${state.in}/span`, { key, sequence: scene.sequence, from: from + scene.start, to: to + scene.start, whisker: Math.max(1, whisker) });
    const units = found.units.map((/** @type {any} */ each) => `${found.key}:${each.unit}`);
    if (!units.length) say("no unit of this signal is set apart there: try fewer steps around it, or another span");
    else set({ units: [...new Set([...state.units.slice(0, 1), ...units])].slice(0, 12) });
  } catch (error) {
    complain(error);
  }
}

/** Ask for all places where the conditions hold. */
export async function search() {
  const results = document.getElementById("results");
  if (!results || !state.find.length) return;
  const name = JSON.stringify([state.in, state.find]);
  if (name === asked && results.childElementCount) return;
  asked = name;
  const began = performance.now();
  try {
    const found = await latest.ask((signal) => api.get(`api/${state.in}/find`, { conditions: JSON.stringify(state.find) }, signal));
    if (!found) return;
    const took = Math.round(performance.now() - began);
    fill(
      results,
      el("p", { class: "note", id: "found" }, found.places ? `${many(found.places)} places (${many(found.steps)} steps) in ${many(found.searched)} steps, ${took} ms` : `nowhere in ${many(found.searched)} steps, ${took} ms`),
      ...(found.lifts.length ? [el("h2", {}, "More or less there than anywhere"), lifts(found.lifts)] : []),
      ...(found.found.length ? [el("h2", {}, `Places${found.places > found.found.length ? `, the first ${found.found.length}` : ""}`)] : []),
      ...found.found.map(place),
    );
  } catch (error) {
    asked = "";
    fill(results, el("p", { class: "note" }, error instanceof Error ? error.message : ""));
  }
}

/** @param {any[]} found */
function lifts(found) {
  const list = el("div", { class: "lifts" });
  const reach = Math.max(2, ...found.slice(0, 14).map((each) => Math.max(each.lift, 1 / each.lift)).filter(Number.isFinite));
  for (const each of found.slice(0, 14)) {
    list.append(
      el("span", {}, `${labelName(each.label)} = ${visible(each.value)}`),
      el("strong", { class: "nums" }, `× ${short(each.lift)}`),
      liftBar(each, reach),
      el("span", { class: "soft nums", title: "share there, share anywhere" }, `${short(each.share * 100, 1)} % / ${short(each.base * 100, 1)} %`),
    );
  }
  return list;
}

/** A lift on a logarithmic scale, with its interval. @param {any} each @param {number} reach */
function liftBar(each, reach) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 200 12");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `lift ${short(each.lift)}, 95 % interval ${short(each.low)} to ${short(each.high)}, ${each.places} places`);
  const x = (/** @type {number} */ value) => Math.max(0, Math.min(200, 100 + (Math.log(value) / Math.log(reach)) * 100));
  const rect = (/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ y, /** @type {number} */ h, /** @type {string} */ fill) => {
    const one = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of Object.entries({ x: Math.min(from, to), y, width: Math.max(1, Math.abs(to - from)), height: h, fill })) one.setAttribute(name, String(value));
    svg.append(one);
  };
  rect(100, x(each.lift), 2, 8, each.lift >= 1 ? "var(--up)" : "var(--down)");
  rect(99.5, 100.5, 0, 12, "var(--ghost)");
  if (each.low > 0) rect(x(each.low), x(each.high), 5.25, 1.5, "var(--ink)");
  return svg;
}

/** @param {any} each */
function place(each) {
  return el("button", { type: "button", class: "place", onclick: () => set({ sequence: each.sequence, from: Math.floor(each.step / WINDOW) * WINDOW, at: each.step % WINDOW, text: null, holds: [] }) },
    el("span", { class: "soft nums" }, `${each.sequence}:${each.step} `), el("span", { class: "mono" }, each.before ? visible(each.before.slice(-28)) : "", " ", el("mark", {}, visible(each.within) || " "), " ", each.after ? visible(each.after) : ""));
}
