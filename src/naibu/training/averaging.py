"""The mean of the weights that training went through, which is often better than where it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

LAST = 0.1
"""Share of the steps, the last ones, over which weights are averaged where that is asked for."""


class Averaging:
    """The running mean of parameters, over the updates since it was begun.

    Source: Polyak & Juditsky 1992; begun by validation, `begins`, in Merity et al. 2017 (NT-ASGD).
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters, self.count = parameters, 0
        self.means = [each.detach().clone() for each in parameters]

    @torch.no_grad()
    def add(self) -> None:
        """Take in the parameters as an update has left them."""
        self.count += 1
        torch._foreach_lerp_(self.means, list(self.parameters), 1 / self.count)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the parameters have their mean within the block."""
        own = [each.detach().clone() for each in self.parameters]
        self._put(self.means)
        try:
            yield
        finally:
            self._put(own)

    def held(self) -> dict[str, Any]:
        """Return what a checkpoint needs to go on."""
        return {"count": self.count, "means": self.means}

    def take_up(self, held: Mapping[str, Any]) -> None:
        """Go on from what `held` returned."""
        self.count = int(held["count"])
        for mean, kept in zip(self.means, held["means"], strict=True):
            mean.copy_(kept)

    @torch.no_grad()
    def _put(self, values: Sequence[Tensor]) -> None:
        for each, value in zip(self.parameters, values, strict=True):
            each.copy_(value)


def begins(before: Sequence[float], loss: float, patience: int) -> bool:
    """Return whether a validation is worse than the best of those `before` it, the last `patience` left out."""
    return len(before) > patience and loss > min(before[: len(before) - patience])


def first_of_last(steps: int) -> int:
    """Return after which of so many updates the last share of them begins."""
    return steps - max(1, round(LAST * steps))
