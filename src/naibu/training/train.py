"""Train a language model on a corpus: one loop for every form, cell and length."""

from __future__ import annotations

import json
import math
import platform
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import naibu
from naibu.cells.allocator import settle_allocator
from naibu.config import ModelConfig, TrainingConfig
from naibu.data.corpus import Corpus
from naibu.data.sequences import Sequences
from naibu.errors import DivergedError, OptionError, StoredError
from naibu.models.language_model import LanguageModel
from naibu.models.load import untrained
from naibu.progress import Report, silent
from naibu.runs import Run, open_run
from naibu.storage import write_json, write_text, written_beside
from naibu.tasks.catalogue import task_named
from naibu.training import checkpoints
from naibu.training.batches import Batch, make_batch, training_batches
from naibu.training.devices import device_of, precision, seeded
from naibu.training.l1 import check_l1, l1_norm
from naibu.training.schedule import learning_rate
from naibu.training.threads import threads

DEFAULT_MINUTES = 5.0
VALIDATION_TOKENS = 30_000
"""Symbols of the validation part that are scored each time, at most; fewer, down to 5,000, for vocabularies
beyond a thousand, whose output layer costs more than all the rest."""
CHECKPOINT_SECONDS = 20.0


def train(
    corpus: Corpus,
    *,
    out: str | Path,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    progress: Report = silent,
) -> Run:
    """Return a run trained on the corpus, in the folder `out`; one that was broken off goes on where it was.

    Raises StoredError where the folder holds a run of
    another corpus or configuration, KeyboardInterrupt after Ctrl-C once the checkpoint is written.
    """
    task = task_named(corpus.task)
    model, training = task.configured(corpus, model or ModelConfig(), training or TrainingConfig())
    device_of(training)
    if not len(corpus.train):
        raise OptionError(f"{corpus.name}: there are no training sequences")
    folder = Path(out)
    run = _continued(folder, corpus, model, training) or _begun(folder, corpus, model, training)
    if not run.finished:
        with threads(run.training.threads), seeded(run.training):
            _Loop(run, corpus, progress).until_done()
    return run


def run_name(form: str, model: ModelConfig) -> str:
    """Return a run's usual name: form, units, and the cell and layers where they are not one LSTM."""
    cell = "" if model.cell == "lstm" else f"-{model.cell}"
    layers = "" if model.layers == 1 else f"-{model.layers}layers"
    return f"{form}-{model.units}{cell}{layers}"


def _continued(folder: Path, corpus: Corpus, model: ModelConfig, training: TrainingConfig) -> Run | None:
    if not (folder / "config.json").exists():
        return None
    run = open_run(folder)
    if run.corpus["fingerprint"] != corpus.fingerprint:
        what = f"another corpus or with other corpus options ({run.corpus['options']['path']}); go on with those"
        if run.corpus["options"] == corpus.options:
            what = f"{corpus.options['path']} as it was before its files changed; put them back"
        raise StoredError(f"{folder}: trained on {what}, or choose another folder with --out")
    asked = {**asdict(model), **asdict(_as_begun(training, run.training))}
    there = {**asdict(run.model), **asdict(run.training)}
    for key, value in asked.items():
        if there[key] != value:
            raise StoredError(
                f"{folder}: begun with {key} = {there[key]}, now asked for {key} = {value}; "
                "go on with the old value, or choose another folder with --out"
            )
    return run


def _as_begun(asked: TrainingConfig, there: TrainingConfig) -> TrainingConfig:
    """Fill in what was left to be chosen when the run began: threads, and the steps that `minutes` became."""
    asked = replace(asked, threads=asked.threads or there.threads)
    if asked.steps is None and asked.minutes in (None, there.minutes):
        return replace(asked, steps=there.steps, minutes=there.minutes)
    return replace(asked, minutes=there.minutes) if asked.minutes is None else asked


def _begun(folder: Path, corpus: Corpus, model: ModelConfig, training: TrainingConfig) -> Run:
    versions = {
        "naibu": naibu.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    found: dict[str, Any] = {
        "name": corpus.name,
        "form": corpus.form,
        "reader": corpus.reader,
        "category": corpus.category,
        "train_tokens": corpus.train.tokens,
        "fingerprint": corpus.fingerprint,
        "options": corpus.options,
        "counts": corpus.counts,
    }
    run = Run(folder, model, training, found, len(corpus.vocabulary), versions)
    check_l1(untrained(run), training)  # before anything is written; the model itself checks its options
    if training.steps is None:
        minutes = training.minutes or DEFAULT_MINUTES
        with seeded(training):
            run = replace(run, training=replace(budgeted(run, corpus, 60 * minutes), minutes=minutes))
    else:
        run = replace(run, training=replace(training, threads=training.threads or torch.get_num_threads()))
    with written_beside(folder / "vocabulary.txt") as beside:
        corpus.vocabulary.save(beside)
    run.save()
    return run


def budgeted(run: Run, corpus: Corpus, seconds: float) -> TrainingConfig:
    """Return the run's training with the steps that fit into some seconds, and the threads that made them fastest.

    Both come from a short warm-up on a copy that is thrown away; its batches are spread over the epoch, and
    validations are timed and counted in. Small layers gain little from many threads and lose much where a
    core is taken, so the number of threads is measured rather than assumed.
    """
    began, config, available = time.perf_counter(), run.training, torch.get_num_threads()
    counts = [config.threads] if config.threads else sorted({1, 2, 4, 8, available})
    limit = min(10.0, max(1.5, seconds / 20))
    pace = {
        n: _seconds_per_step(run, corpus, n, limit / len(counts)) for n in counts if n <= available or config.threads
    }
    fastest = min(pace, key=lambda n: pace[n])
    with threads(fastest):
        start = time.perf_counter()
        mean_loss(untrained(run).to(device_of(config)), validation_part(corpus))
        validating = (time.perf_counter() - start) * (config.validations + 1)
    left = max(seconds / 2, seconds - validating - (time.perf_counter() - began))
    return replace(config, steps=max(1, round(left / pace[fastest])), threads=fastest)


def _seconds_per_step(run: Run, corpus: Corpus, count: int, limit: float) -> float:
    """Return the seconds of a step with so many threads; the first half of the time is not counted, for the
    framework prepares itself for every new shape of a batch."""
    with threads(count):
        worker = Trainer(untrained(run).train(), run.training)
        batches = training_batches(corpus.train, run.training)
        step, counted, began, start = 0, 0, time.perf_counter(), 0.0
        while counted < 3 or time.perf_counter() - began < limit:
            if not start and step and time.perf_counter() - began > limit / 2:
                start, counted = time.perf_counter(), 0
            worker.step(next(batches), step, 1000)
            step, counted = step + 1, counted + bool(start)
        return (time.perf_counter() - start) / counted


class Trainer:
    """A model with its optimiser; `step` is one batch: forward, backward, clip, Adam."""

    def __init__(self, model: LanguageModel, config: TrainingConfig) -> None:
        settle_allocator()
        self.model, self.config = model.to(device_of(config)), config
        self.parameters = list(model.parameters())
        self.optimiser = torch.optim.Adam(self.parameters, lr=config.learning_rate, fused=True)

    def step(self, batch: Batch, step: int, steps: int) -> tuple[float, float]:
        """Return the batch's summed loss in nats and the largest gradient norm met; change the weights.

        A batch longer than `truncation` steps is read in pieces that carry the state on, one update each
        (truncated backpropagation through time). Dropout is a function of seed and step alone.
        """
        torch.manual_seed(self.config.seed * 1_000_003 + step)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.config, step, steps)
        state: Any = None
        total, largest, cut, device = 0.0, 0.0, self.config.truncation, next(self.model.parameters()).device
        for start in range(0, len(batch.inputs), cut):
            targets = batch.targets[start : start + cut].to(device)
            count = int((targets >= 0).sum())
            with precision(self.config):
                output, state, price = self._read(batch.inputs[start : start + cut].to(device), state, targets)
                loss = self.model.cross_entropy(output, targets, "mean")
            self.optimiser.zero_grad(set_to_none=True)
            (loss + price if self.config.l1 else loss).backward()  # type: ignore[no-untyped-call]
            norm = clip_gradients(self.parameters, self.config.clip)
            self.optimiser.step()
            total, largest = total + loss.item() * count, max(largest, norm)
            state = state.detach() if isinstance(state, Tensor) else tuple(part.detach() for part in state)
        return total, largest

    def _read(self, ids: Tensor, state: Any, targets: Tensor) -> tuple[Tensor, Any, Tensor | float]:
        """Return the layers' output and state, and the L1 term of what they hold, 0 without one."""
        if not self.config.l1:
            return *self.model(ids, state), 0.0
        watched = self.model.watch(ids, state, keep=self.config.l1_signals)
        return watched.output, watched.state, self.config.l1 * l1_norm(watched.signals.values(), targets >= 0)


def clip_gradients(parameters: Sequence[Tensor], limit: float) -> float:
    """Return the norm of all gradients together; where it is above `limit`, scale them down to it.

    As `torch.nn.utils.clip_grad_norm_`, but gradients that are within the limit are not written again.
    """
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None], foreach=True)
    found = norm.item()
    if not found <= limit:
        torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm, foreach=True)
    return found


def validation_part(corpus: Corpus) -> list[Batch]:
    """Return the batches on which every validation of a run scores: a fixed beginning of the validation part."""
    part: Sequences = corpus.validation if len(corpus.validation) else corpus.train
    tokens = max(5_000, VALIDATION_TOKENS * 1_000 // max(1_000, len(corpus.vocabulary)))
    within = int(np.searchsorted(np.cumsum(part.lengths), tokens)) + 1
    which = np.argsort(part.lengths[:within], kind="stable")
    return [
        make_batch(part, which[start : start + 64])
        for start in range(0, len(which), 64)
        if part.lengths[which[start : start + 64]].max() > 1
    ]


@torch.no_grad()
def mean_loss(model: LanguageModel, batches: list[Batch], cut: int = 2000) -> float:
    """Return the mean cross-entropy in nats per predicted symbol, in evaluation mode."""
    was_training, total, device = model.training, 0.0, next(model.parameters()).device
    model.eval()
    for batch in batches:
        state: Any = None
        for start in range(0, len(batch.inputs), cut):
            output, state = model(batch.inputs[start : start + cut].to(device), state)
            total += model.cross_entropy(output, batch.targets[start : start + cut].to(device)).item()
    model.train(was_training)
    return total / sum(batch.tokens for batch in batches)


class _Loop:
    """Steps, validations and checkpoints of one run, from wherever its last checkpoint left it."""

    def __init__(self, run: Run, corpus: Corpus, progress: Report) -> None:
        assert run.training.steps is not None
        self.run, self.corpus, self.progress, self.steps = run, corpus, progress, run.training.steps
        self.trainer = Trainer(untrained(run).train(), run.training)
        self.state = checkpoints.resume(run, self.trainer.model, self.trainer.optimiser) or checkpoints.State()
        self.every = max(1, math.ceil(self.steps / run.training.validations))
        self.validation = validation_part(corpus)
        self.metrics = run.path / "metrics.jsonl"
        self._forget_metrics_after(self.state.step)

    def until_done(self) -> None:
        """Train to the last step, or until validation stops it; leave the run finished."""
        state, saved = self.state, time.monotonic()
        with _interruptible() as interrupted:
            for batch in training_batches(self.corpus.train, self.run.training, state.step):
                if state.step >= self.steps or state.stopped:
                    break
                began = time.perf_counter()
                loss, norm = self.trainer.step(batch, state.step, self.steps)
                state.count(batch.tokens, loss, norm, time.perf_counter() - began)
                if state.step % self.every == 0 or state.step == self.steps:
                    self._validate()
                if interrupted.is_set() or time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self._save()
                    saved = time.monotonic()
                if interrupted.is_set():
                    raise KeyboardInterrupt
                self.progress(state.step, self.steps, state.words())
        self._finish()

    def _validate(self) -> None:
        state, began = self.state, time.perf_counter()
        loss = mean_loss(self.trainer.model, self.validation)
        if not math.isfinite(loss):
            raise DivergedError(
                f"{self.run.path}: diverged (loss {loss} at step {state.step}); lower --learning-rate or --clip"
            )
        if loss < state.best_loss:
            state.best_loss, state.best_step, state.worse = loss, state.step, 0
            checkpoints.write_weights(self.run, self.trainer.model)
        else:
            state.worse += 1
            state.stopped = 0 < self.run.training.patience <= state.worse
        state.seconds += time.perf_counter() - began
        self._write_metrics(
            {"validation_loss": loss, "validation_perplexity": math.exp(min(loss, 700)), **state.since_last()}
        )
        self._save()

    def _save(self) -> None:
        checkpoints.save(self.run, self.trainer.model, self.trainer.optimiser, self.state)

    def _write_metrics(self, line: dict[str, Any]) -> None:
        state = self.state
        head = {"step": state.step, "seconds": round(state.seconds, 2), "tokens": state.tokens}
        head["learning_rate"] = learning_rate(self.run.training, state.step, self.steps)
        with self.metrics.open("a") as file:
            file.write(json.dumps({**head, **line}) + "\n")

    def _forget_metrics_after(self, step: int) -> None:
        lines = [line for line in self.run.metrics() if line["step"] <= step]
        write_text(self.metrics, "".join(json.dumps(line) + "\n" for line in lines))

    def _finish(self) -> None:
        state = self.state
        end = {
            "steps": state.step,
            "seconds": round(state.seconds, 2),
            "tokens": state.tokens,
            "stopped_early": state.stopped,
        }
        end |= {
            "tokens_per_second": state.tokens / max(state.seconds, 1e-9),
            "validation_loss": state.best_loss,
            "best_step": state.best_step,
        }
        write_json(self.run.path / "finished.json", end)
        self.run.checkpoint.unlink(missing_ok=True)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets, so that a step is never broken off in its middle."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.signal(signal.SIGINT, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
