"""How good forecasts are: errors, scores of distributions, coverage; beside those of simple forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from naibu.data.examples import Array
from naibu.data.series import SeriesSource
from naibu.data.series_baselines import Forecast, season_of
from naibu.generation.forecasts import LEVELS, SHARES, Forecasts, truth_of
from naibu.models.parts.distributions import ensemble_crps, pinball

RESAMPLES, SEED = 1000, 1
POINTS = 99
"""Errors of a simple forecast on the validation part that stand for its distribution."""


def scores_of(found: Forecasts, scale: Array) -> dict[str, Any]:
    """Return the scores of forecasts over all truths that are there; `scale` [series] is what MASE divides by.

    Of forecasts without a distribution, whose quantiles are NaN, those that ask for one are None.
    """
    there = ~np.isnan(found.truth)
    off = np.abs(found.truth - found.median)
    scaled = off / scale[found.origins[:, 0]][:, None]
    loss = np.mean([pinball(found.truth, found.quantile(level), level) for level in LEVELS], 0)
    scores: dict[str, Any] = {
        "mae": off[there].mean(),
        "rmse": np.sqrt(np.square(found.truth - found.mean)[there].mean()),
        "mase": scaled[there].mean(),
        "crps": found.crps[there].mean(),
        "pinball": loss[there].mean(),
    }
    for share, (low, high) in SHARES.items():
        inside = (found.truth >= found.quantile(low)) & (found.truth <= found.quantile(high))
        width = (found.quantile(high) - found.quantile(low))[there]
        scores[f"coverage_{share}"] = np.where(np.isnan(width), np.nan, inside[there]).mean()
        scores[f"width_{share}"] = width.mean()
    return {name: None if np.isnan(value) else float(value) for name, value in scores.items()}


def by_horizon(found: Forecasts, scale: Array) -> list[dict[str, Any]]:
    """Return the scores of every step ahead that has a truth, with `ahead`, counted from 1."""
    rows: list[dict[str, Any]] = []
    for step in range(found.truth.shape[1]):
        cut = slice(step, step + 1)
        one = Forecasts(
            found.origins, found.truth[:, cut], found.mean[:, cut], found.quantiles[:, :, cut], found.crps[:, cut]
        )
        if not np.isnan(one.truth).all():
            rows.append({"ahead": step + 1, **scores_of(one, scale)})
    return rows


def scale_of(source: SeriesSource, train: int) -> Array:
    """Return by what MASE divides: each series' mean absolute change over a season in training, float64 [series]."""
    season, values = season_of(source.grid), source.grid.values[:, :train]
    change = np.abs(values[:, season:] - values[:, :-season])
    there = ~np.isnan(change)
    mean = np.nansum(change, 1) / np.maximum(there.sum(1), 1)
    usual = mean[mean > 0].mean() if (mean > 0).any() else 1.0
    return np.where(mean > 0, mean, usual)


def simple_forecasts(
    source: SeriesSource, origins: Array, calibration: Array, makes: Mapping[str, Forecast]
) -> dict[str, Forecasts]:
    """Return what simple forecasts tell from origins, by name, with the errors that they make from the `calibration`
    origins around them.

    Distributions of a simple forecast are its value with these errors added, by the step ahead; where there is no
    error of a step, with those of all steps; where there is none at all it has no distribution, but NaN.
    """
    found: dict[str, Forecasts] = {}
    truth, known = truth_of(source, origins), truth_of(source, calibration)
    levels = (np.arange(POINTS) + 0.5) / POINTS
    for name, make in makes.items():
        value = make(origins)
        errors = known - make(calibration) if len(calibration) else np.full((1, source.horizon), np.nan)
        spread, kept = _quantiles(errors, levels), _quantiles(errors, np.array(LEVELS))
        crps = _crps(value, truth, spread)
        quantiles = value + kept[:, None]
        quantiles[LEVELS.index(0.5)] = value  # as it is, for its error is told of it
        found[name] = Forecasts(origins, truth, value, quantiles, crps)
    return found


def _quantiles(errors: Array, levels: Array) -> Array:
    """Return quantiles of errors `[origin ahead]` that are there, [level ahead]; see `simple_forecasts`."""
    there = ~np.isnan(errors)
    if not there.any():
        return np.full((len(levels), errors.shape[1]), np.nan)
    columns = [errors[each, step] if each.any() else errors[there] for step, each in enumerate(there.T)]
    return np.stack([np.quantile(column, levels) for column in columns], 1)


def _crps(value: Array, truth: Array, spread: Array) -> Array:
    """Return the score of values with errors `[point ahead]` added, a step ahead at a time to keep it small."""
    out = np.empty(value.shape)
    for step in range(value.shape[1]):
        out[:, step] = ensemble_crps(value[:, step] + spread[:, step : step + 1], np.nan_to_num(truth[:, step]))
    return np.where(np.isnan(truth), np.nan, out)


def skill(found: Forecasts, simple: Mapping[str, Forecasts], horizon: int) -> dict[str, Any]:
    """Return the ratio of the error to that of the best simple forecast, with its interval.

    Which is best is seen on the same truths, in the network's disfavour. The interval resamples blocks of origins as
    long as the horizon, so that truths that are told from several origins stay together; draws in which the simple
    forecast makes no error have no ratio and are left out. Where it makes none at all, ratio and interval are None.
    """
    there = ~np.isnan(found.truth)
    sums = {
        name: _by_block(np.where(there, np.abs(each.truth - each.median), 0.0), each, horizon)
        for name, each in simple.items()
    }
    best = min(sums, key=lambda name: sums[name].sum())
    own = _by_block(np.where(there, np.abs(found.truth - found.median), 0.0), found, horizon)
    if not sums[best].sum():
        return {"over": best, "ratio": None, "low": None, "high": None}
    drawn = _draws(len(own))
    above, below = own[drawn].sum(1), sums[best][drawn].sum(1)
    low, high = np.quantile(above[below > 0] / below[below > 0], [0.025, 0.975])
    return {"over": best, "ratio": float(own.sum() / sums[best].sum()), "low": float(low), "high": float(high)}


def coverage_intervals(found: Forecasts, horizon: int) -> dict[str, list[float]]:
    """Return the intervals of the coverages, by resampling blocks of origins."""
    there, out = ~np.isnan(found.truth), {}
    count = _by_block(there.astype(np.float64), found, horizon)
    drawn = _draws(len(count))
    for share, (low, high) in SHARES.items():
        inside = there & (found.truth >= found.quantile(low)) & (found.truth <= found.quantile(high))
        each = _by_block(inside.astype(np.float64), found, horizon)
        ratios = each[drawn].sum(1) / np.maximum(count[drawn].sum(1), 1)
        out[f"coverage_{share}_interval"] = [float(end) for end in np.quantile(ratios, [0.025, 0.975])]
    return out


def _by_block(values: Array, found: Forecasts, horizon: int) -> Array:
    """Return sums of values `[origin ahead]` over blocks of origins as long as the horizon, float64 [block]."""
    _, block = np.unique((found.origins[:, 1] - found.origins[:, 1].min()) // horizon, return_inverse=True)
    return np.bincount(block, values.sum(1))


def _draws(count: int) -> Array:
    return np.random.default_rng(SEED).integers(count, size=(RESAMPLES, count))
