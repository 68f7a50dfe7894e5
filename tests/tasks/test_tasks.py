"""What holds of every task: its model, its training, its outcomes; and the orders in which examples are read."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import naibu
from catalogue_tasks import ENTRIES, OWN, with_own
from naibu.cli import main
from naibu.data.batch import Batch, Stream
from naibu.data.order import ByLength, Lanes, Piece, pieces_from, window_lengths, windows
from naibu.interventions import edited, hold
from naibu.models.model import state_before
from naibu.models.weights import restore, stored
from naibu.runs.load import untrained
from naibu.tasks.catalogue import task_named
from naibu.training import checkpoints, loop
from naibu.training.validation import judged_part, mean_loss, measured, validation_part
from toy_task import Series

CLOSE = {"rtol": 1e-5, "atol": 1e-6, "equal_nan": True}


class Made:
    """An entry of the catalogue with its data and a model before its first step, in evaluation mode."""

    def __init__(self, entry, folder):
        self.entry, self.data, self.task = entry, entry.open(folder), task_named(entry.task)
        self.config, self.training = self.task.configured(self.data, entry.model, entry.training)
        self.model = self.fresh()
        self.batch = self.data.test.batch(np.arange(4))

    def fresh(self, seed=5):
        torch.manual_seed(seed)
        return self.task.build(self.data.sizes, self.config).eval()

    def train(self, out):
        return naibu.train(self.data, out=out, model=self.entry.model, training=self.entry.training)


@pytest.fixture(scope="module", params=ENTRIES, ids=lambda entry: entry.name)
def made(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        with_own(monkeypatch)
        yield Made(request.param, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def run(made, tmp_path_factory):
    return made.train(tmp_path_factory.mktemp("run"))


def total(found):
    return found.mean.item() * found.count


def weights(run):
    return load_file(run.weights)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def told(run):
    return [{k: v for k, v in line.items() if k != "seconds"} for line in run.metrics()]


@torch.no_grad()
def test_outcomes_are_what_the_loss_says(made):
    outcomes, _ = made.model.outcomes(made.batch)
    found = made.model.loss(made.batch)
    assert found.count == int(made.batch.predicted.sum()) > 0
    assert outcomes["loss"].nansum().item() == pytest.approx(total(found), rel=1e-5)
    for name, values in outcomes.items():
        assert values.shape[:2] == made.batch.target.shape[:2], name
        if name in ("loss", "gold"):
            absent = values.isnan() if values.is_floating_point() else values < 0
            assert torch.equal(~absent, made.batch.predicted), name


@torch.no_grad()
def test_padding_has_no_effect(made):
    padded, steps = made.batch.padded(5), len(made.batch.target)
    assert len(padded.target) == steps + 5
    assert total(made.model.loss(padded)) == pytest.approx(total(made.model.loss(made.batch)), rel=1e-6)
    with_it, without = (made.model.outcomes(batch)[0] for batch in (padded, made.batch))
    for name, values in without.items():
        torch.testing.assert_close(with_it[name][:steps], values, **CLOSE)


@torch.no_grad()
def test_rows_are_independent(made):
    together, _ = made.model.outcomes(made.batch)
    for row in range(4):
        alone, _ = made.model.outcomes(made.data.test.batch(np.array([row])))
        steps = int(made.batch.main.lengths[row])
        for name, values in alone.items():
            torch.testing.assert_close(together[name][:steps, row], values[:steps, 0], **CLOSE)


@torch.no_grad()
def test_windows_with_carried_state_are_the_whole(made):
    if made.model.whole:  # such networks are never given a window
        pieces = made.task.order(made.data.train, made.training).pieces(1, 0)
        lengths = made.data.train.lengths
        assert all((piece.start, piece.stop) == (0, lengths[piece.which].max()) for piece in pieces)
        return
    steps, state, sums, parts = len(made.batch.target), None, 0.0, []
    for start in range(0, steps, 7):
        window = made.batch.cut(start, min(steps, start + 7))
        outcomes, _ = made.model.outcomes(window, state)
        found = made.model.loss(window, state)
        state, sums = found.state, sums + total(found)
        parts.append(outcomes["loss"])
    assert sums == pytest.approx(total(made.model.loss(made.batch)), rel=1e-5)
    torch.testing.assert_close(torch.cat(parts), made.model.outcomes(made.batch)[0]["loss"], **CLOSE)


@torch.no_grad()
def test_weights_come_back(made):
    other = made.fresh(seed=6)
    tensors = stored(made.model)
    assert len({tensor.data_ptr() for tensor in tensors.values()}) == len(tensors)
    restore(other, tensors)
    for name, values in made.model.outcomes(made.batch)[0].items():
        assert torch.equal(torch.nan_to_num(values), torch.nan_to_num(other.outcomes(made.batch)[0][name]))
    with pytest.raises(RuntimeError):
        restore(other, dict(list(tensors.items())[1:]))


def test_a_run_says_all_of_its_network(made, run):
    assert naibu.open_run(run.path) == run
    assert type(run.model) is made.task.model
    assert run.data().fingerprint == made.data.fingerprint
    validation = validation_part(made.data, made.training)
    assert mean_loss(naibu.load(run), validation) == pytest.approx(run.summary()["validation_loss"], rel=1e-6)
    assert run.summary()["validation_loss"] < mean_loss(untrained(run), validation)
    assert run.summary()["tokens"] > 0


def test_a_second_training_is_the_same(made, run, tmp_path):
    again = made.train(tmp_path)
    assert same(weights(again), weights(run))
    assert told(again) == told(run)


def test_a_training_broken_off_goes_on_to_the_bit(made, run, tmp_path, monkeypatch):
    """Broken off after an update whose successor goes on from its state, where any is carried."""
    order = made.task.order(made.data.train, made.training)
    pieces = list(islice(pieces_from(order, made.training.seed), 24))
    whole = made.model.whole
    after = 9 if whole else next(k for k in range(9, 24) if pieces[k].start > 0)

    class BrokenOffError(Exception):
        pass

    def progress(done, total, words):
        if done == after:
            raise BrokenOffError

    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(BrokenOffError):
        naibu.train(made.data, out=tmp_path, model=made.entry.model, training=made.entry.training, progress=progress)
    tree = checkpoints.read(tmp_path / "checkpoint.safetensors")
    assert tree["counters"]["step"] == after
    assert whole or any(part.any() for part in flat(tree["carried"]))
    again = made.train(tmp_path)
    assert same(weights(again), weights(run))
    assert told(again) == told(run)
    assert again.summary()["tokens"] == run.summary()["tokens"]


def flat(state):
    return [state] if isinstance(state, torch.Tensor) else [tensor for part in state for tensor in flat(part)]


def test_measures_are_those_of_the_outcomes(made, run):
    measures, model = made.task.measures(made.data.test), naibu.load(run)
    part = judged_part(made.data, made.data.test, made.training)
    found = measured(model, part, measures)
    assert found["loss"] == pytest.approx(mean_loss(model, part), rel=1e-5)
    assert list(found) == [measure.name for measure in measures]
    shares = [found[measure.name] for measure in measures if measure.share]
    assert all(0 <= share <= 1 or np.isnan(share) for share in shares)  # nan: nothing was told to be the end


# ---------------------------------------------------------------- looking inside


@pytest.fixture(scope="module")
def some(made):
    """The data, of a training part of many examples a few."""
    few = min(len(made.data.train), 300)
    return replace(made.data, train=made.data.train.subset(np.arange(few))) if few == 300 else made.data


@pytest.fixture(scope="module")
def recording(some, run):
    return naibu.record(run, some, dtype="float32")


def test_recorded_outcomes_recompute(some, run, recording):
    model, index = naibu.load(run), recording.index
    for code, part in enumerate((some.train, some.validation, some.test)):
        rows = np.asarray(index.split) == code
        lengths = part.lengths_of(part.streams[-1])
        assert np.count_nonzero(rows) == lengths.sum()
        alone = [np.array([k]) for k in range(len(part))]
        outcomes = [model.outcomes(part.batch(one), state_before(model, part, one))[0] for one in alone]
        for name in index.outcome_names:
            wanted = np.concatenate([each[name].detach().numpy()[:, 0] for each in outcomes])
            found = index.outcome(name).values[rows]
            if name == "predicted":  # of two that are as good as equal either may be told
                assert np.mean(found == wanted) > 0.999
            else:
                np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
        for name, column in part.inputs(part.streams[-1]).items():
            np.testing.assert_array_equal(index.input(name).values[rows], column.values)


def test_every_layer_is_recorded_under_the_name_by_which_it_is_held(made, run, recording):
    model, examples = naibu.load(run), made.data.test
    for layer, signal in recording.keys():
        with edited(model, {(layer, signal): naibu.Clamp([0], 0.125)}):
            held = naibu.record(model, examples, keep=(signal,), dtype="float32")
        assert (np.asarray(held[layer, signal])[:, 0] == 0.125).all()


def test_holding_nothing_changes_nothing_and_holding_a_unit_is_scored_by_the_tasks_measures(made, run, recording):
    label = made.data.asks[0]
    found = hold(run, made.data, recording, label=label, draws=2, resamples=20)
    assert [effect.kind for effect in found.effects[:4]] == ["before", "held", "random", "random"]
    names = [measure.name for measure in made.task.measures(made.data.test)]
    assert all([each.name for each in effect.measured] == names for effect in found.effects)
    before = found.of("before")[0].loss.test
    loss = np.asarray(recording.index.loss)[np.asarray(recording.index.split) == 2]
    assert before.value == pytest.approx(np.nanmean(loss), rel=1e-4)
    assert before.n == np.count_nonzero(~np.isnan(loss))
    model = naibu.load(run)
    key = recording.keys()[0]
    with edited(model, {key: lambda value, step: value}):
        again = hold(model, made.data, recording, label=label, key=key, unit=0, draws=0, resamples=20)
    assert again.of("before")[0].loss.test.value == pytest.approx(before.value, rel=1e-5)
    assert tables_equal(found, hold(run, made.data, recording, label=label, draws=2, resamples=20))


def test_all_five_steps_take_it(made, tmp_path):
    if made.entry is not next(entry for entry in ENTRIES if entry.task == made.entry.task):
        pytest.skip("another network of this task takes them")
    options = made.entry.options(tmp_path)
    model, training = made.entry.model, made.entry.training
    found = naibu.look(made.entry.task, options, out=tmp_path / "look", model=model, training=training)
    page = (tmp_path / "look" / "report.html").read_text(encoding="utf-8")
    assert len(found.content.parts) == 1
    assert {"holding", "distributions"} <= {section.key for section in found.content.parts[0].sections}
    assert made.data.asks[0].split(":")[0].replace("_", " ") in page
    summary = json.loads((tmp_path / "look" / "summary.json").read_text())
    (numbers,) = summary["networks"].values()
    assert {measure.name for measure in made.task.measures(made.data.test)} <= {*numbers["scores"]}


def tables_equal(one, other):
    return one.rows() == other.rows() or all(
        a.keys() == b.keys() and all(a[k] == b[k] or (a[k] != a[k] and b[k] != b[k]) for k in a)
        for a, b in zip(one.rows(), other.rows(), strict=True)
    )


# ---------------------------------------------------------------- orders and checkpoints, by themselves


def numbered(*lengths):
    """Series whose numbers count on over all of them."""
    ends = np.cumsum(lengths)
    return Series([np.arange(end - n, end, dtype=np.float32) for n, end in zip(lengths, ends, strict=True)], [])


def test_lanes_hold_the_stream_once_end_to_end():
    lanes = Lanes(numbered(5, 1, 9, 8), lanes=2, truncation=4)
    pieces = lanes.pieces(seed=1, epoch=0)
    assert [(p.start, p.stop) for p in pieces] == [(0, 4), (4, 8), (8, 11)]
    assert pieces[0].which.tolist() == [0, 11]  # the steps at which the lanes begin
    found = list(windows(lanes, pieces))
    assert [window.begins for window in found] == [True, False, False]
    assert [len(window.batch.target) for window in found] == [4, 4, 4]  # the last with a step of padding
    x = torch.cat([window.batch.main.x[..., 0] for window in found])
    assert x[:11].T.tolist() == [list(range(11)), list(range(11, 22))]  # one is left over
    target = torch.cat([window.batch.target for window in found])[:11].T
    ends = [4, 5, 14]  # the last of a series is followed by nothing
    for step, wanted in zip(x[:11].T.flatten().tolist(), target.flatten().tolist(), strict=True):
        assert np.isnan(wanted) if step in ends else wanted == step + 1


def test_lanes_may_begin_elsewhere_each_epoch_and_go_on_at_the_beginning():
    lanes = Lanes(numbered(5, 1, 9, 8), lanes=2, truncation=4, rolled=True)  # 23 steps, each the number of its place
    begins = [lanes.pieces(seed=1, epoch=epoch)[0].which for epoch in range(8)]
    assert len({first for first, _ in begins}) > 1
    assert begins[3].tolist() == lanes.pieces(seed=1, epoch=3)[0].which.tolist()
    for epoch, (first, second) in enumerate(begins):
        x = torch.cat([lanes.read(piece).main.x[..., 0] for piece in lanes.pieces(1, epoch)]).T
        assert x.tolist() == [[(start + k) % 23 for k in range(11)] for start in (first, second)]
        assert second == first + 11
    assert lanes.beginning(22)[0].which.tolist() == [0, 11]  # what is judged is the same each time


def test_windows_of_variable_length_lie_end_to_end():
    drawn = window_lengths(400_000, 70, True, np.random.default_rng(1))
    assert drawn == window_lengths(400_000, 70, True, np.random.default_rng(1))
    assert drawn[0][0] == 0
    assert drawn[-1][1] == 400_000
    assert all(before[1] == after[0] for before, after in itertools.pairwise(drawn))
    steps = np.array([stop - start for start, stop in drawn[:-1]])
    usual = steps > 52  # far from both 70 and 35
    assert 1 - usual.mean() == pytest.approx(0.05, abs=0.01)
    assert (steps[usual].mean(), steps[usual].std()) == pytest.approx((69.5, 5.0), abs=0.3)  # cut to whole steps
    assert steps[~usual].mean() == pytest.approx(34.5, abs=1)
    short = window_lengths(1000, 3, True, np.random.default_rng(2))
    assert min(stop - start for start, stop in short[:-1]) == 3
    assert window_lengths(11, 4, False, np.random.default_rng(1)) == [(0, 4), (4, 8), (8, 11)]


def test_lanes_are_no_shorter_than_a_window():
    assert len(Lanes(numbered(30), lanes=16, truncation=10).pieces(1, 0)[0].which) == 3
    assert len(Lanes(numbered(5), lanes=16, truncation=10).pieces(1, 0)[0].which) == 1
    beginning = Lanes(numbered(30), lanes=3, truncation=4).beginning(18)
    assert [(p.start, p.stop) for p in beginning] == [(0, 4), (4, 6)]


def test_what_goes_on_is_never_padded():
    order = ByLength(numbered(6, 5, 3), 2, 100, truncation=3)
    pieces = [Piece(np.array([0, 1]), 0, 3), Piece(np.array([0, 1]), 3, 6), Piece(np.array([2]), 0, 3)]
    assert [len(window.batch.target) for window in windows(order, pieces)] == [3, 4, 4]
    middle = next(windows(order, pieces[1:]))  # as after a break
    assert not middle.begins
    assert middle.batch.main.x[:3, 0, 0].tolist() == [3, 4, 5]
    assert middle.batch.main.lengths.tolist() == [3, 2]
    uncut = ByLength(numbered(6, 5, 3), 2, 100)
    assert sorted(piece.stop for piece in uncut.pieces(1, 0)) in ([3, 6], [5, 6])


def test_a_checkpoint_holds_whatever_is_put_into_it(tmp_path):
    tree = {
        "carried": ((torch.arange(3.0), None), torch.zeros(0, 2)),
        "optimiser": {"0": {"step": torch.tensor(7.0), "buffer": None, "name": "x.y"}},
        "model": {"a.b": torch.ones(2, dtype=torch.float64)},
        "counters": {"best": float("inf"), "stopped": False, "many": (1, 2)},
    }
    path = tmp_path / "checkpoint.safetensors"
    checkpoints.save(path, tree)
    again = checkpoints.read(path)
    assert again["counters"] == tree["counters"]
    assert again["optimiser"]["0"].keys() == tree["optimiser"]["0"].keys()
    assert again["optimiser"]["0"]["buffer"] is None
    assert torch.equal(again["optimiser"]["0"]["step"], torch.tensor(7.0))
    (first, nothing), empty = again["carried"]
    assert nothing is None
    assert torch.equal(first, torch.arange(3.0))
    assert empty.shape == (0, 2)
    assert again["model"]["a.b"].dtype == torch.float64
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(naibu.StoredError, match=r"checkpoint.safetensors: damaged .*remove it to begin this run again"):
        checkpoints.read(path)


def test_a_batch_of_numbers_is_padded_with_nothing():
    batch = Batch({"input": Stream(torch.ones(2, 1, 3), torch.tensor([2]))}, torch.zeros(2, 1)).padded(2)
    assert batch.main.x.shape == (4, 1, 3)
    assert not batch.main.x[2:].any()
    assert batch.predicted[:, 0].tolist() == [True, True, False, False]


def test_a_run_says_itself_how_it_is_trained(made, run, capsys):
    """`naibu train RUN` of a finished run finds the same data and configuration, and trains nothing."""
    if made.entry.task in OWN:
        pytest.skip("a task of the tests has no command")
    before = weights(run)
    assert main(["train", str(run.path)]) == 0, capsys.readouterr().err
    assert same(before, weights(run))
