// Making elements; every text that comes from a recording becomes a text node, never markup.
// @ts-check

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes] on... are listeners, the others attributes; null and false are left out
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) found.addEventListener(name.slice(2), value);
    else if (name === "class") found.className = value;
    else if (name === "value") /** @type {any} */ (found).value = value;
    else found.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    found.append(child instanceof Node ? child : String(child));
  }
  return found;
}

/** @param {Element} parent @param {...(Node | string | null | false)} children */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter((child) => child !== null && child !== false).map((child) => /** @type {Node | string} */ (child)));
}

/** @template {HTMLElement} T @param {string} id @returns {T} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`#${id}`);
  return /** @type {T} */ (found);
}

/** @param {string} text */
export function say(text, wrong = false) {
  const said = byId("said");
  said.textContent = text;
  said.classList.toggle("wrong", wrong);
  said.classList.add("there");
  clearTimeout(/** @type {any} */ (said).timer);
  /** @type {any} */ (said).timer = setTimeout(() => said.classList.remove("there"), wrong ? 9000 : 3500);
}

/** @param {unknown} error */
export function complain(error) {
  if (error instanceof Error && error.name !== "AbortError") say(error.message, true);
}

/** @param {number | null | undefined} value */
export function short(value, digits = 2) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 10000) return String(value).replace("-", "−");
  const size = Math.abs(value);
  const text = size !== 0 && (size >= 10000 || size < 0.001) ? value.toExponential(1) : size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(digits);
  return text.replace("-", "−");
}

/** @param {number | null | undefined} value a correlation or share: .98 */
export function fraction(value, digits = 2) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return value.toFixed(digits).replace("-", "−").replace(/^(−?)0\./, "$1.");
}

/** @param {number} count */
export function many(count) {
  return count.toLocaleString("en-GB").replace(/,/g, " ");
}

/** @type {Record<string, string>} */
const VISIBLE = { " ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍", "": "∅" };

/** @param {string | null | undefined} symbol as it can be seen */
export function visible(symbol) {
  if (symbol === null || symbol === undefined) return "";
  return VISIBLE[symbol] ?? symbol.replace(/[\n\t\r]/g, (c) => VISIBLE[c]).replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, "�");
}

/** A control with words before it. @param {string} text @param {HTMLElement} control */
export function labelled(text, control) {
  return el("label", { class: "pick" }, `${text} `, control);
}

/** A canvas of so many pixels of the page, as sharp as the screen, with nothing on it. @param {HTMLCanvasElement} canvas @param {number} width @param {number} height */
export function emptied(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen?.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen?.clearRect(0, 0, width, height);
  return pen;
}
