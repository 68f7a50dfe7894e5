"""Series from a file or a data frame, in three parts by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from naibu.data.examples import Array
from naibu.data.series import DecoderName, SeriesData, SeriesSource, SeriesWindows, origins_in, with_enough
from naibu.data.series_clock import DAY, Clock
from naibu.data.series_coder import SeriesCoder, fitted
from naibu.data.series_features import features_of
from naibu.data.series_grid import Asked, Covariate, Grid, read_grid
from naibu.errors import CorpusError, OptionError
from naibu.storage import digest_of

FRAME = "(data frame)"
"""What stands in a run's options in place of a file, where a data frame was given."""
LONGEST, MOST = 336, 14
"""Steps of the longest season that is read before a forecast where nothing is asked for, and in horizons."""
HISTORY, AHEAD = 0.25, 0.5
"""Shares of the context and of the horizon that have values in a window that is learnt from, at least."""


def open_series(
    source: str | Path | Any,
    *,
    time: str | None = None,
    target: str | Sequence[str] = (),
    id: str | None = None,
    horizon: int = 0,
    known: str | Sequence[str] = (),
    past: str | Sequence[str] = (),
    context: int = 0,
    decoder: DecoderName = "direct",
    plain: bool = False,
    every: str | None = None,
    start: str | None = None,
    zone: str | None = None,
    validation: float = 0.1,
    test: float = 0.1,
) -> SeriesData:
    """Return series in three parts by time, the last part being the test part.

    source: a CSV file (.gz too), a Parquet file, or a data frame of pandas or polars. time, target, id: its columns;
    a wide table has a target for each series, a long one an `id`. horizon, context: steps ahead, and read before; 0
    chooses. known, past: covariates that are known ahead, and those that are not. decoder, plain: how forecasts are
    made, and whether without calendar and earlier weeks. every, start, zone: see `Asked`. validation, test: shares of
    the steps.

    Raises CorpusError for a file that cannot be used, with the line, and for series that are too short or constant;
    OptionError for a column that is not there.
    """
    listed = {name: _listed(each) for name, each in (("target", target), ("known", known), ("past", past))}
    asked = Asked(time, listed["target"], id, listed["known"], listed["past"], every, start, zone)
    grid = read_grid(source, asked)
    horizon = horizon or usual_horizon(grid.clock)
    train, before_test = divided(grid, validation, test)
    context = context or usual_context(grid.clock, horizon, train)
    if train < horizon + 2:
        told = f"{grid.steps:,} steps are too few to forecast {horizon} ahead, a part of them held out"
        raise CorpusError(f"{told}; take a shorter --horizon, or more data", grid.name)
    coder = fitted(grid, horizon=horizon, context=context, plain=plain, train=train, before_test=before_test)
    series = SeriesSource(grid, features_of(grid, coder, before_test), decoder, (train, before_test))
    parts = _parts(series)
    options = {
        "file": FRAME if not isinstance(source, str | Path) else str(source),
        "time": time,
        "target": list(listed["target"]),
        "id": id,
        "horizon": horizon,
        "known": list(listed["known"]),
        "past": list(listed["past"]),
        "context": context,
        "decoder": decoder,
        "plain": plain,
        "every": every,
        "start": start,
        "zone": zone,
        "validation": validation,
        "test": test,
    }
    said = {name: each for name, each in options.items() if name != "file"}
    hashed = [each.values.tobytes() for each in grid.covariates]
    fingerprint = digest_of(repr(said), repr(grid.clock), repr(grid.series), grid.values.tobytes(), *hashed)
    found = [*grid.found, *_found(series, parts)]
    asks = ("hour_sine", "hour_cosine", "level") if grid.clock.per(DAY) else ("level",)
    name = Path(source).name if isinstance(source, str | Path) else FRAME
    sizes = series.features.sizes
    return SeriesData(name, "series", options, *parts, sizes, coder, asks, fingerprint, found, series)


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def usual_horizon(clock: Clock) -> int:
    """Return the steps ahead where nothing is asked for: a day, an hour where steps are short, a year of months."""
    if clock.unit == "month":
        return clock.slots() if clock.slots() > 1 else 4
    day = clock.per(DAY)
    return 12 if clock.unit == "row" else day if 0 < day <= 96 else clock.per(3600) or 14


def usual_context(clock: Clock, horizon: int, train: int) -> int:
    """Return the steps read before: the longest season that is not too long, or two horizons; of few steps some."""
    fitting = [each for each in clock.seasons().values() if each <= min(LONGEST, MOST * horizon)]
    season = max(fitting, default=0)
    wanted = max(season, 24 if season < 24 else 0, 2 * horizon if season < horizon else 0)
    return max(2, min(wanted, (train - horizon) // 2))


def divided(grid: Grid, validation: float, test: float) -> tuple[int, int]:
    """Return the first steps of the validation and of the test part. Raises OptionError where nothing is left."""
    for name, share in (("validation", validation), ("test", test)):
        if not 0 <= share < 1:
            raise OptionError(f"--{name} {share}: must be a share of the time, from 0 up to, not including, 1")
    if validation + test >= 1:
        raise OptionError(f"--validation {validation} and --test {test}: leave nothing to learn from")
    before_test = int(grid.steps * (1 - test))
    return int(grid.steps * (1 - test - validation)), before_test


def _parts(series: SeriesSource) -> tuple[SeriesWindows, SeriesWindows, SeriesWindows]:
    """Return the three parts. Origins of examples lie one more than the horizon apart, so that they fall on every hour.

    Raises CorpusError where no window of the training part has enough values.
    """
    (train, before_test), horizon, steps = series.parts, series.horizon, series.grid.steps
    first = min(series.context, max(1, (train - horizon) // 3))
    stride = horizon + 1 if train > 20 * (horizon + 1) else 1
    every = with_enough(series, origins_in(series, first, train, 1), HISTORY, AHEAD)
    if not len(every):
        some = with_enough(series, origins_in(series, first, train, 1), 0, 0)
        if not len(some):
            told = f"no {horizon} steps to forecast with values before them in the training part ({train:,} steps)"
            raise CorpusError(f"{told}; take a shorter --horizon or --context", series.grid.name)
        every = some
    learnt = every[(every[:, 1] - first) % stride == 0]
    parts = [SeriesWindows(series, learnt if len(learnt) else every, every, (0, train))]
    for begin, end in ((train, before_test), (before_test, steps)):
        near = 1 if end - begin < 20 * (horizon + 1) else stride
        origins = with_enough(series, origins_in(series, begin, end, near), 0, 0)
        parts.append(SeriesWindows(series, origins, None, (begin, end)))
    return parts[0], parts[1], parts[2]


def _found(series: SeriesSource, parts: Sequence[SeriesWindows]) -> list[tuple[str, str]]:
    clock = series.grid.clock
    coder = series.features.coder
    how = {
        "week": "by the step of the week",
        "workday": "by the time of day, workdays and weekends apart",
        "day": "by the time of day",
        "year": "by the month",
        "none": "the series' mean",
    }
    found = [
        ("horizon, context", f"{series.horizon} steps ahead after {series.context} that are read"),
        ("usual values", how[coder.slot]),
        ("validation from, test from", ", ".join(map(clock.shown, series.parts))),
        ("windows to learn from", f"{len(parts[0].learnt):,}"),
    ]
    for each, how_ in zip(series.grid.covariates, coder.covariates, strict=True):
        if how_.names is None:
            outside = int(np.sum((each.values < how_.low) | (each.values > how_.high)))
            if outside:
                told = f"{outside} values beyond {how_.low:.4g} to {how_.high:.4g}, read as these bounds"
                found.append((each.name, told))
    return found


def empty_grid(coder: SeriesCoder) -> Grid:
    """Return a grid without a step, with the clock, series and categories of a network."""
    none = np.zeros((1, 0))
    covariates = [
        Covariate(each.name, none, each.known, each.names, each.daily, each.usual) for each in coder.covariates
    ]
    return Grid("", coder.clock, coder.series, np.zeros((len(coder.series), 0)), tuple(covariates))


def reopened(coder: SeriesCoder, grid: Grid, decoder: DecoderName) -> SeriesSource:
    """Return other values of the series that a network learnt, as it reads them."""
    return SeriesSource(grid, features_of(grid, coder), decoder)


def extended(before: Grid, steps: int, known: Mapping[str, Array]) -> Grid:
    """Return a grid with so many steps more, of which nothing is there but what is known of covariates: values
    `[series step]`, or `[step]` for all series, by name."""
    values = np.concatenate([before.values, np.full((len(before.values), steps), np.nan)], 1)
    covariates = []
    for each in before.covariates:
        told = np.atleast_2d(known[each.name]) if each.name in known else np.zeros((1, 0))
        rows = max(len(each.values), len(told))
        later = np.full((rows, steps), np.nan if each.names is None else -1.0)
        later[:, : told.shape[1]] = told
        earlier = np.broadcast_to(each.values, (rows, before.steps))
        covariates.append(replace(each, values=np.concatenate([earlier, later], 1)))
    return replace(before, values=values, covariates=tuple(covariates))
