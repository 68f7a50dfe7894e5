"""The compiled passes of Recurrent Cascade-Correlation over a training set; `plain_cascade` has the equations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from naibu.compiling import compiled

Array = NDArray[np.float64]


@compiled
def output_pass(
    values: Array, target: Array, weights: Array, offset: float, errors: Array, slopes: Array
) -> tuple[float, float]:
    """Return the sums of squared and of absolute errors; write E_o = (y_o - d_o) (f' + offset) and add its slopes.

    values: [pattern source], of which the first `weights [output source]` has are seen. target, errors:
    [pattern output].
    """
    outputs, sources = weights.shape
    squared, sizes = 0.0, 0.0
    for pattern in range(len(values)):
        for output in range(outputs):
            s = 0.0
            for source in range(sources):
                s += weights[output, source] * values[pattern, source]
            y = 1 / (1 + np.exp(-s))
            miss = y - target[pattern, output]
            squared += miss * miss
            sizes += abs(miss)
            error = miss * (y * (1 - y) + offset)
            errors[pattern, output] = error
            for source in range(sources):
                slopes[output, source] += error * values[pattern, source]
    return squared, sizes


@compiled
def candidate_pass(
    values: Array,
    begins: NDArray[np.bool_],
    errors: Array,
    weights: Array,
    centre: float,
    covariances: Array,
    slopes: Array,
) -> None:
    """Write the covariances of candidates with the errors, and add the slopes of minus their absolute sum.

    errors: [pattern output], their mean taken away. weights, slopes: [candidate source+1], the last from the
    candidate's own value one step before. covariances: [candidate output]; the slopes go by the signs of those that
    are found there, of the pass before.
    """
    pool, sources = weights.shape[0], weights.shape[1] - 1
    outputs = errors.shape[1]
    trace = np.zeros(sources + 1)  # dV / dw
    for candidate in range(pool):
        w, before = weights[candidate], covariances[candidate].copy()
        covariances[candidate] = 0.0
        v = 0.0
        for pattern in range(len(values)):
            if begins[pattern]:
                v = 0.0
                trace[:] = 0.0
            s = w[sources] * v
            for source in range(sources):
                s += w[source] * values[pattern, source]
            y = 1 / (1 + np.exp(-s))
            slope = y * (1 - y)
            for source in range(sources):
                trace[source] = slope * (values[pattern, source] + w[sources] * trace[source])
            trace[sources] = slope * (v + w[sources] * trace[sources])
            v = y - centre
            towards = 0.0
            for output in range(outputs):
                covariances[candidate, output] += v * errors[pattern, output]
                towards += np.sign(before[output]) * errors[pattern, output]
            for source in range(sources + 1):
                slopes[candidate, source] -= towards * trace[source]


@compiled
def unit_values(values: Array, begins: NDArray[np.bool_], weights: Array, centre: float, place: int) -> None:
    """Write what a hidden unit with these weights, `[source+1]`, does after each pattern into column `place`."""
    sources = len(weights) - 1
    v = 0.0
    for pattern in range(len(values)):
        if begins[pattern]:
            v = 0.0
        s = weights[sources] * v
        for source in range(sources):
            s += weights[source] * values[pattern, source]
        v = 1 / (1 + np.exp(-s)) - centre
        values[pattern, place] = v


@compiled
def quickprop(
    weights: Array, step: Array, before: Array, slopes: Array, epsilon: float, decay: float, growth: float
) -> None:
    """Change weights by quickprop (Fahlman 1988), keep steps and slopes for the next time, and clear the slopes.

    A step goes to the lowest point of the parabola through this slope and the one before, but at most `growth` times
    as far as the last; while the slope still points the same way, epsilon times it is added. All arrays are of one
    shape, [row source].
    """
    shrink = growth / (1 + growth)
    for row in range(weights.shape[0]):
        for source in range(weights.shape[1]):
            w, d = weights[row, source], step[row, source]
            s, p = slopes[row, source] + decay * w, before[row, source]
            new = 0.0
            if d * s <= 0:  # downhill, or no step before
                new -= epsilon * s
            if d > 0:
                new += growth * d if s <= shrink * p else d * s / (p - s)
            elif d < 0:
                new += growth * d if s >= shrink * p else d * s / (p - s)
            weights[row, source] = w + new
            step[row, source], before[row, source], slopes[row, source] = new, s, 0.0


@compiled
def fails(values: Array, legal: Array, weights: Array) -> bool:
    """Return whether after some pattern an output that is legal, 1 in `[pattern output]`, is not above all others."""
    outputs, sources = weights.shape
    for pattern in range(len(values)):
        least, other = np.inf, -np.inf
        for output in range(outputs):
            s = 0.0
            for source in range(sources):
                s += weights[output, source] * values[pattern, source]
            if legal[pattern, output] > 0:
                least = min(least, s)
            else:
                other = max(other, s)
        if not least > other:
            return True
    return False
