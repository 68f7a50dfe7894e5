"""Models from runs: the trained one, and the one that training began with."""

from __future__ import annotations

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from naibu.errors import StoredError
from naibu.models.model import Model
from naibu.models.weights import restore
from naibu.runs.run import Run
from naibu.tasks.catalogue import task_named


def load(run: Run) -> Model:
    """Return the run's model with its best weights, in evaluation mode.

    Raises StoredError where the weights are missing, truncated or of another shape.
    """
    model = untrained(run)
    try:
        restore(model, load_file(run.weights))
    except FileNotFoundError:
        raise StoredError(f"{run.weights}: not found; train the run first: naibu train") from None
    except (SafetensorError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise StoredError(
            f"{run.weights}: damaged or of another shape ({reason}); remove {run.path} and train again"
        ) from None
    return model


def untrained(run: Run) -> Model:
    """Return the run's model as it was before its first step, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.training.seed)
        model = task_named(run.task).build(run.sizes, run.model)
    return model.eval()
