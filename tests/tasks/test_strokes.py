"""The task of strokes: scores beside densities without memory, derivatives that are cut, drawings, what is inside."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import naibu
from naibu.cli import main
from naibu.config import StrokesConfig, TrainingConfig
from naibu.data.strokes.opening import open_strokes
from naibu.errors import OptionError
from naibu.generation.drawing_options import DrawingOptions
from naibu.looking.writing import check_drawing
from naibu.models.strokes import StrokeModel
from naibu.tasks import strokes_reading
from naibu.tasks.catalogue import task_named
from naibu.tasks.strokes import StrokesTraining
from naibu.tasks.strokes_scores import baselines, interval_of
from naibu.viewer.exhibits import open_exhibits
from naibu.viewer.holds import read_holds
from naibu.viewer.live import Network
from naibu.viewer.pairs import pair
from naibu.viewer.questions import Questions
from naibu.viewer.windows import window
from scribbles import font, scribbles


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strokes")
    (folder / "some.jsonl").write_text(scribbles(150))
    data = naibu.open_strokes(folder / "some.jsonl", test=0.2)
    config = StrokesConfig(units=16, mixtures=4)
    training = TrainingConfig(steps=160, threads=1, validations=3, learning_rate=0.02)
    return naibu.train(data, out=folder / "run", model=config, training=training)


@pytest.fixture(scope="module")
def scores(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("scores") / "scores.json"
    assert main(["evaluate", str(run.path), "--json", str(out)]) == 0
    return json.loads(out.read_text())


def test_scores_have_their_keys_and_their_unit(run, scores):
    assert {"loss", "examples", "steps", "nats_per_point", "baselines", "unit", "noise"} <= scores.keys()
    assert scores["noise"] == 0.5
    assert scores["unit"] == pytest.approx(run.data().coder.scale)
    low, high = scores["nats_per_point_interval"]
    assert low < scores["nats_per_point"] < high
    assert scores["seen_in_training"] == 0
    assert [*scores["baselines"]] == ["gaussian", "mixture of 4", "mixture of 4 after pen down, 4 after pen up"]


def test_a_network_tells_more_than_what_remembers_nothing(scores):
    assert scores["nats_per_point"] < min(each["nats_per_point"] for each in scores["baselines"].values())


def test_the_gaussian_is_that_of_the_training_offsets(run, scores):
    """Its nats by the formula, with the mean and the covariance of training, in place of a fit."""
    data = run.data()
    seen, held = data.train.offsets(), data.test.offsets()
    mean, covariance = seen[:, :2].mean(0), np.cov(seen[:, :2].T, bias=True)
    off = held[:, :2] - mean
    distance = np.einsum("pi,ij,pj->p", off, np.linalg.inv(covariance), off)
    nats = distance.mean() / 2 + math.log(2 * math.pi) + np.linalg.slogdet(covariance)[1] / 2
    assert scores["baselines"]["gaussian"]["offset_nats"] == pytest.approx(nats, abs=1e-4)
    share = (seen[:, 2].sum() + 0.5) / (len(seen) + 1)
    pen = -(held[:, 2] * math.log(share) + (1 - held[:, 2]) * math.log(1 - share)).mean()
    assert scores["baselines"]["gaussian"]["pen_nats"] == pytest.approx(pen)


def test_simple_ways_learn_nothing_of_what_is_held_out(run):
    data = run.data()
    whole, some = baselines(data.train, data.test, 2), baselines(data.train, data.test.subset(np.arange(5)), 2)
    again = baselines(data.train, data.test, 2)
    assert whole == again
    assert whole["gaussian"] != some["gaussian"]
    parts = [baselines(data.train, data.test.subset(np.array([k])), 2)["gaussian"]["nats_per_point"] for k in range(5)]
    lengths = data.test.lengths[:5]
    assert some["gaussian"]["nats_per_point"] == pytest.approx(float(parts @ lengths) / lengths.sum())


def test_an_interval_is_a_point_where_all_drawings_are_alike():
    assert interval_of(np.full(12, 2.5), np.array([3, 4, 5])) == [2.5, 2.5]


def test_other_files_are_scored_as_the_run_reads_them(run, tmp_path):
    own = run.data()
    lines = (run.path.parent / "some.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "all.jsonl").write_text("".join(lines))
    found = naibu.evaluate(run, [tmp_path / "all.jsonl"], unaided=True)
    assert found["examples"] == 150
    assert found["seen_in_training"] == len(own.train)
    assert "baselines" not in found


def test_without_its_training_data_a_run_says_why_nothing_stands_beside(run, tmp_path):
    (tmp_path / "new.jsonl").write_text(scribbles(9, seed=2))
    path = run.path.parent / "some.jsonl"
    away = path.rename(path.with_suffix(".away"))
    try:
        found = naibu.evaluate(run, [tmp_path / "new.jsonl"])
    finally:
        away.rename(path)
    assert found["beside"].startswith("nothing: ")
    assert "baselines" not in found


def test_derivatives_are_cut_point_by_point(tmp_path):
    (tmp_path / "some.jsonl").write_text(scribbles(30))
    data = open_strokes(tmp_path / "some.jsonl")
    batch = data.train.batch(np.arange(6))
    gradients = {}
    for clip in (math.inf, 0.01):
        torch.manual_seed(1)
        model = StrokeModel(data.sizes, StrokesConfig(units=5, mixtures=2, output_clip=clip))
        model.loss(batch).mean.backward()
        gradients[clip] = model.output.bias.grad
    count = int(batch.predicted.sum())
    assert gradients[0.01].abs().max() <= 0.01 * (1 + 1e-5)  # the mean over points of what is at most .01 each
    assert gradients[math.inf].abs().max() > 0.02
    assert count > 1


def test_a_loss_that_is_only_told_is_the_same_as_one_that_goes_back(run):
    model, batch = naibu.load(run), run.data().test.batch(np.arange(5))
    with torch.no_grad():
        told = model.loss(batch).mean
    assert model.loss(batch).mean.item() == pytest.approx(told.item(), rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_no_seed_diverges(seed, run, tmp_path):
    training = TrainingConfig(steps=25, threads=1, validations=2, learning_rate=0.05, clip=math.inf, seed=seed)
    found = naibu.train(run.data(), out=tmp_path / "run", model=StrokesConfig(units=8), training=training)
    assert math.isfinite(found.summary()["validation_loss"])


def test_drawings_from_the_command_line_and_from_python_are_the_same(run, tmp_path, capsys):
    words = ["generate", str(run.path), "--bias", "1", "--count", "3", "--seed", "5"]
    assert main([*words, "--out", str(tmp_path / "page.svg"), "--json", str(tmp_path / "page.json")]) == 0
    assert (tmp_path / "page.svg").read_text().startswith("<svg")
    capsys.readouterr()
    assert main(words) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    found = [each.row() for each in naibu.generate(run, bias=1, count=3, seed=5)]
    assert lines == found == json.loads((tmp_path / "page.json").read_text())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--bias", "-1"], "--bias -1: must be from 0"),
        (["--prime", "a"], "--prime: is of text"),
        (["--temperature", ".5"], "--temperature, --top-k and --top-p: is of text"),
        (["--hold", "cell:1", "--compare"], "--compare: is of text"),
        (["--class", "loop"], "--class loop: the network was told no classes"),
        (["--out", "page.gif"], "the name has to end in one of .svg, .png, .jsonl, .npz"),
    ],
)
def test_what_is_asked_wrongly_is_one_line_and_status_2(words, told, run, capsys):
    assert main(["generate", str(run.path), *words]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.strip().splitlines()) == 1


def test_what_is_usual_for_adam_does_not_stand_in_the_way_of_others():
    assert StrokesTraining(optimiser="sgd", weight_decay=0).adam_beta2 == TrainingConfig.adam_beta2
    with pytest.raises(OptionError, match="--adam-beta2"):
        StrokesTraining(optimiser="sgd", adam_beta2=0.9)


def test_only_networks_of_strokes_draw(run):
    with pytest.raises(OptionError, match=r"--bias: is of drawings; .* learnt series"):
        check_drawing(replace(run, task="series"), DrawingOptions(1.0))
    with pytest.raises(OptionError, match="strokes are drawn by those of the task strokes"):
        list(naibu.generate(replace(run, task="series")))


def test_a_content_says_that_it_is_of_strokes(run, tmp_path):
    task = task_named("strokes")
    assert task.fits(run.path.parent / "some.jsonl")
    for name, content in (("a.jhf", "    1  1JZ\n"), ("b.jsonl", '{"text": "a"}\n'), ("c.txt", "a\n")):
        (tmp_path / name).write_text(content)
        assert task.fits(tmp_path / name) == (name == "a.jhf")


def test_a_recorded_drawing_is_read_live_with_a_unit_held(run, capsys):
    assert main(["record", str(run.path)]) == 0
    capsys.readouterr()
    exhibit = open_exhibits([run.path])[0]
    network = Network(exhibit)
    given = network.recorded(window(exhibit, 2))
    free = network.read(given)
    rows = slice(*exhibit.sequences.span(2))
    found = exhibit.recording.index.outcome("loss").values[rows]
    np.testing.assert_allclose(free.recording.index.outcome("loss").values, found, atol=1e-4)
    held = network.read(given, read_holds(["cell:1=3@2:"], exhibit.recording))
    told = held.recording.index.outcome("loss").values
    np.testing.assert_allclose(told[:2], found[:2], atol=1e-4)
    assert np.abs(told[2:] - found[2:]).max() > 1e-3


def test_what_is_read_known_and_told_is_recorded(run):
    data = run.data()
    index = naibu.record(run, data).index
    assert {"dx", "dy", "pen"} <= set(index.input_names)
    assert {"pen_up", "direction", "direction_sine", "since_pen_up", "strokes_left"} <= set(index.label_names)
    assert {"loss", "nats", "pen_nats", "dx", "dy", "pen", "end"} <= set(index.outcome_names)
    found = index.outcome("loss").values[index.split == 2].mean()
    assert found == pytest.approx(naibu.evaluate(run, unaided=True)["loss"], rel=1e-4)


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    """A network that learnt to write words of three letters, a text of each of which is known."""
    folder = tmp_path_factory.mktemp("hand")
    font(folder / "plain.jhf")
    letters = [one + two + three for one in "abc" for two in "abc" for three in ("", *"abc")]
    (folder / "words.txt").write_text(" ".join(letters * 40))
    words = ["--words", folder / "words.txt", "--validation", 0.15, "--test", 0.25]
    sizes = ["--units", 40, "--mixtures", 4, "--steps", 300, "--validations", 2, "--threads", 1]
    asked = ["train", "strokes", folder / "plain.jhf", *words, *sizes, "--out", folder / "run"]
    assert main([str(each) for each in asked]) == 0
    return naibu.open_run(folder / "run")


def test_texts_are_written_that_another_network_reads(hand, monkeypatch, tmp_path):
    monkeypatch.setattr(strokes_reading, "STEPS", 300)
    monkeypatch.setattr(strokes_reading, "UNITS", 32)
    out = tmp_path / "scores.json"
    assert main(["evaluate", str(hand.path), "--unaided", "--read", "60", "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["texts_read"] == 15 == found["examples"] - found["examples"] // 2
    assert found["character_error_true"] < 0.1
    assert found["character_error"] < 0.5
    low, high = found["character_error_interval"]
    assert low <= found["character_error"] <= high
    assert 0 <= found["texts_cut_off"] <= 15


def test_a_text_is_written_from_the_command_line_and_from_python(hand, tmp_path, capsys):
    page, points = tmp_path / "page.svg", tmp_path / "points.jsonl"
    asked = ["generate", str(hand.path), "--text", "cab", "--text", "a b", "--bias", "2", "--out"]
    assert main([*asked, str(page)]) == 0
    assert main([*asked, str(points)]) == 0
    assert page.read_text().count("<title>") == 2
    rows = [json.loads(line) for line in points.read_text().splitlines()]
    assert [row["text"] for row in rows] == ["cab", "a b"]
    found = list(naibu.generate(hand, bias=2, text=["cab", "a b"]))
    assert [each.row()["points"] for each in found] == [row["points"] for row in rows]
    assert naibu.evaluate(hand, [points], unaided=True)["examples"] == 2  # it reads what it wrote
    capsys.readouterr()
    assert main(["generate", str(hand.path), "--text", "cad"]) == 2
    assert "training had no 'd'; it had ' abc'" in capsys.readouterr().err


def test_where_the_window_looks_is_recorded_beside_the_text(hand):
    recording = naibu.record(hand, hand.data().test, keep=("weights", "hidden"), labels=("place", "character"))
    text = recording.beside["text"].index
    weights = recording["window", "weights"]
    assert weights.shape[1] == np.diff(text.starts).max()
    first = text.symbol[: text.starts[1]].tolist()
    assert "".join(text.symbols[number] for number in first) == hand.data().test.text(0)
    assert recording.units(("hand.0", "hidden")) == 40


def test_the_page_shows_the_text_beside_and_holds_what_is_recorded(hand, capsys):
    assert main(["record", str(hand.path), "--positions", "600"]) == 0
    capsys.readouterr()
    questions = Questions(open_exhibits([hand.path]))
    room = questions.room("0")
    beside = room.exhibit.recording.beside["text"].index
    found = pair(room, {"sequence": "1"})
    assert found["source"] == [beside.symbols[k] for k in beside.symbol[beside.starts[1] : beside.starts[2]].tolist()]
    assert (found["target"], found["attention"]) == ([], None)
    (about, *_) = questions.about()["exhibits"]
    assert about["beside"] == ["text"]
    assert not about["pairs"]
    assert about["typed"] is None
    network = Network(room.exhibit)
    given = network.recorded(window(room.exhibit, 1))
    rows = slice(*room.exhibit.sequences.span(1))
    loss = room.exhibit.recording.index.outcome("loss").values[rows]
    np.testing.assert_allclose(network.read(given).recording.index.outcome("loss").values, loss, atol=1e-3)
    held = network.read(given, read_holds(["window/weights:0=0"], room.exhibit.recording))
    assert np.abs(held.recording.index.outcome("loss").values - loss).max() > 1e-2


def test_reading_what_was_written_wants_texts(run, capsys):
    assert main(["evaluate", str(run.path), "--read", "5"]) == 2
    assert "--read: reads texts; this network was told none" in capsys.readouterr().err
    assert main(["evaluate", str(run.path), "--read", "-1"]) == 2
    assert "--read -1: must be at least 1" in capsys.readouterr().err
