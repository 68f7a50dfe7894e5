"""Drawings by a pen with classes: read as the task `strokes` reads them, those that a network drew among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from naibu.data.classes.rows import Asked, Row, Rows
from naibu.data.files import SourceFile
from naibu.data.strokes.lines import has_drawings
from naibu.data.strokes.reading import READERS, read_drawings
from naibu.errors import OptionError

CHANNELS = ("dx", "dy", "pen")
"""What is read of a point: how far it lies from the one before, the first from the origin, and whether the pen is
lifted after it."""
JSON = (".jsonl", ".ndjson")


def is_drawings(file: SourceFile) -> bool:
    """Return whether a file holds drawings, by its ending, or of JSON lines by the first."""
    if file.extension in JSON:
        return has_drawings(file)
    return file.extension in READERS


def read_rows_of_drawings(paths: Sequence[Path], asked: Asked, notes: list[tuple[str, str]]) -> Rows:
    """Return a row of each drawing; its class is what it says of itself by the name of `asked.class_`.

    The pen is lifted at the end of each, whatever it says. Raises CorpusError as the readers of drawings do,
    OptionError where what the class is has to be said, with what drawings say of themselves.
    """
    read = read_drawings(paths)
    said = dict.fromkeys(name for each in read.drawings for name in each.labels)
    if asked.class_ not in said and not asked.known:
        told = "say what drawings say of themselves" if asked.class_ is None else "no drawing says it of itself"
        given = "" if asked.class_ is None else f" {asked.class_}"
        raise OptionError(f"--class{given}: {told}; there is {', '.join(said) or 'nothing'}")
    for name, count in (("without a point", read.empty), ("files that are no drawings", read.passed_over)):
        if count:
            notes.append((name, f"{count:,} passed over"))
    rows = []
    for each in read.drawings:
        points = each.points.copy()
        points[-1, 2] = 1
        rows.append(Row(points, each.labels.get(asked.class_ or ""), each.name, each.line or 0))
    return Rows("numbers", "drawings", rows, CHANNELS, notes)
