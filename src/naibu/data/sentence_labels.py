"""What is known of every symbol of a sentence without anybody's saying so: its place, what is left, its punctuation."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from naibu.data.events import Array
from naibu.data.levels import Level

LABELS = ("position", "symbols_left", "words_left", "since_punctuation", "quote_depth")
"""position: symbols read before. symbols_left: steps that follow in the sentence. words_left: words, as blanks part
them, that begin later. since_punctuation: words begun since the last punctuation mark, or since the sentence began.
quote_depth: quotation marks that are open."""
_OPENING, _CLOSING, _STRAIGHT = "“„«「『〝", "”»」』〟", '"＂'
_WITHIN = "'’‘-–‐‑_@&#%*/\\"
"""Marks that stand within words too, and do not count as punctuation."""


class _Seen(NamedTuple):
    """What is so after some characters of a sentence."""

    words: int  # that have begun
    marks: int  # words that had begun when the last punctuation mark came, itself among them
    quotes: int  # that are open


def labels_of(level: Level, sentences: list[Array], *, first: bool) -> dict[str, Array]:
    """Return every label of every step of sentences, int32 [step] each, as it is after the symbol read there.

    sentences: [token] each, numbers in the level's table. A sentence has one step more than symbols: its end, which is
    read last, or, with `first`, first, where nothing has been read yet.
    """
    rows: list[tuple[int, ...]] = []
    for numbers in sentences:
        after = _after_symbols(level, numbers)
        after = [_Seen(0, 0, 0), *after] if first else [*after, after[-1] if after else _Seen(0, 0, 0)]
        words = after[-1].words
        for position, seen in enumerate(after):
            left = len(after) - 1 - position
            rows.append((position, left, words - seen.words, seen.words - seen.marks, seen.quotes))
    columns = np.array(rows, np.int32).reshape(-1, len(LABELS)).T
    return dict(zip(LABELS, np.ascontiguousarray(columns), strict=True))


def _after_symbols(level: Level, numbers: Array) -> list[_Seen]:
    """Return what is so after each symbol of a sentence."""
    text, lengths = level.spell_each(numbers, begins=True)
    after = [_Seen(0, 0, 0), *_after_letters(text)]
    return [after[place] for place in np.cumsum(lengths).tolist()]


def _after_letters(text: str) -> Iterator[_Seen]:
    """Yield what is so after each character of a sentence."""
    words, marks, open_, straight, before = 0, 0, 0, False, " "
    for letter in text:
        words += before.isspace() and not letter.isspace()
        if letter in _STRAIGHT:
            straight = not straight
            open_ += 1 if straight else -1
        elif letter in _OPENING:
            open_ += 1
        elif letter in _CLOSING:
            open_ -= 1
        open_ = max(0, open_)
        marks = words if _is_punctuation(letter) else marks
        before = letter
        yield _Seen(words, marks, open_)


@lru_cache(maxsize=4096)
def _is_punctuation(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "P" and letter not in _WITHIN
