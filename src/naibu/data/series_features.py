"""What a network reads at each step of a series: numbers in columns, as far as they do not hang on where it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from naibu.data.examples import Array
from naibu.data.series_clock import DAY, WEEK, weekday
from naibu.data.series_coder import Scaled, SeriesCoder
from naibu.data.series_grid import Covariate, Grid
from naibu.data.series_levels import known_lag, lagged, mean_of_lags, slots, width_of
from naibu.memory import check_memory

CODES = 2
"""The first columns: the series' number, the slot's."""


class Layout(NamedTuple):
    """Which column of `x [time batch column]` is what.

    Codes first: series, slot, a column for each categorical covariate. Then the base and the spread, which turn what
    comes out into the data's units, and are not read. All from `value` on is read: the value off its base in spreads, 0
    where it is missing or ahead; whether it is there; how far ahead the step is, as a share of the horizon; forecasts
    to start from (`anchors`), off the base too; other features.
    """

    categories: int
    anchors: int
    features: int

    @classmethod
    def of(cls, sizes: Mapping[str, int]) -> Self:
        """Return the layout that a network of such sizes reads."""
        categories = sum(name.startswith("category ") for name in sizes)
        return cls(categories, sizes["anchors"], sizes["features"] - 3 - sizes["anchors"])

    @property
    def base(self) -> int:
        """The column of the base, in spreads from the centre; the centre and the spread follow."""
        return CODES + self.categories

    @property
    def value(self) -> int:
        """The column of the value; `there` and `ahead` follow, then the anchors."""
        return self.base + 3

    @property
    def anchor(self) -> int:
        """The first column of the anchors."""
        return self.value + 3

    @property
    def feature(self) -> int:
        """The first column of the other features."""
        return self.anchor + self.anchors

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return self.feature + self.features


@dataclass(frozen=True)
class Features:
    """All columns that do not hang on the origin, for every step of every series.

    value: float32 [series step], off the base in spreads, NaN where missing. base: float32 [series step].
    anchors: float32 [anchor series step], forecasts known at least `horizon` steps before, off the base. moving:
    float32 [moving series step], levels in spreads from the centre: the last value and a change of one of them is a
    forecast. known, past: float32 [series step feature]; of `past` nothing is known ahead. codes: int32
    [category series step].
    """

    coder: SeriesCoder
    value: Array
    base: Array
    anchors: Array
    moving: Array
    known: Array
    past: Array
    codes: Array
    slot: Array  # int64 [step]
    last: Array  # int64 [series step]: the last step up to here that has a value, -1 for none

    @property
    def layout(self) -> Layout:
        """Which column is what."""
        count = len(self.anchors) + len(self.moving) + 1
        return Layout(len(self.codes), count, self.known.shape[-1] + self.past.shape[-1])

    @property
    def sizes(self) -> dict[str, int]:
        """What a model of such features is built from."""
        layout, coder = self.layout, self.coder
        names = [each for each in coder.covariates if each.names is not None]
        return {
            "series": len(coder.series),
            "slots": coder.slots if coder.weekly else 1,
            "features": 3 + layout.anchors + layout.features,
            "anchors": layout.anchors,
            **{f"category {each.name}": len(each.names or ()) + 1 for each in names},
        }


def features_of(grid: Grid, coder: SeriesCoder, fitted: int = 0) -> Features:
    """Return what is read of series; `fitted`: the steps whose values are in the coder's usual values."""
    check_memory(4 * grid.values.size * 24)
    steps = np.arange(grid.steps)
    slot = slots(coder.slot, grid.clock, steps)
    values = grid.values
    base, anchors, moving = _levels(values, coder, slot, fitted)
    centre, spread = coder.centre[:, None], coder.spread[:, None]

    def scaled(level: Array) -> Array:
        return np.asarray((np.where(np.isnan(level), base, level) - base) / spread, np.float32)

    there = ~np.isnan(values)
    last = np.maximum.accumulate(np.where(there, steps, -1), 1)
    known, past = _numbers(grid, coder)
    codes = [_codes(each, how) for each, how in zip(grid.covariates, coder.covariates, strict=True)]
    shape = values.shape
    return Features(
        coder,
        np.asarray((values - base) / spread, np.float32),
        np.asarray((base - centre) / spread, np.float32),
        np.stack([scaled(each) for each in anchors]) if anchors else np.zeros((0, *shape), np.float32),
        np.stack([np.asarray((np.where(np.isnan(each), base, each) - centre) / spread, np.float32) for each in moving])
        if moving
        else np.zeros((0, *shape), np.float32),
        np.concatenate([_calendar(coder, grid.steps, slot, shape), known], -1),
        past,
        np.stack([np.broadcast_to(each, shape) for each in codes if each is not None]).astype(np.int32)
        if any(each is not None for each in codes)
        else np.zeros((0, *shape), np.int32),
        slot if coder.weekly else np.zeros_like(slot),
        last,
    )


def _levels(values: Array, coder: SeriesCoder, slot: Array, fitted: int) -> tuple[Array, list[Array], list[Array]]:
    """Return the base, the anchors and the moving levels, `[series step]` each, in the data's units."""
    own = values.copy()
    own[:, fitted:] = np.nan  # what comes later is in no sum
    centre = np.broadcast_to(coder.centre[:, None], values.shape)
    if coder.plain:
        return centre, [], []
    seasons, horizon = [*coder.clock.seasons().values()], coder.horizon
    usual = coder.usual.at(slot, own, width_of(coder.clock, coder.slot)) if coder.slot != "none" else None
    usual = None if usual is None else np.where(np.isnan(usual), centre, usual)
    if not seasons or coder.slot == "none":
        base = mean_of_lags(values, horizon, 1)
        base = np.where(np.isnan(base), lagged(values, horizon, 1, 64), base)
        return np.where(np.isnan(base), centre, base), [], []
    long = seasons[-1]
    lag = known_lag(long, horizon)
    mean = mean_of_lags(values, lag, long)
    assert usual is not None
    whole = coder.slot in ("week", "year")
    base = np.where(np.isnan(mean), usual, mean) if whole else usual
    before = lagged(values, lag, long)
    anchors = [before, mean_of_lags(values, lag, long, 8), usual] if whole else []
    if len(seasons) > 1:
        anchors.append(lagged(values, known_lag(seasons[0], horizon), seasons[0]))
    return base, anchors, [base, np.where(np.isnan(before), base, before)] if whole else [base]


def _calendar(coder: SeriesCoder, steps: int, slot: Array, shape: tuple[int, ...]) -> Array:
    """Return features of the calendar, float32 [series step feature]."""
    clock = coder.clock
    if coder.plain or clock.unit == "row":
        return np.zeros((*shape, 0), np.float32)
    times = clock.times(np.arange(steps))
    columns: list[Array] = []
    if clock.per(DAY):
        angle = 2 * np.pi * (times.astype(np.int64) % DAY) / DAY
        columns += [part(k * angle) for k in (1, 2) for part in (np.sin, np.cos)]
    if clock.per(WEEK):
        columns.append((weekday(times.astype("datetime64[D]")) >= 5).astype(np.float64))
    if clock.unit == "month" or coder.yearly:
        days = (times.astype("datetime64[D]") - times.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
        columns += [part(2 * np.pi * days / 365.25) for part in (np.sin, np.cos)]
    one = np.stack(columns, -1) if columns else np.zeros((steps, 0))
    return np.broadcast_to(one.astype(np.float32), (shape[0], *one.shape))


def _numbers(grid: Grid, coder: SeriesCoder) -> tuple[Array, Array]:
    """Return numeric covariates known ahead and not, float32 [series step feature]."""
    parts: dict[bool, list[Array]] = {True: [], False: []}
    for each, how in zip(grid.covariates, coder.covariates, strict=True):
        for column in _flags(each, grid) if how.daily else _number(each, how):
            parts[how.known].append(np.broadcast_to(column, grid.values.shape).astype(np.float32))
    found = [np.stack(some, -1) if some else np.zeros((*grid.values.shape, 0), np.float32) for some in parts.values()]
    return found[0], found[1]


def _number(covariate: Covariate, how: Scaled) -> list[Array]:
    if covariate.names is not None:
        return []
    there = ~np.isnan(covariate.values)
    value = (np.clip(covariate.values, how.low, how.high) - how.centre) / how.spread
    return [np.where(there, value, 0.0), there.astype(np.float64)]


def _flags(covariate: Covariate, grid: Grid) -> list[Array]:
    """Return whether a day is a special one and, where that is known ahead, whether the days before and after are."""
    per_day = grid.clock.per(DAY)
    special = ((covariate.values >= 0) & (covariate.values != covariate.usual)).astype(np.float64)
    before, after = np.zeros_like(special), np.zeros_like(special)
    before[:, per_day:] = special[:, :-per_day]
    after[:, :-per_day] = special[:, per_day:]
    return [special, before, after] if covariate.known else [special]


def _codes(covariate: Covariate, how: Scaled) -> Array | None:
    """Return the codes of a categorical covariate, 0 for one that was never met."""
    return None if how.names is None else covariate.values.astype(np.int64) + 1
