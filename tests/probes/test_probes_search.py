"""The search for named cells: exact areas, honest choice, and a correction that holds where there is nothing."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from fake_recording import FakeLabel, FakeRecording, fake_recording
from naibu.errors import OptionError
from naibu.probes import codes, tables
from naibu.probes.detector import auc, auc_scores
from naibu.probes.found import Search
from naibu.probes.passages import FULL, cut_out, named_cells, passages
from naibu.probes.resampling import Resampler
from naibu.probes.search import search
from naibu.probes.target import two_valued

CELL = ("lstm.0", "cell")


@pytest.fixture(scope="module")
def recording() -> FakeRecording:
    return fake_recording()


@pytest.fixture(scope="module")
def found(recording: FakeRecording) -> Search:
    return search(recording, untrained=fake_recording(knows=False), resamples=200)


def train_rows(recording: FakeRecording) -> np.ndarray:
    return recording.index.split == 0


def test_the_unit_that_knows_is_found_on_every_label(found: Search) -> None:
    depth, inside = found.label("depth"), found.label("inside:X")
    assert depth is not None
    assert inside is not None
    assert (depth.statistic, depth.best.unit, depth.best.rises) == ("spearman", 3, False)
    assert (inside.statistic, inside.best.unit, inside.best.rises) == ("auc", 5, True)
    assert inside.best.signal in ("cell", "hidden")  # tanh keeps ranks, up to float16
    for each in (depth, inside):
        assert each.p == pytest.approx(1 / (found.permutations + 1))
        assert each.controls.untrained is not None
        assert each.best.scores.test.low > each.controls.untrained.test.high
    assert found.searched == 36
    assert [text.split()[0] for text in found.skipped] == ["kind"]


def test_areas_are_those_of_an_independent_implementation(recording: FakeRecording, found: Search) -> None:
    train, test = train_rows(recording), recording.index.split == 2
    label = np.asarray(recording.index.label("inside:X").values)
    inside = found.label("inside:X")
    assert inside is not None
    for best in inside.signals:
        x = recording.arrays[best.layer, best.signal].astype(float) * (1 if best.rises else -1)
        areas = [roc_auc_score(label[train], x[train, unit]) for unit in range(x.shape[1])]
        assert best.train == pytest.approx(areas[best.unit], abs=1e-12)
        assert abs(best.train - 0.5) == pytest.approx(max(abs(area - 0.5) for area in areas), abs=1e-12)
        assert best.scores.test.value == pytest.approx(roc_auc_score(label[test], x[test, best.unit]), abs=1e-12)


def test_rank_correlations_are_those_of_an_independent_implementation(recording: FakeRecording, found: Search) -> None:
    train = train_rows(recording)
    for name in ("depth", "gaps"):
        values = np.asarray(recording.index.label(name).values)
        rows = train & ~np.isnan(values)
        each = found.label(name)
        assert each is not None
        for best in each.signals:
            r = spearmanr(recording.arrays[best.layer, best.signal][rows, best.unit].astype(float), values[rows])
            assert best.train == pytest.approx(abs(r.statistic), abs=1e-12)
            assert best.rises == (r.statistic >= 0)


def test_an_area_by_hand() -> None:
    # Two without the label in bins 0 and 1, two with it in bins 1 and 2: won 1, 1, half, 1 of four pairs.
    assert auc(np.array([1.0, 1, 0, 0, 1, 1])) == pytest.approx(3.5 / 4)
    assert np.isnan(auc(np.array([1.0, 1, 0, 0, 0, 0])))


@given(st.lists(st.tuples(st.sampled_from([-1.0, -0.0, 0.0, 0.5, 2.0]), st.booleans()), min_size=2, max_size=40))
@settings(deadline=None)
def test_areas_count_ties_and_both_zeros_as_halves(pairs: list[tuple[float, bool]]) -> None:
    x, y = np.array([x for x, _ in pairs], np.float16), np.array([y for _, y in pairs])
    code = codes.columns(x[:, None], slice(1))[0]
    counts = np.concatenate([codes.counts(code[~y]), codes.counts(code[y])])
    won = [(a > b) + (a == b) / 2 for a in x[y] for b in x[~y]]
    if won:
        assert auc(counts) == pytest.approx(np.mean(won))
    else:
        assert np.isnan(auc(counts))


def test_where_there_is_nothing_p_is_spread_evenly() -> None:
    """A label with runs like the unit's own, but of other sequences: small p as rarely as they should be."""
    ps = []
    for seed in range(30):
        recording = fake_recording(60, 7, seed=seed)
        other = fake_recording(60, 7, seed=seed + 500)
        walk = np.resize(np.asarray(other.index.label("inside:X").values), recording.tokens)
        found = search(recording.with_labels(other=FakeLabel(walk)), ["other"], permutations=19, resamples=5)
        ps.append(found.found[0].p)
    assert np.mean(np.array(ps) <= 0.1) < 0.3  # 0.1 of them are to be expected
    assert 0.3 < np.mean(ps) < 0.7


def test_correction_grows_with_the_units_searched() -> None:
    """One unit in advance may be surprising; the best of five hundred as good is not."""
    draw = np.random.default_rng(0)
    recording = fake_recording(60, 7)
    label = np.asarray(recording.index.label("inside:X").values)
    noise = draw.normal(size=(recording.tokens, 500))
    weak = noise[:, :1] + 0.12 * label[:, None]
    one = replace(recording, arrays={CELL: weak.astype(np.float16)})
    many = replace(recording, arrays={CELL: np.concatenate([weak, noise[:, 1:]], axis=1).astype(np.float16)})
    alone, among = (search(r, ["inside:X"], resamples=5).found[0].p for r in (one, many))
    assert alone < among


def test_a_label_that_the_symbol_decides_is_told_by_the_symbol_alone(recording: FakeRecording) -> None:
    odd = FakeLabel((recording.index.symbol % 2).astype(float))
    found = search(recording.with_labels(odd=odd), ["odd", "inside:X"], resamples=20, permutations=1)
    assert found.found[0].symbol.test.value == 1
    assert found.found[1].symbol.test.value < 0.6


def test_the_choice_does_not_see_test_rows(recording: FakeRecording, found: Search) -> None:
    """With the test rows' values exchanged for noise the same units are chosen, and score at chance."""
    noise = np.random.default_rng(3).normal(size=recording.arrays[CELL].shape).astype(np.float16)
    test = (recording.index.split == 2)[:, None]
    blind = search(
        replace(recording, arrays={key: np.where(test, noise, values) for key, values in recording.arrays.items()}),
        permutations=1,
        resamples=50,
    )
    for before, after in zip(found.found, blind.found, strict=True):
        assert (before.best.signal, before.best.unit) == (after.best.signal, after.best.unit)
        chance = 0.5 if after.statistic == "auc" else 0.0
        assert abs(after.best.scores.test.value - chance) < 0.15


def test_the_interval_covers_its_value_and_is_that_of_all_values(recording: FakeRecording) -> None:
    target = two_valued(recording, "inside:X", 1)
    x = recording.arrays[CELL][target.test, 5]
    for values in (x, -x, np.sign(x)):
        score = auc_scores(values, target, Resampler(300, 1)).test
        assert score.low <= score.value <= score.high
        assert score.high - score.low < 0.1


def test_a_label_asked_for_must_vary_and_others_are_skipped(recording: FakeRecording) -> None:
    still = recording.with_labels(still=FakeLabel(np.zeros(recording.tokens)))
    with pytest.raises(OptionError, match="still"):
        search(still, ["still"])
    assert any(
        text.startswith("still (it does not vary)") for text in search(still, resamples=5, permutations=1).skipped
    )
    with pytest.raises(OptionError, match="permutations 0"):
        search(recording, permutations=0)


def test_saved_and_loaded_it_is_the_same(recording: FakeRecording, found: Search, tmp_path: Path) -> None:
    tables.save(found, tmp_path, "search")
    assert tables.load(Search, tmp_path, "search") == found
    assert {row["split"] for row in found.rows()} == {"test", "unseen"}
    shown = passages(recording, named_cells(found))
    tables.save(shown, tmp_path, "passages")
    again = tables.load(type(shown), tmp_path, "passages")
    assert again.cells == shown.cells
    for a, b in zip(again.passages, shown.passages, strict=True):
        assert (a.values == b.values).all()
        assert (a.holds == b.holds).all()


def test_passages_hold_the_recorded_values_and_labels(recording: FakeRecording, found: Search) -> None:
    cells = named_cells(found)
    assert {cell.label for cell in cells} == {each.label for each in found.found}
    shown = passages(recording, cells, symbols=200, longest=25)
    index = recording.index
    assert 100 < sum(len(p.symbols) for p in shown.passages) <= 200
    for passage in shown.passages:
        rows = np.flatnonzero(index.sequence == passage.sequence)[: len(passage.symbols)]
        assert len(rows) == len(passage.symbols) <= 25
        assert not passage.seen
        assert (index.split[rows] == 2).all()
        assert passage.symbols == tuple(index.symbols[k] for k in index.symbol[rows])
        for k, cell in enumerate(cells):
            recorded = recording.arrays[cell.layer, cell.signal][rows, cell.unit].astype(float)
            assert np.abs(passage.values[k] / FULL * shown.scales[k] - recorded).max() <= shown.scales[k] / FULL
            if cell.label == "inside:X":
                assert (passage.holds[k] == np.asarray(index.label("inside:X").values)[rows]).all()
            if cell.statistic == "spearman":
                assert (passage.holds[k] == -1).all()


def test_passages_refuse_what_is_not_there(recording: FakeRecording, found: Search) -> None:
    cell = named_cells(found)[0]
    rows = np.zeros(recording.tokens, bool)
    for wrong, match in ((replace(cell, unit=99), "units 0 to 11"), (replace(cell, signal="x"), "not in this")):
        with pytest.raises(OptionError, match=match):
            cut_out(recording, [wrong], rows, [])
    with pytest.raises(OptionError, match="no cells"):
        passages(recording, [])


def test_a_unit_that_stands_for_a_label_already_is_scored_in_place_of_the_best(recording: FakeRecording) -> None:
    hidden = ("lstm.0", "hidden")
    named = {"depth": {hidden: 7, CELL: 2}}
    depth, inside = search(recording, ["depth", "inside:X"], named=named, resamples=50).found
    assert (depth.best.signal, depth.best.unit) == ("hidden", 7)
    assert depth.of("cell").unit == 2
    assert inside.best.unit == 5
    test = recording.index.split == 2
    x = np.concatenate([shard[hidden][:, 7] for shard in recording.shards()])[test]
    y = np.asarray(recording.index.label("depth").values)[test]
    turned = spearmanr(np.asarray(x, np.float16), y).statistic * (1 if depth.best.rises else -1)
    assert depth.best.scores.test.value == pytest.approx(turned, abs=1e-6)


def test_the_label_told_best_comes_first_where_text_is_coloured(found: Search) -> None:
    order = found.ordered()
    kinds = [each.statistic for each in order]
    assert kinds == sorted(kinds)  # an area before a rank
    assert all(a.best.train >= b.best.train for a, b in itertools.pairwise(order) if a.statistic == b.statistic)
    assert named_cells(found)[0].label == order[0].label
