"""What a recording is: arrays [token unit] by layer and signal, and the index beside them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, SupportsIndex, TypeGuard

import numpy as np

from naibu.errors import OptionError
from naibu.recording.index import COLUMNS, Array, Index, label_of

Key = tuple[str, str]
"""A layer and a signal: ("lstm.0", "forget_gate")."""
SHARD_BYTES = 32 * 2**20
"""About how many bytes of values, all keys together, make a shard."""


class Store(ABC):
    """Where the values of a recording are: on disk, in memory, or nowhere until they are computed."""

    spans: Sequence[tuple[int, int]]
    """First and last + 1 token of each shard; a shard holds whole sequences."""
    dtype: np.dtype[Any]

    @abstractmethod
    def read(self, number: int, key: Key) -> Array:
        """Return the values `[token unit]` of one key in one shard."""

    def forget(self) -> None:
        """Let go of what is held for the last shard read."""
        return


class Held(Store):
    """Values in memory."""

    def __init__(self, shards: Sequence[Mapping[Key, Array]], spans: Sequence[tuple[int, int]], dtype: Any) -> None:
        self._shards, self.spans, self.dtype = shards, spans, np.dtype(dtype)

    def read(self, number: int, key: Key) -> Array:
        """Return the values `[token unit]` of one key in one shard."""
        return self._shards[number][key]


class Live(Store):
    """Values computed again on every pass; at most one shard is held."""

    def __init__(
        self, compute: Callable[[int], Mapping[Key, Array]], spans: Sequence[tuple[int, int]], dtype: Any
    ) -> None:
        self._compute, self.spans, self.dtype = compute, spans, np.dtype(dtype)
        self._last: tuple[int, Mapping[Key, Array]] | None = None

    def read(self, number: int, key: Key) -> Array:
        """Return the values `[token unit]` of one key in one shard."""
        if self._last is None or self._last[0] != number:
            self._last = None  # before the next is computed: at most one is held
            self._last = number, self._compute(number)
        _, values = self._last
        return values[key]

    def forget(self) -> None:
        """Let go of what is held for the last shard read."""
        self._last = None


class Shard:
    """Some consecutive rows of a recording, `start` to `stop`, whole sequences; `shard[layer, signal]` reads."""

    def __init__(self, recording: Recording, number: int) -> None:
        self.start, self.stop = recording._store.spans[number]
        self._recording, self._number = recording, number

    def __getitem__(self, key: Key) -> Array:
        """Return the values `[token unit]` as they are stored. Raises OptionError for an unknown key."""
        self._recording.units(key)
        return self._recording._store.read(self._number, key)

    def __len__(self) -> int:
        return self.stop - self.start


class StoredArray:
    """The values `[token unit]` of one layer and signal, read where they lie when they are asked for.

    `array[a:b]`, `array[a:b, units]` and `array[rows]` give numpy arrays, `numpy.asarray(array)` all of it.
    """

    ndim = 2

    def __init__(self, recording: Recording, key: Key) -> None:
        self._recording, self._key = recording, key
        self.shape = (recording.tokens, recording.units(key))
        self.dtype = recording._store.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"StoredArray({'/'.join(self._key)}, [token unit] = {list(self.shape)}, {self.dtype})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("a recording has to be read to become an array: copy=False cannot be had")
        values: Array = self[:]
        return values.astype(dtype or self.dtype, copy=False)

    def __getitem__(self, at: Any) -> Array:
        """Return rows, or rows and units; each may be a number, a slice, numbers or a mask."""
        rows, units = at if isinstance(at, tuple) else (at, slice(None))
        if is_number(rows):
            row = range(len(self))[rows]
            only: Array = self._span(row, row + 1, units)[0]
            return only
        if isinstance(rows, slice):
            return self._sliced(rows, units)
        chosen = np.asarray(rows)
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise IndexError(f"a mask of shape {chosen.shape} for {len(self)} tokens")
            chosen = np.flatnonzero(chosen)
        return self._picked(chosen.astype(np.int64), units)

    def _sliced(self, rows: slice, units: Any) -> Array:
        start, stop, step = rows.indices(len(self))
        if step == 1:
            return self._span(start, max(start, stop), units)
        return self._picked(np.arange(start, stop, step), units)

    def _span(self, start: int, stop: int, units: Any) -> Array:
        store, parts = self._recording._store, []
        for number in self._recording._overlapping(start, stop):
            begin, end = store.spans[number]
            parts.append(store.read(number, self._key)[max(start - begin, 0) : min(stop, end) - begin, units])
        if not parts:
            return np.empty((0, self.shape[1]), self.dtype)[:, units]
        return np.concatenate(parts) if len(parts) > 1 else np.array(parts[0])

    def _picked(self, rows: Array, units: Any) -> Array:
        if len(rows) and not (-len(self) <= rows.min() and rows.max() < len(self)):
            raise IndexError(f"rows {rows.min()} to {rows.max()} of {len(self)} tokens")
        rows = np.where(rows < 0, rows + len(self), rows)
        found = np.empty((len(rows), *np.empty((0, self.shape[1]))[:, units].shape[1:]), self.dtype)
        number_of = np.searchsorted([stop for _, stop in self._recording._store.spans], rows, side="right")
        for number in np.unique(number_of):
            here = np.flatnonzero(number_of == number)
            values = self._recording._store.read(int(number), self._key)
            found[here] = values[rows[here] - self._recording._store.spans[number][0]][:, units]
        return found


class Recording:
    """Everything that was recorded of a network, on disk, in memory, or computed anew on every pass.

    ==========================  ==============================================================
    `keys()`                    what there is: (("lstm.0", "forget_gate"), ("lstm.0", "cell"), ...)
    `recording[layer, signal]`  values `[token unit]` in reading order, `StoredArray`
    `units(key)`                how many units a layer and signal has
    `tokens`                    how many rows each array has
    `index`                     sequence, position, symbol, split, labels ... of each row, `Index`
    `shards()`                  one pass over everything in pieces of bounded size, `Shard`
    `path`                      the folder, or None
    ==========================  ==============================================================

    Row t is the state after symbol t was read, and its label the structure after symbol t was read.
    """

    def __init__(self, index: Index, units: Mapping[Key, int], store: Store, path: Path | None = None) -> None:
        self.index, self.path = index, path
        self._units, self._store = dict(units), store
        self.tokens: int = store.spans[-1][1] if store.spans else 0

    @classmethod
    def open(cls, path: str | Path) -> Recording:
        """Return the recording in a folder, its values mapped into memory, not read.

        Raises StoredError where there is none, or it is unfinished, damaged, or of a newer format.
        """
        from naibu.recording.files import open_recording

        return open_recording(Path(path))

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[Key, Any],
        *,
        sequence: Any,
        labels: Mapping[str, Any] | None = None,
        symbols: Sequence[str] = (),
        symbol: Any = None,
        position: Any = None,
        split: Any = None,
        seen: Any = None,
        predicted: Any = None,
        loss: Any = None,
    ) -> Recording:
        """Return a recording of arrays `[token unit]` that somebody already has, in memory.

        `sequence [token]` is ascending; `labels` maps a name to values `[token]`, to (codes, names), or to
        strings; `symbol [token]` are numbers that `symbols` names, or strings. The others are as in `Index`.
        """
        sequence = np.asarray(sequence, np.int64)
        tokens = len(sequence)
        if tokens and (np.diff(sequence) < 0).any():
            raise OptionError("sequence: must ascend: rows are in reading order, sequence after sequence")
        held = {key: np.asarray(values) for key, values in arrays.items()}
        for key, values in held.items():
            if values.ndim != 2 or len(values) != tokens:
                raise OptionError(f"{'/'.join(key)}: shape {values.shape}; [token unit] with {tokens} tokens is needed")
        if symbol is not None and np.asarray(symbol).dtype.kind in "UO":
            symbol, names = label_of("symbol", symbol, tokens)
            symbols = names or ()
        given = {"symbol": symbol, "split": split, "seen": seen, "predicted": predicted, "loss": loss}
        columns = {"sequence": sequence, "position": position_in(sequence) if position is None else position}
        defaults = {"symbol": -1, "split": 0, "seen": False}
        for name, column in given.items():
            if column is not None:
                columns[name] = column
            elif name in defaults:
                columns[name] = np.full(tokens, defaults[name])
        index = Index(_typed(columns, tokens), {n: label_of(n, v, tokens) for n, v in (labels or {}).items()}, symbols)
        sizes = {key: values.shape[1] for key, values in held.items()}
        dtype = np.result_type(*held.values()) if held else np.dtype(np.float32)
        spans = plan_spans(index.starts, sum(values.shape[1] * values.itemsize for values in held.values()))
        shards = [{key: values[a:b] for key, values in held.items()} for a, b in spans]
        return cls(index, sizes, Held(shards, spans, dtype))

    def keys(self) -> tuple[Key, ...]:
        """Return what was recorded: pairs of a layer and a signal."""
        return tuple(self._units)

    def units(self, key: Key) -> int:
        """Return how many units a layer and signal has. Raises OptionError that lists the keys there are."""
        if key not in self._units:
            there = ", ".join("/".join(known) for known in self._units)
            asked = "/".join(key) if isinstance(key, tuple) else repr(key)
            raise OptionError(f"{asked}: not in this recording; it has {there}")
        return self._units[key]

    def __contains__(self, key: object) -> bool:
        return key in self._units

    def __getitem__(self, key: Key) -> StoredArray:
        """Return the values `[token unit]`. Raises OptionError that lists the keys there are."""
        return StoredArray(self, key)

    def shards(self) -> Iterator[Shard]:
        """Yield the rows in pieces of bounded size, in reading order."""
        for number in range(len(self._store.spans)):
            yield Shard(self, number)
        self._store.forget()

    def __repr__(self) -> str:
        where = "in memory" if isinstance(self._store, Held) else "live" if self.path is None else str(self.path)
        names = ", ".join("/".join(key) for key in self._units)
        return f"Recording({where}, {self.tokens} tokens, {len(self.index.starts) - 1} sequences: {names})"

    def _overlapping(self, start: int, stop: int) -> range:
        spans = self._store.spans
        if stop <= start:
            return range(0)
        first = int(np.searchsorted([end for _, end in spans], start, side="right"))
        last = int(np.searchsorted([begin for begin, _ in spans], stop, side="left"))
        return range(first, last)


def is_number(value: object) -> TypeGuard[SupportsIndex]:
    """Return whether a value is one whole number."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def position_in(sequence: Array) -> Array:
    """Return the place of each token in its sequence, int32 `[token]`, from ascending numbers `[token]`."""
    new = np.flatnonzero(np.diff(sequence, prepend=sequence[:1] - 1))
    lengths = np.diff(np.append(new, len(sequence)))
    return (np.arange(len(sequence)) - np.repeat(new, lengths)).astype(np.int32)


def plan_spans(starts: Array, bytes_per_token: int) -> list[tuple[int, int]]:
    """Return first and last + 1 token of each shard, whole sequences, from where sequences begin.

    A sequence that is longer than a shard makes a larger shard of its own.
    """
    most = max(1, SHARD_BYTES // max(bytes_per_token, 1))
    spans, begin = [], 0
    while begin < len(starts) - 1:
        end = int(np.searchsorted(starts, starts[begin] + most, side="right")) - 1
        end = max(end, begin + 1)
        spans.append((int(starts[begin]), int(starts[end])))
        begin = end
    return spans


def _typed(columns: Mapping[str, Any], tokens: int) -> dict[str, Array]:
    typed: dict[str, Array] = {}
    for name, column in columns.items():
        typed[name] = np.asarray(column).astype(COLUMNS[name], copy=False)
    for name, column in typed.items():
        if column.shape != (tokens,):
            raise OptionError(f"{name}: shape {column.shape}; one value for each of {tokens} tokens is needed")
    return typed
