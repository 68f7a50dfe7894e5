"""The pass over a text that skip-gram and CBOW have in common: which word is in the middle, and which are near."""

from __future__ import annotations

from typing import Any

import numpy as np

from naibu.vectors.drawing import draw_below, read_some

learn_word: Any = None
"""Learns from one word in the middle and those near it; of skip-gram or of CBOW, see `compiled_with`."""


def learn(
    tokens: Any,
    starts: Any,
    pieces: tuple[int, int],
    weights: Any,
    chances: Any,
    how: tuple[int, int],
    rates: tuple[float, float],
    state: Any,
    room: Any,
) -> None:
    """Learn from pieces of a text, from a first up to, not including, a last.

    tokens, starts: of the corpus. how: the window and the words of noise. rates: the learning rate at the beginning of
    the first piece and at the end of the last; it falls evenly with the words between. state: uint64 [1], of what is
    drawn. For each word the window is drawn anew from 1 up to its full size, after words were left out.
    """
    first, last = pieces
    begin, length = starts[first], max(1, starts[last] - starts[first])
    longest = 0
    for piece in range(first, last):
        longest = max(longest, starts[piece + 1] - starts[piece])
    words = np.empty(longest, np.int32)
    for piece in range(first, last):
        done = (starts[piece] - begin) / length
        rate = np.float32(rates[0] + (rates[1] - rates[0]) * done)
        count = read_some(tokens, starts[piece], starts[piece + 1], chances, state, words)
        for at in range(count):
            reach = 1 + draw_below(state, how[0])
            bounds = (max(0, at - reach), min(count, at + reach + 1))
            if bounds[1] - bounds[0] > 1:
                learn_word(words, bounds, at, how[1], weights, chances, rate, state, room)
