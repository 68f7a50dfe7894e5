"""Random numbers for many trials side by side: a trial's numbers depend on its own 64-bit state alone.

Compiled code takes numbers from `random`, uint64 [lane], and names the lane; the state there moves on. The generator
is splitmix64 (Steele, Lea and Flood 2014): the state is a counter, a number is the counter mixed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from naibu.compiling import compiled

Random = NDArray[np.uint64]
"""The states of the lanes' generators, uint64 [lane]."""

STEP, FIRST, SECOND = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
A, B, C = (np.uint64(n) for n in (30, 27, 31))
"""How far the mixing shifts."""
HALF_WORD, LAYER, TOP_24, TOP_53, ONE = (np.uint64(n) for n in (32, 255, 40, 11, 1))


def streams(seed: int, purpose: str, trials: Iterable[int]) -> Random:
    """Return the first state of each trial's generator, uint64 [lane].

    It is a hash of the seed, the purpose ("training", "test", "weights" ...) and the trial's number: streams of other
    trials and purposes begin elsewhere on the one cycle of 2 ** 64 numbers. Two of a thousand streams with 1e9
    numbers each overlap with a probability of about 1e-4.
    """
    texts = (f"{seed} {purpose} {trial}".encode() for trial in trials)
    return np.array([int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") for text in texts], "u8")


@compiled
def mixed(state: Any) -> Any:
    """Return the 64 random bits that belong to a state."""
    z = (state ^ (state >> A)) * FIRST
    z = (z ^ (z >> B)) * SECOND
    return z ^ (z >> C)


@compiled
def bits(random: Random, lane: int) -> Any:
    """Return the next 64 random bits."""
    state = random[lane] + STEP
    random[lane] = state
    return mixed(state)


@compiled
def _fraction(word: Any) -> Any:
    return np.int64(word >> TOP_53) * 2.0**-53


@compiled
def uniform(random: Random, lane: int) -> Any:
    """Return a number in [0, 1), a multiple of 2 ** -53."""
    return _fraction(bits(random, lane))


@compiled
def below(random: Random, lane: int, n: int) -> Any:
    """Return one of 0 ... n - 1, n below 2 ** 32; the chances differ by less than n / 2 ** 32 of one."""
    return np.int64(((bits(random, lane) >> HALF_WORD) * np.uint64(n)) >> HALF_WORD)


def _layers(layers: int, tail: float, area: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the right edges of the layers of equal area under exp(-x * x / 2), widest first, and its heights there."""
    edges = [area / math.exp(-0.5 * tail * tail), tail]
    while len(edges) < layers:
        edges.append(math.sqrt(-2 * math.log(area / edges[-1] + math.exp(-0.5 * edges[-1] ** 2))))
    edge = np.array([*edges, 0.0])
    return edge, np.exp(-0.5 * edge * edge)


TAIL = 3.6541528853610088
EDGE, HEIGHT = _layers(256, TAIL, 0.00492867323399)


@compiled
def _outside(state: Any, layer: Any, x: float) -> tuple[float, Any]:
    """Return x, or a number of the tail, or NaN where x is refused; and the state after it.

    The state goes by value: with the array of states the call would cost the fast path five times its time.
    """
    if layer > 0:
        state += STEP
        height = HEIGHT[layer + ONE] + _fraction(mixed(state)) * (HEIGHT[layer] - HEIGHT[layer + ONE])
        return (x if height < math.exp(-0.5 * x * x) else math.nan), state
    while True:
        beyond = -math.log(1.0 - _fraction(mixed(state + STEP))) / TAIL
        state += STEP + STEP
        if -2.0 * math.log(1.0 - _fraction(mixed(state))) > beyond * beyond:
            return (TAIL + beyond if x > 0 else -TAIL - beyond), state


@compiled
def normal(random: Random, lane: int) -> Any:
    """Return a number with the normal distribution of mean 0 and variance 1.

    By the ziggurat of Marsaglia and Tsang (2000) in Doornik's form (2005), with 256 layers: exact, since the layer
    and the place within it come from different bits.
    """
    state = random[lane]
    while True:
        state += STEP
        word = mixed(state)
        layer = word & LAYER
        x = (np.int64(word) >> 11) * 2.0**-52 * EDGE[layer]
        if abs(x) < EDGE[layer + ONE]:
            break
        x, state = _outside(state, layer, x)
        if not math.isnan(x):
            break
    random[lane] = state
    return x


@compiled
def uniforms(random: Random, lane: int, low: float, high: float, out: NDArray[np.float32]) -> None:
    """Fill a view, float32 [time], with numbers in [low, high); each has 24 random bits."""
    width = (high - low) * 2.0**-24
    for t in range(len(out)):
        out[t] = low + width * np.int64(bits(random, lane) >> TOP_24)


@compiled
def normals(random: Random, lane: int, deviation: float, out: NDArray[np.float32]) -> None:
    """Fill a view, float32 [time], with normally distributed numbers of mean 0 and this standard deviation."""
    for t in range(len(out)):
        out[t] = deviation * normal(random, lane)
