"""How one unit's values spread for each value of a label."""

from __future__ import annotations

import numpy as np

from naibu.probes.results import Association

MOST_VALUES = 40


def association(x: np.ndarray, y: np.ndarray, bins: int = 60) -> Association:
    """Counts of the unit's values x [row] for each value of the label y [row], with means and quantiles.

    Tokens of one sentence are not independent, so a smooth picture may rest on few sentences.
    """
    values, code = np.unique(y, return_inverse=True)
    if len(values) > MOST_VALUES:
        between = np.linspace(values[0], values[-1], MOST_VALUES + 1)
        code = np.clip(np.searchsorted(between, y, side="right") - 1, 0, MOST_VALUES - 1)
        values = (between[1:] + between[:-1]) / 2
    x = x.astype(np.float64)
    low, high = float(x.min()), float(x.max())
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    at = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, bins - 1)
    counts = np.bincount(code * bins + at, minlength=len(values) * bins).reshape(-1, bins)  # value bin
    mean = np.full(len(values), np.nan)
    quantiles = np.full((len(values), 5), np.nan)
    order = np.argsort(code, kind="stable")
    for k, part in enumerate(np.split(x[order], np.cumsum(counts.sum(axis=1))[:-1])):
        if len(part):
            mean[k] = part.mean()
            quantiles[k] = np.quantile(part, (0.05, 0.25, 0.5, 0.75, 0.95))
    return Association(values, edges, counts, mean, quantiles)
