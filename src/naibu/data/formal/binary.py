"""Arithmetic with binary numbers, of Delétang et al. (2023); context-sensitive languages."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from naibu.data.examples import Array
from naibu.data.formal.language import END, NOTHING, Language, digits, held

OPERATOR = 2
"""What stands between two numbers; in answers the number of the end."""


class _Pairs(Language):
    """Two binary numbers, both above 0, their lowest digit first, with an operator between. The answer is the result
    in the same way, without zeros behind its highest digit, and the end.

    How many digits the first number has is drawn uniformly, and then each number among those above 0.
    """

    level = "context-sensitive"
    answers = (*digits(2), END)
    asks: tuple[str, ...] = ("second", "position")
    shortest = 3

    def is_word(self, word: Sequence[int]) -> bool:
        """Return whether there are two numbers above 0 with one operator between."""
        at = list(word).index(OPERATOR) if OPERATOR in word else len(word)
        return 1 in word[:at] and 1 in word[at + 1 :] and OPERATOR not in word[at + 1 :]

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many words of a length."""
        operator = rng.integers(1, length - 1, (count, 1))
        place = np.arange(length)
        words = rng.integers(0, 2, (count, length))
        for part in (place < operator, place > operator):
            while len(rows := np.flatnonzero(~(words.astype(bool) & part).any(1))):
                words[rows] = np.where(part[rows], rng.integers(0, 2, (len(rows), length)), words[rows])
        return np.where(place == operator, OPERATOR, words)

    def answer(self, words: Array) -> Array:
        """Return the results, their lowest digit first, and the end, int64 [word symbol]."""
        size = self.answer_length(words.shape[1])
        found = np.full((len(words), size), NOTHING, np.int64)
        for row, word in enumerate(words.tolist()):
            at = word.index(OPERATOR)
            result = f"{self.result(number_of(word[:at]), number_of(word[at + 1 :])):b}"[::-1]
            found[row, : len(result) + 1] = [*map(int, result), OPERATOR]
        return found

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `second`, whether the operator has come, and where there is one `carry`, into the next digit."""
        return {"second": held(np.cumsum(words == OPERATOR, 1), answers.shape[1])}

    @abstractmethod
    def result(self, one: int, other: int) -> int:
        """Return what two numbers come to."""


class BinaryAddition(_Pairs):
    """The sum of two binary numbers."""

    name = "binary-addition"
    about = "the sum of two binary numbers, their lowest digit first"
    symbols = (*digits(2), "+")
    asks = ("carry", "second", "position")

    def answer_length(self, length: int) -> int:
        """Return one symbol more than the word has."""
        return length + 1

    def result(self, one: int, other: int) -> int:
        """Return the sum."""
        return one + other

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `second`, and `carry`, whether 1 is carried into the digit that is told next; 0 while reading."""
        read = np.zeros_like(words)
        return {"carry": np.concatenate([read, _carries(words, answers.shape[1])], 1), **super().labels(words, answers)}


class BinaryMultiplication(_Pairs):
    """The product of two binary numbers."""

    name = "binary-multiplication"
    about = "the product of two binary numbers, their lowest digit first"
    symbols = (*digits(2), "*")

    def answer_length(self, length: int) -> int:
        """Return the length of the word: as many digits as both numbers, and the end."""
        return length

    def result(self, one: int, other: int) -> int:
        """Return the product."""
        return one * other


class SquareRoot(Language):
    """The square root of a binary number above 0, rounded down, both with their highest digit first."""

    name = "square-root"
    level = "context-sensitive"
    about = "the square root of a binary number, rounded down, its highest digit first"
    symbols = answers = digits(2)
    asks = ("even_position", "position")

    def is_word(self, word: Sequence[int]) -> bool:
        """Return whether the number is above 0."""
        return 1 in word

    def answer_length(self, length: int) -> int:
        """Return half the length of the word, rounded up."""
        return math.ceil(length / 2)

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many numbers of a length, each with the same chance."""
        words = rng.integers(0, 2, (count, length))
        while len(rows := np.flatnonzero(~words.any(1))):
            words[rows] = rng.integers(0, 2, (len(rows), length))
        return words

    def answer(self, words: Array) -> Array:
        """Return the roots, int64 [word symbol]."""
        size = self.answer_length(words.shape[1])
        roots = (math.isqrt(number_of(word[::-1])) for word in words.tolist())
        return np.array([[*map(int, f"{root:0{size}b}")] for root in roots], np.int64)

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `even_position`, whether a digit stands at place 2, 4 and so on, from the left."""
        steps = [np.arange(part.shape[1]) % 2 for part in (words, answers)]
        return {"even_position": np.tile(np.concatenate(steps), (len(words), 1))}


def number_of(bits: list[int]) -> int:
    """Return the number that has these binary digits, the lowest first."""
    return int("".join(map(str, reversed(bits))), 2)


def _carries(words: Array, size: int) -> Array:
    """Return what is carried into the next digit after each digit of a sum, int64 [word digit]."""
    count = len(words)
    operator = (words == OPERATOR).argmax(1)[:, None]
    place, carry, found = np.arange(size), np.zeros(count, np.int64), np.zeros((count, size), np.int64)
    padded = np.pad(np.where(words == OPERATOR, 0, words), ((0, 0), (0, size + 1)))
    one = np.where(place < operator, padded[:, :size], 0)
    other = np.take_along_axis(padded, operator + 1 + place, 1)
    for at in range(size):
        carry = (one[:, at] + other[:, at] + carry) // 2
        found[:, at] = carry
    return found
