"""CBOW (Mikolov et al. 2013), compiled: the mean of the vectors of the words near tells the word in the middle."""

from __future__ import annotations

from typing import Any

import numpy as np

from naibu.cells.kernels.vector import F32, VECTOR, load, splat, store
from naibu.compiling import compiled, compiled_with
from naibu.vectors import passes
from naibu.vectors.negative_sampling import add, step, targets


@compiled
def learn_word(
    words: Any,
    bounds: tuple[int, int],
    at: int,
    negatives: int,
    weights: Any,
    chances: Any,
    rate: Any,
    state: Any,
    room: Any,
) -> None:
    """Let the mean of the words within bounds, without the one at a place, tell that one, and change all.

    As in word2vec, each word near changes by what the mean should change by, not by its n-th part: the rate of inputs
    is n times that of outputs (İrsoy, Benton & Stratos 2021 compare both).
    """
    end = weights.inputs.shape[1] * F32
    inputs, h = weights.inputs.ctypes.data, room.h.ctypes.data
    share = splat(np.float32(1 / (bounds[1] - bounds[0] - 1)))
    for part in range(0, end, VECTOR):
        result = splat(np.float32(0))
        for near in range(bounds[0], bounds[1]):
            if near != at:
                result = result + load(inputs + words[near] * end + part)
        store(h + part, result * share)
    targets(words[at], negatives, weights.outputs, chances, state, room)
    step(h, negatives + 1, weights.inputs.shape[1], rate, room)
    for near in range(bounds[0], bounds[1]):
        if near != at:
            add(inputs + words[near] * end, room.change.ctypes.data, end)


learn = compiled_with(passes.learn, learn_word=learn_word)
"""Learn from pieces of a text; see `passes.learn`."""
