"""Sequences of similar length gathered into batches, and a batch as one padded array."""

from __future__ import annotations

import numpy as np

from naibu.data.events import Array
from naibu.data.sequences import Sequences
from naibu.errors import OptionError

POOL = 64  # batches that are sorted by length together: little padding, and still another order each time

GRAIN = 16
"""Sequences of which larger batches have a multiple: the framework keeps a megabyte for every shape it meets."""


def length_batches(
    lengths: Array,
    batch_tokens: int,
    batch_size: int,
    generator: np.random.Generator,
    beside: Array | None = None,
) -> list[Array]:
    """Numbers of sequences in batches: every sequence once, those in a batch of similar length, in random order.

    lengths: int64 [sequence]. batch_tokens: the most tokens in a batch, padding included; a sequence that is
    longer still is a batch of its own. batch_size: the most sequences in a batch; more than 16 are a multiple of 16,
    but for what is left at the end. beside: lengths of what is read with each, which are to be alike in a batch before
    all else.
    """
    if batch_tokens < 1 or batch_size < 1:
        raise OptionError(f"batch_tokens {batch_tokens} and batch_size {batch_size} have to be at least 1")
    order = generator.permutation(len(lengths))
    batches: list[Array] = []
    for start in range(0, len(order), POOL * batch_size):
        pool = order[start : start + POOL * batch_size]
        pool = pool[_alike(lengths[pool], None if beside is None else beside[pool])]
        first = 0
        while first < len(pool):
            longest = np.maximum.accumulate(lengths[pool[first : first + batch_size]])
            fitting = int(np.searchsorted(longest * np.arange(1, len(longest) + 1), batch_tokens, side="right"))
            fitting = max(1, fitting - (fitting % GRAIN if fitting > GRAIN else 0))
            batches.append(pool[first : first + fitting])
            first += fitting
    return [batches[number] for number in generator.permutation(len(batches))]


def _alike(lengths: Array, beside: Array | None) -> Array:
    """An order in which neighbours are alike: by `beside`, and within that by length, rising and falling in turn, so
    that where one ends the next begins with sequences as long."""
    if beside is None:
        return np.argsort(lengths, kind="stable")
    _, place = np.unique(beside, return_inverse=True)
    return np.lexsort((np.where(place % 2, -lengths, lengths), beside))


def pad(sequences: Sequences, which: Array) -> tuple[Array, Array]:
    """The chosen sequences as int64 [time batch], 0 after the end of each, and their lengths, int64 [batch]."""
    starts = sequences.starts[which]
    lengths = sequences.starts[np.asarray(which) + 1] - starts
    time = np.arange(int(lengths.max(initial=0)))[:, None]
    inside = time < lengths  # [time batch]
    place = np.where(inside, starts + time, 0)
    ids = sequences.ids[place] if sequences.tokens else np.zeros(place.shape)
    return np.where(inside, ids, 0).astype(np.int64), lengths.astype(np.int64)
