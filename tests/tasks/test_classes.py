"""Classes from end to end: scores by hand and beside logistic regression, predictions as files, scikit-learn."""

from __future__ import annotations

import csv
import io
import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from sklearn.utils.estimator_checks import check_estimator

import naibu
from catalogue_tasks import moods, slopes
from naibu.cli import main
from naibu.config import ClassesConfig
from naibu.errors import CorpusError
from naibu.sklearn import LSTMClassifier
from naibu.tasks.catalogue import task_named
from naibu.tasks.classes import ClassesTraining
from naibu.tasks.classes_beside import _resampled, simple_ways
from naibu.tasks.classes_scores import by_class, confusion_of, macro_f1
from scribbles import scribbles

LEARNT = ClassesTraining(steps=60, threads=1, learning_rate=0.02)


@pytest.fixture(scope="module", params=[moods, slopes], ids=["texts", "series"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    data = task_named("classes").open(request.param(folder))
    return naibu.train(data, out=folder / "run", model=ClassesConfig(units=12), training=LEARNT)


def test_scores_are_those_of_scikit_learn(run):
    scores, data = naibu.evaluate(run), run.data()
    model, part = naibu.load(run), data.test
    with torch.no_grad():
        p = torch.cat([model.probabilities(part.batch(np.array([k]))) for k in range(len(part))]).double().numpy()
    predicted = p.argmax(-1)
    assert scores["accuracy"] == pytest.approx(accuracy_score(part.codes, predicted))
    assert scores["macro_f1"] == pytest.approx(f1_score(part.codes, predicted, average="macro"))
    assert scores["loss"] == pytest.approx(-np.log(p[np.arange(len(p)), part.codes]).mean(), rel=1e-4)
    table = [[scores["confusion"][a][b] for b in part.names] for a in part.names]
    assert table == confusion_matrix(part.codes, predicted, labels=range(len(part.names))).tolist()
    assert scores["by_class"][part.names[0]]["examples"] == int((part.codes == 0).sum())
    assert scores["seen_in_training"] == 0
    assert scores["accuracy_low"] <= scores["accuracy"] <= scores["accuracy_high"]
    assert scores["accuracy"] > scores["baselines"]["largest_class"]["accuracy"] + 0.2
    for found in scores["baselines"].values():
        assert 0 <= found["macro_f1"] <= 1
    assert "baselines" not in naibu.evaluate(run, alone=True)


def test_a_class_that_is_never_told_has_no_precision():
    table = confusion_of(np.array([0, 0, 1, 0]), np.array([0, 2, 1, 1]), 4)
    found = by_class(table, ("a", "b", "c", "d"))
    assert found["c"] == {"precision": None, "recall": 0.0, "f1": 0.0, "examples": 1}
    assert found["d"] == {"precision": None, "recall": None, "f1": None, "examples": 0}
    assert found["b"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "examples": 2}
    assert macro_f1(table) == pytest.approx((0.5 + 2 / 3 + 0) / 3)  # over those that are there or told


def test_logistic_regression_is_fitted_on_training_alone(tmp_path):
    data = task_named("classes").open(slopes(tmp_path))
    ways = {way.name: way for way in simple_ways(data.train, data.validation, data.test)}
    assert set(ways) == {"largest_class", "points"}
    np.testing.assert_allclose(ways["points"].probabilities.sum(-1), 1)
    right = (ways["points"].probabilities.argmax(-1) == data.test.codes).mean()
    assert right > 0.6
    first = _resampled(data.train, 10)[0].reshape(-1, 10)  # two channels, then the marks of what is missing
    series = data.train.series(0)
    assert first[0, 0] == pytest.approx(series[0, 0])
    assert first[1, -1] == pytest.approx(series[-1, 1])
    shuffled = data.test.subset(np.arange(len(data.test))[::-1])
    other = {way.name: way for way in simple_ways(data.train, data.validation, shuffled)}
    np.testing.assert_allclose(other["points"].probabilities[::-1], ways["points"].probabilities)


def test_where_training_data_are_gone_it_is_said_that_nothing_stands_beside(tmp_path):
    data = task_named("classes").open(moods(tmp_path))
    run = naibu.train(data, out=tmp_path / "run", model=ClassesConfig(units=8), training=LEARNT)
    shutil.copy(tmp_path / "moods.tsv", tmp_path / "again.tsv")
    (tmp_path / "moods.tsv").unlink()
    scores = naibu.evaluate(run, [tmp_path / "again.tsv"])
    assert scores["beside"].startswith("nothing: ")
    assert scores["seen_in_training"] == len(data.train)
    (tmp_path / "again.tsv").write_text("glad\tso good\nangry\tit was bad\n")
    with pytest.raises(CorpusError, match="again.tsv, line 2: the class 'angry' does not occur in training, which has"):
        naibu.evaluate(run, [tmp_path / "again.tsv"])


# ---------------------------------------------------------------- predictions


def predicted(run, path, *options, capsys):
    assert main(["predict", str(run.path), str(path), *options]) == 0
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def table_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    path = folder / "a.csv"
    lines = [f'"{("good, fine", "bad, poor")[k % 2]} {k}",{k},{("pos", "neg")[k % 2]}' for k in range(60)]
    path.write_text("\n".join(["text,n,class", *lines]) + "\n")
    data = naibu.open_classes(path, text="text", class_="class", test=0.2, validation=0.2)
    return naibu.train(data, out=folder / "run", model=ClassesConfig(units=8), training=LEARNT)


def test_a_table_comes_back_with_class_and_probability_behind(table_run, tmp_path, capsys):
    new = tmp_path / "new.csv"
    new.write_text('n,text\n1,"good, fine"\n2,"bad, ""poor"""\n')
    rows = list(csv.DictReader(io.StringIO(predicted(table_run, new, "--each", capsys=capsys))))
    assert [(row["n"], row["text"], row["predicted"]) for row in rows] == [
        ("1", "good, fine", "pos"), ("2", 'bad, "poor"', "neg")
    ]  # fmt: skip
    for row in rows:
        assert float(row["p(pos)"]) + float(row["p(neg)"]) == pytest.approx(1, abs=1e-5)
        assert float(row["probability"]) == float(row[f"p({row['predicted']})"]) > 0.5
    told = naibu.predict(table_run, [new]).rows()
    assert [(row["line"], row["class"], row["predicted"]) for row in told] == [(2, None, "pos"), (3, None, "neg")]
    new.write_text("text,predicted\nx,y\n")
    assert main(["predict", str(table_run.path), str(new)]) == 2
    assert "a column predicted already" in capsys.readouterr().err


def test_json_lines_and_lines_with_and_without_a_class_come_back(run, table_run, tmp_path, capsys):
    new = tmp_path / "new.jsonl"
    new.write_text('{"text": "good, fine", "n": 3}\n')
    found = json.loads(predicted(table_run, new, capsys=capsys))
    assert (found["text"], found["n"], found["predicted"]) == ("good, fine", 3, "pos")
    if run.found["kind"] == "text":
        lines = tmp_path / "new.txt"
        lines.write_text("glad\tso it was fine\n\nso it was bad\n")
        cells = [line.split("\t") for line in predicted(run, lines, capsys=capsys).splitlines()]
        assert [each[:-2] for each in cells] == [["glad", "so it was fine"], ["so it was bad"]]
        assert [each[-2] for each in cells] == ["glad", "sad"]
    else:
        series = tmp_path / "new.ts"
        series.write_text("@classLabel false\n@data\n0,1,2,3,4:0,1,2,3,4\n0,-1,-2,-3,-4:0,-1,-2,?,-4\n")
        rows = list(csv.DictReader(io.StringIO(predicted(run, series, capsys=capsys))))
        assert [(row["line"], row["predicted"]) for row in rows] == [("3", "up"), ("4", "down")]
        series.write_text("@classLabel false\n@data\n0,1,2,3,4\n")
        assert main(["predict", str(run.path), str(series)]) == 2
        assert "1 channels (channel_1), where the network reads channel_1, channel_2" in capsys.readouterr().err


def test_in_a_folder_predictions_stand_beside_the_lines_that_were_read(tmp_path, capsys):
    """Notices, binary and empty files lie before, between and behind them."""
    learnt, new = tmp_path / "learnt", tmp_path / "new"
    for folder in (learnt, new):
        folder.mkdir()
    for name, word in (("up", "good"), ("down", "bad")):
        (learnt / f"{name}.txt").write_text("".join(f"{word} {word} {k}\n" for k in range(30)))
    data = naibu.open_classes(learnt, test=0.1)
    run = naibu.train(data, out=tmp_path / "run", model=ClassesConfig(units=8), training=LEARNT)
    texts = {"README": "about\nbad\n", "a.txt": "good good\n\nbad bad\n", "b.bin": "\0\1\n\2\0", "c.txt": "\n",
             "d.txt": "bad bad\n", "licence.txt": "good\n"}  # fmt: skip
    for name, text in texts.items():
        (new / name).write_text(text)
    cells = [line.split("\t") for line in predicted(run, new, capsys=capsys).splitlines()]
    wanted = [("good good", "up"), ("bad bad", "down"), ("bad bad", "down")]
    assert [tuple(each[:2]) for each in cells] == wanted
    told = naibu.predict(run, [new])
    assert [row["predicted"] for row in told.rows()] == [predicted for _, predicted in wanted]
    for text, said in (("bad bad\nnew\n", "line 2: this line was not there when"), ("", "line 1: this line is not")):
        (new / "d.txt").write_text(text)
        with pytest.raises(CorpusError, match=said):
            list(told.lines())


def test_points_come_back_by_their_ids(tmp_path, capsys):
    path, rng = tmp_path / "points.csv", np.random.default_rng(1)
    lines = [
        f"t{k},{t},{t * (1 - 2 * (k % 2)) + rng.normal(0, 0.2):.3f},{('up', 'down')[k % 2]}"
        for k in range(60) for t in range(6)
    ]  # fmt: skip
    path.write_text("\n".join(["id,t,v,c", *lines]) + "\n")
    command = ["train", "classes", str(path), "--id", "id", "--time", "t", "--class", "c", "--units", "8", "--steps"]
    assert main([*command, "60", "--learning-rate", ".02", "--threads", "1", "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    new = tmp_path / "new.csv"
    new.write_text("id,t,v\n" + "".join(f"b,{t},{-t}\na,{t},{t}\n" for t in range(6)))
    rows = list(csv.DictReader(io.StringIO(predicted(naibu.open_run(tmp_path / "run"), new, capsys=capsys))))
    assert [(row["id"], row["predicted"]) for row in rows] == [("b", "down"), ("a", "up")]


def test_what_a_network_of_strokes_draws_is_read_by_one_of_classes(tmp_path, capsys):
    path, drawn, runs = (
        tmp_path / "drawings.jsonl",
        tmp_path / "drawn.jsonl",
        (tmp_path / "writer", tmp_path / "reader"),
    )
    path.write_text(scribbles(120).replace('"kind"', '"class"'))
    for task, run in zip(("strokes", "classes"), runs, strict=True):
        command = ["train", task, str(path), "--class", "class", "--units", "16", "--steps", "150", "--threads", "1"]
        assert main([*command, "--learning-rate", ".02", "--out", str(run)]) == 0
    asked = ["--class", "loop", "--class", "step", "--count", "3", "--length", "30"]
    assert main(["generate", str(runs[0]), *asked, "--out", str(drawn)]) == 0
    capsys.readouterr()
    reader = naibu.open_run(runs[1])
    rows = list(csv.DictReader(io.StringIO(predicted(reader, drawn, capsys=capsys))))
    assert [row["line"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    scores = naibu.evaluate(reader, [drawn], alone=True)
    right = sum(row["predicted"] == name for row, name in zip(rows, ["loop"] * 3 + ["step"] * 3, strict=True))
    assert scores["accuracy"] == pytest.approx(right / 6)
    assert sum(scores["confusion"]["loop"].values()) == 3
    assert naibu.evaluate(reader, alone=True)["accuracy"] > 0.6  # a third at random


# ---------------------------------------------------------------- scikit-learn


def small(**options):
    return LSTMClassifier(
        **{"units": 16, "steps": 40, "learning_rate": 0.03, "dropout": 0.1, "random_state": 0, **options}
    )


def test_scikit_learns_own_checks_pass():
    found = check_estimator(small(), on_skip=None)
    assert {each["check_name"] for each in found if each["status"] == "failed"} == set()
    skipped = {each["check_name"] for each in found if each["status"] == "skipped"}
    assert skipped <= {"check_array_api_input", "check_classifier_data_not_an_array"}  # without pandas


def test_texts_and_series_of_different_lengths_are_learnt():
    texts = [f"{('good', 'bad')[k % 2]} thing {k}" for k in range(40)]
    moods = np.array(["+", "-"])[np.arange(40) % 2]
    told = small().fit(texts, moods)
    assert told.predict(["a good one", "so bad"]).tolist() == ["+", "-"]
    for kind in (str, object):  # as data frames and numpy have them
        array = np.array(texts, kind)
        np.testing.assert_array_equal(told.predict_proba(array), told.predict_proba(texts))
    np.testing.assert_array_equal(
        small(steps=3).fit(np.array(texts), moods).predict_proba(texts),
        small(steps=3).fit(texts, moods).predict_proba(texts),
    )
    rng = np.random.default_rng(2)
    series = [
        np.stack([(1 - 2 * (k % 2)) * np.arange(n), rng.normal(size=n)], 1) for k, n in enumerate([5, 7, 6, 9] * 8)
    ]
    series[3][2, 1] = np.nan
    found = small(cell="gru", pooling="last").fit(series, [3, 1] * 16)
    assert found.predict([np.stack([np.arange(8), np.zeros(8)], 1)]).tolist() == [3]
    assert found.predict_proba(series).shape == (32, 2)
    with pytest.raises(ValueError, match="1 and 2 channels"):
        small().fit([np.zeros((3, 1)), np.zeros((4, 2))], [0, 1])


def test_an_estimator_is_the_same_again_and_after_pickling():
    x = np.random.default_rng(3).normal(size=(40, 6, 1))
    y = (x[:, -1, 0] > 0).astype(int)
    before = torch.get_rng_state()
    one = small(steps=20).fit(x, y)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(clone(one).fit(x, y).predict_proba(x), one.predict_proba(x))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(one)).predict_proba(x), one.predict_proba(x))
