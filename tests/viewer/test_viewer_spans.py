"""Finding elsewhere, against a search step by step; lifts, against counting and drawing again."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from naibu.errors import OptionError
from naibu.viewer.columns_of_units import UnitColumns
from naibu.viewer.lift import Lifts
from naibu.viewer.spans import Condition, read_conditions, search, units_in_span
from planted_units import CELL, GATE, UNITS, exhibit, planted


@pytest.fixture(scope="module")
def shown():
    return exhibit()


def slowly(shown, conditions, thresholds):
    """Every row at which all conditions hold, one after the other."""
    starts, found = shown.sequences.starts, []
    columns = {key: np.asarray(shown.recording[key], np.float64) for key in (CELL, GATE)}
    for first, last in itertools.pairwise(starts):
        for row in range(first, last):
            holds = True
            for each, threshold in zip(conditions, thresholds, strict=True):
                for step in range(row + each.start, row + each.stop):
                    if not first <= step < last:
                        holds &= each.off
                        continue
                    value = columns[each.key][step, each.unit]
                    holds &= bool(value > threshold if each.side == "above" else value < threshold)
            if holds:
                found.append(int(row))
    return found


def test_a_search_finds_what_looking_step_by_step_finds(shown):
    draw = np.random.default_rng(5)
    some = 0
    for _ in range(40):
        conditions = []
        for _ in range(int(draw.integers(1, 4))):
            start = int(draw.integers(-3, 3))
            by = str(draw.choice(["value", "quantile", "sign"]))
            key = (CELL, GATE)[int(draw.integers(2))]
            value = float(draw.uniform(0.1, 0.9))
            side = str(draw.choice(["above", "below"]))
            stop = start + int(draw.integers(1, 5))
            conditions.append(
                Condition(key, int(draw.integers(UNITS)), side, by, value, start, stop, bool(draw.integers(2)))
            )
        found = search(shown, conditions, UnitColumns())
        assert found.rows.tolist() == slowly(shown, conditions, found.thresholds)
        some += len(found.rows) > 0
    assert some > 10


def test_thresholds_are_values_quantiles_or_zero(shown):
    of = {
        by: search(shown, [Condition(CELL, 2, "above", by, 0.9)], UnitColumns()) for by in ("value", "quantile", "sign")
    }
    x = np.asarray(shown.recording[CELL], np.float32)[:, 2]
    assert of["value"].thresholds == (0.9,)
    assert of["sign"].thresholds == (0.0,)
    assert of["quantile"].thresholds[0] == pytest.approx(np.quantile(x, 0.9), abs=1e-3)
    assert len(of["quantile"].rows) == pytest.approx(len(x) / 10, rel=0.05)


def test_neighbouring_rows_are_one_place_but_not_across_sequences(shown):
    found = search(shown, [Condition(CELL, 3, "above", "value", 0.0)], UnitColumns())  # a unit that is always on
    assert len(found.rows) == shown.recording.tokens
    assert found.places.tolist() == shown.sequences.starts[:-1].tolist()


def test_a_search_in_groups_of_sequences_is_the_same(shown, monkeypatch):
    conditions = [Condition(CELL, 2, "above", "sign", 0.0, 0, 2), Condition(CELL, 0, "below", "quantile", 0.5, -1, 0)]
    whole = search(shown, conditions, UnitColumns()).rows
    monkeypatch.setattr("naibu.viewer.sequence_table.ROWS", 50)
    np.testing.assert_array_equal(search(shown, conditions, UnitColumns()).rows, whole)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ([], "give 1 to"),
        ([{}], "not in this recording"),
        ([{"key": "lstm.0/cell", "unit": 99}], "units 0 to 5"),
        ([{"key": "lstm.0/cell", "unit": 1, "by": "rank"}], "quantile or sign"),
        ([{"key": "lstm.0/cell", "unit": 1, "by": "quantile", "value": 2}], "from 0 to 1"),
        ([{"key": "lstm.0/cell", "unit": 1, "value": float("nan")}], "must be a number"),
        ([{"key": "lstm.0/cell", "unit": 1, "start": 3, "stop": 3}], "must ascend"),
        ([{"key": "lstm.0/cell", "unit": 1, "why": 3}], "is not known"),
        ([{"key": "lstm.0/cell", "unit": True}], "whole number"),
        ({"key": "lstm.0/cell"}, "give 1 to"),
    ],
)
def test_a_wrong_condition_is_refused_in_a_line(shown, typed, said):
    with pytest.raises(OptionError, match=said):
        read_conditions(typed, shown.recording)


def test_columns_are_kept_up_to_a_size_and_are_those_of_the_recording(shown):
    columns = UnitColumns(kept=2 * shown.recording.tokens * 2)
    for unit in (0, 1, 2, 0):
        (found,) = columns.of(shown.recording, CELL, [unit])
        np.testing.assert_array_equal(found, np.asarray(shown.recording[CELL])[:, unit])
    assert len(columns._found) == 2
    with pytest.raises(OptionError, match="units 0 to 5"):
        columns.of(shown.recording, CELL, [6])


def test_the_units_that_a_span_sets_apart(shown):
    recording = shown.recording
    depth = recording.index.label("inside").values
    start = int(np.flatnonzero((depth[1:] == 1) & (depth[:-1] == 0) & (np.diff(recording.index.sequence) == 0))[0]) + 1
    stop = start + int(np.argmin(np.append(depth[start:], 0)))
    found = units_in_span(recording, CELL, (start, stop), (start - 1, stop + 1), np.ones(UNITS))
    assert 4 in [each.unit for each in found]
    x = np.asarray(recording[CELL], np.float32)
    for each in found:
        within, around = x[start:stop, each.unit], x[[start - 1, stop], each.unit]
        if each.side == "above":
            assert within.min() > each.threshold > around.max()
        else:
            assert within.max() < each.threshold < around.min()
    assert units_in_span(recording, CELL, (start, stop), (start, stop), np.ones(UNITS)) == []


def test_lifts_are_counted_shares_with_an_interval_of_whole_sequences():
    shown = exhibit(planted(200, seed=4))
    index = shown.recording.index
    rows = search(shown, [Condition(CELL, 4, "above", "value", 0.5)], UnitColumns()).rows
    found = {(each.label, each.value): each for each in Lifts(shown).of(rows)}
    inside = found["inside", "yes"]
    here, anywhere = index.label("inside").values[rows].mean(), index.label("inside").values.mean()
    assert (inside.share, inside.base) == (pytest.approx(here), pytest.approx(anywhere))
    assert inside.lift == pytest.approx(here / anywhere)
    assert inside.low < inside.lift < inside.high
    marked = np.zeros(len(index), bool)
    marked[rows] = True
    by = [np.flatnonzero(index.sequence == number) for number in range(200)]
    draw, drawn = np.random.default_rng(2), []
    for _ in range(500):
        some = np.concatenate([by[k] for k in draw.integers(0, 200, 200)])
        label, there = index.label("inside").values[some], marked[some]
        drawn.append(np.log(label[there].mean() / label.mean()))
    width = np.log(inside.high) - np.log(inside.low)
    assert width == pytest.approx(2 * 1.96 * np.std(drawn), rel=0.25)


def test_a_label_that_has_nothing_to_do_with_it_has_a_lift_of_about_one():
    shown = exhibit(planted(300, seed=9))
    rows = search(shown, [Condition(CELL, 2, "above", "quantile", 0.7)], UnitColumns()).rows
    found = [each for each in Lifts(shown).of(rows, most=99) if each.label in ("inside", "read symbol")]
    assert len(found) == 6
    assert all(each.low < 1.05 and each.high > 0.95 for each in found)
