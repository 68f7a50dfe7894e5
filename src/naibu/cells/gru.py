"""The gated recurrent unit (Cho et al. 2014), in the variant that torch and cuDNN compute."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from naibu.cells.base import Cell, HiddenState, State, Tap, untapped


class GRUCell(Cell):
    """The GRU with the reset gate after the matrix product; equal to `torch.nn.GRUCell`, rows r z n.

        r = sigmoid(W_xr x + b_xr + W_hr h + b_hr)      reset gate (relevance gate of document E)
        z = sigmoid(W_xz x + b_xz + W_hz h + b_hz)      update gate
        n = tanh(W_xn x + b_xn + r * (W_hn h + b_hn))   candidate
        h = (1 - z) * n + z * h                         hidden

    Two things differ from Cho et al. 2014 and document E: there the reset gate multiplies h before the
    product, W_hn (r * h); and document E's update gate is 1 - z, the share of the candidate.
    """

    signals: ClassVar[tuple[str, ...]] = ("reset_gate", "update_gate", "candidate", "hidden")
    gates: ClassVar[tuple[str, ...]] = ("reset_gate", "update_gate", "candidate")
    state_type = HiddenState

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> HiddenState:
        """Return the state after one step."""
        h = state.hidden
        x_r, x_z, x_n = projected.chunk(3, -1)
        h_r, h_z, h_n = self.recur(h).chunk(3, -1)
        r = tap("reset_gate", torch.sigmoid(x_r + h_r))
        z = tap("update_gate", torch.sigmoid(x_z + h_z))
        n = tap("candidate", torch.tanh(x_n + r * h_n))
        h = tap("hidden", (1 - z) * n + z * h)
        return HiddenState(h)
