"""The sweep of the L1 term on text: what is counted, by hand; a small sweep from files to plot, and on from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fake_recording import fake_recording
from naibu.data import builtin
from naibu.papers.mochihashi2019 import sweep, sweep_reproduction, sweep_table
from naibu.papers.mochihashi2019.asked import Asked
from naibu.papers.mochihashi2019.sweep_drawing import plot_sweep, write_plot
from naibu.papers.mochihashi2019.sweep_measures import discreteness, histories
from naibu.papers.runner import reproduce
from naibu.reporting.numbers import number as written
from naibu.runs import open_run

KEYS = ("lstm.0", "cell"), ("lstm.0", "update")


def with_values(cell: np.ndarray, update: np.ndarray, sequences: int = 6):
    return replace(fake_recording(sequences), arrays=dict(zip(KEYS, (cell, update), strict=True)))


def test_histories_are_the_different_beginnings() -> None:
    symbol, sequence = np.array([0, 2, 3, 0, 2, 2, 0, 2, 3, 1]), np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
    assert histories(symbol, sequence) == 5  # 0, 02, 023, 022, 0231
    draw = np.random.default_rng(3)
    sequence = np.sort(draw.integers(0, 40, 400))
    symbol = draw.integers(0, 3, 400)
    texts = [symbol[sequence == number].tolist() for number in range(40)]
    assert histories(symbol, sequence) == len({tuple(t[:n]) for t in texts for n in range(1, len(t) + 1)})


def test_states_and_updates_by_hand() -> None:
    """Unit 0 counts 0, 1, 2, 0 ...; unit 1 stays below a half; unit 2 adds .3 on every other step."""
    tokens = fake_recording(6).tokens
    step = np.arange(tokens)
    cell = np.stack([step % 3 + 0.2, np.full(tokens, 0.4), np.full(tokens, -1.3)], axis=1)
    update = np.stack([np.full(tokens, 1.05), np.zeros(tokens), np.where(step % 2, 0.3, -1.0)], axis=1)
    found = discreteness(with_values(cell, update), "lstm.0")
    index = fake_recording(6).index
    rows = (index.split == 2) & ~index.seen
    assert (found.scored_on, found.rows, found.units, found.in_use) == ("unseen", rows.sum(), 3, 2)
    assert found.states == 3
    whole = 1 - (step[rows] % 2).mean() / 3
    assert found.whole.value == pytest.approx(whole)
    assert found.whole_in_use is not None
    assert found.whole_in_use.value == pytest.approx(1 - (step[rows] % 2).mean() / 2)
    assert found.states <= found.histories


def test_a_layer_that_does_nothing_has_one_state() -> None:
    tokens = fake_recording(6).tokens
    found = discreteness(with_values(np.zeros((tokens, 4)), np.zeros((tokens, 4))), "lstm.0")
    assert (found.in_use, found.states, found.whole_in_use) == (0, 1, None)
    assert found.whole.value == 1


def test_rows_in_training_are_not_counted() -> None:
    recording = fake_recording(60)
    cell = np.zeros((recording.tokens, 2))
    cell[recording.index.split == 0] = 7.0
    cell[recording.index.seen] = 5.0
    divided = with_values(cell, np.zeros_like(cell), 60)
    assert discreteness(divided, "lstm.0").in_use == 0
    all_seen = divided.with_index(seen=np.ones(recording.tokens, bool))
    assert discreteness(all_seen, "lstm.0").scored_on == "test"


def test_the_jobs_of_a_sweep(tmp_path: Path) -> None:
    every = sweep.jobs(tmp_path, "corpus.mrg", {"category": "VP"})
    assert [job.strength for job in every] == [*sweep.STRENGTHS, *sweep.STRENGTHS[1:]]
    assert len({job.name for job in every}) == len(every)
    assert len({job.training.steps for job in every}) == 1
    assert all(job.training.patience == 0 for job in every)
    assert every[0].training.l1 == 0
    assert every[-1].training.l1_signals == sweep.SIGNALS["state and gates"]
    how = sweep_reproduction.reproduction(Asked())
    assert list(how.experiments(tmp_path, True)) == [], "the quick version leaves it out"


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[sweep.Network]]:
    """Three networks of a few steps on a package's blocks of indentation."""
    folder = tmp_path_factory.mktemp("sweep")
    options = {"reader": "indentation", "category": "def"}
    found = sweep.jobs(folder, str(builtin.folder() / "email"), options)
    small = [replace(job, steps=12, strength=strength) for job, strength in zip(found, (0.0, 1e-3, 10.0), strict=False)]
    small[0].run()
    return folder, small


def test_a_network_is_trained_once_and_its_figures_are_kept(swept) -> None:
    folder, (first, second, _) = swept
    assert first.finished()
    assert not second.finished()
    assert not replace(first, options=()).finished()  # of other options
    before = first.path.stat().st_mtime_ns, open_run(folder / first.name).weights.stat().st_mtime_ns
    assert first.figures()["strength"] == 0
    assert before == (first.path.stat().st_mtime_ns, open_run(folder / first.name).weights.stat().st_mtime_ns)
    for name in ("confusion", "depth", "regression-cell"):
        assert (folder / first.name / "results" / f"{name}.csv").exists()


def test_rows_and_plot_of_a_small_sweep(swept, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, small = swept
    monkeypatch.setattr(sweep, "jobs", lambda *_: small)
    rows = reproduce(sweep.rows(folder, "", {}), folder / "rows", quick=True)
    assert [row.row for row in rows] == ["none", "0.001 on state", "10 on state"]
    figures = [row.obtained for row in rows]
    for found, row in zip(figures, rows, strict=True):
        assert found["perplexity_low"] <= found["perplexity"] <= found["perplexity_high"]
        assert {"ends_found", "ends_right", "depth_r", "depth_r_untrained", "depth_r2", "whole"} <= found.keys()
        assert found["states"] <= found["histories"]
        assert f"{found['in_use']:.0f} of 100 units in use" in row.verdict
    assert figures[2]["in_use"] <= figures[0]["in_use"]
    ax = plot_sweep(figures, "perplexity")
    (line,) = [line for line in ax.lines if line.get_label() == "state"]
    assert line.get_ydata().tolist() == [found["perplexity"] for found in figures]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["none", "0.001", "10"]
    dotted = plot_sweep(figures, "states").lines[-1]
    assert set(dotted.get_ydata()) == {figures[0]["histories"]}
    assert write_plot(rows, folder / "sweep.png").read_bytes()[:4] == b"\x89PNG"
    table = sweep_table.as_markdown(rows)
    assert table.count("\n| ") == len(rows)
    for row, found in zip(rows, figures, strict=True):
        assert f"| {row.row} | {written(found['perplexity'])} [" in table
        assert f"{found['in_use']:.0f} of 100" in table
