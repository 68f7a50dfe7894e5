"""Train a network on any data: begin a run, or go on with one, and leave it finished."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from naibu.config import ModelConfig, SymbolsName, TrainingConfig
from naibu.data.examples import Data
from naibu.data.order import Order, Window
from naibu.errors import OptionError, StoredError
from naibu.locks import only_writer
from naibu.memory import check_memory
from naibu.models.model import Model
from naibu.models.weights import stored, write_tensors
from naibu.progress import Report, silent
from naibu.runs import Run, is_run, open_run
from naibu.runs.load import BEGINNING, load, untrained
from naibu.storage import digest_of_file, plain
from naibu.tasks.catalogue import task_named
from naibu.training.budget import budgeted
from naibu.training.devices import device_of, seeded
from naibu.training.l1 import check_l1
from naibu.training.longer import asked_longer, begin_longer
from naibu.training.loop import Loop
from naibu.training.origin import Origin, origin_of
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
    longer: int | str | None = None,
    begun: str | Path | None = None,
    begun_symbols: SymbolsName = "kept",
    progress: Report = silent,
) -> Run:
    """Return a run trained on the data, in the folder `out`; one that was broken off goes on where it was.

    longer: steps, or minutes as "30min", for which a run that is finished goes on, as `training` says otherwise.
    begun: another run, with whose weights this one begins, its symbols kept or grown by those of the data.

    Raises StoredError where the folder holds a run of other data or another configuration, or anything else, where
    another process trains in it, and where what is there is damaged; KeyboardInterrupt after Ctrl-C once the checkpoint
    is written.
    """
    folder, task, model = Path(out), task_named(data.task), model or ModelConfig()
    origin = None if begun is None else origin_of(data, model, begun, begun_symbols, folder)
    data, model = (data, model) if origin is None else (origin.data, origin.model)
    model, training = task.configured(data, model, training or TrainingConfig())
    more = None if longer is None else asked_longer(training, longer)
    device_of(training)
    if not len(data.train):
        raise OptionError(f"{data.name}: there are no training sequences")
    asked = _Asked(data, model, training, more, origin)
    if more is not None and not is_run(folder):
        raise StoredError(f"--longer {longer}: there is no run in {folder}; train it first")
    if is_run(folder) and (run := _continued(folder, asked)).finished and more is None:
        load(run)  # what is listed is there, whole
        run.metrics()
        return run
    with only_writer(folder):
        there = _continued(folder, asked) if is_run(folder) else None
        config = more or training if there is None or there.finished else there.stretch.training
        order, validation = task.order(data.train, config), validation_part(data, config)
        if there is None:
            run = _begun(folder, asked, order, validation)
        elif there.finished and more is not None:
            run = begin_longer(there, _settled(there, more, order, validation))
        else:
            run = there
        if not run.finished:
            with threads(run.stretch.training.threads), seeded(run.stretch.training):
                Loop(run, order, validation, progress).until_done()
    return run


@dataclass(frozen=True)
class _Asked:
    """What a run is asked to be."""

    data: Data
    model: ModelConfig
    training: TrainingConfig
    longer: TrainingConfig | None
    origin: Origin | None


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


def _continued(folder: Path, asked: _Asked) -> Run:
    """Return the run that is there. Raises StoredError where it is another than the one asked for."""
    run, data = open_run(folder), asked.data
    same_data = run.fingerprint == data.fingerprint  # wherever its files lie
    pairs = [
        ({"task": run.task}, {"task": data.task}),
        ({}, {}) if same_data else (run.options, data.options),
        (_origin(run.origin), _origin({} if asked.origin is None else asked.origin.said)),
        (asdict(run.model), asdict(asked.model)),
    ]
    if asked.longer is None:
        pairs.append((asdict(run.training), asdict(_as_begun(asked.training, run.training))))
    elif run.longer and not run.finished:
        there = run.stretch.training
        pairs.append((asdict(there), asdict(_as_begun(asked.longer, there))))
    elif not run.finished:
        raise StoredError(f"{folder}: is not finished; the same command without --longer goes on with it")
    for there_of, asked_of in pairs:
        for key in asked_of:
            old, new = plain(there_of.get(key)), plain(asked_of[key])
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


def _origin(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"from": said.get("run"), "from_vocabulary": said.get("vocabulary")}


def _as_begun(asked: TrainingConfig, there: TrainingConfig) -> TrainingConfig:
    """Fill in what was left to be chosen when the run began: threads, and the steps that `minutes` became."""
    asked = replace(asked, threads=asked.threads or there.threads)
    if asked.steps is None and asked.minutes in (None, there.minutes):
        return replace(asked, steps=there.steps, minutes=there.minutes)
    return replace(asked, minutes=there.minutes) if asked.minutes is None else asked


def _begun(folder: Path, asked: _Asked, order: Order, validation: list[Window]) -> Run:
    left = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if left:
        raise StoredError(f"{folder}: no run, but {left[0]} lies there; remove {folder}, or choose another with --out")
    versions = {
        "naibu": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    data, model, training = asked.data, asked.model, asked.training
    steps = int(data.train.lengths.sum())
    found = {name: value for name, value in data.facts.items() if value is not None}
    found = {"name": data.name, "train_tokens": steps, **found}
    sizes, said = dict(data.sizes), {} if asked.origin is None else asked.origin.said
    run = Run(folder, data.task, data.options, model, training, sizes, data.fingerprint, found, versions, origin=said)
    check_memory(_size(run), f"{folder}: a network of {model.layers} layers of {model.units} units")
    drawn = untrained(run)  # before anything is written; the model itself checks its options
    weights = given_weights(data, drawn) if asked.origin is None else asked.origin.weights(drawn)
    run = replace(run, training=_settled(run, training, order, validation))
    data.coder.save(folder)
    if weights is not None:
        write_tensors(folder / BEGINNING, weights, {})
    files = {path.name: digest_of_file(path) for path in folder.iterdir() if not path.name.startswith(".")}
    run = replace(run, files=files)
    run.save()
    return run


def given_weights(data: Data, drawn: Model) -> dict[str, Tensor] | None:
    """Return the weights of a model that were drawn, those that come with the data in their place; None without any.

    Raises OptionError where the shapes are not the same.
    """
    given, weights = data.beginning(), stored(drawn)
    for name, values in given.items():
        own = weights.get(name)
        if own is None or own.shape != values.shape:
            shape = "none" if own is None else " x ".join(map(str, own.shape))
            raise OptionError(f"{name}: given as {' x '.join(map(str, values.shape))}, the network has {shape}")
        weights[name] = torch.where(torch.from_numpy(np.isnan(values)), own, torch.from_numpy(values).to(own))
    return weights if given else None


def _settled(run: Run, training: TrainingConfig, order: Order, validation: list[Window]) -> TrainingConfig:
    """Return a training of a run with the steps that its minutes are, and the threads it takes."""
    check_l1(untrained(run), training)
    if training.steps is None:
        minutes = training.minutes or DEFAULT_MINUTES
        with seeded(training):
            training = budgeted(replace(run, training=training), order, validation, 60 * minutes)
        training = replace(training, minutes=minutes)
    return replace(training, threads=training.threads or run.training.threads or torch.get_num_threads())
