"""The Neural Turing Machine (Graves, Wayne & Danihelka 2014): an LSTM that writes to a memory and reads it again."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.cells.base import Cell, Tap, untapped
from naibu.errors import OptionError

NOTHING = 1e-6
"""What every number of the memory is before anything is written."""
APART = 1e-6
"""Added under the root to the squares of two norms, so that what is next to nothing is similar to nothing."""
SHIFTS = (-1, 0, 1)
"""How far a head moves; the units of its shift, in this order."""


class NTMState(NamedTuple):
    """The state of a Neural Turing Machine: that of its controller, what was read, the memory, where the heads are."""

    hidden: Tensor  # [batch hidden]
    cell: Tensor  # [batch hidden]
    read: Tensor  # [batch width]
    memory: Tensor  # [batch locations*width], location by location
    read_weighting: Tensor  # [batch locations]
    write_weighting: Tensor  # [batch locations]


class NTMCell(Cell):
    """The Neural Turing Machine with an LSTM controller, one head that reads and one that writes; rows i f g o.

        i, f, o = sigmoid(W x + U h + R r + b)      the controller: an LSTM that also sees what was read, r
        g = tanh(W x + U h + R r + b)
        c = f * c + i * g
        u = o * tanh(c)                             controller; what the heads do comes from it

    for each head, from a row block of V u + d of its own:

        k = tanh(.)                                 key
        b = softplus(.)                             strength, beta there
        g = sigmoid(.)                              gate
        s = softmax(.)                              shift: shares of -1, 0, +1
        y = 1 + softplus(.)                         sharpening, gamma there
        w = softmax(b K[k, M(i)])                   by content; K is the cosine                        (5, 6)
        w = g w + (1 - g) w_old                     by location from here on                           (7)
        w(i) = sum_j w(j) s(i - j)                  round the end of the memory to its beginning       (8)
        w(i) = w(i)^y / sum_j w(j)^y                weighting                                          (9)

        e = sigmoid(.), a = tanh(.)                 erase, add: of the head that writes
        M(i) = M(i) (1 - w(i) e) + w(i) a           memory                                             (3, 4)
        r = sum_i w(i) M(i)                         read, with the weighting of the head that reads    (2)
        h = u + Q r                                 hidden: what is shown, and what U reads in the next step

    Source: Graves, Wayne & Danihelka 2014, equations as numbered. Left open there and chosen here: both heads look
    for their keys in the memory as it was before the step's writing, and what is read is read after it; keys and
    what is added lie in (-1, 1); what is read is part of the output, by Q. The memory begins at 1e-6 throughout (the
    best of three ways in Collier & Beel 2018), both heads at the first location, what was read at 0. Added to
    the heads' biases before training: -2 to the gates and 1 to the sharpenings, so that a head goes from where it was
    and stays one place; 2 to the share by which the head that reads stays, and to that by which the other moves on.
    With all of them alike the two heads drift apart before anything is learnt, and the controller learns without them.

    Eq. 9 is computed as softmax(y log w), which no power of a small number can make 0 / 0.
    """

    signals: ClassVar[tuple[str, ...]] = (
        "input_gate",
        "forget_gate",
        "candidate",
        "output_gate",
        "update",
        "cell",
        "controller",
        "read_key",
        "write_key",
        "read_strength",
        "write_strength",
        "read_gate",
        "write_gate",
        "read_shift",
        "write_shift",
        "read_sharpening",
        "write_sharpening",
        "erase",
        "add",
        "read_weighting",
        "write_weighting",
        "memory",
        "read",
        "hidden",
    )
    gates: ClassVar[tuple[str, ...]] = ("input_gate", "forget_gate", "candidate", "output_gate")
    state_type = NTMState
    unitwise = False
    locations: ClassVar[int] = 128
    """N of the paper: how many vectors the memory holds."""
    memory_width: ClassVar[int] = 20
    """M of the paper: how many numbers each of them has."""

    def __init__(self, input_size: int, hidden_size: int, *, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias=bias)
        width, bound = self.memory_width, 1 / math.sqrt(hidden_size)
        rows = sum(self._blocks())
        self.weight_read = nn.Parameter(torch.empty(4 * hidden_size, width).uniform_(-bound, bound))
        self.weight_shown = nn.Parameter(torch.empty(hidden_size, width).uniform_(-bound, bound))
        self.weight_heads = nn.Parameter(torch.empty(rows, hidden_size).uniform_(-bound, bound))
        self.bias_heads = nn.Parameter(torch.empty(rows).uniform_(-bound, bound)) if bias else None
        if self.bias_heads is not None and not self.bias_heads.is_meta:
            with torch.no_grad():
                _, shares, positive, shift = torch.split(self.bias_heads, self._blocks())
                shares[:2] -= 2
                positive[2:] += 1
                shift.view(2, len(SHIFTS))[(0, 1), (1, 2)] += 2  # the head that reads stays, the other moves on

    def width(self, signal: str) -> int:
        """Return how many units a signal, or a part of the state, has."""
        kind = signal.removeprefix("read_").removeprefix("write_")
        of_heads = {"key": self.memory_width, "strength": 1, "gate": 1, "shift": len(SHIFTS), "sharpening": 1}
        others = {"weighting": self.locations, "memory": self.locations * self.memory_width}
        if kind in ("erase", "add", "read"):
            return self.memory_width
        return {**of_heads, **others}.get(kind, self.hidden_size)

    def initial_state(self, batch: int, like: Tensor) -> NTMState:
        """Return an LSTM of zeros that has read nothing, a memory of next to nothing, both heads at its beginning."""
        first = like.new_zeros(batch, self.locations)
        first[:, 0] = 1
        hidden, cell, read = (like.new_zeros(batch, self.width(part)) for part in ("hidden", "cell", "read"))
        memory = like.new_full((batch, self.width("memory")), NOTHING)
        return NTMState(hidden, cell, read, memory, first, first)

    def step(self, projected: Tensor, state: NTMState, tap: Tap = untapped) -> NTMState:  # type: ignore[override]
        """Return the state after one step."""
        h, c, r, memory, *weightings = state
        i, f, g, o = torch.addmm(projected + self.recur(h), r, self.weight_read.t()).chunk(4, -1)
        i = tap("input_gate", torch.sigmoid(i))
        f = tap("forget_gate", torch.sigmoid(f))
        g = tap("candidate", torch.tanh(g))
        o = tap("output_gate", torch.sigmoid(o))
        c = tap("cell", f * c + tap("update", i * g))
        u = tap("controller", o * torch.tanh(c))
        keys, (e, a), where = self._heads(u, tap)
        memory = memory.view(-1, self.locations, self.memory_width)
        read, write = self._address(memory, torch.stack(weightings, 1), keys, where, tap)
        memory = torch.addcmul(memory, write[..., None], torch.addcmul(a[:, None], memory, e[:, None], value=-1))
        memory = tap("memory", memory.flatten(1))
        r = tap("read", torch.bmm(read[:, None], memory.view(-1, self.locations, self.memory_width))[:, 0])
        h = tap("hidden", torch.addmm(u, r, self.weight_shown.t()))
        return NTMState(h, c, r, memory, read, write)

    def _heads(self, u: Tensor, tap: Tap) -> tuple[Tensor, tuple[Tensor, Tensor], tuple[Tensor, ...]]:
        """Return the keys `[batch head width]`, what is erased and added, and strength, gate, shift and sharpening,
        `[batch head ...]`; the head that reads comes first."""
        width = self.memory_width
        z = functional.linear(u, self.weight_heads, self.bias_heads)
        bounded, shares, positive, shift = torch.split(z, self._blocks(), -1)
        bounded, shares, positive = torch.tanh(bounded), torch.sigmoid(shares), functional.softplus(positive)
        keys = _both("key", bounded[:, : 2 * width].view(-1, 2, width), tap)
        strength = _both("strength", positive[:, :2, None], tap)
        gate = _both("gate", shares[:, :2, None], tap)
        shift = _both("shift", shift.view(-1, 2, len(SHIFTS)).softmax(-1), tap)
        sharpening = _both("sharpening", positive[:, 2:, None] + 1, tap)
        e, a = tap("erase", shares[:, 2:]), tap("add", bounded[:, 2 * width :])
        return keys, (e, a), (strength, gate, shift, sharpening)

    def _address(
        self,
        memory: Tensor,
        before: Tensor,
        keys: Tensor,
        where: tuple[Tensor, ...],
        tap: Tap,
    ) -> tuple[Tensor, Tensor]:
        """Return the weightings of the heads, `[batch locations]` each, from `memory [batch location width]` and the
        weightings `before [batch head location]`; `where` is strength, gate, shift and sharpening."""
        strength, gate, shift, sharpening = where
        norms = keys.square().sum(-1, keepdim=True) * memory.square().sum(-1)[:, None]
        cosine = torch.bmm(keys, memory.transpose(1, 2)) * (norms + APART).rsqrt()
        w = torch.lerp(before, (strength * cosine).softmax(-1), gate)
        back, stay, on = torch.split(shift, 1, -1)
        w = torch.addcmul(torch.addcmul(stay * w, back, w.roll(-1, -1)), on, w.roll(1, -1))
        w = (sharpening * w.clamp_min(torch.finfo(w.dtype).tiny).log()).softmax(-1)
        read, write = w.unbind(1)
        return tap("read_weighting", read), tap("write_weighting", write)

    def _blocks(self) -> list[int]:
        """Return how many rows of the heads' weights have tanh (two keys, add), sigmoid (two gates, erase), softplus
        (two strengths, two sharpenings) and softmax (two shifts) over them, from the top."""
        return [3 * self.memory_width, 2 + self.memory_width, 4, 2 * len(SHIFTS)]


def _both(kind: str, value: Tensor, tap: Tap) -> Tensor:
    """Return `value [batch head unit]` after each head's part has been shown, and changed where an edit says so."""
    read, write = value.unbind(1)
    shown = tap(f"read_{kind}", read), tap(f"write_{kind}", write)
    return value if shown[0] is read and shown[1] is write else torch.stack(shown, 1)


def with_memory(cell: type[NTMCell], locations: int, width: int) -> type[NTMCell]:
    """Return the Neural Turing Machine whose memory has so many locations of so many numbers.

    Raises OptionError where there is not at least one of each.
    """
    for name, value in (("locations", locations), ("width", width)):
        if value < 1:
            raise OptionError(f"{name}={value}: must be at least 1")
    if (locations, width) == (cell.locations, cell.memory_width):
        return cell
    return type(f"{cell.__name__}{locations}x{width}", (cell,), {"locations": locations, "memory_width": width})
