"""Some examples side by side, as a model reads them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Stream(NamedTuple):
    """One stream of a batch, padded at the end."""

    x: Tensor  # symbols, int64 [time batch], or numbers, float32 [time batch feature]
    lengths: Tensor  # int64 [batch]


class Batch(NamedTuple):
    """What is read, stream by stream, and what is to be predicted at each step of the last stream."""

    streams: dict[str, Stream]
    target: Tensor  # [time batch ...] of the last stream; -1, or nan among numbers, where nothing is predicted

    @property
    def main(self) -> Stream:
        """The stream that is predicted: the last."""
        return self.streams[next(reversed(self.streams))]

    @property
    def predicted(self) -> Tensor:
        """Where something is predicted, bool [time batch]."""
        there = ~self.target.isnan() if self.target.is_floating_point() else self.target >= 0
        return there if there.dim() == 2 else there.flatten(2).any(2)

    def cut(self, start: int, stop: int) -> Batch:
        """Return steps `start` to `stop` of the last stream beside the whole of the others."""
        stream = self.main
        window = Stream(stream.x[start:stop], (stream.lengths - start).clamp(0, stop - start))
        return self._with_main(window, self.target[start:stop])

    def padded(self, steps: int) -> Batch:
        """Return the batch with so many steps of padding more behind its last stream."""
        if not steps:
            return self
        stream = self.main
        x = functional.pad(stream.x, (0, 0) * (stream.x.dim() - 1) + (0, steps))
        nothing = float("nan") if self.target.is_floating_point() else -1
        target = functional.pad(self.target, (0, 0) * (self.target.dim() - 1) + (0, steps), value=nothing)
        return self._with_main(Stream(x, stream.lengths), target)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device; lengths stay where they are."""
        streams = {name: Stream(stream.x.to(device), stream.lengths) for name, stream in self.streams.items()}
        return Batch(streams, self.target.to(device))

    def _with_main(self, stream: Stream, target: Tensor) -> Batch:
        return Batch({**self.streams, next(reversed(self.streams)): stream}, target)
