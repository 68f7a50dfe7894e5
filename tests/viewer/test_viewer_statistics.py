"""The table of units: against numpy, and on units whose meaning was planted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from naibu.errors import OptionError
from naibu.recording import Recording
from naibu.viewer.exhibits import Exhibit
from naibu.viewer.labelled import _elsewhere
from naibu.viewer.numbers import plain, some_of
from naibu.viewer.sample import LEAST, VALUES, sample_of, values_of
from naibu.viewer.statistics import statistics_of
from planted_units import CELL, GATE, exhibit, planted


@pytest.fixture(scope="module")
def shown() -> Exhibit:
    return exhibit()


def test_values_are_those_of_numpy(shown):
    found, x = statistics_of(shown, CELL), np.asarray(shown.recording[CELL], np.float64)
    assert found.rows == shown.recording.tokens
    np.testing.assert_allclose(found.mean, x.mean(0), atol=1e-4)
    np.testing.assert_allclose(found.deviation, x.std(0), atol=1e-4)
    np.testing.assert_allclose(found.low, x.min(0))
    np.testing.assert_allclose(found.high, x.max(0))
    assert (found.histogram.sum(1) == shown.recording.tokens).all()
    assert found.kind == "free"
    np.testing.assert_allclose(found.scale[:, 1], np.abs(x).max(0))


def test_a_gate_is_on_its_scale_and_counted_as_saturated_near_its_ends(shown):
    found, x = statistics_of(shown, GATE), np.asarray(shown.recording[GATE], np.float32)
    assert (found.kind, found.scale.tolist()[0]) == ("gate", [0.0, 1.0])
    np.testing.assert_allclose(found.saturated, ((x < 0.1) | (x > 0.9)).mean(0), atol=1e-6)
    counts = np.stack([np.histogram(x[:, k], 24, (0, 1))[0] for k in range(x.shape[1])])
    assert np.abs(counts - found.histogram).sum() <= 2  # a value on an edge may fall to either side


def test_the_timescale_of_a_process_that_is_known(shown):
    found = statistics_of(exhibit(planted(600)), CELL)
    assert found.timescale[5] == pytest.approx(-1 / np.log(0.9), rel=0.2)
    assert found.timescale[2] < 1
    assert found.timescale[3] == 0  # a unit that stands still keeps nothing


def test_units_follow_the_labels_that_were_planted(shown):
    labels = statistics_of(shown, CELL).labels
    assert labels is not None
    told = [labels.names[k] if k >= 0 else None for k in labels.best]
    assert told[:2] == ["depth", "depth"]
    assert told[3:5] == [None, "inside"]
    assert labels.r[0] == pytest.approx(1, abs=1e-6)
    assert labels.r[1] < -0.8
    assert np.isnan(labels.r[3])
    assert (np.abs(labels.r[[0, 1, 4]]) > labels.chance[labels.best[[0, 1, 4]]]).all()


def test_r_is_pearson_on_the_second_part_alone(shown):
    labels, index = statistics_of(shown, CELL).labels, shown.recording.index
    test = index.split == 2
    x, y = np.asarray(shown.recording[CELL], np.float64)[test], index.label("depth").values[test]
    assert labels.r[1] == pytest.approx(np.corrcoef(x[:, 1], y)[0, 1], abs=1e-5)
    train = index.split == 0
    x, y = np.asarray(shown.recording[CELL], np.float64)[train], index.label("depth").values[train]
    assert labels.all_r[labels.names.index("depth"), 1] == pytest.approx(np.corrcoef(x[:, 1], y)[0, 1], abs=1e-5)


def test_the_interval_is_that_of_drawing_whole_sequences_again():
    shown = exhibit(planted(160, seed=8))
    labels, index = statistics_of(shown, CELL).labels, shown.recording.index
    x, y = np.asarray(shown.recording[CELL], np.float64)[:, 1], index.label("depth").values.astype(np.float64)
    draw, numbers = np.random.default_rng(1), np.unique(index.sequence[index.split == 2])
    rows = {number: np.flatnonzero(index.sequence == number) for number in numbers}
    drawn = []
    for _ in range(800):
        some = np.concatenate([rows[number] for number in draw.choice(numbers, len(numbers))])
        drawn.append(np.corrcoef(x[some], y[some])[0, 1])
    low, high = np.quantile(drawn, (0.025, 0.975))
    assert labels.high[1] - labels.low[1] == pytest.approx(high - low, rel=0.3)
    assert labels.low[1] == pytest.approx(low, abs=0.02)


def test_steps_with_nan_are_left_out_and_counted():
    whole = planted()
    values = np.asarray(whole[CELL]).copy()
    values[7, 2] = np.nan
    holed = Recording.from_arrays({CELL: values}, sequence=whole.index.sequence)
    found = statistics_of(Exhibit("holed", holed), CELL)
    assert (found.undefined, found.rows) == (1, whole.tokens - 1)
    assert np.isfinite(found.mean).all()
    values[:, 2] = np.nan
    with pytest.raises(OptionError, match="every step"):
        statistics_of(Exhibit("nothing", Recording.from_arrays({CELL: values}, sequence=whole.index.sequence)), CELL)


def test_without_labels_units_are_told_by_their_values_alone():
    assert statistics_of(exhibit(planted(labels=False)), CELL).labels is None


def test_without_splits_every_other_sequence_is_scored_on():
    sample = sample_of(exhibit(planted(splits=False)), 6)
    assert "other half" in sample.parts
    assert len(sample.first) == len(sample.second) == 30


def test_a_sample_has_whole_sequences_and_their_values_in_order(monkeypatch, shown):
    monkeypatch.setattr("naibu.viewer.sample.ROWS", 300)
    monkeypatch.setattr("naibu.viewer.sample.LEAST", 1)
    sample = sample_of(shown, 6)
    starts = shown.sequences.starts.tolist()
    assert all((a, b) in set(itertools.pairwise(starts)) for a, b in sample.spans)
    assert 150 < sum(b - a for a, b in sample.spans) <= 400
    values = values_of(shown.recording, CELL, sample.spans)
    expected = np.concatenate([np.asarray(shown.recording[CELL])[a:b] for a, b in sample.spans])
    np.testing.assert_array_equal(values.x, expected)
    assert values.begins.sum() == len(sample.spans)


def test_values_drawn_from_a_long_column_are_not_those_of_one_step():
    """In sequences of 28 steps every 28th value would be the first of each."""
    column = np.tile(np.arange(28, dtype=np.float32), 10_000)
    assert np.quantile(some_of(column, 10_000), 0.9) == pytest.approx(np.quantile(column, 0.9), abs=1)
    assert some_of(column, len(column)) is column


@pytest.mark.parametrize("count", [2, 3, 8, 50])
def test_labels_of_other_sequences_are_of_others(count):
    spans = tuple((10 * k, 10 * k + 5) for k in range(count))
    y = np.repeat(np.arange(count), 5)[None].astype(np.float32)
    for seed in range(20):
        other = _elsewhere(y, spans, seed)
        assert (other != y).all()
        assert sorted(other[0]) == sorted(y[0])


def test_a_sample_is_as_large_as_was_said_with_long_sequences_in_many_shards(monkeypatch):
    steps, shards = 2_000, 6
    values = np.zeros((steps * shards, 3), np.float32)
    recording = Recording.from_arrays({CELL: values}, sequence=np.repeat(np.arange(shards), steps))
    cut = [slice(steps * k, steps * (k + 1)) for k in range(shards)]
    monkeypatch.setattr(Recording, "shards", lambda self: cut)
    sample = sample_of(Exhibit("long", recording), VALUES)
    assert sum(stop - start for start, stop in (*sample.first, *sample.second)) <= LEAST < len(values)


def test_what_is_no_number_is_none():
    assert (plain(float("nan")), plain(float("inf")), plain(1.23456789)) == (None, None, 1.23457)
