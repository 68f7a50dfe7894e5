"""One update of a model: forward, backward, clip, optimiser. The loop, the papers and the bench all use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from naibu.cells.allocator import settle_allocator
from naibu.config import TrainingConfig
from naibu.data.batch import Batch
from naibu.models.model import Model, cut_off
from naibu.models.weights import restore, stored
from naibu.training.averaging import Averaging
from naibu.training.devices import device_of, precision
from naibu.training.l1 import loss_and_price
from naibu.training.optimisers import optimiser_of


@dataclass(frozen=True)
class Stepped:
    """What an update leaves."""

    total: float  # the loss summed over what was predicted, before the update
    count: int  # steps that were predicted
    norm: float  # of the gradient, before clipping
    state: Any  # of the layers, cut off from its past: tensors in nested tuples, or None

    @property
    def mean(self) -> float:
        """The loss of a predicted step."""
        return self.total / max(1, self.count)


class Trainer:
    """A model in training with its optimiser, by default the one that the configuration asks for."""

    def __init__(self, model: Model, config: TrainingConfig, optimiser: torch.optim.Optimizer | None = None) -> None:
        settle_allocator()
        self.device = device_of(config)
        self.model, self.config = model.to(self.device).train(), config
        self.parameters = list(model.parameters())
        self.optimiser = optimiser_of(self.parameters, config) if optimiser is None else optimiser
        self.averaging: Averaging | None = None

    def step(self, batch: Batch, step: int, rate: float, state: Any = None) -> Stepped:
        """Change the weights once, by the mean loss of a batch read from a state (zeros by default).

        Whatever is drawn, dropout for example, is a function of seed and `step` alone; torch's own generator is left
        where that brings it, so callers who share it keep it with `seeded`.
        """
        torch.manual_seed(self.config.seed * 1_000_003 + step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with precision(self.config):
            found, price = loss_and_price(self.model, batch.to(self.device), state, self.config)
        self.optimiser.zero_grad(set_to_none=True)
        more = (part for part in (price, found.penalty) if part is not None)
        sum(more, found.mean).backward()  # type: ignore[no-untyped-call]
        norm = clip_gradients(self.parameters, self.config.clip)
        self.optimiser.step()
        if self.averaging is not None:
            self.averaging.add()
        return Stepped(found.total, found.count, norm, cut_off(found.state, self.device))

    def begin_averaging(self) -> None:
        """Keep the mean of the weights from the next update on."""
        self.averaging = Averaging(self.parameters)

    def kept(self) -> AbstractContextManager[None]:
        """Return a block in which the model has the weights that are judged and kept: its own, or their mean."""
        return nullcontext() if self.averaging is None else self.averaging.in_place()

    def held(self) -> dict[str, Any]:
        """Return what a checkpoint needs to go on: weights, their mean where there is one, the optimiser's slots."""
        averaging = None if self.averaging is None else self.averaging.held()
        slots = self.optimiser.state_dict()["state"]
        return {"model": stored(self.model), "optimiser": slots, "averaging": averaging}

    def take_up(self, held: Mapping[str, Any]) -> None:
        """Go on from what `held` returned, which may have been written and read again.

        Raises KeyError, RuntimeError or ValueError where it is not of such a model and optimiser.
        """
        restore(self.model, held["model"])
        slots = {int(number): each for number, each in held["optimiser"].items()}
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": slots})
        if held.get("averaging") is not None:  # a checkpoint of an older version has none
            self.begin_averaging()
            assert self.averaging is not None
            self.averaging.take_up(held["averaging"])


def clip_gradients(parameters: Sequence[Tensor], limit: float) -> float:
    """Return the norm of all gradients together; where it is above `limit`, scale them down to it.

    As `torch.nn.utils.clip_grad_norm_`, but gradients that are within the limit are not written again.
    """
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None], foreach=True)
    found = norm.item()
    if not found <= limit:
        torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm, foreach=True)
    return found
