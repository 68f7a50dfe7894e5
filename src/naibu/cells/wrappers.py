"""Ways to disturb a cell in training so that it learns better: zoneout, variational dropout, weight drop.

Each takes a class of cells and returns one: `zoneout(GRUCell, 0.1)` is a cell like any other, and
`weight_drop(zoneout(LSTMCell, 0.05), 0.5)` is one too. In evaluation mode nothing is drawn.
"""

from __future__ import annotations

import copy
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from naibu.cells.base import Cell, NormalisedState, State, Tap, untapped
from naibu.errors import OptionError


def zoneout(cell: type[Cell], hidden: float = 0.0, memory: float = 0.0) -> type[Cell]:
    """Return the cell with zoneout: a unit keeps its old hidden state with probability `hidden`, its old cell
    with probability `memory`, drawn anew at every step.

    Source: Krueger et al. 2016, section 3, the equations for the LSTM. Raises OptionError for a probability outside
    0 to 1, and for `memory` where a cell has no memory beside the hidden state, or one in three parts (sLSTM).
    """
    _check("zoneout", hidden)
    _check("zoneout of the cell", memory)
    if memory and "cell" not in cell.state_type._fields:
        raise OptionError(f"zoneout of the cell {memory}: a {cell.__name__} has none, only its hidden state")
    if memory and cell.state_type is NormalisedState:
        raise OptionError(f"zoneout of the cell {memory}: that of a {cell.__name__} is in three parts")
    if not hidden and not memory:
        return cell
    return type(f"Zoneout{cell.__name__}", (_Zoneout, cell), {"kept": {"hidden": hidden, "cell": memory}})


def variational_dropout(cell: type[Cell], input: float = 0.0, hidden: float = 0.0) -> type[Cell]:
    """Return the cell with variational dropout: values of its input are dropped with probability `input`, units
    of the hidden state, where gates read it, with probability `hidden`; one mask a sequence, for all its steps.

    Source: Gal & Ghahramani 2016, section 4, with the same mask for all gates ("tied weights" there). What a GRU
    carries on of its hidden state, and what the layer returns, is not dropped. What is left is scaled up, so that
    evaluation needs no change. A sequence cut in pieces has a mask for each piece.
    Raises OptionError for a probability outside 0 to 1, and for `hidden` where no gate reads the hidden state.
    """
    _check("variational dropout", input)
    _check("variational dropout", hidden)
    if hidden and not cell.recurrent:
        raise OptionError(f"variational dropout of the hidden state {hidden}: no gate of a {cell.__name__} reads it")
    if not input and not hidden:
        return cell
    return type(f"Variational{cell.__name__}", (_Variational, cell), {"dropped": (input, hidden)})


def weight_drop(cell: type[Cell], rate: float = 0.0) -> type[Cell]:
    """Return the cell with weight drop: each recurrent weight is 0 with probability `rate`, for all steps and
    sequences of a batch; the others are scaled up.

    Source: Merity, Keskar & Socher 2017, section 2 (DropConnect on U_i, U_f, U_o, U_c).
    Raises OptionError for a probability outside 0 to 1, and where no gate reads the hidden state.
    """
    _check("weight drop", rate)
    if rate and not cell.recurrent:
        raise OptionError(f"weight drop {rate}: a {cell.__name__} has no recurrent weights")
    return type(f"WeightDrop{cell.__name__}", (_WeightDrop, cell), {"rate": rate}) if rate else cell


def _check(name: str, rate: float) -> None:
    if not 0 <= rate < 1:
        raise OptionError(f"{name} {rate}: must be from 0 up to, not including, 1")


class _Zoneout(Cell):
    """s = d * s_old + (1 - d) * s_new for each part s of the state; d is 0 or 1 in training, its mean in evaluation.

    As in the paper h_new comes from the new c, before zoneout. The signals `hidden` and `cell` are those after
    zoneout: what the layer returns and carries on.
    """

    kept: ClassVar[dict[str, float]]
    random = True

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> State:
        """Return the state after one step."""
        old = state._asdict()
        mixed = old.keys() & self.kept.keys()  # shown once they are
        inner = lambda signal, value: value if signal in mixed else tap(signal, value)  # noqa: E731
        new = super().step(projected, state, inner)  # type: ignore[safe-super]  # the wrapped cell's step
        parts = new._asdict()
        for signal in self.signals:
            if signal in mixed:
                parts[signal] = tap(signal, self._mixed(self.kept.get(signal, 0.0), old[signal], parts[signal]))
        after: State = self.state_type(**parts)
        return after

    def _mixed(self, rate: float, old: Tensor, new: Tensor) -> Tensor:
        if not rate:
            return new
        return torch.where(torch.rand_like(old) < rate, old, new) if self.training else torch.lerp(new, old, rate)


class _Variational(Cell):
    """x and h are multiplied by masks that are drawn once for each sequence."""

    dropped: ClassVar[tuple[float, float]]
    random = True
    _masks: tuple[Tensor, Tensor] | None = None  # [batch input], [batch hidden]

    def for_sequences(self, x: Tensor) -> Cell:
        """Return a copy with masks for the sequences `x [time batch input]`, or, in evaluation, the cell."""
        cell = super().for_sequences(x)
        if self.training:
            cell = copy.copy(cell)
            assert isinstance(cell, _Variational)
            ones = x.new_ones(x.shape[1], self.input_size), x.new_ones(x.shape[1], self.hidden_size)
            drawn = [functional.dropout(one, rate) for one, rate in zip(ones, self.dropped, strict=True)]
            cell._masks = (drawn[0], drawn[1])
        return cell

    def project(self, x: Tensor) -> Tensor:
        """Return what the cell makes of its masked input."""
        return super().project(x if self._masks is None else x * self._masks[0])

    def recur(self, h: Tensor, *gates: str) -> Tensor:
        """Return what the cell makes of its masked hidden state."""
        return super().recur(h if self._masks is None else h * self._masks[1], *gates)


class _WeightDrop(Cell):
    """The recurrent weights are multiplied by a mask that is drawn once for all steps."""

    rate: ClassVar[float]
    random = True

    def for_sequences(self, x: Tensor) -> Cell:
        """Return a copy with some recurrent weights dropped, or, in evaluation, the cell."""
        cell = super().for_sequences(x)
        if self.training:
            cell = copy.copy(cell)
            dropped: dict[str, Tensor | None] = {**cell._parameters}
            dropped["weight_hh"] = functional.dropout(self.weight_hh, self.rate)
            cell._parameters = dropped  # type: ignore[assignment]
        return cell
