"""Minutes turned into steps: a short warm-up says how many fit, and with how many threads."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from naibu.config import TrainingConfig
from naibu.data.order import Order, Window, pieces_from, windows
from naibu.runs import Run
from naibu.runs.load import untrained
from naibu.training.devices import device_of
from naibu.training.schedule import learning_rate
from naibu.training.threads import threads
from naibu.training.trainer import Trainer
from naibu.training.validation import mean_loss


def budgeted(run: Run, order: Order, validation: Sequence[Window], seconds: float) -> TrainingConfig:
    """Return the run's training with the steps that fit into some seconds, and the threads that made them fastest.

    Both come from a short warm-up on a copy that is thrown away; its batches are spread over the epoch, and
    validations are timed and counted in. Small layers gain little from many threads and lose much where a
    core is taken, so the number of threads is measured rather than assumed.
    """
    began, config, available = time.perf_counter(), run.training, torch.get_num_threads()
    counts = [config.threads] if config.threads else sorted({1, 2, 4, 8, available})
    limit = min(10.0, max(1.5, seconds / 20))
    pace = {
        n: _seconds_per_step(run, order, n, limit / len(counts)) for n in counts if n <= available or config.threads
    }
    fastest = min(pace, key=lambda n: pace[n])
    with threads(fastest):
        model = untrained(run).to(device_of(config))
        mean_loss(model, validation[:1])  # the framework prepares itself
        start = time.perf_counter()
        mean_loss(model, validation)
        validating = (time.perf_counter() - start) * (config.validations + 1)
    left = max(seconds / 2, seconds - validating - (time.perf_counter() - began))
    return replace(config, steps=max(1, round(left / pace[fastest])), threads=fastest)


def _seconds_per_step(run: Run, order: Order, count: int, limit: float) -> float:
    """Return the seconds of a step with so many threads; the first half of the time is not counted, for the
    framework prepares itself for every new shape of a batch."""
    with threads(count):
        trainer, state = Trainer(untrained(run), run.training), None
        step, counted, began, start = 0, 0, time.perf_counter(), 0.0
        for window in windows(order, pieces_from(order, run.training.seed)):
            if counted >= 3 and time.perf_counter() - began >= limit:
                break
            if not start and step and time.perf_counter() - began > limit / 2:
                start, counted = time.perf_counter(), 0
            rate = learning_rate(run.training, step, 1000)
            state = trainer.step(window.batch, step, rate, None if window.begins else state).state
            step, counted = step + 1, counted + bool(start)
        return (time.perf_counter() - start) / counted
