"""Recovery from file to file: trained, scored on values that are taken away beside simple guesses, filled in."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
import torch

import naibu
from naibu.cli import main
from naibu.config import RecoveryConfig, TrainingConfig
from naibu.data.recovery import RecoveryWindows
from naibu.data.recovery_removal import Removal
from naibu.generation.recovering import recovered
from naibu.tasks.recovery import Recovery
from naibu.tasks.recovery_evaluation import simple_guesses
from naibu.viewer.exhibits import open_exhibits
from naibu.viewer.live import Network
from naibu.viewer.windows import window
from series_tables import sensors

STEPS = 90


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recovery")
    (folder / "sensors.csv").write_text(sensors())
    (folder / "one.csv").write_text(sensors(count=1))
    return folder


def trained(folder, name, **options):
    data = naibu.open_recovery(folder / f"{name}.csv", **options)
    training = TrainingConfig(steps=STEPS, batch_size=32, validations=3, threads=1, learning_rate=0.01)
    return naibu.train(data, out=folder / name, model=RecoveryConfig(units=8), training=training)


@pytest.fixture(scope="module")
def run(folder):
    return trained(folder, "sensors", neighbours=2, test=0.2)


# ---------------------------------------------------------------- scores


def test_scores_have_the_agreed_keys_and_beat_every_simple_guess(run, folder, capsys):
    out = folder / "scores.json"
    assert main(["evaluate", str(run.path), "--removed", ".2,.5", "--pattern", "blocks", "--json", str(out)]) == 0
    scores = json.loads(out.read_text())
    keys = {"mae", "rmse", "crps", "coverage_80", "coverage_95"}
    assert keys | {"loss", "examples", "steps", "by_removal", "baselines", "skill"} <= scores.keys()
    assert [(row["pattern"], row["share"]) for row in scores["by_removal"]] == [("blocks", 0.2), ("blocks", 0.5)]
    assert scores["values"] == sum(row["values"] for row in scores["by_removal"])
    guesses = {"line in time", "historical mean", "neighbours", "last value"}
    for row in (scores, *scores["by_removal"]):
        assert keys <= row.keys()
        assert row["baselines"].keys() == guesses
        best = min(row["baselines"].values(), key=lambda each: each["mae"])
        assert row["mae"] < best["mae"]
        assert row["skill"]["ratio"] == pytest.approx(row["mae"] / best["mae"])
        assert row["skill"]["low"] <= row["skill"]["ratio"] <= row["skill"]["high"]
    assert scores["skill"]["stretches"] == 15  # 120 steps of the part, in eights
    weights = [row["values"] / scores["values"] for row in scores["by_removal"]]
    assert scores["mae"] == pytest.approx(np.dot(weights, [row["mae"] for row in scores["by_removal"]]))
    assert scores["coverage_80"] > 0.5
    shown = " ".join(capsys.readouterr().out.split())
    assert "mae over the best of these" in shown
    assert "mae with 50 % gone, blocks" in shown


def test_the_same_is_taken_each_time_and_other_with_another_seed(run):
    one, again, other = (naibu.evaluate(run, removed=0.3, pattern="random", removal_seed=k) for k in (1, 1, 2))
    assert one == again
    assert one["mae"] != other["mae"]
    assert naibu.evaluate(run, removed=(0.3, 0.4), pattern=("random",))["by_removal"][0]["mae"] == one["mae"]


def test_simple_guesses_by_numpy(run):
    source = run.data().source
    grid, (train, test) = source.grid, source.parts
    windows = RecoveryWindows(source, (test, grid.steps), (Removal("blocks", 0.4, 5),))
    found = recovered(naibu.load(run), windows)
    simple = simple_guesses(windows.after(0), found)
    gone = np.zeros(grid.values.shape, bool)
    gone[:, test:] = windows.gone(0)
    seen, steps = np.where(gone, np.nan, grid.values), np.arange(grid.steps)
    hour = grid.clock.times(steps).astype(np.int64) % 86_400 // 3600
    weekend = (grid.clock.times(steps).astype("datetime64[D]").astype(np.int64) + 3) % 7 >= 5
    series, step = found.origins.T
    assert len(found.truth) == gone.sum()
    np.testing.assert_array_equal(found.truth[:, 0], grid.values[series, step])
    for name, told in simple.items():
        for number in range(0, len(series), 7):
            own, at = series[number], step[number]
            there = np.flatnonzero(~np.isnan(seen[own]))
            if name == "line in time":
                wanted = np.interp(at, there, seen[own, there])
            elif name == "last value":
                wanted = seen[own, there[there < at][-1]]
            elif name == "historical mean":
                alike = (hour == hour[at]) & (weekend == weekend[at]) & (steps < train)
                wanted = np.nanmean(grid.values[own, alike])
            else:
                continue
            assert told.median[number, 0] == pytest.approx(wanted, rel=1e-4), name


def test_the_median_that_is_scored_is_that_of_the_outcomes(run):
    data, model = run.data(), naibu.load(run)
    removal = 0
    windows = data.test.each(removal)
    found = recovered(model, windows)
    batch = windows.batch(np.arange(len(windows)))
    outcomes, _ = model.outcomes(batch)
    asked, time = batch.predicted.numpy(), windows.time(np.arange(len(windows)))
    series = np.broadcast_to(windows.own[:, 0], time.shape)[asked]
    order = np.lexsort((series, time[asked]))
    np.testing.assert_array_equal(found.origins, np.stack([series, time[asked]], 1)[order])
    for name, level in (("median", 0.5), ("low_80", 0.1), ("high_95", 0.975)):
        np.testing.assert_allclose(outcomes[name].numpy()[asked][order], found.quantile(level)[:, 0], rtol=1e-5)


# ---------------------------------------------------------------- what is told hangs on


def changed(path, to, where, value):
    """A copy of a wide table in which the cells `where`, (row, column), have another value."""
    rows = list(csv.reader(path.read_text().splitlines()))
    for row, column in where:
        rows[row + 1][column + 1] = value
    to.write_text("\n".join(map(",".join, rows)) + "\n")
    return to


def test_what_is_told_hangs_on_what_stands_before_and_after_and_beside_and_not_on_what_was_taken(run, folder, tmp_path):
    """The same network on other tables: a gap of series s1, and values changed around it."""
    gap = [(row, 1) for row in range(300, 306)]
    table = changed(folder / "sensors.csv", tmp_path / "table.csv", gap, "")

    def told(where=(), value="90"):
        path = changed(table, tmp_path / "other.csv", where, value)
        rows = naibu.predict(run, [path]).rows()
        return [row["median"] for row in rows if row["series"] == "s1" and row["time"].startswith(STAMP)]

    STAMP = naibu.predict(run, [table]).grid.clock.shown(303)
    plain = told()
    assert len(plain) == 1
    for where in ([(299, 1)], [(306, 1)], [(303, 0), (303, 2), (303, 3)]):
        assert abs(told(where)[0] - plain[0]) > 1e-3
    data = run.data()
    values = data.source.grid.values.copy()
    windows = data.test.each(0)
    model, gone = naibu.load(run), windows.gone(0)
    part = values[:, data.test.span[0] :]
    part[gone] = 900.0
    path = tmp_path / "taken.csv"
    lines = ["time," + ",".join(data.source.grid.series)]
    for step, row in enumerate(values.T):
        shown = ["" if np.isnan(each) else repr(float(each)) for each in row]
        lines.append(",".join([data.source.grid.clock.shown(step), *shown]))
    path.write_text("\n".join(lines) + "\n")
    other = naibu.open_recovery(path, neighbours=2, test=0.2).test.each(0)
    one, two = (recovered(model, each) for each in (windows, other))
    np.testing.assert_array_equal(one.quantiles, two.quantiles)
    assert (one.truth != two.truth).all()


@torch.no_grad()
def test_a_window_is_read_from_both_ends(run):
    data, model = run.data(), naibu.load(run)
    batch = data.test.batch(np.arange(8))
    asked = torch.nonzero(batch.predicted)
    row = int(asked[0][1])
    place = int(asked[asked[:, 1] == row][0][0])
    before = model.outcomes(batch)[0]["median"][place, row]
    for step in (0, data.source.coder.window - 1):
        x = batch.main.x.clone()
        x[step, row, model.layout.guess] += 3
        moved = batch._replace(streams={"input": batch.main._replace(x=x)})
        assert model.outcomes(moved)[0]["median"][place, row] != before


# ---------------------------------------------------------------- filling in


def test_every_missing_value_has_a_row_and_nothing_else(run, folder, capsys):
    path = folder / "sensors.csv"
    assert main(["predict", str(run.path), str(path)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0]) == ["time", "series", "mean", "median", "low_80", "high_80", "low_95", "high_95"]
    table = list(csv.DictReader(path.read_text().splitlines()))
    wanted = [(row["time"], name) for row in table for name in ("s0", "s1", "s2", "s3") if row[name] == ""]
    assert [(row["time"], row["series"]) for row in rows] == wanted
    for row in rows:
        numbers = [float(row[name]) for name in ("low_95", "low_80", "median", "high_80", "high_95")]
        assert numbers == sorted(numbers)
    assert [row["median"] for row in naibu.predict(run).rows()] == pytest.approx(
        [float(row["median"]) for row in rows], abs=6
    )  # beside a value of the training part its own usual value has it not


def test_a_long_table_is_filled_as_a_wide_one(run, folder, tmp_path):
    """A network of a long table, on the same values: what was learnt is the same."""
    table = list(csv.DictReader((folder / "sensors.csv").read_text().splitlines()))
    lines = [f"{row['time']},{name},{row[name]}" for row in table for name in ("s0", "s1", "s2", "s3")]
    (tmp_path / "sensors.csv").write_text("time,name,value\n" + "\n".join(lines) + "\n")
    data = naibu.open_recovery(tmp_path / "sensors.csv", id="name", neighbours=2, test=0.2)
    other = run.data()
    np.testing.assert_array_equal(data.source.level, other.source.level)
    training = TrainingConfig(steps=2, threads=1)
    long = naibu.train(data, out=tmp_path / "run", model=RecoveryConfig(units=4), training=training)
    rows = naibu.predict(long, [tmp_path / "sensors.csv"]).rows()
    assert len(rows) == np.isnan(data.source.grid.values).sum()
    (tmp_path / "fifth.csv").write_text("time,name,value\n2024-03-04 00:00:00,s9,1\n")
    with pytest.raises(naibu.CorpusError, match="name s9: no series of that name was learnt"):
        naibu.predict(long, [tmp_path / "fifth.csv"])


def test_a_short_table_is_filled_too(run, tmp_path):
    lines = sensors(hours=600).splitlines()
    (tmp_path / "short.csv").write_text("\n".join([lines[0], "2024-03-04 00:00:00,,,,", *lines[2:5]]) + "\n")
    rows = naibu.predict(run, [tmp_path / "short.csv"]).rows()
    assert [row["series"] for row in rows][:4] == ["s0", "s1", "s2", "s3"]
    assert all(np.isfinite(row["median"]) for row in rows)
    (tmp_path / "whole.csv").write_text(sensors(hours=40, gaps=False))
    assert naibu.predict(run, [tmp_path / "whole.csv"]).rows() == []


def test_one_series_alone_is_recovered(folder):
    one = trained(folder, "one", test=0.2)
    scores = naibu.evaluate(one, removed=0.3, pattern="blocks")
    assert scores["baselines"].keys() == {"line in time", "historical mean", "last value"}
    assert scores["mae"] < scores["baselines"]["last value"]["mae"]


# ---------------------------------------------------------------- looking inside


def test_a_window_is_recorded_probed_and_read_again_live_in_the_viewer(run, capsys):
    """What the live network tells of a recorded window is what was recorded."""
    assert main(["record", str(run.path)]) == 0
    found = json.loads(said(capsys, ["probe", str(run.path), "--label", "gap", "--json", "-"]))
    assert found
    exhibit = open_exhibits([run.path])[0]
    network = Network(exhibit)
    given = network.recorded(window(exhibit, 3))
    assert given.difference < 0.01
    first, last = exhibit.sequences.span(3)
    read = network.read(given).recording.index
    np.testing.assert_allclose(read.loss, exhibit.recording.index.loss[first:last], atol=1e-5)


def said(capsys, words):
    capsys.readouterr()
    assert main(words) == 0
    return capsys.readouterr().out


# ---------------------------------------------------------------- what cannot be done


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--removed", "0"], "--removed 0: must be shares above 0 and below 1"),
        (["--removed", ".3,1"], "--removed .3,1: must be shares above 0 and below 1"),
        (["--removed", "half"], "--removed half: must be shares"),
        (["--removed", "nan"], "--removed nan: must be shares"),
        (["--removed", "1e-9"], "--removed 1e-09: nothing of the 120 steps of this part is taken away"),
        (["--pattern", "stripes"], "--pattern stripes: must be blocks, random, or blocks,random"),
        (["--origins", "daily2"], "--origins daily2"),
    ],
)
def test_what_cannot_be_scored_is_told_in_one_line(run, words, told, capsys):
    assert main(["evaluate", str(run.path), *words]) == 2
    output = capsys.readouterr()
    assert len(output.err.strip().splitlines()) == 1
    assert told in output.err


def test_a_table_of_other_series_is_told_in_one_line(run, folder, tmp_path, capsys):
    path = tmp_path / "others.csv"
    path.write_text(sensors(hours=40).replace("s3", "t3"))
    assert main(["predict", str(run.path), str(path)]) == 2
    output = capsys.readouterr()
    assert (output.out, len(output.err.strip().splitlines())) == ("", 1)
    assert "others.csv: has no column s3; the network learnt 4 series, s0, s1, s2, s3" in output.err
    with pytest.raises(naibu.CorpusError, match="one file at a time"):
        naibu.predict(run, [path, path])


@pytest.mark.parametrize("words", [["--window", "2"], ["--neighbours", "-1"], ["--test", "1"], ["--target", "s9"]])
def test_what_cannot_be_learnt_is_told_in_one_line(folder, words, tmp_path, capsys):
    asked = ["train", "recovery", str(folder / "sensors.csv"), *words, "--out", str(tmp_path / "run")]
    assert main(asked) == 2
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert words[0] in error
    assert not (tmp_path / "run").exists()


def test_where_the_best_simple_guess_makes_no_error_there_is_no_ratio_and_it_is_said():
    rows = Recovery().told({"loss": 1.0, "skill": {"over": "line in time", "ratio": None, "low": None, "high": None}})
    assert rows["mae over the best of these"] == "none, for it makes no error (line in time)"
