// What the stage shows: the steps of one sequence with columns and series, recorded or live.
// @ts-check
import * as api from "./api.js";
import { floatsOfBase64 } from "./half.js";
import { inOrder, parts } from "./names.js";

/**
 * @typedef {{codes?: number[], names?: (string | null)[], values?: number[], numbers?: (number | null)[]}} Column
 * @typedef {{exhibit: number, start: number, steps: number, length: number, sequence: number, split: string,
 *   seen: boolean, text: string[], inputs: Record<string, Column>, labels: Record<string, Column>,
 *   outcomes: Record<string, Column>, series: Map<string, Float32Array>, pinned: Scene | null, reading: string | null,
 *   likeliest: [string, number][][] | null, total: number | null, python: string, difference: number | null,
 *   recordedState: boolean, live: boolean, sequences: number}} Scene
 * @typedef {{layer: string, signal: string, units: number}} Layer
 */

/** Steps of a sequence that are shown at a time. */
export const WINDOW = 2000;

/** The signals of the layer that a unit is of. @param {Layer[]} layers @param {string} named */
export function signalsOf(layers, named) {
  const { layer, unit } = parts(named);
  return inOrder(layers.filter((each) => each.layer === layer && unit < each.units).map((each) => each.signal));
}

/** What has to be known to draw some units. @param {Layer[]} layers @param {string[]} units @param {number[]} open */
export function seriesFor(layers, units, open) {
  const found = new Set();
  units.forEach((named, k) => {
    const { layer, unit } = parts(named);
    found.add(named);
    if (k === 0 || open.includes(k)) for (const signal of signalsOf(layers, named)) found.add(`${layer}/${signal}:${unit}`);
  });
  return /** @type {string[]} */ ([...found]);
}

/**
 * @param {number} exhibit @param {number} sequence @param {number} from @param {string[]} series
 * @param {AbortSignal} signal @returns {Promise<Scene>}
 */
export async function recorded(exhibit, sequence, from, series, signal) {
  const asked = { sequence, from, to: from + WINDOW };
  /** @type {Map<string, number[]>} */
  const byKey = new Map();
  for (const named of series) {
    const { key, unit } = parts(named);
    byKey.set(key, [...(byKey.get(key) ?? []), unit]);
  }
  const columns = api.get(`api/${exhibit}/sequence`, asked, signal);
  const values = [...byKey].map(async ([key, units]) => ({ key, units, found: await api.values(`api/${exhibit}/values`, { ...asked, key, units: units.join(",") }, signal) }));
  const [said, ...some] = await Promise.all([columns, ...values]);
  /** @type {Map<string, Float32Array>} */
  const drawn = new Map();
  for (const { key, units, found } of some) {
    units.forEach((unit, k) => {
      const one = new Float32Array(found.steps);
      for (let step = 0; step < found.steps; step++) one[step] = found.values[step * found.units + k];
      drawn.set(`${key}:${unit}`, one);
    });
  }
  return { ...scene(exhibit, said, drawn), sequence, start: said.start, length: said.length, split: said.split, seen: said.seen };
}

/**
 * @param {number} exhibit @param {{sequence?: number, text?: string, holds: string[], series: string[]}} question
 * @param {AbortSignal} [signal] @returns {Promise<Scene>}
 */
export async function live(exhibit, question, signal) {
  const said = await api.post(`api/${exhibit}/read`, question, signal);
  const found = scene(exhibit, said, unpacked(said, question.series));
  found.live = true;
  found.sequence = question.sequence ?? -1;
  found.reading = said.reading;
  found.python = said.python;
  found.difference = said.difference;
  found.recordedState = said.from_recorded_state;
  if (said.pinned) found.pinned = scene(exhibit, { ...said.pinned, text: said.text }, unpacked(said.pinned, question.series));
  return found;
}

/** @param {any} said @param {string[]} series */
function unpacked(said, series) {
  const values = floatsOfBase64(said.series);
  const steps = series.length ? values.length / series.length : 0;
  return new Map(series.map((named, k) => [named, values.subarray(k * steps, (k + 1) * steps)]));
}

/** @param {number} exhibit @param {any} said @param {Map<string, Float32Array>} series @returns {Scene} */
function scene(exhibit, said, series) {
  return {
    exhibit, start: 0, steps: said.text.length, length: said.text.length, sequence: -1, split: "", seen: false,
    text: said.text, inputs: said.inputs, labels: said.labels, outcomes: said.outcomes, series, pinned: null,
    reading: null, likeliest: said.likeliest ?? null, total: said.total ?? null, python: "", difference: 0,
    recordedState: false, live: false, sequences: said.sequences ?? 1,
  };
}

/** The value of a column at a step, as a text or number. @param {Column | undefined} column @param {number} step */
export function at(column, step) {
  if (!column) return null;
  if (column.codes && column.names) return column.names[column.codes[step]] ?? null;
  return column.numbers?.[step] ?? null;
}
