"""The statistic of every unit of a recording for labels, and the greatest that chance alone gives any of them.

Area under the ROC curve less a half for a label of two values, Spearman's r for any other number. What chance gives:
the label tracks of whole sequences are put in random order and laid end to end over the same rows, which keeps their
values and runs and takes them away from what was read; of every such draw the greatest size among all units is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import rankdata

from naibu.probes import codes
from naibu.probes.correlation import in_memory
from naibu.probes.source import Key, Source, gather
from naibu.probes.target import Target

UNITS, ROWS = 64, 4096  # in one product


def draws_of(sequence: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """int32 [permutation row]: the rows of whole sequences in random order, end to end."""
    starts = np.flatnonzero(np.diff(sequence, prepend=sequence[0] - 1))
    parts = np.split(np.arange(len(sequence), dtype=np.int32), starts[1:])
    draw = np.random.default_rng((seed, 23))
    out = np.empty((permutations, len(sequence)), np.int32)
    for row in out:
        row[:] = np.concatenate([parts[k] for k in draw.permutation(len(parts))])
    return out


def statistics_of_all(
    source: Source, keys: Iterable[Key], targets: Sequence[Target], rows: np.ndarray, draws: np.ndarray, drawn: int
) -> tuple[dict[Key, np.ndarray], np.ndarray]:
    """The signed statistic of every unit for every target, [target unit] per key, on the marked rows.

    Mid-ranks of values rounded to float16: exact for a recording in float16, and for one in float32 off by at most half
    the share of pairs that the rounding makes equal.

    Area under the ROC curve less a half, or Spearman's r: both are products of the unit's centred mid-ranks with
    weights of the label. And, for the first `drawn` targets, the greatest size that any unit reaches with the label
    rows in the order of each draw, [target draw]; the mid-ranks are rounded to a 65,534th of their range there.
    """
    weights = np.stack([_weights(target, rows) for target in targets])
    binary = np.array([target.names is not None for target in targets])
    total = weights.shape[1]
    statistics: dict[Key, np.ndarray] = {}
    greatest = np.zeros((drawn, len(draws)))
    for group in in_memory(source, keys, total):
        blocks = gather(source, dict.fromkeys(group), rows, np.float16)
        spreads, ranks = {}, {}
        for key, block in blocks.items():
            statistics[key], spreads[key] = np.zeros((len(targets), block.shape[1])), np.ones(block.shape[1])
            ranks[key] = block.view(np.int16)  # the ranks take the place of the values
            for a in range(0, block.shape[1], UNITS):
                some = slice(a, a + UNITS)
                centred = np.stack([_centred(code) for code in codes.columns(block, some)])
                spread = np.sqrt(np.einsum("ut,ut->u", centred, centred))
                spreads[key][some] = np.where(spread > 0, spread, np.inf)
                statistics[key][:, some] = weights @ centred.T / np.where(binary[:, None], 1.0, spreads[key][some])
                ranks[key][:, some] = np.rint(centred.T * (65_534 / total))
        if drawn and len(draws):
            divide = {key: np.where(binary[:drawn, None], 1.0, spreads[key]) for key in group}
            np.maximum(greatest, _greatest(ranks, weights[:drawn], draws, divide), out=greatest)
    return statistics, greatest


def _greatest(
    ranks: dict[Key, np.ndarray], weights: np.ndarray, draws: np.ndarray, divide: dict[Key, np.ndarray]
) -> np.ndarray:
    """The greatest size of the statistic over units, [target draw], with the label's rows as drawn."""
    total, (labels, count) = weights.shape[1], (len(weights), len(draws))
    scaled = (weights * (total / 65_534)).astype(np.float32)
    sums = {key: np.zeros((labels * count, block.shape[1]), np.float32) for key, block in ranks.items()}
    for a in range(0, total, ROWS):
        laid = scaled[:, draws[:, a : a + ROWS]].reshape(labels * count, -1)  # label and draw, row
        for key, block in ranks.items():
            sums[key] += laid @ block[a : a + ROWS].astype(np.float32)
    out = np.zeros((labels, count))
    for key, found in sums.items():
        sizes = np.abs(found.reshape(labels, count, -1)) / divide[key][:, None]
        np.maximum(out, sizes.max(axis=-1), out=out)
    return out


def _weights(target: Target, rows: np.ndarray) -> np.ndarray:
    """float64 [row], such that the product with centred mid-ranks is the statistic (times their spread, for r)."""
    y = target.values[rows]
    if target.names is None:
        centred = rankdata(y) - (len(y) + 1) / 2
        return np.asarray(centred / max(float(np.sqrt(centred @ centred)), 1e-300))
    into = float(y.sum())
    return np.asarray((y - y.mean()) / max(into * (len(y) - into), 1.0))


def _centred(code: np.ndarray) -> np.ndarray:
    """Mid-ranks of one unit's codes less their mean, float64 [row]."""
    midranks = codes.midranks(codes.counts(code)) - (len(code) + 1) / 2
    return np.asarray(codes.by_code(midranks)[code])
