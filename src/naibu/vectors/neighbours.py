"""Words by the cosine of their vectors: those near a word, and those that stand to one as two others do."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naibu.data.events import Array
from naibu.data.vector_file import Vectors
from naibu.errors import OptionError
from naibu.shown import Row, Shown

SPELLING_SHIFT = 2
"""Letters by which a word of a near spelling is longer or shorter, at most."""


@dataclass(frozen=True, repr=False)
class Neighbours(Shown):
    """Words in the order of their cosine, the largest first."""

    of: str
    words: tuple[str, ...]
    cosines: tuple[float, ...]

    def __repr__(self) -> str:
        return f"Neighbours({self.of}: {', '.join(self.words[:5])})"

    def rows(self) -> list[Row]:
        """Return a row a word."""
        return [{"of": self.of, "word": w, "cosine": c} for w, c in zip(self.words, self.cosines, strict=True)]


def near(vectors: Vectors, word: str, count: int = 10) -> Neighbours:
    """Return the words whose vectors have the largest cosine with that of a word, without it.

    Raises OptionError for a word that has no vector, and names the nearest spelling.
    """
    place = place_of(vectors, word)
    return _nearest(vectors, word, vectors.directions[place], {place}, count)


def analogy(vectors: Vectors, one: str, other: str, third: str, count: int = 10) -> Neighbours:
    """Return the words that stand to `third` as `other` stands to `one`, the best first: man king woman.

    By the largest cosine with other - one + third, each of length 1 (3CosAdd, Mikolov, Yih & Zweig 2013); the three
    themselves are left out, without which one of them mostly comes first. Raises OptionError as `near`.
    """
    places = [place_of(vectors, word) for word in (one, other, third)]
    units = vectors.directions
    a, b, c = units[places]
    return _nearest(vectors, f"{other} - {one} + {third}", b - a + c, set(places), count)


def cosine(vectors: Vectors, one: str, other: str) -> float:
    """Return the cosine of the vectors of two words, from -1 to 1; 0 where one of them has no length. Raises
    OptionError as `near`."""
    a, b = vectors.directions[[place_of(vectors, one), place_of(vectors, other)]]
    return float(a @ b)


def place_of(vectors: Vectors, word: str) -> int:
    """Return where a word stands; see `Vectors.place`. Raises OptionError where it has no vector."""
    place = vectors.place(word)
    if place < 0:
        near = nearest_spelling(vectors.words, word)
        said = f"the nearest spelling that has one is {near!r}" if near else "and none is spelt like it"
        raise OptionError(f"the word {word!r} has no vector; {said}")
    return place


def nearest_spelling(words: Sequence[str], word: str) -> str | None:
    """Return the word that is spelt most like one, of those about as long; None where none is."""
    some = [each for each in words if abs(len(each) - len(word)) <= SPELLING_SHIFT]
    return next(iter(difflib.get_close_matches(word, some, 1)), None)


def _nearest(vectors: Vectors, of: str, direction: Array, without: set[int], count: int) -> Neighbours:
    if count < 1:
        raise OptionError(f"--count {count}: must be at least 1")
    length = float(np.linalg.norm(direction))
    cosines = vectors.directions @ (direction / (length or 1.0))
    order = [place for place in np.argsort(-cosines, kind="stable").tolist() if place not in without][:count]
    return Neighbours(of, tuple(vectors.words[k] for k in order), tuple(float(cosines[k]) for k in order))
