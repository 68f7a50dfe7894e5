"""How good a model is while it learns and afterwards: its loss, and the measures of its task, on a fixed part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch

from naibu.config import TrainingConfig
from naibu.data.examples import Data, Examples
from naibu.data.order import Window, windows
from naibu.errors import OptionError
from naibu.models.model import Model, evaluating
from naibu.progress import Report
from naibu.tasks.catalogue import task_named
from naibu.tasks.task import Measure, Task


def validation_part(data: Data, config: TrainingConfig) -> list[Window]:
    """Return the windows on which every validation of a run scores: a fixed beginning of the validation part.

    Raises OptionError where nothing is predicted in it.
    """
    part = data.validation if len(data.validation) else data.train
    found = judged_part(data, part, config, task_named(data.task).judged(data))
    if not found:
        raise OptionError(f"{data.name}: nothing is predicted in any validation example: they are all too short")
    return found


def windows_of(task: Task, examples: Examples, config: TrainingConfig, progress: Report) -> Iterator[Window]:
    """Yield the windows in which all of some examples are read, each when it is asked for."""
    order, steps, done = task.order(examples, config), int(examples.lengths.sum()), 0
    for window in windows(order, order.beginning(steps)):
        yield window
        done += int(window.batch.predicted.sum())
        progress(done, steps, "")


def judged_part(data: Data, part: Examples, config: TrainingConfig, steps: int | None = None) -> list[Window]:
    """Return the windows in which the beginning of a part is read, all of it by default."""
    order = task_named(data.task).order(part, config)
    steps = int(part.lengths.sum()) if steps is None else steps
    return list(windows(order, order.beginning(steps)))


@torch.no_grad()
def mean_loss(model: Model, part: Sequence[Window]) -> float:
    """Return the mean loss of a predicted step, in evaluation mode."""
    total, count, state = 0.0, 0, None
    with evaluating(model):
        for window in part:
            found = model.loss(window.batch.to(model.device), None if window.begins else state)
            total, count, state = total + found.total, count + found.count, found.state
    return total / count


@torch.no_grad()
def measured(model: Model, part: Iterable[Window], measures: Sequence[Measure]) -> dict[str, float]:
    """Return every measure of the outcomes, by name, in evaluation mode; NaN where there is nothing to measure."""
    sums, state = np.zeros((len(measures), 2)), None
    with evaluating(model):
        for window in part:
            outcomes, state = model.outcomes(window.batch.to(model.device), None if window.begins else state)
            there = window.batch.predicted.numpy()
            columns = {name: values.cpu().numpy()[there] for name, values in outcomes.items()}
            sums += [[part.sum(dtype=np.float64) for part in measure.sums(columns)] for measure in measures]
    with np.errstate(invalid="ignore"):
        return dict(zip((measure.name for measure in measures), (sums[:, 0] / sums[:, 1]).tolist(), strict=True))
