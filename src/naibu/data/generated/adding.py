"""The adding and the multiplication problem (Hochreiter and Schmidhuber 1997, experiments 4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from naibu.compiling import compiled
from naibu.data.generated.random import Random, below, uniforms
from naibu.data.generated.tape import Floats, Task, at_least

NUMBER, MARKER = 0, 1


@compiled
def marked_pairs(random: Random, lane: int, lag: int, least: float, neutral: float, x: Floats) -> tuple[int, int, int]:
    """Draw a sequence of pairs (number, marker) and return its first step and the steps of the two marked pairs.

    It has lag ... lag + lag // 10 pairs. One of the first ten is marked with 1, then one of the first lag / 2 - 1
    still unmarked ones. The first and the last are marked with -1. Where the first pair is one of the two, its marker
    is 1 and its number is the neutral one, 0 in a sum and 1 in a product.
    """
    start = len(x) - (lag + below(random, lane, lag // 10 + 1))
    uniforms(random, lane, least, 1.0, x[start:, NUMBER])
    first = below(random, lane, 10)
    second = below(random, lane, lag // 2 - 1)
    if second >= first:
        second += 1
    x[start, MARKER] = x[-1, MARKER] = -1.0
    x[start + first, MARKER] = x[start + second, MARKER] = 1.0
    if x[start, MARKER] == 1.0:
        x[start, NUMBER] = neutral
    return start, start + first, start + second


@compiled
def adding(random: Random, lane: int, given: tuple[int], x: Floats, target: Floats) -> int:
    """Draw numbers in [-1, 1); the target is 0.5 + (X1 + X2) / 4."""
    start, first, second = marked_pairs(random, lane, given[0], -1.0, 0.0, x)
    target[0, 0] = 0.5 + (x[first, NUMBER] + x[second, NUMBER]) / 4.0
    return start


@compiled
def multiplication(random: Random, lane: int, given: tuple[int], x: Floats, target: Floats) -> int:
    """Draw numbers in [0, 1); the target is X1 * X2."""
    start, first, second = marked_pairs(random, lane, given[0], 0.0, 1.0, x)
    target[0, 0] = x[first, NUMBER] * x[second, NUMBER]
    return start


@dataclass(frozen=True)
class _MarkedPairs(Task):
    lag: int = 100  # the least number of steps; the most is a tenth more

    inputs: ClassVar[int] = 2
    outputs: ClassVar[int] = 1
    wrong_above: ClassVar[float] = 0.04

    def __post_init__(self) -> None:
        at_least(type(self).__name__, lag=(self.lag, 11))

    @property
    def longest(self) -> int:
        return self.lag + self.lag // 10

    @property
    def given(self) -> tuple[Any, ...]:
        return (self.lag,)

    def deciding(self, x: Any) -> list[int]:
        return [int(t) for t in np.flatnonzero(x[:, MARKER] == 1)]


@dataclass(frozen=True)
class Adding(_MarkedPairs):
    """The sum of two marked numbers among a hundred and more, to be told after the last one.

    The paper stops where the last 2000 training sequences are right (error below 0.04) and their mean error is below
    0.01, and tests on 2560 sequences. It has lags of 100, 500 and 1000.
    """

    mean_below: ClassVar[float | None] = 0.01
    draw = staticmethod(adding)

    @property
    def name(self) -> str:
        return f"adding problem, lag {self.lag}"


@dataclass(frozen=True)
class Multiplication(_MarkedPairs):
    """The product of two marked numbers, so that no integration of the inputs solves it.

    The paper stops where fewer than 140, and again where fewer than 13, of the last 2000 training sequences are wrong.
    """

    draw = staticmethod(multiplication)

    @property
    def name(self) -> str:
        return f"multiplication problem, lag {self.lag}"
