"""Models from runs: the trained one, and the one that training began with."""

from __future__ import annotations

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from naibu.errors import StoredError
from naibu.models.language_model import LanguageModel
from naibu.runs import Run


def load(run: Run) -> LanguageModel:
    """Return the run's model with its best weights, in evaluation mode.

    Raises StoredError where the weights are missing, truncated or of another shape.
    """
    model = untrained(run)
    try:
        model.load_state_dict(completed(load_file(run.weights)))
    except FileNotFoundError:
        raise StoredError(f"{run.weights}: not found; train the run first: naibu train") from None
    except (SafetensorError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise StoredError(
            f"{run.weights}: damaged or of another shape ({reason}); remove {run.path} and train again"
        ) from None
    return model


def stored(model: LanguageModel) -> dict[str, Tensor]:
    """Return the parameters to write: each tensor once, also where the output is tied to the embedding."""
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    if model.config.tied:
        del tensors["output.weight"]
    return tensors


def completed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the parameters as the model names them, from those that `stored` gave."""
    full = {"embedding.weight", "output.bias"} <= tensors.keys()  # an adaptive output has other names
    return {"output.weight": tensors["embedding.weight"], **tensors} if full else tensors


def untrained(run: Run) -> LanguageModel:
    """Return the run's model as it was before its first step, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.training.seed)
        model = LanguageModel(run.symbols, run.model)
    return model.eval()
