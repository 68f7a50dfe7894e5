"""What is said of every unit in the table: its values, how long it keeps them, and the label that it tells best.

All of it comes from a sample of whole sequences, so that it takes about a second whatever the recording's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from naibu.errors import OptionError
from naibu.recording.index import Array
from naibu.recording.store import Key
from naibu.viewer.exhibits import Exhibit, Kind, kind_of
from naibu.viewer.labelled import Labelled, labelled
from naibu.viewer.numbers import plain
from naibu.viewer.sample import Values, sample_of, values_of

BINS = 24
"""Bars of a unit's histogram."""
COUNTED = 16_000
"""Steps that a histogram counts."""
EDGE = 0.1
"""How near to an end of its scale a value is counted as saturated."""
_ONE_AT_A_TIME = Lock()
PRINTED = 200_000
"""Correlations of one layer and signal with all labels that are sent, at most."""


@dataclass(frozen=True)
class Statistics:
    """What is known of the units of one layer and signal, `[unit]` each.

    mean, deviation, low, high: of the values. saturated: share of steps within a tenth of an end of its scale, NaN for
    a signal without ends. timescale: steps after which a unit's value is as like itself as 1/e, from its correlation
    with itself a step later, -1 / ln r; 0 where that is not above 0. histogram: counts `[unit bin]` over `scale [unit
    2]`, which is each unit's own for a signal without ends. undefined: steps of the sample at which some value is NaN;
    they are left out. parts: how the label of each unit was chosen and scored.

    How it can mislead: r is Pearson's, which says little of a unit that saturates or of a label that is rare; the
    timescale of a unit that jumps to and fro is short however long it holds what it holds.
    """

    key: Key
    kind: Kind
    rows: int
    parts: str
    mean: Array
    deviation: Array
    low: Array
    high: Array
    saturated: Array
    timescale: Array
    histogram: Array
    scale: Array
    undefined: int
    labels: Labelled | None

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, a list for each column."""
        columns = ("mean", "deviation", "low", "high", "saturated", "timescale", "scale")
        told = self.labels
        found: dict[str, Any] = {
            "layer": self.key[0],
            "signal": self.key[1],
            "kind": self.kind,
            "units": len(self.mean),
            "rows": self.rows,
            "parts": self.parts,
            "undefined": self.undefined,
            "histogram": self.histogram.tolist(),
            **{name: rounded(getattr(self, name)) for name in columns},
        }
        if told is None:
            return found | {"labels": []}
        some = {"r": told.r, "r_low": told.low, "r_high": told.high, "chance": told.chance}
        found |= {"labels": list(told.names), "label": told.best.tolist()}
        found |= {name: rounded(values) for name, values in some.items()}
        return found | {"all_r": rounded(told.all_r) if told.all_r.size <= PRINTED else []}


def statistics_of(exhibit: Exhibit, key: Key) -> Statistics:
    """Return what is known of the units of one layer and signal.

    One at a time, on one thread: products of some hundred units gain little from more, and lose much where others use
    the same cores. Raises OptionError for one that is not there, and where every step has a value that is NaN.
    """
    with _ONE_AT_A_TIME, threadpool_limits(1, user_api="blas"):
        return _statistics_of(exhibit, key)


def _statistics_of(exhibit: Exhibit, key: Key) -> Statistics:
    units = exhibit.recording.units(key)
    sample = sample_of(exhibit, units)
    if not sample.spans:
        raise OptionError("the recording is empty: it has no sequence")
    values = values_of(exhibit.recording, key, sample.spans)
    sums = _Sums(units)
    for x, begins in values.pieces():
        sums.add(x, begins)
    if not sums.count:
        raise OptionError(f"{'/'.join(key)}: every step that was looked at has a value that is NaN")
    kind = kind_of(key[1], float(sums.low.min()), float(sums.high.max()))
    scale = _scale(kind, sums)
    histogram, saturated = _histogram(values, kind, scale)
    mean = sums.mean()
    return Statistics(
        key,
        kind,
        sums.count,
        sample.parts,
        mean,
        sums.deviation(),
        sums.low,
        sums.high,
        saturated,
        sums.timescale(),
        histogram,
        scale,
        sums.undefined,
        labelled(exhibit.recording, values, sample, mean),
    )


class _Sums:
    """Sums over the steps of a sample, `[unit]` each."""

    def __init__(self, units: int) -> None:
        self.count = self.pairs = self.undefined = 0
        self.low, self.high = np.full(units, np.inf, np.float32), np.full(units, -np.inf, np.float32)
        self._shift = np.zeros(units, np.float32)
        self._x, self._xx = np.zeros(units), np.zeros(units)
        self._before, self._after, self._products = np.zeros(units), np.zeros(units), np.zeros(units)

    def add(self, x: Array, begins: Array) -> None:
        """Take values `[row unit]`, and which rows begin a sequence; a row with a value that is NaN is left out."""
        there = np.asarray(~np.isnan(x).any(axis=1))
        if not there.all():
            self.undefined += int((~there).sum())
            begins = (begins | np.append(False, ~there[:-1]))[there]
            x = x[there]
        if not len(x):
            return
        if not self.count:
            self._shift = x.mean(axis=0)
        np.minimum(self.low, x.min(axis=0), out=self.low)
        np.maximum(self.high, x.max(axis=0), out=self.high)
        x = x - self._shift
        self.count += len(x)
        self._x += x.sum(axis=0, dtype=np.float64)
        self._xx += np.einsum("tu,tu->u", x, x)
        follows = (~begins[1:]).astype(np.float32)
        self.pairs += int(follows.sum())
        self._before += follows @ x[:-1]
        self._after += follows @ x[1:]
        self._products += follows @ (x[:-1] * x[1:])

    def mean(self) -> Array:
        """Return the means."""
        return np.asarray(self._shift + self._x / self.count)

    def deviation(self) -> Array:
        """Return the standard deviations."""
        return np.sqrt(np.maximum(0.0, self._xx / self.count - (self._x / self.count) ** 2))

    def timescale(self) -> Array:
        """Return -1 / ln r of each unit with itself a step later."""
        variance, n = self.deviation() ** 2, max(1, self.pairs)
        covariance = self._products / n - self._before / n * self._after / n
        r = np.where(variance > 0, covariance / np.where(variance > 0, variance, 1.0), 0.0)
        there = r > 0
        return np.where(there, -1 / np.log(np.where(there, np.minimum(r, 0.9999), 0.5)), 0.0)


def _scale(kind: Kind, sums: _Sums) -> Array:
    """Return low and high end of every unit's scale, `[unit 2]`."""
    if kind != "free":
        return np.tile([0.0 if kind == "gate" else -1.0, 1.0], (len(sums.low), 1))
    most = np.maximum(np.abs(sums.low), np.abs(sums.high)).astype(np.float64)
    most = np.where(np.isfinite(most) & (most > 0), most, 1.0)
    return np.stack([-most, most], 1)


def _histogram(values: Values, kind: Kind, scale: Array) -> tuple[Array, Array]:
    """Return counts `[unit bin]` of some steps, and the share of all steps that is saturated, `[unit]`."""
    units = len(scale)
    counts, near, rows = np.zeros((units, BINS), np.int64), np.zeros(units), 0
    factor, low = (BINS / (scale[:, 1] - scale[:, 0])).astype(np.float32), scale[:, 0].astype(np.float32)
    offset = np.arange(units, dtype=np.int32) * BINS
    for x, _ in values.pieces():
        x = x[~np.isnan(x).any(axis=1)]
        rows += len(x)
        if kind != "free":
            near += np.count_nonzero((x > 1 - EDGE) | (x < low + EDGE), axis=0)
        some = x[:: max(1, len(values.x) // COUNTED)]
        codes = np.clip(((some - low) * factor).astype(np.int32), 0, BINS - 1) + offset
        counts += np.bincount(codes.ravel(), minlength=units * BINS).reshape(units, BINS)
    return counts, np.full(units, np.nan) if kind == "free" else near / max(1, rows)


def rounded(values: Array) -> list[Any]:
    """Return values to four digits as plain ones, None for NaN and infinity."""
    if values.ndim > 1:
        return [rounded(row) for row in values]
    return [plain(value, 4) for value in values.tolist()]
