"""Experiment 2's learners: the compiled ones against their equations, those against finite differences, and counts."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest

from naibu.cells.kernels.vector import LANES, gather, scatter
from naibu.data.generated.random import streams
from naibu.online.long_lag import chunker, one_hidden
from naibu.online.long_lag import distractors as distractors_lstm
from naibu.online.long_lag import net as long_lag_net
from naibu.online.long_lag.chunker import Chunker, ChunkerNet
from naibu.online.long_lag.distractors import DistractorLanes, DistractorNet
from naibu.online.long_lag.lstm import LongLagLSTM
from naibu.online.long_lag.net import LongLagNet
from naibu.online.long_lag.one_hidden import METHODS, OneHidden, OneHiddenLanes
from naibu.online.long_lag.plain import chunker_sequence, distractor_sequence, long_lag_sequence, one_hidden_sequence
from naibu.online.long_lag.symbols import coins, distractors, long_lag, two_sequences
from naibu.online.long_lag.trials import (
    LongLagTrials,
    chunker_trials,
    distractor_trials,
    long_lag_trials,
    one_hidden_trials,
)
from naibu.online.long_lag.until_solved import until_solved

TRIALS = [3, 0, 7]


def of_2a(p, y):
    first = p if y else p - 1
    return [first, *range(p - 1), first]


# Numbers by the lanes' own indices


def test_gather_and_scatter():
    @numba.njit
    def double(address, indices):
        numbers = gather(address, indices)
        scatter(address, indices, numbers + numbers)

    numbers = np.arange(100, dtype=np.float32)
    indices = np.random.default_rng(1).permutation(100)[:LANES].astype(np.int32)
    expected = numbers.copy()
    expected[indices] *= 2
    double(numbers.ctypes.data, indices.ctypes.data)
    assert (numbers == expected).all()


# What is drawn


def test_sequences_of_2a_and_2b():
    symbols = long_lag(streams(1, "data", range(5)), 300, 6, "2a")
    classes = symbols[:, 0] == 6
    for sequence in range(300):
        for lane in range(5):
            assert symbols[sequence, :, lane].tolist() == of_2a(6, classes[sequence, lane])
    assert 0.45 < classes.mean() < 0.55
    symbols = long_lag(streams(1, "data", range(5)), 300, 6, "2b")
    assert (symbols[:, 0] == symbols[:, -1]).all()
    assert set(symbols[:, 0].ravel()) == {5, 6}
    counts = np.bincount(symbols[:, 1:-1].ravel())
    assert len(counts) == 5
    assert np.abs(counts / counts.sum() - 0.2).max() < 0.02


def test_the_two_sequences_of_2a():
    assert two_sequences(6)[..., 0].tolist() == [of_2a(6, 0), of_2a(6, 1)]


def test_classes_of_2a_are_those_of_its_sequences():
    out = np.empty((50, 4), np.float32)
    coins(streams(2, "data", range(4)), out)
    assert (out == (long_lag(streams(2, "data", range(4)), 50, 3, "2a")[:, 0] == 3)).all()


def test_sequences_of_2c():
    p, q = 7, 5
    symbols, start, classes = distractors(streams(1, "data", range(4)), 500, p, q)
    time, lengths = symbols.shape[1], []
    for sequence in range(500):
        for lane in range(4):
            read = symbols[sequence, start[sequence, lane] :, lane]
            assert read[0] == p
            assert read[1] == p + 2 + classes[sequence, lane]
            assert read[-1] == p + 1
            assert (read[2:-1] < p).all()
            assert len(read) >= q + 3
            lengths.append(len(read))
    assert time > max(lengths)
    assert abs(np.mean(lengths) - (q + 12)) < 0.6  # b, x or y, q distractors and 9 more, e


# How many weights there are


def test_weights_are_as_many_as_published():
    assert LongLagNet(p=100).weights == 10504
    assert [OneHidden(p).weights for p in (4, 10, 100)] == [36, 144, 10404]
    assert [DistractorNet(p=p).weights for p in (50, 100, 200, 500, 1000)] == [364, 664, 1264, 3064, 6064]
    assert ChunkerNet(p=100).weights == (10506, 10404)


# The compiled learners against their equations in float64

LSTMS = {
    "as published": {},
    "by sequence": {"update": "sequence"},
    "2b": {"task": "2b"},
    "2b by sequence, at the end": {"task": "2b", "update": "sequence", "taught": "end"},
    "two cells, output gate": {"cells": 2, "output_gate": True, "squash": True, "g_low": -1.0},
    "biases": {"in_gate_bias": -1.0, "output_gate": True, "out_gate_bias": -0.5, "output_bias": True},
    "no f'": {"output_derivative": False, "rate": 0.1},
    "held": {"freeze": True, "cell_rate": 0.3, "in_gate_shift": -1.0, "cell_shift": 0.5, "cell_initial": 0.1},
}


@pytest.mark.parametrize("options", LSTMS.values(), ids=LSTMS)
def test_lstm_of_2a_and_2b_follows_its_equations(options):
    net = LongLagNet(**{"p": 20, "added": "start", "initial": 0.5, **options})
    weights = long_lag_net.initial_weights(net, streams(1, "weights", TRIALS))
    symbols = long_lag(streams(1, "data", TRIALS), 6, net.p, net.task)
    learner = LongLagLSTM(net, weights)
    worst, squared = learner.run(np.arange(3), symbols)
    for trial in range(3):
        plain = weights[trial].copy()
        for sequence in range(6):
            found = long_lag_sequence(net, plain, symbols[sequence, :, trial].tolist())
            assert found.worst == pytest.approx(worst[sequence, trial], abs=1e-4)
            assert found.squared == pytest.approx(squared[sequence, trial], rel=1e-4)
        assert np.abs(plain - weights[trial]).max() > 0.05
        assert np.abs(plain - learner.weights[trial]).max() < 1e-4


def test_lstm_runs_the_chosen_trials_and_the_cells_that_are_there():
    net = LongLagNet(p=5, cells=2)
    weights = long_lag_net.initial_weights(net, streams(1, "weights", range(4)))
    symbols = long_lag(streams(1, "data", range(2)), 3, 5, "2a")
    learner = LongLagLSTM(net, weights)
    learner.active[:] = [0, 1, 2, 1]
    learner.run(np.array([3, 0]), symbols)
    for trial, lane, cells in ((3, 0, 1), (0, 1, 0)):
        plain = weights[trial].copy()
        for sequence in range(3):
            long_lag_sequence(net, plain, symbols[sequence, :, lane].tolist(), cells)
        assert np.abs(plain - learner.weights[trial]).max() < 1e-5
    assert (learner.weights[[1, 2]] == weights[[1, 2]].astype(np.float32)).all()


@pytest.mark.parametrize(
    "options",
    [*({"method": method} for method in METHODS), {"output_derivative": False}, {"reset": False, "rate": 0.5}],
    ids=str,
)
def test_one_hidden_follows_its_equations(options):
    net = OneHidden(**{"p": 7, "initial": 1.0, **options})
    weights = one_hidden.initial_weights(net, streams(1, "weights", TRIALS))
    lanes = OneHiddenLanes(net, weights)
    classes = np.array([[0, 1, 1], [1, 1, 0], [1, 0, 0], [0, 1, 1]], np.float32)
    worst, squared = lanes.run(classes)
    for lane in range(3):
        plain, left = weights[:, lane].copy(), None
        for sequence, y in enumerate(classes[:, lane]):
            found, left = one_hidden_sequence(net, plain, of_2a(7, y), None if net.reset else left)
            assert found.worst == pytest.approx(worst[sequence, lane], abs=1e-5)
            assert found.squared == pytest.approx(squared[sequence, lane], rel=1e-5)
        assert np.abs(plain - weights[:, lane]).max() > 0.1
        assert np.abs(plain - lanes.weights[:, lane]).max() < 1e-5


DISTRACTORS = {
    "as published": {},
    "biases": {"in_gate_bias": (-1.0, -2.0), "out_gate_bias": (0.5, -0.5), "output_bias": True},
    "ranges, no f'": {"g_range": 1.0, "h_range": 2.0, "output_derivative": False},
}


@pytest.mark.parametrize("options", DISTRACTORS.values(), ids=DISTRACTORS)
def test_lstm_of_2c_follows_its_equations(options):
    net = DistractorNet(p=9, q=6, rate=2.0, initial=0.6, **options)
    weights = distractors_lstm.initial_weights(net, streams(1, "weights", TRIALS))
    symbols, start, classes = distractors(streams(1, "data", TRIALS), 5, 9, 6)
    lanes = DistractorLanes(net, weights)
    worst = lanes.run(symbols, start, classes)
    for lane in range(3):
        symbol, unit = weights.symbol[lane].copy(), weights.unit[..., lane].copy()
        output = weights.output[..., lane].copy()
        for sequence in range(5):
            read = symbols[sequence, start[sequence, lane] :, lane].tolist()
            found = distractor_sequence(net, symbol, unit, output, read, int(classes[sequence, lane]))
            assert found == pytest.approx(worst[sequence, lane], abs=1e-5)
        assert np.abs(symbol - weights.symbol[lane]).max() > 0.01
        assert np.abs(symbol - lanes.weights.symbol[lane]).max() < 1e-4
        assert np.abs(unit - lanes.weights.unit[..., lane]).max() < 1e-4
        assert np.abs(output - lanes.weights.output[..., lane]).max() < 1e-4


@pytest.mark.parametrize(("threshold", "derivative"), [(0.4, True), (0.6, True), (0.6, False)])
def test_chunker_follows_its_equations(threshold, derivative):
    net = ChunkerNet(p=6, threshold=threshold, initial=0.5, output_derivative=derivative)
    weights = chunker.initial_weights(net, streams(1, "weights", TRIALS))
    symbols = long_lag(streams(1, "data", TRIALS), 30, 6, "2a")
    learner = Chunker(net, weights)
    worst, squared, surprises = learner.run(np.arange(3), symbols)
    assert surprises.min() < surprises.max()
    for trial in range(3):
        plain = weights[trial].copy()
        for sequence in range(30):
            found, failed = chunker_sequence(net, plain, symbols[sequence, :, trial].tolist())
            assert found.worst == pytest.approx(worst[sequence, trial], abs=1e-4)
            assert found.squared == pytest.approx(squared[sequence, trial], rel=1e-4)
            assert failed == surprises[sequence, trial]
        assert np.abs(plain - learner.weights[trial]).max() < 1e-4


# The equations against finite differences of the error that they lower


def by_differences(error, weights):
    """-dE/dw of every number of an array."""
    slope = np.zeros_like(weights)
    for index in np.ndindex(weights.shape):
        kept = weights[index]
        high, low = (error(weights.__setitem__(index, kept + shift)) for shift in (1e-5, -1e-5))
        weights[index] = kept
        slope[index] = (low - high) / 2e-5
    return slope


@pytest.mark.parametrize("options", [{}, {"output_gate": True, "squash": True, "out_gate_bias": 0.3}], ids=str)
def test_change_by_sequence_is_the_gradient(options):
    net = LongLagNet(p=4, update="sequence", added="start", cells=2, in_gate_bias=0.1, output_bias=True, **options)
    weights = long_lag_net.initial_weights(net, streams(1, "weights", [0]))[0]
    sequence = [4, 1, 1, 0, 4]
    before = weights.copy()
    long_lag_sequence(net, weights, sequence)
    change, held = weights - before, replace(net, rate=0.0)
    expected = by_differences(lambda _: 4 * long_lag_sequence(held, before, sequence).squared / 2, before)
    there = np.ones_like(change, bool)
    there[:, net.symbols + 1 :] = there[: net.symbols, net.symbols :] = False
    there[net.symbols + 1 :, net.symbols] = expected[net.symbols + 1 :, net.symbols] != 0
    assert np.abs(change - expected)[there].max() < 1e-8


@pytest.mark.parametrize("method", ["rtrl by sequence", "bptt"])
def test_rtrl_and_bptt_have_one_gradient(method):
    net = OneHidden(p=5, method=method)
    weights = one_hidden.initial_weights(replace(net, initial=1.0), streams(1, "weights", [0]))[:, 0]
    before = weights.copy()
    one_hidden_sequence(net, weights, of_2a(5, 1))
    held = replace(net, rate=0.0)
    expected = by_differences(lambda _: 5 * one_hidden_sequence(held, before, of_2a(5, 1))[0].squared / 2, before)
    assert np.abs(weights - before - expected).max() < 1e-9
    assert np.abs(expected[-1]) > 1e-6  # the hidden unit's own weight


# Trials

RUNS = {
    "long lag": (long_lag_trials, LongLagNet(p=5, added="start", output_derivative=False, window=20)),
    "2b": (long_lag_trials, LongLagNet(p=4, task="2b", taught="end", output_derivative=False, window=20)),
    "rtrl": (one_hidden_trials, OneHidden(p=3, window=50)),
    "distractors": (distractor_trials, DistractorNet(p=4, q=2, rate=0.5, window=50)),
    "chunker": (chunker_trials, ChunkerNet(p=5, window=50)),
}


@pytest.mark.parametrize(("train", "net"), RUNS.values(), ids=RUNS)
def test_a_trial_depends_on_its_seed_and_number_alone(train, net):
    together = train(net, 5, range(4), 400)
    alone = train(net, 5, [2], 400)[0]
    assert [trial.number for trial in together] == [0, 1, 2, 3]
    assert together[2] == alone
    assert train(net, 6, [2], 400)[0].curve != alone.curve


def test_more_trials_than_lanes():
    net = OneHidden(p=3, window=50)
    trials = one_hidden_trials(net, 5, range(LANES + 2), 100)
    assert [trial.number for trial in trials] == list(range(LANES + 2))
    assert trials[LANES + 1] == one_hidden_trials(net, 5, [LANES + 1], 100)[0]


def test_solved_trials_meet_the_criterion():
    net = LongLagNet(p=20, added="start", output_derivative=False)
    trials = LongLagTrials(net, 3, range(4))
    found = until_solved(trials, range(4), 5000, net.window)
    assert all(trial.solved for trial in found)
    assert len({trial.sequences for trial in found} - {5000}) > 0
    for trial in range(4):
        for y in (0, 1):
            plain = trials.lstm.weights[trial].astype(float)
            assert long_lag_sequence(replace(net, rate=0.0), plain, of_2a(20, y)).worst < 0.25
        assert found[trial].steps == 20 * found[trial].sequences


class Scripted:
    """A learner whose errors and tests are written down."""

    limit = 0.25

    def __init__(self, errors, tests):
        self.errors, self.tests, self.done, self.asked = errors, tests, 0, []

    def train(self, chosen, sequences):
        worst = np.tile(np.array(self.errors[self.done], np.float32)[chosen], (sequences, 1))
        self.done += 1
        return worst, worst

    def trained_steps(self, trial):
        return self.done

    def passes(self, trials):
        self.asked += [(self.done, int(trial)) for trial in trials]
        return np.array(self.tests[self.done - 1])[trials]


class Kept:
    def __init__(self, broken_off=False):
        self.trials, self.sequences, self.broken_off = [], 0, broken_off

    def trained(self, sequences):
        self.sequences += sequences
        if self.broken_off and self.trials:
            raise KeyboardInterrupt

    def finished(self, trial):
        self.trials.append(trial)


def test_a_trial_ends_at_its_criterion_or_at_the_cap():
    errors = [[0.5, 0.5], [0.1, 0.5], [0.1, 0.1], [0.1, 0.1]]
    learner, kept = Scripted(errors, [[True, True], [True, True], [True, False], [True, False]]), Kept()
    found = until_solved(learner, [4, 9], 35, 10, listener=kept)
    assert [(trial.number, trial.solved, trial.sequences) for trial in found] == [(4, True, 20), (9, False, 35)]
    assert learner.asked == [(2, 0), (3, 1), (4, 1)]
    assert kept.trials == found
    assert kept.sequences == 20 * 2 + 15


def test_what_is_finished_is_kept_when_the_rest_is_broken_off():
    learner, kept = Scripted([[0.1, 0.5]] * 4, [[True, True]] * 4), Kept(broken_off=True)
    with pytest.raises(KeyboardInterrupt):
        until_solved(learner, [0, 1], 40, 10, listener=kept)
    assert [trial.number for trial in kept.trials] == [0]


def test_a_cell_comes_when_the_error_has_stopped_falling():
    trials = LongLagTrials(LongLagNet(p=5, stall=0.9, cells=2), 1, range(3))
    trials.lstm.active[:] = 0
    for errors in ([1.0, 1.0, 1.0], [0.8, 0.95, 0.8], [0.7, 0.95, 0.79], [0.6, 0.95, 0.1]):
        trials._add_cells(np.arange(3), np.array(errors))
    assert trials.lstm.active.tolist() == [0, 2, 1]


@pytest.mark.parametrize("options", [{"p": 1}, {"stall": 0.0}, {"cells": 0}, {"out_gate_bias": -1.0}], ids=str)
def test_options_without_a_meaning_are_refused(options):
    with pytest.raises(ValueError, match="must be|needs"):
        LongLagNet(**options)


def test_bptt_needs_a_beginning():
    with pytest.raises(ValueError, match="reset"):
        OneHidden(method="bptt", reset=False)
