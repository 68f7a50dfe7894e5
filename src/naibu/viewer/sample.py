"""A sample of whole sequences from all over a recording, and the values of a signal there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from naibu.recording.index import Array
from naibu.recording.recording import Recording
from naibu.recording.store import Key

if TYPE_CHECKING:
    from naibu.viewer.exhibits import Exhibit

ROWS, LEAST = 60_000, 4_000
"""Steps of the sample at most, and at least where a layer has very many units."""
VALUES = 12_000_000
"""Values of one layer and signal that are looked at."""
SHARDS = 12
"""Shards from which the sample is taken: a file is compared with its checksum as a whole."""
PIECE = 2**19
"""Values that are looked at in one go."""
Spans = tuple[tuple[int, int], ...]
"""First and last + 1 row of sequences."""


class Sample(NamedTuple):
    """Whole sequences in two parts: units are chosen on the first, scored on the second."""

    first: Spans
    second: Spans
    parts: str  # what the two parts are

    @property
    def spans(self) -> Spans:
        """The rows of every sequence, those of the first part before those of the second."""
        return self.first + self.second


class Values(NamedTuple):
    """The values of one layer and signal over a sample."""

    x: Array  # [row unit], as they are stored
    begins: Array  # bool [row], whether a sequence begins

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[Array, Array]]:
        """Yield values float32 `[row unit]` of some rows at a time, and which of them begin a sequence."""
        stop = len(self.x) if stop is None else stop
        most = max(1, PIECE // self.x.shape[1])
        for a in range(start, stop, most):
            rows = slice(a, min(stop, a + most))
            yield self.x[rows].astype(np.float32), self.begins[rows]


def sample_of(exhibit: Exhibit, units: int) -> Sample:
    """Return whole sequences, fewer where a signal has very many units, from at most SHARDS shards that lie far apart.

    Where there are training and test sequences, units are chosen on the first and scored on the second, else on every
    other sequence each.
    """
    rows = max(LEAST, min(ROWS, VALUES // units))
    starts, split = exhibit.sequences.starts, exhibit.recording.index.split
    spans = [(shard.start, shard.stop) for shard in exhibit.recording.shards()]
    chosen = spans if exhibit.recording.tokens <= rows else [spans[k] for k in _apart(len(spans), SHARDS)]
    share = rows if chosen is spans else max(1, rows // len(chosen))  # of a longer sequence the beginning
    found = [_some(starts, span, share) for span in chosen]
    numbers = np.concatenate(found) if found else np.zeros(0, np.int64)
    part = np.asarray(split[starts[numbers]])
    if (part == 0).any() and (part == 2).any():
        numbers, part = numbers[part != 1], part[part != 1]
        second, parts = part == 2, "chosen on training sequences, scored on test sequences"
    else:
        second, parts = np.arange(len(numbers)) % 2 == 1, "chosen on half of the sequences, scored on the other half"
    first, last = (
        tuple((int(starts[k]), int(min(starts[k + 1], starts[k] + share))) for k in numbers[at].tolist())
        for at in (~second, second)
    )
    return Sample(first, last, parts)


def _some(starts: Array, span: tuple[int, int], rows: int) -> Array:
    """Return sequences of a shard with about so many rows together, drawn by the shard's place."""
    first, last = np.searchsorted(starts, span)
    numbers = np.arange(first, last)
    if starts[last] - starts[first] <= rows:
        return numbers
    numbers = np.random.default_rng((int(first), 31)).permutation(numbers)
    reach = np.cumsum(starts[numbers + 1] - starts[numbers])
    return np.sort(numbers[: max(1, int(np.searchsorted(reach, rows, side="right")))])


def values_of(recording: Recording, key: Key, spans: Spans) -> Values:
    """Return the values of one layer and signal over some sequences; neighbours are read in one go."""
    array, parts = recording[key], list[Array]()
    begin = end = spans[0][0]
    for start, stop in (*spans, (-1, -1)):
        if start != end:
            parts.append(array[begin:end])
            begin = start
        end = stop
    begins = np.zeros(length(spans), bool)
    begins[np.cumsum([0, *(b - a for a, b in spans[:-1])])] = True
    return Values(np.concatenate(parts), begins)


def length(spans: Spans) -> int:
    """Return how many rows spans have together."""
    return sum(stop - start for start, stop in spans)


def _apart(count: int, most: int) -> list[int]:
    """Return numbers below `count`, at most so many, evenly apart."""
    return sorted({round(k) for k in np.linspace(0, count - 1, min(count, most)).tolist()}) if count else []
