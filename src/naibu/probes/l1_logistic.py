"""L1-regularised logistic regression along a path of strengths, for many rows and up to some thousand units.

Proximal Newton on a working set (the support and the worst violators), warm starts along the path. The
objective is scikit-learn's, |w|_1 + C * sum_i log(1 + exp(-y_i (x_i w + b))), with b not penalised (liblinear
does penalise it). Inside it is divided by C: sum_i log(1 + ...) + |w|_1 / C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, xlog1py, xlogy

from naibu.probes.feature_sign import feature_sign, solved
from naibu.probes.halves import widened

CHUNK = 8192
TOLERANCE = 1e-5
MOST_STEPS = 60
MOST_ADDED = 60
FLOOR = 1e-7  # of the largest curvature
RIDGE = 1e-5  # beside the mean log loss, of units fitted again
SETTLED = 1e-7  # of the objective: what a step without penalty must promise


@dataclass(frozen=True)
class Solution:
    """Weights on raw units at one strength."""

    strength: float  # C
    weights: np.ndarray  # float64 [unit]
    intercept: float
    objective: float
    gap: float  # duality gap over objective
    passes: int  # over the rows


class Problem:
    """Rows x, kept as [unit row], and labels y [row] of 0 and 1; standardised, all units weigh as if of deviation 1.

    A standardised unit that never changes counts as 0. Nothing but sums is scaled: x stays as it is.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, *, standardise: bool = False) -> None:
        self.x = x
        self.y = y.astype(np.float64)
        sums = np.zeros(len(x))
        for a, b in self.chunks():
            sums += widened(x[:, a:b]).sum(axis=1, dtype=np.float64)
        self.shift = (sums / x.shape[1]).astype(np.float32)  # centred units make the Newton systems mild
        self.scale = np.ones(len(x))
        if standardise:
            deviation = np.sqrt(self.variance())
            moves = deviation > 1e-6 * np.maximum(np.abs(self.shift), 1e-6)
            self.scale = np.where(moves, 1 / np.where(moves, deviation, 1.0), 0.0)

    def chunks(self) -> Iterator[tuple[int, int]]:
        rows = self.x.shape[1]
        for a in range(0, rows, CHUNK):
            yield a, min(a + CHUNK, rows)

    def variance(self, units: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Of some units as they are scaled, [unit]."""
        scale = self.scale[units]
        squares = np.zeros(len(scale))
        for a, b in self.chunks():
            x = self.part(a, b, units)
            squares += np.einsum("ur,ur->u", x, x)
        return np.asarray(squares / self.x.shape[1] * scale**2)

    def part(self, a: int, b: int, units: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Some units of some rows, centred, float32 [unit row]."""
        out = widened(self.x[units, a:b])
        out -= self.shift[units, None]
        return out

    def gradient(self, residual: np.ndarray, units: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Centred units times `residual` [row], for some units, [unit]."""
        scale = self.scale[units]
        out = np.zeros(len(scale))
        narrow = residual.astype(np.float32)
        for a, b in self.chunks():
            out += self.part(a, b, units) @ narrow[a:b]
        return out * scale

    def curvature(self, units: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums of d x x' and of d x over the rows for some units, [unit unit] and [unit]."""
        products, sums = np.zeros((len(units), len(units))), np.zeros(len(units))
        root = np.sqrt(d).astype(np.float32)
        for a, b in self.chunks():
            x = self.part(a, b, units)
            x *= root[a:b]
            products += x @ x.T
            sums += x @ root[a:b]
        scale = self.scale[units]
        return products * np.outer(scale, scale), sums * scale

    def product(self, units: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Centred units times weights, float64 [row]."""
        out = np.zeros(self.x.shape[1])
        narrow = (weights * self.scale[units]).astype(np.float32)
        for a, b in self.chunks():
            out[a:b] = narrow @ self.part(a, b, units)
        return out

    def loss(self, z: np.ndarray) -> float:
        """Sum of log(1 + exp(-y z)) with y of -1 and 1."""
        return float((np.logaddexp(0, z) - self.y * z).sum())

    def entering_strength(self) -> float:
        """The largest C at which all weights are 0."""
        steepest = float(np.abs(self.gradient(self.y.mean() - self.y)).max())
        return 1 / max(steepest, 1e-300)


def solve_path(problem: Problem, strengths: np.ndarray, tolerance: float = TOLERANCE) -> list[Solution]:
    """Solutions at ascending strengths, each started from the one before."""
    state = _State(problem)
    return [state.solve(float(c), tolerance) for c in strengths]


def refit(problem: Problem, units: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights [unit] of raw units, 0 but for the `units` given, and intercept, fitted without the L1 penalty.

    Newton's method. A price of 1e-5 / 2 on the mean log loss for the square of each weight of a unit brought to
    deviation 1 keeps weights finite where the units tell all rows apart.
    """
    state, rows = _State(problem), problem.x.shape[1]
    ridge = RIDGE * rows * problem.variance(units)
    for _ in range(MOST_STEPS):
        if not state.newton_without_penalty(units, ridge):
            break
    return state.raw()


class _State:
    """Where the solver stands: weights, intercept (for centred units), and z = xw + b of every row."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.w = np.zeros(len(problem.x))
        self.b = 0.0
        self.z = np.zeros(problem.x.shape[1])

    def solve(self, strength: float, tolerance: float) -> Solution:
        penalty, passes = 1 / strength, 0
        for _ in range(MOST_STEPS):
            self._settle_intercept()
            p = expit(self.z)
            gradient = self.problem.gradient(p - self.problem.y)
            passes += 1
            objective = self.problem.loss(self.z) + penalty * float(np.abs(self.w).sum())
            gap = self._gap(p, gradient, penalty, objective)
            if gap <= tolerance:
                break
            units = self._working_set(gradient, penalty)
            improved = self._newton(units, p, gradient[units], penalty, objective)
            passes += 2
            if not improved:
                break
        return Solution(strength, *self.raw(), objective * strength, gap, passes)

    def raw(self) -> tuple[np.ndarray, float]:
        """The weights of raw units, and their intercept."""
        weights = self.w * self.problem.scale
        return weights, self.b - float(self.problem.shift.astype(np.float64) @ weights)

    def newton_without_penalty(self, units: np.ndarray, ridge: np.ndarray) -> bool:
        """One Newton step on some units, with a price of ridge / 2 [unit] on their squares; False at the end."""
        self._settle_intercept()
        p = expit(self.z)
        w = self.w[units]
        gradient = self.problem.gradient(p - self.problem.y, units) + ridge * w
        products, along = self._curvature(units, p)
        products[np.diag_indices(len(units))] += ridge
        step = -solved(products, gradient)
        slope = float(gradient @ step)
        objective = self.problem.loss(self.z) + float(ridge @ w**2) / 2
        if -slope <= SETTLED * objective:
            return False
        return self._go(units, step, along, slope, objective, lambda v: float(ridge @ v**2) / 2)

    def _curvature(self, units: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the loss where the intercept goes along, [unit unit], and by how much it falls as each unit's weight
        rises, [unit]. A floor keeps the step finite where units are nearly equal."""
        d = np.maximum(p * (1 - p), 1e-10)
        products, sums = self.problem.curvature(units, d)
        along = sums / float(d.sum())
        products -= np.outer(sums, along)
        products[np.diag_indices(len(units))] += FLOOR * max(float(products.diagonal().max()), 1e-12)
        return products, along

    def _settle_intercept(self) -> None:
        for _ in range(50):
            p = expit(self.z)
            step = float((p - self.problem.y).sum()) / max(float((p * (1 - p)).sum()), 1e-12)
            step = float(np.clip(step, -2, 2))
            self.b -= step
            self.z -= step
            if abs(step) < 1e-9:
                break

    def _gap(self, p: np.ndarray, gradient: np.ndarray, penalty: float, objective: float) -> float:
        # The residuals, scaled until no unit's gradient passes the penalty, are a point of the dual problem.
        scale = min(1.0, penalty / max(float(np.abs(gradient).max()), 1e-300))
        a = scale * np.abs(p - self.problem.y)
        dual = -float((xlogy(a, a) + xlog1py(1 - a, -a)).sum())
        return (objective - dual) / max(objective, 1e-300)

    def _working_set(self, gradient: np.ndarray, penalty: float) -> np.ndarray:
        support = np.flatnonzero(self.w)
        excess = np.abs(gradient) - penalty
        excess[support] = -np.inf
        most = max(MOST_ADDED, len(support))
        worst = np.argsort(-excess)[:most]
        return np.union1d(support, worst[excess[worst] > -0.1 * penalty])

    def _newton(self, units: np.ndarray, p: np.ndarray, gradient: np.ndarray, penalty: float, objective: float) -> bool:
        """One proximal Newton step on some units with a line search; False if nothing got better."""
        products, along = self._curvature(units, p)
        w = self.w[units]
        step = feature_sign(products, gradient, w, penalty) - w
        if not step.any():
            return False
        slope = float(gradient @ step) + penalty * float(np.abs(w + step).sum() - np.abs(w).sum())
        rest = penalty * float(np.abs(self.w).sum() - np.abs(w).sum())
        return self._go(units, step, along, slope, objective, lambda v: penalty * float(np.abs(v).sum()) + rest)

    def _go(
        self,
        units: np.ndarray,
        step: np.ndarray,
        along: np.ndarray,
        slope: float,
        objective: float,
        price: Callable[[np.ndarray], float],
    ) -> bool:
        """Go a step, or a half of it, a quarter ..., until the objective is lower; False if it never is."""
        moved, w, size, shift = np.flatnonzero(step), self.w[units], 1.0, -float(along @ step)
        dz = self.problem.product(units[moved], step[moved]) + shift
        for _ in range(30):
            z = self.z + size * dz
            if self.problem.loss(z) + price(w + size * step) <= objective + 1e-4 * size * slope:
                self.w[units] = w + size * step
                self.b += size * shift
                self.z = z
                return True
            size /= 2
        return False
