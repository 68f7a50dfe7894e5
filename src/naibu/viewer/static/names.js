// Names of signals and units as people say them.
// @ts-check

/** @type {Record<string, string>} */
export const LETTERS = {
  input_gate: "i", forget_gate: "f", output_gate: "o", candidate: "g", update: "i·g", cell: "c", hidden: "h",
  reset_gate: "r", update_gate: "z",
};
/** @type {Record<string, string>} */
const WORDS = {
  input_gate: "input gate", forget_gate: "forget gate", output_gate: "output gate", update: "update", cell: "cell",
  hidden: "hidden state", candidate: "candidate", reset_gate: "reset gate", update_gate: "update gate",
};
const ORDER = ["input_gate", "forget_gate", "output_gate", "reset_gate", "update_gate", "candidate", "update", "cell", "hidden"];

/** @param {string} signal */
export function signalName(signal) {
  return WORDS[signal] ?? signal.replace(/_/g, " ");
}

/** @param {string[]} signals in the order in which a step computes them */
export function inOrder(signals) {
  const place = (/** @type {string} */ signal) => (ORDER.includes(signal) ? ORDER.indexOf(signal) : ORDER.length);
  return [...signals].sort((a, b) => place(a) - place(b));
}

/** @param {string} named LAYER/SIGNAL:UNIT @returns {{layer: string, signal: string, key: string, unit: number}} */
export function parts(named) {
  const colon = named.lastIndexOf(":");
  const key = named.slice(0, colon);
  const slash = key.lastIndexOf("/");
  return { layer: key.slice(0, slash), signal: key.slice(slash + 1), key, unit: Number(named.slice(colon + 1)) };
}

/** @param {string} named @param {boolean} several whether there are several layers */
export function unitName(named, several) {
  const { layer, signal, unit } = parts(named);
  return `${several ? layer + " " : ""}${signalName(signal)} ${unit}`;
}

/** @param {string} label */
export function labelName(label) {
  const found = /^(depth|inside):(.*)$/.exec(label);
  if (found) return found[1] === "depth" ? `${found[2]} depth` : `inside ${found[2]}`;
  return label.replace(/_/g, " ");
}
