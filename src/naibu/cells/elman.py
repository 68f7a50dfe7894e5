"""The simple recurrent network of Elman (1990)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from naibu.cells.base import Cell, HiddenState, State, Tap, untapped


class ElmanCell(Cell):
    """The Elman cell, h = tanh(W_ih x + b_ih + W_hh h + b_hh); equal to `torch.nn.RNNCell`.

    Source: Elman 1990; document E writes a = g1(W_aa a + W_ax x + b_a), with one bias where torch has two.
    Signals: `hidden`.
    """

    signals: ClassVar[tuple[str, ...]] = ("hidden",)
    gates: ClassVar[tuple[str, ...]] = ("hidden",)
    state_type = HiddenState

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> HiddenState:
        """Return the state after one step."""
        a = projected + self.recur(state.hidden)
        return HiddenState(tap("hidden", self.squash(a)))

    @staticmethod
    def squash(a: Tensor) -> Tensor:
        """Return tanh(a)."""
        return torch.tanh(a)


class ElmanReLUCell(ElmanCell):
    """The Elman cell with ReLU, h = max(0, W_ih x + b_ih + W_hh h + b_hh); `torch.nn.RNNCell(nonlinearity="relu")`."""

    @staticmethod
    def squash(a: Tensor) -> Tensor:
        """Return max(0, a)."""
        return torch.relu(a)
