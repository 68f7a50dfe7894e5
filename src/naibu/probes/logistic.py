"""Logistic regression on standardised units, its penalty chosen on held-out training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from naibu.probes.l1_logistic import Problem, solve_path

CHUNK = 8192
PRICES = (1.0, 0.1, 0.01, 0.001, 1e-4, 1e-5)
"""Of L2, in mean log loss + price / 2 * |w|^2, dearest first."""
L1_STRENGTHS = 10.0 ** np.linspace(0.5, 3, 6)
"""Of L1, as multiples of the C at which the first weight leaves 0."""


@dataclass(frozen=True)
class Fit:
    """Weights on raw units; the value 1 is said where x @ weights + intercept > 0."""

    weights: np.ndarray  # float64 [unit]
    intercept: float
    price: float  # L2: of |w|^2 / 2 beside the mean log loss; L1: C beside |w|_1

    @property
    def nonzero(self) -> int:
        """How many units have a weight."""
        return int(np.count_nonzero(self.weights))


@dataclass(frozen=True)
class Standard:
    """Units brought to mean 0 and deviation 1 on training rows; a unit that never changes becomes 0."""

    mean: np.ndarray  # float64 [unit]
    scale: np.ndarray  # float64 [unit]

    @classmethod
    def of(cls, x: np.ndarray) -> Standard:
        """The standard of x [row unit], computed in float64 by parts."""
        mean = np.asarray(np.mean(x, axis=0, dtype=np.float64))
        square = np.zeros(x.shape[1])
        for a in range(0, len(x), CHUNK):
            square += ((x[a : a + CHUNK] - mean) ** 2).sum(axis=0)
        deviation = np.sqrt(square / max(len(x), 1))
        still = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-6)
        return cls(mean, np.where(still, 0.0, 1 / np.where(still, 1.0, deviation)))

    def apply(self, x: np.ndarray) -> np.ndarray:
        """x [row unit] standardised, float32."""
        out = x.astype(np.float32)
        out -= self.mean.astype(np.float32)
        out *= self.scale.astype(np.float32)
        return out

    def raw(self, weights: np.ndarray, intercept: float, price: float) -> Fit:
        """The fit on raw units that equals one on standardised units."""
        w = weights * self.scale
        return Fit(w, intercept - float(self.mean @ w), price)


def fit_logistic(x: np.ndarray, y: np.ndarray, held: np.ndarray, *, penalty: str = "l2") -> Fit:
    """Logistic regression of y [row] (0 and 1) on units x [row unit], fitted on all rows given.

    Units are standardised, so that the penalty means the same for every signal. Its price is the one with the
    smallest log loss on the rows marked `held` [row] after fitting on the others; then all rows are fitted. The
    intercept is not penalised. Without held rows of both values the middle price is taken.
    """
    standard = Standard.of(x)
    z, y = standard.apply(x), y.astype(np.float64)
    prices = _prices(z, y, penalty)
    usable = all(0 < y[part].mean() < 1 for part in (held, ~held) if part.any()) and held.any() and not held.all()
    if not usable:
        start, price = np.zeros(z.shape[1] + 1), prices[len(prices) // 2]
    else:
        start, price = _best_held(z, y, held, prices, penalty)
    weights = _fitted(z, y, price, penalty, start)
    return standard.raw(weights[:-1], float(weights[-1]), float(price))


def _best_held(
    z: np.ndarray, y: np.ndarray, held: np.ndarray, prices: Sequence[float], penalty: str
) -> tuple[np.ndarray, float]:
    """Weights on the rows not held, and the price, with the smallest log loss on those held.

    Prices are tried from the dearest; after two in a row that are worse than the best the rest is not tried, for
    the cheapest take longest.
    """
    weights, best, least, worse = np.zeros(z.shape[1] + 1), (np.zeros(z.shape[1] + 1), prices[0]), np.inf, 0
    inside, outside, truth = z[~held], z[held], y[held]
    for price in prices:
        weights = _fitted(inside, y[~held], price, penalty, weights)
        loss = _log_loss(outside @ weights[:-1].astype(np.float32) + weights[-1], truth)
        worse = 0 if loss < least else worse + 1
        if loss < least:
            best, least = (weights, price), loss
        if worse == 2:
            break
    return best


def _prices(z: np.ndarray, y: np.ndarray, penalty: str) -> Sequence[float]:
    if penalty == "l2":
        return PRICES
    return [float(c) for c in Problem(np.ascontiguousarray(z.T), y).entering_strength() * L1_STRENGTHS]


def _fitted(z: np.ndarray, y: np.ndarray, price: float, penalty: str, start: np.ndarray) -> np.ndarray:
    """Weights and, last, the intercept, at one price."""
    if penalty == "l2":
        return ridge(z, y, price, start)
    found = solve_path(Problem(np.ascontiguousarray(z.T), y), np.array([price]), 1e-4)[0]
    return np.append(found.weights, found.intercept)


def ridge(z: np.ndarray, y: np.ndarray, price: float, start: np.ndarray) -> np.ndarray:
    """Weights and, last, the intercept, that minimise mean log loss + price / 2 * |w|^2; by L-BFGS."""

    def value(v: np.ndarray) -> tuple[float, np.ndarray]:
        w, b = v[:-1], v[-1]
        narrow = w.astype(np.float32)
        loss, gradient = 0.0, np.zeros_like(v)
        for a in range(0, len(z), CHUNK):
            part, truth = z[a : a + CHUNK], y[a : a + CHUNK]
            score = (part @ narrow).astype(np.float64) + b
            loss += float((np.logaddexp(0, score) - truth * score).sum())
            residual = expit(score) - truth
            gradient[:-1] += part.T @ residual.astype(np.float32)
            gradient[-1] += residual.sum()
        gradient /= len(z)
        gradient[:-1] += price * w
        return loss / len(z) + price / 2 * float(w @ w), gradient

    found = minimize(value, start, jac=True, method="L-BFGS-B", options={"maxiter": 300, "gtol": 1e-5})
    return np.asarray(found.x)


def _log_loss(score: np.ndarray, y: np.ndarray) -> float:
    score = score.astype(np.float64)
    return float((np.logaddexp(0, score) - y * score).mean())
