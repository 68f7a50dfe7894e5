"""Attention: where in a source one looks at each step, and what is found there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.cells.edits import Edit, held_by
from naibu.cells.signalling import Signalling
from naibu.config import AttentionName

WEIGHTS = "weights"
"""The signal that attention has; its units are the places of the source."""
SUMS = 2**22
"""Values of additive attention's hidden layer at once, at most: one for every pair of steps and every unit."""


class Memory(NamedTuple):
    """What there is to attend to, of sources side by side."""

    values: Tensor  # [batch source hidden], 0 at padding
    keys: Tensor  # [batch source hidden], what queries are compared with, made once
    there: Tensor | None  # bool [batch source], False at padding; None where there is none

    def pick(self, rows: Tensor) -> Memory:
        """Return the chosen sources, `rows [row]`, in that order."""
        there = None if self.there is None else self.there.index_select(0, rows)
        return Memory(self.values.index_select(0, rows), self.keys.index_select(0, rows), there)


class Attention(Signalling):
    """Weights over the places of a source, and the mean of what stands there, weighted so.

    The score of a place with memory m for a query h is h W m ("general"), h m ("dot"), both of Luong, Pham & Manning
    2015, or v tanh(W h + U m) ("additive", Bahdanau, Cho & Bengio 2015); the weights of a step are its softmax over the
    places that are there, so that they sum to 1. Their number times the steps of the target is what attention costs.

    The weights are a signal, `("attention", "weights")`: they can be listened to and edited as those of a recurrent
    layer. What an edit leaves is used as it is, without making it sum to 1 again; places behind a source's end hold
    zeros, so that a weight there does nothing.
    """

    signals = (WEIGHTS,)

    def __init__(self, units: int, kind: AttentionName) -> None:
        super().__init__()
        self.kind = kind
        if kind != "dot":
            self.key = nn.Linear(units, units, bias=False)
        if kind == "additive":
            self.query = nn.Linear(units, units, bias=False)
            self.score = nn.Linear(units, 1, bias=False)

    def memory(self, values: Tensor, lengths: Tensor | None = None) -> Memory:
        """Return what is attended to: `values [batch source hidden]` of which those before `lengths [batch]` are there,
        all where it is None."""
        there = None
        if lengths is not None:
            there = torch.arange(values.shape[1], device=values.device) < lengths.to(values.device)[:, None]
        return Memory(values, values if self.kind == "dot" else self.key(values), there)

    def forward(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Return the weighted means `[batch time hidden]` and the weights `[batch time source]` of each step of `query
        [batch time hidden]`."""
        scores = self._scores(query, memory)
        scores = scores.float() if scores.dtype == torch.bfloat16 else scores
        if memory.there is not None:
            scores = scores.masked_fill(~memory.there[:, None], -torch.inf)
        weights = torch.softmax(scores, -1)
        if self.edits:
            weights = edited_weights(weights, self.edits)
        self.tell({WEIGHTS: weights.transpose(0, 1)})
        return weights.to(memory.values.dtype) @ memory.values, weights

    def _scores(self, query: Tensor, memory: Memory) -> Tensor:
        if self.kind != "additive":
            return query @ memory.keys.transpose(1, 2)
        query, keys = self.query(query)[:, :, None], memory.keys[:, None]
        steps = max(1, SUMS // max(1, memory.keys.numel()))
        parts = [self.score(torch.tanh(part + keys))[..., 0] for part in torch.split(query, steps, 1)]
        return torch.cat(parts, 1)


def edited_weights(weights: Tensor, edits: Mapping[tuple[str, str], Edit]) -> Tensor:
    """Return weights `[batch time source]` as edits leave them, step by step; they are shown as wide as edits ask."""
    _, steps, places = weights.shape
    width = max(max(held_by(edit), default=-1) + 1 for edit in edits.values())
    wide = functional.pad(weights, (0, max(0, width - places)))
    for edit in edits.values():
        wide = torch.stack([edit(wide[:, step], step) for step in range(steps)], 1)
    return wide[..., :places]
