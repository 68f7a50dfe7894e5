"""Which reader a file of drawings is for: found by the ending of its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from naibu.data.files import SourceFile, is_many, open_files
from naibu.data.strokes.arrays import array_drawings
from naibu.data.strokes.drawings import Drawing
from naibu.data.strokes.hershey import hershey_drawings
from naibu.data.strokes.inkml import inkml_drawing
from naibu.data.strokes.lines import line_drawings
from naibu.data.strokes.svg import svg_drawing
from naibu.errors import CorpusError

READERS: dict[str, Callable[[SourceFile], Iterable[Drawing]]] = {
    ".npz": array_drawings,
    ".npy": array_drawings,
    ".jsonl": line_drawings,
    ".ndjson": line_drawings,
    ".inkml": lambda file: [inkml_drawing(file)],
    ".svg": lambda file: [svg_drawing(file)],
    ".jhf": hershey_drawings,
}


class Read(NamedTuple):
    """What was read: drawings with points, and how many had none, and how many files are no drawings."""

    drawings: list[Drawing]
    empty: int
    passed_over: int


def read_drawings(paths: Sequence[Path]) -> Read:
    """Return the drawings of files, folders and archives, in order; empty ones are left out.

    In a folder or an archive files of other kinds are passed over. Raises CorpusError for a file of another kind that
    is named itself, for files without any drawing, and as the readers do.
    """
    found, empty, over = list[Drawing](), 0, 0
    for path in paths:
        before = len(found)
        for file in open_files(path):
            if file.extension not in READERS:
                if not is_many(path):
                    raise CorpusError(f"no drawings: they are read from {', '.join(READERS)}", file.name)
                over += 1
                continue
            for each in READERS[file.extension](file):
                if len(each.points):
                    found.append(each)
                else:
                    empty += 1
        if len(found) == before:
            raise CorpusError(f"no drawing with a point is in it; they are read from {', '.join(READERS)}", path)
    return Read(found, empty, over)
