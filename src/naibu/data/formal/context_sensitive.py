"""The context-sensitive languages of Delétang et al. (2023): an automaton with a tape as long as the word answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from naibu.data.examples import Array
from naibu.data.formal.language import Language, digits, held


class _Strings(Language):
    """Words of 0 and 1 that are told in another order."""

    level = "context-sensitive"
    symbols = answers = digits(2)
    asks = ("position", "even_position")

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many words of a length, every one with the same chance."""
        return rng.integers(0, 2, (count, length))

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `even_position`, whether a symbol stands at place 2, 4 and so on, of the word or of its answer."""
        steps = [np.arange(part.shape[1]) % 2 for part in (words, answers)]
        return {"even_position": np.tile(np.concatenate(steps), (len(words), 1))}


class DuplicateString(_Strings):
    """A word twice."""

    name = "duplicate-string"
    about = "the symbols of a word, twice"

    def answer_length(self, length: int) -> int:
        """Return twice the length of the word."""
        return 2 * length

    def answer(self, words: Array) -> Array:
        """Return the words twice, int64 [word symbol]."""
        return np.concatenate([words, words], 1)


class OddsFirst(_Strings):
    """The symbols of a word at places 1, 3, 5 and so on, and then those at 2, 4, 6."""

    name = "odds-first"
    about = "the symbols of a word at odd places, then those at even places"

    def answer_length(self, length: int) -> int:
        """Return the length of the word."""
        return length

    def answer(self, words: Array) -> Array:
        """Return the symbols in that order, int64 [word symbol]."""
        return np.concatenate([words[:, ::2], words[:, 1::2]], 1)


class MissingDuplicate(Language):
    """A word of 0 and 1 twice, in which one symbol is missing; which one. Of odd lengths the last symbol is a blank."""

    name = "missing-duplicate"
    level = "context-sensitive"
    about = "the symbol that is missing in a word that stands there twice"
    symbols = (*digits(2), "missing", "blank")
    answers = digits(2)
    asks = ("seen", "second", "position")
    shortest = 2

    def is_word(self, word: Sequence[int]) -> bool:
        """Return whether one symbol is missing, the others stand there twice, and odd lengths end with a blank."""
        half = len(word) // 2
        pairs = [sorted(pair) for pair in zip(word[:half], word[half : 2 * half], strict=True)]
        gaps = [one for one, other in pairs if other == 2 and one < 2]
        same = [one for one, other in pairs if one == other < 2]
        return len(gaps) == 1 and len(same) == half - 1 and list(word[2 * half :]) == [3] * (len(word) % 2)

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many words of a length; what is missing is drawn uniformly."""
        half = length // 2
        words = np.full((count, length), 3, np.int64)
        words[:, :half] = words[:, half : 2 * half] = rng.integers(0, 2, (count, half))
        words[np.arange(count), rng.integers(0, 2 * half, count)] = 2
        return words

    def answer(self, words: Array) -> Array:
        """Return the symbol at the same place of the other half, int64 [word 1]."""
        half = words.shape[1] // 2
        place = (words == 2).argmax(1)
        return np.take_along_axis(words, ((place + half) % (2 * half))[:, None], 1)

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `seen`, whether the gap has come, and `second`, whether the word is being read again."""
        second = np.arange(words.shape[1] + 1) >= words.shape[1] // 2
        return {"seen": held(np.cumsum(words == 2, 1), 1), "second": np.tile(second.astype(np.int64), (len(words), 1))}


class BucketSort(Language):
    """A word of five symbols, sorted."""

    name = "bucket-sort"
    level = "context-sensitive"
    about = "the symbols of a word, sorted"
    symbols = answers = digits(5)
    asks = (*(f"count_{symbol}" for symbol in range(5)), "position")

    def answer_length(self, length: int) -> int:
        """Return the length of the word."""
        return length

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many words of a length, every one with the same chance."""
        return rng.integers(0, 5, (count, length))

    def answer(self, words: Array) -> Array:
        """Return the words sorted, int64 [word symbol]."""
        return np.sort(words, 1)

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `count_0` to `count_4`: how often a symbol has come, and in the answer how often it still has to."""
        found = {}
        for symbol in range(5):
            come, told = np.cumsum(words == symbol, 1), np.cumsum(answers == symbol, 1)
            found[f"count_{symbol}"] = np.concatenate([come, come[:, -1:] - told], 1)
        return found
