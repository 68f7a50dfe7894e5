"""Strings laid end to end for compiled learners: what each lane is given at each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from naibu.cells.kernels.vector import LANES
from naibu.compiling import compiled
from naibu.data.generated.random import Random, below

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Library:
    """Sets of strings of symbols, each with a target after every symbol; all strings end at the last step."""

    start: Ints  # [set string]
    symbols: Ints  # [set string time], -1 before the start
    target: Floats  # [set string time output]

    @classmethod
    def of(cls, sets: Sequence[tuple[Ints, Ints, Floats]]) -> Library:
        """Return sets of as many strings each, given as start, symbols and target, as one library."""
        time = max(symbols.shape[1] for _, symbols, _ in sets)
        strings, outputs = len(sets[0][0]), sets[0][2].shape[2]
        starts = np.zeros((len(sets), strings), np.int32)
        all_symbols = np.full((len(sets), strings, time), -1, np.int32)
        targets = np.zeros((len(sets), strings, time, outputs), np.float32)
        for chosen, (start, symbols, target) in enumerate(sets):
            late = time - symbols.shape[1]
            starts[chosen], all_symbols[chosen, :, late:], targets[chosen, :, late:] = start + late, symbols, target
        return cls(starts, all_symbols, targets)


@dataclass(frozen=True)
class Stream:
    """What each of `LANES` lanes is given, step by step; lanes go through their strings at their own pace.

    A lane that has come to the end of its last string is given blanks: no input, no target, nothing kept.
    """

    x: Floats  # [step input lane], one symbol each
    target: Floats  # [step output lane]
    keep: Floats  # [step lane]: 0 where a string begins, so that nothing is known of the one before, else 1
    learn: Floats  # [step lane]: 1 where there is a target, else 0

    @property
    def steps(self) -> int:
        """Steps in all."""
        return len(self.keep)


def stream_of(library: Library, inputs: int, picks: NDArray[np.int64], chosen: NDArray[np.int64]) -> Stream:
    """Return strings laid end to end: `picks [string lane]`, by number, of the set `chosen [lane]`, or of none (-1)."""
    assert picks.shape[1] == len(chosen) == LANES, f"{len(chosen)} lanes: a learner has {LANES}"
    time, outputs = library.symbols.shape[2], library.target.shape[3]
    lengths = np.where(chosen < 0, 0, time - library.start[chosen, picks]).astype(np.int64)
    steps = int(lengths.sum(axis=0).max()) + 1  # the last is blank for all
    x, target = np.zeros((steps, inputs, LANES), np.float32), np.zeros((steps, outputs, LANES), np.float32)
    keep, learn = np.zeros((steps, LANES), np.float32), np.zeros((steps, LANES), np.float32)
    _lay(library.symbols, library.target, picks, chosen, lengths, x, keep, target, learn)
    return Stream(x, target, keep, learn)


@compiled
def _lay(
    symbols: Ints,
    targets: Floats,
    picks: NDArray[np.int64],
    chosen: NDArray[np.int64],
    lengths: NDArray[np.int64],
    x: Floats,
    keep: Floats,
    target: Floats,
    learn: Floats,
) -> None:
    time, outputs = targets.shape[2:]
    for lane in range(len(chosen)):
        if chosen[lane] < 0:
            continue
        step = 0
        for index in range(len(picks)):
            string, length = picks[index, lane], lengths[index, lane]
            for t in range(time - length, time):
                x[step, symbols[chosen[lane], string, t], lane] = 1.0
                for output in range(outputs):
                    target[step, output, lane] = targets[chosen[lane], string, t, output]
                keep[step, lane] = 1.0 if t > time - length else 0.0
                learn[step, lane] = 1.0
                step += 1


@compiled
def pick(random: Random, strings: int, picks: NDArray[np.int64]) -> None:
    """Draw the next numbers below `strings` of every lane's stream into `picks [string lane]`, as a tape draws them."""
    for lane in range(len(random)):
        for index in range(len(picks)):
            picks[index, lane] = below(random, lane, strings)
