"""Measures at the steps where a label has each of its values, against sums step by step."""

from __future__ import annotations

import json

import numpy as np
import pytest

import naibu
from naibu.cells.edits import Clamp
from naibu.cli import main
from naibu.interventions import edited
from naibu.interventions.by_label import measures_by
from naibu.interventions.hold import hold
from naibu.tasks.catalogue import task_named
from series_tables import hourly


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("by_label")
    (folder / "hours.csv").write_text(hourly(900))
    words = "train series hours.csv --target volume --known holiday --horizon 6 --context 24 --units 5 --steps 30"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*words.split(), "--threads", "1", "--plain", "--out", "run"]) == 0
        assert main(["record", "run", "--positions", "2000"]) == 0
        yield naibu.open_run("run")


def by_hand(model, examples, label, value):
    """Return the mean error at the steps where a label has a value, one window at a time."""
    above = below = 0
    for number in range(len(examples)):
        one = examples.subset(np.array([number]))
        error = model.outcomes(one.batch(np.array([0])))[0]["error"].numpy()[:, 0]
        there = (one.label(label).values == value) & ~np.isnan(error)
        above, below = above + error[there].sum(dtype=float), below + there.sum()
    return above / below


def test_errors_by_label_are_those_of_the_steps_where_it_holds(run):
    data, model, key = run.data(), naibu.load(run), ("lstm.0", "cell")
    recording = naibu.record(run, data, keep=("cell",), dtype="float32")
    found = hold(run, data, recording, label="level", key=key, unit=2, by="rush_hour", draws=2, resamples=50)
    assert found.by == "rush_hour"
    assert [each.value for each in found.by_values()] == ["no", "yes"]
    for code, each in enumerate(found.by_values()):
        before = by_hand(model, data.test, "rush_hour", code)
        with edited(model, {key: Clamp([2], found.value)}):
            after = by_hand(model, data.test, "rush_hour", code)
        assert each.before.value == pytest.approx(before, rel=1e-4)
        assert each.change.value == pytest.approx(after - before, rel=1e-3, abs=1e-3)
        assert each.change.low <= each.change.value <= each.change.high
        assert len(each.others) == 2
    whole = found.effects[0].scores("error").test
    parts = [each.before for each in found.by_values()]
    assert sum(part.n for part in parts) == whole.n
    assert sum(part.value * part.n for part in parts) == pytest.approx(whole.value * whole.n)
    assert {row["where"] for row in found.rows()} == {"", "rush_hour no", "rush_hour yes"}
    assert all(each.change.test.value == 0 for each in found.effects[0].measured)


def test_hours_are_told_apart_and_steps_without_a_label_are_in_none(run):
    examples = run.data().test
    measures = task_named("series").measures(examples)
    hours = measures_by(measures, examples, "hour")
    assert [each.where for each in hours[:: len(measures)]] == [f"hour {hour}" for hour in range(24)]
    column = {"loss": np.array([1.0, 2.0, 4.0]), "label hour": np.array([3.0, np.nan, 3.0])}
    (three,) = (each for each in hours if (each.name, each.where) == ("loss", "hour 3"))
    above, below = three.sums(column)
    assert (above.tolist(), below.tolist()) == ([1, 0, 4], [1, 0, 1])


def test_the_command_tells_it_and_refuses_a_label_of_many_values(run, capsys, monkeypatch):
    monkeypatch.chdir(run.path.parent)
    assert main(["probe", "run"]) == 0
    assert main(["intervene", "run", "--by", "rush_hour", "--draws", "2", "--json", "rows.json"]) == 0
    told = capsys.readouterr().out
    assert "absolute error by rush_hour" in told
    assert "absolute error" in told.partition("by rush_hour")[0]
    rows = json.loads((run.path.parent / "rows.json").read_text())
    assert any(row["where"] == "rush_hour yes" and "change_low" in row for row in rows)
    assert main(["report", "run"]) == 0
    assert "at the steps of each rush hour" in (run.path.parent / "report.html").read_text(encoding="utf-8")
    before = (run.path / "results" / "holding.json").read_bytes()
    assert main(["intervene", "run", "--by", "level", "--draws", "0"]) == 2
    assert main(["intervene", "run", "--by", "colour", "--draws", "0"]) == 2
    said = capsys.readouterr().err
    assert "--by level: has" in said
    assert "label 'colour': there are" in said
    assert main(["intervene", "run", "--by", "hour", "--ternary"]) == 2
    assert (run.path / "results" / "holding.json").read_bytes() == before
