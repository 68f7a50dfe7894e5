"""Drawings from JSON lines: strokes as QuickDraw has them, strokes as lists of places, or rows of offsets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from naibu.data.examples import Array
from naibu.data.files import SourceFile, text_of
from naibu.data.strokes.drawings import Drawing, of_rows, of_strokes
from naibu.errors import CorpusError

KNOWN = (
    'known are "drawing": [[[x, ...], [y, ...]], ...], "strokes": [[[x, y], ...], ...] and "points": [[dx, dy, pen], '
    "...], or with three pens as stroke-5"
)
KEYS = ("drawing", "strokes", "points")


def line_drawings(file: SourceFile) -> Iterator[Drawing]:
    """Yield the drawing of each line; its texts, whole numbers and truths besides are labels.

    Raises CorpusError with the line for what is no JSON, and drawings of another shape.
    """
    for number, line in enumerate(text_of(file.read(), file.name).split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"no JSON: {error}", file.name, number) from None
        yield drawing_of(found, file.name, number)


def has_drawings(file: SourceFile) -> bool:
    """Return whether the first line of a file is JSON that holds a drawing."""
    line = next(file.pieces(), b"").split(b"\n", 1)[0].decode("utf-8", "replace")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and any(isinstance(found.get(key), list) for key in KEYS)


def drawing_of(found: Any, name: str, number: int | None = None) -> Drawing:
    """Return the drawing that a value of JSON holds. Raises CorpusError for another shape."""
    key = next((each for each in KEYS if isinstance(found, dict) and isinstance(found.get(each), list)), None)
    if key is None:
        raise CorpusError(f"no drawing; {KNOWN}", name, number)
    labels = {each: str(value) for each, value in found.items() if isinstance(value, str | int)}
    if key == "points":
        rows = _numbers(found[key], name, number)
        if len(rows) and (rows.ndim != 2 or rows.shape[1] not in (3, 5)):
            raise CorpusError(f"points {list(rows.shape)}: another shape; {KNOWN}", name, number)
        return of_rows(rows if len(rows) else rows.reshape(0, 3), labels, name, number)
    strokes = [_numbers(each, name, number) for each in found[key]]
    if key == "drawing":
        if any(each.ndim != 2 or each.shape[0] not in (2, 3) for each in strokes):
            raise CorpusError(f"a stroke of another shape; {KNOWN}", name, number)
        strokes = [each[:2].T for each in strokes]
    else:
        strokes = [each.reshape(0, 2) if each.ndim and not len(each) else each for each in strokes]
        if any(each.ndim != 2 or each.shape[1] < 2 for each in strokes):
            raise CorpusError(f"a stroke of another shape; {KNOWN}", name, number)
        strokes = [each[:, :2] for each in strokes]
    return of_strokes(strokes, labels, name, number)


def _numbers(value: Any, name: str, number: int | None) -> Array:
    try:
        return np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError):
        told = f"lists of different lengths, or of other things than numbers; {KNOWN}"
        raise CorpusError(told, name, number) from None
