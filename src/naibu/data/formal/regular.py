"""The regular languages of Delétang et al. (2023): a finite automaton answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from naibu.data.examples import Array
from naibu.data.formal.language import Language, digits, each_of, held

MODULUS = 5
"""Of arithmetic, and places of the cycle."""
PLUS, MINUS, TIMES = MODULUS, MODULUS + 1, MODULUS + 2


class _Bits(Language):
    """Words of 0 and 1, of which one bit is asked; the automaton has two states, and the last one is the answer."""

    level = "regular"
    symbols = answers = digits(2)
    asks = ("state", "position")

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many words of a length, every one with the same chance."""
        return rng.integers(0, 2, (count, length))

    def answer(self, words: Array) -> Array:
        """Return the last state, int64 [word 1]."""
        return self.states(words)[:, -1:]

    def states(self, words: Array) -> Array:
        """Return the state of the automaton after each symbol."""
        raise NotImplementedError


class EvenPairs(_Bits):
    """Whether the symbol changes an odd number of times: whether the last symbol is another than the first."""

    name = "even-pairs"
    about = "whether 01 and 10 occur an odd number of times: whether the last symbol is another than the first"

    def states(self, words: Array) -> Array:
        """Return whether each symbol is another than the first."""
        return words ^ words[:, :1]

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `state`, whether the symbol is another than the first, and `first`, the first symbol."""
        return {"state": held(self.states(words), 1), "first": np.repeat(words[:, :1], words.shape[1] + 1, 1)}


class Parity(_Bits):
    """Whether the number of 1 is odd."""

    name = "parity"
    about = "whether the number of 1 is odd"

    def states(self, words: Array) -> Array:
        """Return whether the number of 1 is odd so far."""
        return np.cumsum(words, 1) % 2

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `state`, whether the number of 1 is odd so far, and `ones`, their number."""
        return {"state": held(self.states(words), 1), "ones": held(np.cumsum(words, 1), 1)}


class CycleNavigation(Language):
    """Where on a cycle of five places one is after steps to the left, to the right, and none."""

    name = "cycle-navigation"
    level = "regular"
    about = "at which of five places on a cycle one is after so many moves"
    symbols = ("left", "stay", "right")
    answers = digits(MODULUS)
    asks = (*(f"place_{place}" for place in range(MODULUS)), "position")

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many words of a length, every one with the same chance."""
        return rng.integers(0, 3, (count, length))

    def answer(self, words: Array) -> Array:
        """Return the last place, int64 [word 1]."""
        return np.asarray((words - 1).sum(1, keepdims=True) % MODULUS)

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `place`, where one is, and `place_0` to `place_4`, whether it is there."""
        return each_of("place", held(np.cumsum(words - 1, 1) % MODULUS, 1), MODULUS)


class ModularArithmeticSimple(Language):
    """Digits 0 to 4 and between them +, - and *, which binds tighter; the value modulo 5. Lengths are odd."""

    name = "modular-arithmetic-simple"
    level = "regular"
    about = "the value modulo 5 of digits with +, - and * between them, without brackets"
    symbols = (*digits(MODULUS), "+", "-", "*")
    answers = digits(MODULUS)
    asks = (*(f"value_{value}" for value in range(MODULUS)), "position")

    def fits(self, length: int) -> bool:
        """Return whether a length is odd."""
        return length % 2 == 1

    def is_word(self, word: Sequence[int]) -> bool:
        """Return whether digits and operators take turns."""
        return all((symbol >= PLUS) == (place % 2 == 1) for place, symbol in enumerate(word))

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many words of an odd length."""
        words = rng.integers(0, MODULUS, (count, length))
        words[:, 1::2] = rng.integers(PLUS, TIMES + 1, (count, length // 2))
        return words

    def answer(self, words: Array) -> Array:
        """Return the value, int64 [word 1]."""
        return self._running(words)[0][:, -1:]

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `value`, that of what has been read as far as the last digit, `value_0` to `value_4`, and `term`, the
        value of its last product, with its sign."""
        value, term = (held(np.repeat(part, 2, 1)[:, : words.shape[1]], 1) for part in self._running(words))
        return {**each_of("value", value, MODULUS), "term": term}

    def _running(self, words: Array) -> tuple[Array, Array]:
        """Return the value and the last product after each digit, int64 [word digit]."""
        done, term = np.zeros(len(words), np.int64), words[:, 0]
        values, terms = [term], [term]
        for place in range(1, words.shape[1], 2):
            operator, digit = words[:, place], words[:, place + 1]
            times = operator == TIMES
            done = np.where(times, done, (done + term) % MODULUS)
            term = np.where(times, term * digit, np.where(operator == MINUS, -digit, digit)) % MODULUS
            values.append((done + term) % MODULUS)
            terms.append(term)
        return np.stack(values, 1), np.stack(terms, 1)
