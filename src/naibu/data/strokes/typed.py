"""A drawing that somebody typed as JSON or drew, as a network that learnt strokes reads it; and back as text."""

from __future__ import annotations

import json

import numpy as np

from naibu.data.strokes.coder import StrokeCoder
from naibu.data.strokes.drawings import places_of
from naibu.data.strokes.examples import Strokes
from naibu.data.strokes.lines import drawing_of
from naibu.data.strokes.opening import strokes_of
from naibu.errors import CorpusError


def told(coder: StrokeCoder) -> str:
    """Return how a drawing is typed, in words."""
    what = 'A drawing as JSON, y downwards: {"strokes": [[[x, y], ...], ...]}, or "points": [[dx, dy, pen], ...]'
    if coder.label is None:
        return f"{what}."
    return f'{what}; with its {coder.label}: "{coder.label}": "{coder.classes[0]}".'


def typed_drawing(text: str, coder: StrokeCoder, name: str) -> Strokes:
    """Return a drawing of one JSON value as an example of one: a table as a line of a file has it, or the list of its
    strokes alone.

    Raises CorpusError for what is no drawing, one without a point, and one of no class that was learnt.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"no JSON: {error}", name) from None
    drawing = drawing_of({"strokes": found} if isinstance(found, list) else found, name)
    if not len(drawing.points):
        raise CorpusError("a drawing without a point", name)
    return strokes_of([drawing], coder)


def as_typed(drawings: Strokes, number: int) -> str:
    """Return a drawing as JSON: the places of its strokes, and its class where one is read."""
    points, coder = drawings.points(number), drawings.source.coder
    found: dict[str, object] = {"strokes": [np.round(stroke, 6).tolist() for stroke in places_of(points)]}
    if coder.noise:
        found["strokes"] = [np.rint(stroke).astype(int).tolist() for stroke in places_of(points)]
    if coder.label is not None and drawings.source.codes is not None:
        found[coder.label] = coder.classes[int(drawings.source.codes[drawings.which[number]])]
    return json.dumps(found, ensure_ascii=False, separators=(", ", ": "))
