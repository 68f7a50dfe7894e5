"""What is known of every step of a series without any network: hour and weekday, rush hour, level, trend, gaps."""

from __future__ import annotations

from functools import cache, cached_property

import numpy as np

from naibu.data.examples import Array, Column
from naibu.data.series_clock import DAY, WEEK, weekday
from naibu.data.series_features import Features
from naibu.data.series_grid import Grid

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
YES = ("no", "yes")
RUSH = ((7, 9), (16, 18))
"""Hours of workdays, from and up to, that are called rush hour."""
LABELS = (
    "hour", "hour_sine", "hour_cosine", "weekday", "weekend", "day_of_year", "holiday", "rush_hour", "ahead",
    "since_gap", "level", "trend",
)  # fmt: skip


class SeriesLabels:
    """Labels of a grid, each as a column `[series step]`."""

    def __init__(self, grid: Grid, features: Features) -> None:
        self.grid, self.features = grid, features
        self.of = cache(self._of)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The labels there are: those of the day where steps are shorter, `holiday` where a covariate says it."""
        clock = self.grid.clock
        there = {"ahead", "since_gap", "level", "trend"}
        if clock.unit != "row":
            there |= {"day_of_year"}
        if clock.per(DAY):
            there |= {"hour", "hour_sine", "hour_cosine", "rush_hour"}
        if clock.per(WEEK):
            there |= {"weekday", "weekend"}
        if any(each.daily for each in self.grid.covariates):
            there |= {"holiday"}
        return tuple(name for name in LABELS if name in there)

    def _of(self, name: str) -> Column:
        shape = self.grid.values.shape
        if name == "level":
            return Column(self._level().astype(np.float32))
        if name == "trend":
            return Column(self._trend().astype(np.float32))
        if name == "since_gap":
            return Column(self._since_gap().astype(np.float32))
        if name == "holiday":
            daily = next(each for each in self.grid.covariates if each.daily)
            special = np.where(daily.values < 0, -1, daily.values != daily.usual).astype(np.int32)
            return Column(np.broadcast_to(special, shape), YES)
        found = self._calendar(name)
        return Column(np.broadcast_to(found.values, shape), found.names)

    def _calendar(self, name: str) -> Column:
        times = self.grid.clock.times(np.arange(self.grid.steps))
        seconds, days = times.astype(np.int64) % DAY, times.astype("datetime64[D]")
        day, hour = weekday(days), seconds / 3600
        if name == "hour":
            return Column(hour.astype(np.float32))
        if name in ("hour_sine", "hour_cosine"):
            angle = 2 * np.pi * hour / 24
            return Column((np.sin(angle) if name == "hour_sine" else np.cos(angle)).astype(np.float32))
        if name == "weekday":
            return Column(day.astype(np.int32), DAYS)
        if name == "weekend":
            return Column((day >= 5).astype(np.int32), YES)
        if name == "rush_hour":
            rush = np.any([(hour >= first) & (hour < last) for first, last in RUSH], 0)
            return Column((rush & (day < 5)).astype(np.int32), YES)
        year = days - times.astype("datetime64[Y]").astype("datetime64[D]")
        return Column((year.astype(np.int64) + 1).astype(np.float32))

    def _season(self) -> int:
        return min([*self.grid.clock.seasons().values()], default=12)

    def _level(self) -> Array:
        """Return the mean over the last day, or the shortest season: of the values up to the step that are there."""
        return _trailing(self.grid.values, self._season())

    def _trend(self) -> Array:
        """Return the change of the level since a season ago."""
        level, season = self._level(), self._season()
        before = np.full_like(level, np.nan)
        before[:, season:] = level[:, :-season]
        return level - before

    def _since_gap(self) -> Array:
        """Return the steps since the last missing value, 0 in a gap; NaN before the first."""
        steps = np.arange(self.grid.steps)
        gap = np.maximum.accumulate(np.where(np.isnan(self.grid.values), steps, -1), 1)
        return np.where(gap >= 0, steps - gap, np.nan)


def _trailing(values: Array, width: int) -> Array:
    there = ~np.isnan(values)
    total = np.cumsum(np.pad(np.nan_to_num(values), ((0, 0), (width, 0))), 1)
    count = np.cumsum(np.pad(there.astype(np.float64), ((0, 0), (width, 0))), 1)
    number = count[:, width:] - count[:, :-width]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number > 0.5, (total[:, width:] - total[:, :-width]) / number, np.nan)
