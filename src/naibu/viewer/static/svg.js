// A pen with the few methods of a canvas that the rows use, which writes SVG instead.
// @ts-check

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");
}

export class SvgPen {
  constructor() {
    /** @type {string[]} */
    this.parts = [];
    this.fillStyle = "#000";
    this.strokeStyle = "#000";
    this.lineWidth = 1;
    this.globalAlpha = 1;
    this.font = "13px monospace";
    this.textAlign = "center";
    this.textBaseline = "middle";
    /** @type {string[]} */
    this.path = [];
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  fillRect(x, y, w, h) {
    this.parts.push(`<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${Math.max(0, w).toFixed(1)}" height="${Math.max(0, h).toFixed(1)}" fill="${this.fillStyle}"${this.globalAlpha < 1 ? ` fill-opacity="${this.globalAlpha}"` : ""}/>`);
  }

  /** @param {string} text @param {number} x @param {number} y */
  fillText(text, x, y) {
    const anchor = { center: "middle", left: "start", right: "end" }[this.textAlign] ?? "start";
    const found = /^(\d+(?:\.\d+)?px) (.*)$/.exec(this.font);
    this.parts.push(`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" dy=".35em" text-anchor="${anchor}" font-size="${found?.[1] ?? "13px"}" font-family="${escaped(found?.[2] ?? "monospace")}" fill="${this.fillStyle}" xml:space="preserve">${escaped(text)}</text>`);
  }

  beginPath() {
    this.path = [];
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.path.push(`M${x.toFixed(1)} ${y.toFixed(1)}`);
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.path.push(`L${x.toFixed(1)} ${y.toFixed(1)}`);
  }

  stroke() {
    if (this.path.length) this.parts.push(`<path d="${this.path.join("")}" fill="none" stroke="${this.strokeStyle}" stroke-width="${this.lineWidth}"/>`);
  }

  /** @param {number} width @param {number} height @param {string} paper @param {string} title */
  whole(width, height, paper, title) {
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${height.toFixed(0)}" width="${width.toFixed(0)}" height="${height.toFixed(0)}"><title>${escaped(title)}</title><rect width="100%" height="100%" fill="${paper}"/>${this.parts.join("\n")}</svg>\n`;
  }
}
