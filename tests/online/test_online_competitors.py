"""RTRL and Elman's network, compiled, against their plain float64 twins, weight by weight; the twins against
finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from naibu.cells.kernels.vector import LANES
from naibu.data.generated import EmbeddedReber, legal_first, reber_sets, streams
from naibu.data.generated.reber import LETTERS
from naibu.errors import OptionError
from naibu.online.recurrent import plain
from naibu.online.recurrent.elman import Elman, ElmanNetwork
from naibu.online.recurrent.net import RecurrentLearner, RecurrentNetwork
from naibu.online.recurrent.reber_trials import StringSets, reber_trials, training_library
from naibu.online.recurrent.rtrl import RTRL
from naibu.online.recurrent.streams import Library, Stream, pick, stream_of
from trial_listeners import Heard, slopes

EVERY_LANE = np.ones(LANES, bool)


@pytest.fixture(scope="module")
def library() -> Library:
    return training_library([StringSets(*reber_sets(7, 20)), StringSets(*reber_sets(8, 20))], "next")


def lanes_picks(library: Library, strings: int) -> tuple[Stream, np.ndarray, np.ndarray]:
    """A stream of random strings, of either set, with the last lane empty; which strings; and of which set."""
    rng = np.random.default_rng(3)
    picks = rng.integers(0, library.start.shape[1], (strings, LANES))
    chosen = rng.integers(0, 2, LANES)
    chosen[-1] = -1
    return stream_of(library, 7, picks, chosen), picks, chosen


def sequences_of(library: Library, picks: np.ndarray, chosen: np.ndarray, lane: int) -> list[Any]:
    """What one lane is given, as the plain twins take it."""
    found = []
    for string in picks[:, lane]:
        start = library.start[chosen[lane], string]
        x = np.eye(7)[library.symbols[chosen[lane], string, start:]]
        found.append((x, library.target[chosen[lane], string, start:].astype(float)))
    return found


def begin(learner: Any) -> Any:
    for lane in range(LANES):
        learner.begin(lane, np.random.default_rng([5, lane]))
    return learner


def close(found: np.ndarray, expected: np.ndarray, first: np.ndarray) -> None:
    """float32 sums of some hundred changes of weights; much nearer than the weights have moved."""
    moved = np.abs(expected - first).max()
    assert moved > 0.05
    assert np.abs(found - expected).max() < 2e-5 + 2e-4 * moved


OPTIONS = [{"output_derivative": True}, {"output_derivative": False}]
UPDATES = ["step", "sequence"]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("hidden", [0, 3, 12])
def test_rtrl_is_its_plain_twin(library, options, update, hidden):
    stream, picks, chosen = lanes_picks(library, 6)
    learner = begin(RTRL(RecurrentNetwork(7, 7, hidden, initial=0.9), 0.4, update=update, **options))
    first = learner.weights.copy()
    learner.train(stream, EVERY_LANE)
    for lane in (0, 1, LANES - 2):
        given = sequences_of(library, picks, chosen, lane)
        expected = plain.rtrl(first[..., lane].astype(float), given, 0.4, update=update, **options)
        close(learner.weights[..., lane], expected, first[..., lane])
    assert np.array_equal(learner.weights[..., -1], first[..., -1])  # it was given nothing


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("hidden", [1, 15])
def test_elman_is_its_plain_twin(library, options, update, hidden):
    stream, picks, chosen = lanes_picks(library, 6)
    network = ElmanNetwork(7, 7, hidden, initial=0.9)
    learner = begin(Elman(network, 0.4, update=update, **options))
    first = learner.weights.copy()
    learner.train(stream, EVERY_LANE)
    for lane in (0, 1, LANES - 2):
        parts = np.split(first[:, lane].astype(float), [hidden * network.sources])
        before = plain.ElmanWeights(parts[0].reshape(hidden, -1), parts[1].reshape(7, hidden))
        given = sequences_of(library, picks, chosen, lane)
        after = plain.elman(before, given, 0.4, update=update, **options)
        close(learner.weights[:, lane], np.concatenate([part.ravel() for part in after]), first[:, lane])
    assert np.array_equal(learner.weights[:, -1], first[:, -1])


def test_rtrl_goes_down_the_gradient(library):
    (x, d), *_ = sequences_of(library, *lanes_picks(library, 1)[1:], 0)
    w = RecurrentNetwork(7, 7, 2, initial=1.0).drawn(np.random.default_rng(2))
    change = plain.rtrl(w, [(x, d)], 1.0, update="sequence") - w
    assert np.allclose(change, -slopes(lambda w: plain.recurrent_error(w, x, d), w), atol=1e-8)


def test_elman_goes_down_the_gradient_of_the_step_alone(library):
    (x, d), *_ = sequences_of(library, *lanes_picks(library, 1)[1:], 0)
    rng = np.random.default_rng(2)
    w = plain.ElmanWeights(rng.uniform(-1, 1, (4, 11)), rng.uniform(-1, 1, (7, 4)))
    contexts = [np.zeros(4)]
    for x_t in x:
        contexts.append(plain.elman_step(w, contexts[-1], x_t)[1])
    after = plain.elman(w, [(x, d)], 1.0, update="sequence")

    def error(hidden: np.ndarray, output: np.ndarray) -> float:
        return plain.elman_error(plain.ElmanWeights(hidden, output), np.array(contexts[:-1]), x, d)

    assert np.allclose(after.hidden - w.hidden, -slopes(lambda part: error(part, w.output), w.hidden), atol=1e-8)
    assert np.allclose(after.output - w.output, -slopes(lambda part: error(w.hidden, part), w.output), atol=1e-8)


def test_published_numbers_of_weights():
    assert RecurrentNetwork(7, 7, 3).weights == 170
    assert RecurrentNetwork(7, 7, 12).weights == 494
    assert ElmanNetwork(7, 7, 15).weights == 435
    with pytest.raises(OptionError, match="hidden -1"):
        RecurrentNetwork(7, 7, -1)


def test_picks_are_those_of_the_tape():
    strings = tuple(reber_sets(7, 20)[0])
    task = EmbeddedReber(strings)
    random = streams(0, "embedded Reber", range(3))
    picks = np.zeros((4, 3), np.int64)
    pick(random.copy(), len(strings), picks)
    tape = task.tape(random, 4)
    assert tape.x is not None
    for sequence, lane in np.ndindex(picks.shape):
        x = tape.x[sequence, tape.start[sequence, lane] :, :, lane]
        assert "".join(LETTERS[symbol] for symbol in x.argmax(1)) == strings[picks[sequence, lane]][:-1]


def test_a_stream_holds_the_strings(library):
    stream, picks, chosen = lanes_picks(library, 5)
    for lane in range(LANES - 1):
        there = stream.learn[:, lane] > 0
        given = sequences_of(library, picks, chosen, lane)
        assert np.array_equal(stream.x[there, :, lane], np.concatenate([x for x, _ in given]))
        assert np.array_equal(stream.target[there, :, lane], np.concatenate([d for _, d in given]))
        begins = np.flatnonzero(there & (stream.keep[:, lane] == 0))
        lengths = [len(x) for x, _ in given]
        assert np.array_equal(begins, np.cumsum([0, *lengths[:-1]]))
    assert not stream.learn[:, -1].any()
    assert not stream.keep[-1].any()


def recurrent_outputs(learner: Any, lane: int, x: np.ndarray) -> np.ndarray:
    y, found = np.zeros(learner.network.units), []
    for x_t in x:
        y = plain.f(learner.weights[..., lane].astype(float) @ np.concatenate([y, x_t]))
        found.append(y[:7])
    return np.array(found)


def elman_outputs(learner: Any, lane: int, x: np.ndarray) -> np.ndarray:
    hidden, output = np.split(learner.weights[:, lane].astype(float), [15 * 22])
    w, h, found = plain.ElmanWeights(hidden.reshape(15, 22), output.reshape(7, 15)), np.zeros(15), []
    for x_t in x:
        _, h, o = plain.elman_step(w, h, x_t)
        found.append(o)
    return np.array(found)


@pytest.mark.parametrize(
    ("learner", "outputs"),
    [
        (RecurrentLearner(RecurrentNetwork(7, 7, 12, initial=3.0)), recurrent_outputs),
        (Elman(ElmanNetwork(7, 7, 15, initial=3.0), 0.1), elman_outputs),
    ],
    ids=["recurrent", "elman"],
)
def test_failures_are_those_of_the_outputs(learner, outputs):
    """Strings of three symbols in which all is legal but one symbol at two steps, so that some networks pass."""
    begin(learner)
    rng, seen = np.random.default_rng(1), []
    asked = EVERY_LANE.copy()
    asked[0] = False
    for _ in range(12):
        symbols = rng.integers(0, 7, (1, 2, 3)).astype(np.int32)
        target = np.ones((1, 2, 3, 7), np.float32)
        target[0, 0, 1, rng.integers(7)] = target[0, 1, 2, rng.integers(7)] = 0
        library = Library(np.zeros((1, 2), np.int32), symbols, target)
        picks = np.tile(np.arange(2)[:, None], LANES)
        failed = learner.fails(stream_of(library, 7, picks, np.zeros(LANES, np.int64)), asked)
        assert failed[0]
        for lane in range(1, LANES):
            first = np.array(
                [legal_first(outputs(learner, lane, np.eye(7)[symbols[0, s]]), target[0, s] > 0) for s in (0, 1)]
            )
            assert failed[lane] == (not first.all())
            seen.append(failed[lane])
    assert {True, False} == set(seen)


def test_failures_of_networks_that_follow_a_rule():
    """With weights by which output k is high after symbol s where the test allows it, a network passes; and fails if
    one legal output is lowered."""
    symbols = np.array([[[0, 1, 2]]], np.int32)
    target = np.zeros((1, 1, 3, 7), np.float32)
    legal = {0: [1, 2], 1: [0], 2: [6]}
    for symbol, allowed in legal.items():
        target[0, 0, symbol, allowed] = 1
    stream = stream_of(
        Library(np.zeros((1, 1), np.int32), symbols, target),
        7,
        np.zeros((1, LANES), np.int64),
        np.zeros(LANES, np.int64),
    )
    learner = RecurrentLearner(RecurrentNetwork(7, 7, 0))
    for symbol, allowed in legal.items():
        learner.weights[allowed, 7 + symbol] = 1.0
    assert not learner.fails(stream, EVERY_LANE).any()
    learner.weights[2, 7, 3] = -0.1  # after symbol 0, output 2 of lane 3 falls below the illegal ones
    learner.weights[2, 7, 4] = 0.0  # and that of lane 4 to where they are
    learner.weights[2, 7, 5] = np.nan
    assert np.array_equal(np.flatnonzero(learner.fails(stream, EVERY_LANE)), [3, 4, 5])


@pytest.mark.parametrize(
    "make",
    [
        lambda: RTRL(RecurrentNetwork(7, 7, 2), 0.3),
        lambda: Elman(ElmanNetwork(7, 7, 5), 0.3),
        lambda: Elman(ElmanNetwork(7, 7, 5), 0.3, update="sequence"),
    ],
    ids=["rtrl", "elman", "elman, a sequence"],
)
def test_trials_depend_on_their_number_alone(make):
    sets = [StringSets(*reber_sets(seed, 30)) for seed in (1, 2)]

    def run(numbers: list[int], heard: Heard | None = None) -> dict[int, Any]:
        found = reber_trials(make(), sets, numbers, seed=4, cap=300, per_set=10, listener=heard)
        assert [trial.number for trial in found] == numbers
        return {trial.number: trial for trial in found}

    heard = Heard()
    together = run(list(range(LANES + 3)), heard)  # more than there are lanes: some begin when others have ended
    assert heard.sequences == 300 * (LANES + 3)
    assert sorted(heard.numbers) == list(range(LANES + 3))
    alone = run([LANES + 1, 4])
    assert alone == {number: together[number] for number in (LANES + 1, 4)}
    assert together[4].curve != together[5].curve
    assert all(trial.steps > 300 * 8 and not trial.solved for trial in together.values())


def test_a_short_grammar_is_learnt_by_each():
    """One string: every learner succeeds, and the test sees it."""
    strings = ["BTBTXSETE", "BTBTXSETE"]
    for learner in (
        RTRL(RecurrentNetwork(7, 7, 3), 1.0),
        Elman(ElmanNetwork(7, 7, 10), 1.0),
    ):
        sets = [StringSets(strings, strings)]
        (trial,) = reber_trials(learner, sets, [0], seed=0, cap=4000, target="legal")
        assert trial.solved, type(learner).__name__
        assert 0 < trial.sequences < 4000
    with pytest.raises(OptionError, match="cap 150"):
        reber_trials(learner, sets, [0], seed=0, cap=150)
