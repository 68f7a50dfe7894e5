"""The LSTM with one gate taken away (Greff et al. 2017): what each gate is worth.

Greff et al. take gates away from an LSTM with peepholes; here they are taken from `LSTMCell`, which has none, so
that one thing differs.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from naibu.cells.base import Cell, LSTMState, State, Tap, untapped


class NoInputGateLSTMCell(Cell):
    """The LSTM without input gate (NIG), i = 1; rows f g o.

        f = sigmoid(W_xf x + W_hf h + b_f)      forget gate
        g = tanh(W_xg x + W_hg h + b_g)         candidate
        o = sigmoid(W_xo x + W_ho h + b_o)      output gate
        c = f * c + g                           cell
        h = o * tanh(c)                         hidden

    Source: Greff et al. 2017, NIG, without peepholes. The update is the candidate itself.
    """

    signals: ClassVar[tuple[str, ...]] = ("forget_gate", "candidate", "output_gate", "cell", "hidden")
    gates: ClassVar[tuple[str, ...]] = ("forget_gate", "candidate", "output_gate")
    state_type = LSTMState

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> LSTMState:
        """Return the state after one step."""
        assert isinstance(state, LSTMState)
        h, c = state
        f, g, o = (projected + self.recur(h)).chunk(3, -1)
        f = tap("forget_gate", torch.sigmoid(f))
        g = tap("candidate", torch.tanh(g))
        o = tap("output_gate", torch.sigmoid(o))
        c = tap("cell", f * c + g)
        h = tap("hidden", o * torch.tanh(c))
        return LSTMState(h, c)


class NoForgetGateLSTMCell(Cell):
    """The LSTM without forget gate (NFG), f = 1; rows i g o.

        i = sigmoid(W_xi x + W_hi h + b_i)      input gate
        g = tanh(W_xg x + W_hg h + b_g)         candidate
        o = sigmoid(W_xo x + W_ho h + b_o)      output gate
        c = c + i * g                           cell
        h = o * tanh(c)                         hidden

    Source: Greff et al. 2017, NFG, without peepholes. `LSTM1997Cell` differs in its squashing functions.
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
        g = tap("candidate", torch.tanh(g))
        o = tap("output_gate", torch.sigmoid(o))
        c = tap("cell", c + tap("update", i * g))
        h = tap("hidden", o * torch.tanh(c))
        return LSTMState(h, c)


class NoOutputGateLSTMCell(Cell):
    """The LSTM without output gate (NOG), o = 1; rows i f g.

        i = sigmoid(W_xi x + W_hi h + b_i)      input gate
        f = sigmoid(W_xf x + W_hf h + b_f)      forget gate
        g = tanh(W_xg x + W_hg h + b_g)         candidate
        c = f * c + i * g                       cell
        h = tanh(c)                             hidden

    Source: Greff et al. 2017, NOG, without peepholes.
    """

    signals: ClassVar[tuple[str, ...]] = ("input_gate", "forget_gate", "candidate", "update", "cell", "hidden")
    gates: ClassVar[tuple[str, ...]] = ("input_gate", "forget_gate", "candidate")
    state_type = LSTMState

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> LSTMState:
        """Return the state after one step."""
        assert isinstance(state, LSTMState)
        h, c = state
        i, f, g = (projected + self.recur(h)).chunk(3, -1)
        i = tap("input_gate", torch.sigmoid(i))
        f = tap("forget_gate", torch.sigmoid(f))
        g = tap("candidate", torch.tanh(g))
        c = tap("cell", f * c + tap("update", i * g))
        h = tap("hidden", torch.tanh(c))
        return LSTMState(h, c)
