"""Histogram overlap against a plain loop, its guards and its controls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fake_recording import FakeLabel, FakeRecording, fake_recording
from naibu.errors import OptionError
from naibu.probes import codes
from naibu.probes.overlap import overlap

CELL = ("lstm.0", "cell")


@pytest.fixture(scope="module")
def recording() -> FakeRecording:
    return fake_recording()


def plain_overlap(x: np.ndarray, y: np.ndarray, edges: np.ndarray) -> float:
    """The definition, bin by bin; first and last bins are open."""
    total = 0.0
    for k in range(len(edges) - 1):
        low = -np.inf if k == 0 else edges[k]
        high = np.inf if k == len(edges) - 2 else edges[k + 1]
        here = (x >= low) & (x < high)
        total += min(here[y == 0].sum() / (y == 0).sum(), here[y == 1].sum() / (y == 1).sum())
    return total


def test_against_a_plain_loop(recording: FakeRecording) -> None:
    result = overlap(recording, "inside:X")
    y = recording.index.label("inside:X").values
    for s in result.signals:
        x = recording.arrays[s.layer, s.signal][:, s.unit].astype(np.float64)
        train, test = recording.index.split == 0, recording.index.split == 2
        unseen = test & ~recording.index.seen
        assert s.train[s.unit] == pytest.approx(plain_overlap(x[train], y[train], s.edges), abs=1e-6)
        assert s.overlap.unseen is not None
        for score, rows in ((s.overlap.test, test), (s.overlap.unseen, unseen)):
            assert score.value == pytest.approx(plain_overlap(x[rows], y[rows], s.edges), abs=1e-6)
            assert score.n == rows.sum()
        assert s.counts.shape == (2, len(s.edges) - 1)
        np.testing.assert_array_equal(s.counts.sum(1), [(y[test] == 0).sum(), (y[test] == 1).sum()])
    cell = result.signals[0]
    assert cell.unit == 5
    assert cell.train[0] == 1  # a unit that never changes
    assert cell.overlap.test.value < 0.1
    assert cell.overlap.test.low <= cell.overlap.test.value <= cell.overlap.test.high
    assert 0.7 < cell.no_information <= 1


def test_edges_are_quantiles_of_training_rows(recording: FakeRecording) -> None:
    s = overlap(recording, "inside:X", keys=(CELL,), resamples=20).signals[0]
    x = np.sort(recording.arrays[CELL][recording.index.split == 0, s.unit].astype(np.float64))
    below = np.searchsorted(x, s.edges, side="left") / len(x)
    np.testing.assert_allclose(below, np.linspace(0, 1, 61), atol=0.01)
    assert (np.diff(s.edges) > 0).all()


@pytest.mark.parametrize("values", [[0.0], [-0.0, 0.0], [0.0, 1.0], [-1.0, -1.0, -1.0, 1.0], list(range(100))])
def test_edges_with_ties(values: list[float]) -> None:
    block = np.tile(np.array(values, np.float16), 7)[:, None]
    count = codes.counts(codes.columns(block, slice(1))[0])
    edges = codes.quantile_edges(count, 60)
    assert (np.diff(edges) > 0).all()
    assert edges[0] == block.min()
    assert edges[-1] > block.max()
    y = np.arange(len(block)) % 2
    table = np.stack([codes.tables(codes.columns(block, slice(1))[0], np.stack([1.0 - y, y]))[1]])[0]
    bins = codes.in_bins(table, edges)
    for k in (0, 1):
        wanted, _ = np.histogram(block[y == k].astype(np.float64), edges)
        np.testing.assert_array_equal(bins[k], wanted)


def test_controls_and_leak_guard(recording: FakeRecording) -> None:
    bare = fake_recording(knows=False)
    s = overlap(recording, "inside:X", untrained=bare, keys=(CELL,), resamples=20).signals[0]
    for control in (s.controls.untrained, s.controls.random_label):
        assert control is not None
        assert control.test.value > 0.7
    assert s.controls.position is not None
    assert 0.1 < s.controls.position.test.value < 0.95
    values = recording.index.label("inside:X").values.copy()
    test = recording.index.split == 2
    values[test] = (np.arange(test.sum()) % 2).astype(np.float64)
    other = overlap(recording.with_labels(**{"inside:X": FakeLabel(values)}), "inside:X", keys=(CELL,), resamples=20)
    assert other.signals[0].unit == 5
    np.testing.assert_array_equal(other.signals[0].train, s.train)
    assert other.signals[0].overlap.test.value > 0.7


def test_two_values_by_name_and_undefined_tokens(recording: FakeRecording) -> None:
    result = overlap(recording, "part_of_speech", resamples=20)
    assert result.values == ("N", "V")
    defined = recording.index.label("part_of_speech").values >= 0
    assert result.fitted.test_tokens == (defined & (recording.index.split == 2)).sum()
    with pytest.raises(OptionError, match="exactly two"):
        overlap(recording, "depth")


def test_number_of_shards_changes_nothing(recording: FakeRecording) -> None:
    one = overlap(replace(recording, pieces=1), "inside:X", resamples=20)
    many = overlap(replace(recording, pieces=40), "inside:X", resamples=20)
    assert one.rows() == many.rows()
    assert one.best().unit == 5
