"""Whether the values of a signal heap up at a few levels: their share near each, against a smooth distribution."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from naibu.probes.resampling import Resampler, ratio
from naibu.probes.results import Level, Levels, Score

ONE = 0.7616  # tanh(1)
PLACES: dict[str, tuple[tuple[float, ...], float]] = {
    "update": ((-1.0, 0.0, 1.0), 0.1),
    "candidate": ((-1.0, 0.0, 1.0), 0.1),
    "hidden": ((-1.0, -ONE, 0.0, ONE, 1.0), 0.05),
    "cell": ((-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0), 0.1),
}
"""Where document A sees levels, and how near counts: hidden at tanh of whole numbers, the cell at whole numbers."""


class Bands:
    """How many values of a signal lie near each place, and how many in the bands of equal width just beside."""

    def __init__(self, places: tuple[float, ...], within: float, sequences: int) -> None:
        self.places, self.within = places, within
        self.sums = np.zeros((sequences, 1 + 2 * len(places)))  # sequence (n, near ..., beside ...)

    def add(self, x: np.ndarray, sequence: np.ndarray) -> None:
        """Add values x float32 [row unit] of sequences `sequence` [row], ascending."""
        first, last = int(sequence[0]), int(sequence[-1]) + 1
        columns = [np.full(len(x), float(x.shape[1]))]
        far = [np.abs(x - np.float32(place)) for place in self.places]
        columns += [np.count_nonzero(d <= self.within, axis=1) for d in far]
        columns += [np.count_nonzero((d > self.within) & (d <= 2 * self.within), axis=1) for d in far]
        for k, column in enumerate(columns):
            self.sums[first:last, k] += np.bincount(sequence - first, column, last - first)


def levels_of(
    bands: Bands, moments: np.ndarray, untrained: tuple[Bands, np.ndarray] | None, units: int, resampler: Resampler
) -> Levels:
    """The share of values near each place and near any, and what a smooth distribution would have there.

    `moments` [sequence 3] are n, sum and sum of squares. Two yardsticks: `beside`, the share in the bands just outside,
    as wide together, where a density that is level or sloping has as much; and `normal`, the share that a normal
    distribution of the same mean and spread has. `excess` is near less beside, resampled together.

    How it can mislead: the middle of any distribution with one hump at 0 exceeds what lies beside it (compare
    `normal`, and the untrained network), and a bounded signal that saturates heaps up at -1 and 1 without any levels
    between; units are pooled, so a few units that stand still make a level. A place beyond the range has no share.
    Source: document A (update near -1, 0, 1; hidden near tanh of whole numbers).
    """
    found = []
    for k in (None, *range(len(bands.places))):
        near, beside = _columns(bands, k)
        mine = _scores(bands, near, beside, units, resampler)
        other = None if untrained is None else _scores(untrained[0], near, beside, units, resampler)
        found.append(
            Level(
                None if k is None else bands.places[k], *mine, _normal(bands, k, moments),
                None if other is None else other[0], None if other is None else other[2],
                None if untrained is None else _normal(bands, k, untrained[1]),
            )
        )  # fmt: skip
    return Levels(bands.within, found[0], tuple(found[1:]))


def _columns(bands: Bands, k: int | None) -> tuple[list[int], list[int]]:
    count = len(bands.places)
    which = range(count) if k is None else (k,)
    return [1 + j for j in which], [1 + count + j for j in which]


def _scores(
    bands: Bands, near: list[int], beside: list[int], units: int, resampler: Resampler
) -> tuple[Score, float, Score]:
    n, a, b = bands.sums[:, 0], bands.sums[:, near].sum(axis=1), bands.sums[:, beside].sum(axis=1)
    rows = int(n.sum()) // units
    share = resampler.score(ratio, np.stack([a, n], axis=1), rows)
    excess = resampler.score(ratio, np.stack([a - b, n], axis=1), rows)
    return share, float(b.sum() / n.sum()), excess


def _normal(bands: Bands, k: int | None, moments: np.ndarray) -> float:
    """The share of a normal distribution of the values' own mean and spread near the place, or near any."""
    n, x, xx = moments.sum(axis=0)
    mean, spread = x / n, np.sqrt(max(xx / n - (x / n) ** 2, 0.0))
    if spread == 0:
        return float("nan")
    places = np.array(bands.places if k is None else bands.places[k : k + 1])
    ends = ndtr((places + bands.within - mean) / spread) - ndtr((places - bands.within - mean) / spread)
    return float(ends.sum())
