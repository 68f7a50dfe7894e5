"""The columns of one stream of several splits, end to end, in pieces: nothing as long as the whole is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from naibu.data.examples import Array, Column, Examples
from naibu.errors import OptionError
from naibu.recording.index import FIXED, INPUT, LABEL, SPLITS, fixed_columns


class StreamTable:
    """Which token is which step of which example, what was read there and what is known of it."""

    def __init__(self, splits: Mapping[str, Examples], stream: str, labels: Sequence[str] | None) -> None:
        """`labels`: all but those of single categories where None; those that the stream does not have are left out
        where another one has them, or it is not the predicted one."""
        self._parts = [(SPLITS.index(name), splits[name]) for name in SPLITS if name in splits]
        lengths = [examples.lengths_of(stream) for _, examples in self._parts]
        self.lengths = np.concatenate([*lengths, np.zeros(0, np.int64)])
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)  # [example + 1]
        self.tokens = int(self.starts[-1])
        self.seen = np.concatenate([*(examples.seen() for _, examples in self._parts), np.zeros(0, bool)])
        self.split = np.repeat([code for code, _ in self._parts], [len(part) for part in lengths]).astype(np.int8)
        self._offsets = np.cumsum([0, *(int(part.sum()) for part in lengths)]).tolist()
        columns = {INPUT + name: [ex.inputs(stream)[name] for _, ex in self._parts] for name in self._inputs(stream)}
        for name in self._labels(stream, labels):
            columns[LABEL + name] = [examples.label(name, stream) for _, examples in self._parts]
        self._columns = {name: _joined(found) for name, found in columns.items()}
        self.made_from = [each.made_from for _, each in self._parts if each.made_from]
        """What labels come from besides the data, of each split."""

    @property
    def kinds(self) -> dict[str, str]:
        """The numpy type of each column."""
        fixed = {name: str(np.dtype(kind)) for name, kind in FIXED.items()}
        return fixed | {name: str(column.dtype) for name, column in self._columns.items()}

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The names of the codes of categorical columns."""
        return {name: column.names for name, column in self._columns.items() if column.names is not None}

    def columns(self, first: int, last: int) -> dict[str, Array]:
        """Return every column, `[token]`, of examples `first` to `last`."""
        fixed = fixed_columns(first, self.lengths[first:last], self.split[first:last], self.seen[first:last])
        return fixed | {name: self.column(name, first, last) for name in self._columns}

    def column(self, name: str, first: int, last: int) -> Array:
        """Return one column that is not FIXED, `[token]`, of examples `first` to `last`."""
        start, stop = int(self.starts[first]), int(self.starts[last])
        column = self._columns[name]
        return self._cut(start, stop, column.parts).astype(column.dtype, copy=False)

    def batch(self, which: Array) -> tuple[Examples, Array]:
        """Return the split in which examples are, and their numbers there; they are all of one split."""
        first = np.searchsorted(self.split, self.split[which[0]])
        return next(part for code, part in self._parts if code == self.split[which[0]]), which - first

    def _inputs(self, stream: str) -> tuple[str, ...]:
        return tuple(self._parts[0][1].inputs(stream)) if self._parts else ()

    def _labels(self, stream: str, labels: Sequence[str] | None) -> tuple[str, ...]:
        there = self._parts[0][1].labels(stream) if self._parts else ()
        if labels is None:
            return tuple(name for name in there if ":" not in name)
        examples = self._parts[0][1] if self._parts else None
        if examples is None:
            return tuple(dict.fromkeys(labels))
        others = {name for other in examples.streams if other != stream for name in examples.labels(other)}
        main = stream == examples.streams[-1]
        return tuple(dict.fromkeys(name for name in labels if name in there or (main and name not in others)))

    def _cut(self, start: int, stop: int, parts: Sequence[Array]) -> Array:
        pieces: list[Array] = []
        for part, offset in zip(parts, self._offsets, strict=False):
            begin, end = max(start - offset, 0), min(stop - offset, len(part))
            if begin < end:
                pieces.append(part[begin:end])
        return np.concatenate(pieces) if len(pieces) > 1 else pieces[0] if pieces else np.zeros(0, np.int32)


def ordered(splits: Mapping[str, Any]) -> None:
    """Raise OptionError for a split that has another name than those there are."""
    for name in splits:
        if name not in SPLITS:
            raise OptionError(f"split {name!r}: must be one of {', '.join(SPLITS)}")


class _Joined(NamedTuple):
    """One column over all splits, held in the smallest type."""

    parts: list[Array]  # [token] of each split
    names: tuple[str, ...] | None
    dtype: np.dtype[Any]  # of the column that is recorded


def _joined(found: Sequence[Column]) -> _Joined:
    """Return a column over all splits; a categorical one with the names of all."""
    if all(each.names is None for each in found):
        dtype = np.result_type(*(each.values.dtype for each in found)) if found else np.dtype(np.int32)
        return _Joined([_small(each.values) for each in found], None, dtype)
    if len({each.names for each in found}) == 1:
        return _Joined([_small(each.values) for each in found], found[0].names, np.dtype(np.int32))
    names = tuple(dict.fromkeys(name for each in found for name in each.names or ()))
    place = {name: code for code, name in enumerate(names)}
    # The last entry is for -1, none.
    moved = [np.array([*(place[name] for name in each.names or ()), -1], np.int32) for each in found]
    parts = [_small(codes[each.values]) for codes, each in zip(moved, found, strict=True)]
    return _Joined(parts, names, np.dtype(np.int32))


def _small(values: Array) -> Array:
    """Return whole numbers in the smallest type that holds them; other values as they are."""
    if values.dtype.kind not in "iu" or not len(values):
        return values
    return values.astype(np.result_type(np.min_scalar_type(values.min()), np.min_scalar_type(values.max())))
