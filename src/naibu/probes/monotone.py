"""Monotone regression: the rising curve nearest in squares to a label along one axis, from sums by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naibu.probes import codes, resampling
from naibu.probes.correlation import MOST_RANKED, spearman_of_all
from naibu.probes.gram import Gram
from naibu.probes.results import Curve, Scores
from naibu.probes.scoring import Scorer
from naibu.probes.source import Key, Source, blocks
from naibu.probes.target import Target, some_sequences

NAMES = ("monotone", "monotone of all")
LARGEST = 60_000.0  # beyond it float16 has no numbers


@dataclass(frozen=True)
class Axes:
    """Weighted sums of a signal's units, each rounded to float16: what the curves run along."""

    weights: np.ndarray  # [unit axis]
    offsets: np.ndarray  # [axis]

    def of(self, units: np.ndarray) -> np.ndarray:
        """The sums of units [row unit], float16 [row axis]."""
        sums = units.astype(np.float64) @ self.weights + self.offsets
        return np.asarray(np.clip(sums, -LARGEST, LARGEST).astype(np.float16))


@dataclass(frozen=True)
class Rising:
    """A rising curve along one axis, and what it says of the test rows."""

    name: str
    weights: np.ndarray  # [unit], of the sum that the curve bends
    intercept: float
    curve: Curve
    prediction: np.ndarray  # [test row]
    straight: np.ndarray  # [test row], the straight line along the same sum


def rising(
    source: Source, key: Key, targets: Sequence[Target], whole: Gram, linear: Sequence[np.ndarray], seed: int
) -> list[tuple[Rising, Rising]]:
    """Per target the curve along its best single unit and that along its linear prediction, `linear` [target][unit].

    The unit is the one with the largest |Spearman r| on training rows, turned to rise with the label; the linear
    prediction is standardised by the label's mean and deviation there.
    """
    train, test = targets[0].train, targets[0].test
    values = [target.values for target in targets]
    ranked = some_sequences(targets[0].index, train, MOST_RANKED, seed)
    spearman = spearman_of_all(source, values, (key,), ranked)[key]
    intercepts = [whole.intercept(k, w) for k, w in enumerate(linear)]
    middles = [whole.y[k] / whole.n for k in range(len(linear))]
    spreads = [np.sqrt(whole.variance(k)) for k in range(len(linear))]
    weights, offsets = [], []
    for k, w in enumerate(linear):
        weights += [_turned(spearman[k]), w / spreads[k]]
        offsets += [0.0, (intercepts[k] - middles[k]) / spreads[k]]
    axes = Axes(np.stack(weights, axis=1), np.array(offsets))
    curves = fit_curves(source, key, axes, [y for y in values for _ in NAMES], train)
    x = np.concatenate([axes.of(block[key]) for block in blocks(source, (key,), test)]).astype(np.float64)
    out = []
    for k, w in enumerate(linear):
        one, all_ = 2 * k, 2 * k + 1
        line = whole.line(k, int(np.flatnonzero(weights[one])[0]))
        along_one = x[:, one] * float(line @ weights[one]) + whole.intercept(k, line)
        along_all = x[:, all_] * spreads[k] + middles[k]
        out.append(
            (
                Rising(NAMES[0], weights[one], 0.0, curves[one], along(curves[one], x[:, one]), along_one),
                Rising(NAMES[1], w, intercepts[k], curves[all_], along(curves[all_], x[:, all_]), along_all),
            )
        )
    return out


def _turned(spearman: np.ndarray) -> np.ndarray:
    weights = np.zeros(len(spearman))
    unit = int(np.abs(spearman).argmax())
    weights[unit] = -1.0 if spearman[unit] < 0 else 1.0
    return weights


def fit_curves(
    source: Source, key: Key, axes: Axes, values: Sequence[np.ndarray], rows: np.ndarray
) -> tuple[Curve, ...]:
    """One rising curve per axis, of the label `values` [axis][token], on the marked rows in one pass.

    Exact least squares among all rising curves of the float16 value: the mean label of each value is all that
    counts, and there are 65,536 values, so the sums of many parts of a recording add up. Between the values met the
    curve is straight, beyond the first and last it is level.

    How it can mislead: a rising curve follows any rising relation, and noise as well where few rows share a value;
    so it is never worse than a rising line on the rows it is fitted on, and means something on others only.
    """
    n, total = (np.zeros((len(values), codes.CODES)) for _ in range(2))
    for block in blocks(source, (key,), rows):
        code = codes.columns(axes.of(block[key]), slice(None))
        for k, y in enumerate(values):
            count, sums = codes.tables(code[k], y[block.rows][None])
            n[k] += count
            total[k] += sums[0]
    return tuple(_curve(a, b) for a, b in zip(n, total, strict=True))


def _curve(n: np.ndarray, total: np.ndarray) -> Curve:
    """The curve from how often each value occurs and the label's sum there, [code] by ascending value."""
    from sklearn.isotonic import isotonic_regression

    met = np.flatnonzero(n)
    level = np.asarray(isotonic_regression(total[met] / n[met], sample_weight=n[met]))
    same = level[1:] == level[:-1]
    # Of a level stretch only its two ends are needed.
    inner = np.append(False, same) & np.append(same, False)
    return Curve(codes.SORTED[met][~inner], level[~inner])


def along(curve: Curve, x: np.ndarray) -> np.ndarray:
    """The curve's height at x [row]."""
    return np.asarray(np.interp(x, curve.x, curve.y))


def gain(scorer: Scorer, model: Rising) -> Scores:
    """R2 of the curve less that of the straight line, resampled together."""

    def less(sums: np.ndarray) -> np.ndarray:
        return np.asarray(resampling.r2(sums[..., :4]) - resampling.r2(sums[..., [0, 1, 2, 4]]))

    def columns(rows: np.ndarray) -> list[np.ndarray]:
        y = scorer.y[rows]
        return [*resampling.r2_columns(model.prediction[rows], y), (y - model.straight[rows]) ** 2]

    return scorer.of(less, columns)
