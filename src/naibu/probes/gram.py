"""Sums of products of a signal's units with each other and with labels: all that linear models need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naibu.probes.halves import widened
from naibu.probes.source import Key, Source, blocks

EXACT_BELOW = 2e10  # multiplications; above, products inside a block are float32


@dataclass(frozen=True)
class Gram:
    """Sums over tokens of units x (less `shift`) and labels y; two of the same shift add up."""

    shift: np.ndarray  # [unit]
    n: float
    x: np.ndarray  # [unit]
    y: np.ndarray  # [label]
    xx: np.ndarray  # [unit unit]
    xy: np.ndarray  # [unit label]
    yy: np.ndarray  # [label]

    def __add__(self, other: Gram) -> Gram:
        assert np.array_equal(self.shift, other.shift)
        return Gram(
            self.shift, self.n + other.n, self.x + other.x, self.y + other.y,
            self.xx + other.xx, self.xy + other.xy, self.yy + other.yy,
        )  # fmt: skip

    def covariance(self) -> np.ndarray:
        """Of the units, [unit unit]; the row and column of a unit that never changes are 0."""
        out = self.xx / self.n - np.outer(self.x, self.x) / self.n**2
        still = np.diag(out) <= 1e-7 * np.diag(self.xx) / self.n
        out[still] = 0
        out[:, still] = 0
        return out

    def with_label(self, k: int) -> np.ndarray:
        """Covariance of every unit with one label, [unit]."""
        out = self.xy[:, k] / self.n - self.x * self.y[k] / self.n**2
        return np.asarray(np.where(np.diag(self.covariance()) > 0, out, 0))

    def variance(self, k: int) -> float:
        """Of one label."""
        return float(self.yy[k] / self.n - (self.y[k] / self.n) ** 2)

    def intercept(self, k: int, weights: np.ndarray) -> float:
        """What makes the mean prediction of raw units equal the mean label, both in the label's own numbers."""
        return float(self.y[k] / self.n - (self.x / self.n + self.shift) @ weights)

    def line(self, k: int, unit: int) -> np.ndarray:
        """Weights of the least-squares line through one unit; zero elsewhere, and for a unit that never changes."""
        variance = float(self.covariance()[unit, unit])
        weights = np.zeros(len(self.x))
        weights[unit] = self.with_label(k)[unit] / variance if variance > 0 else 0.0
        return weights

    def squared_error(self, k: int, weights: np.ndarray, intercept: float) -> float:
        """Sum of (y - xw - intercept)^2 over these tokens."""
        b = intercept + float(self.shift @ weights)
        inner = weights @ self.xx @ weights + 2 * b * (weights @ self.x) + b * b * self.n
        return float(self.yy[k] - 2 * (weights @ self.xy[:, k] + b * self.y[k]) + inner)


def grams(
    source: Source, key: Key, values: Sequence[np.ndarray], rows: np.ndarray, part: np.ndarray
) -> tuple[Gram, Gram]:
    """The sums over the marked rows outside and inside `part` [token], for labels `values` [token], in one pass."""
    units = source.units(key)
    y = np.stack(values, axis=1)  # token label
    middle = y[rows].mean(axis=0)
    kind: type[np.float64 | np.float32] = np.float64 if np.count_nonzero(rows) * units**2 < EXACT_BELOW else np.float32
    sums = [np.zeros((units + y.shape[1] + 1, units)) for _ in range(2)]
    shift: np.ndarray | None = None
    for block in blocks(source, (key,), rows, size=4096):
        x: np.ndarray = widened(block[key]) if kind is np.float32 else block[key].astype(kind)
        if shift is None:
            shift = x.mean(axis=0, dtype=np.float64).astype(np.float32)
        x = x - shift
        inside = part[block.rows]
        for k, mine in enumerate((~inside, inside)):
            if mine.any():
                some = x if mine.all() else x[mine]
                sums[k][:units] += some.T @ some
                sums[k][units:-1] += (y[block.rows[mine]] - middle).astype(kind).T @ some
                sums[k][-1] += some.sum(axis=0, dtype=np.float64)
    assert shift is not None
    marked = (rows & ~part, rows & part)
    return tuple(_gram(s, shift, y[m], middle) for s, m in zip(sums, marked, strict=True))  # type: ignore[return-value]


def _gram(sums: np.ndarray, shift: np.ndarray, y: np.ndarray, middle: np.ndarray) -> Gram:
    units = len(shift)
    x = sums[-1]
    xy = sums[units:-1].T + np.outer(x, middle)
    return Gram(shift.astype(np.float64), len(y), x, y.sum(axis=0), sums[:units], xy, (y**2).sum(axis=0))
