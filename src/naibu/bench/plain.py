"""One update of a program as everybody would write it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor, nn

from naibu.data.batch import Batch
from naibu.training.trainer import clip_gradients


class Plain(Protocol):
    """A network in plain PyTorch that tells its own loss."""

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean loss of a batch."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield what is learnt."""
        ...


def plain_update(model: Plain, batch: Batch, optimiser: torch.optim.Optimizer) -> float:
    """Return the loss of a batch, from which the network has learnt, its gradient cut at a norm of 1."""
    loss = model.loss(batch)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    clip_gradients(list(model.parameters()), 1.0)
    optimiser.step()
    return loss.item()
