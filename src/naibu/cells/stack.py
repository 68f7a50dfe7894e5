"""The recurrent network with a stack (Joulin & Mikolov 2015), as Delétang et al. 2023 have it."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.cells.base import Cell, State, Tap, untapped
from naibu.errors import OptionError

ACTIONS = ("push", "pop", "no-op")
"""What a step can do with the stack, in the order of the units of `action`."""


class StackState(NamedTuple):
    """The state of a cell with a stack: its output, and what lies on the stack."""

    hidden: Tensor  # [batch hidden]
    places: Tensor  # [batch place*size], the top first


class StackRNNCell(Cell):
    """An Elman cell that reads the top of a stack, and pushes, pops or leaves it as it is, all three by shares.

        h = tanh(W_ih x + b_ih + W_hh h + b_hh + W_s s[0])     hidden, of the old top s[0]
        a = softmax(W_a h + b_a)                               action: shares of push, pop and no-op
        v = W_p h + b_p                                        pushed
        s[0] = a[0] v      + a[1] s[1]   + a[2] s[0]           the top
        s[k] = a[0] s[k-1] + a[1] s[k+1] + a[2] s[k]           the places below it

    Source: Delétang et al. 2023, appendix: one stack, 8 numbers in a place, v without a squashing function where Joulin
    & Mikolov 2015, equation 4, have a sigmoid. There a stack has a fixed number of places; here it begins empty and
    gets one more with every step, as more can never be reached, up to `depth`, so that nothing is lost of words of any
    length up to that. The signal `stack` is the uppermost `seen` places, `[batch seen*size]`, the top first; an edit of
    it goes on into the stack.
    """

    signals: ClassVar[tuple[str, ...]] = ("hidden", "action", "pushed", "stack")
    gates: ClassVar[tuple[str, ...]] = ("hidden",)
    state_type = StackState
    growing: ClassVar[tuple[str, ...]] = ("places",)
    unitwise: ClassVar[bool] = False
    size: ClassVar[int] = 8
    """Numbers in a place of the stack."""
    seen: ClassVar[int] = 4
    """Places of the stack that are a signal."""
    depth: ClassVar[int] = 2048
    """Places of the stack, at most; a push on a full one loses what lies at its bottom."""

    def __init__(self, input_size: int, hidden_size: int, *, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias=bias)
        width = 1 / math.sqrt(hidden_size)

        def drawn(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(*shape).uniform_(-width, width))

        self.weight_stack = drawn(hidden_size, self.size)
        self.weight_action, self.weight_pushed = drawn(len(ACTIONS), hidden_size), drawn(self.size, hidden_size)
        self.bias_action = drawn(len(ACTIONS)) if bias else None
        self.bias_pushed = drawn(self.size) if bias else None

    def width(self, signal: str) -> int:
        """Return how many units a signal, or a part of the state, has; of a state's stack those there are at most."""
        widths = {"action": len(ACTIONS), "pushed": self.size, "stack": self.seen * self.size}
        return self.depth * self.size if signal == "places" else widths.get(signal, self.hidden_size)

    def initial_state(self, batch: int, like: Tensor) -> StackState:
        """Return the state of zeros, with a stack of one place."""
        return StackState(like.new_zeros(batch, self.hidden_size), like.new_zeros(batch, self.size))

    def before(self, state: State, steps: int) -> StackState:
        """Return a state with room on its stack for so many steps."""
        assert isinstance(state, StackState)
        there = state.places.shape[-1] // self.size
        if state.places.shape[-1] % self.size or there > self.depth:
            raise OptionError(f"initial state: a stack has places of {self.size} numbers, at most {self.depth}")
        more = min(self.depth, there + steps) - there
        return StackState(state.hidden, functional.pad(state.places, (0, more * self.size)))

    def step(self, projected: Tensor, state: State, tap: Tap = untapped) -> StackState:
        """Return the state after one step."""
        assert isinstance(state, StackState)
        h, s = state
        read = functional.linear(s[:, : self.size], self.weight_stack)
        h = tap("hidden", torch.tanh(projected + self.recur(h) + read))
        a = tap("action", functional.linear(h, self.weight_action, self.bias_action).softmax(-1))
        v = tap("pushed", functional.linear(h, self.weight_pushed, self.bias_pushed))
        push, pop, stay = a[:, 0:1], a[:, 1:2], a[:, 2:3]
        pushed = torch.cat([v, s[:, : -self.size]], 1)
        popped = functional.pad(s[:, self.size :], (0, self.size))
        return StackState(h, self._tapped(push * pushed + pop * popped + stay * s, tap))

    def _tapped(self, s: Tensor, tap: Tap) -> Tensor:
        """Return the stack, with an edit of its uppermost places."""
        width = self.seen * self.size
        top = functional.pad(s[:, :width], (0, max(0, width - s.shape[-1])))
        changed = tap("stack", top)
        return s if changed is top else torch.cat([changed, s[:, width:]], 1)[:, : s.shape[-1]]
