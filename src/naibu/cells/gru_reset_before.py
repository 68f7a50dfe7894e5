"""The gated recurrent unit with the reset gate before the matrix product (Cho et al. 2014)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from naibu.cells.base import Cell, HiddenState, State, Tap, untapped
from naibu.cells.gru import GRUCell


class GRUResetBeforeCell(Cell):
    """The GRU as Cho et al. write it: the reset gate chooses what of h enters the product; rows r z n.

        r = sigmoid(W_xr x + W_hr h + b_r)          reset gate (relevance gate of document E)
        z = sigmoid(W_xz x + W_hz h + b_z)          update gate
        n = tanh(W_xn x + W_hn (r * h) + b_n)       candidate
        h = (1 - z) * n + z * h                     hidden

    Source: Cho et al. 2014, eqs. 5 to 8, which have no biases. `GRUCell`, like torch and cuDNN, takes
    r * (W_hn h + b_hn) instead. Document E's update gate is 1 - z.
    """

    signals: ClassVar[tuple[str, ...]] = GRUCell.signals
    gates: ClassVar[tuple[str, ...]] = GRUCell.gates
    state_type = HiddenState

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> HiddenState:
        """Return the state after one step."""
        h = state.hidden
        two = 2 * self.hidden_size
        r, z = (projected[..., :two] + self.recur(h, "reset_gate", "update_gate")).chunk(2, -1)
        r = tap("reset_gate", torch.sigmoid(r))
        z = tap("update_gate", torch.sigmoid(z))
        n = tap("candidate", torch.tanh(projected[..., two:] + self.recur(r * h, "candidate")))
        h = tap("hidden", (1 - z) * n + z * h)
        return HiddenState(h)
