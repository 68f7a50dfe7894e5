"""The shared rooms: the runner of experiments, and the measuring in interleaved rounds."""

from __future__ import annotations

import re
import time

import pytest

import naibu
from naibu.bench import interleaved
from naibu.cli import main
from naibu.papers.catalogue import PAPERS
from naibu.papers.runner import Experiment, reproduce, table_of


def experiment(row, calls, value=0.5):
    def obtain(quick):
        calls.append(row)
        if value is None:
            raise KeyboardInterrupt
        return {"share": value / (2 if quick else 1), "trials": 3}

    return Experiment(
        "T1", row, {"share": 0.4}, "page 1", obtain, lambda p, o: "within" if o["share"] > p["share"] else "below"
    )


def test_rows_stand_published_beside_obtained(tmp_path):
    rows = reproduce([experiment("a b", [])], tmp_path)
    assert (rows[0].published, rows[0].obtained, rows[0].trials, rows[0].verdict) == (
        {"share": 0.4},
        {"share": 0.5},
        3,
        "within",
    )
    assert table_of(rows, "T").row_count == 2


def test_what_is_finished_stays_and_the_next_call_goes_on(tmp_path):
    calls = []
    with pytest.raises(KeyboardInterrupt):
        reproduce([experiment("a", calls), experiment("b", calls, None)], tmp_path)
    rows = reproduce([experiment("a", calls), experiment("b", calls)], tmp_path)
    assert calls == ["a", "b", "b"]
    assert [row.row for row in rows] == ["a", "b"]


def test_a_quick_row_is_not_taken_for_a_full_one(tmp_path):
    calls = []
    assert reproduce([experiment("a", calls)], tmp_path, quick=True)[0].verdict == "below"
    assert reproduce([experiment("a", calls)], tmp_path)[0].verdict == "within"
    assert calls == ["a", "a"]


def test_a_damaged_row_is_named(tmp_path):
    reproduce([experiment("a", [])], tmp_path)
    (tmp_path / "T1-a.json").write_text('{"table": 1}')
    with pytest.raises(naibu.StoredError, match="T1-a.json: not a row"):
        reproduce([experiment("a", [])], tmp_path)


def test_interleaved_rounds_find_the_slower_one():
    found = interleaved({"slow": lambda: time.sleep(0.004), "fast": lambda: time.sleep(0.001)}, rounds=5, seconds=0.01)
    assert 2 < found.ratio("fast", "slow") < 8
    assert found.rounds == 5
    assert found.load >= 0


@pytest.mark.parametrize("paper", PAPERS)
def test_the_help_of_a_paper_fits_a_screen_and_says_how_long_it_takes(paper, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["papers", paper, "--help"]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) < 60
    assert max(map(len, said.splitlines())) <= 80
    assert re.search(r"--quick: .*minutes.* All of it: .*hours", " ".join(said.split()))
