"""Drawings into files: a page of them as SVG or PNG, or their points, which are read again as they are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import escape

from naibu.data.examples import Array
from naibu.data.strokes.drawings import places_of
from naibu.storage import deliver_text, delivered

CELL, MARGIN, PEN = 100.0, 10.0, 2.0
"""Sizes on a page: of the longest side of the largest drawing, or of lines of text of its height, around each, and of
the pen."""
LONG = 2.0
"""From how many times as wide as high on drawings with a text are lines of it."""
LONGEST = 40.0
"""How many times as wide as a line is high a page is, at most."""
WIDER = 1.5
"""How much wider than high a page is, about."""


@dataclass(frozen=True)
class Drawn:
    """A drawing that a network made.

    points: float64 [point 3], dx, dy and pen in the data's units. ended: whether it came to an end of its own. class_,
    text: those that were asked for, None where none was.
    """

    points: Array
    ended: bool
    class_: str | None = None
    text: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """The same under the names by which the network was told them, so that what is written is read as they were."""

    @property
    def title(self) -> str | None:
        """What it is to show."""
        return self.class_ if self.text is None else self.text

    def row(self) -> dict[str, Any]:
        """Return it as values of JSON, as a line that is read again as a drawing."""
        offsets = [[round(value, 6) for value in offset] for offset in self.points[:, :2].tolist()]
        points = [[*offset, int(pen)] for offset, pen in zip(offsets, self.points[:, 2], strict=True)]
        said = {"class": self.class_, "text": self.text, **self.labels}
        said = {key: value for key, value in said.items() if value is not None}
        return {"points": points, "ended": self.ended, **said}

    def line(self) -> str:
        """Return it as a JSON line."""
        return json.dumps(self.row(), ensure_ascii=False)


def write_drawings(drawings: Sequence[Drawn], path: Path) -> None:
    """Write drawings into a file of the kind that its name ends in: .svg, .png, .jsonl or .npz.

    Raises StoredError where it cannot be written.
    """
    ending = path.suffix.lower()
    if ending == ".svg":
        deliver_text(path, svg_of(drawings))
    elif ending == ".jsonl":
        deliver_text(path, "".join(f"{each.line()}\n" for each in drawings))
    else:
        with delivered(path) as beside, beside.open("wb") as file:
            if ending == ".png":
                _figure(drawings).savefig(file, format="png")
            else:
                points = np.concatenate([each.points for each in drawings])
                starts = np.concatenate([[0], np.cumsum([len(each.points) for each in drawings])])
                np.savez_compressed(file, points=points, offsets=starts)


def svg_of(drawings: Sequence[Drawn]) -> str:
    """Return a page of drawings as SVG, in rows, all at one scale; its class or text is the title of a drawing."""
    width, height, laid = _laid_out(drawings)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}">',
        f'<rect width="{width:g}" height="{height:g}" fill="white"/>',
        f'<g fill="none" stroke="black" stroke-width="{PEN:g}" stroke-linecap="round" stroke-linejoin="round">',
    ]
    for each, strokes in zip(drawings, laid, strict=True):
        title = "" if each.title is None else f"<title>{escape(_printable(each.title))}</title>"
        lines.append(f"<g>{title}")
        for stroke in strokes:
            shown = [f"{x:.2f} {y:.2f}" for x, y in stroke]
            rest = " L ".join(shown[1:]) or shown[0]  # a point alone is a dot
            lines.append(f'<path d="M {shown[0]} L {rest}"/>')
        lines.append("</g>")
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def _figure(drawings: Sequence[Drawn]) -> Any:
    """Return the page as a figure of matplotlib, one unit of it a hundredth of an inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height, laid = _laid_out(drawings)
    figure = Figure((width / 100, height / 100), dpi=200)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    wide = PEN * 0.72  # points of a printer, 72 an inch
    for strokes in laid:
        for stroke in strokes:
            if len(stroke) > 1:
                axes.plot(*stroke.T, color="black", linewidth=wide, solid_capstyle="round", solid_joinstyle="round")
            else:  # a line to where it is would not be drawn
                axes.plot(*stroke.T, "o", color="black", markersize=wide, markeredgewidth=0)
    return figure


def _laid_out(drawings: Sequence[Drawn]) -> tuple[float, float, list[list[Array]]]:
    """Return the width and height of a page, and the strokes `[point 2]` of each drawing in their place on it."""
    each = [places_of(drawn.points) for drawn in drawings]
    low = [np.concatenate(strokes).min(0) for strokes in each]
    size = [np.concatenate(strokes).max(0) - least for strokes, least in zip(each, low, strict=True)]
    largest = np.maximum(np.max(size, 0), 1e-9)  # width, height
    long = any(drawn.text is not None for drawn in drawings) and largest[0] > LONG * largest[1]
    cell = largest * CELL / (max(largest[1], largest[0] / LONGEST) if long else largest.max())
    side = cell + 2 * MARGIN
    columns = max(1, math.ceil(math.sqrt(len(drawings) * WIDER * side[1] / side[0])))
    scale = cell[0] / largest[0]
    found = []
    for number, (strokes, least, extent) in enumerate(zip(each, low, size, strict=True)):
        corner = np.array([number % columns, number // columns]) * side + MARGIN
        middle = (cell - extent * scale) / 2
        found.append([(stroke - least) * scale + corner + middle for stroke in strokes])
    rows = -(-len(drawings) // columns)
    return float(min(columns, len(drawings)) * side[0]), float(rows * side[1]), found


def _printable(name: str) -> str:
    """Return a name without what no XML may hold."""
    return "".join(letter if letter >= " " and letter not in "\ufffe\uffff" else " " for letter in name)
