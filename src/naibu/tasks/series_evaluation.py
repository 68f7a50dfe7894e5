"""Forecasts from rolling origins of a part, scored beside simple forecasts from the same origins."""

from __future__ import annotations

from typing import Any

import numpy as np

from naibu.data.examples import Array
from naibu.data.series import SeriesSource, SeriesWindows, origins_in
from naibu.data.series_automatic import automatic, library
from naibu.data.series_baselines import baselines
from naibu.data.series_clock import DAY
from naibu.errors import OptionError
from naibu.generation.forecasts import Calibration, Forecasts, calibrated, forecast, truth_of
from naibu.models.forecaster import Forecaster
from naibu.progress import Report
from naibu.tasks.series_scores import (
    by_horizon,
    coverage_intervals,
    scale_of,
    scores_of,
    simple_forecasts,
    skill,
)

MOST = 400_000
"""Forecasts, of one step each, of the validation part from which intervals are calibrated, at most."""
CALIBRATED = 200
"""Origins of the validation part from which the errors of a model of statsforecast are taken, about."""


def evaluated(
    model: Forecaster,
    examples: SeriesWindows,
    origins: str,
    conformal: bool,
    paths: int,
    progress: Report,
    with_automatic: bool = False,
) -> dict[str, Any]:
    """Return `mae` to `coverage_95`, `by_horizon`, `baselines`, `skill`, with `conformal` `calibrated`.

    Errors are those of the median, RMSE that of the mean. Raises OptionError where no origin fits into the part, or
    none into the validation part from which intervals are to be calibrated, or statsforecast is asked for
    and not there.
    """
    source = examples.source
    train, before_test = source.parts
    chosen = rolling(source, origins, *examples.span)
    if with_automatic:
        library()  # refused before the work, not after
    if conformal and examples.span[0] < before_test:
        raise OptionError("--conformal: intervals are calibrated on the validation part; score the test part")
    stretch = calibration(model, source, "--conformal", paths, progress) if conformal else None
    scale = scale_of(source, train)
    found = forecast(model, source, chosen, paths=paths, progress=progress)
    simple = _beside(source, chosen, progress, with_automatic)
    scores: dict[str, Any] = {**scores_of(found, scale), **coverage_intervals(found, source.horizon)}
    if stretch is not None:
        stretched = stretch.applied(found)
        told = {**scores_of(stretched, scale), **coverage_intervals(stretched, source.horizon)}
        scores["calibrated"] = {name: value for name, value in told.items() if name.startswith(("cov", "wid"))}
    scores["origins"] = len(np.unique(chosen[:, 1]))
    scores["by_horizon"] = by_horizon(found, scale)
    scores["baselines"] = {
        name: {**scores_of(each, scale), "by_horizon": by_horizon(each, scale)} for name, each in simple.items()
    }
    scores["skill"] = skill(found, simple, source.horizon)
    return scores


def _beside(source: SeriesSource, chosen: Array, progress: Report, with_automatic: bool) -> dict[str, Forecasts]:
    """Return what simple forecasts tell from the chosen origins, and where asked for the models of statsforecast."""
    train, before_test = source.parts
    known = calibration_origins(source)
    simple = simple_forecasts(source, chosen, known, baselines(source.grid, source.horizon, before_test))
    if with_automatic:
        few = known[:: max(1, len(known) // CALIBRATED)]
        simple |= simple_forecasts(source, chosen, few, automatic(source.grid, source.horizon, train, progress))
    return simple


def rolling(source: SeriesSource, asked: str, first: int, end: int) -> Array:
    """Return the origins asked for in steps `first` to `end`: at midnights, or every so many steps.

    Of series without a time of day `daily` is every step. Raises OptionError where none fits.
    """
    found = origins_in(source, first, end, 1)
    clock = source.grid.clock
    if asked != "daily":
        found = found[(found[:, 1] - first) % int(asked) == 0]
    elif clock.per(DAY):
        found = found[clock.times(found[:, 1]).astype(np.int64) % DAY < clock.count]
    truth = np.cumsum(np.pad(~np.isnan(source.grid.values), ((0, 0), (1, 0))), 1)
    there = truth[found[:, 0], found[:, 1] + source.horizon] > truth[found[:, 0], found[:, 1]]
    if not there.any():
        raise OptionError(
            f"--origins {asked}: no forecast of {source.horizon} steps fits into the {end - first} of this part; "
            "take another --origins, or train with a larger --test"
        )
    return np.asarray(found[there])


def calibration(model: Forecaster, source: SeriesSource, option: str, paths: int, progress: Report) -> Calibration:
    """Return how intervals have to be stretched, from forecasts of the validation part.

    Raises OptionError, which names the option, where that part has no truth of a whole horizon.
    """
    known = calibration_origins(source)
    if not len(known):
        first, end = source.parts
        raise OptionError(
            f"{option}: no forecast of {source.horizon} steps with a truth fits into the {end - first} of the "
            "validation part, on which intervals are calibrated; leave it away, or train with a larger --validation"
        )
    return calibrated(forecast(model, source, known, paths=paths, progress=progress))


def calibration_origins(source: SeriesSource) -> Array:
    """Return origins of the validation part, as many as may be, that fall on every time of day and have a truth."""
    found = origins_in(source, *source.parts, 1)
    apart = max(1, -(-len(found) * source.horizon // MOST))
    apart += apart > 1 and apart % 2 == 0  # no divisor of a day
    steps = np.unique(found[:, 1])
    found = found[np.isin(found[:, 1], steps[::apart])]
    return np.asarray(found[~np.isnan(truth_of(source, found)).all(1)])
