"""What networks write: how symbols are drawn, what the state carries, and what holding a unit changes."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch

import naibu
from naibu.cells.exchange import edited
from naibu.cells.units import HeldUnit, held_unit
from naibu.cli import main
from naibu.config import TextConfig
from naibu.data.batch import Batch, Stream
from naibu.data.text_coder import TextCoder
from naibu.errors import OptionError
from naibu.generation import text_stepper
from naibu.generation.sampling import Sampling
from naibu.generation.stepper import Marks
from naibu.models.text_model import TextModel
from naibu.runs.load import load

TEXT = "the cat sat on the mat (so it goes).\nthen it left; why?\n" * 60


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    (folder / "a.txt").write_text(TEXT)
    data = naibu.open_text(folder / "a.txt", validation=0.1)
    model, training = naibu.ModelConfig(units=20), naibu.TrainingConfig(steps=40, threads=1, batch_size=8)
    return naibu.train(data, out=folder / "run", model=model, training=training)


def test_symbols_are_drawn_by_their_probability():
    p = torch.tensor([0.5, 0.0, 0.3, 0.2])
    drawn = torch.linspace(0, 1, 1001)[:-1]
    chosen = Sampling().choose(p.log().expand(1000, 4), drawn)
    assert np.allclose(np.bincount(chosen, minlength=4) / 1000, p, atol=0.002)
    sharp = Sampling(temperature=0.5).choose(p.log().expand(1000, 4), drawn)
    assert np.allclose(np.bincount(sharp, minlength=4) / 1000, p**2 / (p**2).sum(), atol=0.002)


@pytest.mark.parametrize(
    ("sampling", "kept"),
    [(Sampling(top_k=2), {0, 2}), (Sampling(top_p=0.5), {0}), (Sampling(top_p=0.51), {0, 2}), (Sampling(top_k=1), {0})],
)
def test_what_is_cut_off_is_never_drawn(sampling, kept):
    scores = torch.tensor([0.5, 0.0, 0.3, 0.2]).log().expand(1000, 4)
    assert set(sampling.choose(scores, torch.linspace(0, 1, 1000)).tolist()) == kept


def test_probabilities_are_those_of_the_text_read_at_once(run):
    written = list(naibu.generate(run, "the c", length=30, seed=3))
    text = "".join(symbol.text for symbol in written)
    examples = TextCoder.load(run.path, run.options).encode("the c" + text)
    outcomes, _ = load(run).outcomes(examples.batch(np.arange(1)))
    told = torch.exp(-outcomes["loss"][5:, 0])
    assert np.allclose([symbol.probability for symbol in written], told, rtol=1e-4)
    assert text == "".join(symbol.text for symbol in naibu.generate(run, "the c", length=30, seed=3))


def test_samples_side_by_side_are_different_and_stop_where_asked(run):
    texts = ["", "", ""]
    for symbol in naibu.generate(run, length=60, count=3, stop=["t"]):
        texts[symbol.sample] += symbol.text
    assert len(set(texts)) == 3
    assert all(text.count("t") == 1 and text.endswith("t") for text in texts if len(text) < 60)


def test_a_unit_held_for_a_span_changes_nothing_before(run):
    free = [symbol.text for symbol in naibu.generate(run, "it", length=40)]
    held = [symbol.text for symbol in naibu.generate(run, "it", length=40, hold=["hidden:3=50@10:"])]
    assert free[:10] == held[:10]
    assert free[10:] != held[10:]
    assert free == [symbol.text for symbol in naibu.generate(run, "it", length=40, hold=["hidden:3=50@90:"])]


def test_a_held_unit_has_its_value_or_the_one_it_had():
    layer = naibu.LSTM(3, 4)
    x = torch.randn(9, 2, 3)
    for value in (0.5, None):
        unit = HeldUnit("lstm.0", "cell", 2, value, start=4, stop=7)
        with edited(layer, {("lstm.0", "cell"): unit}):
            signals = layer.signals(x, keep=("cell",)).signals
        cell = signals["lstm.0", "cell"][..., 2]
        plain = layer.signals(x, keep=("cell",)).signals["lstm.0", "cell"][..., 2]
        assert torch.allclose(cell[:4], plain[:4])
        kept = plain[4] if value is None else torch.full((2,), value)
        assert torch.allclose(cell[4:7], kept.expand(3, 2))
        assert not torch.allclose(cell[7], cell[6])


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("cell", "must be [LAYER/]SIGNAL:UNIT"),
        ("cell:99", "lstm.0 has units 0 to 19"),
        ("mood:1", "there is no signal mood; there are"),
        ("lstm.7/cell:1", "there is no layer lstm.7; there are lstm.0"),
        ("cell:1=high", "high is no number"),
        ("cell:1=nan", "no value that a unit can have"),
        ("cell:1@9:3", "the second larger than the first"),
    ],
)
def test_units_that_are_not_there(run, typed, says):
    with pytest.raises(OptionError, match=re.escape(says)):
        held_unit(typed, load(run))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--temperature", "0"], "--temperature 0: must be more than 0"),
        (["--prime", "caf\u00e9"], "--prime: '\u00e9' never came in training"),
        (["--length", "0"], "--length 0: must be from 1"),
        (["--hold", "cell:99"], "units 0 to 19"),
        (["--compare"], "what is held with --hold"),
        (["--top-p", "0"], "--top-p 0: must be more than 0"),
        (["--count", "0"], "--count 0: must be at least 1"),
    ],
)
def test_what_cannot_be_written_is_told_in_one_line(run, capsys, words, says):
    assert main(["generate", str(run.path), *words]) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert not said.out


def test_any_text_is_coloured(run, capsys):
    assert main(["colour", str(run.path), "--unit", "3", "--text", "the caf\u00e9 sat"]) == 0
    said = capsys.readouterr().out
    assert "caf\u00e9" in said
    assert "1 symbols are unknown" in said


def test_the_command_writes_and_compares(run, capsys, tmp_path):
    assert (
        main(["generate", str(run.path), "--prime", "the ", "--length", "20", "--json", str(tmp_path / "a.json")]) == 0
    )
    out = capsys.readouterr().out
    (found,) = json.loads((tmp_path / "a.json").read_text())
    assert out == "the " + found["text"] + "\n"
    assert len(found["probabilities"]) == len(found["symbols"]) == 20
    assert (
        main(["generate", str(run.path), "--prime", "the ", "--length", "20", "--hold", "cell:1=9", "--compare"]) == 0
    )
    assert "held" in capsys.readouterr().out
    assert main(["generate", str(run.path), "--prime", "caf\u00e9", "--unknown", "--length", "3", "--count", "2"]) == 0
    assert "--- 2" in capsys.readouterr().out


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "lstm-peephole"])
@pytest.mark.parametrize("table", [True, False])
def test_a_step_is_what_the_layers_compute(cell, layers, table, monkeypatch):
    """With what symbols bring to the gates in a table or multiplied anew, for one text and for several."""
    if not table:
        monkeypatch.setattr(text_stepper, "LARGEST_TABLE", 0)
    torch.manual_seed(2)
    model = TextModel(11, TextConfig(cell, units=7, layers=layers, tied=False, softmax="full")).eval()
    ids = torch.randint(0, 11, (9, 3))
    with torch.no_grad():
        expected = model.logits(model(ids)[0]).log_softmax(-1)
    for rows in (slice(0, 3), slice(1, 2)):
        stepper = text_stepper.TextStepper(model, Marks(0))
        part = ids[:, rows]
        state = stepper.begin(Batch({"input": Stream(part[:2], torch.full((part.shape[1],), 2))}, part[:2]))
        for step in range(2, 9):
            log_p, state = stepper.step(part[step], state)
            assert torch.allclose(log_p, expected[step, rows], atol=1e-5)
