"""The sLSTM of the xLSTM (Beck et al. 2024): exponential gates, a normaliser and a stabiliser."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from naibu.cells.base import Cell, NormalisedState, State, Tap, untapped
from naibu.errors import OptionError


class SLSTMCell(Cell):
    """The sLSTM with exponential input gate and sigmoid forget gate; rows i f g o.

        i~, f~, g~, o~ = W_x x + W_h h + b
        m = max(log sigmoid(f~) + m, i~)                stabiliser (of the old m)
        i = exp(i~ - m)                                 input gate, stabilised: at most 1
        f = exp(log sigmoid(f~) + m_old - m)            forget gate, stabilised: at most 1
        g = tanh(g~)                                    candidate (z there, the cell input)
        o = sigmoid(o~)                                 output gate
        c = f * c + i * g                               cell
        n = f * n + i                                   normaliser
        h = o * c / n                                   hidden, in (-1, 1)

    Source: Beck et al. 2024, eqs. 8 to 17. c and n are both exp(-m) times those of the unstabilised cell, so h
    is what it would be without m. The state begins at zeros; while n = 0 there is nothing to keep, so f = 0 and
    m = i~ (the authors' program has the same m), and h is 0 where n stays 0 (an input gate held shut).

    A subclass with `heads` above 1 (see `block_diagonal`) divides the units into so many groups that read only
    their own group's hidden state: `weight_hh` is `[gates*hidden hidden/heads]` then.
    """

    signals: ClassVar[tuple[str, ...]] = (
        "stabiliser",
        "input_gate",
        "forget_gate",
        "candidate",
        "output_gate",
        "update",
        "cell",
        "normaliser",
        "hidden",
    )
    gates: ClassVar[tuple[str, ...]] = ("input_gate", "forget_gate", "candidate", "output_gate")
    state_type = NormalisedState
    heads: ClassVar[int] = 1

    def recurrent_columns(self) -> int:
        """Return how many units of the hidden state each unit reads; raises OptionError where heads do not fit."""
        if self.hidden_size % self.heads:
            raise OptionError(f"hidden_size={self.hidden_size}: must be a multiple of the {self.heads} heads")
        return self.hidden_size // self.heads

    def recur(self, h: Tensor, *gates: str) -> Tensor:
        """Return W_hh h + b_hh, `[batch gates*hidden]`, each head from its own units."""
        if self.heads == 1:
            return super().recur(h, *gates)
        assert not gates
        size = self.hidden_size // self.heads
        weight = self.weight_hh.view(len(self.gates), self.heads, size, size)  # gate head unit unit_read
        z = torch.einsum("bhj,ghij->bghi", h.view(-1, self.heads, size), weight).reshape(len(h), -1)
        return z if self.bias_hh is None else z + self.bias_hh

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> NormalisedState:
        """Return the state after one step."""
        assert isinstance(state, NormalisedState)
        h, c, n, m = state
        i, f, g, o = (projected + self.recur(h)).chunk(4, -1)
        f = torch.where(n == 0, -torch.inf, self.log_forget(f) + m)
        m = tap("stabiliser", torch.maximum(f, i))
        i = tap("input_gate", torch.exp(i - m))
        f = tap("forget_gate", torch.exp(f - m))
        g = tap("candidate", torch.tanh(g))
        o = tap("output_gate", torch.sigmoid(o))
        c = tap("cell", f * c + tap("update", i * g))
        n = tap("normaliser", f * n + i)
        h = tap("hidden", o * c / torch.where(n == 0, 1, n))
        return NormalisedState(h, c, n, m)

    @staticmethod
    def log_forget(f: Tensor) -> Tensor:
        """Return the logarithm of the forget gate, log sigmoid(f)."""
        return functional.logsigmoid(f)


class SLSTMExponentialCell(SLSTMCell):
    """The sLSTM with an exponential forget gate too: log f = f~ in place of log sigmoid(f~).

    Source: Beck et al. 2024, eq. 13, which leaves the choice open.
    """

    @staticmethod
    def log_forget(f: Tensor) -> Tensor:
        """Return the logarithm of the forget gate, f itself."""
        return f


def block_diagonal(cell: type[SLSTMCell], heads: int) -> type[SLSTMCell]:
    """Return the sLSTM with so many heads: units are mixed within a head, not between heads.

    Raises OptionError where there is not at least one; whether they divide the units shows when a cell is made.
    """
    if heads < 1:
        raise OptionError(f"heads={heads}: must be at least 1")
    return cell if heads == cell.heads else type(f"{cell.__name__}{heads}Heads", (cell,), {"heads": heads})
