// The list of sequences: filtered by what they hold, sorted by how hard they were or by what a unit does in them.
// @ts-check
import * as api from "./api.js";
import { byId, complain, el, fill, many, short, visible } from "./dom.js";
import { Grid } from "./grid.js";
import { labelName } from "./names.js";
import { exhibit } from "./stage.js";
import { set, state } from "./state.js";

/** @type {import("./grid.js").Field[]} */
const FIELDS = [
  { name: "number", title: "no.", right: true },
  { name: "length", title: "steps", right: true },
  { name: "loss", title: "loss", right: true, help: "Mean loss in nats" },
  { name: "split", title: "split", sorts: false },
  { name: "begins", title: "begins", sorts: false },
];
const PART = 200;
/** @type {Grid} */
let grid;
const latest = new api.Latest();
/** @type {any[]} */
let rows = [];
let count = 0;
let asked = "";
let wanted = new Set();

export function start() {
  grid = new Grid({
    label: "Sequences", kind: "listed", fields: FIELDS, cell, key: (row) => String(row.number),
    open: (row) => set({ sequence: row.number, from: 0, at: -1, text: null, holds: [] }),
    sort: (name) => change({ sort: name, down: state.list.sort === name && state.list.down !== "1" ? "1" : state.list.sort === name ? "" : name === "loss" ? "1" : "" }),
    near: (last) => more(last),
  });
  shape();
}

/** Make the panel anew for the exhibit that is looked at. */
export function shape() {
  const shown = exhibit();
  const by = (/** @type {string} */ name, /** @type {any} */ how) => {
    const found = el("input", { ...how, value: state.list[name] ?? "", oninput: () => later({ [name]: found.value }) });
    return found;
  };
  const choose = (/** @type {string} */ name, /** @type {string} */ label, /** @type {[string, string][]} */ options) => {
    const found = el("select", { "aria-label": label, onchange: () => change({ [name]: found.value }) }, ...options.map(([value, text]) => el("option", { value }, text)));
    found.value = state.list[name] ?? "";
    return found;
  };
  const sorts = /** @type {[string, string][]} */ ([["", "in order"], ["length", "by length"]]);
  if (shown.outcomes.includes("loss")) sorts.push(["loss", "by loss"]);
  sorts.push(["range", "by the unit's range"], ["highest", "by its highest"], ["lowest", "by its lowest"], ["mean", "by its mean"]);
  const labels = /** @type {[string, string][]} */ ([["", "any label"], ...shown.labels.map((/** @type {any} */ each) => [each.name, labelName(each.name)])]);
  fill(
    byId("panel-sequences"),
    el("div", { class: "bar" },
      shown.spelled ? by("words", { type: "search", placeholder: "words or characters in a row", "aria-label": "Words that come one after the other" }) : null,
      choose("split", "Split", [["", "all splits"], ...shown.splits.map((/** @type {string} */ each) => /** @type {[string, string]} */ ([each, each]))]),
      choose("sort", "Sort", sorts),
      el("label", {}, checkbox(), " reversed")),
    el("div", { class: "bar" },
      by("shortest", { type: "number", min: 0, placeholder: "steps ≥", "aria-label": "Shortest" }),
      by("longest", { type: "number", min: 0, placeholder: "steps ≤", "aria-label": "Longest" }),
      shown.outcomes.includes("loss") ? by("least_loss", { type: "number", step: "any", placeholder: "loss ≥", "aria-label": "Least loss" }) : null,
      shown.labels.length ? choose("label", "Label", labels) : null,
      shown.labels.length ? by("value", { type: "text", size: 8, placeholder: "= value", "aria-label": "Value that the label has somewhere" }) : null),
    grid.root,
    el("p", { class: "note", id: "listed-note" }),
  );
  load();
}

function checkbox() {
  const found = el("input", { type: "checkbox", onchange: () => change({ down: found.checked ? "1" : "" }) });
  found.checked = state.list.down === "1";
  return found;
}

/** @param {Record<string, string>} changes */
function change(changes) {
  set({ list: Object.fromEntries(Object.entries({ ...state.list, ...changes }).filter(([, value]) => value)) }, { quiet: true });
}
let timer = 0;
/** @param {Record<string, string>} changes */
function later(changes) {
  clearTimeout(timer);
  timer = setTimeout(() => change(changes), 250);
}

/** @returns {Record<string, string>} */
function question() {
  const { label, value, ...list } = state.list;
  const byUnit = ["range", "highest", "lowest", "mean"].includes(list.sort);
  return { ...list, ...(label && value ? { label, value } : {}), unit: byUnit ? state.units[0] ?? "" : "" };
}

export async function load() {
  if (byId("panel-sequences").hidden && rows.length) return;
  const now = question();
  if (["range", "highest", "lowest", "mean"].includes(now.sort) && !now.unit) {
    byId("listed-note").textContent = "Choose a unit first: sequences are sorted by what it does.";
    return;
  }
  const name = JSON.stringify([state.in, now]);
  if (name === asked) return mark();
  asked = name;
  try {
    const found = await latest.ask((signal) => api.get(`api/${state.in}/sequences`, now, signal));
    if (!found) return;
    rows = [];
    wanted = new Set();
    count = found.count;
    take(found);
    byId("listed-note").textContent = found.count === found.all ? `${many(found.all)} sequences` : `${many(found.count)} of ${many(found.all)} sequences`;
  } catch (error) {
    asked = "";
    byId("listed-note").textContent = error instanceof Error ? error.message : "";
  }
}

/** @param {any} found */
function take(found) {
  found.sequences.forEach((/** @type {number} */ number, /** @type {number} */ k) => {
    rows[found.first + k] = { number, length: found.lengths[k], split: found.splits[k], loss: found.loss?.[k] ?? null, begins: found.begins[k] };
  });
  grid.heads(state.list.sort || "number", state.list.down === "1");
  grid.show(rows, count);
  mark();
}

/** @param {number} last */
async function more(last) {
  for (const part of [Math.floor(Math.max(0, last - 40) / PART), Math.floor(Math.max(0, last - 1) / PART)]) {
    const first = part * PART;
    if (first >= count || rows[first] !== undefined || wanted.has(first)) continue;
    wanted.add(first);
    const name = asked;
    try {
      const found = await api.get(`api/${state.in}/sequences`, { ...question(), first });
      if (name === asked) take(found);
    } catch (error) {
      complain(error);
    }
  }
}

export function mark() {
  grid.mark(state.text === null ? [String(state.sequence)] : []);
}

/** @param {any} row @param {import("./grid.js").Field} field @returns {Node | string} */
function cell(row, field) {
  if (field.name === "begins") return el("span", { class: "mono", title: row.begins }, visible(row.begins));
  if (field.name === "loss") return row.loss === null ? "–" : short(row.loss);
  if (field.name === "split") return el("small", {}, row.split);
  return field.name === "number" ? many(row.number) : many(row.length);
}
