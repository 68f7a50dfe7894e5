"""Forecasts from many origins: a distribution at every step ahead, made at once or along sampled paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from naibu.data.batch import Batch
from naibu.data.examples import Array
from naibu.data.series import SeriesSource, batch_of
from naibu.models.forecaster import Forecaster
from naibu.models.model import evaluating
from naibu.models.parts.distributions import ensemble_crps
from naibu.progress import Report, silent

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
"""The quantiles that are kept."""
SHARES = {80: (0.1, 0.9), 95: (0.025, 0.975)}
"""Central intervals, by their percentage, and the levels between which they lie."""
FLOOR, TINY = 0.1, 1e-12
"""Share of the mean distance of a series' interval ends from the median that each counts as, at least, in calibration;
where all are 0 a distance that divides nothing by 0."""
PATHS = 200
AT_ONCE, STEPS = 512, 60_000
"""Origins side by side, and steps times paths of the context at a time."""
FARTHEST = 50.0
"""Spreads from the base at which a sampled value is cut off, so that a path cannot run away."""


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of series from origins, in the data's units.

    origins: int64 [origin 2], series and first step. truth: float64 [origin ahead], NaN where missing. mean: the same.
    quantiles: float64 [level origin ahead] at `LEVELS`. crps: float64 [origin ahead], NaN where there is no truth.
    """

    origins: Array
    truth: Array
    mean: Array
    quantiles: Array
    crps: Array

    def quantile(self, level: float) -> Array:
        """Return the quantile of a level that is kept, [origin ahead]."""
        return np.asarray(self.quantiles[LEVELS.index(level)])

    @property
    def median(self) -> Array:
        """The medians."""
        return self.quantile(0.5)


def truth_of(source: SeriesSource, origins: Array) -> Array:
    """Return the values after origins, float64 [origin ahead], NaN where missing or beyond the end."""
    steps = origins[:, 1:] + np.arange(source.horizon)
    values = source.grid.values
    inside = steps < values.shape[1]
    return np.where(inside, values[origins[:, :1], np.minimum(steps, values.shape[1] - 1)], np.nan)


@torch.no_grad()
def forecast(
    model: Forecaster,
    source: SeriesSource,
    origins: Array,
    *,
    paths: int = PATHS,
    seed: int = 1,
    progress: Report = silent,
) -> Forecasts:
    """Return a network's forecasts from origins `[origin 2]`; nothing from an origin on is read of the series.

    The direct decoder tells a distribution for each step. With the autoregressive one `paths` values are drawn, step by
    step, each read in the next; mean, quantiles and score are then those of the values drawn, a function of the seed.
    """
    parts: list[tuple[Array, Array, Array]] = []
    size = AT_ONCE if source.decoder == "direct" else max(1, min(AT_ONCE, STEPS // (paths * 4)))
    truth = truth_of(source, origins)
    with evaluating(model), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for start in range(0, len(origins), size):
            some = origins[start : start + size]
            part = _direct(model, source, some) if source.decoder == "direct" else _drawn(model, source, some, paths)
            parts.append(part)
            progress(min(len(origins), start + size), len(origins), "")
    mean, quantiles, crps = (
        np.concatenate(each, axis) for each, axis in zip(zip(*parts, strict=True), (0, 1, 0), strict=True)
    )
    return Forecasts(origins, truth, mean, quantiles, np.where(np.isnan(truth), np.nan, crps))


def _batch(source: SeriesSource, origins: Array) -> tuple[Batch, Tensor]:
    """Return windows as a batch, and which steps are ahead, bool [time batch]."""
    batch = batch_of(source, origins)
    where = torch.zeros(batch.target.shape, dtype=torch.bool)
    where[source.context :] = True
    return batch, where


def _direct(model: Forecaster, source: SeriesSource, origins: Array) -> tuple[Array, Array, Array]:
    batch, where = _batch(source, origins)
    told = model.told(batch.to(model.device), None, where.to(model.device))
    shape = (source.horizon, len(origins))

    def shaped(values: Tensor) -> Array:
        return np.asarray(values.double().cpu().numpy().reshape(shape).T)

    found, truth = told.distribution, batch.target[source.context :].reshape(-1).to(model.device)
    crps = found.crps(truth.nan_to_num()) * told.unit.spread
    quantiles = np.stack([shaped(found.value(found.quantile(level), told.unit)) for level in LEVELS])
    return shaped(told.unit.value(found.mean())), quantiles, shaped(crps)


def _drawn(model: Forecaster, source: SeriesSource, origins: Array, paths: int) -> tuple[Array, Array, Array]:
    samples = sample_paths(model, source, origins, paths)
    truth = truth_of(source, origins)
    quantiles = np.quantile(samples, LEVELS, axis=0, method="inverted_cdf")  # values drawn: of counts, whole ones
    return samples.mean(0), quantiles, ensemble_crps(samples, np.nan_to_num(truth))


@torch.no_grad()
def sample_paths(model: Forecaster, source: SeriesSource, origins: Array, paths: int) -> Array:
    """Return values drawn a step at a time from an autoregressive network, float64 [path origin ahead], with torch's
    generator; the network has to be in evaluation mode."""
    batch, _ = _batch(source, origins)
    x, layout, features = batch.main.x.to(model.device), model.layout, source.features
    count = len(features.anchors)
    _, state = model.layers(model.read(x[: source.context]))
    state = _repeated(state, paths)
    ahead = x[source.context :].repeat_interleave(paths, 1)  # [ahead origin*path column]
    series = origins[:, 0]
    last = features.value.shape[1] - 1
    places = np.minimum(origins[:, 1] + np.arange(source.horizon)[:, None], last)
    moving = torch.from_numpy(features.moving[:, series, places]).to(x).repeat_interleave(paths, 2)
    drawn: list[Tensor] = []
    z = x.new_zeros(0)
    for step in range(source.horizon):
        now = ahead[step].clone()
        if step:
            level = ahead[step - 1][:, layout.base] + z - now[:, layout.base]
            changes = [level + each[step] - each[step - 1] for each in moving]
            now[:, layout.value], now[:, layout.value + 1] = z, 1.0
            now[:, layout.anchor + count : layout.feature] = torch.stack([level, *changes], -1)
        read = model.read(now[None])
        hidden, state = model.layers(read, state)
        told = model.distributions(hidden[0], read[0], now, torch.ones(1, len(now), dtype=torch.bool), state)
        z = told.distribution.sample().float().clamp(-FARTHEST, FARTHEST)
        drawn.append(told.distribution.value(z, told.unit))
    values = torch.stack(drawn, -1).double().cpu().numpy()  # [origin*path ahead]
    return np.moveaxis(values.reshape(len(origins), paths, source.horizon), 1, 0)


def _repeated(state: Tensor | tuple[Tensor, ...], paths: int) -> Tensor | tuple[Tensor, ...]:
    if isinstance(state, Tensor):
        return state.repeat_interleave(paths, 1)
    return tuple(part.repeat_interleave(paths, 1) for part in state)


@dataclass(frozen=True)
class Calibration:
    """By how much intervals are stretched, from forecasts of which the truth was known (conformal prediction).

    factors: by the interval's percentage, [ahead]: distances of both ends from the median are multiplied by it.
    floors: likewise what such a distance is taken for at least, [series]: an interval without width, as of counts that
    are mostly 0, is stretched too then, and what it missed does not stretch all others without bound.
    """

    factors: dict[int, Array]
    floors: dict[int, Array]

    def applied(self, found: Forecasts) -> Forecasts:
        """Return forecasts with stretched intervals; what lies between them stays, unless an end passes it."""
        quantiles, median = found.quantiles.copy(), found.median
        for share, levels in SHARES.items():
            for level, sign in zip(levels, (-1, 1), strict=True):
                place = LEVELS.index(level)
                known = np.append(self.floors[share], TINY)
                floor = known[np.minimum(found.origins[:, :1], len(known) - 1)]
                side = np.maximum(sign * (found.quantiles[place] - median), floor)
                quantiles[place] = median + sign * side * self.factors[share]
        return replace(found, quantiles=np.sort(quantiles, 0))


def calibrated(found: Forecasts, shares: Sequence[int] = (80, 95), least: int = 200) -> Calibration:
    """Return how intervals have to be stretched so that as much of the truth lies inside as they say.

    For each truth: how far it is from the median, in distances of that side's end. The factor is a quantile of these,
    corrected for finite samples: of n truths the one of rank (n + 1) share, or the farthest. By the step ahead where
    each has `least` truths, else over all together. Source: split conformal prediction, Vovk et al. 2005; of quantiles,
    Romano et al. 2019.
    """
    factors: dict[int, Array] = {}
    floors: dict[int, Array] = {}
    series = found.origins[:, 0]
    horizon, there = found.truth.shape[1], ~np.isnan(found.truth)
    for share in shares:
        low, high = (found.quantile(level) for level in SHARES[share])
        side = np.where(found.truth >= found.median, high - found.median, found.median - low)
        mean = np.bincount(series, (high - low).mean(1) / 2) / np.maximum(np.bincount(series), 1)
        floors[share] = np.maximum(FLOOR * mean, TINY)
        ratio = np.abs(found.truth - found.median) / np.maximum(side, floors[share][series][:, None])
        groups = [there & (np.arange(horizon) == step) for step in range(horizon)]
        apart = min(int(group.sum()) for group in groups) >= least
        factors[share] = np.array(
            [_corrected(ratio[group], share) for group in groups]
            if apart
            else [_corrected(ratio[there], share)] * horizon
        )
    return Calibration(factors, floors)


def _corrected(ratio: Array, share: int) -> float:
    if not len(ratio):
        return 1.0
    rank = -(-(len(ratio) + 1) * share // 100)  # rounded up
    return float(np.sort(ratio)[min(len(ratio), rank) - 1])
