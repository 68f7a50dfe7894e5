"""The deterministic context-free languages of Delétang et al. (2023): an automaton with one stack answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from naibu.data.examples import Array
from naibu.data.formal.expressions import CLOSE, MINUS, MODULUS, OPEN, PLUS, TIMES, drawn, is_expression, value_of
from naibu.data.formal.language import END, NOTHING, Language, digits, held

POP = 2
"""The action that takes the top of the stack away; 3 and 4 push 0 and 1."""
UNKNOWN, EQUALS = 9, 10
"""Symbols of equations."""


class ReverseString(Language):
    """A word of 0 and 1, from its end to its beginning."""

    name = "reverse-string"
    level = "deterministic context-free"
    about = "the symbols of a word from its end to its beginning"
    symbols = answers = digits(2)
    asks = ("depth", "position")

    def answer_length(self, length: int) -> int:
        """Return the length of the word."""
        return length

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many words of a length, every one with the same chance."""
        return rng.integers(0, 2, (count, length))

    def answer(self, words: Array) -> Array:
        """Return the words reversed, int64 [word symbol]."""
        return np.ascontiguousarray(words[:, ::-1])

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `depth`, how many symbols lie on the stack of an automaton that answers."""
        rising = np.arange(1, words.shape[1] + 1)
        depth = np.concatenate([rising, rising[::-1] - 1])
        return {"depth": np.tile(depth, (len(words), 1))}


class StackManipulation(Language):
    """Symbols that are put on a stack, then actions: pop, push 0, push 1; what lies on it at the end, from the top.

    A pop of an empty stack does nothing. Of `length` symbols the first 1 to length - 1 are the stack, drawn uniformly.
    """

    name = "stack-manipulation"
    level = "deterministic context-free"
    about = "what lies on a stack, from its top, after it was filled and after so many actions"
    symbols = (*digits(2), "pop", "push-0", "push-1")
    answers = (*digits(2), END)
    asks = ("depth", "top_is_1", "position")
    shortest = 2

    def is_word(self, word: Sequence[int]) -> bool:
        """Return whether symbols come first and then actions, of both at least one."""
        actions = [symbol >= POP for symbol in word]
        return not actions[0] and actions[-1] and actions == sorted(actions)

    def answer_length(self, length: int) -> int:
        """Return one symbol more than the word has: a full stack, and the end."""
        return length + 1

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many words of a length."""
        filled = rng.integers(1, length, (count, 1))
        bits, actions = rng.integers(0, 2, (count, length)), rng.integers(2, 5, (count, length))
        return np.where(np.arange(length) < filled, bits, actions)

    def answer(self, words: Array) -> Array:
        """Return the stacks from the top, the end behind, int64 [word symbol]."""
        stack, depths, _ = self._run(words)
        depth, place = depths[:, -1:], np.arange(words.shape[1] + 1)
        told = np.take_along_axis(stack, np.clip(depth - 1 - place, 0, None), 1)
        return np.where(place < depth, told, np.where(place == depth, 2, NOTHING))

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `depth`, the symbols on the stack, which are popped as they are told, and `top_is_1`."""
        stack, depths, tops = self._run(words)
        left = np.clip(depths[:, -1:] - 1 - np.arange(words.shape[1] + 1), 0, None)
        told = np.where(left > 0, np.take_along_axis(stack, np.clip(left - 1, 0, None), 1), 0)
        return {"depth": np.concatenate([depths, left], 1), "top_is_1": np.concatenate([tops, told], 1)}

    def _run(self, words: Array) -> tuple[Array, Array, Array]:
        """Return the stacks at the end from the bottom, [word place], and after each symbol how deep they are and
        whether a 1 is on top."""
        count, length = words.shape
        stack, rows = np.zeros((count, length), np.int64), np.arange(count)
        depth, depths, tops = np.zeros(count, np.int64), np.zeros_like(words), np.zeros_like(words)
        for place in range(length):
            symbol = words[:, place]
            pushes = symbol != POP
            stack[rows[pushes], depth[pushes]] = symbol[pushes] % 3
            depth = np.maximum(0, np.where(pushes, depth + 1, depth - 1))
            depths[:, place], tops[:, place] = depth, np.where(depth > 0, stack[rows, depth - 1], 0)
        return stack, depths, tops


class ModularArithmetic(Language):
    """Expressions of digits 0 to 4 with +, - and * in brackets; the value modulo 5."""

    name = "modular-arithmetic"
    level = "deterministic context-free"
    about = "the value modulo 5 of an expression in brackets"
    symbols = (*digits(MODULUS), "+", "-", "(", ")", "*")
    answers = digits(MODULUS)
    asks = ("depth", "position")

    def is_word(self, word: Sequence[int]) -> bool:
        """Return whether symbols are an expression."""
        return is_expression(word, (PLUS, MINUS, TIMES))

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many expressions of a length."""
        return np.array([drawn(rng, length, (PLUS, MINUS, TIMES)) for _ in range(count)], np.int64)

    def answer(self, words: Array) -> Array:
        """Return the values, int64 [word 1]."""
        return np.array([value_of(word)[:1] for word in words.tolist()], np.int64)

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `depth`, how many brackets are open."""
        return {"depth": _brackets(words)}


class SolveEquation(Language):
    """An expression of digits 0 to 4 with + and - in brackets, in which x stands for a digit, and its value after =."""

    name = "solve-equation"
    level = "deterministic context-free"
    about = "the digit that x stands for in an expression in brackets with a known value, modulo 5"
    symbols = (*digits(MODULUS), "+", "-", "(", ")", "x", "=")
    answers = digits(MODULUS)
    asks = ("depth", "seen", "position")
    shortest = 3

    def is_word(self, word: Sequence[int]) -> bool:
        """Return whether symbols are an expression with one x, and = and a digit behind it."""
        *left, equals, value = word
        whole = is_expression(left, (PLUS, MINUS), UNKNOWN) and left.count(UNKNOWN) == 1
        return whole and equals == EQUALS and value < MODULUS

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Return so many equations of a length; x is the first digit at or behind a place drawn uniformly."""
        return np.array([self._one(rng, length) for _ in range(count)], np.int64)

    def answer(self, words: Array) -> Array:
        """Return what x stands for, int64 [word 1]: of a + b x = c it is (c - a) / b, and b is 1 or -1."""
        found = list[int]()
        for *word, _, value in words.tolist():
            a, b = value_of(word, UNKNOWN)
            found.append((value - a) * b % MODULUS)
        return np.array(found, np.int64)[:, None]

    def labels(self, words: Array, answers: Array) -> dict[str, Array]:
        """Return `depth`, how many brackets are open, and `seen`, whether x has come."""
        return {"depth": _brackets(words), "seen": held(np.cumsum(words == UNKNOWN, 1), 1)}

    def _one(self, rng: np.random.Generator, length: int) -> list[int]:
        word = drawn(rng, length - 2, (PLUS, MINUS))
        value = value_of(word)[0]
        place = int(rng.integers(len(word)))
        while word[place] >= MODULUS:
            place = (place + 1) % len(word)
        word[place] = UNKNOWN
        return [*word, EQUALS, value]


def _brackets(words: Array) -> Array:
    """Return how many brackets are open after each symbol, and after the empty step."""
    return held(np.cumsum((words == OPEN).astype(np.int64) - (words == CLOSE), 1), 1)
