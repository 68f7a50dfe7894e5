"""Recurrent Cascade-Correlation: the compiled passes against the plain equations, those against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from naibu.data.generated import legal_first, reber_sets
from naibu.data.generated.reber import LETTERS
from naibu.errors import OptionError
from naibu.online.recurrent import cascade_passes, plain_cascade
from naibu.online.recurrent.cascade import Cascade, Patterns, Quickprop, cascade_trials, grown
from naibu.online.recurrent.reber_trials import StringSets
from trial_listeners import Heard, slopes

STRINGS = ["BTBTXSETE", "BPBPVVEPE", "BTBTSSXXTVVETE"]


@pytest.fixture
def patterns() -> Patterns:
    """Three strings, and what two hidden units do after each symbol."""
    given = Patterns.of(STRINGS, "next", 2)
    rng = np.random.default_rng(4)
    for place in (8, 9):
        cascade_passes.unit_values(given.values, given.begins, rng.uniform(-2, 2, place + 1), 0.5, place)
    return given


def strings_of(given: Patterns, sources: int) -> list[np.ndarray]:
    return np.split(given.values[:, :sources], np.flatnonzero(given.begins)[1:])


def test_patterns_are_the_strings(patterns):
    assert [len(x) for x in strings_of(patterns, 8)] == [len(string) - 1 for string in STRINGS]
    shown = "".join(LETTERS[symbol] for symbol in patterns.values[:, 1:8].argmax(1))
    assert shown == "".join(string[:-1] for string in STRINGS)
    followed = "".join(LETTERS[symbol] for symbol in patterns.target.argmax(1))
    assert followed == "".join(string[1:] for string in STRINGS)


def test_hidden_units_are_the_plain_ones(patterns):
    w = np.random.default_rng(5).uniform(-2, 2, 10)
    cascade_passes.unit_values(patterns.values, patterns.begins, w, 0.3, 9)
    expected = np.concatenate([plain_cascade.candidate_values(w, x, 0.3)[0] for x in strings_of(patterns, 9)])
    assert np.allclose(patterns.values[:, 9], expected, atol=1e-12)


def test_candidates_climb_the_slope_of_their_score(patterns):
    rng = np.random.default_rng(6)
    w, errors = rng.uniform(-2, 2, 11), rng.normal(size=(len(patterns.values), 7))
    given = strings_of(patterns, 10), errors, 0.5

    def score(w: np.ndarray) -> float:
        return float(np.abs(plain_cascade.covariances(w, *given)).sum())

    signs = np.sign(plain_cascade.covariances(w, *given))
    assert np.allclose(plain_cascade.score_slopes(w, *given, signs), slopes(score, w), atol=1e-6)


def test_outputs_go_down_the_slope_of_the_error(patterns):
    w = np.random.default_rng(7).uniform(-1, 1, (7, 10))

    def error(w: np.ndarray) -> float:
        return plain_cascade.output_errors(w, patterns.values, patterns.target, 0.0)[2] / 2

    found = plain_cascade.output_errors(w, patterns.values, patterns.target, 0.0)[1]
    assert np.allclose(found, slopes(error, w), atol=1e-6)


def plain_quickprop(w: np.ndarray, step: np.ndarray, before: np.ndarray, s: np.ndarray, *rule: float) -> None:
    for place in np.ndindex(w.shape):
        step[place] = plain_cascade.quickprop_step(s[place], before[place], step[place], *rule)
    before[:] = s
    w += step


def test_candidates_are_trained_as_the_plain_ones(patterns):
    rng = np.random.default_rng(8)
    first, errors = rng.uniform(-1, 1, (3, 11)), rng.normal(size=(len(patterns.values), 7))
    errors -= errors.mean(axis=0)
    found, found_rooms = first.copy(), [np.zeros((3, 11)) for _ in range(3)]
    expected, rooms = first.copy(), [np.zeros((3, 11)) for _ in range(2)]
    covariances = np.zeros((3, 7))
    arguments = patterns.values, patterns.begins, errors
    cascade_passes.candidate_pass(*arguments, found, 0.5, covariances, np.zeros((3, 11)))  # the signs
    before = covariances.copy()
    for _ in range(10):
        cascade_passes.candidate_pass(*arguments, found, 0.5, covariances, found_rooms[2])
        cascade_passes.quickprop(found, *found_rooms, 0.01, 0.0, 2.0)
        x, signs = strings_of(patterns, 10), np.sign(before)
        before = np.array([plain_cascade.covariances(w, x, errors, 0.5) for w in expected])
        assert np.allclose(covariances, before)
        uphill = np.array(
            [plain_cascade.score_slopes(w, x, errors, 0.5, sign) for w, sign in zip(expected, signs, strict=True)]
        )
        plain_quickprop(expected, *rooms, -uphill, 0.01, 2.0)
        assert np.allclose(found, expected, atol=1e-9)
    assert np.abs(found - first).max() > 0.1


def test_outputs_are_trained_as_the_plain_ones(patterns):
    first = np.random.default_rng(9).uniform(-1, 1, (7, 10))
    found, found_rooms = first.copy(), [np.zeros((7, 10)) for _ in range(3)]
    expected, rooms = first.copy(), [np.zeros((7, 10)) for _ in range(2)]
    errors = np.zeros_like(patterns.target)
    for _ in range(20):
        squared, _ = cascade_passes.output_pass(patterns.values, patterns.target, found, 0.1, errors, found_rooms[2])
        cascade_passes.quickprop(found, *found_rooms, 0.02, 0.01, 1.75)
        wanted, downhill, total = plain_cascade.output_errors(expected, patterns.values, patterns.target, 0.1)
        assert np.isclose(squared, total)
        assert np.allclose(errors, wanted)
        plain_quickprop(expected, *rooms, downhill + 0.01 * expected, 0.02, 1.75)
        assert np.allclose(found, expected, atol=1e-9)
    assert np.abs(found - first).max() > 0.1


@pytest.mark.parametrize(
    ("slope", "before", "step", "expected"),
    [
        (6.0, 0.0, 0.0, -0.1 * 6.0),  # the first step: down the slope
        (1.2, 6.0, -2.4, -2.4 * 1.2 / 4.8 - 0.1 * 1.2),  # to the lowest point of the parabola, and down the slope
        (-1.2, 6.0, -2.4, 2.4 * 1.2 / 7.2),  # back to it: nothing is added
        (5.0, 6.0, -2.4, -4.8 - 0.1 * 5.0),  # the parabola's lowest point is too far
        (7.0, 6.0, -2.4, -4.8 - 0.1 * 7.0),  # there is none
        (-7.0, -6.0, 2.4, 4.8 + 0.1 * 7.0),  # the same, mirrored
    ],
)
def test_quickprop_by_hand(slope, before, step, expected):
    w, d, p, s = (np.array([[value]]) for value in (1.0, step, before, slope))
    cascade_passes.quickprop(w, d, p, s, 0.1, 0.0, 2.0)
    assert (w[0, 0], d[0, 0], p[0, 0], s[0, 0]) == pytest.approx((1 + expected, expected, slope, 0.0))
    assert plain_cascade.quickprop_step(slope, before, step, 0.1, 2.0) == pytest.approx(expected)


def test_cascade_fails_where_a_legal_output_is_not_first(patterns):
    rng, seen = np.random.default_rng(1), []
    for _ in range(30):
        values, w = rng.normal(size=(2, 10)), rng.normal(size=(7, 10))
        legal = np.ones((2, 7))
        legal[0, rng.integers(7)] = 0
        first = legal_first(values @ w.T, legal > 0).all()
        seen.append(cascade_passes.fails(values, legal, w))
        assert seen[-1] == (not first)
    assert {True, False} == set(seen)


def test_cascade_trials_depend_on_their_number_alone():
    sets = [StringSets(*reber_sets(seed, 30)) for seed in (1, 2)]
    heard = Heard()
    found = cascade_trials(Cascade(), sets, [9, 10, 11], seed=3, cap=3000, listener=heard)
    assert heard.numbers == [9, 10, 11]
    assert heard.sequences == sum(trial.sequences for trial in found) == 9000
    assert cascade_trials(Cascade(), sets, [10], seed=3, cap=3000) == [found[1]]
    assert found[1].curve != found[2].curve
    assert not any(trial.solved for trial in found)
    with pytest.raises(OptionError, match="cap 29"):
        cascade_trials(Cascade(), sets, [10], seed=3, cap=29)


def test_cascade_grows_until_it_has_learnt():
    """One string: foretold with the help of units that tell its three T from each other."""
    strings = StringSets(["BTBTXSETE"], ["BTBTXSETE"])
    network = grown(Cascade(target="legal"), strings, np.random.default_rng(0), 4000)
    assert network.solved
    assert network.hidden
    assert network.output.shape == (7, 8 + len(network.hidden))
    y = network.judged.values[:, : network.output.shape[1]] @ network.output.T
    assert legal_first(y, network.judged.target > 0).all()
    assert network.passes < 4000
    with pytest.raises(OptionError, match="pool 0"):
        Cascade(pool=0)


def test_cascade_ends_when_nothing_changes():
    strings = StringSets(*reber_sets(1, 30))
    rule = Quickprop(0.0, patience=3)  # a rate of 0: the error stays, and the candidates' covariances do
    network = grown(Cascade(outputs=rule, candidates=rule, most=2), strings, np.random.default_rng(0), 4000)
    assert network.passes == 3 * 4 + 2 * 4
    assert len(network.hidden) == 2
