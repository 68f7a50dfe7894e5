"""What a network tells of missing values, window by window: a distribution at each."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from naibu.data.examples import Array
from naibu.data.recovery import RecoveryWindows
from naibu.generation.forecasts import LEVELS, Forecasts
from naibu.models.model import evaluating
from naibu.models.recoverer import Recoverer
from naibu.progress import Report, silent

AT_ONCE = 256
"""Windows side by side."""


@torch.no_grad()
def recovered(
    model: Recoverer, windows: RecoveryWindows, *, missing: bool = False, progress: Report = silent
) -> Forecasts:
    """Return what a network tells of the values that were taken away, or with `missing` of those that are missing.

    Each is a forecast of one step: `origins` are its series and step, by step and series; all else is `[value 1]`.
    """
    parts: list[tuple[Array, ...]] = []
    with evaluating(model):
        for start in range(0, len(windows), AT_ONCE):
            which = np.arange(start, min(len(windows), start + AT_ONCE))
            batch = windows.batch(which)
            where = torch.from_numpy(windows.missing(which)) if missing else batch.predicted
            rows, columns = windows.time(which), np.broadcast_to(windows.own[which, 0], where.shape)
            chosen = where.numpy()
            batch = batch.to(model.device)
            told = model.told(batch, where.to(model.device))
            truth = batch.target[told.where]
            found, unit = told.distribution, told.unit
            crps = torch.where(truth.isnan(), torch.nan, found.crps(truth.nan_to_num()) * unit.spread)
            values = [unit.value(truth), unit.value(found.mean()), crps]
            quantiles = [unit.value(found.quantile(level)) for level in LEVELS]
            parts.append((columns[chosen], rows[chosen], *(_array(each) for each in (*values, *quantiles))))
            progress(int(which[-1]) + 1, len(windows), "")
    nothing = [(np.zeros(0, np.int64),) * 2 + (np.zeros(0),) * (3 + len(LEVELS))]
    series, step, *numbers = (np.concatenate(each) for each in zip(*(parts or nothing), strict=True))
    order = np.lexsort((series, step))
    truths, means, scores, *levels = (each[order, None] for each in numbers)
    return Forecasts(np.stack([series, step], 1)[order], truths, means, np.stack(levels), scores)


def _array(values: Tensor) -> Array:
    return np.asarray(values.double().cpu().numpy())
