"""Models from runs: the trained one, and the one that training began with."""

from __future__ import annotations

import torch

from naibu.errors import StoredError
from naibu.models.model import Model
from naibu.models.weights import check_finite, digest_of_tensors, read_tensors, restore
from naibu.runs.run import Run
from naibu.tasks.catalogue import task_named

BEGINNING = "beginning.safetensors"
"""The weights that a run begins with, where they were not drawn."""


def load(run: Run) -> Model:
    """Return the run's model with its best weights, in evaluation mode.

    Raises StoredError where the weights are missing, damaged, of another run or shape, NaN or infinite.
    """
    model = untrained(run)
    for name in run.files:
        run.check_file(name)
    try:
        tensors, said = read_tensors(run.weights)
        run.check_weights(said.get("made_from"), digest_of_tensors(tensors))
        restore(model, tensors)
    except FileNotFoundError:
        raise StoredError(f"{run.weights}: not found; remove {run.path} and train again") from None
    except (ValueError, RuntimeError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise StoredError(
            f"{run.weights}: damaged or of another shape ({reason}); remove {run.path} and train again"
        ) from None
    check_finite(tensors, run.weights)
    return model


def beginning(run: Run) -> Model:
    """Return the run's model with the weights that its training begins with: drawn, or those of its origin.

    Raises StoredError where these are not as they were when the run began.
    """
    model = untrained(run)
    if BEGINNING in run.files:
        try:
            restore(model, read_tensors(run.check_file(BEGINNING))[0])
        except (ValueError, RuntimeError, OSError) as error:
            raise StoredError(f"{run.path / BEGINNING}: damaged ({error}); remove {run.path} and train again") from None
    return model


def untrained(run: Run) -> Model:
    """Return the run's model with weights drawn at random from its seed, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.training.seed)
        model = task_named(run.task).build(run.sizes, run.model)
    return model.eval()
