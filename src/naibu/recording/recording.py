"""What a recording is: arrays [token unit] by layer and signal, and the index beside them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeGuard

import numpy as np

from naibu.errors import OptionError
from naibu.recording.files import opened
from naibu.recording.index import FIXED, INPUT, LABEL, OUTCOME, Array, Index, column_of
from naibu.recording.store import Held, Key, Store, plan_spans
from naibu.shown import Row, Shown, drawn, some

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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


class Recording(Shown):
    """Everything that was recorded of a network, on disk, in memory, or computed anew on every pass.

    ==========================  ==============================================================
    `keys()`                    what there is: (("lstm.0", "forget_gate"), ("lstm.0", "cell"), ...)
    `recording[layer, signal]`  values `[token unit]` in reading order, `StoredArray`
    `units(key)`                how many units a layer and signal has
    `tokens`                    how many rows each array has
    `index`                     sequence, position, split, inputs, labels, outcomes, `Index`
    `shards()`                  one pass over everything in pieces of bounded size, `Shard`
    `beside`                    recordings of other streams by name, the same sequences in all
    `undefined`                 how many values are NaN, by layer/signal; probes refuse such a signal
    `path`                      the folder, or None
    `made_from`                 checksums of the weights that were recorded and of the recording itself, as far as they
                                are known: one in memory has none, nor one of an older version
    ==========================  ==============================================================

    Row t is the state after step t was read, and its label what is known after step t was read. Of a layer that reads
    backwards (`.reverse`) it is the state after step t was read from the right.
    """

    def __init__(
        self,
        index: Index,
        units: Mapping[Key, int],
        store: Store,
        path: Path | None = None,
        beside: Mapping[str, Recording] | None = None,
        undefined: Mapping[str, int] | None = None,
        made_from: Mapping[str, str] | None = None,
    ) -> None:
        self.made_from = dict(made_from or {})
        self.index, self.path, self.beside, self.undefined = index, path, dict(beside or {}), dict(undefined or {})
        self._units, self._store = dict(units), store
        self.tokens: int = store.spans[-1][1] if store.spans else 0

    @classmethod
    def open(cls, path: str | Path, *, later: bool = False) -> Recording:
        """Return the recording in a folder, its values mapped into memory, not read.

        Columns are compared with their checksums here, with `later` when they are first asked for, and values when they
        are first read; a recording of an older version has none, of which is warned. Raises StoredError where there is
        none, or it is unfinished, damaged, or of a newer format.
        """
        folder = Path(path)
        index, store, manifest = opened(folder, later=later)
        beside = {name: cls.open(folder / "beside" / name, later=later) for name in manifest.beside}
        if not manifest.digest:
            warnings.warn(
                f"{folder}: recorded by an older naibu, without checksums: damage cannot be told; record it again",
                stacklevel=2,
            )
        known = {"weights": manifest.weights, "recording": manifest.digest} if manifest.digest else {}
        return cls(index, manifest.units, store, folder, beside, manifest.undefined, known)

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
        inputs: Mapping[str, Any] | None = None,
        outcomes: Mapping[str, Any] | None = None,
        beside: Mapping[str, Recording] | None = None,
    ) -> Recording:
        """Return a recording of arrays `[token unit]` that somebody already has, in memory.

        `sequence [token]` is ascending; `labels`, `inputs` and `outcomes` map a name to values `[token]`, to (codes,
        names), or to strings; `symbol [token]`, an input, are numbers that `symbols` names, or strings; `predicted` and
        `loss` are outcomes, and so may be `gold`, the next symbol where it is not given. The others are as in `Index`.
        """
        sequence = np.asarray(sequence, np.int64)
        tokens = len(sequence)
        if tokens and (np.diff(sequence) < 0).any():
            raise OptionError("sequence: must ascend: rows are in reading order, sequence after sequence")
        held = {key: np.asarray(values) for key, values in arrays.items()}
        for key, values in held.items():
            if values.ndim != 2 or len(values) != tokens:
                raise OptionError(f"{'/'.join(key)}: shape {values.shape}; [token unit] with {tokens} tokens is needed")
        columns = {
            "sequence": sequence,
            "position": position_in(sequence) if position is None else position,
            "split": np.zeros(tokens) if split is None else split,
            "seen": np.zeros(tokens) if seen is None else seen,
        }
        typed, names = _typed(columns, tokens), dict[str, tuple[str, ...]]()
        told = {"predicted": predicted, "loss": loss, **(outcomes or {})}
        read = {"symbol": (symbol, symbols) if len(symbols) else symbol, **(inputs or {})}
        for kind, given in ((INPUT, read), (LABEL, labels or {}), (OUTCOME, told)):
            for name, values in given.items():
                if values is None or (isinstance(values, tuple) and values[0] is None):
                    continue
                column = column_of(f"label {name!r}" if kind == LABEL else name, values, tokens)
                typed[kind + name] = column.values
                if column.names is not None:
                    names[kind + name] = column.names
        if symbol is None and len(symbols):
            names[INPUT + "symbol"] = tuple(symbols)
        index = Index(typed, names)
        sizes = {key: values.shape[1] for key, values in held.items()}
        dtype = np.result_type(*held.values()) if held else np.dtype(np.float32)
        spans = plan_spans(index.starts, sum(values.shape[1] * values.itemsize for values in held.values()))
        shards = [{key: values[a:b] for key, values in held.items()} for a, b in spans]
        undefined = {"/".join(key): int(np.isnan(values).sum()) for key, values in held.items()}
        undefined = {name: count for name, count in undefined.items() if count}
        return cls(index, sizes, Held(shards, spans, dtype), beside=beside, undefined=undefined)

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

    def rows(self) -> list[Row]:
        """Return a row for each layer and signal: units, rows, the type of the values, how many are undefined."""
        found: list[Row] = []
        for (layer, signal), units in self._units.items():
            row: Row = {"layer": layer, "signal": signal, "units": units, "tokens": self.tokens}
            undefined = self.undefined.get(f"{layer}/{signal}", 0)
            found.append({**row, "dtype": str(self._store.dtype), "undefined": undefined})
        return found

    def plot(self, ax: Axes | None = None, *, key: Key, unit: int, sequence: int = 0, label: str = "") -> Axes:
        """Draw one unit over one sequence, by its place among the sequences, on the steps of a label; return the axes.

        Raises OptionError for a key, unit, sequence or label that is not there.
        """
        if not 0 <= unit < self.units(key):
            raise OptionError(f"unit {unit}: {'/'.join(key)} has units 0 to {self.units(key) - 1}")
        if not 0 <= sequence < (count := len(self.index.starts) - 1):
            raise OptionError(f"sequence {sequence}: there are sequences 0 to {count - 1}")
        options: dict[str, Any] = {"key": key, "unit": unit, "sequence": sequence, "label": label}
        return drawn("naibu.reporting.plots.units:plot_recorded", self, ax, **options)

    def __repr__(self) -> str:
        where = "in memory" if isinstance(self._store, Held) else "live" if self.path is None else str(self.path)
        names = some("/".join(key) for key in self._units)
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


def _typed(columns: Mapping[str, Any], tokens: int) -> dict[str, Array]:
    typed: dict[str, Array] = {}
    for name, column in columns.items():
        typed[name] = np.asarray(column).astype(FIXED[name], copy=False)
    for name, column in typed.items():
        if column.shape != (tokens,):
            raise OptionError(f"{name}: shape {column.shape}; one value for each of {tokens} tokens is needed")
    return typed
