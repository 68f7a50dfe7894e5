"""Forecasts without a network: the last value, that of a day or week before, means of earlier weeks, a line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from naibu.data.examples import Array
from naibu.data.series_clock import DAY, WEEK
from naibu.data.series_grid import Grid
from naibu.data.series_levels import Usual, lagged, mean_of_lags, slot_count, slots, slots_of, width_of

WEEKS = 8
"""Weeks, or other seasons, whose mean is a forecast."""
Forecast = Callable[[Array], Array]
"""From origins [origin 2] forecasts [origin ahead]."""


def baselines(grid: Grid, horizon: int, before_test: int) -> dict[str, Forecast]:
    """Return simple forecasts by name; none reads a value from its origin on.

    Where a value is missing, that of a season earlier stands for it, up to eight; then the usual value, at last the
    mean of the series, which is all that is forecast where no value is before the origin. Usual values are means over
    the steps before the test part: in origins before it they know more than they could have known.
    """
    values, clock = grid.values, grid.clock
    there = ~np.isnan(values[:, :before_test])
    mean = np.nansum(values[:, :before_test], 1) / np.maximum(there.sum(1), 1)
    kind = slots_of(clock, before_test)
    place = slots(kind, clock, np.arange(grid.steps))
    table = Usual.of(values[:, :before_test], place[:before_test], slot_count(kind, clock))
    usual = table.at(place, None, width_of(clock, kind))
    usual = np.where(np.isnan(usual), mean[:, None], usual)
    steps = np.arange(grid.steps)
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, steps), 1)
    first = np.argmax(~np.isnan(values), 1)

    def at(columns: Callable[[int], Array]) -> Forecast:
        """A forecast from columns [series step] that are known so many steps before."""

        def made(origins: Array) -> Array:
            out = np.empty((len(origins), horizon))
            for ahead in range(horizon):
                series, step = origins[:, 0], np.minimum(origins[:, 1] + ahead, grid.steps - 1)
                found = columns(ahead + 1)[series, step]
                out[:, ahead] = np.where(np.isnan(found), usual[series, step], found)
            return out

        return made

    def from_last(shifted: Callable[[Array, Array, Array], Array]) -> Forecast:
        def made(origins: Array) -> Array:
            series, step = origins.T
            begin = np.where(step > 0, last[series, np.maximum(step - 1, 0)], -1)
            there, begin = begin >= 0, np.maximum(begin, 0)
            level = np.where(there, values[series, begin], mean[series])
            ahead = np.minimum(origins[:, 1:] + np.arange(horizon), grid.steps - 1)
            return np.asarray(level[:, None] + np.where(there[:, None], shifted(series, begin, ahead), 0.0))

        return made

    def line(series: Array, begin: Array, ahead: Array) -> Array:
        origin, rise = first[series], np.maximum(begin - first[series], 1)
        slope = (values[series, begin] - values[series, origin]) / rise
        return np.asarray(np.nan_to_num(slope)[:, None] * (ahead - begin[:, None]))

    found: dict[str, Forecast] = {"last value": from_last(lambda series, begin, ahead: np.zeros(ahead.shape))}
    found["drift"] = from_last(line)
    seasons = {"a day before": clock.per(DAY), "a week before": clock.per(WEEK)}
    if not any(seasons.values()):
        seasons = {f"a {name} before": season for name, season in clock.seasons().items()}
    for name, season in seasons.items():
        if season and season < before_test:
            found[name] = at(_kept(lambda lag, season=season: lagged(values, lag, season), season))  # type: ignore[misc]
    longest = max([season for season in seasons.values() if season and season < before_test], default=0)
    if longest:
        what = "weeks" if longest == clock.per(WEEK) else "days" if longest == clock.per(DAY) else "years"
        name = f"mean of {WEEKS} {what}"
        found[name] = at(_kept(lambda lag: mean_of_lags(values, lag, longest, WEEKS), longest))
    if kind != "none":
        told = {"week": "usual for the time of the week", "year": "usual for the month"}
        name = told.get(kind, "usual for the time of day" + (", workdays apart" if kind == "workday" else ""))
        found[name] = at(lambda ahead: usual)
        if kind != "year":
            found["last value + change of the usual"] = from_last(
                lambda series, begin, ahead: usual[series[:, None], ahead] - usual[series, begin][:, None]
            )
    return found


def _kept(make: Callable[[int], Array], season: int) -> Callable[[int], Array]:
    """Return columns by how far ahead they are known, each whole number of seasons computed once."""
    kept: dict[int, Array] = {}

    def of(ahead: int) -> Array:
        lag = season * -(-ahead // season)
        if lag not in kept:
            kept[lag] = make(lag)
        return kept[lag]

    return of


def season_of(grid: Grid) -> int:
    """Return the season by whose naive forecast errors are scaled: the shortest, a day of hours; 1 without any."""
    return min([*grid.clock.seasons().values()], default=1)
