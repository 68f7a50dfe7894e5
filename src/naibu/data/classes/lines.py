"""Texts with a class in plain files: a class before each line, a file a class, a folder a class."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from naibu.data.classes.rows import Asked, Row
from naibu.data.classes.texts import numbered_lines, read_text
from naibu.data.files import SourceFile, is_binary
from naibu.errors import CorpusError

_COARSE = re.compile(r"[^\s:]+:\S+")
_ABOUT = re.compile(r"(readme|licen[cs]e|copying|changes|index)\b", re.IGNORECASE)
Notes = list[tuple[str, str]]


def tab_rows(file: SourceFile, notes: Notes, known: Sequence[str] = ()) -> Iterator[Row]:
    """Yield a row for each line `class<TAB>text`; with `known` classes, a line without a tab is a text alone."""
    for number, line in numbered_lines(read_text(file, notes)):
        label, tab, text = line.partition("\t")
        if not tab and not known:
            raise CorpusError("no tab here; a line has to be the class, a tab, and the text", file.name, number)
        yield Row((text if tab else line).strip(), label.strip() if tab else None, file.name, number)


def blank_rows(file: SourceFile, notes: Notes, asked: Asked) -> Iterator[Row]:
    """Yield a row for each line that is a class, a blank, and a text, as `DESC:manner How did ... ?` of TREC.

    Where every class is of the form COARSE:fine the class is what stands before the colon, unless `asked.fine`; a note
    says so. Where `asked.known` are the classes of a network, and less than half of the lines begin with one, lines
    are texts alone.
    """
    lines = list(numbered_lines(read_text(file, notes)))
    cut = [(number, *line.strip().partition(" ")[::2]) for number, line in lines]
    coarse = not asked.fine and all(_COARSE.fullmatch(label) for _, label, _ in cut)
    labels = [label.partition(":")[0] if coarse else label for _, label, _ in cut]
    if asked.known and 2 * sum(label in asked.known for label in labels) < len(labels):
        yield from (Row(line.strip(), None, file.name, number) for number, line in lines)
        return
    if coarse:
        notes.append(("classes", "what stands before the colon of COARSE:fine (--fine takes the whole)"))
    for (number, label, text), kept in zip(cut, labels, strict=True):
        if not text.strip():
            raise CorpusError(
                f"no text after {label!r}; a line has to be the class, a blank, and the text", file.name, number
            )
        yield Row(text.strip(), kept, file.name, number)


def file_rows(opened: Sequence[SourceFile], notes: Notes) -> Iterator[Row]:
    """Yield a row for each line of files whose names are the classes: `female.txt`, `male.txt`."""
    for file in _without_notices(opened, notes):
        label = _stem(file.name.rpartition(":")[2] if file.path is None else file.name)
        for number, line in numbered_lines(read_text(file, notes)):
            yield Row(line.strip(), label, file.name, number)


def folder_rows(opened: Sequence[SourceFile], root: Path, notes: Notes) -> Iterator[Row]:
    """Yield a row for each file below a folder whose sub-folders' names are the classes: `pos/1.txt`, `neg/2.txt`.

    Of sub-folders within each other the innermost is the class.
    """
    for file in _without_notices(opened, notes):
        parts = Path(file.name.rpartition(":")[2] if file.path is None else str(file.path.relative_to(root))).parts
        if len(parts) < 2:
            notes.append(("left aside", f"{file.name}: it lies in no sub-folder that could be a class"))
            continue
        text = read_text(file, notes).strip()
        if not text:
            raise CorpusError("an empty text; each example has to have one", file.name)
        yield Row(text, parts[-2], file.name, 0)


def _without_notices(opened: Sequence[SourceFile], notes: Notes) -> Iterator[SourceFile]:
    """Yield files that are data: what is called README, LICENSE or the like, and binary files, are left aside."""
    for file in opened:
        if _ABOUT.match(Path(file.name.rpartition(":")[2]).name):
            notes.append(("left aside", f"{file.name}: by its name no data"))
        elif is_binary(next(file.pieces(2**16), b"")):
            notes.append(("left aside", f"{file.name}: a binary file"))
        else:
            yield file


def _stem(name: str) -> str:
    name = Path(name).name
    return Path(name.removesuffix(".gz")).stem
