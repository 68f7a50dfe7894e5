"""The text that vectors are learnt from: words that come often enough, by number, the most frequent first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from naibu.data.events import Array
from naibu.data.levels import END, SplitName, Words
from naibu.data.running_text import PIECE
from naibu.data.text_reading import read_documents
from naibu.errors import CorpusError
from naibu.memory import check_memory

LONGEST = 10_000
"""Words of a piece at most; what is near does not go on from one to the next."""
_END, _RARE = -1, -2


@dataclass(frozen=True)
class Corpus:
    """Words and the text in them.

    words: the most frequent first, ties as they came. counts: int64 [word]. tokens: int32, the number of every word of
    the text; words that are too rare are left out, as if they had not been there. starts: int64 [piece + 1], where
    pieces begin, lines for example: words of two pieces are never near each other. rare: how many words were left out.
    """

    words: tuple[str, ...]
    counts: Array
    tokens: Array
    starts: Array
    rare: int

    def __repr__(self) -> str:
        return f"Corpus({len(self.tokens):,} words, {len(self.words):,} different)"


def read_corpus(
    files: Sequence[Path], *, split: SplitName = "spaces", lowercase: bool = False, across: bool = False, least: int = 5
) -> Corpus:
    """Return the words of files, folders and archives of text; options as in `Options`.

    Raises CorpusError where files cannot be read and where fewer than two different words come often enough.
    """
    level = Words(split)
    found = read_documents([Path(each) for each in files], level, most=None, folder=None)
    table = [word if word == END or not lowercase else word.lower() for word in level.table]
    index = {word: number for number, word in enumerate(dict.fromkeys(table))}
    same = np.array([index[word] for word in table])
    end = index[END]
    counts = np.zeros(len(index), np.int64)
    for at in range(0, len(found.numbers), PIECE):
        counts += np.bincount(same[found.numbers[at : at + PIECE]], minlength=len(index))
    counts[end] = 0
    order, ids = _numbered(counts, least)
    words, read = list(index), int(counts.sum())
    if len(order) < 2:
        often = f"--least {least}: of {read:,} words {len(order)} different come so often"
        raise CorpusError(f"{often}, 2 are needed; give more text, or a smaller --least", files[0])
    ids[end] = _END
    check_memory(4 * int(counts[order].sum()), "the text, 4 bytes a word,")
    pieces = (ids[same[found.numbers[at : at + PIECE]]] for at in range(0, len(found.numbers), PIECE))
    breaks = found.starts if across else None
    tokens, starts = _cut(pieces, breaks)
    return Corpus(tuple(words[number] for number in order), counts[order], tokens, starts, read - len(tokens))


def corpus_of(sentences: Iterable[Sequence[str]], *, least: int = 1) -> Corpus:
    """Return sentences of words as a corpus, a piece each. Raises CorpusError as `read_corpus`."""
    index: dict[str, int] = {}
    numbers = [np.array([index.setdefault(word, len(index)) for word in some], np.int64) for some in sentences]
    counts = np.bincount(np.concatenate([np.zeros(0, np.int64), *numbers]), minlength=len(index))
    order, ids = _numbered(counts, least)
    if len(order) < 2:
        raise CorpusError(f"{len(order)} different words come {least} times or more, 2 are needed")
    tokens, starts = _cut((np.append(ids[some], _END).astype(np.int32) for some in numbers), None)
    words = list(index)
    return Corpus(tuple(words[k] for k in order), counts[order], tokens, starts, int(counts.sum()) - len(tokens))


def _numbered(counts: Array, least: int) -> tuple[Array, Array]:
    """Return the words that come often enough, the most frequent first, and the new number of every word, int32."""
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] >= least]
    ids = np.full(len(counts), _RARE, np.int32)
    ids[order] = np.arange(len(order))
    return order, ids


def _cut(pieces: Iterator[Array], breaks: Array | None) -> tuple[Array, Array]:
    """Return tokens without what is no word, and where pieces begin: after each end, or at `breaks` alone."""
    parts: list[Array] = [np.zeros(0, np.int32)]
    starts: list[Array] = [np.zeros(1, np.int64)]
    place, held = 0, 0
    for ids in pieces:
        there = ids >= 0
        before = np.add(np.cumsum(there) - there, held)
        if breaks is None:
            starts.append(before[ids == _END])
        else:
            inside: Array = breaks[(breaks >= place) & (breaks < place + len(ids))] - place
            starts.append(before[inside])
        parts.append(ids[there])
        held, place = held + int(there.sum()), place + len(ids)
    bounds = np.unique(np.concatenate([*starts, [held]]))
    lengths = np.diff(bounds)
    many = -(-lengths // LONGEST)
    first = np.repeat(bounds[:-1], many)
    within = np.arange(len(first)) - np.repeat(np.cumsum(many) - many, many)
    return np.concatenate(parts), np.append(first + within * LONGEST, held)
