"""AutoETS and AutoARIMA of statsforecast: forecasts of models that choose themselves, beside those of a network."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType
from typing import Any

import numpy as np

from naibu.data.examples import Array
from naibu.data.series_baselines import Forecast, season_of
from naibu.data.series_grid import Grid
from naibu.errors import OptionError
from naibu.progress import Report

NAMES = ("AutoETS", "AutoARIMA")
FITTED, READ = 1_500, 500
"""Steps of the training part, at its end, on which a model is fitted, and steps it reads before a forecast."""
LONGEST = 24
"""The longest season of a model; of longer ones AutoETS knows none, and AutoARIMA takes hours."""


def library() -> ModuleType:
    """Return statsforecast's models. Raises OptionError where it is not installed."""
    try:
        return importlib.import_module("statsforecast.models")
    except ImportError:
        raise OptionError(
            "--automatic: needs statsforecast, which is not installed; pip install -c constraints.txt '.[forecast]'"
        ) from None


def automatic(grid: Grid, horizon: int, train: int, progress: Report) -> dict[str, Forecast]:
    """Return forecasts by the name of the model, each fitted to every series on the steps before `train` alone.

    From an origin a model goes on, as it was fitted, over the values before the origin (Hyndman & Khandakar 2008).
    Steps that are missing are put on a straight line between their neighbours, or at the last value there, for these
    models cannot do without. Raises OptionError where statsforecast is not installed.
    """
    season = season_of(grid)
    season = season if season <= LONGEST else 1
    models = library()
    found: dict[str, Forecast] = {}
    for place, name in enumerate(NAMES):
        fitted: list[Any] = []
        for number, row in enumerate(grid.values):
            done, total = place * len(grid.values) + number, len(NAMES) * len(grid.values)
            progress(done, total, f"{name} of {grid.series[number]}")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that a search was long: what came out is scored
                model = getattr(models, name)(season_length=season)
                fitted.append(model.fit(straight(row[max(0, train - FITTED) : train])))
        told = f"{name}, season of {season}" if season > 1 else f"{name}, no season"
        found[told] = _forecast(fitted, grid.values, horizon, max(0, train - FITTED), season)
    return found


def _forecast(fitted: list[Any], values: Array, horizon: int, fitted_from: int, season: int) -> Forecast:
    """Return forecasts of fitted models. What they read begins whole seasons from where that of their fit began, for
    they go on from the season that they began with."""

    def made(origins: Array) -> Array:
        out = np.empty((len(origins), horizon))
        for place, (series, origin) in enumerate(origins):
            begin = max(0, origin - READ)
            begin += (fitted_from - begin) % season
            history = straight(values[series, begin if begin < origin else max(0, begin - season) : origin])
            out[place] = fitted[series].forward(y=history, h=horizon)["mean"]
        return out

    return made


def straight(values: Array) -> Array:
    """Return values `[step]` with those that are missing on a straight line between their neighbours, and those at the
    ends as their one neighbour is; all 0 where none is there."""
    there = np.flatnonzero(~np.isnan(values))
    return np.asarray(np.interp(np.arange(len(values)), there, values[there]) if len(there) else np.zeros(len(values)))
