"""The rows that several recordings share: the same symbols in the same sequences, to choose on and to score on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from naibu.errors import OptionError
from naibu.probes.source import Source
from naibu.probes.target import TEST, TRAIN


@dataclass(frozen=True)
class Network:
    """A recording and its part of the rows that all recordings share, bool [token] by its own tokens."""

    name: str
    source: Source
    fit: np.ndarray  # rows chosen on
    test: np.ndarray  # rows scored on
    unseen: np.ndarray  # part of test: sequences that do not occur in training

    @cached_property
    def test_sequence(self) -> np.ndarray:
        """The number of the test sequence, from 0, for every test row."""
        sequence = np.asarray(self.source.index.sequence)[self.test]
        return np.cumsum(np.append(0, np.diff(sequence) != 0))

    @cached_property
    def unseen_sequences(self) -> np.ndarray:
        """Which of the test sequences are unseen, bool [test sequence]."""
        first = np.flatnonzero(np.append(True, np.diff(self.test_sequence) != 0))
        return np.asarray(self.unseen[self.test][first])


def same_rows(recordings: Sequence[Source], names: Sequence[str], seed: int) -> tuple[list[Network], str]:
    """The shared rows of recordings, and in words which of them are chosen on.

    Training rows are chosen on and test rows scored where both are the same symbols in all recordings. Where only the
    test rows are, a random half of their sequences is chosen on and the other half scored. A recording without test
    rows takes part with all its rows. OptionError names the recordings whose test rows differ, and how.
    """
    splits = [np.asarray(source.index.split) for source in recordings]
    pools = [split == TEST if (split == TEST).any() else np.ones(len(split), bool) for split in splits]
    trains = [split == TRAIN for split in splits]
    first = recordings[0]
    for source, pool, name in zip(recordings[1:], pools[1:], names[1:], strict=True):
        if (reason := _difference(first, pools[0], source, pool)) is not None:
            raise OptionError(
                f"{name} and {names[0]} differ in their test rows: {reason}; record both over the same sequences"
            )
    common = [train.any() and not (train & pool).any() for train, pool in zip(trains, pools, strict=True)]
    if all(common) and all(
        _difference(first, trains[0], s, t) is None for s, t in zip(recordings[1:], trains[1:], strict=True)
    ):
        fits, tests, said = trains, pools, "train"
    else:
        halves = [_half(source, pool, seed) for source, pool in zip(recordings, pools, strict=True)]
        fits, tests = halves, [pool & ~half for pool, half in zip(pools, halves, strict=True)]
        said = f"a random half of the test sequences (seed {seed}), for the recordings share no training rows"
    unseen = [
        test & (split != TRAIN) & ~np.asarray(source.index.seen)
        for source, test, split in zip(recordings, tests, splits, strict=True)
    ]
    return [Network(*parts) for parts in zip(names, recordings, fits, tests, unseen, strict=True)], said


def _difference(a: Source, rows_a: np.ndarray, b: Source, rows_b: np.ndarray) -> str | None:
    """What differs between the marked rows of two recordings, None where nothing does."""
    n, m = int(np.count_nonzero(rows_a)), int(np.count_nonzero(rows_b))
    if n != m:
        return f"{m:,} and {n:,} positions"
    if tuple(a.index.symbols) != tuple(b.index.symbols):
        return "their vocabularies are not the same"
    unlike = np.asarray(a.index.symbol)[rows_a] != np.asarray(b.index.symbol)[rows_b]
    if unlike.any():
        return f"{int(unlike.sum()):,} of {n:,} symbols are not the same, the first at position {int(unlike.argmax())}"
    starts = [np.diff(np.asarray(s.index.sequence)[rows]) != 0 for s, rows in ((a, rows_a), (b, rows_b))]
    return None if np.array_equal(*starts) else "their sequences begin at other places"


def _half(source: Source, pool: np.ndarray, seed: int) -> np.ndarray:
    """A seeded half of the marked sequences, the same in every recording of the same rows; bool [token]."""
    number = np.cumsum(np.append(0, np.diff(np.asarray(source.index.sequence)[pool]) != 0))
    count = int(number[-1]) + 1
    if count < 2:
        raise OptionError("one test sequence cannot be divided into one half to choose on and one to score")
    chosen = np.random.default_rng((seed, 37, count)).permutation(count) < count // 2
    out = np.zeros(len(pool), bool)
    out[np.flatnonzero(pool)] = chosen[number]
    return out
