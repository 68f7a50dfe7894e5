"""The LSTM whose gates look at the cell (Gers & Schmidhuber 2000)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from naibu.cells.base import LSTMState, State, Tap, untapped
from naibu.cells.lstm import LSTMCell


class PeepholeLSTMCell(LSTMCell):
    """The LSTM with peepholes: input and forget gate see the cell before the step, the output gate after it.

        i = sigmoid(W_xi x + W_hi h + p_i * c + b_i)    input gate
        f = sigmoid(W_xf x + W_hf h + p_f * c + b_f)    forget gate
        g = tanh(W_xg x + W_hg h + b_g)                 candidate
        c = f * c + i * g                               cell
        o = sigmoid(W_xo x + W_ho h + p_o * c + b_o)    output gate, of the new c
        h = o * tanh(c)                                 hidden

    Source: Gers & Schmidhuber 2000; the squashing functions are those of Greff et al. 2017, section II (tanh
    twice). The first trainers sent no error back through the peepholes; here the gradient is the whole one.
    `peephole_input`, `peephole_forget`, `peephole_output` are p_i, p_f, p_o, `[hidden]` each: a unit's gates
    see its own cell alone. The output gate comes after the cell, and so do their signals.
    """

    signals = ("input_gate", "forget_gate", "candidate", "update", "cell", "output_gate", "hidden")

    def __init__(self, input_size: int, hidden_size: int, *, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias=bias)
        width = 1 / math.sqrt(hidden_size)
        self.peephole_input = nn.Parameter(torch.empty(hidden_size).uniform_(-width, width))
        self.peephole_forget = nn.Parameter(torch.empty(hidden_size).uniform_(-width, width))
        self.peephole_output = nn.Parameter(torch.empty(hidden_size).uniform_(-width, width))

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> LSTMState:
        """Return the state after one step."""
        assert isinstance(state, LSTMState)
        h, c = state
        i, f, g, o = (projected + self.recur(h)).chunk(4, -1)
        i = tap("input_gate", torch.sigmoid(i + self.peephole_input * c))
        f = tap("forget_gate", torch.sigmoid(f + self.peephole_forget * c))
        g = tap("candidate", torch.tanh(g))
        c = tap("cell", f * c + tap("update", i * g))
        o = tap("output_gate", torch.sigmoid(o + self.peephole_output * c))
        h = tap("hidden", o * torch.tanh(c))
        return LSTMState(h, c)
