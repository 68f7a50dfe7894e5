"""Pairs of lines that translate each other: of two files, a line each, or of one with a tab between the two."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from naibu.data.files import read_file, text_of
from naibu.errors import CorpusError, OptionError


class Lines(NamedTuple):
    """Lines that belong together by their number, and the files that they come from: two, or twice the same."""

    source: list[str]
    target: list[str]
    files: tuple[Path, Path]

    def named(self, side: str, number: int) -> tuple[Path, int]:
        """Return the file of a side ("source" or "target") and the line in it, from 1, of the pair of a number."""
        return self.files[side == "target"], number + 1


def read_pairs(files: Sequence[Path], option: str) -> Lines:
    """Return the lines of two files, or of one file of two columns; `option` is what the user named them by.

    Raises CorpusError for a file that cannot be read, is not UTF-8 or has no lines, for files of different length and
    for a line that has not two columns; OptionError for another number of files, and for the same file twice.
    """
    if len(files) not in (1, 2):
        shown = " ".join(map(str, files))
        raise OptionError(f"{option} {shown}: must be two files, source and target, or one with a tab in each line")
    if len(files) == 1:
        return _columns(files[0])
    source, target = files
    if source.resolve() == target.resolve():
        raise OptionError(f"{option} {source} {target}: source and target are the same file; give two")
    found = Lines(lines_of(source), lines_of(target), (source, target))
    if len(found.source) != len(found.target):
        message = f"{len(found.target):,} lines, where {source} has {len(found.source):,}; each line needs its partner"
        raise CorpusError(message, target)
    return found


def lines_of(path: Path) -> list[str]:
    """Return the lines of a file without their ends; see `text_of`. Raises CorpusError where there is none."""
    lines = text_of(read_file(path), str(path)).split("\n")
    if not lines[-1]:
        lines.pop()
    if not lines:
        raise CorpusError("empty: there is no line in it", path)
    return lines


def _columns(path: Path) -> Lines:
    found = Lines([], [], (path, path))
    for number, line in enumerate(lines_of(path), 1):
        columns = line.split("\t") if line else ["", ""]
        if len(columns) != 2:
            told = "no tab" if len(columns) == 1 else f"{len(columns)} columns"
            message = f"{told}, where source and target have to stand with a tab between them"
            raise CorpusError(f"{message}; or give two files", path, number)
        found.source.append(columns[0])
        found.target.append(columns[1])
    return found
