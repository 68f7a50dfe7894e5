"""The bench of the probes: contenders solve the same problem, processes are measured, rows keep their contract."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from jobs_apart import busy, failing
from naibu.bench import probe_contests as contests
from naibu.bench import probes as bench
from naibu.bench import tables
from naibu.bench.apart import Done, apart
from naibu.bench.planted import CELL, DEPTH, GATE, INSIDE, MEAN_LENGTH, planted
from naibu.bench.probe_contests import Answer
from naibu.bench.sizes import Sizes
from naibu.cli import main
from naibu.probes.halves import widened
from naibu.recording import Recording

ROWS, UNITS = 3_000, 12
KEYS = {"probe", "rows", "units", "ratio_to_sklearn", "peak_mb", "objective_difference", "load"}
LEAST_WORK = [contest for contest in bench.CONTESTS if contest.probe in ("correlation", "L1 logistic path")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("bench") / "planted"
    planted(place, ROWS, UNITS)
    return place


def here(call, *arguments, limit=None) -> Done:
    """A call in this process, as if it took a second of the processor each time, two of the clock."""
    return Done(call(*arguments), 2.0, 1.0, 100.0, 0.0)


# The planted recording


def test_the_planted_recording_holds_what_was_planted(folder):
    recording = Recording.open(folder)
    index = recording.index
    train, test = (np.asarray(index.split) == code for code in (0, 2))
    assert ROWS <= train.sum() < ROWS + 250
    assert ROWS / 4 <= test.sum() < ROWS / 4 + 250
    lengths = np.diff(index.starts)
    assert 0.7 * MEAN_LENGTH < lengths.mean() < 1.3 * MEAN_LENGTH
    assert lengths.min() >= 5
    np.testing.assert_array_equal(np.asarray(index.position)[index.starts[:-1]], 0)
    depth, inside = (np.asarray(index.label(name).values) for name in (DEPTH, INSIDE))
    np.testing.assert_array_equal(inside, depth >= 3)
    within = np.diff(np.asarray(index.sequence)) == 0
    np.testing.assert_array_equal(np.abs(np.diff(depth))[within], 1)
    cell, gate = np.asarray(recording[CELL]), np.asarray(recording[GATE])
    assert cell.dtype == np.float16
    assert np.corrcoef(cell[:, 3].astype(float), depth)[0, 1] > 0.9
    assert 0 <= gate.min() < gate.max() <= 1


def test_it_is_the_same_for_the_same_seed_and_another_for_another(tmp_path):
    one, same, other = (
        np.asarray(planted(tmp_path / name, 300, 4, seed)[CELL]) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or (one != other).any()


# Contenders


@pytest.mark.parametrize("contest", bench.CONTESTS, ids=lambda contest: contest.probe)
def test_peers_compute_the_same(contest, folder):
    ours = contest.ours(folder, ROWS)
    for call in contest.peers.values():
        difference = bench._difference(contest, folder, ROWS, [ours, call(folder, ROWS, ours, 1e-6)])
        assert abs(difference) < {"overlap": 0.02, "distributions": 0.02}.get(contest.probe, 1e-4)


@pytest.mark.parametrize("contest", bench.CONTESTS, ids=lambda contest: contest.probe)
def test_a_wrong_answer_is_found_out(contest, folder):
    ours = contest.ours(folder, ROWS)
    wrong = Answer(1.3 * ours.weights, ours.intercepts, ours.strengths, ours.numbers + 0.1)
    assert abs(bench._difference(contest, folder, ROWS, [ours, wrong])) > bench.EQUAL


def test_objectives_are_those_written_out(folder):
    """Of weights that nobody fitted: the sums in plain numpy."""
    draw = np.random.default_rng(0)
    answer = Answer(draw.normal(size=(2, UNITS)), draw.normal(size=2), np.array([0.01, 0.5]))
    task = contests.Task.of(folder, 500, INSIDE)
    x, y = task.x().astype(np.float64), task.y
    assert len(x) == 500
    found = contests.logistic_objectives(folder, 500, [answer])[0]
    for k, (w, b, c) in enumerate(zip(answer.weights, answer.intercepts, answer.strengths, strict=True)):
        p = 1 / (1 + np.exp(-(x @ w + b)))
        assert found[k] == pytest.approx(np.abs(w).sum() - c * np.log(np.where(y == 1, p, 1 - p)).sum())
    depth = contests.Task.of(folder, 500, DEPTH).y
    found = contests.squared_objectives(folder, 500, [answer])[0]
    for k, (w, b, alpha) in enumerate(zip(answer.weights, answer.intercepts, answer.strengths, strict=True)):
        errors = depth - x @ w - b
        assert found[k] == pytest.approx(errors @ errors / 1000 + alpha * np.abs(w).sum())


# A process of its own


def test_a_call_apart_is_measured():
    big, small = apart(busy, 0.3, 200), apart(busy, 0.0, 1)
    assert big is not None
    assert small is not None
    assert os.getpid() not in (big.value, small.value)
    assert 150 < big.peak_mb - small.peak_mb < 250
    assert big.cpu_seconds >= 0.3 > small.cpu_seconds
    assert big.seconds >= big.cpu_seconds
    assert small.seconds >= 0.2


def test_what_takes_too_long_is_ended_and_what_fails_is_said():
    assert apart(busy, 600.0, 1, limit=0.2) is None
    with pytest.raises(RuntimeError, match="failing: ValueError: no such thing"):
        apart(failing)
    with pytest.raises(RuntimeError, match="_exit: its process ended with status 3"):
        apart(os._exit, 3)


# Rows and tables


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(bench, "apart", here)
    monkeypatch.setattr(bench, "CONTESTS", tuple(LEAST_WORK))
    monkeypatch.setattr(bench, "IN_REPORT", {"correlation": bench.IN_REPORT["correlation"]})


def test_rows_keep_their_contract(quick, tmp_path, capsys):
    where = tmp_path / "rows.json", tmp_path / "rows.md"
    typed = ["bench", "probes", "--rows", "2000", "--hidden", "8", "--json", str(where[0]), "--markdown", str(where[1])]
    assert main(typed) == 0
    rows = json.loads(where[0].read_text())
    assert [row["probe"] for row in rows] == [
        "correlation", "L1 logistic path", "report: correlation", "report: all of these",
    ]  # fmt: skip
    assert all(row.keys() >= KEYS for row in rows)
    assert all((row["rows"], row["units"], row["peak_mb"], row["load"]) == (2000, 8, 100, 0) for row in rows)
    assert [row["ratio_to_sklearn"] for row in rows] == [1.0, 1.0, None, None]
    assert rows[1]["equal"]
    assert rows[1]["peer"].startswith(("liblinear, tolerance ", "saga, tolerance "))
    assert abs(rows[1]["objective_difference"]) <= bench.EQUAL
    said = capsys.readouterr().out
    assert "Probes of a recording on disk against their peers" in said
    assert "| correlation | 2,000 8 | 1.0 | 1.00 | 1.00 | 100 | 100 |" in where[1].read_text()


def test_a_peer_is_given_a_part_and_the_row_says_so(quick, monkeypatch):
    monkeypatch.setattr(bench, "AGAINST", 8_000)
    rows = [row for row in bench.measure(Sizes(hidden=(8,), rows=(2000,))) if row["probe"] == "L1 logistic path"]
    assert [(row["rows"], row["ratio_to_sklearn"] is None) for row in rows] == [(1000, False), (2000, True)]
    assert rows[1]["peer"] is None


def test_the_fastest_equal_peer_is_taken(monkeypatch, folder):
    """Three peers: quick and wrong, slow and right, right in between; none of them computes anything."""
    seconds = {"wrong": 0.1, "slow": 9.0, "right": 3.0}
    right, wrong = Answer(numbers=np.zeros(1)), Answer(numbers=np.ones(1))
    answers = {"wrong": wrong, "slow": right, "right": right}

    def measured(call, *arguments, limit=None):
        return Done(answers.get(call, right), 1.0, seconds.get(call, 2.0), 50.0, 0.0)

    def objectives(folder, most, given):
        return np.array([[1.0 + 0.01 * answer.numbers[0]] for answer in given])

    monkeypatch.setattr(bench, "apart", measured)
    contest = bench.Contest("x", "ours", {name: name for name in seconds}, objectives, (1e-3,))
    row = bench._contested(contest, folder, 10, 2, 3)
    assert (row["peer"], row["equal"], row["ratio_to_sklearn"]) == ("right", True, 1.5)
    alone = bench.Contest("x", "ours", {"wrong": "wrong"}, objectives, (1e-3, 1e-4, 1e-5))
    row = bench._contested(alone, folder, 10, 2, 3)
    assert (row["peer"], row["equal"]) == ("wrong, tolerance 0.001", False)
    assert row["objective_difference"] == pytest.approx(0.01)
    assert ": not as low" in tables.probes([row])[0].lines[0][-1]
    monkeypatch.setattr(bench, "apart", lambda call, *rest, limit=None: None if limit else measured(call))
    row = bench._contested(alone, folder, 10, 2, 3)
    assert row["peer"].startswith("none within")
    assert row["ratio_to_sklearn"] is None
    assert tables.probes([row])[0].lines[0][2:5] == ("", "2.00", "")


def test_sizes_when_none_are_asked_for(quick, monkeypatch):
    asked = []
    monkeypatch.setattr(bench, "planted", lambda folder, rows, units: asked.append((rows, units)))
    monkeypatch.setattr(bench, "_against", lambda *rest: iter(()))
    monkeypatch.setattr(bench, "_in_report", lambda *rest: iter(()))
    for sizes in (Sizes(), Sizes(quick=True), Sizes(rows=(5, 6)), Sizes(hidden=(7,))):
        list(bench.measure(sizes))
    assert asked == [*bench.USUAL, *bench.QUICK, (5, 200), (6, 200), (100_000, 7)]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("probes --rounds 0", "--rounds: not an option of naibu bench"),
        ("probes --rows 0", "--rows 0: must be at least 1"),
        ("probes --rows many", "--rows many: must be a whole number"),
        ("probes --cells lstm", "naibu bench probes: takes --hidden, --rows and --quick only"),
        ("layers --rows 3", "--rows 3: rows of recordings are for probes and all, not for layers"),
        ("memory --rows 3", "naibu bench memory: has sizes of its own"),
    ],
)
def test_what_is_mistyped_is_said_in_one_line(typed, said, capsys):
    assert main(["bench", *typed.split()]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("naibu: " + said)
    assert (out, err.count("\n")) == ("", 1)


# float16 to float32


def test_every_float16_is_widened_exactly():
    every = np.arange(65_536, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)].reshape(-1, 2)
    np.testing.assert_array_equal(widened(finite).view(np.int32), finite.astype(np.float32).view(np.int32))
    np.testing.assert_array_equal(widened(every[:, None]), every[:, None].astype(np.float32))  # with nan and infinity


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_any_layout_and_type_is_widened_into_a_new_array(dtype):
    values = np.random.default_rng(0).normal(size=(50, 40)).astype(dtype)
    for some in (values, values.T, values[:, 3:17], values[::2], values[:0], values[[4, 2]]):
        found = widened(some)
        assert found.dtype == np.float32
        assert not np.shares_memory(found, values)
        np.testing.assert_array_equal(found, some.astype(np.float32))
