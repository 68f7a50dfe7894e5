"""Measures at the steps where a label has each of its values: the error at rush hour, and at all other hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from naibu.data.examples import Column, Examples
from naibu.errors import OptionError

if TYPE_CHECKING:
    from naibu.tasks.task import Array, Measure, Sums

MOST = 32
"""Values of a label that are told apart, at most; an hour of the day has 24."""


def measures_by(measures: Sequence[Measure], examples: Examples, label: str) -> tuple[Measure, ...]:
    """Return each measure at the steps of each value of a label, as `Measure.where`; steps without one are in none.

    The label is that of the step at which the outcome stands, in the stream that is predicted; `label_columns` gives
    what such measures read. Raises OptionError for a label that is not there, or has more than `MOST` values.
    """
    column = examples.label(label, examples.streams[-1])
    return tuple(
        measure._replace(
            title=f"{measure.title}, {label} {shown}",
            sums=partial(_where, measure, key_of(label), value),
            where=f"{label} {shown}",
        )
        for value, shown in _values(column, label)
        for measure in measures
    )


def key_of(label: str) -> str:
    """Return the name of a label's column among outcomes; no outcome has such a name."""
    return f"label {label}"


def label_columns(examples: Examples, labels: Sequence[str]) -> dict[str, Array]:
    """Return the values of labels at every step of the stream that is predicted, [token], by `key_of`."""
    stream = examples.streams[-1]
    return {key_of(label): np.asarray(examples.label(label, stream).values) for label in labels}


def padded(values: Array, starts: Array, lengths: Array, time: int) -> Array:
    """Return the values `[token]` of examples that begin at `starts [batch]`, side by side, float64 `[time batch]`; NaN
    beyond an end."""
    step = np.arange(time)[:, None]
    return np.where(step < lengths, values[np.minimum(starts + step, len(values) - 1)].astype(np.float64), np.nan)


def _values(column: Column, label: str) -> list[tuple[float, str]]:
    """Return the values that occur, in order, each as it is written."""
    found = np.unique(column.values)
    found = found[found >= 0] if column.names is not None else found[~np.isnan(found)]
    if not 0 < len(found) <= MOST:
        raise OptionError(f"--by {label}: has {len(found):,} values here; only labels with 1 to {MOST} are told apart")
    names = column.names
    return [(float(value), f"{value:g}" if names is None else names[int(value)]) for value in found]


def _where(measure: Measure, key: str, value: float, found: Mapping[str, Array]) -> Sums:
    """Return the sums of a measure at the steps where a column has a value, 0 elsewhere."""
    above, below = measure.sums(found)
    there = found[key] == value
    return np.where(there, above, 0.0), np.where(there, below, 0.0)
