"""The LSTM that forgets as much as it takes in (coupled input and forget gate)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from naibu.cells.base import Cell, LSTMState, State, Tap, untapped
from naibu.cells.lstm import LSTMCell


class CoupledLSTMCell(Cell):
    """The LSTM with coupled input and forget gate, f = 1 - i; rows i g o.

        i = sigmoid(W_xi x + W_hi h + b_i)      input gate
        f = 1 - i                               forget gate
        g = tanh(W_xg x + W_hg h + b_g)         candidate
        o = sigmoid(W_xo x + W_ho h + b_o)      output gate
        c = f * c + i * g                       cell
        h = o * tanh(c)                         hidden

    Source: Greff et al. 2017, CIFG, without the peepholes that all variants have there. An edit of the input
    gate moves the forget gate with it.
    """

    signals: ClassVar[tuple[str, ...]] = LSTMCell.signals
    gates: ClassVar[tuple[str, ...]] = ("input_gate", "candidate", "output_gate")
    state_type = LSTMState

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> LSTMState:
        """Return the state after one step."""
        assert isinstance(state, LSTMState)
        h, c = state
        i, g, o = (projected + self.recur(h)).chunk(3, -1)
        i = tap("input_gate", torch.sigmoid(i))
        f = tap("forget_gate", 1 - i)
        g = tap("candidate", torch.tanh(g))
        o = tap("output_gate", torch.sigmoid(o))
        c = tap("cell", f * c + tap("update", i * g))
        h = tap("hidden", o * torch.tanh(c))
        return LSTMState(h, c)
