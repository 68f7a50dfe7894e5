"""What a probe needs of a recording: arrays by (layer, signal), an index beside them, one pass in shards.

`recording.Recording` is one; a test may bring its own. The vector at row t is the state after symbol t was
read, the label at row t the structure after symbol t.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from naibu.errors import OptionError

Key = tuple[str, str]  # (layer, signal)
BINS = 32
"""Bins of a number that is read, where controls know what was read."""


class Column(Protocol):
    """One label: numbers (nan: not defined here), or codes of names (-1: none)."""

    @property
    def values(self) -> np.ndarray: ...
    @property
    def names(self) -> tuple[str, ...] | None: ...


class Index(Protocol):
    """The columns beside a recording, one value per token."""

    @property
    def sequence(self) -> np.ndarray: ...
    @property
    def position(self) -> np.ndarray: ...
    @property
    def symbol(self) -> np.ndarray: ...
    @property
    def symbols(self) -> tuple[str, ...]: ...
    @property
    def split(self) -> np.ndarray: ...
    @property
    def seen(self) -> np.ndarray: ...
    @property
    def gold(self) -> np.ndarray | None: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def predicted(self) -> np.ndarray | None: ...
    @property
    def loss(self) -> np.ndarray | None: ...
    @property
    def label_names(self) -> tuple[str, ...]: ...
    def label(self, name: str, /) -> Column: ...


class Shard(Protocol):
    """Some rows of a recording, whole sequences; the arrays may be memory maps."""

    @property
    def start(self) -> int: ...
    @property
    def stop(self) -> int: ...
    def __getitem__(self, key: Key, /) -> np.ndarray: ...


class Source(Protocol):
    """A recording, as far as probes look at it."""

    @property
    def path(self) -> Path | None: ...
    @property
    def tokens(self) -> int: ...
    @property
    def index(self) -> Index: ...
    @property
    def undefined(self) -> Mapping[str, int]: ...
    def keys(self) -> tuple[Key, ...]: ...
    def units(self, key: Key, /) -> int: ...
    def shards(self) -> Iterator[Shard]: ...


def read_codes(index: Index) -> np.ndarray:
    """What was read at every token as a number, int [token], -1 where not known: the symbol; of numbers the bin of the
    first that was read, one of `BINS` with about as many training tokens each, and one more where it was missing.

    It is what the controls of a label know: that a unit tells the hour as well as the value just read tells it, is an
    echo of the input.
    """
    symbol = np.asarray(index.symbol)
    names = tuple(getattr(index, "input_names", ()))
    if not names or (symbol >= 0).any():
        return symbol
    column = index.input(names[0])  # type: ignore[attr-defined]
    values = np.asarray(column.values)
    if column.names is not None:
        return values
    train = np.asarray(index.split) == 0
    some = values[train & ~np.isnan(values)] if train.any() else values[~np.isnan(values)]
    if not len(some):
        return np.full(len(values), -1)
    edges = np.unique(np.quantile(some, np.arange(1, BINS) / BINS))
    return np.where(np.isnan(values), BINS, np.searchsorted(edges, values))


def run_name(source: Source) -> str:
    """The name of the recording's folder, "" for one in memory."""
    return "" if source.path is None else source.path.name


def refuse_undefined(source: Source, keys: Iterable[Key]) -> None:
    """Raise OptionError for a signal that holds NaN, with where the first is: what is said of it would be wrong."""
    for key in keys:
        if not source.undefined.get("/".join(key)):
            continue
        for shard in source.shards():
            row, unit = next(iter(np.argwhere(np.isnan(shard[key]))), (-1, -1))
            if row >= 0:
                at = shard.start + int(row)
                place = f"sequence {source.index.sequence[at]}, position {source.index.position[at]}, unit {unit}"
                count = source.undefined["/".join(key)]
                raise OptionError(
                    f"{'/'.join(key)}: {count} values are NaN, the first at {place}; find out what the network was "
                    "given there, or probe another signal"
                )


def blocks(source: Source, keys: Iterable[Key], rows: np.ndarray, size: int = 8192) -> Iterator[Block]:
    """The rows marked in `rows` [token], at most `size` at a time, of every key, in one pass over the shards."""
    keys = tuple(keys)
    refuse_undefined(source, keys)
    for shard in source.shards():
        marked = np.flatnonzero(rows[shard.start : shard.stop])
        if not len(marked):
            continue
        arrays = {key: shard[key] for key in keys}
        for a in range(0, len(marked), size):
            yield Block(shard.start, marked[a : a + size], arrays)


class Block:
    """Some marked rows of one shard."""

    def __init__(self, start: int, local: np.ndarray, arrays: dict[Key, np.ndarray]) -> None:
        self.rows = start + local  # int64 [row], token numbers in the recording
        self._local = local
        self._arrays = arrays

    def __getitem__(self, key: Key) -> np.ndarray:
        """The values [row unit] in the type they are stored in."""
        first, last = int(self._local[0]), int(self._local[-1]) + 1
        part = self._arrays[key][first:last]
        return part if last - first == len(self._local) else part[self._local - first]


def gather(
    source: Source, units: dict[Key, Sequence[int] | None], rows: np.ndarray, dtype: type | None = None
) -> dict[Key, np.ndarray]:
    """The marked rows of chosen units (None: all) as arrays [row unit] in memory, in the stored type or `dtype`."""
    place = np.cumsum(rows) - 1
    count = int(place[-1]) + 1
    out: dict[Key, np.ndarray] = {}
    for block in blocks(source, units, rows, size=65_536):
        for key, some in units.items():
            values = block[key] if some is None else block[key][:, list(some)]
            if key not in out:
                out[key] = np.zeros((count, values.shape[1]), dtype or values.dtype)
            out[key][place[block.rows]] = values
    return out
