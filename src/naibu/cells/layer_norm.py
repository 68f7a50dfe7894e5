"""The layer-normalised LSTM (Ba, Kiros & Hinton 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.cells.base import LSTMState, State, Tap, untapped
from naibu.cells.lstm import LSTMCell


class LayerNormLSTMCell(LSTMCell):
    """The LSTM whose pre-activations and cell are normalised over the units of a layer.

        i, f, g, o before squashing = LN(W_x x; a_1, b_1) + LN(W_h h; a_2, b_2) + b
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)       cell
        h = sigmoid(o) * tanh(LN(c; a_3, b_3))          hidden
        LN(z; a, b) = a * (z - mean z) / sqrt(var z + 1e-5) + b

    Source: Ba, Kiros & Hinton 2016, eqs. 20 to 22: mean and variance are those of all four gates of a layer
    together (other programs normalise each gate alone). The gains a are `norm_ih_weight`, `norm_hh_weight`,
    `norm_cell_weight`, begun at 1, the biases `norm_ih_bias` and so on, begun at 0; the cell that is recorded
    and carried on is c, not LN(c).
    """

    def __init__(self, input_size: int, hidden_size: int, *, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias=bias)
        for name, size in (("ih", 4 * hidden_size), ("hh", 4 * hidden_size), ("cell", hidden_size)):
            self.register_parameter(f"norm_{name}_weight", nn.Parameter(torch.ones(size)))
            self.register_parameter(f"norm_{name}_bias", nn.Parameter(torch.zeros(size)))

    def normalise(self, name: str, z: Tensor) -> Tensor:
        """Return LN(z; a, b) with the gain and bias of that name."""
        gain, bias = getattr(self, f"norm_{name}_weight"), getattr(self, f"norm_{name}_bias")
        return functional.layer_norm(z, z.shape[-1:], gain, bias)

    def project(self, x: Tensor) -> Tensor:
        """Return LN(W_ih x) + b_ih, `[... gates*hidden]`."""
        z = self.normalise("ih", functional.linear(x, self.weight_ih))
        return z if self.bias_ih is None else z + self.bias_ih

    def recur(self, h: Tensor, *gates: str) -> Tensor:
        """Return LN(W_hh h) + b_hh, `[batch gates*hidden]`, of all gates: they are normalised together."""
        assert not gates
        z = self.normalise("hh", functional.linear(h, self.weight_hh))
        return z if self.bias_hh is None else z + self.bias_hh

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
        h = tap("hidden", o * torch.tanh(self.normalise("cell", c)))
        return LSTMState(h, c)
