"""The table beside the recorded values: which sequence, position and symbol each row belongs to, and labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from naibu.data.examples import Column
from naibu.errors import OptionError

Array = npt.NDArray[Any]

SPLITS = ("train", "validation", "test")
"""The names of the codes in the column `split`."""
COLUMNS = {
    "sequence": np.int64,
    "position": np.int32,
    "symbol": np.int32,
    "split": np.int8,
    "seen": np.bool_,
    "predicted": np.int32,
    "loss": np.float32,
}
"""The columns of every index with their types; `predicted` and `loss` are there for language models."""


class Index:
    """Columns `[token]` in reading order, one row for each row of the recorded values.

    ============  =========  ====================================================================
    `sequence`    int64      number of the sequence, ascending
    `position`    int32      0 at the first symbol of a sequence
    `symbol`      int32      number of the symbol; `symbols` names the numbers, empty if unknown
    `split`       int8       0 train, 1 validation, 2 test
    `seen`        bool       the sequence's symbols occur, as a string, in training (False for train rows)
    `predicted`   int32      most probable next symbol, or None; no meaning at the end of a sequence
    `loss`        float32    -ln p(next symbol), or None; NaN at the end of a sequence
    `starts`      int64      `[sequence + 1]`: sequence s is rows starts[s] to starts[s + 1]
    ============  =========  ====================================================================

    `label(name)` gives the structure after the symbol of the row has been read.
    """

    def __init__(
        self,
        columns: Mapping[str, Array],
        labels: Mapping[str, Column],
        symbols: Sequence[str] = (),
        later: Callable[[], Mapping[str, Array]] | None = None,
    ) -> None:
        """`later`, where given, computes `predicted` and `loss` when they are first asked for."""
        self._columns, self._labels, self._later = dict(columns), dict(labels), later
        self.symbols = tuple(symbols)
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
    def symbol(self) -> Array:
        """Number of the symbol that was read, int32 `[token]`; -1 where it is not known."""
        return self._columns["symbol"]

    @property
    def split(self) -> Array:
        """0 train, 1 validation, 2 test, int8 `[token]`."""
        return self._columns["split"]

    @property
    def seen(self) -> Array:
        """Whether the sequence's symbols occur as a string in training, bool `[token]`; False in training."""
        return self._columns["seen"]

    @property
    def predicted(self) -> Array | None:
        """Most probable next symbol, int32 `[token]`, or None where no language model was recorded."""
        return self._late("predicted")

    @property
    def loss(self) -> Array | None:
        """-ln p(next symbol), float32 `[token]`, NaN at the end of a sequence; or None."""
        return self._late("loss")

    @property
    def starts(self) -> Array:
        """Where sequences begin, int64 `[sequence + 1]`."""
        if self._starts is None:
            changes = np.flatnonzero(np.diff(self.sequence)) + 1
            ends = [0, len(self.sequence)] if len(self.sequence) else [0]
            self._starts = np.concatenate([ends[:1], changes, ends[1:]]).astype(np.int64)
        return self._starts

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels that were recorded."""
        return tuple(self._labels)

    def label(self, name: str) -> Column:
        """Return the label's values `[token]` and, where it is categorical, the names of its codes.

        Raises OptionError that lists the labels there are.
        """
        if name not in self._labels:
            there = ", ".join(self._labels) or "none"
            raise OptionError(f"label {name!r}: not in this recording; it has {there}; name it when recording")
        return self._labels[name]

    def __len__(self) -> int:
        return len(self.sequence)

    def __repr__(self) -> str:
        labels = ", ".join(self._labels) or "none"
        return f"Index({len(self)} tokens, {len(self.starts) - 1} sequences, labels: {labels})"

    def _late(self, name: str) -> Array | None:
        if name not in self._columns and self._later is not None:
            self._columns.update(self._later())
            self._later = None
        return self._columns.get(name)


def label_of(name: str, given: Any, tokens: int) -> Column:
    """Return a label `[token]` from an array, a pair (codes, names), or strings, of which the codes are made.

    Raises OptionError where there is not one value a token.
    """
    values, names = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    values = np.asarray(values)
    if values.shape != (tokens,):
        raise OptionError(f"label {name!r}: shape {values.shape}, but {tokens} tokens were recorded; one value a token")
    if values.dtype.kind in "UO":
        found, codes = np.unique(values.astype(str), return_inverse=True)
        return Column(codes.astype(np.int32), tuple(str(text) for text in found))
    kind = np.float32 if values.dtype.kind == "f" else np.int32
    return Column(values.astype(kind, copy=False), None if names is None else tuple(str(text) for text in names))
