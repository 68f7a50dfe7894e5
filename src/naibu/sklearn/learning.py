"""The training of estimators: a number of updates, without validation, that leaves the random states as they were."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from naibu.config import ModelConfig, TrainingConfig
from naibu.data.examples import Examples
from naibu.data.order import pieces_from, windows
from naibu.models.model import Model
from naibu.tasks.task import Task
from naibu.training.devices import seeded
from naibu.training.schedule import learning_rate
from naibu.training.trainer import Trainer


def learnt(
    task: Task, examples: Examples, sizes: Mapping[str, int], model: ModelConfig, training: TrainingConfig
) -> Model:
    """Return a network that `training.steps` updates have taught examples, ready to be asked.

    sizes: those that the task builds a model from. Weights, order and what is dropped follow from `training.seed`.
    """
    assert training.steps is not None
    order = task.order(examples, training)
    with seeded(training):
        torch.manual_seed(training.seed)
        network = task.build(sizes, model)
        trainer = Trainer(network, training)
        for step, window in enumerate(windows(order, pieces_from(order, training.seed))):
            if step == training.steps:
                break
            trainer.step(window.batch, step, learning_rate(training, step, training.steps))
    return network.eval()
