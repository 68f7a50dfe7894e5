"""Train a network on any data: begin a run, or go on with one, and leave it finished."""

from __future__ import annotations

import platform
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from naibu.config import ModelConfig, TrainingConfig
from naibu.data.examples import Data
from naibu.data.order import Order, Window
from naibu.errors import OptionError, StoredError
from naibu.locks import only_writer
from naibu.memory import check_memory
from naibu.progress import Report, silent
from naibu.runs import Run, is_run, open_run
from naibu.runs.load import load, untrained
from naibu.storage import digest_of_file, plain
from naibu.tasks.catalogue import task_named
from naibu.training.budget import budgeted
from naibu.training.devices import device_of, seeded
from naibu.training.l1 import check_l1
from naibu.training.loop import Loop
from naibu.training.threads import threads
from naibu.training.validation import validation_part
from naibu.version import __version__

DEFAULT_MINUTES = 5.0


def train(
    data: Data,
    *,
    out: str | Path,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    progress: Report = silent,
) -> Run:
    """Return a run trained on the data, in the folder `out`; one that was broken off goes on where it was.

    Raises StoredError where the folder holds a run of other data or another configuration, or anything else, where
    another process trains in it, and where what is there is damaged; KeyboardInterrupt after Ctrl-C once the checkpoint
    is written.
    """
    task = task_named(data.task)
    model, training = task.configured(data, model or ModelConfig(), training or TrainingConfig())
    device_of(training)
    if not len(data.train):
        raise OptionError(f"{data.name}: there are no training sequences")
    folder = Path(out)
    if is_run(folder) and (there := _continued(folder, data, model, training)).finished:
        load(there)  # what is listed is there, whole
        there.metrics()
        return there
    with only_writer(folder):
        order, validation = task.order(data.train, training), validation_part(data, training)
        if is_run(folder):
            run = _continued(folder, data, model, training)
        else:
            run = _begun(folder, data, model, training, order, validation)
        if not run.finished:
            with threads(run.training.threads), seeded(run.training):
                Loop(run, order, validation, progress).until_done()
    return run


def run_name(form: str, model: ModelConfig) -> str:
    """Return a run's usual name: form, units, and the cell and layers where they are not one LSTM."""
    cell = "" if model.cell == "lstm" else f"-{model.cell}"
    layers = "" if model.layers == 1 else f"-{model.layers}layers"
    return f"{form}-{model.units}{cell}{layers}"


def _size(run: Run) -> int:
    """Return about how many bytes training takes: the weights, twice over in the optimiser, and their gradients."""
    units = max(run.model.units, run.model.embedding)
    weights = 8 * run.model.layers * run.model.units * (units + run.model.units) + sum(run.sizes.values()) * units
    return 16 * weights


def _continued(folder: Path, data: Data, model: ModelConfig, training: TrainingConfig) -> Run:
    """Return the run that is there. Raises StoredError where it is another than the one asked for."""
    run = open_run(folder)
    same_data = run.fingerprint == data.fingerprint  # wherever its files lie
    pairs = [
        ({"task": run.task}, {"task": data.task}),
        ({}, {}) if same_data else (run.options, data.options),
        (asdict(run.model), asdict(model)),
        (asdict(run.training), asdict(_as_begun(training, run.training))),
    ]
    for there, asked in pairs:
        for key in asked:
            old, new = plain(there.get(key)), plain(asked[key])
            if old != new:
                raise StoredError(
                    f"{folder}: begun with {key} = {old}, now asked for {key} = {new}; "
                    "go on with the old value, or choose another folder with --out"
                )
    if not same_data:
        raise StoredError(
            f"{folder}: trained on {data.name} as it was before its files changed; put them back, "
            "or choose another folder with --out"
        )
    return run


def _as_begun(asked: TrainingConfig, there: TrainingConfig) -> TrainingConfig:
    """Fill in what was left to be chosen when the run began: threads, and the steps that `minutes` became."""
    asked = replace(asked, threads=asked.threads or there.threads)
    if asked.steps is None and asked.minutes in (None, there.minutes):
        return replace(asked, steps=there.steps, minutes=there.minutes)
    return replace(asked, minutes=there.minutes) if asked.minutes is None else asked


def _begun(
    folder: Path,
    data: Data,
    model: ModelConfig,
    training: TrainingConfig,
    order: Order,
    validation: list[Window],
) -> Run:
    left = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if left:
        raise StoredError(f"{folder}: no run, but {left[0]} lies there; remove {folder}, or choose another with --out")
    versions = {
        "naibu": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    steps = int(data.train.lengths.sum())
    found = {name: value for name, value in data.facts.items() if value is not None}
    found = {"name": data.name, "train_tokens": steps, **found}
    sizes = dict(data.sizes)
    run = Run(folder, data.task, data.options, model, training, sizes, data.fingerprint, found, versions)
    check_memory(_size(run), f"{folder}: a network of {model.layers} layers of {model.units} units")
    check_l1(untrained(run), training)  # before anything is written; the model itself checks its options
    if training.steps is None:
        minutes = training.minutes or DEFAULT_MINUTES
        with seeded(training):
            training = replace(budgeted(run, order, validation, 60 * minutes), minutes=minutes)
    run = replace(run, training=replace(training, threads=training.threads or torch.get_num_threads()))
    data.coder.save(folder)
    files = {path.name: digest_of_file(path) for path in folder.iterdir() if not path.name.startswith(".")}
    run = replace(run, files=files)
    run.save()
    return run
