"""What a probe aims at: a label's values, the rows it is fitted and scored on, and the two label controls.

Rows of the training split are fitted on, rows of the test split scored; validation rows are used by neither.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from naibu.errors import OptionError
from naibu.probes.results import Rows
from naibu.probes.source import Index, Source, read_codes

TRAIN, TEST = 0, 2
FEW_SYMBOLS = 20  # with so few, a random label per symbol type is nearly the label's own guess
FARTHEST = 200  # positions from here on share one entry of the position table


@dataclass(frozen=True)
class Target:
    """Values [token] to be found in a recording; `train` and `test` mark rows where they are defined."""

    name: str
    values: np.ndarray  # float64 [token]
    names: tuple[str, str] | None  # of the values 0 and 1, for a two-valued label
    index: Index
    train: np.ndarray  # bool [token]
    test: np.ndarray  # bool [token]
    unseen: np.ndarray  # bool [token], part of test
    fitted_on: str

    @property
    def rows(self) -> Rows:
        """The counts of rows, for the result."""
        return count_rows(self.index, self.train, self.test, self.unseen, self.fitted_on)


def count_rows(index: Index, train: np.ndarray, test: np.ndarray, unseen: np.ndarray, fitted_on: str) -> Rows:
    """The counts of marked rows, for a result."""
    sequences = len(np.unique(np.asarray(index.sequence)[train]))
    marked = (int(np.count_nonzero(rows)) for rows in (train, test, unseen))
    return Rows(fitted_on, next(marked), sequences, next(marked), next(marked))


def numeric(source: Source, label: str, seed: int) -> Target:
    """The target of a numeric label; tokens where it is nan are in no sum. OptionError for a categorical one."""
    found = source.index.label(label)
    if found.names is not None:
        raise OptionError(
            f"label {label!r} is categorical, this probe needs a numeric one; labels: "
            f"{', '.join(source.index.label_names)}"
        )
    return _target(source, label, np.asarray(found.values, np.float64), None, seed)


def two_valued(source: Source, label: str, seed: int) -> Target:
    """The target of a label with exactly two values, as 0 and 1. OptionError for any other."""
    found = source.index.label(label)
    values = np.asarray(found.values, np.float64)
    if found.names is not None:
        values = np.where(values < 0, np.nan, values)
    defined = ~np.isnan(values)
    distinct = np.unique(values[defined])
    if len(distinct) != 2:
        raise OptionError(
            f"label {label!r} has {len(distinct)} values in this recording, this probe needs exactly two "
            f"(like inside:VP); labels: {', '.join(source.index.label_names)}"
        )
    coded = np.where(defined, (values == distinct[1]).astype(np.float64), np.nan)
    if found.names is None:
        names = (f"{distinct[0]:g}", f"{distinct[1]:g}")
    else:
        names = (found.names[int(distinct[0])], found.names[int(distinct[1])])
    return _target(source, label, coded, names, seed)


def _target(source: Source, label: str, values: np.ndarray, names: tuple[str, str] | None, seed: int) -> Target:
    index = source.index
    train, test, unseen, fitted_on = divide(index, seed)
    defined = ~np.isnan(values)
    train, test, unseen = train & defined, test & defined, unseen & defined
    for part, rows in (("training", train), ("test", test)):
        if np.count_nonzero(rows) < 2 or np.ptp(values[rows]) == 0:
            raise OptionError(
                f"label {label!r} does not vary on the {part} rows of this recording; "
                f"choose another of {', '.join(index.label_names)}, or record more sequences"
            )
    return Target(label, values, names, index, train, test, unseen, fitted_on)


def divide(index: Index, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """Rows to fit on, rows to score on, the unseen of these (bool [token]), and what was done in words.

    Without training rows or without test rows the sequences are divided in two halves by a seeded draw. Then
    both halves stand in the same relation to the network's training, and only the probe's own fit is held out.
    """
    split = np.asarray(index.split)
    train, test = split == TRAIN, split == TEST
    fitted_on = "train"
    if not train.any() or not test.any():
        numbers, first = np.unique(index.sequence, return_index=True)
        if len(numbers) < 2:
            raise OptionError(f"a recording of {len(numbers)} sequences cannot be probed, 2 or more are needed")
        half = np.random.default_rng((seed, len(numbers))).permutation(len(numbers)) < len(numbers) // 2
        lengths = np.diff(np.append(first, len(index.sequence)))
        train = np.repeat(half, lengths)
        test = ~train
        missing = "training" if not (split == TRAIN).any() else "test"
        fitted_on = f"a random half of the sequences (seed {seed}), for the recording has no {missing} rows"
    return train, test, test & (split != TRAIN) & ~np.asarray(index.seen), fitted_on


def random_target(target: Target, seed: int) -> Target | None:
    """The control task: each symbol type, or bin of a number, gets a value drawn once from the label's training values.

    Such a label can be learnt only by remembering symbols, so a probe that finds it well is finding the
    symbol and not structure (Hewitt & Liang 2019). None for 20 symbol types or fewer, or where the draw
    leaves nothing to find.
    """
    symbol = read_codes(target.index)
    types = int(symbol.max()) + 1
    if len(np.unique(symbol)) <= FEW_SYMBOLS:
        return None
    draws = np.random.default_rng((seed, 17)).choice(target.values[target.train], types)
    values = np.where(np.isnan(target.values), np.nan, draws[symbol])
    if np.ptp(values[target.train]) == 0 or np.ptp(values[target.test]) == 0:
        return None
    return replace(target, name=f"random {target.name}", values=values)


def position_prediction(target: Target) -> np.ndarray:
    """The label's mean at each position over the training rows, looked up for every token, float64 [token].

    The best that position alone can give in squares; positions from 200 on share one value.
    """
    position = np.minimum(np.asarray(target.index.position), FARTHEST)
    there = position[target.train]
    y = target.values[target.train]
    n = np.bincount(there, minlength=FARTHEST + 1)
    total = np.bincount(there, y, FARTHEST + 1)
    mean = np.where(n > 0, total / np.maximum(n, 1), y.mean())
    return np.asarray(mean[position])


def same_tokens(source: Source, untrained: Source | None) -> None:
    """Raise OptionError unless the untrained recording is of the same tokens as the trained one."""
    if untrained is None:
        return
    if untrained.tokens != source.tokens or not np.array_equal(untrained.index.symbol, source.index.symbol):
        raise OptionError(
            f"untrained: a recording of {untrained.tokens} tokens is no control for one of {source.tokens} "
            "tokens; record the untrained network over the same sequences"
        )


def choose_keys(source: Source, keys: tuple[tuple[str, str], ...] | None) -> tuple[tuple[str, str], ...]:
    """The keys asked for, or all; OptionError for one the recording does not have."""
    there = source.keys()
    for key in keys or ():
        if key not in there:
            names = ", ".join("/".join(k) for k in there)
            raise OptionError(f"{'/'.join(key)} is not in this recording; it has {names}")
    return tuple(keys) if keys is not None else there


def some_sequences(index: Index, rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most `most` of the marked rows, whole sequences, drawn with the seed; bool [token]."""
    if np.count_nonzero(rows) <= most:
        return rows
    numbers, inverse = np.unique(np.asarray(index.sequence)[rows], return_inverse=True)
    order = np.random.default_rng((seed, len(numbers))).permutation(len(numbers))
    held = np.cumsum(np.bincount(inverse)[order]) <= most
    held[0] = True
    kept = np.zeros(len(numbers), bool)
    kept[order[held]] = True
    out = rows.copy()
    out[np.flatnonzero(rows)] = kept[inverse]
    return out
