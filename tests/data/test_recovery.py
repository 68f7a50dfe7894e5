"""Values taken away from series, and what is read around them."""

from __future__ import annotations

import numpy as np
import pytest

import naibu
from naibu.data.order import windows
from naibu.data.recovery import RecoveryWindows
from naibu.data.recovery_coder import RecoveryCoder, near_of
from naibu.data.recovery_order import RecoveryOrder
from naibu.data.recovery_reading import Layout
from naibu.data.recovery_removal import Removal, block_lengths, drawn_anew
from naibu.data.series_clock import Clock
from series_tables import sensors

MINUTES = Clock("second", 300, 0)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("sensors") / "sensors.csv"
    path.write_text(sensors())
    return naibu.open_recovery(path, neighbours=2)


def changed(data, tmp_path, where, value=999.0, **options):
    """The same table with other values at `where`, bool [series step]."""
    values = np.where(where, value, data.source.grid.values)
    clock = data.source.grid.clock
    lines = ["time," + ",".join(data.source.grid.series)]
    for step, row in enumerate(values.T):
        lines.append(",".join([clock.shown(step), *("" if np.isnan(each) else repr(float(each)) for each in row)]))
    path = tmp_path / "changed.csv"
    path.write_text("\n".join(lines) + "\n")
    return naibu.open_recovery(path, neighbours=2, **options)


# ---------------------------------------------------------------- taking away


@pytest.mark.parametrize("pattern", ["blocks", "random"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
def test_of_every_series_its_share_of_what_is_there_is_taken(pattern, share):
    there = np.random.default_rng(1).random((7, 400)) < 0.9
    gone = Removal(pattern, share, 3).of(there, MINUTES)
    assert not (gone & ~there).any()
    np.testing.assert_array_equal(gone.sum(1), np.round(share * there.sum(1)))
    assert np.array_equal(gone, Removal(pattern, share, 3).of(there, MINUTES))
    assert not np.array_equal(gone, Removal(pattern, share, 4).of(there, MINUTES))


def runs_of(row):
    edges = np.diff(np.concatenate([[0], row.astype(int), [0]]))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], 1)


def test_blocks_have_half_an_hour_to_four_hours_and_but_the_last_is_cut():
    assert block_lengths(MINUTES) == (6, 48)
    assert block_lengths(Clock("second", 3600, 0)) == (2, 8)
    assert block_lengths(Clock("row", 1, 0)) == (2, 8)
    gone = Removal("blocks", 0.05, 1).of(np.ones((50, 2000), bool), MINUTES)
    lengths = []
    for row in gone:
        inner = [end - begin for begin, end in runs_of(row) if begin > 0 and end < 2000]
        assert sum(length < 6 for length in inner) <= 1
        lengths += inner
    assert max(lengths) > 40
    assert np.mean(lengths) > 15
    alone = Removal("random", 0.05, 1).of(np.ones((50, 2000), bool), MINUTES)
    assert np.mean([end - begin for row in alone for begin, end in runs_of(row)]) < 1.2


def test_in_training_five_to_sixty_of_a_hundred_are_taken_and_whole_series_too():
    generator, there = np.random.default_rng(5), np.ones((40, 300), bool)
    there[:, 10] = False
    found = [drawn_anew(there, MINUTES, generator) for _ in range(60)]
    assert not any(gone[:, 10].any() for gone in found)
    whole = [gone[:, there[0]].all(1) for gone in found]
    assert 0 < np.mean([each.any() for each in whole]) < 0.8
    shares = [gone[~all_][:, there[0]].mean() for gone, all_ in zip(found, whole, strict=True)]
    assert 0.02 < min(shares) < 0.12
    assert 0.5 < max(shares) < 0.7
    assert np.mean(shares) == pytest.approx(0.325, abs=0.06)


# ---------------------------------------------------------------- what is learnt of the training part


def test_neighbours_are_those_of_the_correlations_of_what_is_there_of_both():
    rng = np.random.default_rng(3)
    off = rng.standard_normal((6, 300)) + rng.standard_normal(300) * np.array([2, 2, -2, 1, 0.5, 0])[:, None]
    off[rng.random(off.shape) < 0.2] = np.nan
    found = near_of(off, 3)
    for own in range(6):
        said = []
        for other in range(6):
            both = ~np.isnan(off[own]) & ~np.isnan(off[other])
            said.append(np.corrcoef(off[own][both], off[other][both])[0, 1] if other != own else 0.0)
        said = np.where(np.abs(said) < 0.1, 0, said)
        order = np.argsort(-np.abs(said), kind="stable")[:3]
        np.testing.assert_allclose(found.weight[own], np.abs(said)[order] ** 4, atol=1e-12)
        strong = found.weight[own] > 0
        assert found.series[own][strong].tolist() == order[strong].tolist()
        assert found.sign[own][strong].tolist() == np.sign(said)[order][strong].tolist()


def test_nothing_is_learnt_of_the_parts_that_are_held_out(data, tmp_path):
    train = data.source.parts[0]
    later = np.zeros(data.source.grid.values.shape, bool)
    later[:, train:] = ~np.isnan(data.source.grid.values[:, train:])
    other = changed(data, tmp_path, later)
    for name in ("centre", "spread", "total", "count"):
        np.testing.assert_array_equal(getattr(data.coder.levels, name), getattr(other.coder.levels, name))
    for one, two in zip(data.coder.near, other.coder.near, strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(data.source.base, other.source.base)
    x, y = (each.train.batch(np.arange(20)).main.x for each in (data, other))
    assert (x == y).all()


def test_a_part_sees_nothing_of_what_follows_it(data, tmp_path):
    test = data.source.parts[1]
    later = np.zeros(data.source.grid.values.shape, bool)
    later[:, test:] = ~np.isnan(data.source.grid.values[:, test:])
    other = changed(data, tmp_path, later)
    every = np.arange(len(data.validation))
    assert (data.validation.batch(every).main.x == other.validation.batch(every).main.x).all()


def test_the_coder_comes_back(data, tmp_path):
    data.coder.save(tmp_path)
    again = RecoveryCoder.load(tmp_path)
    assert again.window == data.coder.window
    for one, two in zip(again.near, data.coder.near, strict=True):
        np.testing.assert_array_equal(one, two)
    (tmp_path / "recovery.json").write_text("{}")
    with pytest.raises(naibu.StoredError, match=r"recovery.json: damaged"):
        RecoveryCoder.load(tmp_path)


# ---------------------------------------------------------------- what is read


def test_what_stands_around_is_what_a_plain_search_finds(data):
    """In float64, a value at a time."""
    examples = RecoveryWindows(data.source, data.test.span, (Removal("blocks", 0.4, 9),))
    seen, grid, near = examples.after(0), data.source.grid, data.coder.near
    gone = np.zeros(grid.values.shape, bool)
    gone[:, data.test.span[0] :] = examples.gone(0)
    base, spread = data.source.base.astype(np.float64), data.coder.levels.spread
    base = data.coder.levels.centre[:, None] + spread[:, None] * base
    off = (np.where(gone, np.nan, grid.values) - base) / spread[:, None]

    def guess(series, step):
        pairs = [
            (weight, sign * off[other, step])
            for other, weight, sign in zip(near.series[series], near.weight[series], near.sign[series], strict=True)
            if not np.isnan(off[other, step]) and weight > 0
        ]
        total = sum(weight for weight, _ in pairs)
        return sum(weight * z for weight, z in pairs) / total if total else None

    def line(ends, step):
        (first, low), (last, high) = ends[0] or ends[1], ends[1] or ends[0]
        return low + (high - low) * (step - first) / max(1, last - first)

    asked = np.argwhere(gone)[::2]
    around = seen.around(asked[:, 0], asked[None, :, 1])
    for number, (series, step) in enumerate(asked.tolist()):
        there = np.flatnonzero(~np.isnan(off[series]))
        ends = [max(there[there < step], default=None), min(there[there > step], default=None)]
        assert around.last[0, number] == (step - ends[0] if ends[0] is not None else -1)
        assert around.next[0, number] == (ends[1] - step if ends[1] is not None else -1)
        value = [None if end is None else (end, off[series, end] * spread[series] + base[series, end]) for end in ends]
        wanted = (line(value, step) - base[series, step]) / spread[series]
        assert around.guesses[0, number, 0] == pytest.approx(wanted, abs=1e-4)
        theirs = guess(series, step)
        apart = [
            None if end is None or guess(series, end) is None else (end, off[series, end] - guess(series, end))
            for end in ends
        ]
        moved = 0 if theirs is None else theirs + (line(apart, step) if any(apart) else 0)
        if theirs is not None:
            assert around.guesses[0, number, 3:] == pytest.approx([theirs, moved], abs=1e-4)
        else:
            assert around.weight[0, number] == 0
            assert around.guesses[0, number, 3:] == pytest.approx([0, wanted], abs=1e-4)
    assert len(asked) > 40


def test_changed_values_that_are_taken_away_change_nothing_that_is_read(data, tmp_path):
    """In the held-out parts; what is asked for changes with them."""
    gone = np.zeros(data.source.grid.values.shape, bool)
    examples = RecoveryWindows(data.source, data.test.span, (Removal("blocks", 0.4, 9),))
    gone[:, data.test.span[0] :] = examples.gone(0)
    other = changed(data, tmp_path, gone)
    again = RecoveryWindows(other.source, other.test.span, examples.removals)
    one, two = (each.batch(np.arange(len(each))) for each in (examples, again))
    assert (one.main.x == two.main.x).all()
    there = one.predicted
    assert there.sum() == gone.sum()
    assert (one.target[there] != two.target[there]).all()


def test_a_value_of_the_training_part_is_not_in_its_own_usual_value(data, tmp_path):
    there = ~np.isnan(data.source.grid.values)
    for series, step in ((0, 100), (2, 201)):
        one = np.zeros_like(there)
        one[series, step] = True
        other = changed(data, tmp_path, one & there, value=60.0)
        levels, own = other.coder.levels, data.coder.levels
        base, was = (
            (c.centre[series] + c.spread[series] * s.base[series, step])
            for c, s in ((levels, other.source), (own, data.source))
        )
        assert base == pytest.approx(was, rel=1e-5)
        assert not np.allclose(levels.total, own.total)


def test_what_is_missing_is_never_asked_for_nor_read(data):
    missing = np.isnan(data.source.grid.values)
    layout = Layout.of(data.sizes)
    order = RecoveryOrder(data.train, 16, seed=3)
    for part in (data.train, data.validation, data.test):
        time, series = part.time(np.arange(len(part))), part.own[:, 0]
        inside = (time >= 0) & (time < part.span[1])
        batch = part.batch(np.arange(len(part)))
        gaps = inside & missing[series, np.where(inside, time, 0)]
        assert gaps.any()
        assert not batch.predicted.numpy()[gaps].any()
        there = batch.main.x.numpy()[..., layout.guess + layout.guesses + 1]
        assert not there[gaps].any()
        assert not there[batch.predicted.numpy()].any()
        assert not batch.main.x.numpy()[~inside][:, layout.guess :].any()
    for piece in order.pieces(1, 0)[:4]:
        batch = order.read(piece)
        there = batch.main.x.numpy()[..., layout.guess + layout.guesses + 1].astype(bool)
        assert not (there & batch.predicted.numpy()).any()
        assert np.isfinite(batch.main.x.numpy()).all()


def test_every_value_taken_away_is_asked_for_once(data):
    for number, removal in enumerate(data.test.removals):
        examples = data.test.each(number)
        batch = examples.batch(np.arange(len(examples)))
        asked = batch.predicted.numpy()
        time = examples.time(np.arange(len(examples)))
        places = np.stack([np.broadcast_to(examples.own[:, 0], time.shape)[asked], time[asked]], 1)
        assert len(np.unique(places, axis=0)) == len(places) == examples.gone(number).sum()
        assert removal.share == pytest.approx(examples.gone(number).sum() / 240, abs=0.05)


def test_training_takes_other_values_each_time_and_the_same_again(data):
    order = RecoveryOrder(data.train, 16, seed=3)
    first, second = (order.pieces(1, epoch) for epoch in (0, 1))
    one, again, other = (order.read(piece) for piece in (first[0], first[0], second[0]))
    assert (one.main.x == again.main.x).all()
    assert one.main.x.shape == other.main.x.shape
    assert not (one.main.x == other.main.x).all()
    assert sorted(np.concatenate([piece.which for piece in first]))[:3] == [0, 1, 2]
    held = RecoveryOrder(data.test, 16, seed=3)
    judged = [window.batch for window in windows(held, held.beginning(10**6)[:1])]
    assert (judged[0].main.x[:16, :5] == data.test.batch(np.arange(5)).main.x).all()


def test_labels_of_gaps(data):
    examples = RecoveryWindows(data.source, data.test.span, (Removal("blocks", 0.3, 1),))
    state, gap, after = (examples.label(name) for name in ("state", "gap", "to_next"))
    value = examples.inputs("input")["value"].values
    np.testing.assert_array_equal(state.values == 0, ~np.isnan(value))
    assert state.names == ("there", "taken away", "missing")
    assert (gap.values[state.values == 0] == 0).all()
    assert (after.values[state.values > 0] != 0).all()
    assert {"hour", "weekday", "level", "gap", "to_next", "state"} <= set(examples.labels("input"))
    with pytest.raises(naibu.OptionError, match="label 'ahead': there are hour"):
        examples.label("ahead")


def test_one_series_alone_has_no_neighbours_and_it_is_said(tmp_path):
    path = tmp_path / "one.csv"
    path.write_text(sensors(count=1))
    data = naibu.open_recovery(path)
    assert ("neighbours", "none: there is one series alone; a value is told from its own series") in data.found
    assert data.sizes["guesses"] == 3
    batch = data.test.batch(np.arange(3))
    assert batch.main.x.shape[-1] == Layout.of(data.sizes).columns


def test_a_short_table_is_refused(tmp_path):
    path = tmp_path / "short.csv"
    path.write_text(sensors(hours=30))
    with pytest.raises(naibu.CorpusError, match="24 steps of the training part are fewer than the 100 of a window"):
        naibu.open_recovery(path, window=100)
