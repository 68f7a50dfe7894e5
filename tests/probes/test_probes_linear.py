"""Least squares, Lasso and L1 logistic regression against scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression
from sklearn.metrics import r2_score

import fake_results as fake
from fake_recording import FakeLabel, FakeRecording, fake_recording
from naibu.errors import OptionError, StoredError
from naibu.probes import codes, gram, tables
from naibu.probes.l1_logistic import Problem, solve_path
from naibu.probes.l1_path import l1_path
from naibu.probes.monotone import _curve, along
from naibu.probes.regression import least_squares, regression
from naibu.probes.resampling import r2, r2_columns
from naibu.probes.results import Regression
from naibu.reporting.plots.probing import plot_curve
from resealed import without_seal

CELL = ("lstm.0", "cell")


@pytest.fixture(scope="module")
def recording() -> FakeRecording:
    return fake_recording()


def data(recording: FakeRecording, label: str, split: int) -> tuple[np.ndarray, np.ndarray]:
    y = recording.index.label(label).values
    rows = (recording.index.split == split) & ~np.isnan(y)
    return recording.arrays[CELL][rows].astype(np.float64), y[rows]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("products", ["float64", "float32"])
def test_regression_agrees_with_scikit_learn(monkeypatch: pytest.MonkeyPatch, dtype: type, products: str) -> None:
    if products == "float32":
        monkeypatch.setattr(gram, "EXACT_BELOW", 0)
    recording = fake_recording(dtype=dtype)
    result = regression(recording, "gaps", CELL)
    x, y = data(recording, "gaps", 0)
    x_test, y_test = data(recording, "gaps", 2)
    linear, lasso, single = result.models[:3]
    oracle = LinearRegression().fit(x[:, 1:], y)
    np.testing.assert_allclose(linear.weights, oracle.coef_, atol=1e-4)
    assert linear.units.tolist() == list(range(1, 12))  # unit 0 never changes
    assert linear.r2.test.value == pytest.approx(r2_score(y_test, oracle.predict(x_test[:, 1:])), abs=1e-6)
    assert lasso.alpha is not None
    other = Lasso(alpha=lasso.alpha, tol=1e-10, max_iter=100_000).fit(x, y)
    np.testing.assert_array_equal(lasso.units, np.flatnonzero(other.coef_))
    np.testing.assert_allclose(lasso.weights, other.coef_[lasso.units], atol=2e-4)
    assert lasso.intercept == pytest.approx(other.intercept_, abs=1e-3)
    assert lasso.r2.test.value == pytest.approx(r2_score(y_test, other.predict(x_test)), abs=1e-4)
    line = LinearRegression().fit(x[:, [3]], y)
    assert single.units.tolist() == [3]
    assert single.weights[0] == pytest.approx(line.coef_[0], rel=1e-4)
    assert single.r2.test.value == pytest.approx(r2_score(y_test, line.predict(x_test[:, [3]])), abs=1e-6)
    assert single.r.test.value == pytest.approx(np.corrcoef(x_test[:, 3], y_test)[0, 1] * -1, abs=1e-6)


def test_held_out_r2_and_the_sparsest_within(recording: FakeRecording) -> None:
    result = regression(recording, "depth", CELL, resamples=20)
    lasso = result.models[1]
    chosen = int(np.flatnonzero(result.alphas == lasso.alpha)[0])
    assert (result.held_r2[:chosen] < result.held_r2.max() - 0.01).all()
    assert result.held_r2[chosen] >= result.held_r2.max() - 0.01
    assert len(lasso.units) < len(result.models[0].units)
    assert np.all(np.diff(result.alphas) < 0)


def test_alike_units_and_more_units_than_tokens() -> None:
    recording = fake_recording(sequences=6, units=400)
    cell = recording.arrays[CELL].copy()
    cell[:, 7] = cell[:, 3]
    result = regression(replace(recording, arrays={CELL: cell}), "depth", CELL, resamples=20)
    assert all(np.isfinite(m.weights).all() for m in result.models)


def test_gram_of_units_far_from_zero() -> None:
    """Centring keeps what float32 products would lose when the mean is a thousand deviations away."""
    recording = fake_recording(dtype=np.float32)
    cell = recording.arrays[CELL] + np.float32(300)
    far = replace(recording, arrays={CELL: cell})
    y = recording.index.label("depth").values
    rows = recording.index.split == 0
    whole, none = gram.grams(far, CELL, [y], rows, np.zeros(recording.tokens, bool))
    assert none.n == 0
    oracle = LinearRegression().fit(cell[rows].astype(np.float64)[:, 1:], y[rows])
    np.testing.assert_allclose(least_squares(whole, 0)[1:], oracle.coef_, atol=1e-3)
    x = cell[rows].astype(np.float64)
    weights = least_squares(whole, 0)
    error = ((y[rows] - x @ weights - whole.intercept(0, weights)) ** 2).sum()
    assert whole.squared_error(0, weights, whole.intercept(0, weights)) == pytest.approx(error, rel=1e-6)


@given(st.integers(0, 10_000), st.floats(-50, 50))
@settings(max_examples=30, deadline=None)
def test_r2_is_scikit_learns(seed: int, offset: float) -> None:
    draw = np.random.default_rng(seed)
    y = draw.normal(size=30) + offset
    guess = y + draw.normal(size=30)
    sums = np.stack(r2_columns(guess, y), axis=1).sum(axis=0)
    assert r2(sums) == pytest.approx(r2_score(y, guess), abs=1e-9)


def test_regression_controls_and_leak_guard(recording: FakeRecording) -> None:
    result = regression(recording, "depth", CELL, untrained=fake_recording(knows=False), resamples=20)
    for m in result.models:
        for control in (m.r2_controls.untrained, m.r2_controls.random_label):
            assert control is not None
            assert control.test.value < 0.05 < m.r2.test.value
        assert m.r2_controls.position is not None
        assert 0.02 < m.r2_controls.position.test.value < 0.9
    values = recording.index.label("depth").values.copy()
    test = recording.index.split == 2
    values[test] = np.random.default_rng(0).permutation(values[test])
    other = regression(recording.with_labels(depth=FakeLabel(values)), "depth", CELL, resamples=20)
    for a, b in zip(result.models, other.models, strict=True):
        np.testing.assert_array_equal(a.weights, b.weights)
        assert b.r2.test.value < 0.05


def logistic_data(seed: int, rows: int = 1500, units: int = 25) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    shared = draw.normal(size=(rows, 5))
    x = np.tanh(
        shared @ draw.normal(size=(5, units)) * 0.5 + 0.4 * draw.normal(size=(rows, units)) + draw.normal(size=units)
    )
    y = (shared[:, 0] + 0.5 * shared[:, 1] ** 2 + 0.2 * draw.normal(size=rows) > 0.8).astype(np.float64)
    return x.astype(np.float32), y


def objective(x: np.ndarray, y: np.ndarray, w: np.ndarray, b: float, strength: float) -> float:
    z = x.astype(np.float64) @ w + b
    return float(np.abs(w).sum() + strength * (np.logaddexp(0, z) - y * z).sum())


@pytest.mark.parametrize("seed", [0, 1])
def test_l1_solver_reaches_scikit_learns_objective(seed: int) -> None:
    x, y = logistic_data(seed)
    problem = Problem(np.ascontiguousarray(x.T), y)
    first = problem.entering_strength()
    assert np.count_nonzero(solve_path(problem, np.array([first * 0.999]))[0].weights) == 0
    assert np.count_nonzero(solve_path(problem, np.array([first * 1.01]))[0].weights) == 1
    for found in solve_path(problem, first * np.geomspace(1.5, 500, 6)):
        saga = LogisticRegression(
            l1_ratio=1, solver="saga", C=found.strength, tol=1e-9, max_iter=50_000, random_state=0
        )
        saga.fit(x.astype(np.float64), y)
        ours = objective(x, y, found.weights, found.intercept, found.strength)
        theirs = objective(x, y, saga.coef_[0], float(saga.intercept_[0]), found.strength)
        assert abs(ours - theirs) / theirs < 1e-5
        assert found.objective == pytest.approx(ours, rel=1e-6)
        assert -1e-6 < found.gap <= 1e-5


def test_l1_solver_against_liblinear_without_much_penalty_on_the_intercept() -> None:
    x, y = logistic_data(3)
    problem = Problem(np.ascontiguousarray(x.T), y)
    strength = problem.entering_strength() * 30
    found = solve_path(problem, np.array([strength]))[0]
    oracle = LogisticRegression(
        l1_ratio=1, solver="liblinear", C=strength, tol=1e-8, max_iter=10_000, intercept_scaling=1000, random_state=0
    ).fit(x, y)
    theirs = objective(x, y, oracle.coef_[0], float(oracle.intercept_[0]), strength)
    assert found.objective == pytest.approx(theirs, rel=1e-4)
    assert found.objective <= theirs * (1 + 1e-6)


@pytest.mark.parametrize("kind", ["float16", "separable", "alike", "rare"])
def test_l1_solver_on_hard_data(kind: str) -> None:
    """What is reached is certified by the duality gap, for separable data, equal units, rare labels, float16."""
    x, y = logistic_data(5)
    x = np.ascontiguousarray(x.T)
    if kind == "float16":
        x = x.astype(np.float16)
    elif kind == "separable":
        y = (x[3] > 0.2).astype(np.float64)
    elif kind == "alike":
        x[10:20] = x[:10]
        x[20] = 0.5
    else:
        y = np.zeros(len(y))
        y[::300] = 1
    problem = Problem(x, y)
    for found in solve_path(problem, problem.entering_strength() * np.geomspace(1.5, 1000, 5)):
        assert found.gap <= 1e-4, (kind, found)
        exact = objective(x.T, y, found.weights, found.intercept, found.strength)
        assert found.objective == pytest.approx(exact, rel=1e-5)


def test_l1_path_scores_and_controls(recording: FakeRecording) -> None:
    result = l1_path(recording, "inside:X", CELL, untrained=fake_recording(knows=False), resamples=50)
    x, y = data(recording, "inside:X", 2)
    assert len(result.strengths) == 18
    assert result.standardised
    assert result.n == (recording.index.split == 0).sum()
    assert result.majority.test.value == pytest.approx(max(y.mean(), 1 - y.mean()))
    for row in result.strengths:
        said = x[:, row.units] @ row.weights + row.intercept > 0
        assert row.accuracy.test.value == pytest.approx((said == y).mean(), abs=1e-9)
        assert row.nonzero >= 1
    middle = result.strengths[8]
    assert 5 in middle.units
    assert middle.accuracy.test.value > 0.97
    assert middle.controls.untrained is not None
    assert middle.controls.random_label is not None
    assert middle.controls.untrained.test.value < result.majority.test.value + 0.1
    assert middle.controls.random_label.test.value < 0.75
    assert result.strengths[0].controls.untrained is None
    assert all(row.controls.position is not None for row in result.strengths)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_standardised_l1_is_l1_of_standardised_units(dtype: type) -> None:
    x, y = logistic_data(3)
    x[:, 4] *= 30
    x[:, 7] = 5.0
    x = x.astype(dtype)
    problem = Problem(np.ascontiguousarray(x.T), y, standardise=True)
    wide = x.astype(np.float64)
    deviation = np.where(np.arange(25) == 7, 1.0, wide.std(axis=0))
    z = (wide - wide.mean(axis=0)) / deviation
    for found in solve_path(problem, problem.entering_strength() * np.array([2.0, 20.0, 200.0])):
        standard = found.weights * deviation
        exact = objective(z, y, standard, found.intercept + float(wide.mean(axis=0) @ found.weights), found.strength)
        assert found.weights[7] == 0
        assert found.objective == pytest.approx(exact, rel=1e-4)
        other = LogisticRegression(solver="saga", l1_ratio=1.0, C=found.strength, tol=1e-8, max_iter=20_000)
        other.fit(z, y)
        best = objective(z, y, other.coef_[0], float(other.intercept_[0]), found.strength)
        assert found.objective <= best * (1 + 2e-5)


def test_units_chosen_by_l1_are_fitted_again_without_it(recording: FakeRecording) -> None:
    result = l1_path(recording, "inside:X", CELL, strengths=(0.002, 0.005), resamples=20)
    x, y = data(recording, "inside:X", 0)
    x_test, y_test = data(recording, "inside:X", 2)
    for row in result.strengths:
        assert row.refitted is not None
        other = LogisticRegression(C=np.inf, max_iter=5000).fit(x[:, row.units], y)
        right = (other.predict(x_test[:, row.units]) == y_test).mean()
        assert row.refitted.test.value == pytest.approx(right, abs=0.01)
        assert row.of_units is row.refitted
    strong, weak = result.strengths
    assert strong.nonzero <= weak.nonzero
    assert strong.refitted.test.value > strong.accuracy.test.value


def test_a_unit_that_moves_little_is_chosen_only_if_units_are_standardised() -> None:
    recording = fake_recording()
    inside = recording.index.label("inside:X").values
    cell = recording.arrays[CELL].copy()
    noise = np.random.default_rng(5).normal(size=len(inside))
    cell[:, 3] = 0.01 * inside  # tells all
    cell[:, 8] = 20 * (inside + noise)  # tells little
    planted = FakeRecording(recording.index, {**recording.arrays, CELL: cell})
    standard, raw = (l1_path(planted, "inside:X", CELL, standardise=choice, resamples=20) for choice in (True, False))
    assert 3 in standard.strengths[0].units
    assert standard.strengths[0].refitted.test.value == 1
    assert 3 not in raw.strengths[0].units
    assert not raw.standardised


def test_l1_path_options(recording: FakeRecording) -> None:
    result = l1_path(recording, "inside:X", CELL, strengths=(0.1, 0.001), most_rows=500, resamples=20)
    assert [row.strength for row in result.strengths] == [0.001, 0.1]
    assert 300 < result.n <= 500
    with pytest.raises(OptionError, match="above 0"):
        l1_path(recording, "inside:X", CELL, strengths=(0.0,))
    with pytest.raises(OptionError, match="exactly two"):
        l1_path(recording, "depth", CELL)
    with pytest.raises(OptionError, match="not in this recording"):
        l1_path(recording, "inside:X", ("lstm.7", "cell"))


def test_rising_curves_agree_with_scikit_learn_and_an_s_shaped_unit_is_straightened() -> None:
    recording = fake_recording()
    depth = recording.index.label("depth").values
    cell = recording.arrays[CELL].copy()
    noise = np.random.default_rng(2).normal(size=len(depth))
    cell[:, 7] = -np.tanh(0.5 * depth - 1.5 + 0.05 * noise)  # falls as depth rises, and bends
    cell[:, [3, 5, 6]] = 0.1 * cell[:, [1, 2, 4]]
    recording = replace(recording, arrays={CELL: cell})
    result = regression(recording, "gaps", CELL, resamples=50)
    x, y = data(recording, "gaps", 0)
    x_test, y_test = data(recording, "gaps", 2)
    linear, _, single, one, of_all = result.models
    assert [m.name for m in result.models] == ["linear", "lasso", "single", "monotone", "monotone of all"]
    assert one.units.tolist() == [7]
    assert one.weights.tolist() == [-1.0]
    oracle = IsotonicRegression(out_of_bounds="clip").fit(-x[:, 7], y)
    assert one.r2.test.value == pytest.approx(r2_score(y_test, oracle.predict(-x_test[:, 7])), abs=1e-9)
    assert one.curve is not None
    assert (np.diff(one.curve.x) > 0).all()
    assert (np.diff(one.curve.y) >= 0).all()
    line = LinearRegression().fit(x[:, [7]], y)
    assert one.gain is not None
    gain = one.r2.test.value - r2_score(y_test, line.predict(x_test[:, [7]]))
    assert one.gain.test.value == pytest.approx(gain, abs=1e-6)
    assert one.gain.test.low > 0.05
    assert single.gain is None
    fitted, said = (z[:, linear.units] @ linear.weights + linear.intercept for z in (x, x_test))
    all_units = IsotonicRegression(out_of_bounds="clip").fit(fitted, y)
    assert of_all.r2.test.value == pytest.approx(r2_score(y_test, all_units.predict(said)), abs=2e-3)
    np.testing.assert_array_equal(of_all.units, linear.units)
    assert "in a line that bends" in _regressed(result)
    assert plot_curve(result).get_lines()[0].get_xdata() == pytest.approx(-one.curve.x)


def test_a_straight_unit_is_not_said_to_bend(recording: FakeRecording) -> None:
    depth = recording.index.label("depth").values
    cell = recording.arrays[CELL].copy()
    cell[:, 3] = depth + 0.3 * np.random.default_rng(0).normal(size=len(depth))
    result = regression(replace(recording, arrays={CELL: cell}), "depth", CELL, resamples=100)
    one = result.models[3]
    assert one.gain is not None
    assert abs(one.gain.test.value) < 0.01
    even = replace(one.gain.test, low=-0.01, high=0.01)
    level = replace(one.gain, test=even, unseen=even)
    flat = replace(result, models=(*result.models[:3], replace(one, gain=level), result.models[4]))
    assert "That it bends along unit 3 of the cell is not shown" in _regressed(flat)


def _regressed(result: Regression) -> str:
    return fake.bare().having({"regression-phrase": result}).section("regression-phrase").says


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_curve_from_sums_is_the_best_rising_one(seed: int) -> None:
    draw = np.random.default_rng(seed)
    x = draw.integers(-6, 7, 80).astype(np.float16)
    y = draw.normal(size=80) + 0.1 * x
    count, sums = codes.tables(x.view(np.uint16), y[None])
    curve = _curve(count, sums[0])
    oracle = IsotonicRegression(out_of_bounds="clip").fit(x.astype(np.float64), y)
    wide = np.linspace(-9, 9, 50)
    np.testing.assert_allclose(along(curve, wide), oracle.predict(wide), atol=1e-9)


def test_results_stored_before_there_were_curves_are_read(recording: FakeRecording, tmp_path: Path) -> None:
    result = regression(recording, "depth", CELL, resamples=10)
    old = replace(result, models=tuple(replace(m, curve=None, gain=None) for m in result.models[:3]))
    tables.save(old, tmp_path, "old")

    def former(stored: dict[str, Any]) -> None:
        for model in stored["value"]["models"]:
            del model["curve"], model["gain"]

    without_seal(tmp_path / "old.json", former)
    found = tables.load(Regression, tmp_path, "old")
    assert [m.name for m in found.models] == ["linear", "lasso", "single"]
    assert all(m.curve is None and m.gain is None for m in found.models)
    assert found.rows() == old.rows()
    assert "bends" not in _regressed(found)
    without_seal(tmp_path / "old.json", lambda stored: stored["value"]["models"][0].pop("weights"))
    with pytest.raises(StoredError, match="damaged"):
        tables.load(Regression, tmp_path, "old")
    tables.save(result, tmp_path, "new")
    assert tables.load(Regression, tmp_path, "new").rows() == result.rows()
