"""Rounding a signal at every step while the network runs, and the levels that training steps suggest for each unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from naibu.data.examples import Examples
from naibu.interventions.measured import by_length
from naibu.models.model import Model, state_before
from naibu.recording.listeners import find_listeners, listening

EDGES = np.concatenate([np.linspace(0, 1, 401), np.geomspace(1, 1e4, 201)[1:]])
"""Sizes at which the values of a unit are told apart; most updates lie within (-1, 1)."""


@dataclass(frozen=True)
class ToThree:
    """The edit that rounds a signal to -size, 0 or size: 0 up to the threshold, in absolute value, else its sign.

    Both are one number for all units or one for each, `[hidden]`. Threshold 1/2 and size 1 round to the nearest of
    -1, 0 and 1.
    """

    threshold: float | Tensor = 0.5
    size: float | Tensor = 1.0

    def __call__(self, value: Tensor, step: int) -> Tensor:
        """Return the signal `[batch hidden]` rounded."""
        return torch.where(value.abs() > self.threshold, self.size * value.sign(), torch.zeros_like(value))


@dataclass(frozen=True)
class ToTwo:
    """The edit that rounds a signal to -size or size, by its sign; 0 counts as positive."""

    size: float | Tensor

    def __call__(self, value: Tensor, step: int) -> Tensor:
        """Return the signal `[batch hidden]` rounded."""
        size = torch.as_tensor(self.size, dtype=value.dtype).expand_as(value)
        return torch.where(value >= 0, size, -size)


@dataclass(frozen=True)
class ToWhole:
    """The edit that rounds a signal to the nearest whole number, halves to the even one."""

    def __call__(self, value: Tensor, step: int) -> Tensor:
        """Return the signal `[batch hidden]` rounded."""
        return value.round()


class Sizes:
    """How large the values of each unit of one layer's signal are: counts and sums of |value| between EDGES."""

    def __init__(self, units: int) -> None:
        # One interval more than edges: what is beyond the last; and one less: exact zeros lie before the first.
        self.counts = np.zeros((units, len(EDGES) + 1))
        self.sums = np.zeros((units, len(EDGES) + 1))

    def add(self, values: Tensor) -> None:
        """Add values `[step unit]`."""
        units, intervals = self.counts.shape
        size = values.abs()
        cell = torch.bucketize(size, torch.as_tensor(EDGES, dtype=size.dtype))  # how many edges are smaller
        cell = (cell + intervals * torch.arange(units)).ravel()
        for table, weights in ((self.counts, None), (self.sums, size.ravel().double())):
            table += torch.bincount(cell, weights, units * intervals).double().numpy().reshape(units, intervals)

    def share_within(self, threshold: float | np.ndarray) -> float:
        """Return the share of values that are at most `threshold` in size, all units together; an edge is exact."""
        at = np.searchsorted(EDGES, np.broadcast_to(threshold, len(self.counts)))
        below = np.cumsum(self.counts, axis=1)[np.arange(len(at)), np.minimum(at, len(EDGES))]
        return float(below.sum() / self.counts.sum())

    def three_levels(self) -> tuple[np.ndarray, np.ndarray]:
        """Return for each unit the threshold and size of `ToThree` with the least squared error; [unit] each.

        The size is the mean of |value| beyond the threshold, and the threshold the edge at which (sum of |value|
        beyond)^2 / (values beyond) is largest, which comes to half the size. A unit that is always 0 has size 0.
        Source: Li, Zhang & Liu 2016, Ternary weight networks, where it is done to weights.
        """
        counts, sums = (np.cumsum(table[:, :0:-1], axis=1)[:, ::-1] for table in (self.counts, self.sums))
        explained = np.where(counts > 0, sums**2 / np.maximum(counts, 1), 0.0)  # [unit edge]
        at = explained.argmax(axis=1)
        rows = np.arange(len(at))
        return EDGES[at], sums[rows, at] / np.maximum(counts[rows, at], 1)

    def mean(self) -> np.ndarray:
        """Return the mean of |value| of each unit, [unit]: the size of `ToTwo` with the least squared error."""
        return np.asarray(self.sums.sum(axis=1) / np.maximum(self.counts.sum(axis=1), 1))


@torch.no_grad()
def sizes(model: Model, examples: Examples, signal: str) -> dict[str, Sizes]:
    """Return how large a signal of each layer is over the steps at which the network, unchanged, is to predict."""
    listeners = find_listeners(model, (signal,), copy=False)
    found = {layer: Sizes(units) for each in listeners for (layer, _), units in each.units().items()}
    with listening(model, listeners):
        for which in by_length(examples.lengths):
            batch, state = examples.batch(which), state_before(model, examples, which)
            for listener in listeners:
                listener.forget()
            model.outcomes(batch, state)
            for run in (run for listener in listeners for run in listener.runs()):
                for (layer, _), values in run.values.items():
                    found[layer].add(values[batch.predicted])
    return found
