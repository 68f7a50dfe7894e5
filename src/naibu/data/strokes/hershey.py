"""Drawings from Hershey's vector fonts, `.jhf`: a glyph is a drawing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

import numpy as np

from naibu.data.files import SourceFile, text_of
from naibu.data.strokes.drawings import Drawing, of_strokes
from naibu.errors import CorpusError

ASCII = 95
"""Glyphs of a font that has one for every character that can be printed, from the blank on."""
_HEAD = re.compile(r"([ \d]{5})([ \d]{3})")


def hershey_drawings(file: SourceFile) -> Iterator[Drawing]:
    """Yield the glyphs of a font, blanks left out; a label is the `font`, and the `character` where it has them all.

    A line has the number of the glyph (5 digits), how many pairs follow (3), and the pairs: its left and right end,
    then places, as letters around R; " R" lifts the pen. A glyph may go on in the lines that follow. Raises CorpusError
    with the line for what is none.
    """
    text = text_of(file.read(), file.name)
    glyphs = list(_glyphs(text, file.name))
    font = PurePath(file.name.rpartition(":")[2]).name.removesuffix(".gz").removesuffix(".jhf")
    for place, (line, pairs) in enumerate(glyphs):
        labels = {"font": font}
        if len(glyphs) >= ASCII:
            labels["character"] = chr(32 + place) if place < ASCII else "DEL"
        strokes: list[list[tuple[int, int]]] = [[]]
        for k in range(2, len(pairs), 2):
            if pairs[k : k + 2] == " R":
                strokes.append([])
            else:
                strokes[-1].append((ord(pairs[k]) - ord("R"), ord(pairs[k + 1]) - ord("R")))
        if any(strokes):
            read = [np.array(each, np.float64).reshape(-1, 2) for each in strokes]
            yield of_strokes(read, labels, file.name, line)


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
