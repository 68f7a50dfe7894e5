"""The LSTM with forget gate (Gers, Schmidhuber & Cummins 1999)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from naibu.cells.base import Cell, LSTMState, State, Tap, untapped


class LSTMCell(Cell):
    """The LSTM with forget gate; equal to `torch.nn.LSTMCell`, gates stacked in torch's order i f g o.

        i = sigmoid(W_xi x + W_hi h + b_i)      input gate
        f = sigmoid(W_xf x + W_hf h + b_f)      forget gate
        g = tanh(W_xg x + W_hg h + b_g)         candidate
        o = sigmoid(W_xo x + W_ho h + b_o)      output gate
        c = f * c + i * g                       cell; i * g is the update (c_up of Mochihashi 2019)
        h = o * tanh(c)                         hidden

    Source: document C; Gers, Schmidhuber & Cummins 1999. Torch has two biases a gate where the source has
    one; their sum is what counts. The forget gate starts at sigmoid(about 0), not at 1.
    """

    signals: ClassVar[tuple[str, ...]] = (
        "input_gate",
        "forget_gate",
        "candidate",
        "output_gate",
        "update",
        "cell",
        "hidden",
    )
    gates: ClassVar[tuple[str, ...]] = ("input_gate", "forget_gate", "candidate", "output_gate")
    state_type = LSTMState

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> LSTMState:
        """Return the state after one step."""
        assert isinstance(state, LSTMState)
        h, c = state
        i, f, g, o = (projected + self.recur(h)).chunk(4, -1)
        i = tap("input_gate", torch.sigmoid(i))
        f = tap("forget_gate", torch.sigmoid(f))
        g = tap("candidate", torch.tanh(g))
        o = tap("output_gate", torch.sigmoid(o))
        c = tap("cell", f * c + tap("update", i * g))
        h = tap("hidden", o * torch.tanh(c))
        return LSTMState(h, c)
