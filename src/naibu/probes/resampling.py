"""Intervals by resampling whole sequences.

The tokens of a sentence are not independent: its depth, its length and the state that carries both are
shared. So the sentence is what is drawn with replacement, never the token. Every score here is a function
of sums over tokens; with the sums kept per sequence, all resamples are one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from naibu.probes.results import Score

Statistic = Callable[[np.ndarray], np.ndarray]  # sums [... column] -> values [...]


class Resampler:
    """Scores with 95 % percentile intervals; one set of draws for all scores on the same sequences.

    The percentile interval is too narrow with few sequences (below about twenty), and biased for a
    statistic that can only err upward, like a distance. It covers other sentences, not other training runs.
    """

    def __init__(self, resamples: int, seed: int) -> None:
        self.resamples = resamples
        self.seed = seed
        self._counts: dict[int, np.ndarray] = {}

    def counts(self, sequences: int) -> np.ndarray:
        """How often each sequence is drawn, uint8 [resample sequence]."""
        if sequences not in self._counts:
            draw = np.random.default_rng((self.seed, sequences))
            counts = np.zeros((self.resamples, sequences), np.uint8)
            for row in counts:
                drawn = draw.integers(0, sequences, sequences)
                row[:] = np.bincount(drawn, minlength=sequences)
            self._counts[sequences] = counts
        return self._counts[sequences]

    def score(self, statistic: Statistic, sums: np.ndarray, tokens: int) -> Score:
        """`statistic` of the summed `sums` [sequence column], with its interval."""
        value = float(statistic(sums.sum(axis=0)))
        if len(sums) < 2:
            return Score(value, np.nan, np.nan, tokens, len(sums))
        counts = self.counts(len(sums))
        size = max(1, 16_000_000 // len(sums))
        narrow = sums.astype(np.float32)  # seven digits are plenty for an interval
        drawn = [counts[a : a + size].astype(np.float32) @ narrow for a in range(0, len(counts), size)]
        values = statistic(np.concatenate(drawn).astype(np.float64))
        values = values[~np.isnan(values)]  # a resample without, say, any ED has no recall of ED
        low, high = np.percentile(values, (2.5, 97.5)) if len(values) else (np.nan, np.nan)
        return Score(value, float(low), float(high), tokens, len(sums))


def per_sequence(columns: Sequence[np.ndarray], sequence: np.ndarray) -> np.ndarray:
    """Sums [sequence column] of token columns over the tokens of each sequence that occurs."""
    if not len(sequence):
        return np.zeros((0, len(columns)))
    number = np.cumsum(np.append(0, np.diff(sequence) != 0))  # the column is ascending
    return np.stack([np.bincount(number, c) for c in columns], axis=1)


def pearson_columns(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """The token columns whose sums give Pearson's r: n, x, y, xx, yy, xy, of centred values."""
    x = x.astype(np.float64) - np.mean(x, dtype=np.float64)
    y = y.astype(np.float64) - np.mean(y, dtype=np.float64)
    return [np.ones(len(x)), x, y, x * x, y * y, x * y]


def pearson(sums: np.ndarray) -> np.ndarray:
    """Pearson's r from sums [... 6]; 0 where either side does not vary.

    It sees straight lines only, and a few outlying sentences can make or hide it.
    """
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    below = np.sqrt(np.maximum(n * xx - x * x, 0) * np.maximum(n * yy - y * y, 0))
    small = below <= 1e-12 * np.sqrt(n * xx * n * yy)
    return np.asarray(np.where(small, 0.0, (n * xy - x * y) / np.where(small, 1.0, below)))


def r2_columns(prediction: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """The token columns whose sums give R2: n, y, yy, squared error."""
    y = y.astype(np.float64)
    centred = y - y.mean() if len(y) else y
    return [np.ones(len(y)), centred, centred * centred, (y - prediction) ** 2]


def r2(sums: np.ndarray) -> np.ndarray:
    """1 - squared error / variance, from sums [... 4]; nan where the label does not vary.

    Negative when the prediction is worse than the mean of the very rows it is scored on. It depends on how
    much the label varies: the same error gives a larger R2 on deeper text.
    """
    n, y, yy, error = np.moveaxis(sums, -1, 0)
    total = yy - y * y / np.maximum(n, 1)
    flat = total <= 1e-12 * np.maximum(yy, 1e-300)
    return np.asarray(np.where(flat, np.nan, 1 - error / np.where(flat, 1.0, total)))


def ratio(sums: np.ndarray) -> np.ndarray:
    """First column over second, nan where the second is 0: accuracy, recall, precision, a mean."""
    above, below = np.moveaxis(sums, -1, 0)
    return np.asarray(np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan))


def overlap(sums: np.ndarray) -> np.ndarray:
    """Sum over bins of the smaller of two normalised histograms, from sums [... 2 * bins]; nan if one is empty."""
    one, two = np.split(sums, 2, axis=-1)
    n, m = one.sum(-1, keepdims=True), two.sum(-1, keepdims=True)
    least = np.minimum(one / np.where(n > 0, n, 1.0), two / np.where(m > 0, m, 1.0)).sum(-1)
    return np.asarray(np.where((n > 0)[..., 0] & (m > 0)[..., 0], least, np.nan))
