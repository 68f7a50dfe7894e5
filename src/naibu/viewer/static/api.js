// Asking the server: JSON and float16 windows, relative to the address, which has the token.
// @ts-check
import { floats } from "./half.js";

/** What the server said was wrong. */
export class Refused extends Error {}

/**
 * @param {string} path
 * @param {Record<string, any>} asked
 */
function address(path, asked) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** @param {Response} response */
async function refusal(response) {
  let said = `the server answered ${response.status}`;
  try {
    said = (await response.json()).error ?? said;
  } catch {
    // It was no JSON: the status says enough.
  }
  return new Refused(said);
}

/** @param {string} path @param {RequestInit} [how] */
async function fetched(path, how) {
  try {
    return await fetch(path, how);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused("the server does not answer; is naibu view still running?");
  }
}

/**
 * @param {string} path
 * @param {Record<string, any>} [asked]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function get(path, asked = {}, signal) {
  const response = await fetched(address(path, asked), { signal });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/**
 * Return values `[step unit]`, row after row.
 * @param {string} path
 * @param {Record<string, any>} asked
 * @param {AbortSignal} [signal]
 * @returns {Promise<{values: Float32Array, steps: number, units: number}>}
 */
export async function values(path, asked, signal) {
  const response = await fetched(address(path, asked), { signal });
  if (!response.ok) throw await refusal(response);
  const [steps, units] = (response.headers.get("x-shape") ?? "0 0").split(" ").map(Number);
  return { values: floats(await response.arrayBuffer()), steps, units };
}

/**
 * @param {string} path
 * @param {any} question
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function post(path, question, signal) {
  const response = await fetched(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(question),
    signal,
  });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/** Asks one thing at a time: a newer question ends the one before it. */
export class Latest {
  constructor() {
    /** @type {AbortController | null} */
    this.running = null;
  }

  /**
   * Return what `ask` gives, or null where a newer question came meanwhile.
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} ask
   * @returns {Promise<T | null>}
   */
  async ask(ask) {
    this.running?.abort();
    const mine = new AbortController();
    this.running = mine;
    try {
      const found = await ask(mine.signal);
      return this.running === mine ? found : null;
    } catch (error) {
      if (mine.signal.aborted) return null;
      throw error;
    }
  }
}

/** Asks without pause, but never two at once: while one is answered only the newest waits. */
export class Following {
  constructor() {
    this.busy = false;
    /** @type {(() => Promise<void>) | null} */
    this.waiting = null;
  }

  /** @param {() => Promise<void>} ask */
  async ask(ask) {
    if (this.busy) {
      this.waiting = ask;
      return;
    }
    this.busy = true;
    try {
      await ask();
    } finally {
      this.busy = false;
      const next = this.waiting;
      this.waiting = null;
      if (next) await this.ask(next);
    }
  }
}
