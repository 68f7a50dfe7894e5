// Colours that the colour-blind tell apart (Okabe & Ito), as the style sheet has them, and what a value looks like.
// @ts-check

/** @type {Record<string, string>} */
let known = {};

/** Read the colours of the style sheet anew: it is light or dark. */
export function refresh() {
  known = {};
}

/** @param {string} name of a custom property of the style sheet, without its dashes */
export function colour(name) {
  known[name] ??= getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return known[name];
}

/** @param {string} text #rrggbb @returns {[number, number, number]} */
function rgb(text) {
  const part = (/** @type {number} */ k) => parseInt(text.slice(k, k + 2), 16);
  return [part(1), part(3), part(5)];
}

/**
 * Return the colour of a value: two away from zero for what has a sign, one from zero for a gate.
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @returns {[number, number, number]}
 */
export function shade(value, low, high) {
  const paper = rgb(colour("paper"));
  if (!(value === value)) return rgb(colour("line"));
  const signed = low < 0;
  const share = signed ? Math.max(-1, Math.min(1, value / high)) : Math.max(0, Math.min(1, (value - low) / (high - low)));
  const hue = rgb(colour(!signed ? "gate" : share > 0 ? "up" : "down"));
  const size = Math.abs(share) * 0.92;
  return /** @type {[number, number, number]} */ (paper.map((part, k) => Math.round(part + (hue[k] - part) * size)));
}

/** @param {[number, number, number]} background @returns {string} black or white, whichever is read better on it */
export function ink(background) {
  const [r, g, b] = background.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#111" : "#fff";
}
