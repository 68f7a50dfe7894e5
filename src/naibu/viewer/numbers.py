"""Numbers as the page is told them, and values drawn from a long column."""

from __future__ import annotations

import math

import numpy as np

from naibu.recording.index import Array


def plain(value: float, digits: int = 6) -> float | None:
    """Return a number to so many digits; None for NaN and infinity, which JSON has not."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def some_of(column: Array, most: int) -> Array:
    """Return a column, or so many of its values drawn at random, in their order; evenly spaced ones would fall on the
    same step of all sequences where these are equally long."""
    if len(column) <= most:
        return np.asarray(column)
    rows = np.sort(np.random.default_rng(37).integers(0, len(column), most))
    return np.asarray(column[rows])
