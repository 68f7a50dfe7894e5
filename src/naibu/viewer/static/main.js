// The page: asks what there is, and lets each part draw what the address says.
// @ts-check
import * as api from "./api.js";
import { refresh } from "./colours.js";
import { byId, complain, el, fill, many } from "./dom.js";
import * as find from "./find.js";
import { repaint } from "./heat.js";
import * as keys from "./keys.js";
import { repaintPad } from "./live.js";
import * as pair from "./pair.js";
import * as sequences from "./sequences.js";
import * as stage from "./stage.js";
import { listen, set, state } from "./state.js";
import * as units from "./units.js";

const TABS = ["units", "sequences", "find"];
/** @type {any} */
let about;

function theme() {
  let wanted = null;
  try {
    wanted = localStorage.getItem("naibu-theme");
  } catch {
    // A browser that keeps nothing: as the system has it.
  }
  const dark = wanted ? wanted === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  refresh();
}

function switchTheme() {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("naibu-theme", next);
  } catch {
    // It holds for this page alone.
  }
  document.documentElement.dataset.theme = next;
  refresh();
  repaint();
  repaintPad();
  stage.soon();
}

function tabs() {
  for (const name of TABS) {
    const tab = byId(`tab-${name}`);
    const on = state.tab === name;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    byId(`panel-${name}`).hidden = !on;
  }
}

/** Say which network it is, and how much was recorded of it. */
function facts() {
  const exhibit = stage.exhibit();
  const layers = new Set(exhibit.layers.map((/** @type {any} */ each) => each.layer)).size;
  document.title = `${exhibit.name} – Naibu`;
  const parts = [exhibit.network || `${layers} ${layers === 1 ? "layer" : "layers"}`, exhibit.beginning ? "before training" : "", `${many(exhibit.tokens)} steps recorded`, exhibit.live ? "" : "a recording alone: nothing can be typed or held"];
  byId("facts").textContent = parts.filter(Boolean).join(" · ");
}

async function named() {
  try {
    units.name(await api.get(`api/${state.in}/named`));
  } catch (error) {
    complain(error);
  }
}

function picks() {
  const exhibit = /** @type {HTMLSelectElement} */ (byId("exhibit"));
  const beside = /** @type {HTMLSelectElement} */ (byId("beside"));
  /** @type {[string, string][]} */
  const options = about.exhibits.map((/** @type {any} */ each, /** @type {number} */ k) => [String(k), each.name]);
  fill(exhibit, ...options.map(([value, text]) => el("option", { value }, text)));
  fill(beside, el("option", { value: "-1" }, "nothing"), ...options.map(([value, text]) => el("option", { value }, text)));
  byId("beside-label").hidden = options.length < 2;
  exhibit.onchange = () => {
    const alike = JSON.stringify(stage.exhibit().typed) === JSON.stringify(about.exhibits[Number(exhibit.value)].typed);
    set({ in: Number(exhibit.value), units: [], holds: [], clamps: [], source: null, at: -1, text: alike ? state.text : null });
  };
  beside.onchange = () => set({ beside: Number(beside.value) });
}

function picked() {
  /** @type {HTMLSelectElement} */ (byId("exhibit")).value = String(state.in);
  /** @type {HTMLSelectElement} */ (byId("beside")).value = String(state.beside);
}

async function begin() {
  theme();
  byId("theme").addEventListener("click", switchTheme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { theme(); repaint(); repaintPad(); stage.soon(); });
  about = await api.get("api/about");
  stage.describe(about);
  if (!about.exhibits[state.in]) set({ in: 0 }, { quiet: true });
  picks();
  picked();
  facts();
  tabs();
  for (const name of TABS) byId(`tab-${name}`).addEventListener("click", () => set({ tab: name }));
  document.querySelector("[role=tablist]")?.addEventListener("keydown", (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event);
    const by = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (by === undefined) return;
    const next = TABS[(TABS.indexOf(state.tab) + by + TABS.length) % TABS.length];
    set({ tab: next });
    byId(`tab-${next}`).focus();
  });
  units.start().then(named);
  stage.start();
  pair.start();
  sequences.start();
  find.shape();
  keys.start();
  listen((changed) => {
    if (changed.has("tab")) tabs();
    if (changed.has("in")) {
      picked();
      facts();
      units.load().then(named);
      sequences.shape();
      find.shape();
    } else if (changed.has("key")) units.load();
    else if (["sort", "down", "filter", "units"].some((name) => changed.has(name))) units.show();
    if (changed.has("beside")) picked();
    if (changed.has("find")) {
      if (document.activeElement?.closest("#conditions")) find.search();
      else find.shape();
    }
    if (changed.has("list") || changed.has("tab") || changed.has("units")) sequences.load();
    if (changed.has("sequence") || changed.has("text")) sequences.mark();
    stage.changed(changed);
    pair.changed(changed);
  });
}

begin().catch((error) => {
  complain(error);
  fill(byId("stage"), el("p", { class: "empty" }, error instanceof Error ? error.message : "The page could not begin."));
});
