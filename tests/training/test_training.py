"""The training loop: it learns, repeats, resumes to the bit, and says what is wrong."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
import tomllib
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import naibu
from naibu.config import ModelConfig, TrainingConfig
from naibu.data.order import MULTIPLE, ByLength, pieces_from, windows
from naibu.models.language_model import LanguageModel
from naibu.runs.run import FORMAT
from naibu.storage import as_json
from naibu.tasks.trees import Trees, TreesOptions
from naibu.training import checkpoints, train_seeds
from naibu.training.optimisers import optimiser_of
from naibu.training.schedule import learning_rate
from naibu.training.trainer import Trainer
from naibu.training.validation import mean_loss, validation_part
from random_trees import nested

SMALL = ModelConfig(units=12, dropout=0.2)
QUICK = TrainingConfig(steps=30, batch_size=8, validations=3, threads=1, warmup=5)


@pytest.fixture(scope="module")
def treebank(tmp_path_factory):
    """A small treebank of random trees."""
    rng = random.Random(3)
    path = tmp_path_factory.mktemp("treebank") / "trees.mrg"
    path.write_text("\n".join(f"(S {nested(rng)} {nested(rng)})" for _ in range(160)) + "\n")
    return path


@pytest.fixture(scope="module")
def corpus(treebank):
    return naibu.open_corpus(treebank, form="brackets")


def weights(run):
    return load_file(run.weights)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_it_learns_and_keeps_the_best_weights(corpus, tmp_path):
    run = naibu.train(
        corpus, out=tmp_path, model=replace(SMALL, dropout=0.0), training=replace(QUICK, steps=120, validations=6)
    )
    losses = [line["validation_loss"] for line in run.metrics()]
    assert losses[-1] < losses[0] - 0.1
    assert run.finished
    assert run.summary()["validation_loss"] == min(losses)
    assert mean_loss(naibu.load(run), validation_part(corpus, QUICK)) == pytest.approx(min(losses), abs=1e-6)
    assert not run.checkpoint.exists()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "rnn-relu"])
def test_equal_steps_and_seed_give_equal_weights(corpus, tmp_path, cell):
    model = replace(SMALL, cell=cell, layers=2)
    one = naibu.train(corpus, out=tmp_path / "one", model=model, training=QUICK)
    two = naibu.train(corpus, out=tmp_path / "two", model=model, training=QUICK)
    three = naibu.train(corpus, out=tmp_path / "three", model=model, training=replace(QUICK, seed=2))
    assert same(weights(one), weights(two))
    assert not same(weights(one), weights(three))


def test_minutes_become_steps_that_stand_in_the_configuration(corpus, tmp_path):
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=TrainingConfig(minutes=0.05, batch_size=8, threads=1))
    assert run.training.minutes == 0.05
    assert run.training.steps is not None
    assert naibu.open_run(run.path).training == run.training
    again = naibu.train(
        corpus, out=tmp_path, model=SMALL, training=TrainingConfig(minutes=0.05, batch_size=8, threads=1)
    )
    assert again.training == run.training
    repeated = naibu.train(corpus, out=tmp_path / "again", model=SMALL, training=replace(run.training, minutes=None))
    assert same(weights(run), weights(repeated))


def test_a_long_sequence_is_one_update_a_piece(corpus, tmp_path):
    order = Trees().order(corpus.train, replace(QUICK, truncation=4))
    pieces = order.pieces(1, 0)
    whole = [piece for piece in pieces if piece.start == 0]
    longest = [corpus.train.lengths[piece.which].max() - 1 for piece in whole]
    assert len(pieces) == sum(-(-n // 4) for n in longest) > len(whole)
    for before, piece in itertools.pairwise(pieces):
        assert piece.start == 0 or (piece.start == before.stop and (piece.which == before.which).all())
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=replace(QUICK, truncation=4))
    predicted = [window.batch.predicted.sum().item() for window in windows(order, pieces[:30])]
    assert run.summary()["tokens"] == sum(predicted)


def test_gradients_are_clipped(corpus):
    trainer = Trainer(LanguageModel(len(corpus.vocabulary), SMALL), replace(QUICK, clip=1e-3))
    norm = trainer.step(corpus.train.batch(np.arange(8)), 0, 3e-3).norm
    clipped = torch.stack([p.grad.norm() for p in trainer.parameters]).norm().item()
    assert norm > 0.01
    assert clipped == pytest.approx(1e-3, rel=1e-3)


def order_of(corpus):
    return ByLength(corpus.train, QUICK.batch_size, QUICK.batch_tokens, unread=1)


def test_batches_hold_every_symbol_once_and_no_target_at_padding(corpus):
    order = order_of(corpus)
    first, second = order.pieces(1, 0), order.pieces(1, 1)
    assert (np.sort(np.concatenate([p.which for p in first])) == np.arange(len(corpus.train))).all()
    assert [p.which.tolist() for p in first] != [p.which.tolist() for p in second]
    for piece, window in zip(first[:4], windows(order, first[:4]), strict=True):
        assert window.begins
        ids, target = window.batch.main.x.numpy(), window.batch.target.numpy()
        assert len(ids) % MULTIPLE == 0
        for column, number in enumerate(piece.which):
            own = corpus.train[int(number)].ids
            n = len(own) - 1
            assert (ids[:n, column] == own[:-1]).all()
            assert (target[:n, column] == own[1:]).all()
            assert (target[n:, column] == -1).all()


def test_pieces_from_a_later_step_are_those_of_the_whole_run(corpus):
    order = order_of(corpus)
    whole = [piece.which.tolist() for piece in itertools.islice(pieces_from(order, 1), 45)]
    later = pieces_from(order, 1, 40)
    assert [next(later).which.tolist() for _ in range(5)] == whole[40:]


def test_where_nothing_is_predicted_nothing_is_learnt(corpus):
    order = ByLength(corpus.train, 8, 4096, unread=10_000)
    with pytest.raises(naibu.OptionError, match="nothing is predicted in any training example"):
        next(pieces_from(order, 1))


def test_learning_rate_rises_then_falls_to_a_fiftieth():
    config = TrainingConfig(steps=1000, learning_rate=1.0, warmup=10)
    for decay in ("linear", "cosine"):
        rates = [learning_rate(replace(config, decay=decay), step, 1000) for step in range(1000)]
        assert rates[:11] == sorted(rates[:11])
        assert rates[11:] == sorted(rates[11:], reverse=True)
        assert rates[-1] == pytest.approx(0.02, abs=1e-3)


def test_a_plateau_quarters_the_rate_after_each_validation_that_is_not_the_best(corpus, tmp_path):
    wild = replace(QUICK, learning_rate=30.0, decay="plateau", clip=1e9, warmup=0, validations=10, patience=0)
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=wild)
    rates, losses = ([line[key] for line in run.metrics()] for key in ("learning_rate", "validation_loss"))
    worse = [loss > min(losses[:k], default=math.inf) for k, loss in enumerate(losses)]
    assert rates == [30.0 * max(0.02, 0.25 ** sum(worse[:k])) for k in range(len(rates))]
    assert sum(worse) > 1


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("sgd", lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.01)),
        ("adamw", lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.01)),
    ],
)
def test_optimisers_are_torchs(name, theirs):
    config = TrainingConfig(optimiser=name, weight_decay=0.01, learning_rate=0.1)
    ours, other = ([torch.nn.Parameter(torch.arange(6.0).view(2, 3))] for _ in range(2))
    for optimiser, (parameter,) in ((optimiser_of(ours, config), ours), (theirs(other), other)):
        for step in range(3):
            parameter.grad = torch.full((2, 3), step - 0.5)
            optimiser.step()
    torch.testing.assert_close(ours, other)


def test_early_stop(corpus, tmp_path):
    """A learning rate far too large worsens the loss, and two validations without a better one end the run."""
    slow = replace(QUICK, steps=200, validations=100, patience=2, learning_rate=30.0, decay="none", clip=1e9)
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=slow)
    assert run.summary()["stopped_early"]
    assert run.summary()["steps"] < 200


def test_the_weights_of_the_last_validation_may_be_kept(corpus, tmp_path):
    """A learning rate far too large: the last weights are worse than those of an earlier validation."""
    wild = replace(QUICK, learning_rate=30.0, decay="none", clip=1e9, validations=10, patience=0)
    for keep in ("best", "last"):
        run = naibu.train(corpus, out=tmp_path / keep, model=SMALL, training=replace(wild, keep=keep))
        losses = {line["step"]: line["validation_loss"] for line in run.metrics()}
        wanted = min(losses, key=losses.__getitem__) if keep == "best" else wild.steps
        assert run.ended().best_step == wanted
        assert run.ended().validation_loss == losses[wanted]
        assert mean_loss(naibu.load(run), validation_part(corpus, wild)) == pytest.approx(losses[wanted], rel=1e-6)
    assert losses[wild.steps] > min(losses.values())


def interrupted_script(treebank, out):
    return textwrap.dedent(f"""
        import sys, time, naibu, torch
        import naibu.training.loop as loop
        loop.CHECKPOINT_SECONDS = 0.0
        torch.set_num_threads(1)
        corpus = naibu.open_corpus({str(treebank)!r}, form="brackets")
        def progress(done, total, words):
            print(done, flush=True)
            time.sleep(0.02)
        try:
            naibu.train(corpus, out={str(out)!r}, model=naibu.ModelConfig(units=12, dropout=0.2),
                        training=naibu.TrainingConfig(
                            steps=30, batch_size=8, validations=3, threads=1, warmup=5), progress=progress)
        except KeyboardInterrupt:
            sys.exit(130)
    """)


@pytest.mark.parametrize(("blow", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)], ids=["ctrl-c", "kill -9"])
def test_a_broken_run_ends_with_the_weights_of_an_unbroken_one(treebank, corpus, tmp_path, blow, status):
    whole = naibu.train(corpus, out=tmp_path / "whole", model=SMALL, training=QUICK)
    process = subprocess.Popen(
        [sys.executable, "-c", interrupted_script(treebank, tmp_path / "broken")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    for line in process.stdout:
        if int(line) == 13:
            process.send_signal(blow)
            break
    process.communicate(timeout=60)
    assert process.returncode == status
    steps = checkpoints_step(tmp_path / "broken")
    assert 10 <= steps < 30
    run = naibu.train(corpus, out=tmp_path / "broken", model=SMALL, training=QUICK)
    assert same(weights(run), weights(whole))
    keys = ("step", "validation_loss", "loss", "tokens")
    assert [[line[k] for k in keys] for line in run.metrics()] == [[line[k] for k in keys] for line in whole.metrics()]


def checkpoints_step(out):
    return checkpoints.read(out / "checkpoint.safetensors")["counters"]["step"]


def test_a_finished_run_is_there_at_once(corpus, tmp_path):
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    before = run.weights.stat().st_mtime_ns
    began = time.perf_counter()
    naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    assert time.perf_counter() - began < 2
    assert run.weights.stat().st_mtime_ns == before


def test_another_configuration_in_the_same_folder_is_refused(corpus, tmp_path):
    naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    with pytest.raises(
        naibu.StoredError, match=r"begun with learning_rate = 0.003, now asked for learning_rate = 0.1.*--out"
    ):
        naibu.train(corpus, out=tmp_path, model=SMALL, training=replace(QUICK, learning_rate=0.1))


def test_other_data_in_the_same_folder_are_refused(treebank, corpus, tmp_path):
    naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    other = treebank.with_name("other.mrg")
    other.write_text(treebank.read_text() + "(S (N a) (V b))\n")
    with pytest.raises(naibu.StoredError, match=r"begun with corpus = .*trees.mrg, now asked for corpus = .*other.mrg"):
        naibu.train(naibu.open_corpus(other, form="brackets"), out=tmp_path, model=SMALL, training=QUICK)
    other.write_text(treebank.read_text())
    moved = naibu.open_corpus(other, form="brackets")  # the same trees elsewhere
    assert naibu.train(moved, out=tmp_path, model=SMALL, training=QUICK).finished


def test_truncated_weights_are_named(corpus, tmp_path):
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    run.weights.write_bytes(run.weights.read_bytes()[:200])
    with pytest.raises(naibu.StoredError, match=r"weights.safetensors: damaged") as caught:
        naibu.load(run)
    assert "\n" not in str(caught.value)


def test_a_run_of_a_newer_version_is_refused(corpus, tmp_path):
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    path = run.path / "settings.toml"
    path.write_text(path.read_text().replace(f"format = {FORMAT}", "format = 99"))
    with pytest.raises(naibu.StoredError, match="written by a newer naibu"):
        naibu.open_run(run.path)


def test_unknown_settings_are_errors(corpus, tmp_path):
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    path = run.path / "settings.toml"
    path.write_text(path.read_text().replace("units", "unitz"))
    with pytest.raises(naibu.StoredError, match=r"settings.toml: unknown setting 'unitz'"):
        naibu.open_run(run.path)


def test_settings_are_all_that_was_asked_for(corpus, tmp_path):
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    assert naibu.open_run(tmp_path) == run
    assert run.data().fingerprint == corpus.fingerprint
    with (tmp_path / "settings.toml").open("rb") as file:
        written = tomllib.load(file)
    assert written["data"] == {name: value for name, value in corpus.options.items() if value is not None}
    assert TreesOptions(**written["data"]).form == (corpus.form,)
    assert ModelConfig(**written["model"]) == run.model
    assert TrainingConfig(**written["training"]) == run.training


def test_a_run_of_the_first_format_is_read(corpus, tmp_path):
    """As it was written then, with names of options and of the settings file that have changed since."""
    run = naibu.train(corpus, out=tmp_path / "new", model=SMALL, training=QUICK)
    old = tmp_path / "old"
    old.mkdir()
    for name in ("weights.safetensors", "vocabulary.txt", "finished.json", "metrics.jsonl"):
        (old / name).write_bytes((run.path / name).read_bytes())
    options = {{"corpus": "path", "split_seed": "seed"}.get(key, key): value for key, value in run.options.items()}
    training = {key: value for key, value in as_json(QUICK).items() if key not in ("optimiser", "weight_decay")}
    facts = {"name": "trees", "form": "brackets", "reader": "penn", "category": "VP", "train_tokens": 1, "counts": {}}
    config = {
        "format": 1,
        "versions": {"naibu": "0.1.0"},
        "corpus": {**facts, "fingerprint": corpus.fingerprint, "options": options},
        "symbols": len(corpus.vocabulary),
        "model": as_json(SMALL),
        "training": training,
    }
    (old / "config.json").write_text(json.dumps(config))
    found = naibu.open_run(old)
    assert (found.options, found.model, found.training, found.sizes) == (run.options, SMALL, QUICK, run.sizes)
    assert found.data().fingerprint == corpus.fingerprint
    assert same(naibu.load(found).state_dict(), naibu.load(run).state_dict())
    assert naibu.train(corpus, out=old, model=SMALL, training=QUICK) == found
    (old / "finished.json").unlink()
    save_file({"adam.0.step": torch.ones(1)}, old / "checkpoint.safetensors", metadata={"state": "{}"})
    with pytest.raises(naibu.StoredError, match=r"checkpoint.safetensors: written by an older naibu; remove it"):
        naibu.train(corpus, out=old, model=SMALL, training=QUICK)


def test_several_seeds_are_several_runs(corpus, tmp_path):
    found = train_seeds(corpus, 3, out=tmp_path / "out", model=SMALL, training=replace(QUICK, seed=4))
    assert [run.path.name for run in found.runs] == ["out-seed-4", "out-seed-5", "out-seed-6"]
    alone = naibu.train(corpus, out=tmp_path / "alone", model=SMALL, training=replace(QUICK, seed=5))
    assert same(weights(alone), weights(found.runs[1]))
    assert [one.measure for one in found.measures] == ["loss", "accuracy", "end_recall", "end_precision"]
    loss = found.measures[0]
    assert loss.mean == pytest.approx(np.mean(loss.each))
    assert loss.spread == pytest.approx(np.std(loss.each, ddof=1))
    model = naibu.load(alone)
    batch = corpus.test.batch(np.arange(len(corpus.test)))
    assert loss.each[1] == pytest.approx(model.loss(batch).mean.item(), rel=1e-5)
    with torch.no_grad():
        told = model.logits(model(batch.main.x)[0]).argmax(-1)
    there = batch.predicted
    assert found.measures[1].each[1] == pytest.approx((told == batch.target)[there].double().mean().item())
    ends = batch.target == corpus.vocabulary.index["ED"]
    assert found.measures[2].each[1] == pytest.approx((told == batch.target)[ends].double().mean().item())
    with pytest.raises(naibu.OptionError, match="--seeds 1: must be at least 2"):
        train_seeds(corpus, 1, out=tmp_path)


def test_tied_weights_are_stored_once_and_come_back(corpus, tmp_path):
    run = naibu.train(corpus, out=tmp_path, model=replace(SMALL, tied=True), training=QUICK)
    assert "output.weight" not in weights(run)
    model = naibu.load(run)
    assert model.output.weight is model.embedding.weight


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (ModelConfig, {"units": -1}, "--units -1: must be at least 1"),
        (ModelConfig, {"cell": "elman"}, "--cell elman: must be one of lstm"),
        (ModelConfig, {"dropout": 1.0}, "--dropout 1.0"),
        (TrainingConfig, {"minutes": 0}, "--minutes 0: must be more than 0"),
        (TrainingConfig, {"steps": -1}, "--steps -1"),
        (TrainingConfig, {"learning_rate": 0.0}, "--learning-rate 0.0"),
        (TrainingConfig, {"optimiser": "lion"}, "--optimiser lion: must be one of adam, adamw, sgd"),
        (TrainingConfig, {"weight_decay": 0.1}, "--weight-decay 0.1: must be 0 with --optimiser adam"),
    ],
)
def test_values_that_are_not_allowed_are_named(kind, options, said):
    with pytest.raises(naibu.OptionError, match=said):
        kind(**options)
