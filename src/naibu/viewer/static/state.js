// What is looked at: all of it stands in the address, so that it can be reloaded, kept and sent.
// @ts-check

/**
 * @typedef {{key: string, unit: number, side: "above" | "below", by: "value" | "quantile" | "sign", value: number,
 *   start: number, stop: number, off: boolean}} Condition
 * @typedef {{in: number, beside: number, sequence: number, from: number, at: number, key: string, units: string[],
 *   open: number[], tab: string, sort: string, down: boolean, filter: string, holds: string[], text: string | null,
 *   source: string | null, beam: number, clamps: string[], find: Condition[], drag: "find" | "hold", heat: string, order: string, list: Record<string, string>}} State
 */

/** @type {State} */
const USUAL = {
  in: 0, beside: -1, sequence: 0, from: 0, at: -1, key: "", units: [], open: [0], tab: "units", sort: "r", down: true,
  filter: "", holds: [], text: null, source: null, beam: 5, clamps: [], find: [], drag: "find", heat: "", order: "r", list: {},
};

/** @type {Set<(changed: Set<string>) => void>} */
const listeners = new Set();

/** @type {State} */
export const state = { ...USUAL, ...read(location.search) };

/**
 * Return what an address says; what it says wrongly is as if it said nothing.
 * @param {string} search
 * @returns {Partial<State>}
 */
export function read(search) {
  const asked = new URLSearchParams(search);
  /** @type {any} */
  const found = {};
  for (const name of ["in", "beside", "sequence", "from", "at", "beam"]) {
    const typed = asked.get(name);
    if (typed !== null && /^-?\d{1,15}$/.test(typed)) found[name] = Number(typed);
  }
  for (const name of ["key", "tab", "sort", "filter", "drag", "heat", "order"]) {
    const typed = asked.get(name);
    if (typed !== null) found[name] = typed;
  }
  if (!["units", "sequences", "find"].includes(found.tab)) delete found.tab;
  if (!["find", "hold"].includes(found.drag)) delete found.drag;
  for (const name of ["text", "source"]) if (asked.has(name)) found[name] = asked.get(name);
  if (asked.has("down")) found.down = asked.get("down") === "1";
  for (const name of ["units", "holds", "clamps"]) {
    if (asked.has(name)) found[name] = (asked.get(name) ?? "").split(",").filter(Boolean).slice(0, 64);
  }
  if (asked.has("open")) found.open = (asked.get("open") ?? "").split(",").filter((each) => /^\d+$/.test(each)).map(Number);
  for (const name of ["find", "list"]) {
    const typed = asked.get(name);
    if (typed === null) continue;
    try {
      found[name] = JSON.parse(typed);
    } catch {
      // An address that was cut off: nothing is looked for.
    }
  }
  if (!Array.isArray(found.find)) delete found.find;
  if (typeof found.list !== "object" || found.list === null || Array.isArray(found.list)) delete found.list;
  return found;
}

/** Return the state as it stands in the address, without what is usual. */
export function query() {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    const usual = /** @type {any} */ (USUAL)[name];
    if (JSON.stringify(value) === JSON.stringify(usual)) continue;
    if (name === "find" || name === "list") asked.set(name, JSON.stringify(value));
    else if (typeof value === "boolean") asked.set(name, value ? "1" : "0");
    else if (Array.isArray(value)) asked.set(name, value.join(","));
    else if (value !== null) asked.set(name, String(value));
  }
  return asked.toString();
}

/**
 * Change what is looked at, and tell all who draw it.
 * @param {Partial<State>} changes
 * @param {{quiet?: boolean}} [how] quiet: a step that Back should not stop at
 */
export function set(changes, how = {}) {
  const changed = new Set();
  for (const [name, value] of Object.entries(changes)) {
    if (JSON.stringify(/** @type {any} */ (state)[name]) !== JSON.stringify(value)) {
      /** @type {any} */ (state)[name] = value;
      changed.add(name);
    }
  }
  if (!changed.size) return;
  write(how.quiet ?? [...changed].every((name) => ["at", "filter", "sort", "down", "order"].includes(name)));
  for (const listener of listeners) listener(changed);
}

let waiting = 0;
/** @param {boolean} quiet */
function write(quiet) {
  const text = query();
  const where = text ? `?${text}` : location.pathname;
  if (!quiet) {
    clearTimeout(waiting);
    history.pushState(null, "", where);
    return;
  }
  clearTimeout(waiting);  // browsers refuse hundreds of changes a second
  waiting = setTimeout(() => history.replaceState(null, "", where), 120);
}

/** @param {(changed: Set<string>) => void} listener */
export function listen(listener) {
  listeners.add(listener);
}

addEventListener("popstate", () => {
  const before = { ...state };
  Object.assign(state, USUAL, read(location.search));
  const changed = new Set(
    Object.keys(USUAL).filter((name) => JSON.stringify(/** @type {any} */ (state)[name]) !== JSON.stringify(/** @type {any} */ (before)[name])),
  );
  for (const listener of listeners) listener(changed);
});
