"""Recurrent Cascade-Correlation's equations (Fahlman 1991) in plain float64: they define what the passes compute.

`x [time source]` is what units see at each step of one string: 1, the inputs, the hidden units. A candidate with
weights w, the last of them, w_s, from its own value one step before, does V(t) = f(sum_i w_i x_i(t) + w_s V(t-1)) - c.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def f(s: Array) -> Array:
    """Return the logistic function."""
    return np.asarray(1 / (1 + np.exp(-s)))


def candidate_values(w: Array, x: Array, centre: float) -> tuple[Array, Array]:
    """Return V(t) `[time]` and dV(t)/dw `[time source+1]`:

    dV(t)/dw_i = f' (x_i(t) + w_s dV(t-1)/dw_i), dV(t)/dw_s = f' (V(t-1) + w_s dV(t-1)/dw_s)
    """
    v, slope_of_v = 0.0, np.zeros(len(w))
    values, slopes = [], []
    for x_t in x:
        seen = np.append(x_t, v)
        y = float(f(w @ seen))
        slope_of_v = y * (1 - y) * (seen + w[-1] * slope_of_v)
        v = y - centre
        values.append(v)
        slopes.append(slope_of_v)
    return np.array(values), np.array(slopes)


def covariances(w: Array, strings: Sequence[Array], errors: Array, centre: float) -> Array:
    """Return sum over patterns p of (V_p - mean V) (E_po - mean E_o) `[output]`, for errors E `[pattern output]`."""
    v = np.concatenate([candidate_values(w, x, centre)[0] for x in strings])
    return np.asarray((v - v.mean()) @ (errors - errors.mean(axis=0)))


def score_slopes(w: Array, strings: Sequence[Array], errors: Array, centre: float, signs: Array) -> Array:
    """Return sum_o sign_o sum_p (E_po - mean E_o) dV_p/dw: with the signs of the covariances, `[output]`, the slopes
    of the score S = sum over outputs of |covariance|.

    Training takes the signs of the pass before, since those of this pass are known at its end only.
    """
    slope_of_v = np.concatenate([candidate_values(w, x, centre)[1] for x in strings])
    return np.asarray(((errors - errors.mean(axis=0)) @ signs) @ slope_of_v)


def output_errors(w: Array, x: Array, d: Array, offset: float) -> tuple[Array, Array, float]:
    """Return E = (y - d) (f' + offset) `[pattern output]`, the slopes sum_p E_po x_pi, and the sum of squares."""
    y = f(x @ w.T)
    errors = (y - d) * (y * (1 - y) + offset)
    return errors, errors.T @ x, float(np.sum((y - d) ** 2))


def quickprop_step(s: float, p: float, d: float, epsilon: float, growth: float) -> float:
    """Return the next step of a weight with slope s whose last step was d, when its slope was p (Fahlman 1988)."""
    if d == 0:
        return -epsilon * s
    linear = -epsilon * s if np.sign(s) != np.sign(d) else 0.0
    towards = s * np.sign(d)
    if towards <= growth / (1 + growth) * p * np.sign(d):
        return float(growth * d + linear)
    return float(d * s / (p - s) + linear)
