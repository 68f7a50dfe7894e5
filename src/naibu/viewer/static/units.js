// The table of units: what each tells best, how long it keeps it, how its values lie.
// @ts-check
import * as api from "./api.js";
import { byId, el, fill, fraction, many, short } from "./dom.js";
import { Grid } from "./grid.js";
import { inOrder, labelName, parts, signalName } from "./names.js";
import { exhibit } from "./stage.js";
import { set, state } from "./state.js";

/** @typedef {{named: string, layer: string, signal: string, unit: number, kind: string, label: string | null, r: number | null, low: number | null, high: number | null, chance: number | null, control: number | null, timescale: number, saturated: number | null, deviation: number, mean: number, lowest: number, highest: number, scale: [number, number], histogram: number[]}} Unit */

const ALL = "all";
/** @type {import("./grid.js").Field[]} */
const FIELDS = [
  { name: "name", title: "unit" },
  { name: "histogram", title: "values", sorts: false },
  { name: "label", title: "follows", help: "The label that it follows best, by Pearson's r" },
  { name: "r", title: "r", right: true, help: "Pearson's r on other sequences than it was chosen on, and its 95 % interval over sequences" },
  { name: "control", title: "ctl.", right: true, help: "What the best unit of the untrained network reaches for the same label, in its signal; without one, what chance gives" },
  { name: "timescale", title: "keeps", right: true, help: "Steps until its value is as like itself as 1/e" },
  { name: "saturated", title: "sat.", right: true, wide: true, help: "Share of steps within a tenth of an end of the scale" },
  { name: "deviation", title: "spread", right: true, wide: true, help: "Standard deviation of its values" },
];

/** @type {Map<string, any>} what the server said of a signal, by exhibit and key */
const known = new Map();
/** @type {Unit[]} */
let units = [];
/** @type {Grid} */
let grid;
/** @type {HTMLElement} */
let note;
let asked = 0;

export function start() {
  grid = new Grid({
    label: "Units", kind: "units", fields: FIELDS, cell, key: (unit) => unit.named,
    open: (unit, event) => toggle(unit.named, event instanceof MouseEvent ? event.ctrlKey || event.metaKey || event.shiftKey : /** @type {KeyboardEvent} */ (event).shiftKey),
    sort: (name) => set(state.sort === name ? { down: !state.down } : { sort: name, down: !["name", "label"].includes(name) }),
  });
  note = el("p", { class: "note" });
  const panel = byId("panel-units");
  const select = el("select", { id: "signal", "aria-label": "Signal", onchange: () => set({ key: select.value }) });
  const filter = el("input", { type: "search", id: "filter", placeholder: "filter: 13, forget, depth …", "aria-label": "Filter units by name, layer, signal or label", value: state.filter, oninput: () => set({ filter: filter.value }) });
  fill(panel, el("div", { class: "named", id: "named", hidden: true }), el("div", { class: "bar" }, select, filter), grid.root, note);
  return load();
}

/** The key whose units are listed, or "all". */
export function listed() {
  const keys = exhibit().layers.map((/** @type {any} */ each) => `${each.layer}/${each.signal}`);
  if (state.key === ALL || keys.includes(state.key)) return state.key;
  const forward = keys.filter((/** @type {string} */ key) => !key.includes(".reverse/"));
  const last = (/** @type {string} */ signal) => forward.filter((/** @type {string} */ key) => key.endsWith(`/${signal}`)).at(-1);
  return last("cell") ?? last("hidden") ?? keys[0] ?? ALL;
}

/**
 * Choose a unit: alone, or beside those that are chosen.
 * @param {string} named
 * @param {boolean} more
 */
export function toggle(named, more) {
  if (state.units.includes(named)) set({ units: more || state.units.length === 1 ? state.units.filter((each) => each !== named) : [named] });
  else set({ units: more ? [...state.units, named].slice(0, 12) : [named], open: more ? state.open : [0] });
}

/** What is known of a signal's units, asked for once. @param {number} number @param {string} key @returns {Promise<any>} */
export function statistics(number, key) {
  const name = `${number} ${key}`;
  if (!known.has(name)) {
    const asking = api.get(`api/${number}/units`, { key });
    asking.catch(() => known.delete(name));
    known.set(name, asking);
  }
  return /** @type {Promise<any>} */ (known.get(name));
}

/** @type {Map<string, any>} */
const ready = new Map();

/** What is known of one unit by now: its scale and what it follows. @param {number} number @param {string} named */
export function unitOf(number, named) {
  const { key, unit } = parts(named);
  const said = ready.get(`${number} ${key}`);
  if (!said || unit >= said.units) return null;
  return { scale: said.scale[unit], kind: said.kind, mean: said.mean[unit], deviation: said.deviation[unit], label: said.label?.[unit] >= 0 ? said.labels[said.label[unit]] : null, r: said.r?.[unit] ?? null };
}

/** @param {number} number @param {string} key */
export async function learn(number, key) {
  const said = await statistics(number, key);
  ready.set(`${number} ${key}`, said);
  return said;
}

export async function load() {
  const mine = ++asked;
  const key = listed();
  const select = /** @type {HTMLSelectElement} */ (byId("signal"));
  const keys = exhibit().layers.map((/** @type {any} */ each) => `${each.layer}/${each.signal}`);
  const layers = new Set(exhibit().layers.map((/** @type {any} */ each) => each.layer));
  const options = [...keys.map((/** @type {string} */ each) => el("option", { value: each }, layers.size > 1 ? each : signalName(each.slice(each.lastIndexOf("/") + 1)))), el("option", { value: ALL }, "all signals")];
  fill(select, ...options);
  select.value = key;
  units = [];
  note.textContent = "looking at the units …";
  show();
  const wanted = key === ALL ? inOrder(keys) : [key];
  for (const each of wanted) {
    try {
      const said = await learn(state.in, each);
      if (mine !== asked) return;
      units = units.concat(rows(said));
      told(said, wanted.length > 1);
      show();
    } catch (error) {
      if (mine !== asked) return;
      note.textContent = error instanceof Error ? error.message : "";
    }
  }
  controls(wanted, mine);
}

/** @param {string[]} wanted @param {number} mine */
async function controls(wanted, mine) {
  const control = exhibit().control;
  if (control === null) return;
  for (const each of wanted) {
    const bare = await statistics(control, each).catch(() => null);
    if (mine !== asked) return;
    if (bare?.all_r?.length) {
      const best = new Map(bare.labels.map((/** @type {string} */ label, /** @type {number} */ k) => [label, Math.max(...bare.all_r[k].map(Math.abs))]));
      for (const unit of units) if (`${unit.layer}/${unit.signal}` === each && unit.label) unit.control = best.get(unit.label) ?? null;
    }
  }
  show();
}

/** @param {any} said @param {boolean} several */
function told(said, several) {
  const control = exhibit().control === null ? "ctl.: the best of all units with labels of other sequences (chance)." : "ctl.: the best unit of the network before training, same signal.";
  const some = said.rows < exhibit().tokens ? `From ${many(said.rows)} of ${many(exhibit().tokens)} steps, whole sequences. ` : "";
  const follows = said.labels.length ? `r: ${said.parts}. ${control}` : exhibit().labels.length ? "r needs two sequences, and a label that varies in them: units are told by their values alone." : "No label was recorded: units are told by their values alone.";
  note.textContent = `${some}${follows}${said.undefined ? ` ${many(said.undefined)} steps have a value that is NaN and are left out.` : ""}${several ? " All signals." : ""}`;
}

/** @param {any} said @returns {Unit[]} */
function rows(said) {
  const found = [];
  for (let k = 0; k < said.units; k++) {
    const label = said.label?.[k] >= 0 ? said.label[k] : -1;
    found.push({
      named: `${said.layer}/${said.signal}:${k}`, layer: said.layer, signal: said.signal, unit: k, kind: said.kind,
      label: label >= 0 ? said.labels[label] : null, r: said.r?.[k] ?? null, low: said.r_low?.[k] ?? null,
      high: said.r_high?.[k] ?? null, chance: label >= 0 ? said.chance[label] : null, control: null,
      timescale: said.timescale[k], saturated: said.saturated[k], deviation: said.deviation[k], mean: said.mean[k],
      lowest: said.low[k], highest: said.high[k], scale: said.scale[k], histogram: said.histogram[k],
    });
  }
  return found;
}

export function show() {
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = words.length ? units.filter((unit) => words.every((word) => matches(unit, word))) : units.slice();
  kept.sort((a, b) => (state.down ? -1 : 1) * compared(a, b) || a.unit - b.unit);
  const hasLabels = !units.length || units.some((unit) => unit.label !== null);
  if (!hasLabels && state.sort === "r") kept.sort((a, b) => b.deviation / b.scale[1] - a.deviation / a.scale[1] || a.unit - b.unit);
  grid.heads(state.sort, state.down);
  grid.show(kept);
  grid.mark(state.units);
  const filter = /** @type {HTMLInputElement} */ (byId("filter"));
  if (filter.value !== state.filter) filter.value = state.filter;
}

/** @param {Unit} unit @param {string} word */
function matches(unit, word) {
  if (/^\d+$/.test(word)) return String(unit.unit) === word;
  return `${unit.layer}/${unit.signal} ${signalName(unit.signal)} ${unit.label ?? ""} ${labelName(unit.label ?? "")}`.toLowerCase().includes(word);
}

/** @param {Unit} a @param {Unit} b */
function compared(a, b) {
  const value = (/** @type {Unit} */ unit) => {
    if (state.sort === "r") return Math.abs(unit.r ?? 0);
    if (state.sort === "control") return unit.control ?? unit.chance ?? -1;
    return /** @type {any} */ (unit)[state.sort] ?? -1;
  };
  if (state.sort === "name") return `${a.layer}/${a.signal}`.localeCompare(`${b.layer}/${b.signal}`) || a.unit - b.unit;
  if (state.sort === "label") return (a.label ?? "~").localeCompare(b.label ?? "~") || Math.abs(b.r ?? 0) - Math.abs(a.r ?? 0);
  return value(a) - value(b);
}

/** @param {Unit} unit @param {import("./grid.js").Field} field @returns {Node | string} */
function cell(unit, field) {
  switch (field.name) {
    case "name": {
      const several = new Set(exhibit().layers.map((/** @type {any} */ each) => each.layer)).size > 1;
      return el("span", { title: unit.named }, el("b", {}, unit.unit), " ", el("small", {}, `${several ? shortLayer(unit.layer) + " " : ""}${signalName(unit.signal).replace(" gate", "").replace(" state", "")}`));
    }
    case "histogram": return histogram(unit);
    case "label": return el("span", { title: unit.label ?? "" }, unit.label ? labelName(unit.label) : "–");
    case "r":
      return el("span", {}, fraction(unit.r), " ", el("small", { title: "95 % interval over whole sequences" }, unit.low === null ? "" : `${fraction(unit.low)} ${fraction(unit.high)}`));
    case "control": return fraction(unit.control ?? unit.chance);
    case "timescale": return short(unit.timescale, 1);
    case "saturated": return unit.saturated === null ? "–" : `${Math.round(unit.saturated * 100)}%`;
    default: return short(unit.deviation);
  }
}

/** A layer in two or three letters: its number, and an arrow where it reads from the right. @param {string} layer */
function shortLayer(layer) {
  return layer.replace(/^.*?(\d+)(\.reverse)?$/, (_, number, reverse) => `${number}${reverse ? "←" : "→"}`);
}

/** @param {Unit} unit */
function histogram(unit) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `hist ${unit.kind}`);
  svg.setAttribute("width", "56");
  svg.setAttribute("height", "24");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `values from ${short(unit.lowest)} to ${short(unit.highest)}, mean ${short(unit.mean)}`);
  const most = Math.max(1, ...unit.histogram.map(Math.sqrt));
  const width = 56 / unit.histogram.length;
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", unit.histogram.map((count, k) => {
    const high = count ? Math.max(1, (Math.sqrt(count) / most) * 22) : 0;
    return `M${(k * width).toFixed(1)} 23h${(width - 0.4).toFixed(1)}v${(-high).toFixed(1)}h${(0.4 - width).toFixed(1)}z`;
  }).join(""));
  svg.append(path);
  return svg;
}

/** Say which units have a name from a search. @param {any} said */
export function name(said) {
  const place = byId("named");
  if (!said.named.length && !said.finding) {
    place.hidden = true;
    return;
  }
  place.hidden = false;
  const chips = said.named.slice(0, 8).map((/** @type {any} */ each) => {
    const named = `${each.layer}/${each.signal}:${each.unit}`;
    const score = each.statistic === "auc" ? `AUC ${fraction(each.value)}` : `ρ ${fraction(each.value)}`;
    return el("button", { type: "button", title: `${score} [${fraction(each.low)}, ${fraction(each.high)}] on sequences not in training; untrained ${fraction(each.untrained)}`, onclick: () => set({ units: [named], open: [0], key: `${each.layer}/${each.signal}` }) }, el("b", {}, labelName(each.label)), ` ${signalName(each.signal)} ${each.unit}, ${score}`);
  });
  fill(place, el("h2", {}, "Found by naibu probe"), said.finding ? el("p", {}, said.finding) : null, el("div", { class: "chips" }, ...chips));
}
