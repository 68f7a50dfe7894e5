"""The embedded Reber grammar as a task: predict the next symbol (Hochreiter and Schmidhuber 1997, experiment 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from naibu.compiling import compiled
from naibu.data.generated.random import Random, below
from naibu.data.generated.reber import LETTERS, legal_after, legal_first, numbered
from naibu.data.generated.tape import Floats, Ints, Tape, Task, dense_x
from naibu.errors import OptionError

WIDTH = len(LETTERS)


@dataclass(frozen=True)
class Strings:
    """Given strings for an evaluation, the last symbol of each left out; all end at the last step."""

    start: Ints  # [string]: first step
    symbols: Ints  # [string time], -1 before the start
    following: Ints  # [string time]: the next symbol of the string, -1 before the start
    x: Floats  # [string time 7], one-hot
    legal: NDArray[np.bool_]  # [string time 7]: what may follow, by the grammar


def reber_strings(strings: Sequence[str]) -> Strings:
    """Return strings of the embedded Reber grammar with what may follow each symbol.

    Raises OptionError where one is not a whole string of it, or there is none.
    """
    symbols, lengths = numbered(strings)
    time = symbols.shape[1] - 1
    start = (time + 1 - lengths).astype(np.int32)
    ended = np.array([np.roll(row, late) for row, late in zip(symbols, start, strict=True)], np.int32)
    shown, following = np.ascontiguousarray(ended[:, :-1]), ended[:, 1:].copy()
    following[shown < 0] = -1
    x = (shown[:, :, None] == np.arange(WIDTH)).astype(np.float32)
    return Strings(start, shown, following, x, np.ascontiguousarray(legal_after(shown.T).swapaxes(0, 1)))


@compiled
def pick(random: Random, lane: int, given: tuple[Ints, Ints, Floats], x: Floats, target: Floats) -> int:
    """Pick one of the strings, all with the same chance."""
    starts, symbols, targets = given
    string: int = below(random, lane, len(starts))
    for t in range(starts[string], len(x)):
        x[t, symbols[string, t]] = 1.0
        for k in range(WIDTH):
            target[t, k] = targets[string, t, k]
    return int(starts[string])


@dataclass(frozen=True)
class EmbeddedReber(Task):
    """Strings from a set, to be predicted symbol by symbol; that before the last is the second one, seen long before.

    A string is right where after every symbol all that may follow are more active than all that may not. The paper
    asks this of all 256 training and all 256 test strings (see `reber_sets`); whether its targets are the symbol that
    follows ("next") or all that may ("legal") it does not say.
    """

    strings: tuple[str, ...]
    target: Literal["next", "legal"] = "next"
    table: Strings = field(init=False, repr=False, compare=False)

    every_step: ClassVar[bool] = True
    inputs: ClassVar[int] = WIDTH
    outputs: ClassVar[int] = WIDTH
    wrong_above: ClassVar[float] = float("nan")  # right is what `wrong` says here, whatever the size of the errors
    judged_at_end: ClassVar[bool] = False
    draw = staticmethod(pick)

    def __post_init__(self) -> None:
        if self.target not in ("next", "legal"):
            raise OptionError(f'EmbeddedReber: target {self.target!r} has to be "next" or "legal"')
        object.__setattr__(self, "strings", tuple(self.strings))
        object.__setattr__(self, "table", reber_strings(self.strings))

    @property
    def name(self) -> str:
        return f"embedded Reber grammar, {len(self.strings)} strings"

    @property
    def longest(self) -> int:
        return int(self.table.symbols.shape[1])

    @property
    def given(self) -> tuple[Any, ...]:
        following = self.table.following[:, :, None] == np.arange(WIDTH)
        targets = self.table.legal if self.target == "legal" else following
        return self.table.start, self.table.symbols, targets.astype(np.float32)

    def wrong(self, output: Floats, tape: Tape) -> NDArray[np.bool_]:
        """Return in which sequences a symbol that may follow is not above one that may not, bool [sequence lane]."""
        x = dense_x(self, tape)
        symbols = np.where(x.any(2), x.argmax(2), -1).astype(np.int32)  # [sequence time lane]
        legal = legal_after(symbols.swapaxes(0, 1))  # [time sequence lane 7]
        return np.asarray(~legal_first(np.moveaxis(output, (1, 3), (0, 2)), legal).all(0))
