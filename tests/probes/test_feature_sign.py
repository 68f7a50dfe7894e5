"""Feature-sign search: its solutions are the minimum, also where units are alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Lasso

from naibu.probes.feature_sign import feature_sign


def quadratic(seed: int, units: int, alike: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(3 * units, units))
    x[:, units // 2 :] = x[:, : units - units // 2] + alike * x[:, units // 2 :]
    gradient = x.T @ draw.normal(size=len(x)) / len(x)  # as of a sum over rows: of alike units alike
    return x.T @ x / len(x) + 1e-7 * np.eye(units), gradient, draw.normal(size=units).round()


def objective(products: np.ndarray, gradient: np.ndarray, w: np.ndarray, penalty: float, u: np.ndarray) -> float:
    return float(gradient @ (u - w) + (u - w) @ products @ (u - w) / 2 + penalty * np.abs(u).sum())


@given(st.integers(0, 10_000), st.integers(1, 30), st.sampled_from([1.0, 1e-2, 1e-4]), st.floats(-3, 1))
@settings(max_examples=60, deadline=None)
def test_no_slope_exceeds_the_penalty(seed: int, units: int, alike: float, power: float) -> None:
    products, gradient, w = quadratic(seed, units, alike)
    penalty = 10.0**power
    u = feature_sign(products, gradient, w, penalty)
    slope = gradient + products @ (u - w)
    kept = u != 0
    np.testing.assert_allclose(slope[kept], -penalty * np.sign(u[kept]), rtol=0, atol=2e-6 * penalty)
    assert (np.abs(slope[~kept]) <= penalty * (1 + 2e-6)).all()


@pytest.mark.parametrize("seed", range(4))
def test_it_finds_what_coordinate_descent_finds(seed: int) -> None:
    draw = np.random.default_rng(seed)
    x, y = draw.normal(size=(200, 12)), draw.normal(size=200)
    oracle = Lasso(alpha=0.05, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(x, y)
    found = feature_sign(x.T @ x / 200, -x.T @ y / 200, np.zeros(12), 0.05)
    np.testing.assert_allclose(found, oracle.coef_, atol=1e-6)


def test_no_other_point_is_lower() -> None:
    products, gradient, w = quadratic(5, 9, 1e-2)
    found = feature_sign(products, gradient, w, 0.1)
    lowest = objective(products, gradient, w, 0.1, found)
    draw = np.random.default_rng(0)
    for scale in (1e-4, 1e-2, 1.0):
        for _ in range(200):
            other = found + scale * draw.normal(size=9) * (draw.random(9) < 0.5)
            assert objective(products, gradient, w, 0.1, other) >= lowest - 1e-12 * abs(lowest)


def test_a_penalty_above_every_slope_leaves_nothing() -> None:
    products, gradient, _ = quadratic(1, 6, 1.0)
    found = feature_sign(products, gradient, np.zeros(6), float(np.abs(gradient).max()) * 1.001)
    assert not found.any()


def test_products_that_rounding_left_indefinite_are_no_error() -> None:
    draw = np.random.default_rng(3)
    x = np.tanh(draw.normal(size=(4000, 4)) @ draw.normal(size=(4, 60))).astype(np.float16).astype(np.float32)
    x -= x.mean(axis=0)
    products = (x.T @ x).astype(np.float64) / len(x)
    values, vectors = np.linalg.eigh(products)
    products -= vectors @ np.diag(np.where(values < 1e-3 * values[-1], values + 1e-7, 0)) @ vectors.T
    assert np.linalg.eigvalsh(products)[0] < 0
    gradient = products @ draw.normal(size=60)
    found = feature_sign(products, gradient, np.zeros(60), 1e-6)
    assert np.isfinite(found).all()
    assert objective(products, gradient, np.zeros(60), 1e-6, found) < 0
