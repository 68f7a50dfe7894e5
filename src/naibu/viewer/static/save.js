// Taking away what is seen: a picture, the numbers, the address, the lines of Python and of the command.
// @ts-check
import { colour } from "./colours.js";
import { byId, el, fill, say } from "./dom.js";
import { copy } from "./live.js";
import { exhibit, paint, picture, scene, view } from "./stage.js";
import { query, state } from "./state.js";
import { SvgPen } from "./svg.js";

const LABELS = 150;

export function open() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("save"));
  const twin = (/** @type {string} */ kind) => `${location.pathname.replace(/[^/]*$/, "")}view.${kind}?${twinQuery()}`;
  fill(
    dialog,
    el("h2", { id: "save-title" }, "Take it away"),
    el("div", { class: "bar" },
      el("button", { type: "button", id: "save-svg", onclick: () => given("naibu.svg", new Blob([svg()], { type: "image/svg+xml" })) }, "Picture, SVG"),
      el("button", { type: "button", id: "save-png", onclick: png }, "Picture, PNG"),
      el("a", { href: twin("csv"), download: "naibu.csv", id: "save-csv" }, "Numbers, CSV"),
      el("a", { href: twin("json"), target: "_blank", rel: "noopener", id: "save-json" }, "All of the page, JSON")),
    el("div", { class: "bar" },
      el("button", { type: "button", onclick: () => copy(location.href) }, "Copy the address"),
      scene?.python ? el("button", { type: "button", onclick: () => copy(scene?.python ?? "") }, "Copy what is held as Python") : null,
      el("button", { type: "button", onclick: () => copy(reading()) }, "Copy the reading as Python")),
    el("p", { class: "soft" }, "The address holds all that is looked at; it works as long as this server runs, on this machine."),
    el("div", { class: "bar" }, el("button", { type: "button", onclick: () => dialog.close() }, "Close")),
  );
  dialog.showModal();
}

/** The query of the twins: of what is recorded. */
function twinQuery() {
  const asked = new URLSearchParams(query());
  for (const name of ["find", "list", "text", "holds", "open", "tab", "sort", "down", "filter", "drag", "order", "heat", "at"]) asked.delete(name);
  return asked.toString();
}

/** What is in sight as SVG, with the names of the rows. */
export function svg() {
  const { tracks, height, columns } = picture();
  const seen = view();
  const width = Math.min(seen.width, columns.width - seen.offset + 20);
  const pen = new SvgPen();
  paint(pen, { ...seen, width });
  const names = new SvgPen();
  names.textAlign = "left";
  for (const track of tracks) {
    if (track.kind === "title") continue;
    names.font = track.kind === "unit" ? "bold 12px system-ui, sans-serif" : "12px system-ui, sans-serif";
    names.font = names.font.replace("bold ", "");
    names.fillStyle = colour(track.kind === "unit" ? "ink" : "soft");
    names.fillText(track.sign ? `${track.name}, ${track.sign}` : track.name, 8, track.top + track.height / 2);
  }
  const whole = new SvgPen();
  whole.parts = [...names.parts, `<svg x="${LABELS}" y="0" width="${width.toFixed(0)}" height="${height}" overflow="hidden">`, ...pen.parts, "</svg>"];
  return whole.whole(LABELS + width, height, colour("paper"), `${exhibit().name}, sequence ${state.sequence}`);
}

async function png() {
  const { height } = picture();
  const image = new Image();
  const where = URL.createObjectURL(new Blob([svg()], { type: "image/svg+xml" }));
  image.src = where;
  try {
    await image.decode();
    const canvas = el("canvas");
    canvas.width = image.width * 2;
    canvas.height = height * 2;
    const pen = canvas.getContext("2d");
    pen?.scale(2, 2);
    pen?.drawImage(image, 0, 0);
    canvas.toBlob((blob) => { if (blob) given("naibu.png", blob); }, "image/png");
  } catch {
    say("the picture could not be drawn", true);
  } finally {
    URL.revokeObjectURL(where);
  }
}

/** @param {string} name @param {Blob} blob */
function given(name, blob) {
  const where = URL.createObjectURL(blob);
  const link = el("a", { href: where, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(where), 1000);
  say(`${name} saved`);
}

/** The lines of Python that read the same values. */
function reading() {
  const lines = ["import naibu", "", `recording = naibu.Recording.open("...")  # ${exhibit().name}`, `a, b = recording.index.starts[${state.sequence}:${state.sequence + 2}]`];
  for (const named of state.units) {
    const colon = named.lastIndexOf(":");
    const slash = named.lastIndexOf("/");
    lines.push(`values = recording["${named.slice(0, slash)}", "${named.slice(slash + 1, colon)}"][a:b, ${named.slice(colon + 1)}]`);
  }
  return lines.join("\n");
}
