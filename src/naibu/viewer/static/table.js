// The sequence as a table, for screen readers and for copying: a row a step.
// @ts-check
import { el, fill, short, visible } from "./dom.js";
import { at as valueOf } from "./scene.js";

const MOST = 300;

/** @param {import("./scene.js").Scene | null} scene @param {string[]} units */
export function showTable(scene, units) {
  const place = /** @type {HTMLDetailsElement} */ (document.getElementById("table"));
  const summary = el("summary", {}, "The sequence as a table");
  if (!scene || !place.open) {
    fill(place, summary);
    return;
  }
  const labels = Object.entries(scene.labels);
  const outcomes = Object.entries(scene.outcomes);
  const head = el("tr", {}, ...["step", "read", ...labels.map(([name]) => name), ...outcomes.map(([name]) => name), ...units].map((name) => el("th", { scope: "col" }, name)));
  const rows = [];
  for (let k = 0; k < Math.min(scene.steps, MOST); k++) {
    const cells = [...labels, ...outcomes].map(([, column]) => {
      const value = valueOf(column, k);
      return typeof value === "number" ? el("td", { class: "num" }, short(value, 3)) : el("td", {}, visible(value));
    });
    rows.push(el("tr", {}, el("th", { scope: "row" }, scene.start + k), el("td", { class: "mono" }, visible(scene.text[k])), ...cells, ...units.map((named) => el("td", { class: "num" }, short(scene.series.get(named)?.[k], 3)))));
  }
  fill(place, summary, el("div", { class: "frame", tabindex: 0, role: "region", "aria-label": "The sequence as a table" }, el("table", {}, el("caption", { class: "soft" }, scene.steps > MOST ? `the first ${MOST} of ${scene.steps} steps in sight; all of them: view.csv` : `${scene.steps} steps`), el("thead", {}, head), el("tbody", {}, ...rows))));
}
