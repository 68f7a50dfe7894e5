"""A drawing: points one after the other, each by how far it lies from the one before, and whether the pen is lifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from naibu.data.examples import Array
from naibu.errors import CorpusError

FARTHEST = 1e9
"""The largest offset that is read; beyond it float32 would tell no two points apart."""


@dataclass(frozen=True)
class Drawing:
    """Points `[point 3]`, float64: dx, dy (downwards), and 1 where the pen is lifted after the point, else 0.

    The first point lies so far from the origin. labels: what is said of the drawing, by name. name, line: the file, for
    errors, and the line of it. places: int32 [point], which character of a text each point is of, from 0; None where
    that is not known.
    """

    points: Array
    labels: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    line: int | None = None
    places: Array | None = None


def of_strokes(
    strokes: Sequence[Array], labels: Mapping[str, str], name: str, line: int | None = None, each: str = "stroke"
) -> Drawing:
    """Return the drawing of strokes, absolute places `[point 2]` each; empty ones are left out.

    Raises CorpusError where a place is not finite, which is named by its stroke and point, from 1.
    """
    for number, stroke in enumerate(strokes, 1):
        wrong = ~np.isfinite(stroke).all(1) | (np.abs(stroke) > FARTHEST).any(1)
        if wrong.any():
            place = f"{each} {number}, point {int(wrong.argmax()) + 1}"
            raise CorpusError(f"{place}: {_shown(stroke[wrong.argmax()])} is no place", name, line)
    there = [stroke for stroke in strokes if len(stroke)]
    if not there:
        return Drawing(np.zeros((0, 3)), labels, name, line)
    places = np.concatenate(there)
    pen = np.zeros(len(places))
    pen[np.cumsum([len(stroke) for stroke in there]) - 1] = 1
    return Drawing(np.column_stack([np.diff(places, axis=0, prepend=0.0), pen]), labels, name, line)


def of_rows(rows: Array, labels: Mapping[str, str], name: str, line: int | None = None, first: int = 0) -> Drawing:
    """Return the drawing of stroke-3 or stroke-5 rows, `[point 3]` or `[point 5]`.

    Stroke-3: dx, dy, and 1 where the pen is lifted after the point. Stroke-5: dx, dy, and one of three: the pen stays
    down, is lifted after the point, or the drawing has ended before it; rows from there on are padding. `first`: the
    row of the file that the first one is, for errors. Raises CorpusError for offsets that are not finite and for other
    pens, with the row.
    """
    rows = np.asarray(rows, np.float64)
    if rows.shape[1] == 5:
        over = np.flatnonzero(rows[:, 4] == 1)
        rows = rows[: over[0]] if len(over) else rows
    wrong = ~np.isfinite(rows[:, :2]).all(1) | (np.abs(rows[:, :2]) > FARTHEST).any(1)
    if wrong.any():
        place = int(wrong.argmax())
        raise CorpusError(f"row {first + place}: {_shown(rows[place, :2])} is no offset", name, line)
    pens = rows[:, 2:]
    wrong = ~np.isin(pens, (0, 1)).all(1) | ((pens.sum(1) != 1) if rows.shape[1] == 5 else np.zeros(len(rows), bool))
    if wrong.any():
        place = int(wrong.argmax())
        known = "0 or 1" if rows.shape[1] == 3 else "one of 1 0 0, 0 1 0 and 0 0 1"
        raise CorpusError(f"row {first + place}: the pen is {_shown(pens[place])}; it has to be {known}", name, line)
    lifted = pens[:, 0] if rows.shape[1] == 3 else pens[:, 1]
    return Drawing(np.column_stack([rows[:, :2], lifted]), labels, name, line)


def places_of(points: Array) -> list[Array]:
    """Return the strokes of a drawing `[point 3]`, absolute places `[point 2]` each."""
    places = np.cumsum(points[:, :2], 0)
    ends = np.flatnonzero(points[:, 2] > 0) + 1
    return [stroke for stroke in np.split(places, ends) if len(stroke)]


def _shown(values: Array) -> str:
    return " ".join(f"{value:g}" for value in values)
