"""Endless streams of embedded Reber strings: the compiled learner against float64, and what a trial's figures mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from naibu.cells.kernels.vector import LANES
from naibu.data.generated.continual_reber import ContinualReber, step
from naibu.data.generated.random import streams
from naibu.data.generated.reber import LEGAL, LETTERS
from naibu.errors import OptionError
from naibu.online.blocks.network import Learning
from naibu.online.blocks.plain import PlainLSTM
from naibu.online.continual.kernel import IDLE, PHASE, STEPS, TRAINED
from naibu.online.continual.trials import Streams, _Lanes, gers_network, run_streams
from naibu.online.trials import Trial

STANDARD = gers_network(forget_gate=False)
ANYTHING = Streams(limit=1.01)
"""No output is ever wrong."""
VARIANTS = {
    "forget gates": Streams(),
    "rate falls": Streams(rate_decay=0.99),
    "1997": Streams(STANDARD),
    "1997, reset from outside": Streams(STANDARD, reset=True),
    "1997, states fall": Streams(STANDARD, state_decay=0.9),
    "next symbol, squares": Streams(target="next", measure="squares", limit=0.98),
    "order, no derivative": Streams(
        target="next", measure="order", learning=Learning(0.1, update="step", output_derivative=False)
    ),
    "learn next, judge by legal": Streams(target="next", against="legal", limit=0.7),
    "peepholes": Streams(replace(gers_network(), peepholes=True)),
}


class Twin:
    """One trial in float64: the plain cell, and the rules of streams and tests written out once more."""

    def __init__(self, asked: Streams, seed: int, trial: int, cap: int) -> None:
        self.asked, self.cap = asked, cap
        self.net = PlainLSTM(asked.built, asked.learning, asked.weights(seed, trial).of(0))
        self.net.there = asked.connected()
        self.random = {name: streams(seed, name, [trial]) for name in ("training", "test")}
        self.trained = self.steps = 0

    def wrong(self, y: Any, following: int, node: int) -> bool:
        asked = self.asked
        wanted = {"next": np.eye(len(LETTERS))[following], "legal": LEGAL[node].astype(float)}
        self.target = wanted[asked.target]
        miss = wanted[asked.against or asked.target] - y
        if asked.measure == "largest":
            return bool(np.abs(miss).max() >= asked.limit)
        if asked.measure == "squares":
            return bool((miss**2).sum() >= asked.limit)
        return bool(y[LEGAL[node]].min() <= y[~LEGAL[node]].max())

    def stream(self, purpose: str, room: int) -> tuple[int, bool]:
        """Go through a stream, of `room` steps at most; return its steps and whether it ended with a mistake."""
        place, rate = ContinualReber().places(1), self.asked.learning.rate
        self.net.begin()
        for count in range(1, min(room, self.asked.longest) + 1):
            symbol, node = step(self.random[purpose], 0, place)
            wrong = self.wrong(self.net.step(np.eye(len(LETTERS))[symbol]), place[0, 0], node)
            if purpose == "training":
                self.net.carry()
                self.net.learning = replace(self.asked.learning, rate=rate)
                self.net.change(self.net.gradient(self.target))
                rate *= self.asked.rate_decay
            if wrong:
                return count, True
            if self.asked.reset and node == 0:
                self.net.begin()
        return count, False

    def test(self, whole: bool) -> tuple[int, int, int]:
        """Return test streams, mistakes in them, steps before; not `whole`: up to the first mistake."""
        tested = wrong = right = 0
        while tested < self.asked.tests and (whole or not wrong):
            steps, mistake = self.stream("test", self.asked.longest)
            tested, wrong, right = tested + 1, wrong + mistake, right + steps - mistake
        return tested, wrong, right

    def run(self, most_steps: int) -> tuple[int, int, int, int, int]:
        while True:
            self.steps += self.stream("training", most_steps - self.steps)[0]
            self.trained += 1
            tested, wrong, right = self.test(False)
            over = self.trained == self.cap or self.steps == most_steps
            if wrong and over:
                tested, wrong, right = self.test(True)
            if over or not wrong:
                return self.trained, self.steps, tested, wrong, right


def test_the_network_has_the_published_number_of_weights():
    assert gers_network().weights == 424
    assert STANDARD.weights == 424 - 4 * 16


@pytest.mark.parametrize("asked", VARIANTS.values(), ids=VARIANTS.keys())
def test_every_kind_agrees_with_float64(asked):
    asked = replace(asked, longest=60, tests=3)
    number, cap, most_steps = 2, 40, 700
    lanes = _Lanes(asked, 5, cap, most_steps)
    for lane in range(3):
        lanes.begin(lane, lane)
    while lanes.lanes[PHASE, number] != IDLE:
        lanes.step(50)
    twin = Twin(asked, 5, number, cap)
    result = twin.run(most_steps)
    assert tuple(lanes.lanes[[TRAINED, STEPS, 4, 5, 6], number]) == result
    assert result[0] > 5, "streams began anew"
    first = asked.weights(5, number)
    for name, mine in twin.net.weights._asdict().items():
        units = len(mine)
        np.testing.assert_allclose(lanes.rooms[name][:units, ..., number], mine, rtol=0, atol=2e-4)
    assert np.abs(twin.net.weights.output - first.output[..., 0]).max() > 0.05, "and something was learnt"


def test_a_held_forget_gate_multiplies_states_and_is_not_learnt():
    asked = Streams(STANDARD, state_decay=0.9, limit=1.01)
    lanes = _Lanes(asked, 1, 5, 10**6)
    lanes.begin(0, 0)
    lanes.step(200)
    forget = slice(2 * STANDARD.blocks, 3 * STANDARD.blocks)
    weights, first = lanes.rooms["hidden"][forget, :, 0], asked.weights(1, 0).hidden[forget, :, 0]
    np.testing.assert_array_equal(weights, first)
    z = lanes.rooms["z"][1, :, 0]
    np.testing.assert_allclose(z[STANDARD.inputs :][forget], 0.9, atol=1e-6)


def test_figures_that_can_be_worked_by_hand():
    """Nothing is wrong: one stream of 50 and a test without a mistake. Everything is: a symbol a stream."""
    perfect = run_streams(replace(ANYTHING, longest=50, tests=3), seed=1, trials=[0], cap=9)[0]
    assert perfect == Trial(0, True, 1, wrong=0, tested=3, steps=50, curve=((1.0, 1 / 50),), length=50.0)
    cut = run_streams(replace(ANYTHING, longest=50, tests=3), seed=1, trials=[0], most_steps=30)[0]
    assert (cut.sequences, cut.steps, cut.length) == (1, 30, 50.0)
    wrong = run_streams(Streams(limit=1e-6), seed=1, trials=[0], cap=7)[0]
    assert wrong == Trial(0, False, 7, wrong=10, tested=10, steps=7, curve=((7.0, 1.0),), length=0.0)


@pytest.mark.parametrize("target", ["next", "legal"])
def test_squared_errors_below_049_would_be_met_by_a_network_that_knows_nothing(target):
    """Why `limit` is not 0.7: outputs of about 0.5, the untrained network's, are always less than that away."""
    asked = Streams(target=target, limit=0.7, longest=300, learning=Learning(0.0, update="step"))
    assert all(trial.solved and trial.sequences == 1 for trial in run_streams(asked, seed=1, trials=range(3)))
    assert not any(trial.solved for trial in run_streams(replace(asked, limit=0.49), seed=1, trials=range(3), cap=20))


def test_a_trial_depends_on_seed_and_number_alone():
    asked = Streams(rate_decay=0.99, longest=500)
    together = run_streams(asked, seed=3, trials=range(LANES + 3), cap=30, portion=70)
    assert [trial.number for trial in together] == list(range(LANES + 3))
    for number in (0, 4, LANES + 2):
        (alone,) = run_streams(asked, seed=3, trials=[number], cap=30, portion=501)
        assert replace(alone, curve=()) == replace(together[number], curve=())
    (other,) = run_streams(asked, seed=4, trials=[4], cap=30)
    assert other.steps != together[4].steps


def test_outputs_that_are_no_numbers_are_mistakes_and_stay_in_their_lane():
    clean = _Lanes(Streams(), 1, 50, 10**6)
    broken = _Lanes(Streams(), 1, 50, 10**6)
    for lanes in (clean, broken):
        for lane in range(2):
            lanes.begin(lane, lane)
    broken.rooms["output"][0, 0, 1] = np.nan
    for lanes in (clean, broken):
        lanes.step(3000)
    assert broken.lanes[PHASE, 1] == IDLE
    assert (broken.lanes[[TRAINED, STEPS], 1] == 50).all(), "each stream ends at its first symbol"
    np.testing.assert_array_equal(broken.rooms["output"][..., 0], clean.rooms["output"][..., 0])
    broken.begin(1, 1)
    clean.begin(1, 1)
    for lanes in (clean, broken):
        lanes.step(1000)
    np.testing.assert_array_equal(broken.rooms["output"], clean.rooms["output"])


def test_the_listener_has_heard_of_finished_trials_when_interrupted():
    class Impatient:
        def __init__(self) -> None:
            self.heard: list[int] = []
            self.streams = 0

        def trained(self, sequences: int) -> None:
            self.streams += sequences

        def finished(self, trial: Trial) -> None:
            self.heard.append(trial.number)
            raise KeyboardInterrupt

        def traced(self, number: int, trace: Any) -> None: ...

    listener = Impatient()
    with pytest.raises(KeyboardInterrupt):
        run_streams(replace(ANYTHING, longest=5), seed=1, trials=[0], listener=listener)
    assert listener.heard == [0]


def test_it_learns():
    """The LSTM of 1997, reset after each string, comes to predict streams of 500 symbols: some of these trials do."""
    asked = Streams(STANDARD, reset=True, longest=500)
    trials = run_streams(asked, seed=1, trials=range(LANES), cap=6000, most_steps=200_000)
    assert sum(trial.solved for trial in trials) >= 2
    assert all(trial.curve[-1][1] < trial.curve[0][1] for trial in trials if trial.solved)
    assert all((trial.length == 500) == trial.solved for trial in trials)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"learning": Learning(0.5)}, "update sequence"),
        ({"network": replace(gers_network(), inputs=3)}, "7 inputs"),
        ({"rate_decay": 0.0}, "above 0"),
        ({"state_decay": 1.5}, "not above 1"),
        ({"state_decay": 0.9}, "forget gates"),
        ({"state_decay": 0.9, "network": replace(STANDARD, peepholes=True)}, "peepholes"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options, words):
    with pytest.raises(OptionError, match=words):
        Streams(**options)
