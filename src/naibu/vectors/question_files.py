"""What vectors are scored on: files of pairs of words that people judged, and of analogies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from naibu.data.files import read_file
from naibu.errors import CorpusError

_NAMED = "simlex999"
"""The column of judgements in SimLex-999 as it is given away, with a line of names."""


@dataclass(frozen=True)
class JudgedPairs:
    """Pairs of words, and how alike people find them."""

    name: str
    pairs: tuple[tuple[str, str], ...]
    judged: tuple[float, ...]


@dataclass(frozen=True)
class Analogies:
    """Questions of four words, a : b = c : d, by section."""

    name: str
    sections: dict[str, tuple[tuple[str, str, str, str], ...]]


def read_questions(path: Path) -> JudgedPairs | Analogies:
    """Return what a file asks: analogies where a line begins with ":" or has four words between blanks, else pairs.

    Pairs are two words and a number between tabs, commas or blanks (WordSim-353, SimLex-999); lines that begin with #
    are left out, and a first line of names; a column called SimLex999 has the numbers, else the third. Raises
    CorpusError with the line where it is neither.
    """
    lines = read_file(path).decode("utf-8", "replace").splitlines()
    there = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not there:
        raise CorpusError("no questions: it has no line with words", path)
    if there[0][1].startswith(":") or ("\t" not in there[0][1] and len(there[0][1].split()) == 4):
        return _analogies(there, path)
    return _pairs(there, path)


def _analogies(lines: list[tuple[int, str]], path: Path) -> Analogies:
    sections, name = dict[str, list[tuple[str, str, str, str]]](), "all"
    for number, line in lines:
        cells = line.split()
        if line.startswith(":"):
            name = line[1:].strip() or "all"
        elif len(cells) == 4:
            sections.setdefault(name, []).append((cells[0], cells[1], cells[2], cells[3]))
        else:
            raise CorpusError(f"{len(cells)} words, where an analogy has 4", path, number)
    if not sections:
        raise CorpusError("no questions: it has names of sections alone", path)
    return Analogies(path.name, {name: tuple(each) for name, each in sections.items()})


def _pairs(lines: list[tuple[int, str]], path: Path) -> JudgedPairs:
    pairs, judged, column = list[tuple[str, str]](), list[float](), 2
    for place, (number, line) in enumerate(lines):
        cells = [cell.strip() for cell in re.split(r"\t|,", line)] if re.search(r"\t|,", line) else line.split()
        if place == 0 and len(cells) > 2 and not _is_number(cells[2]):
            column = next((k for k, name in enumerate(cells) if name.lower() == _NAMED), 2)
            continue
        if len(cells) <= column or not _is_number(cells[column]):
            what = "a line of two words and a number, with tabs, commas or blanks between them"
            raise CorpusError(f"no pair of words: {what}, is asked for", path, number)
        pairs.append((cells[0], cells[1]))
        judged.append(float(cells[column]))
    if not pairs:
        raise CorpusError("no questions: it has a line of names alone", path)
    return JudgedPairs(path.name, tuple(pairs), tuple(judged))


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?", cell) is not None
