"""Many steps as one vector: the last state, mean, largest of each unit, or a mean by the weights of attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from naibu.cells.signalling import Signalling
from naibu.cells.unroll import within
from naibu.config import PoolingName
from naibu.models.parts.attention import WEIGHTS


class Attention(Signalling):
    """Weights of steps that sum to 1: softmax over time of v · tanh(W h + b).

    They are a signal of one unit, `("attention", "weights")`. What an edit leaves is used as it is, without making it
    sum to 1 again.

    Source: Yang et al. 2016, Hierarchical attention networks, equations 5 and 6. Parameters `hidden.weight`,
    `hidden.bias` and `context.weight`, v.
    """

    signals = (WEIGHTS,)
    units = 1

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.hidden, self.context = nn.Linear(inputs, units), nn.Linear(units, 1, bias=False)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """Return the weight of every step, `[time batch]`, 0 beyond the end; from `hidden [time batch input]`."""
        scores = self.context(self.hidden(hidden).tanh())[..., 0]
        weights: Tensor = scores.masked_fill(~within(lengths, len(hidden)), -torch.inf).softmax(0)[..., None]
        for edit in self.edits.values():
            weights = torch.stack([edit(weight, step) for step, weight in enumerate(weights)])
        self.tell({WEIGHTS: weights})
        return weights[..., 0]


def pooled(hidden: Tensor, lengths: Tensor, how: PoolingName, weights: Tensor | None = None, *, both: bool) -> Tensor:
    """Return one vector for each sequence, `[batch hidden]`, twice as wide for mean-max, from `hidden [time batch
    hidden]`.

    lengths: `[batch]`. weights: of steps, `[time batch]`, for attention. both: whether the second half of the units
    read backwards; their last state is that at the first step.
    """
    if how == "attention":
        assert weights is not None
        return (hidden * weights[..., None]).sum(0)
    if how == "last":
        ends = (lengths - 1)[None, :, None].expand(1, -1, hidden.shape[-1])
        last = hidden.gather(0, ends)[0]
        if not both:
            return last
        half = hidden.shape[-1] // 2
        return torch.cat([last[:, :half], hidden[0, :, half:]], -1)
    there = within(lengths, len(hidden))[..., None]
    parts = []
    if how in ("mean", "mean-max"):
        parts.append((hidden * there).sum(0) / lengths[:, None])
    if how in ("max", "mean-max"):
        parts.append(hidden.masked_fill(~there, -torch.inf).amax(0))
    return torch.cat(parts, -1)
