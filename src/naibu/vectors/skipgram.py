"""Skip-gram (Mikolov et al. 2013), compiled: the vector of each word near tells the word in the middle."""

from __future__ import annotations

from typing import Any

from naibu.cells.kernels.vector import F32
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
    """Let the vector of each word within bounds, without the one at a place, tell that one, and change both."""
    width = weights.inputs.shape[1]
    for near in range(bounds[0], bounds[1]):
        if near != at:
            h = weights.inputs.ctypes.data + words[near] * width * F32
            targets(words[at], negatives, weights.outputs, chances, state, room)
            step(h, negatives + 1, width, rate, room)
            add(h, room.change.ctypes.data, width * F32)


learn = compiled_with(passes.learn, learn_word=learn_word)
"""Learn from pieces of a text; see `passes.learn`."""
