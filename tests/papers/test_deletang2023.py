"""The paper on the Chomsky hierarchy: what a score is called, and its table from start to end."""

from __future__ import annotations

import json

import pytest

from naibu.cli import main
from naibu.data.formal.catalogue import LANGUAGES
from naibu.papers.deletang2023.asked import QUICK, Asked
from naibu.papers.deletang2023.published import LANGUAGES as PUBLISHED
from naibu.papers.deletang2023.published import published_score
from naibu.papers.deletang2023.reproduction import verdict


def test_the_fifteen_languages_and_their_published_scores():
    assert len(PUBLISHED) == 15
    assert set(PUBLISHED) | {"a^n-b^n", "dyck", "a^n-b^n-c^n"} == set(LANGUAGES)
    assert published_score("bucket-sort", "lstm") == 99.3
    assert published_score("reverse-string", "stack-rnn") == 100.0
    assert published_score("stack-manipulation", "rnn") == 56.0
    assert published_score("parity", "gru") is None
    # The hierarchy: one state is enough for regular languages alone; a stack adds the context-free ones.
    solved = {cell: {name for name in PUBLISHED if published_score(name, cell) >= 90} for cell in ("rnn", "stack-rnn")}
    assert {LANGUAGES[name].level for name in solved["rnn"]} == {"regular"}
    assert {LANGUAGES[name].level for name in solved["stack-rnn"]} == {"regular", "deterministic context-free"}


@pytest.mark.parametrize(
    ("published", "best", "learnt", "said"),
    [
        (100.0, 95.0, 99.0, "solved, as published"),
        (100.0, 60.0, 99.0, "undecided: 500 of 1,000,000 steps"),
        (60.0, 62.0, 95.0, "not solved, as published"),
        (60.0, 62.0, 70.0, "not learnt in 500 of 1,000,000 steps"),
        (60.0, 92.0, 95.0, "solved here alone"),
        (None, 92.0, 95.0, "solved"),
        (None, 42.0, 95.0, "not solved"),
    ],
)
def test_a_score_says_what_it_decides(published, best, learnt, said):
    assert verdict(published, best, learnt, 500) == said


def test_what_is_asked_for():
    assert Asked().cells(quick=True) == ("lstm",)
    assert Asked().budget(quick=True) == QUICK
    assert Asked(minutes=2.0).budget(quick=False).steps is None
    assert Asked(task=("parity", "even-pairs")).languages() == ("even-pairs", "parity")


def test_the_table_from_start_to_end(tmp_path, capsys):
    small = ["--steps", "3", "--units", "4", "--lengths", "41:47:3", "--seeds", "2", "--workers", "1"]
    words = ["papers", "deletang2023", "--task", "bucket-sort", "--cell", "rnn", "--cell", "gru", *small]
    scores, out = tmp_path / "scores.json", tmp_path / "papers"
    assert main([*words, "--out", str(out), "--json", str(scores)]) == 0
    rows = json.loads(scores.read_text())
    assert [row["row"] for row in rows] == ["bucket-sort, rnn", "bucket-sort, gru"]
    found = rows[0]["obtained"]
    each = [float(score) for score in found["each"].split()]
    assert rows[0]["trials"] == len(each) == 2
    assert found["best"] == pytest.approx(max(each), abs=0.06)
    assert found["mean"] == pytest.approx(sum(each) / 2, abs=0.06)
    assert (rows[0]["published"], rows[1]["published"]) == ({"best": 27.9}, {})
    assert rows[0]["verdict"] == "not learnt in 3 of 1,000,000 steps"
    folder = out / "deletang2023"
    assert "| context-sensitive | bucket-sort | rnn | 27.9 |" in (folder / "table.md").read_text()
    assert (folder / "table.png").stat().st_size > 1000
    before = {path: path.stat().st_mtime_ns for path in (folder / "scores").iterdir()}
    assert main([*words, "--out", str(out)]) == 0
    assert {path: path.stat().st_mtime_ns for path in (folder / "scores").iterdir()} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--task", "partiy"], "--task partiy: is no language of the paper; there are even-pairs"),
        (["--steps", "5", "--minutes", "1"], "--steps 5 and --minutes 1.0: give one of the two"),
        (["--lengths", "9:4"], "--lengths 9:4: goes from high to low"),
        (["--seeds", "0"], "--seeds 0: must be at least 1"),
    ],
)
def test_bad_input_is_one_line_and_status_2(words, said, capsys):
    assert main(["papers", "deletang2023", *words]) == 2
    told = capsys.readouterr().err.strip()
    assert said in told
    assert "\n" not in told
