"""What turns series into what a network reads, and back: scales, usual values, categories; kept in the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from naibu.data.series_clock import WEEK, Clock
from naibu.data.series_grid import Covariate, Grid
from naibu.data.series_levels import SlotName, Usual, slot_count, slots, slots_of
from naibu.errors import CorpusError
from naibu.storage import MALFORMED, damaged, from_json, read_json, write_json

FILE = "series.json"
YEARS = 2
"""Years of training from which on the time of the year is read."""
SLOT_WEEKS = 8
"""Weeks of training from which on a vector is learnt for each step of the week, where a week has at most so many:"""
MOST_SLOTS = 400


@dataclass(frozen=True)
class Scaled:
    """A covariate as it was in training: numbers are read as (value - centre) / spread, between two bounds.

    usual: of a daily one the code of an ordinary day; -1 in runs of before it was kept.
    """

    name: str
    known: bool
    daily: bool
    names: tuple[str, ...] | None
    centre: float = 0.0
    spread: float = 1.0
    low: float = 0.0
    high: float = 0.0
    usual: int = -1


@dataclass(frozen=True)
class SeriesCoder:
    """How series are read.

    horizon, context: steps ahead, and steps read before. plain: neither calendar nor earlier weeks are read.
    centre, spread: of each series, float64 [series]; residuals are told in spreads. slot: by what usual values are
    told apart. total, count: sums and numbers of them, float64 [series slot], of all before the test part: of training
    and validation. A value is left out of the one beside itself, but what came after an origin of the validation part
    is in it: forecasts there are a little better than those of the test part can be.
    yearly, weekly: whether the time of the year is read, and a vector learnt for each step of the week.
    """

    clock: Clock
    series: tuple[str, ...]
    horizon: int
    context: int
    plain: bool
    centre: np.ndarray
    spread: np.ndarray
    slot: SlotName
    total: np.ndarray
    count: np.ndarray
    yearly: bool
    weekly: bool
    covariates: tuple[Scaled, ...]

    @property
    def usual(self) -> Usual:
        """The usual values."""
        return Usual(self.total, self.count)

    @property
    def slots(self) -> int:
        """How many usual values a series has."""
        return slot_count(self.slot, self.clock)

    @property
    def categories_known(self) -> tuple[bool, ...]:
        """Whether each categorical covariate is known ahead."""
        return tuple(each.known for each in self.covariates if each.names is not None)

    def save(self, folder: Path) -> None:
        """Write `series.json`."""
        arrays = ("centre", "spread", "total", "count")
        written: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        written |= {name: written[name].tolist() for name in arrays}
        written["clock"] = asdict(self.clock)
        written["covariates"] = [asdict(each) for each in self.covariates]
        write_json(folder / FILE, written)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the coder of a run. Raises StoredError where it is missing or damaged."""
        path, what = folder / FILE, "what reads the series of a run"
        found = read_json(path, what, sealed=lambda _: True)
        try:
            for name in ("centre", "spread", "total", "count"):
                found[name] = np.array(found[name], np.float64)
            found["clock"] = Clock(**found["clock"])
            found["series"] = tuple(found["series"])
            found["covariates"] = tuple(from_json(Scaled, each) for each in found["covariates"])
            return cls(**found)
        except MALFORMED as error:
            raise damaged(path, what, error) from None


def fitted(grid: Grid, *, horizon: int, context: int, plain: bool, train: int, before_test: int) -> SeriesCoder:
    """Return the coder of series, from the steps before `train`; usual values from those before `before_test`.

    Raises CorpusError for a series that is constant, or has no value, where no other is better.
    """
    part, clock = grid.values[:, :train], grid.clock
    slot: SlotName = "none" if plain else slots_of(clock, before_test)
    place, whole = slots(slot, clock, np.arange(before_test)), grid.values[:, :before_test]
    usual = Usual.of(whole, place, slot_count(slot, clock))
    there = ~np.isnan(part)
    count = there.sum(1)
    dead = np.array([len(np.unique(row[mask])) < 2 for row, mask in zip(part, there, strict=True)])
    if dead.all():
        row = int(np.flatnonzero(dead)[0])
        value = f"always {part[row][there[row]][0]:g}" if count[row] else "always missing"
        raise CorpusError(f"{grid.series[row]} is {value} in the training part; there is nothing to learn", grid.name)
    centre = np.where(count > 0, np.nansum(part, 1) / np.maximum(count, 1), 0.0)
    off = part - (usual.at(place[:train]) if slot != "none" else centre[:, None])
    square = np.nansum(np.square(off), 1) / np.maximum(count, 1)
    overall = np.sqrt(np.nansum(np.square(part - centre[:, None]), 1) / np.maximum(count, 1))
    spread = np.maximum(np.sqrt(square), 0.05 * overall)
    spread = np.where(dead | (spread <= 0), np.median(spread[~dead]), spread)
    weeks = before_test / (clock.per(WEEK) or np.inf)
    return SeriesCoder(
        clock,
        grid.series,
        horizon,
        context,
        plain,
        centre,
        spread,
        slot,
        usual.total,
        usual.number,
        _years(clock, train) >= YEARS and not plain,
        slot == "week" and weeks >= SLOT_WEEKS and slot_count(slot, clock) <= MOST_SLOTS,
        tuple(_scaled(each, train) for each in grid.covariates),
    )


def _years(clock: Clock, steps: int) -> float:
    if clock.unit == "month":
        return 0.0  # the slot is the time of the year there
    return steps * clock.count / (365.25 * 86_400) if clock.unit == "second" else 0.0


def _scaled(covariate: Covariate, train: int) -> Scaled:
    """Return how a covariate is read; bounds lie one width of its middle 98 % beyond that."""
    names = covariate.names
    values = covariate.values[:, :train]
    values = values[~np.isnan(values)]
    if names is not None or not len(values):
        return Scaled(covariate.name, covariate.known, covariate.daily, names, usual=covariate.usual)
    first, last = (float(each) for each in np.quantile(values, [0.01, 0.99]))
    width = last - first or float(np.ptp(values)) or 1.0
    low, high = first - width, last + width
    inside = np.clip(values, low, high)
    spread = float(inside.std()) or 1.0
    return Scaled(covariate.name, covariate.known, covariate.daily, None, float(inside.mean()), spread, low, high)
