"""Drawings from InkML (W3C 2011): a file is a drawing, a trace a stroke."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from naibu.data.examples import Array
from naibu.data.files import SourceFile
from naibu.data.strokes.drawings import Drawing, of_strokes
from naibu.data.strokes.xml import root_of, tag_of
from naibu.errors import CorpusError


def inkml_drawing(file: SourceFile) -> Drawing:
    """Return the drawing of an InkML file; annotations of the whole file with a type are labels.

    X and Y are found among the channels of `traceFormat`, and are the first two without one. Raises CorpusError for a
    file without traces, and with the trace for differences (' and "), which are not read, and for what is no number.
    """
    root = root_of(file)
    channels = [each.get("name", "") for each in root.iter() if tag_of(each) == "channel"]
    x, y = (channels.index(name) if name in channels else place for place, name in enumerate("XY"))
    strokes = [each for each in root.iter() if tag_of(each) == "trace"]
    if not strokes:
        raise CorpusError("no trace is in it", file.name)
    labels = {
        each.get("type", ""): (each.text or "").strip()
        for each in root
        if tag_of(each) == "annotation" and each.get("type")
    }
    read = [_places(each, x, y, file.name, number) for number, each in enumerate(strokes, 1)]
    return of_strokes(read, labels, file.name, each="trace")


def _places(trace: ElementTree.Element, x: int, y: int, name: str, number: int) -> Array:
    """Return the places of a trace, `[point 2]`."""
    text = "".join(trace.itertext()).strip()
    points = [each.split() for each in text.split(",") if each.strip()]
    try:
        return np.array([[float(point[x]), float(point[y])] for point in points]).reshape(-1, 2)
    except (ValueError, IndexError):
        wrong = next((" ".join(point) for point in points if not _is_place(point, x, y)), text[:40])
        told = f"trace {number}: {wrong[:40]!r} is no point of numbers (differences are not read)"
        raise CorpusError(told, name) from None


def _is_place(point: list[str], x: int, y: int) -> bool:
    try:
        float(point[x]), float(point[y])
    except (ValueError, IndexError):
        return False
    return True
