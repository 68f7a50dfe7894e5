"""The task `formal`: what is scored, what an accuracy is, and the five steps from the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import naibu
from naibu.cells.stack import StackRNNCell
from naibu.cells.unroll import unroll
from naibu.cli import main
from naibu.config import FormalConfig
from naibu.models.answerer import Answerer


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    data = naibu.open_formal("stack-manipulation", lengths="2:6", test_lengths="7:9", per_length=5)
    model = FormalConfig("stack-rnn", units=8)
    training = naibu.TrainingConfig(steps=60, threads=1, validations=2, learning_rate=0.01)
    return naibu.train(data, out=tmp_path_factory.mktemp("runs") / "stack", model=model, training=training)


def test_accuracy_is_the_mean_over_words_of_the_share_that_is_right(run):
    scores = naibu.evaluate(run, lengths="10:12", words=7)
    assert {"loss", "examples", "steps", "accuracy", "by_length"} <= set(scores)
    assert scores["examples"] == 21
    assert set(scores["by_length"]) == {10, 11, 12}
    assert scores["accuracy"] == pytest.approx(np.mean(list(scores["by_length"].values())), rel=1e-6)
    from naibu.data.formal.opening import scored

    examples, model, shares = scored(run.data().language, "10:12", 7, 1), naibu.load(run), []
    for number in range(21):
        batch = examples.batch(np.array([number]))
        with torch.no_grad():
            told = model.logits(model._hidden(batch))[:, 0].argmax(-1)
        _, answer = examples.word(number)
        steps = told[int(examples.word_lengths[number]) :]
        names = [run.data().language.answers[code] for code in steps.tolist()]
        shares.append(np.mean([one == other for one, other in zip(names, answer, strict=False)]))
    assert scores["accuracy"] == pytest.approx(np.mean(shares), rel=1e-6)
    assert naibu.evaluate(run)["examples"] == 15


def test_a_stack_by_hand_turns_a_word_round():
    """Weights set by hand: push what is read, then pop; the top of the stack is what is told next."""
    cell = StackRNNCell(3, 2).double()  # reads 0, 1 or the empty symbol
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.zero_()
        cell.weight_ih[0] = torch.tensor([-3.0, 3.0, 0.0])  # the symbol
        cell.weight_ih[1] = torch.tensor([9.0, 9.0, -9.0])  # whether one is read
        cell.weight_action[0, 1], cell.weight_action[1, 1] = 40.0, -40.0
        cell.weight_pushed[0, 0] = 1.0
    word = torch.randint(0, 2, (600,))
    x = torch.eye(3).double()[torch.cat([word, torch.full((600,), 2)])][:, None]
    seen = unroll(cell, x, keep=("stack", "action")).signals
    tops = seen["stack"][:, 0, 0]
    told = (tops[599:-1] > 0).long()
    assert (told == word.flip(0)).all()
    assert not tops[-1].abs() > 1e-9
    torch.testing.assert_close(seen["action"].sum(-1), torch.ones(1200, 1).double())


def test_a_full_stack_loses_its_bottom_and_a_wrong_one_is_refused(monkeypatch):
    monkeypatch.setattr(StackRNNCell, "depth", 3)
    cell = StackRNNCell(2, 4)
    done = unroll(cell, torch.randn(9, 1, 2))
    assert done.state.places.shape == (1, 3 * 8)
    wrong = cell.initial_state(1, torch.zeros(1))._replace(places=torch.zeros(1, 7))
    with pytest.raises(naibu.OptionError, match="places of 8 numbers, at most 3"):
        unroll(cell, torch.randn(2, 1, 2), wrong)


def test_the_one_hot_table_is_no_weight():
    model = Answerer(4, 2, FormalConfig(units=3))
    assert {name for name, _ in model.named_parameters()} == {
        *(f"layers.{name}_l0" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")),
        "output.weight",
        "output.bias",
    }


def test_recorded_and_held_by_their_own_width(run, capsys):
    data = run.data()
    recording = naibu.record(run, {"test": data.test}, keep=("action", "stack"), labels=("depth",))
    assert {key: recording.units(key) for key in recording.keys()} == {
        ("stack_rnn.0", "action"): 3,
        ("stack_rnn.0", "stack"): 32,
    }
    batch = data.test.batch(np.arange(3))
    heard = naibu.load(run).layers.signals(torch.eye(6)[batch.main.x], keep=("stack",)).signals["stack_rnn.0", "stack"]
    values, starts = recording["stack_rnn.0", "stack"], np.cumsum(data.test.lengths) - data.test.lengths
    for row in range(3):
        steps = int(data.test.lengths[row])
        np.testing.assert_allclose(
            np.asarray(values[starts[row] : starts[row] + steps], np.float32),
            heard[:steps, row].detach().numpy(),
            atol=2e-2,
        )


def test_the_five_steps_from_the_command_line(run, tmp_path, capsys):
    folder, scores = str(run.path), tmp_path / "scores.json"
    words = ["--lengths", "7:8", "--words", "4", "--json", str(scores), "--picture", str(tmp_path / "lengths.svg")]
    assert main(["evaluate", folder, *words]) == 0
    assert "length of word" in (tmp_path / "lengths.svg").read_text()
    assert set(json.loads(scores.read_text())["by_length"]) == {"7", "8"}
    assert main(["record", folder, "--positions", "2000"]) == 0
    assert main(["probe", folder]) == 0
    assert main(["intervene", folder, "--draws", "2"]) == 0
    assert main(["intervene", folder, "--draws", "2", "--signal", "stack"]) == 0
    assert main(["report", folder, "--out", str(tmp_path / "report.html")]) == 0
    assert "stack-manipulation" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "formal", "partiy"], "partiy: no such formal language; there are even-pairs"),
        (["train", "formal", "parity", "--lengths", "0:4"], "--lengths 0:4: a length must be from 1"),
        (["train", "formal", "parity", "--lengths", "9:4"], "--lengths 9:4: goes from high to low; write 4:9"),
        (["train", "formal", "parity", "--embedding", "4"], "--embedding 4: must be left away"),
        (["evaluate", "RUN", "--lengths", "9:4"], "--lengths 9:4: goes from high to low; write 4:9"),
        (["evaluate", "RUN", "--lengths", "1:1"], "stack-manipulation has no word so long; it has 2, 3, 4"),
        (["evaluate", "RUN", "--words", "0"], "--words 0: must be at least 1"),
        (["evaluate", "RUN", "--picture", "by-length.txt"], "--picture by-length.txt: must end in .svg"),
        (["evaluate", "RUN", "--origins", "3"], "--origins: is not for a network of the task formal"),
        (["evaluate", "RUN", "some.txt"], "is scored on its own test part"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([str(run.path) if word == "RUN" else word for word in words]) == 2
    told = capsys.readouterr().err.strip()
    assert said in told
    assert "\n" not in told
    assert not list(tmp_path.iterdir())
