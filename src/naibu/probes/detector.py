"""The area under the ROC curve: how surely one number tells where a label holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from naibu.probes import codes
from naibu.probes.resampling import Resampler
from naibu.probes.results import Score, Scores
from naibu.probes.scoring import cell_counts
from naibu.probes.target import Target

BINS = 256  # of each value's tokens; for the interval only


def auc(sums: np.ndarray) -> np.ndarray:
    """The area under the ROC curve from histograms [... 2 * bins], label 0 then label 1, bins ascending.

    The probability that of two tokens, one of each value, the one with the label lies in the higher bin; a tie
    counts half. nan where one of the two is empty.
    """
    out, into = np.split(sums, 2, axis=-1)
    n, m = out.sum(-1), into.sum(-1)
    won = (into * (np.cumsum(out, axis=-1) - out / 2)).sum(-1)
    both = n * m
    return np.asarray(np.where(both > 0, won / np.where(both > 0, both, 1.0), np.nan))


def auc_scores(x: np.ndarray, target: Target, resampler: Resampler) -> Scores:
    """The area of values x [test row] on all test rows and on the unseen ones, with intervals.

    x is rounded to float16, of which there are few enough to count each: for float16 the value is exact. The interval,
    from drawing whole sequences anew, rests on at most 512 bins, of which none holds more than 1/256 of either
    value's tokens (unless they are equal), and is moved by the difference that binning makes to the value.
    """
    code = codes.columns(x[:, None], slice(1))[0]
    y, sequence = target.values[target.test], np.asarray(target.index.sequence)[target.test]
    scores = []
    for rows in (np.ones(len(y), bool), target.unseen[target.test]):
        if rows.any():
            scores.append(_score(code[rows], y[rows], sequence[rows], resampler))
    return Scores(scores[0], scores[1] if len(scores) > 1 else None)


def _score(code: np.ndarray, y: np.ndarray, sequence: np.ndarray, resampler: Resampler) -> Score:
    counts = np.stack([codes.counts(code[y == value]) for value in (0, 1)])
    exact = float(auc(counts.ravel()))
    below = np.cumsum(counts, axis=1) - counts
    slot = (below * BINS // np.maximum(counts.sum(axis=1, keepdims=True), 1)).astype(np.int64)
    bin_of = np.cumsum(np.append(0, np.diff(slot, axis=1).any(axis=0)))
    bins = int(bin_of[-1]) + 1
    sums = cell_counts(sequence, codes.by_code(bin_of)[code] + bins * (y == 1), 2 * bins)
    found = resampler.score(auc, sums, len(code))
    moved = exact - found.value
    return replace(found, value=exact, low=min(found.low + moved, 1.0), high=min(found.high + moved, 1.0))
