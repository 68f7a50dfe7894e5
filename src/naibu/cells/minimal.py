"""minLSTM and minGRU (Feng et al. 2024): gates that see the input alone, so that all steps can be had at once."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from naibu.cells.base import Cell, HiddenState, State, Tap, untapped


class MinimalCell(Cell):
    """A cell whose step is linear in its state, h = a * h + u, with a and u from the input alone.

    Because no gate reads the hidden state there is no `weight_hh`, and one bias; because a and u are known for
    all steps before the first, `naibu.cells.kernels.scan` computes h without the loop. tanh is nowhere: h is not
    bounded by 1.
    """

    state_type = HiddenState
    recurrent = False

    @abstractmethod
    def coefficients(self, projected: Tensor, tap: Tap = untapped) -> tuple[Tensor, Tensor]:
        """Return a and u, `[... hidden]` each, of one step or of all; `projected` is `project(x)`."""

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> HiddenState:
        """Return the state after one step."""
        a, u = self.coefficients(projected, tap)
        return HiddenState(tap("hidden", a * state.hidden + u))


class MinLSTMCell(MinimalCell):
    """The minimal LSTM, whose gates are made to sum to 1; rows i f g.

        i' = sigmoid(W_i x + b_i)
        f' = sigmoid(W_f x + b_f)
        i = i' / (f' + i')                      input gate
        f = f' / (f' + i')                      forget gate
        g = W_g x + b_g                         candidate, without squashing
        h = f * h + i * g                       hidden, which is the cell too

    Source: Feng et al. 2024, section 3.2 (f, i there are f', i' here). The signals are the gates that act, after
    the division. Their log-space version, which needs g > 0, puts another function on the candidate; the scan
    here needs none.
    """

    signals: ClassVar[tuple[str, ...]] = ("input_gate", "forget_gate", "candidate", "update", "hidden")
    gates: ClassVar[tuple[str, ...]] = ("input_gate", "forget_gate", "candidate")

    def coefficients(self, projected: Tensor, tap: Tap = untapped) -> tuple[Tensor, Tensor]:
        """Return f and i * g."""
        i, f, g = projected.chunk(3, -1)
        # i'/f' = exp(log i' - log f'): the quotient of two gates near 0 without dividing 0 by 0.
        ratio = functional.logsigmoid(i) - functional.logsigmoid(f)
        i = tap("input_gate", torch.sigmoid(ratio))
        f = tap("forget_gate", torch.sigmoid(-ratio))
        g = tap("candidate", g)
        return f, tap("update", i * g)


class MinGRUCell(MinimalCell):
    """The minimal GRU; rows z n.

        z = sigmoid(W_z x + b_z)                update gate
        n = W_n x + b_n                         candidate, without squashing
        h = (1 - z) * h + z * n                 hidden

    Source: Feng et al. 2024, section 3.1 (n is h~ there). z is the share of the candidate, as in document E;
    in `GRUCell` and Cho et al. 2014 it is the share of the old state. Their log-space version, which needs
    n > 0, puts another function on the candidate; the scan here needs none.
    """

    signals: ClassVar[tuple[str, ...]] = ("update_gate", "candidate", "update", "hidden")
    gates: ClassVar[tuple[str, ...]] = ("update_gate", "candidate")

    def coefficients(self, projected: Tensor, tap: Tap = untapped) -> tuple[Tensor, Tensor]:
        """Return 1 - z and z * n."""
        z, n = projected.chunk(2, -1)
        z = tap("update_gate", torch.sigmoid(z))
        n = tap("candidate", n)
        return 1 - z, tap("update", z * n)
