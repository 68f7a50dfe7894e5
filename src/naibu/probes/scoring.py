"""Scores of a prediction, or of one unit, on the test rows of a target: all of them and the unseen ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from naibu.probes import resampling
from naibu.probes.resampling import Resampler, Statistic, per_sequence
from naibu.probes.results import Scores
from naibu.probes.target import Target

Columns = Callable[[np.ndarray], list[np.ndarray]]  # bool [row] -> token columns to be summed


class Scorer:
    """Holds the test rows of one target; every method takes values [row] on those rows."""

    def __init__(self, target: Target, resampler: Resampler) -> None:
        self.resampler = resampler
        self.y = target.values[target.test]
        self.sequence = np.asarray(target.index.sequence)[target.test]
        self.unseen = target.unseen[target.test]

    def of(self, statistic: Statistic, columns: Columns) -> Scores:
        """Scores of any statistic of sums; `columns` gives the columns for some of the rows."""
        scores = []
        for rows in (np.ones(len(self.sequence), bool), self.unseen):
            if rows.any():
                sums = per_sequence(columns(rows), self.sequence[rows])
                scores.append(self.resampler.score(statistic, sums, int(np.count_nonzero(rows))))
        return Scores(scores[0], scores[1] if len(scores) > 1 else None)

    def pearson(self, x: np.ndarray) -> Scores:
        """Pearson's r with the label."""
        return self.of(resampling.pearson, lambda rows: resampling.pearson_columns(x[rows], self.y[rows]))

    def spearman(self, x: np.ndarray) -> Scores:
        """Spearman's r with the label, on values rounded to float16, with mid-ranks.

        It sees any monotone relation, straight or not; with few label values most ranks are ties. The
        interval keeps the ranks of the full sample and resamples those.
        """
        x = x.astype(np.float16)
        columns: Columns = lambda rows: resampling.pearson_columns(rankdata(x[rows]), rankdata(self.y[rows]))  # noqa: E731
        return self.of(resampling.pearson, columns)

    def r2(self, prediction: np.ndarray) -> Scores:
        """Share of the label's variance that the prediction explains."""
        return self.of(resampling.r2, lambda rows: resampling.r2_columns(prediction[rows], self.y[rows]))

    def accuracy(self, prediction: np.ndarray) -> Scores:
        """Share of rows where prediction and label are equal."""
        hit = (prediction == self.y).astype(np.float64)
        return self.of(resampling.ratio, lambda rows: [hit[rows], np.ones(np.count_nonzero(rows))])

    def overlap(self, x: np.ndarray, edges: np.ndarray) -> Scores:
        """Overlap of the two histograms of x, label 0 and label 1, on given bins."""
        bins = len(edges) - 1
        cell = np.searchsorted(edges[1:-1], x, side="right") + bins * (self.y == 1)  # labels are 0 and 1
        scores = []
        for rows in (np.ones(len(cell), bool), self.unseen):
            if rows.any():
                sums = cell_counts(self.sequence[rows], cell[rows], 2 * bins)
                scores.append(self.resampler.score(resampling.overlap, sums, int(np.count_nonzero(rows))))
        return Scores(scores[0], scores[1] if len(scores) > 1 else None)


def cell_counts(sequence: np.ndarray, cell: np.ndarray, cells: int) -> np.ndarray:
    """How many tokens of each sequence fall in each cell, [sequence cell]."""
    number = np.cumsum(np.append(0, np.diff(sequence) != 0))
    flat = np.bincount(number * cells + cell, minlength=(int(number[-1]) + 1) * cells)
    return flat.reshape(-1, cells).astype(np.float32)  # sequence cell
