"""What a series would be if all went on as usual: same hour of earlier days and weeks, the usual value of the hour.

A network learns what is off them. Everything here looks back only, except the table of usual values of training and
validation, from which the value itself is left out at its own step: there it knows of later ones, on the test part not.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from naibu.data.examples import Array
from naibu.data.series_clock import DAY, WEEK, Clock, weekday

SlotName = Literal["week", "workday", "day", "year", "none"]
WEEKS, TRIES, MEAN = 4, 8, 4
"""Weeks from which on each hour of the week has a usual value of its own; seasons looked back for a value or mean."""
SMOOTHED = 1_500
"""Seconds over which usual values are smoothed, where steps are shorter."""


def slots_of(clock: Clock, steps: int) -> SlotName:
    """Return by what usual values are told apart, for so many steps of training."""
    if clock.unit == "month":
        return "year" if clock.seasons() and steps >= 2 * clock.slots() else "none"
    week, day = clock.per(WEEK), clock.per(DAY)
    if week and steps >= WEEKS * week:
        return "week"
    days = clock.times(np.arange(steps)).astype("datetime64[D]") if day else np.zeros(0)
    if day and steps >= 2 * day:
        weekend = weekday(days) >= 5
        return "workday" if min(weekend.sum(), (~weekend).sum()) >= 1.5 * day else "day"
    return "none"


def slot_count(kind: SlotName, clock: Clock) -> int:
    """Return how many usual values a series has."""
    if kind == "week":
        return clock.per(WEEK)
    return {"workday": 2 * clock.per(DAY), "day": clock.per(DAY), "year": clock.slots(), "none": 1}[kind]


def slots(kind: SlotName, clock: Clock, steps: Array) -> Array:
    """Return the slot of each step, int64 of the same shape."""
    if kind == "none":
        return np.zeros(np.shape(steps), np.int64)
    times = clock.times(steps)
    if kind == "year":
        return times.astype("datetime64[M]").astype(np.int64) % 12 // clock.count
    place = times.astype(np.int64) % DAY // clock.count
    days = weekday(times.astype("datetime64[D]"))
    if kind == "week":
        return np.asarray((days * DAY + times.astype(np.int64) % DAY) // clock.count)
    return np.asarray(place + (days >= 5) * clock.per(DAY) if kind == "workday" else place)


class Usual(NamedTuple):
    """Sums and counts of every slot in the part before the test, float64 [series slot]."""

    total: Array
    number: Array

    @classmethod
    def of(cls, values: Array, slot: Array, count: int) -> Usual:
        """Return those of values `[series step]`."""
        there = ~np.isnan(values)
        pairs = [
            (np.bincount(slot[row], each[row], count), np.bincount(slot[row], minlength=count))
            for each, row in zip(np.nan_to_num(values), there, strict=True)
        ]
        return cls(
            np.stack([total for total, _ in pairs]), np.stack([number for _, number in pairs]).astype(np.float64)
        )

    def at(self, slot: Array, own: Array | None = None, width: int = 1) -> Array:
        """Return the usual value of each step, float64 [series step]; NaN where there is none.

        own: the values of the steps, `[series step]`, which are left out of the sums. width: steps over which it is
        smoothed, an odd number.
        """
        total, count = self.total[:, slot], self.number[:, slot]
        if own is not None:
            total, count = total - np.nan_to_num(own), count - ~np.isnan(own)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(count > 0, total / count, np.nan)
        return mean if width == 1 else _smoothed(mean, width)


def width_of(clock: Clock, kind: SlotName) -> int:
    """Return over how many steps usual values are smoothed."""
    if kind not in ("week", "workday", "day"):
        return 1
    return max(1, SMOOTHED // clock.count // 2 * 2 + 1) if clock.count < SMOOTHED else 1


def _smoothed(values: Array, width: int) -> Array:
    there = ~np.isnan(values)
    half = width // 2
    padded = np.pad(np.where(there, values, 0.0), ((0, 0), (half + 1, half)))
    number = np.pad(there.astype(np.float64), ((0, 0), (half + 1, half)))
    total, count = (np.cumsum(each, 1)[:, width:] - np.cumsum(each, 1)[:, :-width] for each in (padded, number))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0.5, total / count, np.nan)


def lagged(values: Array, lag: int, season: int, tries: int = TRIES) -> Array:
    """Return the values `lag` steps before; where one is missing, that of a season earlier, float64 [series step]."""
    out = np.full(values.shape, np.nan)
    for shift in range(lag, lag + tries * season, season):
        if shift < values.shape[1]:
            earlier = values[:, :-shift]
            out[:, shift:] = np.where(np.isnan(out[:, shift:]), earlier, out[:, shift:])
    return out


def mean_of_lags(values: Array, lag: int, season: int, many: int = MEAN) -> Array:
    """Return the mean of the values `lag` steps before and of `many` - 1 seasons earlier, of those that are there."""
    total, count = np.zeros(values.shape), np.zeros(values.shape)
    for shift in range(lag, lag + many * season, season):
        if shift < values.shape[1]:
            earlier = values[:, :-shift]
            total[:, shift:] += np.nan_to_num(earlier)
            count[:, shift:] += ~np.isnan(earlier)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def known_lag(season: int, horizon: int) -> int:
    """Return the shortest whole number of seasons that lies `horizon` steps back or more."""
    return season * -(-horizon // season)
