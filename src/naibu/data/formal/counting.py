"""Languages that are decided by counting, as languages with answers: what may follow each symbol of a word.

The words and the rule are those of `naibu.data.formal.counted`, on which networks that count are built.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from naibu.data.examples import Array
from naibu.data.formal.counted import Blocks, Brackets
from naibu.data.formal.counted import Language as Counting
from naibu.data.formal.language import Language
from naibu.errors import OptionError


class _Counting(Language):
    """Words of a language of counting, its marks of beginning and end left out; after every symbol the set of what may
    follow is told, the end among it."""

    beside = True
    asks = ("open", "position")
    counting: Counting

    def is_word(self, word: Sequence[int]) -> bool:
        """Return whether symbols are a word."""
        try:
            self._read(word)
        except OptionError:
            return False
        return True

    def answer(self, words: Array) -> Array:
        """Return what may follow each symbol, int64 [word symbol]."""
        return np.array([[self.sets[frozenset(may)] for may in self._read(word)[0]] for word in words.tolist()])

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `open`, the symbols or brackets that are still to be closed."""
        return {"open": np.array([self._read(word)[1] for word in words.tolist()], np.int64)}

    def _read(self, word: Sequence[int]) -> tuple[list[set[int]], list[int]]:
        marked = [0, *(symbol + 1 for symbol in word), len(self.counting.symbols) - 1]
        sets, left = self.counting.legal_after(marked)
        return sets[1:], left[1:]

    @property
    @abstractmethod
    def sets(self) -> dict[frozenset[int], int]:
        """The number of each set of symbols that may follow."""


class _Blocks(_Counting):
    """n times each letter in turn; there is one word of a length."""

    counting: Blocks

    def fits(self, length: int) -> bool:
        """Return whether every letter can come as often."""
        return length >= 1 and length % len(self.symbols) == 0

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return the word of a length, so many times."""
        letters = len(self.symbols)
        return np.tile(np.repeat(np.arange(letters), length // letters), (count, 1))

    @property
    def sets(self) -> dict[frozenset[int], int]:
        """After an a an a or a b; after the others one symbol alone, or the end."""
        return {
            frozenset((1, 2)): 0,
            **{frozenset((letter,)): letter - 1 for letter in range(2, len(self.symbols) + 2)},
        }


class AnBn(_Blocks):
    """a^n b^n: after every symbol what may follow it."""

    name = "a^n-b^n"
    level = "deterministic context-free"
    about = "what may follow each symbol of a^n b^n"
    symbols = ("a", "b")
    answers = ("a-or-b", "b", "end")
    counting = Blocks("ab")


class AnBnCn(_Blocks):
    """a^n b^n c^n: after every symbol what may follow it."""

    name = "a^n-b^n-c^n"
    level = "context-sensitive"
    about = "what may follow each symbol of a^n b^n c^n"
    symbols = ("a", "b", "c")
    answers = ("a-or-b", "b", "c", "end")
    counting = Blocks("abc")


class Dyck(_Counting):
    """Balanced brackets of one kind within one outer pair: after every bracket what may follow it."""

    name = "dyck"
    level = "deterministic context-free"
    about = "what may follow each of balanced brackets within one outer pair"
    symbols = ("(", ")")
    answers = ("bracket", "end")
    counting = Brackets()
    shortest = 2

    def fits(self, length: int) -> bool:
        """Return whether a length is even."""
        return length >= self.shortest and length % 2 == 0

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many words of a length, every one with the same chance."""
        return np.array([self.counting.draw(rng, length // 2)[1:-1] for _ in range(count)]) - 1

    @property
    def sets(self) -> dict[frozenset[int], int]:
        """A bracket of either kind while one is open, else the end."""
        return {frozenset((1, 2)): 0, frozenset((3,)): 1}
