"""The continual embedded Reber grammar: strings without end or mark between them (Gers, Schmidhuber, Cummins 2000)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from naibu.compiling import compiled
from naibu.data.generated.random import Random, below
from naibu.data.generated.reber import END, LEADS, LEGAL, LETTER, LETTERS, WAYS
from naibu.data.generated.tape import Floats, Ints, Tape

NEXT, NODE = 0, 1
"""Rows of a stream's place: the symbol that comes next, and the node of the diagram before it."""


@compiled
def step(random: Random, lane: int, place: Ints) -> tuple[int, int]:
    """Return the symbol that comes now and the node after it; draw the one that follows. place: int32 [2 lane]."""
    symbol = place[NEXT, lane]
    node = LEADS[place[NODE, lane], symbol] % END
    way = below(random, lane, 2) if WAYS[node] == 2 else 0
    place[NEXT, lane], place[NODE, lane] = LETTER[node, way], node
    return symbol, node


@compiled
def stream(random: Random, place: Ints, x: Floats, symbols: Ints, target: Floats, following: Ints) -> None:
    """Write steps of every lane: x, target [step 7 lane], zero before; symbols, following [step lane]."""
    for t in range(len(symbols)):
        for lane in range(len(random)):
            symbol, node = step(random, lane, place)
            symbols[t, lane], x[t, symbol, lane], following[t, lane] = symbol, 1.0, place[NEXT, lane]
            for letter in range(len(LETTERS)):
                target[t, letter, lane] = LEGAL[node, letter]


@dataclass(frozen=True)
class ContinualReber:
    """Strings of the embedded grammar one after the other; after each symbol all that may follow are to be told.

    Gers et al. end a stream at the first prediction with a squared error of 0.49 or more in any output, hence
    `wrong_above`, and begin a new one; a stream of 100,000 steps is perfect.
    """

    name: ClassVar[str] = "continual embedded Reber grammar"
    inputs: ClassVar[int] = len(LETTERS)
    outputs: ClassVar[int] = len(LETTERS)
    every_step: ClassVar[bool] = True
    symbolic: ClassVar[bool] = False
    wrong_above: ClassVar[float] = 0.7

    def places(self, lanes: int) -> Ints:
        """Return the beginning of a stream in every lane, int32 [2 lane]; a lane set to its column begins again."""
        return np.repeat(np.array([[LETTERS.index("B")], [0]], np.int32), lanes, axis=1)

    def stream(self, random: Random, places: Ints, steps: int) -> Tape:
        """Return the next steps of every lane as a tape of one sequence; `random` and `places` move on.

        The tape has everything: x and symbols, and as targets what may follow and what does. Its one sequence goes on
        where that of the call before stopped.
        """
        lanes = len(random)
        x, target = (np.zeros((steps, len(LETTERS), lanes), np.float32) for _ in range(2))
        symbols, following = (np.zeros((steps, lanes), np.int32) for _ in range(2))
        stream(random, places, x, symbols, target, following)
        start = np.zeros((1, lanes), np.int32)
        return Tape(start, x[None], symbols[None], target[None], following[None])
