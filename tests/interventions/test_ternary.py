"""Rounding the update at every step: against a loop of its own, its levels, its scores, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import fake_results as fake
import naibu
from naibu.cells.exchange import edited
from naibu.config import ModelConfig
from naibu.data.sequences import Sequences
from naibu.interventions.measured import Scorer
from naibu.interventions.rounding import Sizes, ToThree, ToTwo, ToWhole, sizes
from naibu.interventions.ternary import THRESHOLDS, ternary
from naibu.interventions.ternary_results import Ternary
from naibu.looking.analyses.ternary import rounded, rounding
from naibu.models.language_model import LanguageModel
from naibu.probes import tables
from naibu.probes.resampling import Resampler
from naibu.reporting.plots.ternary import plot_ternary
from naibu.reporting.section import Pen
from naibu.storage import as_json
from naibu.tasks.task import loss_measure

UPDATE, CELL = ("lstm.0", "update"), ("lstm.0", "cell")


@pytest.fixture(scope="module")
def treebank(tmp_path_factory):
    path = tmp_path_factory.mktemp("treebank") / "trees.mrg"
    trees = [f"(S (NP (N a)) {'(VP (V b) ' * k}(N c){')' * k})" for k in range(1, 6) for _ in range(40)]
    path.write_text("\n".join(trees) + "\n")
    return naibu.open_corpus(path, form="brackets")


def network(vocabulary, cell: str = "lstm", *, scale: float = 3.0, layers: int = 1, units: int = 5) -> LanguageModel:
    """A network with weights so large that gates are open and shut."""
    torch.manual_seed(2)
    model = LanguageModel(len(vocabulary), ModelConfig(cell=cell, units=units, layers=layers, dropout=0.0)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    return model


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(model: LanguageModel, ids: np.ndarray, update=None, cell=None) -> np.ndarray:
    """Log probabilities `[step symbol]` of a network of one layer, from its equations, one symbol after the other."""
    p = {name: value.detach().double().numpy() for name, value in model.state_dict().items()}
    h = c = np.zeros(model.config.units)
    out = []
    for symbol in ids:
        z = p["layers.weight_ih_l0"] @ p["embedding.weight"][symbol] + p["layers.bias_ih_l0"]
        z = z + p["layers.weight_hh_l0"] @ h + p["layers.bias_hh_l0"]
        i, f, g, o = np.split(z, 4)
        u = sigmoid(i) * np.tanh(g)
        c = sigmoid(f) * c + (u if update is None else update(u))
        c = c if cell is None else cell(c)
        h = sigmoid(o) * np.tanh(c)
        logits = p["output.weight"] @ h + p["output.bias"]
        out.append(logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max())
    return np.array(out)


def nearest(u, levels=(-1.0, 0.0, 1.0)):
    return np.array([min(levels, key=lambda level: abs(level - x)) for x in u])


TWINS = {
    "ternary": (UPDATE, ToThree(), {"update": nearest}),
    "threshold": (UPDATE, ToThree(0.2), {"update": lambda u: np.sign(u) * (np.abs(u) > 0.2)}),
    "halves": (UPDATE, ToTwo(0.5), {"update": lambda u: nearest(u, (-0.5, 0.5))}),
    "cell": (CELL, ToWhole(), {"cell": np.rint}),
    "scaled": (
        UPDATE,
        ToThree(torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5]), torch.tensor([0.2, 0.4, 0.6, 0.8, 1.0])),
        {"update": lambda u: np.array([nearest([x], (-2 * t, 0.0, 2 * t))[0] for x, t in zip(u, T, strict=True)])},
    ),
}
T = np.array([0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize("kind", TWINS)
def test_a_rounded_network_is_a_loop_written_out_with_rounding_in_it(treebank, kind):
    key, edit, twin = TWINS[kind]
    model = network(treebank.vocabulary)
    ids = treebank.test[len(treebank.test) - 1].ids.astype(np.int64)
    with edited(model, {key: edit}), torch.no_grad():
        found = model.logits(model(torch.from_numpy(ids[:, None]))[0]).log_softmax(-1)[:, 0].double().numpy()
    np.testing.assert_allclose(found, by_hand(model, ids, **twin), atol=2e-4)
    assert np.abs(found - by_hand(model, ids)).max() > 0.01  # it makes a difference here


def test_the_scores_are_those_of_the_loop(treebank):
    model = network(treebank.vocabulary)
    found = ternary(model, treebank.test, train=treebank.train, resamples=20)
    for kind, rounds in (("before", None), ("ternary", nearest), ("dropped", np.zeros_like)):
        loss, right, count = 0.0, 0, 0
        for s in range(len(treebank.test)):
            ids = treebank.test[s].ids.astype(np.int64)
            scores = by_hand(model, ids[:-1], rounds)
            loss -= scores[np.arange(len(ids) - 1), ids[1:]].sum()
            right += int((scores.argmax(1) == ids[1:]).sum())
            count += len(ids) - 1
        rounding = found.of(kind)
        assert rounding.loss.test.value == pytest.approx(loss / count, rel=1e-4)
        assert rounding.accuracy.test.value == pytest.approx(right / count)
        assert rounding.loss.test.n == count
        if kind != "before":
            before = found.of("before").loss.test.value
            assert rounding.loss_change.test.value == pytest.approx(loss / count - before, abs=1e-4)
            assert rounding.relative_change.test.value == pytest.approx(loss / count / before - 1, abs=1e-4)
            assert rounding.relative_change.test.n == count
            ratio = rounding.perplexity_ratio().test
            assert ratio.value == pytest.approx(np.exp(loss / count - before), rel=1e-4)
            assert ratio.low <= ratio.value <= ratio.high


def test_a_network_whose_updates_are_whole_loses_nothing(treebank):
    """Weights so large that every gate and candidate is at its end: rounding is no change, moved grids are."""
    model = network(treebank.vocabulary, units=3)
    with torch.no_grad():
        model.layers.weight_hh_l0.zero_()
        model.layers.weight_ih_l0.sign_().mul_(500)
        model.embedding.weight.sign_()
    found = ternary(model, treebank.test, train=treebank.train, resamples=20)
    for kind in ("ternary", "threshold", "scaled"):
        assert found.of(kind).loss_change.test.value == pytest.approx(0, abs=1e-6)
    assert abs(found.of("halves").loss_change.test.value) > 1e-3
    assert set(np.round(found.levels[0].size, 5)) <= {0.0, 1.0}


def test_the_threshold_is_the_one_with_the_least_training_loss_whatever_the_test_sequences(treebank):
    model = network(treebank.vocabulary)
    found = ternary(model, treebank.test.subset(np.arange(2)), train=treebank.train, resamples=20)
    losses = []
    for threshold in THRESHOLDS:
        with edited(model, {UPDATE: ToThree(threshold)}):
            sums = Scorer(model, treebank.train, [loss_measure()], Resampler(10, 1)).sums()
        losses.append(sums[:, 0, 0].sum() / sums[:, 0, 1].sum())
    np.testing.assert_allclose(found.train_loss, losses)
    assert found.threshold == THRESHOLDS[int(np.argmin(losses))]
    again = ternary(model, treebank.test.subset(np.arange(2, 6)), train=treebank.train, resamples=20)
    assert again.threshold == found.threshold
    np.testing.assert_array_equal(again.levels[0].size, found.levels[0].size)


def test_the_levels_of_a_unit_are_the_best_three_found_by_trying_all(treebank):
    draw = np.random.default_rng(5)
    values = np.stack([draw.choice([-0.8, 0.02, 0.8], 400), draw.normal(0, 0.3, 400), np.zeros(400)], axis=1)
    found = Sizes(3)
    found.add(torch.from_numpy(values[:150]).float())
    found.add(torch.from_numpy(values[150:]).float())
    threshold, size = found.three_levels()
    assert size[0] == pytest.approx(0.8, rel=1e-5)
    assert size[2] == 0
    np.testing.assert_allclose(found.mean(), np.abs(values).mean(axis=0), rtol=1e-5)
    x = np.abs(values[:, 1])

    def error(t):
        return ((x - np.where(x > t, x[x > t].mean(), 0)) ** 2).sum()

    best = min(error(t) for t in np.sort(x)[:-1])
    assert error(threshold[1]) == pytest.approx(best, rel=0.01)
    assert size[1] == pytest.approx(x[x > threshold[1]].mean(), rel=1e-4)
    assert threshold[1] == pytest.approx(size[1] / 2, abs=0.02)
    assert found.share_within(0.5) == pytest.approx((np.abs(values) <= 0.5).mean())


def test_sizes_are_of_the_steps_at_which_something_is_predicted_and_of_every_layer(treebank):
    model = network(treebank.vocabulary, layers=2)
    found = sizes(model, treebank.test, "update")
    steps = int((treebank.test.lengths - 1).sum())
    total = np.zeros((2, 5))
    for s in range(len(treebank.test)):
        ids = torch.from_numpy(treebank.test[s].ids.astype(np.int64))[:-1, None]
        with torch.no_grad():
            signals = model.watch(ids, keep=("update",)).signals
        total += [signals[f"lstm.{k}", "update"].abs().sum((0, 1)).numpy() for k in range(2)]
    for k in range(2):
        assert found[f"lstm.{k}"].counts.sum(axis=1).tolist() == [steps] * 5
        np.testing.assert_allclose(found[f"lstm.{k}"].mean(), total[k] / steps, rtol=1e-4)


def test_changes_are_paired_so_that_no_rounding_has_an_interval_of_its_own(treebank):
    """A change is far surer than the two losses apart: sentences differ, what rounding does to them less."""
    found = ternary(network(treebank.vocabulary, scale=1.0), treebank.test, train=treebank.train, resamples=200)
    scaled = found.of("scaled")
    apart, change = scaled.loss.test, scaled.loss_change.test
    assert change.low <= change.value <= change.high
    assert change.high - change.low < apart.high - apart.low


@pytest.mark.parametrize("cell", ["lstm-coupled", "lstm-peephole", "lstm-1997", "min-lstm", "lstm-layer-norm"])
def test_any_cell_with_an_update_can_be_rounded(treebank, cell):
    few = treebank.test.subset(np.arange(4))
    found = ternary(network(treebank.vocabulary, cell), few, train=few, resamples=10)
    assert found.of("dropped").loss_change.test.value != 0
    assert (found.of("cell") is None) == (cell == "min-lstm")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("gru", "cell gru: has no update to round, only reset_gate, update_gate"),
        ("rnn", "cell rnn: has no update"),
        ("lstm-no-input-gate", "has no update"),
        ("slstm", "cell slstm: its update is scaled anew"),
    ],
)
def test_a_network_without_an_update_is_refused(treebank, cell, said):
    with pytest.raises(naibu.OptionError, match=said):
        ternary(network(treebank.vocabulary, cell), treebank.test, train=treebank.train)


def test_nothing_to_predict_is_refused(treebank):
    none: Sequences = treebank.test.subset(np.arange(0))
    with pytest.raises(naibu.OptionError, match="no training sequence"):
        ternary(network(treebank.vocabulary), treebank.test, train=none)


@pytest.fixture(scope="module")
def found(treebank) -> Ternary:
    return ternary(network(treebank.vocabulary), half_seen(treebank), train=treebank.train, resamples=50, run="a")


def half_seen(treebank) -> Sequences:
    """Every second test sequence counts as one that occurs in training."""
    test = treebank.test.subset(np.arange(len(treebank.test)))
    test._seen = np.arange(len(test)) % 2 == 0
    return test


def test_it_is_stored_and_read_back_and_is_the_same_every_time(treebank, found, tmp_path):
    tables.save(found, tmp_path, "ternary")
    assert as_json(tables.load(Ternary, tmp_path, "ternary")) == as_json(found)
    again = ternary(network(treebank.vocabulary), half_seen(treebank), train=treebank.train, resamples=50, run="a")
    assert as_json(again) == as_json(found)
    assert {row["split"] for row in found.rows()} == {"test", "unseen"}
    assert found.of("before").loss.unseen.sequences == np.count_nonzero(~half_seen(treebank).seen())


def priced(found: Ternary, **costs: float) -> Ternary:
    """The result with other relative changes of the loss."""

    def one(r):
        if r.relative_change is None:
            return r
        unseen = r.relative_change.unseen
        cost = costs.get(r.kind, 0.6)
        return replace(
            r,
            relative_change=replace(
                r.relative_change, unseen=replace(unseen, value=cost, low=cost - 0.01, high=cost + 0.01)
            ),
        )

    return replace(found, roundings=tuple(one(r) for r in found.roundings))


@pytest.mark.parametrize(
    ("costs", "begins", "present"),
    [
        ({"ternary": 0.02}, "It works almost in three levels", True),
        ({"ternary": 0.2}, "It works in three levels only in part", False),
        ({"ternary": 0.7}, "That it works in three levels is not shown", False),
        ({"ternary": 0.02, "halves": 0.025}, "That it works in three levels is not shown", False),
    ],
)
def test_the_finding_sets_the_cost_against_the_controls(found, costs, begins, present):
    said = rounding(priced(found, **costs))
    assert said.text.startswith(begins)
    assert said.present == present
    assert "controls: levels of −1/2 and 1/2" in said.text
    assert "unseen" in said.text
    assert said in fake.bare(ternary=priced(found, **costs)).told().findings


def test_the_section_draws_each_rounding_where_it_lies(found):
    section = rounded(found, Pen("a"))
    assert "control: update always 0" in section.tables[0]
    ax = plot_ternary(found, split="unseen")
    places = [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() != "None"]
    assert places == [r.loss_change.unseen.value for r in found.roundings[1:]]
    assert len(ax.get_yticklabels()) == len(found.roundings) - 1
    low, high = ax.get_xlim()
    assert all(low < place < high for place in places)
