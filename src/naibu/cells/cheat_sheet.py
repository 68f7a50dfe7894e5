"""The LSTM as the cheat sheet of Amidi & Amidi (2019, document E) writes it."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from naibu.cells.base import Cell, LSTMState, State, Tap, untapped


class CheatSheetLSTMCell(Cell):
    """The LSTM of the cheat sheet: a relevance gate inside the candidate, an output without tanh; rows u r f o g.

        u = sigmoid(W_u x + U_u h + b_u)        update gate, Gamma_u there
        r = sigmoid(W_r x + U_r h + b_r)        relevance gate, Gamma_r
        f = sigmoid(W_f x + U_f h + b_f)        forget gate, Gamma_f
        o = sigmoid(W_o x + U_o h + b_o)        output gate, Gamma_o
        g = tanh(W_c x + U_c (r * h) + b_c)     candidate, c~; h is a there
        c = u * g + f * c                       cell
        h = o * c                               hidden, a

    Source: document E, table "GRU/LSTM". Against `LSTMCell`: the update gate is its input gate; the relevance
    gate, which that has not, decides how much of the last output the candidate sees; and since there is no
    tanh in the output, |h| can exceed 1.
    """

    signals: ClassVar[tuple[str, ...]] = (
        "update_gate",
        "relevance_gate",
        "forget_gate",
        "output_gate",
        "candidate",
        "update",
        "cell",
        "hidden",
    )
    gates: ClassVar[tuple[str, ...]] = ("update_gate", "relevance_gate", "forget_gate", "output_gate", "candidate")
    state_type = LSTMState

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> LSTMState:
        """Return the state after one step."""
        assert isinstance(state, LSTMState)
        h, c = state
        four = 4 * self.hidden_size
        u, r, f, o = (projected[..., :four] + self.recur(h, "update_gate", "output_gate")).chunk(4, -1)
        u = tap("update_gate", torch.sigmoid(u))
        r = tap("relevance_gate", torch.sigmoid(r))
        f = tap("forget_gate", torch.sigmoid(f))
        o = tap("output_gate", torch.sigmoid(o))
        g = tap("candidate", torch.tanh(projected[..., four:] + self.recur(r * h, "candidate")))
        c = tap("cell", tap("update", u * g) + f * c)
        h = tap("hidden", o * c)
        return LSTMState(h, c)
