"""What a user says of each sequence: lengths, labels, symbols and splits, in whatever shape they have them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from naibu.data.examples import Column
from naibu.errors import OptionError
from naibu.recording.index import SPLITS, Array, narrowed, only_texts


class Given:
    """One value for each step of each sequence.

    `rows` has one array a sequence; `padded` says whether it may be longer than the sequence. `names` are
    those of the codes that strings became.
    """

    def __init__(self, what: str, rows: Sequence[tuple[Array, bool]], names: tuple[str, ...] | None) -> None:
        self.what, self.names = what, names
        kinds = {row.dtype.kind for row, _ in rows}
        self.dtype = np.dtype(np.float32 if "f" in kinds else np.int32)
        if kinds == {"f"} or "f" not in kinds:
            self._rows = [(narrowed(what, row), padded) for row, padded in rows]
        else:
            self._rows = [(narrowed(what, row.astype(np.float64)), padded) for row, padded in rows]

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, sequence: int) -> Array:
        """Return the values of one sequence, with the padding if they came with padding."""
        return self._rows[sequence][0]

    def take(self, first: int, lengths: Array) -> Array:
        """Return the values `[token]` of the sequences from `first` on. Raises OptionError where one does not fit."""
        if first + len(lengths) > len(self):
            raise OptionError(
                f"{self.what}: given for {len(self)} sequences, but the inputs have at least {first + len(lengths)}"
            )
        parts = []
        for number, length in enumerate(lengths, first):
            row, padded = self._rows[number]
            if len(row) < length or (len(row) > length and not padded):
                raise OptionError(
                    f"{self.what}: sequence {number} has {len(row)} values but {length} steps were recorded; give one "
                    "array a sequence, or [sequence time] padded, and lengths where inputs are padded"
                )
            parts.append(row[:length])
        return np.concatenate(parts).astype(self.dtype) if parts else np.zeros(0, self.dtype)

    def digest(self) -> bytes:
        """Return a hash of everything that was given."""
        digest = hashlib.blake2b(repr((self.what, self.names)).encode(), digest_size=16)
        for row, _ in self._rows:
            digest.update(np.ascontiguousarray(row).tobytes())
        return digest.digest()


def given_column(what: str, given: Any, lengths: Array | None = None) -> Given:
    """Return values given as `[sequence time]`, one array a sequence, or arrays `[sequence time]` batch by batch.

    A pair (codes, names) names the codes; strings are numbered. A `Column` has the values of all steps, sequence after
    sequence, as long as `lengths` says.
    """
    if isinstance(given, Column):
        if lengths is None or lengths.sum() != len(given.values):
            many = "none are given" if lengths is None else f"they come to {lengths.sum()}"
            raise OptionError(f"{what}: a Column of {len(given.values)} steps; lengths must add up to that, {many}")
        cut = np.split(given.values, np.cumsum(lengths)[:-1])
        given = cut if given.names is None else (cut, given.names)
    names: tuple[str, ...] | None = None
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise OptionError(f"{what}: {given!r}; give [sequence time], or one array a sequence")
    if isinstance(given, tuple) and len(given) == 2 and _are_strings(given[1]):
        given, names = given[0], tuple(given[1])
    rows: list[tuple[Array, bool]] = []
    for entry in [_array(what, given)] if isinstance(given, np.ndarray | Tensor) else given:
        values = _array(what, entry)
        if values.ndim == 1:
            rows.append((values, False))
        elif values.ndim == 2:
            rows += [(row, True) for row in values]
        else:
            raise OptionError(f"{what}: shape {values.shape}; [sequence time] or one array a sequence is needed")
    if any(row.dtype.kind in "UO" for row, _ in rows):
        texts = [(only_texts(what, row), padded) for row, padded in rows]
        table = np.unique(np.concatenate([row for row, _ in texts]))
        rows = [(np.searchsorted(table, row).astype(np.int32), padded) for row, padded in texts]
        names = tuple(str(text) for text in table)
    return Given(what, rows, names)


def flat_lengths(lengths: Any) -> Array | None:
    """Return the lengths of all sequences, given as one list or batch by batch, int64 `[sequence]`."""
    if lengths is None:
        return None
    given = [lengths] if isinstance(lengths, np.ndarray | Tensor) else list(lengths)
    parts = [np.asarray(part).reshape(-1) for part in given]
    whole = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    found = whole.astype(np.int64) if whole.dtype.kind in "iuf" else None
    if found is None or (found != whole).any():
        wrong = whole[0] if found is None else whole[found != whole][0]
        raise OptionError(f"lengths: {wrong} is no number of steps; give whole numbers")
    return found


def given_splits(split: Any) -> Array | None:
    """Return the split of each sequence as a code, from codes or names."""
    if split is None:
        return None
    codes = [SPLITS.index(entry) if entry in SPLITS else entry for entry in (list(split))]
    for number, code in enumerate(codes):
        if isinstance(code, str) or int(code) not in range(len(SPLITS)):
            raise OptionError(f"split: sequence {number} has {code!r}; it must be {', '.join(SPLITS)}, or 0, 1, 2")
    return np.array([int(code) for code in codes], np.int8)


def seen_in_training(symbols: Given | None, splits: Array | None, lengths: Array | None) -> Array | None:
    """Return which sequences outside training occur, as a string of symbols, in training; None if unknown."""
    if symbols is None or splits is None or len(symbols) != len(splits):
        return None
    if lengths is not None and len(lengths) != len(symbols):
        return None
    ends = [None] * len(symbols) if lengths is None else lengths.tolist()
    strings = [symbols.row(number)[:end].astype(np.int64).tobytes() for number, end in enumerate(ends)]
    train = {string for string, code in zip(strings, splits, strict=True) if code == 0}
    return np.array([code != 0 and string in train for string, code in zip(strings, splits, strict=True)], np.bool_)


def _array(what: str, given: Any) -> Array:
    if isinstance(given, Tensor):
        given = given.detach().cpu().numpy()
    try:
        return np.asarray(given)
    except ValueError:
        raise OptionError(f"{what}: rows of different lengths in one batch; give one array a sequence") from None


def _are_strings(values: Any) -> bool:
    return isinstance(values, Iterable) and all(isinstance(value, str) for value in values)
