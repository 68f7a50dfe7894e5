"""Layers folded, with the state that they hand themselves, and unrolled: the same layers once for each step."""

from __future__ import annotations

from collections.abc import Sequence

from naibu.drawing import canvas
from naibu.drawing.canvas import HIDDEN, INK, QUIET, WEIGHTED
from naibu.drawing.inside import SMALL, Marks

APART, UP, NARROWEST, HIGH = 48.0, 92.0, 84.0, 40.0


def draw_unrolled(kind: str, rows: Sequence[str], state: str, steps: int, both_ways: bool) -> Marks:
    """Return layers folded and unrolled.

    `kind` is what stands in each box, `rows` the layers' names from below, `state` the letters of what is handed on
    ("h, c"), "" for a layer without; `both_ways` whether a second half reads from the right.
    """
    wide = max(NARROWEST, canvas.width_of(f"{kind} →" if both_ways else kind) + 20)
    high = 2 * HIGH + 6 if both_ways else HIGH
    pitch = UP + high - HIGH
    top = 34.0
    heights = [top + high / 2 + pitch * (len(rows) - 1 - k) for k in range(len(rows))]  # from below
    bottom = heights[0] + high / 2 + 34
    left = wide / 2 + 10
    said = canvas.width_of(state, SMALL)
    across, first = wide + max(APART, said + 16), left + wide + 100 + said
    marks = [
        canvas.text(left, bottom + 12, "x_{t}", bold=True),
        canvas.text(left, top - 24, "h_{t}", bold=True, colour=HIDDEN),
    ]
    marks += _column(kind, wide, left, heights, high, both_ways, top, bottom)
    if state:
        for y in heights:
            marks += _loop(left + wide / 2, y, high, state, both_ways)
    marks.append(
        canvas.text(first - wide / 2 - 34, heights[0] + (heights[-1] - heights[0]) / 2, "=", size=22, bold=True)
    )
    for step in range(steps):
        x = first + across * step
        marks.append(canvas.text(x, bottom + 12, f"x_{{{step + 1}}}", bold=True))
        marks.append(canvas.text(x, top - 24, f"h_{{{step + 1}}}", bold=True, colour=HIDDEN))
        marks += _column(kind, wide, x, heights, high, both_ways, top, bottom)
        for y in heights if state else ():
            if step:
                marks += _handed_on(x - across + wide / 2, x - wide / 2, y, state, both_ways)
    end = first + across * (steps - 1) + wide / 2
    for name, y in zip(rows, heights, strict=True):
        marks.append(canvas.text(end + 16, y, name, anchor="start", colour=QUIET))
    return Marks(marks, end + 16 + max(map(canvas.width_of, rows)), bottom + 26)


def _column(
    kind: str, wide: float, x: float, heights: Sequence[float], high: float, both_ways: bool, top: float, bottom: float
) -> list[str]:
    """Return one step: the boxes of all layers, one above the other, from input to output."""
    marks, below, colour = [], bottom, INK
    for y in heights:
        marks.append(canvas.line([(x, below), (x, y + high / 2)], colour, arrow=True))
        if both_ways:
            marks.append(canvas.box(x, y, wide, high, ("#ffffff", WEIGHTED[1])))
            for arrow, place in (("→", y + high / 4), ("←", y - high / 4)):
                marks.append(canvas.box(x, place, wide - 10, high / 2 - 8))
                marks.append(canvas.text(x, place, f"{kind} {arrow}", size=SMALL))
        else:
            marks.append(canvas.box(x, y, wide, high))
            marks.append(canvas.text(x, y, kind, bold=True))
        below, colour = y - high / 2, HIDDEN
    return [*marks, canvas.line([(x, below), (x, top - 14)], HIDDEN, arrow=True)]


def _handed_on(start: float, end: float, y: float, state: str, both_ways: bool) -> list[str]:
    if not both_ways:
        words = canvas.text((start + end) / 2, y - 11, state, size=SMALL, colour=QUIET)
        return [canvas.line([(start, y), (end, y)], QUIET, arrow=True), words]
    quarter = (2 * HIGH + 6) / 4
    return [
        canvas.line([(start, y + quarter), (end, y + quarter)], QUIET, arrow=True),
        canvas.text((start + end) / 2, y + quarter - 11, state, size=SMALL, colour=QUIET),
        canvas.line([(end, y - quarter), (start, y - quarter)], QUIET, arrow=True),
        canvas.text((start + end) / 2, y - quarter - 11, state, size=SMALL, colour=QUIET),
    ]


def _loop(edge: float, y: float, high: float, state: str, both_ways: bool) -> list[str]:
    marks = list[str]()
    for place in (y + high / 4, y - high / 4) if both_ways else (y,):
        corners = [(edge, place - 9), (edge + 24, place - 9), (edge + 24, place + 9), (edge, place + 9)]
        marks.append(canvas.line(corners, QUIET, arrow=True))
        marks.append(canvas.text(edge + 32, place, state, anchor="start", size=SMALL, colour=QUIET))
    return marks
