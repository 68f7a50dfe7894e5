"""The table beside the recorded values: which sequence and step each row is, what was read, known, and came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import numpy as np

from naibu.data.examples import Array as Array
from naibu.data.examples import Column
from naibu.errors import OptionError
from naibu.shown import some

SPLITS = ("train", "validation", "test")
"""The names of the codes in the column `split`."""
FIXED = {"sequence": np.int64, "position": np.int32, "split": np.int8, "seen": np.bool_}
"""The columns of every index with their types."""
ROWS = 2**20
"""Rows of a column that are looked at in one go."""
INPUT, LABEL, OUTCOME = "input.", "label.", "outcome."
"""What begins the names of the others: what is read, what is known beside it, what the network made of it."""


class Index:
    """Columns `[token]` in reading order, one row for each row of the recorded values.

    =============  =========  ====================================================================
    `sequence`     int64      number of the sequence, ascending
    `position`     int32      0 at the first step of a sequence
    `split`        int8       0 train, 1 validation, 2 test
    `seen`         bool       the sequence occurs in training too (False for train rows)
    `input(name)`             what was read at the step: `symbol`, or numbers
    `label(name)`             what is known of the step, after it has been read
    `outcome(name)`           what the network made of it: `loss`, `gold`, `predicted`, `mean` ...
    `starts`       int64      `[sequence + 1]`: sequence s is rows starts[s] to starts[s + 1]
    =============  =========  ====================================================================

    An input, label or outcome is a `Column` of values and, where it is categorical, the names of its codes. The usual
    ones have short names: `symbol` and `symbols`, `gold`, `predicted` and `classes`, `loss`.
    """

    def __init__(
        self,
        columns: Mapping[str, Array],
        names: Mapping[str, tuple[str, ...]] | None = None,
        later: Callable[[], Mapping[str, Array]] | None = None,
    ) -> None:
        """`columns` by their full names (`label.depth`), `names` of the codes of those that are categorical; `later`,
        where given, computes the outcomes when one is first asked for. Columns that come when they are asked for (a
        mapping that is no dict) are taken one by one."""
        if isinstance(columns, MutableMapping) and not isinstance(columns, dict):
            self._columns: MutableMapping[str, Array] = columns
        else:
            self._columns = dict(columns)
        self._names, self._later = dict(names or {}), later
        self._starts: Array | None = None

    @property
    def sequence(self) -> Array:
        """Number of the sequence, int64 `[token]`, ascending."""
        return self._columns["sequence"]

    @property
    def position(self) -> Array:
        """Place in the sequence, int32 `[token]`, from 0."""
        return self._columns["position"]

    @property
    def split(self) -> Array:
        """0 train, 1 validation, 2 test, int8 `[token]`."""
        return self._columns["split"]

    @property
    def seen(self) -> Array:
        """Whether the sequence occurs in training too, bool `[token]`; False in training."""
        return self._columns["seen"]

    @property
    def starts(self) -> Array:
        """Where sequences begin, int64 `[sequence + 1]`."""
        if self._starts is None:
            sequence = self.sequence
            found = [np.zeros(1 if len(sequence) else 0, np.int64)]
            for start in range(0, len(sequence), ROWS):
                found.append(np.flatnonzero(np.diff(sequence[start : start + ROWS + 1])) + start + 1)
            self._starts = np.concatenate([*found, [len(sequence)]]).astype(np.int64)
        return self._starts

    @property
    def input_names(self) -> tuple[str, ...]:
        """What was read at every step."""
        return self._of(INPUT)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels that were recorded."""
        return self._of(LABEL)

    @property
    def outcome_names(self) -> tuple[str, ...]:
        """What the network made of every step."""
        self._complete()
        return self._of(OUTCOME)

    def input(self, name: str) -> Column:
        """Return what was read, values `[token]`. Raises OptionError that lists the inputs there are."""
        return self._column(INPUT, name, self.input_names, "")

    def label(self, name: str) -> Column:
        """Return the label's values `[token]` and, where it is categorical, the names of its codes.

        Raises OptionError that lists the labels there are.
        """
        return self._column(LABEL, name, self.label_names, "; name it when recording")

    def outcome(self, name: str) -> Column:
        """Return what came out, values `[token]`. Raises OptionError that lists the outcomes there are."""
        return self._column(OUTCOME, name, self.outcome_names, "")

    @property
    def symbol(self) -> Array:
        """Number of the symbol that was read, int32 `[token]`; -1 where it is not known."""
        found = self._columns.get(INPUT + "symbol")
        return np.full(len(self), -1, np.int32) if found is None else found

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names of the symbols' numbers, empty if unknown."""
        return self._names.get(INPUT + "symbol", ())

    @property
    def predicted(self) -> Array | None:
        """The most probable class, int32 `[token]`; no meaning where nothing is predicted; None without classes."""
        return self._late("predicted")

    @property
    def gold(self) -> Array | None:
        """The class that was to be told, int32 `[token]`, -1 where nothing is predicted; None without classes."""
        found = self._late("gold")
        if found is None and self.predicted is not None and INPUT + "symbol" in self._columns:
            found = self._columns[OUTCOME + "gold"] = next_symbols(self.symbol, self.sequence)
        return found

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes that are told; those of the symbols where nothing else is said."""
        return self._names.get(OUTCOME + "gold", self.symbols)

    @property
    def loss(self) -> Array | None:
        """The loss of each step in nats, float32 `[token]`, NaN where nothing is predicted; or None."""
        return self._late("loss")

    def __len__(self) -> int:
        return len(self._columns["position"])

    def __repr__(self) -> str:
        labels = some(self.label_names, 20) or "none"
        return f"Index({len(self)} tokens, {len(self.starts) - 1} sequences, labels: {labels})"

    def _of(self, kind: str) -> tuple[str, ...]:
        return tuple(name.removeprefix(kind) for name in self._columns if name.startswith(kind))

    def _column(self, kind: str, name: str, there: tuple[str, ...], hint: str) -> Column:
        if name not in there:
            listed = ", ".join(there) or "none"
            raise OptionError(f"{kind[:-1]} {name!r}: not in this recording; it has {listed}{hint}")
        return Column(self._columns[kind + name], self._names.get(kind + name))

    def _late(self, name: str) -> Array | None:
        if OUTCOME + name not in self._columns:
            self._complete()
        return self._columns.get(OUTCOME + name)

    def _complete(self) -> None:
        if self._later is not None:
            self._columns.update(self._later())
            self._later = None


def fixed_columns(first: int, lengths: Array, split: Array | int, seen: Array | int) -> dict[str, Array]:
    """Return the FIXED columns `[token]` of sequences `first` on, of so many steps each `[sequence]`.

    `split` and `seen` are `[sequence]`, or one value for all.
    """
    count = len(lengths)
    starts = np.cumsum(lengths) - lengths
    found = {
        "sequence": np.repeat(np.arange(first, first + count), lengths),
        "position": np.arange(int(lengths.sum())) - np.repeat(starts, lengths),
        "split": np.repeat(np.broadcast_to(split, count), lengths),
        "seen": np.repeat(np.broadcast_to(seen, count), lengths),
    }
    return {name: column.astype(FIXED[name], copy=False) for name, column in found.items()}


def next_symbols(symbol: Array, sequence: Array) -> Array:
    """Return the symbol after each, int32 `[token]`, -1 at the end of a sequence."""
    inner = np.append(np.diff(sequence) == 0, np.zeros(min(1, len(sequence)), bool))
    return np.where(inner, np.append(symbol[1:], symbol[:1]), -1).astype(np.int32)


def column_of(what: str, given: Any, tokens: int) -> Column:
    """Return a column `[token]` from an array, a pair (codes, names), or strings, of which the codes are made.

    Raises OptionError where there is not one value a token, or one that 32 bits do not hold.
    """
    values, names = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    values = np.asarray(values)
    if values.shape != (tokens,):
        raise OptionError(f"{what}: shape {values.shape}, but {tokens} tokens were recorded; one value a token")
    if values.dtype.kind in "UO":
        texts = only_texts(what, values)
        found, codes = np.unique(texts, return_inverse=True)
        return Column(codes.astype(np.int32), tuple(str(text) for text in found))
    return Column(narrowed(what, values), None if names is None else tuple(str(text) for text in names))


def narrowed(what: str, values: Array) -> Array:
    """Return values as int32 or float32. Raises OptionError where that would change them: beyond the range."""
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            found = values.astype(np.float32, copy=False)
        wrong = np.isinf(found) & np.isfinite(values)
        kept = "numbers up to 3.4e38 in size"
    elif values.dtype.kind in "iub":
        found = values.astype(np.int32, copy=False)
        wrong = found != values if values.dtype.itemsize >= 4 else np.zeros(values.shape, bool)
        kept = "whole numbers from -2147483648 to 2147483647; give names or smaller numbers"
    else:
        raise OptionError(f"{what}: values of type {values.dtype}; give numbers or strings")
    if wrong.any():
        raise OptionError(f"{what}: {values[wrong][0]} cannot be kept; kept are {kept}")
    return found


def only_texts(what: str, values: Array) -> Array:
    """Return strings as an array of strings. Raises OptionError for what is none: nobody means a category `None`."""
    for value in values.ravel() if values.dtype.kind == "O" else ():
        if not isinstance(value, str | np.str_):
            raise OptionError(f"{what}: {value!r} among strings; give strings, or codes with names and -1 for none")
    return values.astype(str)
