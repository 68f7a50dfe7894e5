"""A quadratic with an L1 penalty, solved to the end: what coordinate descent does not do where units are alike."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

OPTIMAL = 1e-6  # of the penalty: how far a slope may be off
MOST = 5000  # changes of the signs, after which the best found so far is returned


def feature_sign(products: np.ndarray, gradient: np.ndarray, w: np.ndarray, penalty: float) -> np.ndarray:
    """Return the u that minimises gradient (u - w) + (u - w)' products (u - w) / 2 + penalty |u|_1.

    `products` [unit unit] is positive definite (but for rounding), `gradient` [unit] that of the quadratic at w [unit],
    `penalty` above 0.
    With the signs of u known it is a system of equations: signs are guessed from w, the system of the units that have
    one is solved, and on the straight line to its solution the best point is taken, ends and changes of sign compared.
    When the others are right, units whose slope exceeds the penalty get a sign: those by half as much as the worst at
    least, or, where that lowers nothing, the worst alone. Each step lowers the objective, and there are finitely many
    signs. Source: Lee, Battle, Raina & Ng 2006, algorithm 1 (feature-sign search; there one unit at a time).
    """
    u, slope, sign = w.copy(), gradient.copy(), np.sign(w)
    constant, several, settled = products @ w - gradient, True, False
    for _ in range(MOST):
        known = np.flatnonzero(sign)
        adding = settled or bool((np.abs(slope[known] + penalty * sign[known]) <= OPTIMAL * penalty).all())
        if adding:
            excess = np.where(sign == 0, np.abs(slope), 0.0) - penalty
            worst = int(excess.argmax())
            if excess[worst] <= OPTIMAL * penalty:
                break
            new = np.flatnonzero(excess >= excess[worst] / 2) if several else np.array([worst])
            sign[new] = -np.sign(slope[new])
            known = np.flatnonzero(sign)
        inner = products[np.ix_(known, known)]
        target = solved(inner, constant[known] - penalty * sign[known])
        there, lower = _best_between(u[known], target, slope[known], inner, penalty)
        if lower:
            u[known], several, settled = there, True, False
            slope = gradient + products @ (u - w)
        elif adding and not several:
            break  # what is left is rounding
        else:
            several, settled = several and not adding, True
        sign = np.sign(u)
    return u


def solved(products: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return products^-1 right; where rounding has left no positive definite products, with the least of their
    directions made as steep as the steepest is by a millionth."""
    try:
        return np.asarray(cho_solve(cho_factor(products, check_finite=False), right))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(products)
        return np.asarray(vectors @ ((vectors.T @ right) / np.maximum(values, 1e-6 * max(float(values[-1]), 1e-300))))


def _best_between(
    u: np.ndarray, target: np.ndarray, slope: np.ndarray, inner: np.ndarray, penalty: float
) -> tuple[np.ndarray, bool]:
    """Return the best of the target and of the points before it where a unit becomes 0; whether it is lower than u."""
    way = target - u
    crossing = np.full(len(u), np.inf)
    turns = u * target < 0
    crossing[turns] = u[turns] / (u[turns] - target[turns])
    parts = np.unique(np.append(crossing[turns], 1.0))
    prices = np.array([np.abs(u + part * way).sum() for part in parts])
    found = parts * float(slope @ way) + parts**2 * float(way @ inner @ way) / 2 + penalty * prices
    best = int(found.argmin())
    there = np.asarray(u + parts[best] * way)
    there[crossing == parts[best]] = 0.0
    return there, bool(found[best] < penalty * np.abs(u).sum())
