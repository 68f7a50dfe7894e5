"""Values taken away, so that what stood there can be asked for: at random, or in blocks; a function of a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from naibu.data.examples import Array
from naibu.data.series_clock import Clock

PatternName = Literal["blocks", "random"]
SHORTEST, LONGEST = 1_800, 14_400
"""Seconds of a block: half an hour to four hours,"""
LEAST, MOST = 2, 8
"""but so many steps at least, for the shortest and the longest."""
SHARES, IN_BLOCKS, GONE = (0.05, 0.6), 0.75, (0.0, 0.0, 0.05, 0.15)
"""In training: the shares that are taken away, how often in blocks, and shares of series that are gone altogether."""


def block_lengths(clock: Clock) -> tuple[int, int]:
    """Return the steps of the shortest and of the longest block."""
    if clock.unit != "second":
        return LEAST, MOST
    return max(LEAST, SHORTEST // clock.count), max(MOST, LONGEST // clock.count)


@dataclass(frozen=True)
class Removal:
    """Values that are taken away: `share` of what is there of every series, above 0 and below 1.

    pattern: "random" takes values one by one, each as likely as any other. "blocks" puts blocks on the series one after
    the other, at places drawn evenly and of lengths drawn evenly from half an hour to four hours (`block_lengths`),
    until the share is reached; they may touch and overlap, and the last is cut. Series are drawn apart from each other.
    """

    pattern: PatternName
    share: float
    seed: int

    def of(self, there: Array, clock: Clock) -> Array:
        """Return which values are taken away, bool `[series step]`, of those that are there.

        At every step a block may begin that comes at a time drawn evenly; a step is gone once a block has come over it.
        Of each series its share is taken of those values that went first.
        """
        shortest, longest = block_lengths(clock) if self.pattern == "blocks" else (1, 1)
        generator, shape = np.random.default_rng(self.seed), there.shape
        reach = longest - 1  # a block may begin before the first step
        comes = generator.random((shape[0], shape[1] + reach), np.float32)
        length = generator.integers(shortest, longest + 1, comes.shape)
        gone = np.full(shape, np.inf, np.float32)
        for step in range(longest):
            here = slice(reach - step, reach - step + shape[1])
            gone = np.minimum(gone, np.where(length[:, here] > step, comes[:, here], np.inf))
        order = np.argsort(np.where(there, gone, np.inf), 1, kind="stable")
        wanted = np.round(self.share * there.sum(1)).astype(np.int64)
        out = np.zeros(shape, bool)
        np.put_along_axis(out, order, np.arange(shape[1]) < wanted[:, None], 1)
        return out


def drawn_anew(there: Array, clock: Clock, generator: np.random.Generator) -> Array:
    """Return which values are taken away in training, bool `[series step]`: on average a share of 5 to 60 %, in blocks
    three times of four, and besides all values of some series."""
    shortest, longest = block_lengths(clock) if generator.random() < IN_BLOCKS else (1, 1)
    share = generator.uniform(*SHARES)
    series, steps = there.shape
    # As many blocks as leave each step alone with that probability; one may begin before the first step.
    many = generator.poisson(-np.log1p(-share) * series * (steps + longest - 1) / ((shortest + longest) / 2))
    row = generator.integers(series, size=many)
    begin = generator.integers(1 - longest, steps, size=many)
    end = begin + generator.integers(shortest, longest + 1, size=many)
    begins, ends = (
        np.bincount(row * (steps + 1) + np.clip(each, 0, steps), minlength=series * (steps + 1))
        for each in (begin, end)
    )
    gone = np.cumsum((begins - ends).reshape(series, steps + 1)[:, :-1], 1) > 0
    gone[generator.random(series) < generator.choice(GONE)] = True
    return np.asarray(gone & there)
