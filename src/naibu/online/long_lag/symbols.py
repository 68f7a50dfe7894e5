"""Sequences of experiment 2 as its learners take them, and the weights that they begin with."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from naibu.cells.kernels.vector import LANES
from naibu.compiling import compiled
from naibu.data.generated.long_lag import LongLagDistractors
from naibu.data.generated.long_lag import distractors as draw_distractors
from naibu.data.generated.long_lag import long_lag as draw_long_lag
from naibu.data.generated.random import Random, below, uniform

LongLagTask = Literal["2a", "2b"]
NOWHERE = -100.0
"""Net input of outputs that only fill up a vector: their activation and error are 0."""


class Symbols:
    """How many symbols a net of 2a or 2b knows, and how long its rows of weights are; p is the lag."""

    p: int

    @property
    def symbols(self) -> int:
        """p + 1."""
        return self.p + 1

    @property
    def width(self) -> int:
        """Numbers of a row: the symbols and one more, whole vectors."""
        return -(-(self.symbols + 1) // LANES) * LANES


@compiled
def _draw_long_lag(random: Random, given: tuple[int, bool], symbols: NDArray[np.int32]) -> None:
    for sequence in range(symbols.shape[0]):
        for lane in range(symbols.shape[2]):
            column = symbols[sequence, :, lane]
            draw_long_lag(random, lane, given, column[:-1], column[1:])


def long_lag(random: Random, sequences: int, p: int, task: LongLagTask) -> NDArray[np.int32]:
    """Return sequences of 2a or 2b with the symbol that is a target only, int32 [sequence p+1 lane]; `random` moves
    on."""
    symbols = np.empty((sequences, p + 1, len(random)), np.int32)
    _draw_long_lag(random, (p, task == "2b"), symbols)
    return symbols


def two_sequences(p: int) -> NDArray[np.int32]:
    """Return the two sequences of 2a, of x and of y, int32 [2 p+1 1]."""
    return np.array([[first, *range(p - 1), first] for first in (p - 1, p)], np.int32)[..., None]


@compiled
def coins(random: Random, out: NDArray[np.float32]) -> None:
    """Fill out, float32 [sequence lane], with the classes of sequences of 2a, 0 or 1: all that is random in them."""
    sequences, lanes = out.shape
    for sequence in range(sequences):
        for lane in range(lanes):
            out[sequence, lane] = below(random, lane, 2)


@compiled
def _draw_distractors(
    random: Random, given: tuple[int, int], symbols: NDArray[np.int32], start: NDArray[np.int32], classes: NDArray[Any]
) -> None:
    target = np.zeros((1, 2), np.float32)
    for sequence in range(symbols.shape[0]):
        for lane in range(symbols.shape[2]):
            target[:] = 0.0
            start[sequence, lane] = draw_distractors(random, lane, given, symbols[sequence, :, lane], target)
            classes[sequence, lane] = target[0, 1]


def distractors(
    random: Random, sequences: int, p: int, q: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Return sequences of 2c: symbols, int32 [sequence time lane], 0 before the start; first steps, int32, and classes,
    float32, 1 for y, [sequence lane]; `random` moves on."""
    lanes = len(random)
    symbols = np.zeros((sequences, LongLagDistractors(p, q).longest, lanes), np.int32)
    start, classes = np.empty((sequences, lanes), np.int32), np.empty((sequences, lanes), np.float32)
    _draw_distractors(random, (q, p), symbols, start, classes)
    return symbols, start, classes


@compiled
def _draw_weights(random: Random, out: NDArray[np.float64]) -> None:
    count, lanes = out.shape
    for lane in range(lanes):
        for index in range(count):
            out[index, lane] = 2.0 * uniform(random, lane) - 1.0


def uniform_weights(random: Random, count: int, half_range: float) -> NDArray[np.float64]:
    """Return initial weights between -half_range and half_range, float64 [count lane]; `random` moves on."""
    drawn = np.empty((count, len(random)))
    _draw_weights(random, drawn)
    return half_range * drawn
