"""What is different at the places that a search found: how often each label holds there, against how often anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from naibu.recording.index import Array
from naibu.viewer.exhibits import Exhibit
from naibu.viewer.numbers import some_of
from naibu.viewer.sequence_table import ROWS

BLOCKS = 256
"""Groups of whole sequences over which a lift varies."""
VALUES = 12
"""Values of a label that are told one by one; of a number with more, fifths of the steps."""
SYMBOLS = 40
"""Of what is read and told, so many most frequent ones are asked about."""
NORMAL = 1.96
"""Standard errors of a 95 % interval."""
LEAST = 5
"""Places at least that a label holds at before its lift is told."""


class Lift(NamedTuple):
    """How often a label has a value at the places found, against anywhere."""

    label: str
    value: str
    places: int  # those where it holds
    share: float  # of the places where the label is known
    base: float  # share anywhere
    lift: float  # share / base
    low: float  # 95 % interval of the lift
    high: float


Encode = Callable[[Array], Array]
"""Values of a column to the numbers of few groups, int64, -1 where it is not known."""


class _Grouped(NamedTuple):
    """A column as few groups, with their names and counts anywhere."""

    name: str
    column: Array  # [token]
    encode: Encode
    values: tuple[str, ...]
    counts: Array  # [block group]
    known: Array  # [block]


class Lifts:
    """The labels, what was read and what was told, counted once over a recording."""

    def __init__(self, exhibit: Exhibit) -> None:
        self._exhibit = exhibit

    def of(self, rows: Array, most: int = 24) -> list[Lift]:
        """Return the values that are more or less frequent at rows than anywhere, the surest first.

        The interval is that of a ratio of two ratios over groups of whole sequences, linearised, on the scale of its
        logarithm: neighbouring steps are alike, so that counting steps as trials would flatter it. It is not corrected
        for the number of values asked about.
        """
        found = [lift for grouped in self._columns for lift in _lifts(grouped, rows, self._blocks(rows))]
        return sorted(found, key=_surety, reverse=True)[:most]

    @cached_property
    def _edges(self) -> Array:
        """Rows at which groups of whole sequences begin."""
        starts = self._exhibit.sequences.starts
        wanted = np.linspace(0, len(starts) - 1, min(BLOCKS, len(starts) - 1) + 1).round().astype(np.int64)
        edges: Array = starts[wanted]
        return edges

    def _blocks(self, rows: Array) -> Array:
        found: Array = np.searchsorted(self._edges, rows, side="right") - 1
        return found

    @cached_property
    def _columns(self) -> list[_Grouped]:
        return [self._grouped(*each) for each in self._asked()]

    def _asked(self) -> Iterator[tuple[str, Array, Encode, tuple[str, ...]]]:
        """Yield name, values, code and names of groups of every column that is asked about."""
        index = self._exhibit.recording.index
        for name in index.label_names:
            column = index.label(name)
            yield name, column.values, *_few(column.values, column.names, VALUES)
        for name in index.input_names:
            column = index.input(name)
            yield f"read {name}", column.values, *_few(column.values, column.names, SYMBOLS)
        for name in ("gold", "predicted"):
            if name in index.outcome_names:
                column = index.outcome(name)
                yield name, column.values, *_few(column.values, column.names or index.classes or None, SYMBOLS)

    def _grouped(self, name: str, column: Array, encode: Encode, values: tuple[str, ...]) -> _Grouped:
        groups = max(1, len(self._edges) - 1)
        counts = np.zeros((groups, len(values)))
        for start in range(0, len(column), ROWS):
            codes = encode(np.asarray(column[start : start + ROWS]))
            there = np.flatnonzero(codes >= 0)
            at = self._blocks(there + start) * len(values) + codes[there]
            counts += np.bincount(at, minlength=counts.size).reshape(counts.shape)
        return _Grouped(name, column, encode, values, counts, counts.sum(axis=1))


def _few(column: Array, names: tuple[str, ...] | None, most: int) -> tuple[Encode, tuple[str, ...]]:
    """Return how a column is divided into few groups, and what they are called."""
    if names is not None:
        return _frequent(column, names, most)
    sample = some_of(column, ROWS)
    some = np.unique(sample)
    some = some[~np.isnan(some)] if some.dtype.kind == "f" else some
    if len(some) <= most:

        def exact(part: Array) -> Array:
            return np.where(np.isin(part, some), np.searchsorted(some, part), -1)

        return exact, tuple(f"{value:g}" for value in some.tolist()) or ("none",)
    ends = np.unique(np.nanquantile(sample.astype(np.float64), (0.2, 0.4, 0.6, 0.8)))

    def fifth(part: Array) -> Array:
        code = np.searchsorted(ends, part, side="right")
        return np.where(np.isnan(part), -1, code) if part.dtype.kind == "f" else code

    edges = [f"{end:.3g}" for end in ends.tolist()]
    between = [f"{a} to {b}" for a, b in pairwise(edges)]
    return fifth, (f"below {edges[0]}", *between, f"{edges[-1]} or more")


def _frequent(column: Array, names: tuple[str, ...], most: int) -> tuple[Encode, tuple[str, ...]]:
    """Return the most frequent names as groups, the rest being one more."""
    counts = np.zeros(len(names), np.int64)
    for start in range(0, len(column), ROWS):
        part = np.asarray(column[start : start + ROWS])
        counts += np.bincount(part[part >= 0], minlength=len(names))[: len(names)]
    kept = np.argsort(-counts, kind="stable")[:most]
    kept = kept[counts[kept] > 0]
    rest = bool(counts.sum() > counts[kept].sum())
    codes = np.full(len(names) + 1, len(kept) if rest else -1, np.int64)  # the last is for -1, none
    codes[kept], codes[-1] = np.arange(len(kept)), -1
    return lambda part: codes[part], (*(names[k] for k in kept.tolist()), *(("others",) if rest else ()))


def _lifts(grouped: _Grouped, rows: Array, blocks: Array) -> Iterator[Lift]:
    codes, size = grouped.encode(np.asarray(grouped.column[rows])), len(grouped.values)
    there = codes >= 0
    total, known = grouped.counts.sum(axis=0), grouped.known.sum()
    places = int(there.sum())
    if not places or not known:
        return
    at = blocks[there] * size + codes[there]
    counts = np.bincount(at, minlength=grouped.counts.size).reshape(grouped.counts.shape).astype(np.float64)
    n, count, groups = counts.sum(axis=1), counts.sum(axis=0), len(counts)
    for k in np.flatnonzero((count >= LEAST) & (total > 0)).tolist():
        share, base = count[k] / places, total[k] / known
        influence = counts[:, k] / count[k] - n / places - grouped.counts[:, k] / total[k] + grouped.known / known
        error = float(np.sqrt((influence**2).sum() * groups / max(1, groups - 1)))
        lift = float(share / base)
        low, high = (lift * np.exp(-NORMAL * error), lift * np.exp(NORMAL * error)) if groups > 1 else (np.nan, np.nan)
        yield Lift(
            grouped.name, grouped.values[k], int(count[k]), float(share), float(base), lift, float(low), float(high)
        )


def _surety(lift: Lift) -> float:
    """Return by how many standard errors a lift differs from 1; those that are not sure come last."""
    error = (np.log(lift.high) - np.log(lift.low)) / (2 * NORMAL) if lift.low > 0 else np.nan
    return float(abs(np.log(lift.lift)) / max(error, 0.02)) if np.isfinite(error) else 0.0


def plain(lifts: list[Lift]) -> list[dict[str, Any]]:
    """Return lifts as plain values."""
    return [{name: None if value != value else value for name, value in lift._asdict().items()} for lift in lifts]
