for (const box of document.querySelectorAll(".reading")) {
  const cells = JSON.parse(box.dataset.cells), select = box.querySelector("select"), said = box.querySelector("output");
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const texts = [...box.querySelectorAll("pre")].map((pre) => ({
    pre, spans: [...pre.children], values: new Int8Array(bytes(pre.dataset.values).buffer), holds: bytes(pre.dataset.holds),
  }));
  let at = 0;
  const number = (x) => x.toFixed(2).replace("-", "−");
  const show = () => {
    const { signed, scale } = cells[at];
    box.classList.toggle("gated", !signed);
    box.querySelector(".fixed").textContent = `Coloured by ${select.selectedOptions[0].textContent}`; // in print
    for (const end of box.querySelectorAll("[data-end]"))
      end.textContent = end.dataset.end === "low" ? (signed ? number(-scale) : "0") : number(scale);
    for (const { spans, values, holds } of texts)
      spans.forEach((span, k) => {
        const place = at * spans.length + k, value = values[place], step = Math.round((Math.abs(value) / 127) * 9);
        const kind = !signed ? "g" : value > 0 ? "u" : "d", held = (holds[place >> 3] >> (place & 7)) & 1;
        span.className = (step ? kind + step : "") + (held ? " on" : "");
        span.title = number((value / 127) * scale);
      });
    said.textContent = "";
  };
  const tell = (span) => {
    const named = { " ": "space", "⏎\n": "line end" };
    said.textContent = `${named[span.textContent] ?? span.textContent}: ${span.title}`;
  };
  select.addEventListener("change", () => { at = Number(select.value); show(); });
  for (const { pre, spans } of texts) {
    let here = -1;
    pre.addEventListener("pointerover", (event) => { if (event.target.title) tell(event.target); });
    pre.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      here = Math.min(Math.max(here + step, 0), spans.length - 1);
      for (const span of pre.querySelectorAll(".here")) span.classList.remove("here");
      spans[here].classList.add("here");
      tell(spans[here]);
    });
  }
  box.querySelector(".tools").hidden = false;
  show();
}
const boxes = [...document.querySelectorAll(".scroll, .panels")];
const stops = () => { // a tab stop only where something scrolls
  for (const box of boxes)
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
};
addEventListener("resize", stops);
document.addEventListener("toggle", stops, true);
stops();
