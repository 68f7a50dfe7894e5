"""Checkpoints: weights, optimiser and counters in one safetensors file, so that training goes on to the bit."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from naibu.errors import StoredError
from naibu.models.language_model import LanguageModel
from naibu.models.load import completed, stored
from naibu.runs import Run
from naibu.storage import written_beside


@dataclass
class State:
    """The counters of a run in training; `step` is the number of steps done."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    best_loss: float = math.inf  # nats per symbol, on validation
    best_step: int = 0
    worse: int = 0  # validations since the best
    stopped: bool = False
    loss_sum: float = 0.0  # these three since the last validation
    loss_tokens: int = 0
    largest_norm: float = 0.0

    def count(self, tokens: int, loss: float, norm: float, seconds: float) -> None:
        """Add one step."""
        self.step += 1
        self.tokens += tokens
        self.seconds += seconds
        self.loss_sum += loss
        self.loss_tokens += tokens
        self.largest_norm = max(self.largest_norm, norm)

    def since_last(self) -> dict[str, float]:
        """Return training loss and largest gradient norm since the last call."""
        line = {"loss": self.loss_sum / max(1, self.loss_tokens), "largest_gradient_norm": self.largest_norm}
        self.loss_sum, self.loss_tokens, self.largest_norm = 0.0, 0, 0.0
        return line

    def words(self) -> str:
        """Return a few words for the progress bar."""
        speed = f"{self.tokens / max(self.seconds, 1e-9):,.0f} symbols/s"
        return speed + (f", loss {self.best_loss:.4f}" if math.isfinite(self.best_loss) else "")


def write_weights(run: Run, model: LanguageModel) -> None:
    """Write the model's parameters as the run's best."""
    with written_beside(run.weights) as beside:
        save_file(stored(model), beside)


def save(run: Run, model: LanguageModel, optimiser: torch.optim.Adam, state: State) -> None:
    """Write all that is needed to go on from here."""
    tensors = {f"model.{name}": value for name, value in stored(model).items()}
    for index, slots in optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{slot}": torch.as_tensor(value).contiguous() for slot, value in slots.items()}
    with written_beside(run.checkpoint) as beside:
        save_file(tensors, beside, metadata={"state": json.dumps(asdict(state))})


def resume(run: Run, model: LanguageModel, optimiser: torch.optim.Adam) -> State | None:
    """Put model and optimiser where the run's checkpoint left them; return its counters, or None without one."""
    if not run.checkpoint.exists():
        return None
    try:
        with safe_open(run.checkpoint, framework="pt") as file:
            state = State(**json.loads(file.metadata()["state"]))
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}
        model.load_state_dict(completed({name[6:]: t for name, t in tensors.items() if name.startswith("model.")}))
        slots: dict[int, dict[str, Any]] = {}
        for name, tensor in tensors.items():
            if name.startswith("adam."):
                _, index, slot = name.split(".")
                slots.setdefault(int(index), {})[slot] = tensor
        optimiser.load_state_dict({"state": slots, "param_groups": optimiser.state_dict()["param_groups"]})
    except (SafetensorError, RuntimeError, OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise StoredError(f"{run.checkpoint}: damaged ({reason}); remove it to begin this run again") from None
    return state
