"""Timescales: units whose decay is known, the GRU's direction, saturation, guards, what the report says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fake_results as fake
from fake_recording import FakeRecording, fake_recording
from naibu.cells.layers import GRU
from naibu.cells.variants import MinGRU
from naibu.errors import OptionError
from naibu.looking.analyses.timescales import keeping as found_of
from naibu.looking.analyses.timescales import kept
from naibu.probes import tables
from naibu.probes.timescales import LEVELS, applies, keeping, timescales
from naibu.probes.timescales_results import HALF, Timescales
from naibu.reporting.plots.timescales import plot_saturation, plot_timescales
from naibu.reporting.section import Pen
from naibu.storage import as_json

FORGET, INPUT = ("lstm.0", "forget_gate"), ("lstm.0", "input_gate")
KEPT = np.array([0.5, 0.9, 0.99, 0.05, 0.95])


def gated(values: np.ndarray | None = None, **others: np.ndarray) -> FakeRecording:
    """A recording whose forget gate is the same at all steps, or as given, `[token unit]`."""
    recording = fake_recording(60)
    gate = np.tile(KEPT, (recording.tokens, 1)) if values is None else values
    arrays = {FORGET: gate.astype(np.float32)}
    return replace(recording, arrays=arrays | {("lstm.0", name): x.astype(np.float32) for name, x in others.items()})


def test_a_gate_that_never_changes_has_the_timescale_of_its_logarithm() -> None:
    found = timescales(gated(), resamples=50)
    layer = found.layers[0]
    np.testing.assert_allclose(layer.timescale(), -1 / np.log(KEPT), rtol=1e-5)
    assert layer.timescale()[0] * HALF == pytest.approx(1)  # what keeps a half at each step has a half-life of 1
    assert [unit.unit for unit in layer.longest] == [2, 4, 1, 0, 3]
    for level, scores in zip(LEVELS, layer.quantiles, strict=True):
        assert scores.test.value == pytest.approx(np.quantile(-1 / np.log(KEPT), level), rel=1e-5)
        assert scores.test.low == pytest.approx(scores.test.high, rel=1e-5)  # all sentences alike


def test_what_is_left_of_a_value_is_what_its_timescale_says() -> None:
    """The shares kept, multiplied step by step through all test sentences, come to exp(-steps / timescale)."""
    recording = gated(np.random.default_rng(1).uniform(0.8, 0.999, (fake_recording(60).tokens, 4)))
    layer = timescales(recording, resamples=20).layers[0]
    left, steps = np.ones(4), 0
    for t in np.flatnonzero((recording.index.split == 2) & (recording.index.position > 0)):
        left, steps = left * recording.arrays[FORGET][t].astype(np.float64), steps + 1
    np.testing.assert_allclose(np.log(left), -steps / layer.timescale(), rtol=1e-5)


def test_the_first_symbol_does_not_count_and_training_rows_only_choose() -> None:
    recording = gated()
    changed = recording.arrays[FORGET].copy()
    changed[recording.index.position == 0] = 1e-3
    changed[recording.index.split == 0] = changed[recording.index.split == 0][:, ::-1]
    found = timescales(replace(recording, arrays={FORGET: changed}), resamples=20).layers[0]
    np.testing.assert_allclose(found.timescale(), -1 / np.log(KEPT), rtol=1e-5)
    assert [unit.unit for unit in found.longest] == [2, 0, 3, 4, 1]


def test_values_stored_as_0_and_1_stay_finite_and_are_counted() -> None:
    tokens = fake_recording(60).tokens
    layer = timescales(gated(np.tile([1.0, 0.0, 0.5, 0.5], (tokens, 1))), resamples=20).layers[0]
    assert layer.timescale()[0] == pytest.approx(4095.5, rel=1e-3)
    assert layer.timescale()[1] == pytest.approx(1 / np.log(2**12))
    assert layer.open == 0.25


def test_intervals_are_of_sentences_and_unseen_ones_are_scored_apart() -> None:
    recording = gated()
    draw = np.random.default_rng(2)
    rate = draw.uniform(0.5, 0.99, 60)
    rate[recording.index.sequence[(recording.index.seen)]] = 0.2
    gate = np.repeat(rate[recording.index.sequence][:, None], 3, axis=1)
    found = timescales(replace(recording, arrays={FORGET: gate}), resamples=200).layers[0].quantiles[2]
    assert found.unseen is not None
    assert found.unseen.value > 2 * found.test.value
    assert found.unseen.low < found.unseen.value < found.unseen.high
    assert found.unseen.sequences < found.test.sequences == 20


def test_saturation_is_the_share_of_steps_beyond_its_bounds() -> None:
    draw = np.random.default_rng(3)
    gate = draw.uniform(0, 1, (fake_recording(60).tokens, 6))
    recording = gated(None, input_gate=gate, cell=gate)
    found = timescales(recording, untrained=recording, resamples=50)
    assert [g.signal for g in found.gates] == ["forget_gate", "input_gate"]  # the cell is no gate
    test, side = recording.index.split == 2, found.gates[1].trained
    np.testing.assert_allclose(side.left, (gate[test].astype(np.float32) < 0.1).mean(axis=0))
    np.testing.assert_allclose(side.right, (gate[test].astype(np.float32) > 0.9).mean(axis=0))
    assert side.mean_right.test.value == pytest.approx(side.right.mean())
    assert side.mean_right.test.low < side.right.mean() < side.mean_right.test.high
    np.testing.assert_array_equal(found.gates[0].trained.right, KEPT > 0.9)


@pytest.mark.parametrize(("layer", "name", "formula"), [(GRU, "gru.0", "z"), (MinGRU, "min_gru.0", "1 - z")])
def test_the_share_a_gru_keeps_is_what_its_step_multiplies_the_old_state_by(layer, name, formula) -> None:
    """h after one step from h = 1 less that from h = 0, with no recurrent weights, is the share kept."""
    import torch

    torch.manual_seed(4)
    made = layer(2, 3)
    with torch.no_grad():
        for parameter_name, parameter in made.named_parameters():
            if "hh" in parameter_name:
                parameter.zero_()
        x = torch.randn(1, 5, 2)
        ends = [made(x, torch.full((1, 5, 3), start))[0][0] for start in (0.0, 1.0)]
        gate = made.signals(x, keep=("update_gate",)).signals[name, "update_gate"][0]
    recording = replace(fake_recording(9), arrays={(name, "update_gate"): np.zeros((fake_recording(9).tokens, 3))})
    (keeper,) = keeping(recording)
    assert keeper.kept == formula
    np.testing.assert_allclose(keeper.share(gate.numpy()), (ends[1] - ends[0]).numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("signals", "layer", "said"),
    [
        (("hidden",), None, "need a forget gate .* there is hidden"),
        (("input_gate", "output_gate", "cell"), None, "there is cell, input_gate, output_gate"),
        (("forget_gate", "stabiliser"), None, "not an sLSTM's"),
        (("forget_gate",), "lstm.4", "layer 'lstm.4': not in this recording; it has lstm.0"),
    ],
)
def test_a_recording_without_a_gate_that_keeps_is_refused(signals, layer, said) -> None:
    recording = fake_recording(9)
    arrays = {("lstm.0", signal): np.full((recording.tokens, 2), 0.5) for signal in signals}
    with pytest.raises(OptionError, match=said):
        timescales(replace(recording, arrays=arrays), layer)
    assert applies(replace(recording, arrays=arrays)) == (layer is not None)


@pytest.fixture(scope="module")
def both() -> Timescales:
    tokens = fake_recording(60).tokens
    untrained = gated(np.full((tokens, 5), 0.7), input_gate=np.full((tokens, 5), 0.5))
    return timescales(gated(None, input_gate=np.full((tokens, 5), 0.95)), untrained=untrained, resamples=50)


def test_it_is_stored_and_read_back_and_is_the_same_every_time(both, tmp_path) -> None:
    tables.save(both, tmp_path, "timescales")
    back = tables.load(Timescales, tmp_path, "timescales")
    assert as_json(back) == as_json(both)
    rows = both.rows()
    assert {"timescale", "half-life", "share saturated left", "share saturated right"} <= {
        row["statistic"] for row in rows
    }
    assert {row["control"] for row in rows} == {"", "untrained"}


def test_the_finding_sets_the_slow_units_against_the_untrained_network(both) -> None:
    said = found_of(both)
    assert said.present
    assert "Training made the longest memories longer" in said.text
    assert "untrained: 2.804 and 2.804" in said.text  # -1 / log .7
    assert "above 0.9 at 40.0" in said.text  # of the forget gate: .99 and .95 of five
    other = timescales(gated(), untrained=gated(), resamples=50)
    assert not found_of(other).present
    assert "is not shown" in found_of(other).text
    assert not found_of(timescales(gated(), resamples=50)).present
    assert said in fake.bare(timescales=both).told().findings


def test_the_section_draws_and_tables_what_was_found(both) -> None:
    section = kept(both, Pen("a"))
    assert len(section.figures[0].split("<svg")) == 3
    assert "unit 2" in "".join(section.tables)
    layer = both.layers[0]
    ax = plot_timescales(layer)
    drawn = [patch.get_data() for patch in ax.patches]
    assert [data.values.sum() for data in drawn] == [5, 5, 5]  # untrained, trained filled and outlined
    marks = {line.get_label(): line.get_xydata() for line in plot_saturation(both.gates).get_lines()}
    np.testing.assert_array_equal(marks["forget"][:, 0], both.gates[0].trained.right)
    np.testing.assert_array_equal(marks["input"][:, 0], np.ones(5))
