"""What is drawn at random while vectors are learnt: words that are left out, and words that did not come."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from naibu.compiling import compiled
from naibu.data.events import Array

ALL = 2**32
"""A probability of 1, where probabilities are whole numbers."""
NOISE_POWER = 0.75
_STEP, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_27, _30, _31, _32, _LOW = (np.uint64(n) for n in (27, 30, 31, 32, ALL - 1))


class Chances(NamedTuple):
    """Probabilities of words as whole numbers, of which `ALL` is 1; uint64 [word] each.

    keep: of being read where a word stands. accept, other: the noise, as an alias table: a number drawn evenly stands
    for itself with probability `accept`, else for `other`.
    """

    keep: Array
    accept: Array
    other: Array


def chances(counts: Array, sample: float) -> Chances:
    """Return the probabilities of words that come so often, int64 [word].

    A word of share s of the text is read with probability sqrt(sample / s) + sample / s, at most 1 (the code of
    Mikolov et al. 2013; their paper has the root alone). The noise is proportional to counts to the power .75.
    """
    share = counts / counts.sum()
    keep = np.minimum(1, np.sqrt(sample / share) + sample / share) if sample else np.ones(len(counts))
    noise = counts.astype(np.float64) ** NOISE_POWER
    accept, other = _alias(noise / noise.sum())
    return Chances((keep * ALL).astype(np.uint64), (accept * ALL).astype(np.uint64), other.astype(np.uint64))


def _alias(p: Array) -> tuple[Array, Array]:
    """Return Vose's alias table of probabilities `p [word]`: what a number keeps for itself, and who has the rest."""
    scaled = p * len(p)
    accept, other = np.ones(len(p)), np.arange(len(p))
    small, large = [list(np.flatnonzero(mask)) for mask in (scaled < 1, scaled >= 1)]
    while small and large:
        less, more = small.pop(), large[-1]
        accept[less], other[less] = scaled[less], more
        scaled[more] -= 1 - scaled[less]
        if scaled[more] < 1:
            small.append(large.pop())
    return accept, other


@compiled
def draw(state: Any) -> Any:
    """Return 64 random bits and move the state, uint64 [1], on: splitmix64 (Steele, Lea & Flood 2014)."""
    state[0] += _STEP
    z = state[0]
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)


@compiled
def draw_below(state: Any, limit: int) -> Any:
    """Return a number from 0 up to, not including, a limit below 2^32."""
    return np.int64(((draw(state) >> _32) * np.uint64(limit)) >> _32)


@compiled
def draw_noise(state: Any, chances: Any) -> Any:
    """Return a word drawn from the noise."""
    bits = draw(state)
    place = ((bits >> _32) * np.uint64(len(chances.accept))) >> _32
    return np.int64(place if (bits & _LOW) < chances.accept[place] else chances.other[place])


@compiled
def read_some(tokens: Any, first: int, last: int, chances: Any, state: Any, room: Any) -> int:
    """Write the words of a piece that are not left out to a room; return how many they are."""
    count = 0
    for at in range(first, last):
        word = tokens[at]
        if (draw(state) >> _32) < chances.keep[word]:
            room[count] = word
            count += 1
    return count
