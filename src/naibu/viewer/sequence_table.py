"""The list of sequences: where each begins, how long it is, how hard it was; filtered and sorted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

import numpy as np

from naibu.errors import OptionError
from naibu.recording.index import SPLITS, Array
from naibu.recording.recording import Recording

ROWS = 2**20
"""Rows of a column that are looked at in one go."""
Order = Literal["number", "length", "loss", "mean", "highest", "lowest", "range"]
"""How the list may be sorted; the last four are of a chosen unit's values."""


@dataclass(frozen=True)
class Wanted:
    """Which sequences are to be listed, in which order.

    `words` are symbols that have to come one after the other, parted by blanks, or for single characters a text;
    `holds` a label and the value that it has somewhere.
    """

    words: str = ""
    split: str = ""
    shortest: int = 0
    longest: int = 0
    least_loss: float | None = None
    most_loss: float | None = None
    label: str = ""
    value: str = ""
    sort: Order = "number"
    down: bool = False


class SequenceTable:
    """Where the sequences of a recording are; made in one pass over a column when first asked for."""

    def __init__(self, recording: Recording) -> None:
        self._recording, self._lock = recording, Lock()
        self._starts: Array | None = None
        self._loss: Array | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def starts(self) -> Array:
        """Where sequences begin, int64 `[sequence + 1]`."""
        with self._lock:
            if self._starts is None:
                self._starts = self._recording.index.starts
            return self._starts

    @property
    def lengths(self) -> Array:
        """How many steps each has, int64 `[sequence]`."""
        return np.diff(self.starts)

    @property
    def loss(self) -> Array | None:
        """The mean loss of each, float32 `[sequence]`, NaN where nothing is predicted; None where none is recorded."""
        starts = self.starts
        with self._lock:
            if self._loss is None and "loss" in self._recording.index.outcome_names:
                self._loss = _means(self._recording.index.outcome("loss").values, starts)
            return self._loss

    def span(self, number: int) -> tuple[int, int]:
        """Return first and last + 1 row of a sequence, by its place. Raises OptionError where there is none."""
        if not 0 <= number < len(self):
            raise OptionError(f"sequence {number}: there are sequences 0 to {len(self) - 1}")
        return int(self.starts[number]), int(self.starts[number + 1])

    def of_rows(self, rows: Array) -> Array:
        """Return the places of the sequences that rows lie in."""
        found: Array = np.searchsorted(self.starts, rows, side="right") - 1
        return found

    def groups(self) -> Iterator[tuple[int, int]]:
        """Yield first and last + 1 sequence of groups of about ROWS rows, or of one longer sequence."""
        starts, first, last = self.starts, 0, len(self)
        while first < last:
            end = int(np.searchsorted(starts, starts[first] + ROWS, side="right")) - 1
            end = min(max(end, first + 1), last)
            yield first, end
            first = end

    def listed(self, wanted: Wanted, values: Array | None = None) -> Array:
        """Return the places of the sequences wanted, in the order wanted.

        `values [token]` are those of the unit whose mean, highest, lowest or range it is sorted by. Raises OptionError
        for what the recording does not have.
        """
        keep = np.ones(len(self), bool)
        lengths = self.lengths
        if wanted.shortest:
            keep &= lengths >= wanted.shortest
        if wanted.longest:
            keep &= lengths <= wanted.longest
        if wanted.split:
            keep &= self._of_split(wanted.split)
        if wanted.least_loss is not None or wanted.most_loss is not None:
            keep &= self._within_loss(wanted.least_loss, wanted.most_loss)
        if wanted.label:
            keep &= self._any(_holding(self._recording, wanted.label, wanted.value))
        if wanted.words:
            keep &= self._any(_spelling(self._recording, wanted.words))
        found = np.flatnonzero(keep)
        by = self._sorted_by(wanted, lengths, values)
        if by is None:
            return found[::-1] if wanted.down else found
        of = by[found].astype(np.float64)
        of = np.where(np.isnan(of), np.inf, -of if wanted.down else of)
        return found[np.argsort(of, kind="stable")]

    def _sorted_by(self, wanted: Wanted, lengths: Array, values: Array | None) -> Array | None:
        if wanted.sort == "number":
            return None
        if wanted.sort == "length":
            return lengths
        if wanted.sort == "loss":
            if self.loss is None:
                raise OptionError("sort loss: no loss was recorded; sort by length or by a unit")
            return self.loss
        if values is None:
            raise OptionError(f"sort {wanted.sort}: say of which unit")
        return _summarised(wanted.sort, values, self.starts)

    def _of_split(self, name: str) -> Array:
        if name not in SPLITS:
            raise OptionError(f"split {name!r}: must be one of {', '.join(SPLITS)}")
        found: Array = np.asarray(self._recording.index.split[self.starts[:-1]]) == SPLITS.index(name)
        return found

    def _within_loss(self, least: float | None, most: float | None) -> Array:
        if self.loss is None:
            raise OptionError("loss: none was recorded, so that sequences cannot be chosen by it")
        with np.errstate(invalid="ignore"):
            low = self.loss >= (-np.inf if least is None else least)
            return low & (self.loss <= (np.inf if most is None else most))

    def _any(self, holding: Any) -> Array:
        """Return in which sequences something holds somewhere; `holding(start, stop)` is bool `[row]`."""
        found, starts = np.zeros(len(self), bool), self.starts
        for first, last in self.groups():
            rows = np.flatnonzero(holding(int(starts[first]), int(starts[last])))
            found[np.unique(self.of_rows(rows + starts[first]))] = True
        return found


def _means(column: Array, starts: Array) -> Array:
    sums, counts = np.zeros(len(starts) - 1), np.zeros(len(starts) - 1)
    first = 0
    while first < len(starts) - 1:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + ROWS, side="right")) - 1)
        part = np.asarray(column[starts[first] : starts[last]], np.float64)
        there = ~np.isnan(part)
        at = starts[first:last] - starts[first]
        sums[first:last] = np.add.reduceat(np.where(there, part, 0.0), at)
        counts[first:last] = np.add.reduceat(there.astype(np.float64), at)
        first = last
    with np.errstate(invalid="ignore"):
        return np.where(counts > 0, sums / counts, np.nan).astype(np.float32)


def _summarised(how: str, values: Array, starts: Array) -> Array:
    values = values.astype(np.float32)
    highest = np.maximum.reduceat(values, starts[:-1])
    if how == "highest":
        return highest
    lowest = np.minimum.reduceat(values, starts[:-1])
    if how == "lowest":
        return lowest
    if how == "range":
        return highest - lowest
    means: Array = np.add.reduceat(values.astype(np.float64), starts[:-1]) / np.diff(starts)
    return means


def _holding(recording: Recording, label: str, value: str) -> Any:
    column = recording.index.label(label)
    if column.names is not None:
        if value not in column.names:
            raise OptionError(f"label {label} = {value!r}: it has {', '.join(column.names[:20])}")
        wanted: float = column.names.index(value)
    else:
        try:
            wanted = float(value)
        except ValueError:
            raise OptionError(f"label {label} = {value!r}: must be a number") from None
    return lambda start, stop: column.values[start:stop] == wanted


def _spelling(recording: Recording, words: str) -> Any:
    """Return where symbols that were typed come one after the other, as a function of a span of rows."""
    index = recording.index
    if not index.symbols:
        raise OptionError(f"words {words!r}: nothing that can be spelled was read")
    codes = {symbol: code for code, symbol in enumerate(index.symbols)}
    typed = words.split()
    if not all(word in codes for word in typed):
        typed = list(words)
    missing = [symbol for symbol in typed if symbol not in codes]
    if missing:
        raise OptionError(f"words {words!r}: {missing[0]!r} is not among the symbols of this recording")
    wanted = [codes[symbol] for symbol in typed]
    symbol, sequence = index.symbol, index.sequence

    def holding(start: int, stop: int) -> Array:
        here, of = np.asarray(symbol[start:stop]), np.asarray(sequence[start:stop])
        found: Array = np.asarray(here == wanted[0])
        for lag, code in enumerate(wanted[1:], 1):
            found[: len(here) - lag] &= (here[lag:] == code) & (of[lag:] == of[: len(of) - lag])
            found[len(here) - lag :] = False
        return found

    return holding
