"""What turns series with gaps into what a network reads: scales, usual values, and which series are near which."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from naibu.data.examples import Array
from naibu.data.series_coder import SeriesCoder, fitted
from naibu.data.series_grid import Grid
from naibu.data.series_levels import slots, width_of
from naibu.storage import MALFORMED, damaged, read_json, write_json

FILE = "recovery.json"
TOGETHER, LEAST = 50, 0.1
"""Steps at which two series have to be there together, and how far they have to go together, to be neighbours."""


class Near(NamedTuple):
    """For each series those that go with it most, the nearest first.

    series: int64 [series neighbour]. weight: float64 [series neighbour], the fourth power of the correlation in
    training, 0 for none. sign: of the correlation, 1 or -1.
    """

    series: Array
    weight: Array
    sign: Array


@dataclass(frozen=True)
class RecoveryCoder:
    """How series with gaps are read: scales and usual values as for forecasts, but from the training part alone.

    window: steps of an example. near: the neighbours; of no columns where there are none.
    """

    levels: SeriesCoder
    window: int
    near: Near

    @property
    def neighbours(self) -> int:
        """How many neighbours a series has."""
        return int(self.near.series.shape[1])

    def save(self, folder: Path) -> None:
        """Write `series.json` and `recovery.json`."""
        self.levels.save(folder)
        write_json(folder / FILE, {"window": self.window} | {k: v.tolist() for k, v in self.near._asdict().items()})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the coder of a run. Raises StoredError where it is missing or damaged."""
        path, what = folder / FILE, "what reads the series of a run"
        levels = SeriesCoder.load(folder)
        found: dict[str, Any] = read_json(path, what, sealed=lambda _: True)
        try:
            shape = (len(levels.series), -1) if np.size(found["series"]) else (len(levels.series), 0)
            numbers = np.array(found["series"], np.int64).reshape(shape)
            parts = (np.array(found[name], np.float64).reshape(numbers.shape) for name in ("weight", "sign"))
            return cls(levels, int(found["window"]), Near(numbers, *parts))
        except MALFORMED as error:
            raise damaged(path, what, error) from None


def coder_of(grid: Grid, window: int, neighbours: int, train: int) -> RecoveryCoder:
    """Return the coder of series, from the steps before `train` alone.

    Raises CorpusError where all series are constant, or without a value, in it.
    """
    levels = fitted(grid, horizon=1, context=window, plain=False, train=train, before_test=train)
    off = (grid.values - base_of(grid.values, levels, train)) / levels.spread[:, None]
    return RecoveryCoder(levels, window, near_of(off[:, :train], neighbours))


def base_of(values: Array, levels: SeriesCoder, learnt: int) -> Array:
    """Return the usual value of every step, float64 `[series step]`; the mean of the series where there is none.

    learnt: the steps whose values are in the sums; each is left out of its own, so that it is not told by it.
    """
    own = values.copy()
    own[:, learnt:] = np.nan
    place = slots(levels.slot, levels.clock, np.arange(values.shape[1]))
    usual = levels.usual.at(place, own, width_of(levels.clock, levels.slot))
    return np.where(np.isnan(usual), levels.centre[:, None], usual)


def near_of(off: Array, neighbours: int) -> Near:
    """Return the neighbours of series whose deviations from the usual are `off [series step]`, NaN where missing.

    Correlations are those of what is there of both; where that is too little, or they are too small, the weight is 0.
    """
    count = len(off)
    there = ~np.isnan(off)
    z, one = np.where(there, off, 0.0), there.astype(np.float64)
    together = one @ one.T
    mean, other = z @ one.T, one @ z.T  # sums of each where both are there
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = z @ z.T - mean * other / together
        variance = (z * z) @ one.T - mean * mean / together
        correlation = covariance / np.sqrt(variance * variance.T)
    usable = (together >= min(TOGETHER, off.shape[1] // 2)) & np.isfinite(correlation) & (np.abs(correlation) >= LEAST)
    weight = np.where(usable, np.square(np.square(correlation)), 0.0)
    np.fill_diagonal(weight, 0.0)
    most = min(neighbours, count - 1)
    ranked = np.argsort(-weight, 1, kind="stable")
    order = np.array([row[row != own][:most] for own, row in enumerate(ranked)], np.int64).reshape(count, most)
    chosen = np.take_along_axis(weight, order, 1)
    sign = np.where(np.take_along_axis(np.nan_to_num(correlation), order, 1) < 0, -1.0, 1.0)
    return Near(order, chosen, sign)
