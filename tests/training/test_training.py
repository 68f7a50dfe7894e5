"""The training loop: it learns, repeats, resumes to the bit, and says what is wrong."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import naibu
from naibu.config import ModelConfig, TrainingConfig
from naibu.models.language_model import LanguageModel
from naibu.training import checkpoints
from naibu.training.batches import epoch_batches, make_batch, training_batches
from naibu.training.schedule import learning_rate
from naibu.training.train import Trainer, mean_loss, validation_part
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
    assert mean_loss(naibu.load(run), validation_part(corpus)) == pytest.approx(min(losses), abs=1e-6)
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


def test_long_sequences_are_cut_and_carry_their_state(corpus):
    """In evaluation, pieces give the loss of the whole; in training there is one update a piece."""
    model = LanguageModel(len(corpus.vocabulary), SMALL)
    part = validation_part(corpus)
    assert mean_loss(model, part, cut=3) == pytest.approx(mean_loss(model, part), abs=1e-6)
    trainer = Trainer(model.train(), replace(QUICK, truncation=4))
    batch = make_batch(corpus.train, np.arange(4))
    trainer.step(batch, 0, 30)
    done = trainer.optimiser.state_dict()["state"][0]["step"].item()
    assert done == -(-len(batch.inputs) // 4)


def test_gradients_are_clipped(corpus):
    trainer = Trainer(LanguageModel(len(corpus.vocabulary), SMALL).train(), replace(QUICK, clip=1e-3))
    _, norm = trainer.step(make_batch(corpus.train, np.arange(8)), 0, 30)
    clipped = torch.stack([p.grad.norm() for p in trainer.parameters]).norm().item()
    assert norm > 0.01
    assert clipped == pytest.approx(1e-3, rel=1e-3)


def test_batches_hold_every_symbol_once_and_no_target_at_padding(corpus):
    seen = np.sort(np.concatenate(epoch_batches(corpus.train, QUICK, 0)))
    assert (seen == np.arange(len(corpus.train))).all()
    assert [b.tolist() for b in epoch_batches(corpus.train, QUICK, 1)] != [
        b.tolist() for b in epoch_batches(corpus.train, QUICK, 0)
    ]
    batch = make_batch(corpus.train, np.array([0, 1, 2]))
    for column, number in enumerate((0, 1, 2)):
        ids = corpus.train[number].ids
        n = len(ids) - 1
        assert (batch.inputs[:n, column].numpy() == ids[:-1]).all()
        assert (batch.targets[:n, column].numpy() == ids[1:]).all()
        assert (batch.targets[n:, column] == -1).all()


def test_batches_from_a_later_step_are_those_of_the_whole_run(corpus):
    whole = training_batches(corpus.train, QUICK)
    expected = [next(whole) for _ in range(45)]
    later = training_batches(corpus.train, QUICK, 40)
    for batch in expected[40:]:
        assert torch.equal(next(later).inputs, batch.inputs)


def test_learning_rate_rises_then_falls_to_a_fiftieth():
    config = TrainingConfig(steps=1000, learning_rate=1.0, warmup=10)
    for decay in ("linear", "cosine"):
        rates = [learning_rate(replace(config, decay=decay), step, 1000) for step in range(1000)]
        assert rates[:11] == sorted(rates[:11])
        assert rates[11:] == sorted(rates[11:], reverse=True)
        assert rates[-1] == pytest.approx(0.02, abs=1e-3)


def test_early_stop(corpus, tmp_path):
    """A learning rate far too large worsens the loss, and two validations without a better one end the run."""
    slow = replace(QUICK, steps=200, validations=100, patience=2, learning_rate=30.0, decay="none", clip=1e9)
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=slow)
    assert run.summary()["stopped_early"]
    assert run.summary()["steps"] < 200


def interrupted_script(treebank, out):
    return textwrap.dedent(f"""
        import sys, time, naibu, torch
        import naibu.training.train as loop
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
    run = naibu.open_run(out)
    model = LanguageModel(run.symbols, run.model)
    return checkpoints.resume(run, model, torch.optim.Adam(model.parameters())).step


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


def test_another_corpus_in_the_same_folder_is_refused(treebank, corpus, tmp_path):
    naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    other = treebank.with_name("other.mrg")
    other.write_text(treebank.read_text() + "(S (N a) (V b))\n")
    with pytest.raises(naibu.StoredError, match="another corpus"):
        naibu.train(naibu.open_corpus(other, form="brackets"), out=tmp_path, model=SMALL, training=QUICK)


def test_truncated_weights_are_named(corpus, tmp_path):
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    run.weights.write_bytes(run.weights.read_bytes()[:200])
    with pytest.raises(naibu.StoredError, match=r"weights.safetensors: damaged") as caught:
        naibu.load(run)
    assert "\n" not in str(caught.value)


def test_a_run_of_a_newer_version_is_refused(corpus, tmp_path):
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    path = run.path / "config.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(naibu.StoredError, match="written by a newer naibu"):
        naibu.open_run(run.path)


def test_unknown_settings_are_errors(corpus, tmp_path):
    run = naibu.train(corpus, out=tmp_path, model=SMALL, training=QUICK)
    path = run.path / "config.json"
    path.write_text(path.read_text().replace('"units"', '"unitz"'))
    with pytest.raises(naibu.StoredError, match="unitz|units"):
        naibu.open_run(run.path)


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
    ],
)
def test_values_that_are_not_allowed_are_named(kind, options, said):
    with pytest.raises(naibu.OptionError, match=said):
        kind(**options)
