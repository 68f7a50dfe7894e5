// A table of any number of rows, of which those in sight are made; a keyboard moves in it, a screen reader reads it.
// @ts-check
import { el } from "./dom.js";

/**
 * @typedef {{name: string, title: string, help?: string, right?: boolean, wide?: boolean, sorts?: boolean}} Field
 */
const HEIGHT = 34;
const HEAD = 31;
const MARGIN = 8;
let made = 0;

export class Grid {
  /**
   * @param {{label: string, kind: string, fields: Field[], cell: (row: any, field: Field) => Node | string,
   *   key: (row: any) => string, open: (row: any, event: Event) => void, sort: (field: string) => void,
   *   near?: (last: number) => void}} how
   */
  constructor(how) {
    this.how = how;
    this.id = `grid${made++}`;
    /** @type {any[]} */
    this.rows = [];
    this.count = 0;
    this.active = 0;
    /** @type {Set<string>} */
    this.chosen = new Set();
    this.head = el("div", { role: "row", class: "head", "aria-rowindex": 1 });
    this.space = el("div", { class: "rows", role: "rowgroup" });
    this.root = el(
      "div",
      { class: `grid ${how.kind}`, role: "grid", tabindex: 0, "aria-label": how.label, "aria-multiselectable": "true", onscroll: () => this.draw(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.typed(event) },
      el("div", { role: "rowgroup", class: "heads" }, this.head),
      this.space,
    );
    new ResizeObserver(() => this.draw()).observe(this.root);
  }

  /** @param {string} sort @param {boolean} down */
  heads(sort, down) {
    this.head.replaceChildren(
      ...this.how.fields.map((field) => {
        const sorted = field.name === sort;
        const title = field.sorts === false ? field.title : el("button", { type: "button", title: field.help, onclick: () => this.how.sort(field.name) }, `${field.title}${sorted ? (down ? " ▾" : " ▴") : ""}`);
        return el("div", { role: "columnheader", class: `${field.right ? "right" : ""} ${field.wide ? "wide" : ""}`, "aria-sort": sorted ? (down ? "descending" : "ascending") : null }, title);
      }),
    );
  }

  /** @param {any[]} rows @param {number} [count] rows in all, where more come when they are scrolled to */
  show(rows, count = rows.length) {
    this.rows = rows;
    this.count = count;
    this.active = Math.min(this.active, Math.max(0, count - 1));
    this.root.setAttribute("aria-rowcount", String(count + 1));
    this.space.style.height = `${count * HEIGHT}px`;
    this.draw();
  }

  /** @param {Iterable<string>} chosen */
  mark(chosen) {
    this.chosen = new Set(chosen);
    this.draw();
  }

  draw() {
    const top = this.root.scrollTop;
    const first = Math.max(0, Math.floor(top / HEIGHT) - MARGIN);
    const last = Math.min(this.count, Math.ceil((top + this.root.clientHeight) / HEIGHT) + MARGIN);
    const rows = [];
    for (let k = first; k < last; k++) {
      const row = this.rows[k];
      const line = el("div", {
        role: "row", id: `${this.id}-${k}`, "aria-rowindex": k + 2,
        "aria-selected": row !== undefined && this.chosen.has(this.how.key(row)) ? "true" : "false",
        onclick: (/** @type {MouseEvent} */ event) => { this.active = k; if (this.rows[k] !== undefined) this.how.open(this.rows[k], event); },
      });
      line.style.transform = `translateY(${k * HEIGHT}px)`;
      for (const field of this.how.fields) {
        line.append(el("div", { role: "gridcell", class: `${field.right ? "right nums" : ""} ${field.wide ? "wide" : ""}` }, row === undefined ? "" : this.how.cell(row, field)));
      }
      rows.push(line);
    }
    this.space.replaceChildren(...rows);
    const active = this.space.querySelector(`#${this.id}-${this.active}`);
    active?.classList.add("active");
    if (active) this.root.setAttribute("aria-activedescendant", active.id);
    else this.root.removeAttribute("aria-activedescendant");
    this.how.near?.(last);
  }

  /** @param {KeyboardEvent} event */
  typed(event) {
    if (event.target !== this.root) return;
    const page = Math.max(1, Math.floor((this.root.clientHeight - HEAD) / HEIGHT) - 1);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.count, End: this.count }[event.key];
    if (step !== undefined) {
      this.active = Math.max(0, Math.min(this.count - 1, this.active + step));
      const top = this.active * HEIGHT;
      const room = this.root.clientHeight - HEAD;
      if (top < this.root.scrollTop) this.root.scrollTop = top;
      else if (top + HEIGHT > this.root.scrollTop + room) this.root.scrollTop = top + HEIGHT - room;
      this.draw();
      event.preventDefault();
      event.stopPropagation();
    } else if ((event.key === "Enter" || event.key === " ") && this.rows[this.active] !== undefined) {
      this.how.open(this.rows[this.active], event);
      event.preventDefault();
      event.stopPropagation();
    }
  }
}
