"""The feed-forward network: one layer, read at every step alone (one-to-one)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from naibu.cells.base import Cell, HiddenState, State, Tap, untapped


class FeedForwardCell(Cell):
    """The cell without recurrence, h = tanh(W_ih x + b_ih): what a network knows of the present symbol alone.

    Source: document E's one-to-one network; a multi-layer perceptron, layer by layer. There is no `weight_hh`
    and one bias; the state it hands on is read by nobody. Signals: `hidden`.
    """

    signals: ClassVar[tuple[str, ...]] = ("hidden",)
    gates: ClassVar[tuple[str, ...]] = ("hidden",)
    state_type = HiddenState
    recurrent = False

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> HiddenState:
        """Return the state after one step."""
        return HiddenState(tap("hidden", torch.tanh(projected)))
