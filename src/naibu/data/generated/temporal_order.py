"""Temporal order: classes told by the order of distant symbols (Hochreiter and Schmidhuber 1997, experiment 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from naibu.compiling import compiled
from naibu.data.generated.random import Random, below
from naibu.data.generated.tape import Floats, Ints, Task
from naibu.errors import OptionError

ALPHABET = "abcdXYEB"
"""Distractors, the two relevant symbols, the first symbol and the last, which asks for the answer."""
DISTRACTORS, X, E, B = 4, 4, 6, 7
SHORTEST, LONGEST = 100, 110
PLACES = {2: ((10, 20), (50, 60)), 3: ((10, 20), (33, 43), (66, 76))}
"""Where the relevant symbols stand, from ... to, the first symbol of a sequence being number 1."""


@compiled
def temporal_order(random: Random, lane: int, given: tuple[Ints], x: Floats, target: Floats) -> int:
    """Draw E, 98 to 108 symbols and B; the class is the relevant symbols read as a binary number, X being 0."""
    places = given[0]
    start: int = len(x) - (SHORTEST + below(random, lane, LONGEST - SHORTEST + 1))
    x[start, E] = x[-1, B] = 1.0
    for t in range(start + 1, len(x) - 1):
        x[t, below(random, lane, DISTRACTORS)] = 1.0
    kind = 0
    for first, last in places:
        t = start + first + below(random, lane, last - first + 1) - 1
        symbol = below(random, lane, 2)
        x[t] = 0.0
        x[t, X + symbol] = 1.0
        kind = 2 * kind + symbol
    target[0, kind] = 1.0
    return start


@dataclass(frozen=True)
class TemporalOrder(Task):
    """Which of X and Y stood in two (6a: 4 classes) or three (6b: 8 classes) distant places of a sequence.

    A sequence is right where all outputs have errors below 0.3. The paper stops where the last 2000 training sequences
    are right and their mean error is below 0.1, and tests on 2560 sequences.
    """

    relevant: int = 2  # how many symbols tell the class

    inputs: ClassVar[int] = len(ALPHABET)
    longest: ClassVar[int] = LONGEST
    wrong_above: ClassVar[float] = 0.3
    mean_below: ClassVar[float | None] = 0.1
    draw = staticmethod(temporal_order)

    def __post_init__(self) -> None:
        if self.relevant not in PLACES:
            raise OptionError(f"TemporalOrder: relevant {self.relevant} has to be 2 (6a) or 3 (6b)")

    @property
    def name(self) -> str:
        return f"temporal order, {self.relevant} relevant symbols"

    @property
    def outputs(self) -> int:
        return int(2**self.relevant)

    @property
    def given(self) -> tuple[Any, ...]:
        return (np.array(PLACES[self.relevant], np.int32),)

    def deciding(self, x: Any) -> list[int]:
        return [int(t) for t in np.flatnonzero(x[:, X : X + 2].any(1))]
