"""n-grams counted, piece by piece of a text that may be larger than memory; those that are different are in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from naibu.data.events import Array
from naibu.data.running_text import PIECE, Text
from naibu.data.text_coder import numbers_of
from naibu.data.vocabulary import Vocabulary
from naibu.errors import OptionError
from naibu.memory import check_memory
from naibu.ngrams.tables import find, grown
from naibu.progress import shown_if_long
from naibu.storage import cannot_write

LARGE = 2**24
"""Symbols from which on what is known of each place in the text lies on disk."""
KEPT = 64
"""Bytes that an n-gram takes at most while it is counted, and again while probabilities are made."""


@dataclass(frozen=True)
class Counts:
    """What was counted of one order: keys as in `Table`, how often, and the number of each without its first symbol."""

    keys: Array
    counts: Array
    shorter: Array


def stream(text: Text, vocabulary: Vocabulary, across: bool) -> Iterator[Array]:
    """Yield a text piece by piece, int64: `len(vocabulary)` where it begins, then its symbols.

    It begins where a range does and, unless n-grams go on `across` the ends of lines, after each of them. Raises
    OptionError for a text of another level.
    """
    source, start = text.source, len(vocabulary)
    if source.level.end not in vocabulary.index:
        raise OptionError(f"the n-grams are of another level than this text of {source.level.name}s")
    ids, end = numbers_of(source.level, vocabulary), vocabulary.index[source.level.end]
    for begin, stop in text.ranges.tolist():
        before = np.array([start])
        for at in range(begin + 1, stop, PIECE):
            piece = ids[source.numbers[at : min(stop, at + PIECE)]].astype(np.int64)
            if not across:
                piece = np.insert(piece, np.flatnonzero(piece[:-1] == end) + 1, start)
            yield np.concatenate([before, piece])
            before = np.full(int(not across and piece[-1] == end), start)


def counted(pieces: Iterable[Array], size: int, order: int) -> list[Counts]:
    """Return the n-grams of each order, fewer orders where no n-gram is so long.

    pieces: of a stream, see `stream`. size: of its symbols, the beginning included. Of the highest order counts are
    occurrences, below it different symbols before (Kneser & Ney 1995); where nothing can stand before, occurrences.
    Raises OptionError where the different n-grams do not fit in memory, StoredError where the disk is full.
    """
    symbols = _kept(pieces)
    cuts = [(at, min(len(symbols), at + PIECE)) for at in range(1, len(symbols), PIECE)]
    occurred = np.zeros(size, np.int64)
    for at in range(0, len(symbols), PIECE):
        occurred += np.bincount(symbols[at : at + PIECE], minlength=size)
    found, below = [Counts(np.arange(size), occurred, np.zeros(size, np.int64))], symbols
    with shown_if_long(f"counting n-grams of {len(symbols):,} symbols", "orders") as progress:
        for n in range(2, order + 1):
            progress(n - 2, order - 1, f"order {n}")
            runs = (_run(grown(below[a - 1 : b - 1], symbols[a:b], size)) for a, b in cuts)
            keys, counts = _merged(runs, f"--order {order}: n-grams of {n} symbols, of which there are")
            if not len(keys):
                break
            found.append(Counts(keys, counts, np.zeros(len(keys), np.int64)))
            below = _kept(_numbered(found[-1], symbols, below, cuts, size))
    for place, above in enumerate(found[1:]):
        each = found[place]
        kinds = np.bincount(above.shorter, minlength=len(each.keys))
        found[place] = Counts(each.keys, np.where(kinds > 0, kinds, each.counts), each.shorter)
    found[0].counts[size - 1] = 0  # the beginning is never told
    many = sum(len(each.keys) for each in found)
    check_memory(KEPT * many, f"--order {order}: probabilities of {many:,} n-grams")
    return found


def _kept(pieces: Iterable[Array]) -> Array:
    """Return pieces as one array, from `LARGE` on in a file without a name."""
    parts, held = list[Array](), 0
    try:
        with tempfile.TemporaryFile() as file:  # mapped, it stays until nobody reads it
            for piece in pieces:
                parts.append(piece)
                held += len(piece)
                if held > LARGE:
                    file.write(np.concatenate(parts).data)
                    parts = []
            if held <= LARGE:
                return np.concatenate(parts)
            file.flush()
            return np.memmap(file, np.int64, "r")
    except OSError as error:
        raise cannot_write(Path(tempfile.gettempdir()), error) from None


def _numbered(grams: Counts, symbols: Array, below: Array, cuts: list[tuple[int, int]], size: int) -> Iterator[Array]:
    """Yield the number of the n-gram that ends at each place, -1 for none; fill in what each is without its first."""
    yield np.array([-1])
    for a, b in cuts:
        numbers = find(grams.keys, grown(below[a - 1 : b - 1], symbols[a:b], size))
        grams.shorter[numbers[numbers >= 0]] = below[a:b][numbers >= 0]
        yield numbers


def _run(keys: Array) -> tuple[Array, Array]:
    found, counts = np.unique(keys[keys >= 0], return_counts=True)
    return found, counts


def _merged(runs: Iterable[tuple[Array, Array]], what: str) -> tuple[Array, Array]:
    """Return runs of rising keys and their counts as one; each is merged with those at most twice as long."""
    held = list[tuple[Array, Array]]()
    for run in runs:
        held.append(run)
        check_memory(KEPT * sum(len(keys) for keys, _ in held), f"{what} {len(held[0][0]):,} or more,")
        while len(held) > 1 and len(held[-2][0]) <= 2 * len(held[-1][0]):
            held.append(_both(held.pop(), held.pop()))
    while len(held) > 1:
        held.append(_both(held.pop(), held.pop()))
    return held[0] if held else (np.zeros(0, np.int64), np.zeros(0, np.int64))


def _both(one: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[Array, Array]:
    keys, places = np.unique(np.concatenate([one[0], other[0]]), return_inverse=True)
    return keys, np.bincount(places, np.concatenate([one[1], other[1]])).astype(np.int64)
