"""Principal components and linear discriminants from sums that add up over shards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from naibu.probes.gram import grams
from naibu.probes.source import Key, Source, blocks

RIDGE = 0.01  # of the mean variance, added to the within-class variances of a discriminant
LARGEST = 30.0  # what is put into exp; beyond it a single token would be all that is seen


@dataclass(frozen=True)
class Axes:
    """Orthogonal directions of largest variance, largest first; the first entry of largest size is positive."""

    mean: np.ndarray  # float64 [unit]
    directions: np.ndarray  # float64 [unit component]
    variance: np.ndarray  # float64 [component]
    total: float  # of all directions

    @property
    def share(self) -> np.ndarray:
        """Share of all variance that each component holds, [component]."""
        return self.variance / max(self.total, 1e-300)

    def coordinates(self, x: np.ndarray) -> np.ndarray:
        """x [row unit] along the components, float64 [row component]."""
        return np.asarray((x.astype(np.float64) - self.mean) @ self.directions)


def axes_of(mean: np.ndarray, covariance: np.ndarray, components: int) -> Axes:
    """The first components of a covariance [unit unit]; fewer where it has fewer units."""
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1][:components], vectors[:, ::-1][:, :components]
    strongest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return Axes(mean, vectors * np.sign(strongest), np.maximum(values, 0), float(np.trace(covariance)))


def principal_axes(source: Source, key: Key, rows: np.ndarray, components: int) -> Axes:
    """The principal components of one signal over the marked rows, in one pass (no unit is standardised)."""
    none = np.zeros(len(rows))
    gram, _ = grams(source, key, [none], rows, none.astype(bool))
    return axes_of(gram.shift + gram.x / gram.n, gram.covariance(), components)


def projected(source: Source, key: Key, axes: Axes, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The marked rows along the components, block by block: row numbers [row] and coordinates [row component]."""
    for block in blocks(source, (key,), rows, size=4096):
        yield block.rows, axes.coordinates(block[key])


def signs_split(z: np.ndarray) -> np.ndarray:
    """Coordinates [row component] and their negatives side by side, exponentiated: [row 2 * component], all positive.

    So done in the source to see negative values: what is large and positive stands out in the first half, what is
    large and negative in the second, and all that is near 0 is near 1 in both. Coordinates are cut off at 30.
    """
    both: np.ndarray = np.concatenate([z, -z], axis=-1)
    return np.asarray(np.exp(np.clip(both, -LARGEST, LARGEST)))


class ClassSums:
    """Sums of features per class, and of their products over all: enough for components and discriminants."""

    def __init__(self, classes: int, features: int) -> None:
        self.n = np.zeros(classes)
        self.x = np.zeros((classes, features))
        self.xx = np.zeros((features, features))

    def add(self, x: np.ndarray, code: np.ndarray) -> None:
        """Add rows x [row feature] of classes `code` [row]."""
        member = (code[None] == np.arange(len(self.n))[:, None]).astype(np.float64)
        self.n += member.sum(axis=1)
        self.x += member @ x
        self.xx += x.T @ x

    def through(self, weights: np.ndarray) -> ClassSums:
        """The sums of features @ weights [feature new]."""
        out = ClassSums(len(self.n), weights.shape[1])
        out.n, out.x, out.xx = self.n.copy(), self.x @ weights, weights.T @ self.xx @ weights
        return out

    def part(self, features: slice) -> ClassSums:
        """The sums of some features."""
        out = ClassSums(len(self.n), 0)
        out.n, out.x, out.xx = self.n.copy(), self.x[:, features], self.xx[features, features]
        return out

    def axes(self, components: int) -> Axes:
        """Principal components of the features."""
        mean = self.x.sum(axis=0) / self.n.sum()
        return axes_of(mean, self.xx / self.n.sum() - np.outer(mean, mean), components)

    def discriminant(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights [feature class] and intercepts [class] of the linear discriminant: the largest is the class said.

        Classes are taken as normal with one covariance, which is that within classes plus a hundredth of its mean
        variance in every direction.
        """
        n = self.n.sum()
        mean = self.x.sum(axis=0) / n
        centres = self.x / np.maximum(self.n, 1)[:, None] - mean
        within = self.xx / n - np.outer(mean, mean) - (centres.T * (self.n / n)) @ centres
        within += RIDGE * max(float(np.trace(within)) / len(within), 1e-12) * np.eye(len(within))
        weights = np.linalg.solve(within, centres.T)
        with np.errstate(divide="ignore"):
            prior = np.log(self.n / n)
        return weights, prior - 0.5 * np.einsum("kf,fk->k", centres, weights) - mean @ weights
