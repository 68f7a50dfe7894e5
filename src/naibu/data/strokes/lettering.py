"""Texts set in fonts of glyphs: handwriting whose text is known, and of each point the character it is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from naibu.data.files import open_files, texts_of
from naibu.data.strokes.drawings import Drawing, of_strokes
from naibu.data.strokes.hershey import Glyph, font_of, glyphs_of
from naibu.errors import CorpusError, OptionError

Font = Mapping[str, Glyph]
"""Glyphs by their character."""
TEXT, FONT = "text", "font"
"""What a drawing that was set says of itself."""
WORDS = 3
"""Words of a text side by side, at most."""
MOST = 20_000
"""Texts that are set, at most."""


class Lettered(NamedTuple):
    """Texts that were set, and what is to be said of it."""

    drawings: list[Drawing]
    found: list[tuple[str, str]]


def lettered(paths: Sequence[Path], words: Path, fonts: Sequence[str], seed: int) -> Lettered:
    """Return texts of one to three words of a file, each set in a font drawn at random, both by `seed`.

    paths: files of fonts. words: a file of text. fonts: the fonts to be used; all there are where none is named. A text
    comes once; texts with a character that its font does not have are left out. Raises OptionError for a font that is
    not there, CorpusError where no text can be set.
    """
    there = fonts_of(paths)
    for name in fonts:
        if name not in there:
            raise OptionError(f"--font {name}: there is no such font; there are {', '.join(sorted(there)) or 'none'}")
    chosen = sorted(set(fonts) or there)
    if not chosen:
        raise CorpusError("no font has all of ASCII, so that a text could be set in it", paths[0])
    generator = np.random.default_rng([seed, 0x1E77])
    pieces = pieces_of(words, generator)
    order = generator.permutation(len(pieces)).tolist()
    drawn = generator.integers(len(chosen), size=len(pieces)).tolist()
    drawings, left_out = list[Drawing](), 0
    for number in order:
        if len(drawings) == MOST:
            break
        name, text = chosen[drawn[number]], pieces[number]
        if any(letter not in there[name] for letter in text):
            left_out += 1
        else:
            drawings.append(set_in(there[name], text, name, str(words)))
    if not drawings:
        raise CorpusError(f"none of its words can be set in {', '.join(chosen)}", words)
    found = [("texts", f"{len(drawings):,} of {len(pieces):,} different ones of one to {WORDS} words of {words.name}")]
    found += [("fonts", ", ".join(chosen))]
    if left_out:
        found.append(("left out", f"{left_out:,} texts with a character that its font does not have"))
    return Lettered(drawings, found)


def fonts_of(paths: Sequence[Path]) -> dict[str, Font]:
    """Return the fonts of files, folders and archives that have every character of ASCII, by their names."""
    found: dict[str, Font] = {}
    for path in paths:
        for file in open_files(path):
            if file.extension == ".jhf":
                glyphs = {each.character: each for each in glyphs_of(file) if each.character is not None}
                name = font_of(file)
                if name in found and glyphs:
                    raise CorpusError(f"a second font of the name {name}; leave one of them out", file.name)
                if glyphs:
                    found[name] = {key: each for key, each in glyphs.items() if each.strokes or key == " "}
    return found


def pieces_of(path: Path, generator: np.random.Generator) -> list[str]:
    """Return a text cut into one to three words each, as drawn, with a blank between words; each piece comes once.

    Raises CorpusError where it has no word.
    """
    words = [word for file in open_files(path) for text in texts_of(file) for word in text.split()]
    if not words:
        raise CorpusError("no word is in it", path)
    ends = np.cumsum(generator.integers(1, WORDS + 1, size=len(words)))
    begins = [0, *ends[ends < len(words)].tolist()]
    cut = zip(begins, [*begins[1:], len(words)], strict=True)
    return list(dict.fromkeys(" ".join(words[begin:end]) for begin, end in cut))


def set_in(font: Font, text: str, name: str, file: str = "") -> Drawing:
    """Return a text set in a font, glyph beside glyph, from x = 0 on, with the place of every point's character.

    name: of the font. Raises KeyError for a character that the font does not have.
    """
    strokes, places, x = [], list[int](), 0.0
    for place, letter in enumerate(text):
        glyph = font[letter]
        for stroke in glyph.strokes:
            strokes.append(stroke + np.array([x - glyph.left, 0.0]))
            places += [place] * len(stroke)
        x += glyph.right - glyph.left
    drawing = of_strokes(strokes, {TEXT: text, FONT: name}, file)
    return replace(drawing, places=np.array(places, np.int32))
