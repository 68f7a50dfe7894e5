"""Random numbers drawn a second time, so that a layer that drops values can be run again as it ran."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from naibu.errors import OptionError


class Drawn(NamedTuple):
    """Where the random numbers stood: those of the processor, and of a device."""

    cpu: Tensor
    device: torch.device
    own: Tensor | None

    @classmethod
    def now(cls, like: Tensor) -> Drawn:
        """Return where they stand now, on the processor and on the device of a tensor."""
        own = torch.cuda.get_rng_state(like.device) if like.is_cuda else None
        return cls(torch.get_rng_state(), like.device, own)

    @contextmanager
    def again(self) -> Iterator[None]:
        """Within the block draw from there once more, without gradients; afterwards go on as if there were no block."""
        with torch.no_grad(), torch.random.fork_rng([] if self.own is None else [self.device]):
            torch.set_rng_state(self.cpu)
            if self.own is not None:
                torch.cuda.set_rng_state(self.own, self.device)
            yield


def check_same_draws(again: Tensor, output: Tensor, name: str) -> None:
    """Raise OptionError where a second run did not drop what the first did."""
    if not torch.allclose(again.to(output.dtype), output, rtol=1e-2, atol=1e-3):
        raise OptionError(
            f"{name}: drops values at random in a way that a second run cannot repeat (packed sequences, or a layer of "
            "cuDNN's), so what it did inside is not known; watch it without dropout between its layers, or in eval mode"
        )
