"""The first LSTM, without forget gate (Hochreiter & Schmidhuber 1997)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from naibu.cells.base import Cell, LSTMState, State, Tap, untapped


class LSTM1997Cell(Cell):
    """The LSTM without forget gate, with the squashing functions of 1997; rows i g o.

        i = sigmoid(W_xi x + W_hi h + b_i)              input gate
        g = 4 sigmoid(W_xg x + W_hg h + b_g) - 2        candidate, in [-2, 2]
        o = sigmoid(W_xo x + W_ho h + b_o)              output gate
        c = c + i * g                                   cell: nothing is ever forgotten
        h = o * (2 sigmoid(c) - 1)                      hidden, in [-1, 1]

    Source: Hochreiter & Schmidhuber 1997, section 4 (y^in, g, y^out, s_c, y^c there; the ranges in eqs. 4 and 5),
    with one cell in a block. Two things differ: the gradient is the whole one, not truncated where it enters
    gates and cells (appendix A.1 there); and gates and cells read the hidden state alone, not the other gates.
    The paper's table 10 exchanges the ranges of g and h; its text, followed here, does not.
    """

    signals: ClassVar[tuple[str, ...]] = ("input_gate", "candidate", "output_gate", "update", "cell", "hidden")
    gates: ClassVar[tuple[str, ...]] = ("input_gate", "candidate", "output_gate")
    state_type = LSTMState

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> LSTMState:
        """Return the state after one step."""
        assert isinstance(state, LSTMState)
        h, c = state
        i, g, o = (projected + self.recur(h)).chunk(3, -1)
        i = tap("input_gate", torch.sigmoid(i))
        g = tap("candidate", 4 * torch.sigmoid(g) - 2)
        o = tap("output_gate", torch.sigmoid(o))
        c = tap("cell", c + tap("update", i * g))
        h = tap("hidden", o * (2 * torch.sigmoid(c) - 1))
        return LSTMState(h, c)
