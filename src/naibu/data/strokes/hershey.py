"""Drawings from Hershey's vector fonts, `.jhf`: a glyph is a drawing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from naibu.data.examples import Array
from naibu.data.files import SourceFile, text_of
from naibu.data.strokes.drawings import Drawing, of_strokes
from naibu.errors import CorpusError

ASCII = 95
"""Glyphs of a font that has one for every character that can be printed, from the blank on."""
_HEAD = re.compile(r"([ \d]{5})([ \d]{3})")


@dataclass(frozen=True)
class Glyph:
    """A glyph of a font: strokes `[point 2]`, places around its middle, and how far it reaches to the left and right,
    the gaps beside it included. character: None where the font does not have all of ASCII. line: of the file.
    """

    strokes: tuple[Array, ...]
    left: int
    right: int
    character: str | None
    line: int


def font_of(file: SourceFile) -> str:
    """Return the name of the font that a file holds."""
    return PurePath(file.name.rpartition(":")[2]).name.removesuffix(".gz").removesuffix(".jhf")


def glyphs_of(file: SourceFile) -> Iterator[Glyph]:
    """Yield the glyphs of a font, blanks too.

    A line has the number of the glyph (5 digits), how many pairs follow (3), and the pairs: its left and right end,
    then places, as letters around R; " R" lifts the pen. A glyph may go on in the lines that follow. Raises CorpusError
    with the line for what is none.
    """
    text = text_of(file.read(), file.name)
    glyphs = list(_glyphs(text, file.name))
    for place, (line, pairs) in enumerate(glyphs):
        character = None
        if len(glyphs) >= ASCII:
            character = chr(32 + place) if place < ASCII else "DEL"
        strokes: list[list[tuple[int, int]]] = [[]]
        for k in range(2, len(pairs), 2):
            if pairs[k : k + 2] == " R":
                strokes.append([])
            else:
                strokes[-1].append((_place(pairs[k]), _place(pairs[k + 1])))
        read = tuple(np.array(each, np.float64) for each in strokes if each)
        ends = (_place(pairs[0]), _place(pairs[1])) if len(pairs) > 1 else (0, 0)
        yield Glyph(read, *ends, character, line)


def hershey_drawings(file: SourceFile) -> Iterator[Drawing]:
    """Yield the glyphs of a font as drawings, blanks left out; a label is the `font`, and the `character` where it has
    them all. Raises CorpusError as `glyphs_of` does."""
    font = font_of(file)
    for glyph in glyphs_of(file):
        if glyph.strokes:
            labels = {"font": font} | ({} if glyph.character is None else {"character": glyph.character})
            yield of_strokes(glyph.strokes, labels, file.name, glyph.line)


def _place(letter: str) -> int:
    return ord(letter) - ord("R")


def _glyphs(text: str, name: str) -> Iterator[tuple[int, str]]:
    """Yield the line that a glyph begins at, and its pairs."""
    lines = text.rstrip("\n").split("\n") if text.strip() else []
    number = 0
    while number < len(lines):
        begun = number
        head = _HEAD.match(lines[number])
        if head is None or not head[2].strip() or not head[1].strip():
            raise CorpusError("no glyph: it begins with 5 digits and 3", name, number + 1)
        wanted, pairs = 2 * int(head[2]), lines[number][8:]
        number += 1
        while len(pairs) < wanted and number < len(lines):
            pairs += lines[number]
            number += 1
        pairs = pairs.rstrip("\r")
        if len(pairs) < wanted or pairs[wanted:].strip():
            told = f"{int(head[2])} pairs of letters are said to follow, and {len(pairs) // 2} do"
            raise CorpusError(told, name, begun + 1)
        if any(not " " <= letter <= "~" for letter in pairs[:wanted]):
            raise CorpusError("letters that are none of ASCII", name, begun + 1)
        yield begun + 1, pairs[:wanted]
