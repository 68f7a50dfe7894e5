"""Axes to draw on, colours, and the way from a drawing to an SVG that lives inside a page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from naibu.storage import delivered, digest_of, written_beside

# Okabe & Ito's palette: told apart by the colour-blind; lines differ in style as well.
VERMILLION, BLUE, GREEN, ORANGE, PURPLE = "#d55e00", "#0072b2", "#009e73", "#e69f00", "#cc79a7"
GREY = "#808080"
SIGNAL_COLOURS = {"cell": VERMILLION, "hidden": BLUE}
_INK = "#010203"  # stands for the page's text colour until the SVG is written
_IN_PAGE = {
    _INK: "currentColor",
    VERMILLION: f"var(--vermillion, {VERMILLION})",
    BLUE: f"var(--blue, {BLUE})",
    GREEN: f"var(--green, {GREEN})",
    ORANGE: f"var(--orange, {ORANGE})",
    PURPLE: f"var(--purple, {PURPLE})",
    GREY: f"var(--grey, {GREY})",
}
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "naibu",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.4,
    "lines.solid_capstyle": "round",
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "text.parse_math": False,  # a symbol may be a dollar
}


def signal_colour(signal: str) -> str:
    """Return the colour of a signal: the cell vermillion, the hidden state blue, any other green."""
    return SIGNAL_COLOURS.get(signal, GREEN)


def new_axes(size: tuple[float, float] = (3.5, 2.5)) -> Axes:
    """Return the axes of a new figure of `size` inches, without pyplot and its list of open figures."""
    return Figure(size, layout="constrained").add_subplot()


def ink(ax: Axes) -> Any:
    """Return the colour in which the axes are labelled, for lines that belong to no signal."""
    return ax.xaxis.label.get_color()


def tinted(strength: np.ndarray, colour: str) -> np.ndarray:
    """Return an image [row column 4] of one colour, as opaque as `strength` in [0, 1], clear where it is 0."""
    image = np.empty((*strength.shape, 4))
    image[..., :3] = to_rgb(colour)
    image[..., 3] = np.clip(strength, 0, 1)
    return image


def drawn(
    draw: Callable[[Axes], object], *, size: tuple[float, float], name: str, label: str, wide: bool = False
) -> Markup:
    """Return what `draw` draws, as an inline SVG for a page.

    `name` is put before every id in it, so that two SVGs on a page do not use each other's clip paths;
    `label` is read aloud in its place. Equal drawings give equal text. A `wide` one keeps its size on a
    narrow screen, where its box scrolls.
    """
    with _style():
        ax = new_axes(size)
        draw(ax)
        text = io.StringIO()
        assert isinstance(ax.figure, Figure)
        nothing: dict[str, Any] = {"Date": None, "Creator": None, "Format": None, "Type": None}
        # The canvas itself draws once; savefig draws all of it before, for bounds that nobody asks for.
        FigureCanvasSVG(ax.figure).print_svg(text, metadata=nothing)  # type: ignore[no-untyped-call]
    return _inline(text.getvalue(), size, name, label, wide)


def write_png(draw: Callable[[Figure], object], path: Path, *, size: tuple[float, float], dots: int = 130) -> None:
    """Write what `draw` draws on a figure of `size` inches as a PNG on white; equal drawings give equal files.

    Raises StoredError where the file cannot be written.
    """
    with _style():
        figure = Figure(size, layout="constrained")
        draw(figure)
        with written_beside(path) as beside:
            figure.savefig(beside, format="png", dpi=dots, facecolor="white", metadata={"Software": None})


def write_figure(draw: Callable[[Axes], object], path: Path, *, size: tuple[float, float]) -> None:
    """Write what `draw` draws on axes of `size` inches, as SVG, PNG or PDF by the file's ending.

    Raises StoredError where the file cannot be written.
    """
    with _style():
        mpl.rcParams.update({key: "black" for key, value in _STYLE.items() if value == _INK})  # type: ignore[misc]
        ax = new_axes(size)
        draw(ax)
        assert isinstance(ax.figure, Figure)
        with delivered(path) as place:
            ax.figure.savefig(place, format=path.suffix[1:], dpi=200, facecolor="white")


@contextmanager
def _style() -> Iterator[None]:
    with mpl.rc_context(), warnings.catch_warnings():
        # The browser has the glyphs that the font used for measuring lacks.
        warnings.filterwarnings("ignore", message="(?s).*Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="(?s).*[Cc]onstrained_layout not applied")
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]
        yield


def _shorter(attribute: str) -> str:
    """Return coordinates to a tenth of a point, 3.0 as 3, and lines without a letter before each point."""
    tenths = re.sub(r"\.0\b", "", re.sub(r"(\.\d)\d+", r"\1", attribute).replace("\n", " "))
    drawn = tenths
    if attribute.startswith(" d="):
        drawn = re.sub(r" (?=z|\"$)", "", re.sub(r" +", " ", tenths))
    return drawn if re.search("[CQAHVSTcqahvst]", drawn[4:]) else drawn.replace(" L ", " ")


def _ungrouped(body: str) -> str:
    """Return a drawing without groups that say nothing of what is in them."""
    kept: list[bool] = []

    def of(tag: re.Match[str]) -> str:
        if tag[0] == "</g>":
            return tag[0] if kept.pop() else ""
        if tag[0].endswith("/>"):
            return ""
        kept.append(tag[0] != "<g>")
        return tag[0] if kept[-1] else ""

    return re.sub(r"<g(?: [^>]*)?/?>|</g>", of, body)


def _inline(svg: str, size: tuple[float, float], name: str, label: str, wide: bool) -> Markup:
    body = svg[svg.index("<svg") : svg.rindex("</svg>")]
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.S)
    body = re.sub(r"<defs>\s*</defs>", "", body[body.index(">") + 1 :])
    body = re.sub(r"font-family: [^;\"]*;? ?", "", body)
    body = re.sub(r"font: (?:[\w-]+ )*([\d.]+px) [^;\"]*", r"font-size: \1", body)  # matplotlib before 3.10
    body = body.replace("xlink:href", "href")
    used = set(re.findall(r"(?:href=\"#|url\(#)([\w.-]+)", body))
    short = f"d{digest_of(name)[:5]}"
    names = {old: f"{short}-{number}" for number, old in enumerate(sorted(used))}
    body = re.sub(r' id="([^"]*)"', lambda m: f' id="{names[m[1]]}"' if m[1] in used else "", body)
    body = re.sub(r"(href=\"#|url\(#)([\w.-]+)", lambda m: m[1] + names[m[2]], body)
    body = re.sub(r' (?:d|x|y)="[^"]*"', lambda m: _shorter(m[0]), body)
    body = re.sub(r"rotate\([^)]*\)", lambda m: re.sub(r"(\.\d)\d+", r"\1", m[0]), body)
    body = re.sub(r' transform="rotate\(-0 [^"]*"', "", body)
    for colour, in_page in _IN_PAGE.items():
        body = body.replace(f": {colour}", f": {in_page}")
    # Letters are thinner than lines: the page has darker shades for them.
    body = re.sub(r"<text[^>]*>", lambda m: re.sub(r"var\(--(\w+)", r"var(--\1-text", m[0]), body)
    body = re.sub(r'<path d="[^"]*" style="fill: none"/>', "", body)  # the grounds of figure and axes
    body = _ungrouped(re.sub(r">\s+<", "><", body.strip()))
    width, height = (round(72 * inches, 2) for inches in size)
    kind = "panel wide" if wide else "panel"
    return Markup(
        f'<svg class="{kind}" role="img" aria-label="{escape(label)}" viewBox="0 0 {width:g} {height:g}" '
        f'width="{96 * size[0]:.0f}" height="{96 * size[1]:.0f}" stroke-linejoin="round">{body}</svg>'
    )
