"""What a recurrent cell is: parameters, an initial state, and one step that names its signals."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple, Protocol, SupportsIndex

import torch
from torch import Tensor, nn
from torch.nn import functional


class Tap(Protocol):
    """The one door through which a step shows a signal and through which an edit may change it."""

    def __call__(self, signal: str, value: Tensor) -> Tensor:
        """Return the value to go on with: the one handed in, or the one an edit has put in its place."""
        ...


def untapped(signal: str, value: Tensor) -> Tensor:
    """Return the value unchanged: the tap of a step that nobody watches."""
    return value


class HiddenState(NamedTuple):
    """The state of a cell that carries its output alone (Elman, GRU)."""

    hidden: Tensor  # [batch hidden]


class LSTMState(NamedTuple):
    """The state of a cell with a memory beside its output."""

    hidden: Tensor  # [batch hidden]
    cell: Tensor  # [batch hidden]


class NormalisedState(NamedTuple):
    """The state of a cell whose gates are exponential (sLSTM): memory, what it is divided by, and their scale."""

    hidden: Tensor  # [batch hidden]
    cell: Tensor  # [batch hidden]
    normaliser: Tensor  # [batch hidden]
    stabiliser: Tensor  # [batch hidden]


class State(Protocol):
    """The state of a cell: a named tuple of tensors `[batch ...]`, the hidden state among them."""

    @property
    def hidden(self) -> Tensor:
        """What the cell shows of itself, `[batch hidden]`."""
        ...

    @property
    def _fields(self) -> tuple[str, ...]: ...

    def _asdict(self) -> dict[str, Tensor]: ...

    def __iter__(self) -> Iterator[Tensor]: ...

    def __getitem__(self, part: SupportsIndex, /) -> Tensor: ...


class Cell(nn.Module, ABC):
    """A recurrent cell: it knows its parameters and one step, nothing of time, devices or words.

    Parameters carry torch's names and layout: `weight_ih [gates*hidden input]`, `weight_hh [gates*hidden
    hidden]`, `bias_ih` and `bias_hh [gates*hidden]`, the gates stacked in the order of `gates`, all drawn
    from U(-1/sqrt(hidden), 1/sqrt(hidden)). A cell whose gates do not read the hidden state has no `weight_hh`
    and no `bias_hh`; what a cell has besides, it adds after these.
    """

    signals: ClassVar[tuple[str, ...]]
    """The names of the values of one step, in the order in which they are computed."""
    gates: ClassVar[tuple[str, ...]]
    """The blocks of rows of the weights, from the top."""
    state_type: ClassVar[type[Any]]
    """A named tuple of the parts of the state."""
    recurrent: ClassVar[bool] = True
    """Whether the gates read the hidden state, through `weight_hh`."""
    growing: ClassVar[tuple[str, ...]] = ()
    """Parts of the state that get wider with every step, from what they are in the state of zeros up to `width`."""
    random: ClassVar[bool] = False
    """Whether something is drawn at random in training, so that a second run is another one."""
    unitwise: ClassVar[bool] = True
    """Whether, its weighted sums apart, a step works on each unit alone, which a drawing of it says of every mark."""

    def __init__(self, input_size: int, hidden_size: int, *, bias: bool = True) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = len(self.gates) * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        if self.recurrent:
            self.weight_hh = nn.Parameter(torch.empty(rows, self.recurrent_columns()))
        self.bias_ih = nn.Parameter(torch.empty(rows)) if bias else None
        self.bias_hh = nn.Parameter(torch.empty(rows)) if bias and self.recurrent else None
        for parameter in self.parameters() if not self.weight_ih.is_meta else ():
            nn.init.uniform_(parameter, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))

    def initial_state(self, batch: int, like: Tensor) -> State:
        """Return the state of zeros, each part `[batch units]`, of the dtype and device of `like`."""
        state: State = self.state_type(*(like.new_zeros(batch, self.width(part)) for part in self.state_type._fields))
        return state

    def width(self, signal: str) -> int:
        """Return how many units a signal, or a part of the state, has."""
        return self.hidden_size

    def project(self, x: Tensor) -> Tensor:
        """Return W_ih x + b_ih, `[... gates*hidden]`: the part of a step that needs no state, so that all
        steps can have it from one matrix product."""
        return functional.linear(x, self.weight_ih, self.bias_ih)

    def recur(self, h: Tensor, *gates: str) -> Tensor:
        """Return W_hh h + b_hh, `[batch gates*hidden]`: the part of a step that reads the hidden state.

        `gates` names neighbouring gates where a step wants only theirs; all of them by default.
        """
        if not gates:
            return functional.linear(h, self.weight_hh, self.bias_hh)
        rows = slice(self.rows(gates[0]).start, self.rows(gates[-1]).stop)
        return functional.linear(h, self.weight_hh[rows], None if self.bias_hh is None else self.bias_hh[rows])

    def rows(self, gate: str) -> slice:
        """Return the rows of a gate in the weights and biases."""
        first = self.gates.index(gate) * self.hidden_size
        return slice(first, first + self.hidden_size)

    def recurrent_columns(self) -> int:
        """Return how many units of the hidden state each unit reads: the columns of `weight_hh`."""
        return self.hidden_size

    def for_sequences(self, x: Tensor) -> Cell:
        """Return the cell that reads the sequences `x [time batch input]` from end to end.

        It is the cell itself, except where something is drawn once for all steps (the masks of a dropout):
        then it is a copy that holds what was drawn and shares the parameters.
        """
        return self

    def before(self, state: State, steps: int) -> State:
        """Return a state as it is before so many steps: itself, except where one of its parts grows."""
        return state

    @abstractmethod
    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> State:
        """Return the state after one step; `projected` is `project(x)` at that step, `[batch gates*hidden]`."""

    def extra_repr(self) -> str:
        """Return the sizes, as torch's own cells print them."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")
