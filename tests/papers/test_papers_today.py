"""Today's LSTM on the tasks of 1997: batches, errors and criteria by hand, one step against torch, whole trials."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from naibu.cells.layers import LSTM
from naibu.data.generated.adding import Adding
from naibu.data.generated.embedded_reber import EmbeddedReber
from naibu.data.generated.long_lag import LongLag, LongLagDistractors
from naibu.data.generated.random import streams
from naibu.data.generated.reber import LETTERS, legal_next, reber_sets
from naibu.data.generated.tape import dense_target, dense_x
from naibu.data.generated.two_sequence import TwoSequence
from naibu.errors import OptionError
from naibu.papers.hochreiter1997 import today_criteria as criteria
from naibu.papers.hochreiter1997.rows import all_rows
from naibu.papers.hochreiter1997.today import judge_of, recipe_of, task_of, today
from naibu.papers.hochreiter1997.today_training import (
    Answers,
    Network,
    Recipe,
    Training,
    answers_of,
    chrono_,
    from_zero,
)

ROWS = {row.key: row for row in all_rows() if row.experiment != "continual"}
SMALL = Recipe(units=8, batch=10)
TASKS = {
    "adding": (Adding(22), True),
    "noisy target": (TwoSequence("3c", 22), True),
    "reber": (EmbeddedReber(tuple(reber_sets(1, 20)[0])), False),
    "2a": (LongLag("2a", 5), False),
    "2b": (LongLag("2b", 5), False),
    "2c": (LongLagDistractors(3, 4), False),
}


class Heard:
    """Keeps what a listener is told."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.sequences, self.trials, self.traces, self.stop_after = 0, [], {}, stop_after

    def trained(self, sequences):
        self.sequences += sequences
        if self.sequences >= self.stop_after:
            raise KeyboardInterrupt

    def finished(self, trial):
        self.trials.append(trial)

    def traced(self, number, trace):
        self.traces[number] = trace


def training_of(name, seed=1, number=0, recipe=SMALL):
    task, squared = TASKS[name]
    return Training(task, recipe, squared=squared, seed=seed, number=number)


def small_row(key, **learning):
    """A row with a network of 16 units at a high rate."""
    return replace(ROWS[key], network={"units": 16}, learning={"rate": 0.01, "batch": 20, **learning})


def test_sequences_that_end_together_begin_together():
    steps = np.array([[0, 0, 1, 2], [3, 4, 5, 6], [0, 7, 8, 9]])
    moved = from_zero(steps, np.array([2, 0, 1], np.int32))
    assert moved.T.tolist() == [[1, 2, 2, 2], [3, 4, 5, 6], [7, 8, 9, 9]]
    assert from_zero(steps[[0, 2]], np.array([2, 1], np.int32)).T.tolist() == [[1, 2, 2], [7, 8, 9]]


@pytest.mark.parametrize("name", TASKS)
def test_an_answer_is_what_the_sequence_alone_would_get(name):
    """Neither what stands beside a sequence nor what follows its end has a say; targets stand at their steps."""
    task, _ = TASKS[name]
    model = Network(task, SMALL)
    tape = task.tape(streams(5, name, [0]), 7)
    answers = answers_of(task, tape, slice(1, 6))
    with torch.no_grad():
        together = model(answers.x, answers.place)
        steps = torch.from_numpy(dense_x(task, tape)[..., 0])
        vectors = steps if model.vectors is None else steps @ model.vectors.weight
        clean = dense_target(task, tape) if tape.clean is None else tape.clean
        for sequence in range(1, 6):
            start = int(tape.start[sequence, 0])
            alone = model.output(model.lstm(vectors[sequence, start:, None])[0])[:, 0]
            alone = alone if task.every_step else alone[-1:]
            mine = answers.place % 5 == sequence - 1
            assert torch.allclose(together[mine], alone, atol=1e-6)
            wanted = clean[sequence, start:, :, 0] if task.every_step else clean[sequence, :, :, 0]
            assert np.array_equal(answers.clean[mine], wanted)
            judged = answers.judged[mine]
            assert judged[-1]
            assert int(judged.sum()) == (1 if task.judged_at_end else len(wanted))


def test_errors_by_hand():
    x = torch.zeros(3, 2, 1)
    place = torch.tensor([0, 2, 4, 1, 3])  # sequence 0 after steps 0, 1, 2; sequence 1 after steps 0, 1
    clean = torch.tensor([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    output = torch.tensor([[0.5, 1.0], [0.0, 1.25], [1.0, 0.0], [0.0, 0.0], [1.0, float("nan")]])
    every = Answers(x, place, clean, clean, torch.ones(5, dtype=torch.bool))
    worst, mean = every.errors(output)
    assert worst.tolist() == [0.5, float("inf")]
    assert mean[0] == pytest.approx((0.25 + 0.125) / 3)
    at_end = every._replace(judged=torch.tensor([False, False, True, False, True]))
    assert at_end.errors(output)[0].tolist() == [0.0, float("inf")]


@pytest.mark.parametrize("name", ["adding", "reber"])
def test_a_batch_is_learnt_as_torch_would(name):
    """One step of torch's own LSTM with Adam, the loss and the clipping written out again."""
    mine = training_of(name)
    task, squared = TASKS[name]
    theirs, output = nn.LSTM(task.inputs, 8), nn.Linear(8, task.outputs)
    theirs.load_state_dict(mine.model.lstm.state_dict())
    output.load_state_dict(mine.model.output.state_dict())
    weights = [*theirs.parameters(), *output.parameters()]
    optimiser = torch.optim.Adam(weights, SMALL.rate)
    answers = answers_of(task, task.tape(streams(1, "training", [0]), 10), slice(None))
    found = output(theirs(answers.x)[0].flatten(0, 1)[answers.place])
    entropy = -(found.log_softmax(1) * answers.target).sum(1).mean()
    loss = ((found - answers.target) ** 2).mean() if squared else entropy
    loss.backward()
    nn.utils.clip_grad_norm_(weights, 1.0)
    optimiser.step()
    mine.train(10)
    ours = [*mine.model.lstm.parameters(), *mine.model.output.parameters()]
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ours, weights, strict=True))
    off = (found - answers.clean if squared else found.softmax(1) - answers.clean).detach().abs()
    assert mine.mean.mean() == pytest.approx(
        float(torch.stack([off[answers.place % 10 == k].mean() for k in range(10)]).mean()), rel=1e-5
    )


@pytest.mark.parametrize("name", TASKS)
@torch.no_grad()
def test_outcomes_are_what_the_loss_says(name):
    task, squared = TASKS[name]
    model = Network(task, SMALL, squared=squared)
    answers = answers_of(task, task.tape(streams(1, "training", [0]), 10), slice(None))
    batch = answers.batch()
    found, (outcomes, _) = model.loss(batch), model.outcomes(batch)
    assert found.count == len(answers.place) == int((~outcomes["loss"].isnan()).sum())
    assert outcomes["loss"].nanmean().item() == pytest.approx(found.mean.item(), rel=1e-5)
    assert torch.equal(model.said, model(answers.x, answers.place))
    if not squared:
        told = outcomes["predicted"].flatten()[answers.place]
        assert torch.equal(told, model.said.argmax(1))
        assert torch.equal(outcomes["gold"].flatten()[answers.place], answers.target.argmax(1))


def test_the_forget_gate_starts_open():
    plain, moved = (training_of("adding", recipe=replace(SMALL, forget_bias=bias)).model.lstm for bias in (0.0, 1.0))
    added = moved.bias_ih_l0 - plain.bias_ih_l0
    assert added.detach().numpy() == pytest.approx(np.repeat([0.0, 1.0, 0.0, 0.0], 8))


def test_chrono_gates_keep_for_as_many_steps_as_a_sequence_may_have():
    """Without input and state, a unit of forget bias log(n) keeps n / (1 + n) a step, and lets in 1 / (1 + n)."""
    lstm = LSTM(2, 500)
    with torch.no_grad():
        lstm.bias_ih_l0.zero_()
    into, keep, candidate, out = chrono_(lstm, 1100).bias_ih_l0.detach().chunk(4)
    assert torch.allclose(torch.sigmoid(keep) + torch.sigmoid(into), torch.ones(500))
    steps = keep.exp()
    assert 1 <= steps.min() < 30 < 1050 < steps.max() <= 1100
    assert float(steps.mean()) == pytest.approx(550, rel=0.15)
    assert not candidate.any()
    assert not out.any()
    drawn = [training_of("2c", number=k, recipe=replace(SMALL, forget_bias="chrono")).model.lstm for k in (0, 0, 1)]
    assert torch.equal(drawn[0].bias_ih_l0, drawn[1].bias_ih_l0)
    assert not torch.equal(drawn[0].bias_ih_l0, drawn[2].bias_ih_l0)
    assert drawn[0].bias_ih_l0[8:16].exp().max() > 20  # some are drawn for as long as a sequence may be
    with pytest.raises(OptionError, match="forget_bias 'wide': has to be a number"):
        Recipe(forget_bias="wide")


def test_gradients_are_clipped():
    training = training_of("adding", recipe=replace(SMALL, clip=1e-3))
    training.train(10)
    norm = torch.stack([p.grad.norm() for p in training.trainer.parameters]).norm()
    assert float(norm) == pytest.approx(1e-3, rel=1e-3)


def test_only_the_last_2000_sequences_are_looked_at():
    training = SimpleNamespace(
        worst=np.full(1999, 0.01), mean=np.full(1999, 0.005), task=SimpleNamespace(wrong_above=0.04)
    )
    judge, few = criteria.recent(0, 0.01), criteria.recent(12, first=139)
    assert judge(training) == (False, False)
    training.worst, training.mean = np.full(2000, 0.01), np.full(2000, 0.005)
    assert judge(training) == (True, True)
    training.mean[:] = 0.01
    assert judge(training) == (False, False)
    assert few(training) == (True, True)
    training.worst[:13] = 0.04
    assert few(training) == (True, False)
    training.worst[:140] = np.inf
    assert few(training) == (False, False)


def test_test_sequences_decide_where_the_paper_tests():
    def said(wrong, error):
        return SimpleNamespace(testing=None, test=lambda random, count, most: (wrong, error, 0.0))

    judge = criteria.tested(5, 0.04)
    assert judge(said(5, 0.039)) == (True, True)
    assert judge(said(5, 0.04)) == (True, False)
    assert judge(said(6, float("nan"))) == (False, False)


def test_a_test_that_fails_is_put_off():
    asked = []
    training = SimpleNamespace(worst=np.zeros(100), testing=None, task=SimpleNamespace(wrong_above=0.2))
    training.test = lambda random, count, most: asked.append(count) or (1, 0.0, 0.0)
    judge = criteria.held(10_000)
    looks = []
    for look in range(12):
        before = len(asked)
        assert judge(training) == (False, False)
        looks += [look] * (len(asked) - before)
    assert looks == [0, 1, 3, 7]
    training.worst[-1] = 0.2
    assert [judge(training) for _ in range(20)] == [(False, False)] * 20
    assert len(asked) == 4
    training.worst[-1], training.test = 0.1, lambda *_: (0, 0.0, 0.0)
    assert judge(training) == (True, True)


def test_every_legal_symbol_must_lead():
    """An oracle that looks the grammar up passes; one that is wrong after one step of one string does not."""
    strings = [s for part in reber_sets(3, 40) for s in part]
    target = max(strings, key=len)

    def oracle(spoilt):
        def model(x, place):
            output = torch.zeros(x.shape)
            for string in range(x.shape[1]):
                letters = "".join(LETTERS[k] for k in x[:, string].argmax(1))
                for whole in (s for s in strings if letters.startswith(s[:-1])):
                    for step, legal in enumerate(legal_next(whole)[:-1]):
                        output[step, string, [LETTERS.index(letter) for letter in legal]] = 1.0
                    if spoilt and whole == target:
                        output[len(whole) - 3, string] = 0.0
            return output.flatten(0, 1)[place]

        return SimpleNamespace(model=model)

    judge = criteria.every_string(strings)
    assert judge(oracle(False)) == (True, True)
    assert judge(oracle(True)) == (False, False)


def test_a_test_gives_up_early_and_counts_what_is_wrong():
    training = training_of("noisy target")
    wrong, error, squared = training.test(streams(1, "test", [0]), 300)
    with torch.no_grad():
        task = training.task
        random = streams(1, "test", [0])
        off = []
        for count in (256, 44):
            answers = answers_of(task, task.tape(random, count), slice(None))
            assert not torch.equal(answers.target, answers.clean)
            off.append(training.model(answers.x, answers.place) - answers.clean)
        off = torch.cat(off).double().abs()
    assert wrong == int((off >= 0.1).sum())
    assert error == pytest.approx(float(off.mean()), rel=1e-5)
    assert squared == pytest.approx(float((off**2).mean()), rel=1e-5)
    gave_up = training.test(streams(1, "test", [0]), 10_000, 0)
    assert 0 < gave_up[0] <= 256
    assert np.isnan(gave_up[1])


def test_a_trial_is_its_own_and_repeats_itself():
    row, told = small_row("4-100"), Heard()
    together = today(row, [0, 2], 3, 250, told)
    alone = today(row, [2], 3, 250, Heard())
    assert together[1] == alone[0]
    assert together == told.trials
    assert together[0].curve != together[1].curve
    assert today(row, [2], 4, 250, Heard())[0].curve != alone[0].curve
    assert told.sequences == 500


def test_unsolved_is_said():
    trial = today(small_row("6a"), [0], 1, 130, Heard())[0]
    assert (trial.solved, trial.sequences, trial.wrong, trial.tested) == (False, 130, None, 0)
    assert 100 * 130 <= trial.steps <= 110 * 130
    assert [point[0] for point in trial.curve] == [100.0, 130.0]
    assert 0.3 < trial.curve[0][1] < 0.45  # four classes by chance: 0.375


def test_a_short_lag_is_learnt_and_shown():
    """2a with a lag of 4 is solved, and then foretells the last symbol of both sequences."""
    told = Heard()
    trial = today(small_row("2a-rtrl-4-1"), [1], 1, 5000, told)[0]
    assert trial.solved
    assert trial.sequences % 100 == 0
    assert trial.steps == 4 * trial.sequences
    output = told.traces[1].signals["output"]
    assert output.shape == (4, 5)
    assert output.sum(1) == pytest.approx(np.ones(4), abs=1e-5)
    assert output[-1, 3:].max() > 0.75
    assert told.traces[1].signals["forget_gate"].shape == (4, 6)
    assert told.traces[1].marks == [0]


def test_broken_off_it_keeps_what_ended():
    told = Heard(stop_after=300)
    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        today(small_row("3a-100-3"), [0, 1, 2], 1, 200, told)
    assert [trial.number for trial in told.trials] == [0]
    assert torch.get_num_threads() == before


def test_weights_of_others_stay_as_they_are():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    training_of("adding")
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("key", ROWS)
def test_every_row_has_its_task_and_criterion(key):
    row = ROWS[key]
    task = task_of(row, 1, 0)
    judge_of(row, task, 1, 0)
    lag = row.lag if row.experiment[0] in "234" else {"1": 9, "5": 100, "6": 100}[row.experiment[0]]
    tape = task.tape(streams(1, key, [0]), 2)
    assert lag is not None
    assert tape.lengths.min() >= lag - (row.experiment == "1")
    assert Network(task, Recipe()).output.out_features == task.outputs


def test_rows_say_what_departs_from_the_recipe():
    row = ROWS["4-100"]
    assert recipe_of(replace(row, network={}, learning={})) == Recipe()
    chrono = replace(row, network={"forget_bias": "chrono"}, learning={"batch": 7, "optimiser": "Adam"})
    assert recipe_of(chrono) == Recipe(forget_bias="chrono", batch=7)


def test_trials_of_reber_take_three_pairs_of_sets_in_turn():
    row = ROWS["1-lstm-3x2-0.5"]
    sets = [task_of(row, 1, number).strings for number in range(4)] + [task_of(row, 2, 0).strings]
    assert sets[0] == sets[3]
    assert len({sets[0], sets[1], sets[2], sets[4]}) == 4
