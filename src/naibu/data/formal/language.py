"""What a formal language is: words that are drawn, what is to be answered of each, and what holds at every step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from naibu.data.examples import Array

LevelName = Literal["regular", "deterministic context-free", "context-sensitive"]
END = "end"
"""The answer's symbol that ends it, where answers to words of one length have different lengths."""
NOTHING = -1
"""In an answer, what stands behind its end."""


class Sample(NamedTuple):
    """Words of one length, their answers, and what holds at each step."""

    words: Array  # int64 [word symbol]
    answers: Array  # int64 [word symbol], -1 behind the end of an answer
    labels: Mapping[str, Array]  # int64 [word step], by name


class Language(ABC):
    """A language whose words are read symbol by symbol, and answered in symbols of their own.

    A word is followed by as many empty steps as its answer has symbols, one where it is a single one; what comes out at
    these steps is the answer (Delétang et al. 2023). With `beside` there are none: something is answered after every
    symbol of the word.
    """

    name: ClassVar[str]
    level: ClassVar[LevelName]
    """Where in the Chomsky hierarchy it stands: the weakest automaton that answers."""
    about: ClassVar[str]
    """What is asked, a sentence."""
    symbols: tuple[str, ...]
    """The symbols of words, by number."""
    answers: tuple[str, ...]
    """The symbols of answers, by number."""
    asks: tuple[str, ...] = ()
    """Labels worth asking about, the main one first."""
    shortest: ClassVar[int] = 1
    beside: ClassVar[bool] = False

    def fits(self, length: int) -> bool:
        """Return whether there are words of a length."""
        return length >= self.shortest

    def is_word(self, word: Sequence[int]) -> bool:
        """Return whether symbols whose number fits are a word: any are, where nothing else is said."""
        return True

    def answer_length(self, length: int) -> int:
        """Return how many symbols an answer has at most, to a word of a length."""
        return length if self.beside else 1

    def steps(self, length: int) -> int:
        """Return the steps of a word of a length with its answer."""
        return length if self.beside else length + self.answer_length(length)

    @abstractmethod
    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many words of a length, int64 [word symbol]."""

    @abstractmethod
    def answer(self, words: Array) -> Array:
        """Return the answers of words of one length, int64 [word symbol], -1 behind the end of an answer."""

    @abstractmethod
    def labels(self, words: Array, answers: Array) -> Mapping[str, Array]:
        """Return what holds after each step, the empty ones included, int64 [word step], by name."""

    def sample(self, rng: np.random.Generator, count: int, length: int) -> Sample:
        """Return so many words of a length with answers and labels."""
        words = self.draw(rng, count, length)
        answers = self.answer(words)
        return Sample(words, answers, self.labels(words, answers))


def held(values: Array, steps: int) -> Array:
    """Return values [word step] that stay as they are at the end for so many steps more."""
    return np.concatenate([values, np.repeat(values[:, -1:], steps, 1)], 1)


def each_of(name: str, values: Array, count: int) -> dict[str, Array]:
    """Return a label with so many values, and for each of these whether it holds: `NAME_0`, `NAME_1`."""
    return {name: values, **{f"{name}_{one}": (values == one).astype(np.int64) for one in range(count)}}


def digits(count: int) -> tuple[str, ...]:
    """Return the names of so many digits."""
    return tuple(map(str, range(count)))
