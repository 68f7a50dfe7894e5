"""Intervals over trials: what another training would give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t


class Interval(NamedTuple):
    """A mean with its 95 % interval; the bounds are nan where there is one value only."""

    value: float
    low: float
    high: float


def over_trials(values: Sequence[float]) -> Interval:
    """Return the mean of some trials with Student's t interval, mean -+ t(.975, n - 1) s / sqrt(n).

    It covers other trials of the same kind (other seeds), not other test data. With three trials t is 4.3: the
    interval is wide, and it is only as good as the assumption that trials are normally distributed.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, math.nan, math.nan)
    half = float(t.ppf(0.975, len(values) - 1)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)
