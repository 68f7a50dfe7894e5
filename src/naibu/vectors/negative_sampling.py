"""One step of negative sampling, compiled: a vector tells a word that came from words that did not.

A vector h scores a word w by its output vector, theta_w . h; with sigma the logistic function the loss of the word t
that came and of k words n drawn from the noise is (Mikolov et al. 2013; P(y = 1 | c, t) = sigma(theta_t . e_c))

    - ln sigma(theta_t . h) - sum over n of ln sigma(- theta_n . h)

A noise word that is t itself counts as nothing, as in word2vec.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from naibu.cells.kernels.vector import F32, LANES, VECTOR, load, sigmoid, splat, store, total, zeros
from naibu.compiling import compiled
from naibu.data.events import Array
from naibu.vectors.drawing import draw_noise


class Weights(NamedTuple):
    """The vectors of words as input and as output, float32 [word width]; the width is whole SIMD vectors, what lies
    behind a vector's size is 0."""

    inputs: Array
    outputs: Array

    @classmethod
    def drawn(cls, words: int, size: int, rng: np.random.Generator) -> Weights:
        """Return inputs drawn evenly from -.5 / size to .5 / size, and outputs of 0."""
        width = -(-size // LANES)
        inputs, outputs = (zeros(words, width).reshape(words, width * LANES) for _ in range(2))
        inputs[:, :size] = (rng.random((words, size), np.float32) - np.float32(0.5)) / np.float32(size)
        return cls(inputs, outputs)


class Room(NamedTuple):
    """What a step writes to: the places in memory of the outputs it scores, int64; their errors, float32; h, and what
    the loss takes from it, float32 [width]."""

    places: Array
    errors: Array
    h: Array
    change: Array

    @classmethod
    def of(cls, negatives: int, width: int) -> Room:
        """Return rooms for steps with so many words of noise."""
        lanes = -(-(negatives + 1) // LANES) * LANES
        h, change = (zeros(width // LANES).reshape(-1) for _ in range(2))
        return cls(np.zeros(lanes, np.int64), np.zeros(lanes, np.float32), h, change)


@compiled
def dot(one: int, other: int, end: int) -> Any:
    """Return the product of two vectors of so many bytes."""
    result = splat(np.float32(0))
    for at in range(0, end, VECTOR):
        result = result + load(one + at) * load(other + at)
    return total(result)


@compiled
def targets(word: int, negatives: int, outputs: Any, chances: Any, state: Any, room: Any) -> None:
    """Choose what is told: a word first, then as many drawn from the noise; those that are the word itself are 0."""
    base, row = outputs.ctypes.data, outputs.shape[1] * F32
    room.places[0] = base + word * row
    for k in range(1, negatives + 1):
        drawn = draw_noise(state, chances)
        room.places[k] = 0 if drawn == word else base + drawn * row


@compiled
def step(h: int, count: int, width: int, rate: Any, room: Any) -> None:
    """Descend the loss of a vector at an address h and of `count` targets in the room, the first of which came.

    Outputs change at once; what h should change by is left in the room. All errors are those before the step; of a
    word that was drawn twice the second change goes on from the first.
    """
    errors, end = room.errors.ctypes.data, width * F32
    for k in range(count):
        room.errors[k] = dot(h, room.places[k], end) if room.places[k] else np.float32(0)
    for at in range(0, count * F32, VECTOR):
        store(errors + at, sigmoid(load(errors + at)))
    for k in range(count):
        label = np.float32(1 if k == 0 else 0)
        room.errors[k] = rate * (label - room.errors[k]) if room.places[k] else np.float32(0)
    change = room.change.ctypes.data
    for at in range(0, end, VECTOR):
        slice_of_h, taken = load(h + at), splat(np.float32(0))
        for k in range(count):
            if room.places[k]:
                place, error = room.places[k] + at, splat(room.errors[k])
                output = load(place)
                taken = taken + error * output
                store(place, output + error * slice_of_h)
        store(change + at, taken)


@compiled
def add(place: int, change: int, end: int) -> None:
    """Add a vector of so many bytes to that at a place."""
    for at in range(0, end, VECTOR):
        store(place + at, load(place + at) + load(change + at))
