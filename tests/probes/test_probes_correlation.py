"""Correlation against scipy, its guards and its controls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from fake_recording import FakeLabel, FakeRecording, fake_recording
from naibu.errors import OptionError
from naibu.probes.correlation import correlation

CELL = ("lstm.0", "cell")


@pytest.fixture(scope="module")
def recording() -> FakeRecording:
    return fake_recording()


def test_all_units_agree_with_scipy(recording: FakeRecording) -> None:
    result = correlation(recording, "gaps", resamples=50)
    y = recording.index.label("gaps").values
    rows = (recording.index.split == 0) & ~np.isnan(y)
    for s in result.signals:
        x = recording.arrays[s.layer, s.signal][rows].astype(np.float64)
        for u in range(1 if s.signal != "forget_gate" else 0, x.shape[1]):
            assert s.train_pearson[u] == pytest.approx(pearsonr(x[:, u], y[rows])[0], abs=1e-6)
            assert s.train_spearman[u] == pytest.approx(spearmanr(x[:, u], y[rows])[0], abs=1e-9)


def test_chosen_unit_is_scored_on_test_rows(recording: FakeRecording) -> None:
    s = correlation(recording, "depth", keys=(CELL,)).signals[0]
    y, x = recording.index.label("depth").values, recording.arrays[CELL][:, 3].astype(np.float64)
    test = recording.index.split == 2
    unseen = test & ~recording.index.seen
    assert s.pearson_unit == s.spearman_unit == 3
    assert s.pearson.unseen is not None
    assert s.spearman.unseen is not None
    for score, statistic, rows in (
        (s.pearson.test, pearsonr, test),
        (s.pearson.unseen, pearsonr, unseen),
        (s.spearman.test, spearmanr, test),
        (s.spearman.unseen, spearmanr, unseen),
    ):
        assert score.value == pytest.approx(statistic(x[rows], y[rows])[0], abs=1e-9)
        assert score.low < score.value < score.high < -0.5
        assert score.n == rows.sum()
        assert score.sequences == len(np.unique(recording.index.sequence[rows]))
    assert s.train_pearson[0] == s.train_spearman[0] == 0  # a unit that never changes


def test_number_of_shards_and_float32_change_nothing(recording: FakeRecording) -> None:
    one = correlation(replace(recording, pieces=1), "depth", resamples=20).signals[0]
    many = correlation(replace(recording, pieces=40), "depth", resamples=20).signals[0]
    wide = {k: v.astype(np.float32) for k, v in recording.arrays.items()}
    other = correlation(replace(recording, arrays=wide), "depth", resamples=20).signals[0]
    for result in (many, other):
        np.testing.assert_allclose(result.train_pearson, one.train_pearson, atol=1e-6)
        np.testing.assert_array_equal(result.train_spearman, one.train_spearman)
        assert result.pearson == one.pearson


def test_test_labels_do_not_choose_the_unit(recording: FakeRecording) -> None:
    """A leak guard: with the test rows' labels replaced, choice and training numbers stay."""
    values = recording.index.label("depth").values.copy()
    test = recording.index.split == 2
    values[test] = recording.arrays[CELL][test, 7]
    one = correlation(recording, "depth", resamples=20).signals[0]
    two = correlation(recording.with_labels(depth=FakeLabel(values)), "depth", resamples=20).signals[0]
    np.testing.assert_array_equal(one.train_pearson, two.train_pearson)
    assert (two.pearson_unit, two.spearman_unit) == (3, 3)
    assert abs(two.pearson.test.value) < 0.3


def test_controls(recording: FakeRecording) -> None:
    s = correlation(recording, "depth", untrained=fake_recording(knows=False), keys=(CELL,)).signals[0]
    controls = s.pearson_controls
    assert controls.untrained is not None
    assert controls.position is not None
    assert controls.random_label is not None
    assert abs(controls.untrained.test.value) < 0.2
    assert abs(controls.random_label.test.value) < 0.2
    assert 0.1 < controls.position.test.value < 0.9  # a walk's depth grows with position


def test_controls_find_what_they_are_for(recording: FakeRecording) -> None:
    """A unit that knows the symbol is found by the random label; one that only counts, by position."""
    index = recording.index
    cell = recording.arrays[CELL].copy()
    position = np.minimum(index.position, 60).astype(np.float64)
    labelled = recording.with_labels(count=FakeLabel(position))
    s = correlation(labelled, "count", keys=(CELL,), resamples=20).signals[0]
    assert s.pearson_controls.position is not None
    assert s.pearson_controls.position.test.value == pytest.approx(1)
    from naibu.probes.target import numeric, random_target

    control = random_target(numeric(recording, "depth", 1), 1)
    assert control is not None
    cell[:, 9] = control.values
    by_symbol = replace(recording, arrays=recording.arrays | {CELL: cell})
    s = correlation(by_symbol, "depth", keys=(CELL,), resamples=20).signals[0]
    assert s.pearson_controls.random_label is not None
    assert s.pearson_controls.random_label.test.value == pytest.approx(1, abs=1e-6)
    for value in np.unique(index.symbol):
        assert np.ptp(control.values[index.symbol == value]) == 0


def test_few_symbols_have_no_random_label() -> None:
    s = correlation(fake_recording(types=12), "depth", keys=(CELL,), resamples=20).signals[0]
    assert s.pearson_controls.random_label is None
    assert s.pearson_controls.untrained is None


def test_a_recording_without_training_rows_is_halved(recording: FakeRecording) -> None:
    only = recording.with_index(split=np.full(recording.tokens, 2, np.int8))
    result = correlation(only, "depth", keys=(CELL,), resamples=20)
    assert "half" in result.fitted.fitted_on
    assert result.fitted.train_tokens + result.fitted.test_tokens == recording.tokens
    assert result.signals[0].pearson_unit == 3
    trained = recording.with_index(split=np.zeros(recording.tokens, np.int8))
    assert correlation(trained, "depth", resamples=20).signals[0].pearson.unseen is None


@pytest.mark.parametrize(("label", "says"), [("nothing", "depth"), ("kind", "categorical"), ("still", "does not vary")])
def test_wrong_labels(recording: FakeRecording, label: str, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        correlation(recording.with_labels(still=FakeLabel(np.zeros(recording.tokens))), label)


def test_other_tokens_are_no_control(recording: FakeRecording) -> None:
    with pytest.raises(OptionError, match="no control"):
        correlation(recording, "depth", untrained=fake_recording(seed=5))
    with pytest.raises(OptionError, match="not in this recording"):
        correlation(recording, "depth", keys=(("lstm.9", "cell"),))


def test_rows_and_association(recording: FakeRecording) -> None:
    result = correlation(recording, "depth", resamples=20)
    rows = result.rows()
    assert len(rows) == 3 * 2 * 2  # signals, statistics, splits
    assert list(rows[0])[:5] == ["run", "split", "layer", "signal", "unit"]
    assert rows[0]["run"] == "fake"
    assert result.best().signal in ("cell", "hidden")
    found = result.signals[0].association
    y = recording.index.label("depth").values
    test = recording.index.split == 2
    np.testing.assert_array_equal(found.label_values, np.unique(y[test]))
    np.testing.assert_array_equal(found.counts.sum(1), np.unique(y[test], return_counts=True)[1])
    x = recording.arrays[CELL][test & (y == 2), 3].astype(np.float64)
    assert found.mean[2] == pytest.approx(x.mean())
    assert found.quantiles[2, 2] == pytest.approx(np.median(x))
