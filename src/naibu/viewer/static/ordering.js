// In which order units stand in the map.
// @ts-check

/** By correlation with a label, the largest first. @param {number[]} r @returns {Int32Array} */
export function byCorrelation(r) {
  return Int32Array.from(r.map((_, k) => k).sort((a, b) => r[b] - r[a] || a - b));
}

/**
 * Units that move alike beside each other: by the angle of their first two principal components over some steps.
 * @param {Float32Array} values `[step unit]` @param {number} steps @param {number} units @returns {Int32Array}
 */
export function alike(values, steps, units) {
  const x = new Float64Array(steps * units);
  for (let unit = 0; unit < units; unit++) {
    let mean = 0;
    let square = 0;
    for (let step = 0; step < steps; step++) mean += values[step * units + unit] / steps;
    for (let step = 0; step < steps; step++) square += (values[step * units + unit] - mean) ** 2 / steps;
    const deviation = Math.sqrt(square) || 1;
    for (let step = 0; step < steps; step++) x[step * units + unit] = (values[step * units + unit] - mean) / deviation;
  }
  const first = component(x, steps, units, null);
  const second = component(x, steps, units, first);
  const angle = Array.from(first, (a, k) => Math.atan2(second[k], a));
  return Int32Array.from(angle.map((_, k) => k).sort((a, b) => angle[a] - angle[b] || a - b));
}

/** @param {Float64Array} x @param {number} steps @param {number} units @param {Float64Array | null} without */
function component(x, steps, units, without) {
  let v = Float64Array.from({ length: units }, (_, k) => Math.sin(k * 12.9898 + 1));
  const scores = new Float64Array(steps);
  for (let round = 0; round < 24; round++) {
    if (without) {
      let along = 0;
      for (let k = 0; k < units; k++) along += v[k] * without[k];
      for (let k = 0; k < units; k++) v[k] -= along * without[k];
    }
    scores.fill(0);
    for (let step = 0; step < steps; step++) for (let k = 0; k < units; k++) scores[step] += x[step * units + k] * v[k];
    const next = new Float64Array(units);
    for (let step = 0; step < steps; step++) for (let k = 0; k < units; k++) next[k] += x[step * units + k] * scores[step];
    const size = Math.hypot(...next) || 1;
    for (let k = 0; k < units; k++) next[k] /= size;
    v = next;
  }
  return v;
}
