"""Units of several networks matched one to one: what is recovered, what is refused, what the controls show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from fake_recording import FakeRecording, fake_recording
from naibu.errors import OptionError
from naibu.probes import tables
from naibu.probes.matching import matching, median, share_above
from naibu.probes.matching_results import Matching
from naibu.probes.resampling import Resampler
from naibu.probes.same_rows import same_rows
from naibu.probes.unit_pairs import correlations
from naibu.reporting.matching import says
from naibu.reporting.plots.matching import plot_matched_curves, plot_matching

CELL = ("lstm.0", "cell")


def other(recording: FakeRecording, seed: int, *, noise: float = 0.0, pieces: int = 5) -> tuple[Any, np.ndarray]:
    """The same network with its units in another order, turned and stretched, and where each unit went."""
    draw = np.random.default_rng(seed)
    cell = recording.arrays[CELL].astype(np.float32)
    order = draw.permutation(cell.shape[1])
    turned = cell * np.where(draw.random(cell.shape[1]) < 0.5, -1, 1) * draw.uniform(0.5, 3, cell.shape[1]) + 1
    turned = turned + noise * draw.normal(size=turned.shape)
    arrays = {CELL: turned[:, order].astype(np.float32)}
    return replace(recording, arrays=arrays, pieces=pieces), np.argsort(order)


@pytest.fixture(scope="module")
def one() -> Any:
    return fake_recording(dtype=np.float32)


def test_a_network_with_its_units_in_another_order_is_recovered(one):
    two, went = other(one, 1)
    found = matching([one, two], CELL, resamples=50).pairs[0].trained
    varies = np.arange(12) != 0  # unit 0 never changes, and is left with what remains
    assert (found.partner[varies] == went[varies]).all()
    assert sorted(found.partner) == list(range(12))
    np.testing.assert_allclose(np.abs(found.r[varies]), 1, atol=1e-4)
    assert found.r[0] == 0
    assert found.median.test.value == pytest.approx(1, abs=1e-4)
    assert found.above_9.test.value == pytest.approx(11 / 12)
    assert found.random.test.value < 0.5


def test_correlations_are_those_of_numpy_whatever_the_shards(one):
    two, _ = other(one, 2, noise=1.0, pieces=7)
    rows = np.asarray(one.index.split) == 2
    r = correlations(one, two, CELL, rows, rows)
    x, y = one.arrays[CELL][rows], two.arrays[CELL][rows]
    expected = np.corrcoef(x[:, 1:].T, y.T)[:11, 11:]
    varies = np.ptp(y, axis=0) > 0
    np.testing.assert_allclose(r[1:][:, varies], expected[:, varies], atol=2e-6)
    assert (r[0] == 0).all()


def test_scores_are_of_test_rows_only_and_of_the_unseen_among_them(one):
    """Noise on all test rows destroys the score and leaves the choice, which rests on training rows."""
    two, went = other(one, 3)
    spoilt = two.arrays[CELL].copy()
    test = np.asarray(one.index.split) == 2
    spoilt[test] = np.random.default_rng(0).normal(size=(int(test.sum()), 12))
    two = replace(two, arrays={CELL: spoilt})
    found = matching([one, two], CELL, resamples=50)
    matches = found.pairs[0].trained
    assert found.fitted.fitted_on == "train"
    assert (matches.partner[1:] == went[1:]).all()
    assert matches.chosen[1:].min() > 0.99
    assert matches.median.test.value < 0.1
    unseen = test & ~np.asarray(one.index.seen)
    assert matches.median.unseen.n == unseen.sum() == found.fitted.unseen_tokens
    x, y = one.arrays[CELL][unseen], spoilt[unseen][:, matches.partner]
    with np.errstate(invalid="ignore"):
        expected = np.nan_to_num([np.corrcoef(x[:, u], y[:, u])[0, 1] for u in range(12)])
    assert matches.median.unseen.value == pytest.approx(np.median(np.abs(expected)), abs=1e-5)


def test_intervals_come_from_whole_sequences(one):
    """The same draws of whole sequences, each resample computed from its rows by numpy."""
    two, _ = other(one, 4, noise=2.0)
    matches = matching([one, two], CELL, resamples=40).pairs[0].trained
    test = one.index.split == 2
    numbers = np.unique(one.index.sequence[test])
    values = []
    for counts in Resampler(40, 1).counts(len(numbers)):
        rows = np.concatenate([np.flatnonzero(one.index.sequence == n) for n in np.repeat(numbers, counts)])
        x, y = one.arrays[CELL][rows, 1:], two.arrays[CELL][rows][:, matches.partner[1:]]
        r = np.diag(np.corrcoef(x.T, y.T)[:11, 11:])
        values.append(np.median(np.abs(np.append(r, 0))))
    score = matches.median.test
    np.testing.assert_allclose((score.low, score.high), np.percentile(values, (2.5, 97.5)), atol=1e-4)
    assert score.sequences == len(numbers)


def test_without_common_training_rows_half_of_the_test_sequences_chooses(one):
    two, went = other(one, 5)
    symbol = np.where(one.index.split == 0, 7, one.index.symbol).astype(np.int32)
    elsewhere = two.with_index(symbol=symbol)
    found = matching([one, elsewhere], CELL, resamples=20)
    assert "random half of the test sequences" in found.fitted.fitted_on
    assert (found.pairs[0].trained.partner[1:] == went[1:]).all()
    networks, _ = same_rows([one, elsewhere], ("a", "b"), 1)
    for network in networks:
        assert not (network.fit & network.test).any()
        assert ((network.fit | network.test) == (one.index.split == 2)).all()
        assert not set(one.index.sequence[network.fit]) & set(one.index.sequence[network.test])


def test_the_unit_of_a_label_is_found_in_the_other_network(one):
    two, went = other(one, 6)
    found = matching([one, two], CELL, label="depth", names=("a", "b"), resamples=50)
    there, back = found.labelled
    assert (there.network, there.other, there.unit) == ("a", "b", 3)
    assert there.partner == there.best == there.nearest == went[3]
    assert there.same
    assert (back.unit, back.partner, back.best) == (went[3], 3, 3)
    assert abs(there.r.test.value) == pytest.approx(1, abs=1e-4)
    assert there.r.test.value == pytest.approx(back.r.test.value, abs=1e-6)
    depth, test = one.index.label("depth").values, one.index.split == 2
    expected = np.corrcoef(one.arrays[CELL][test, 3], depth[test])[0, 1]
    assert there.follows.test.value == pytest.approx(expected, abs=1e-6)


def test_the_partner_need_not_be_the_nearest():
    """One unit of b is like two of a; only one of them can have it, and the other says so."""
    recording = fake_recording(units=4, dtype=np.float32, knows=False)
    draw = np.random.default_rng(0)
    base = draw.normal(size=(recording.tokens, 4)).astype(np.float32)
    depth = recording.index.label("depth").values
    a = base.copy()
    a[:, 0], a[:, 1] = depth, depth + 0.1 * base[:, 1]
    b = draw.normal(size=base.shape).astype(np.float32)
    b[:, 2] = depth + 0.01 * base[:, 2] + 0.1 * base[:, 1]
    pair = [replace(recording, arrays={CELL: x.astype(np.float32)}) for x in (a, b)]
    match = matching(pair, CELL, label="depth", resamples=20).labelled[0]
    assert match.unit == 0
    assert (match.partner == 2, match.nearest) == (False, 2)
    assert match.nearest_r.test.value > 0.99 > abs(match.r.test.value)


def test_untrained_networks_go_through_the_same(one):
    two, _ = other(one, 7)
    bare = [fake_recording(seed=0, knows=False, dtype=np.float32), other(one, 8)[0]]
    found = matching([one, two], CELL, label="depth", untrained=bare, resamples=30)
    control = found.pairs[0].untrained
    assert control is not None
    assert control.median.test.value < 0.2 < found.pairs[0].trained.median.test.value
    assert np.isnan(found.medians()).sum() == 0
    np.testing.assert_allclose(found.medians(untrained=True), found.medians(untrained=True).T)
    assert len(found.labelled_untrained) == 2
    assert "Training made units alike" in says(found)
    reverse = matching(bare, CELL, untrained=[one, two], resamples=30)
    assert "is not shown" in says(reverse)
    assert "below its own" in says(reverse)


def changed(recording: FakeRecording, **columns: np.ndarray) -> Any:
    return recording.with_index(**columns)


def test_what_differs_is_named(one):
    symbol = one.index.symbol.copy()
    at = int(np.flatnonzero(one.index.split == 2)[4])
    symbol[at] += 1
    with pytest.raises(OptionError, match=r"^b and a differ in their test rows: 1 of .* position 4;"):
        matching([one, changed(one, symbol=symbol)], CELL, names=("a", "b"))
    sequence = one.index.sequence + (np.arange(one.tokens) >= at)
    with pytest.raises(OptionError, match="sequences begin at other places"):
        matching([one, changed(one, sequence=sequence)], CELL)
    with pytest.raises(OptionError, match="vocabularies are not the same"):
        matching([one, changed(one, symbols=(*one.index.symbols[:-1], "other"))], CELL)
    with pytest.raises(OptionError, match=r"fake 2: has 7 units in lstm.0/cell, fake 1 has 12"):
        matching([one, replace(one, arrays={CELL: one.arrays[CELL][:, :7]})], CELL)
    with pytest.raises(OptionError, match="two or more"):
        matching([one], CELL)
    with pytest.raises(OptionError, match="lstm.9/cell is not in this recording"):
        matching([one, one], ("lstm.9", "cell"))
    with pytest.raises(OptionError, match="untrained: 1 recordings for 2"):
        matching([one, one], CELL, untrained=[one])
    with pytest.raises(OptionError, match=r"fake 2: untrained: .* no control"):
        matching([one, one], CELL, untrained=[one, changed(one, symbol=symbol)])
    with pytest.raises(OptionError, match="categorical"):
        matching([one, one], CELL, label="part_of_speech")


def test_statistics_by_hand():
    r = np.array([[0.95, -0.75, 0.1], [-1, 0.7, 0.9]])
    np.testing.assert_allclose(median(r), [0.75, 0.9])
    np.testing.assert_allclose(share_above(r, 0.7), [2 / 3, 2 / 3])
    np.testing.assert_allclose(share_above(r, 0.9), [1 / 3, 1 / 3])


@pytest.fixture(scope="module")
def three(one) -> Matching:
    others = [other(one, seed, noise=1.0)[0] for seed in (11, 12)]
    bare = [fake_recording(seed=0, knows=False, dtype=np.float32), *(other(one, s, noise=9.0)[0] for s in (13, 14))]
    return matching([one, *others], CELL, label="depth", untrained=bare, resamples=30)


def test_rows_and_files(three, tmp_path):
    tables.save(three, tmp_path, "matching")
    loaded = tables.load(Matching, tmp_path, "matching")
    assert loaded.rows() == three.rows()
    np.testing.assert_array_equal(loaded.pairs[1].trained.partner, three.pairs[1].trained.partner)
    assert len(three.rows()) == 2 * (3 * 2 * 4 + 2 * 6 * 3)  # splits, (pairs, kinds, statistics), (kinds, cases, rs)
    assert {"run", "split", "layer", "signal", "unit"} <= set(three.rows()[0])


def test_what_is_drawn(three):
    left, right = Figure().subplots(1, 2)
    plot_matching(three, left)
    written = [text.get_text() for text in left.texts]
    expected = [f"{three.medians()[0, 1]:.2f}".lstrip("0"), f"{three.medians()[0, 2]:.2f}".lstrip("0")]
    assert written[:2] == expected
    assert len(written) == 6
    plot_matched_curves(three, right)
    curves = [line for line in right.lines if len(line.get_xdata()) == 12]
    assert len(curves) == 6
    assert all((np.diff(np.asarray(line.get_ydata())) <= 0).all() for line in curves)
    np.testing.assert_allclose(np.sort(np.abs(three.pairs[0].trained.r))[::-1], curves[0].get_ydata())


def test_what_is_said(three):
    text = says(three)
    assert "3 networks" in text
    assert "3 pairs" in text
    assert "depth" in text
    without = replace(three, labelled=(), pairs=tuple(replace(pair, untrained=None) for pair in three.pairs))
    assert "not compared" in says(without)
    assert "depth" not in says(without)
