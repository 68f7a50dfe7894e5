"""Numbers of n-grams: an n-gram is its first n - 1 symbols, by their number in the order below, and its last symbol."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from naibu.data.events import Array


@dataclass(frozen=True)
class Table:
    """The n-grams of one order; a place in the arrays is an n-gram's number.

    keys: int64 [gram], rising: the number of the first n - 1 symbols times the symbols there are, plus the last symbol.
    log_p: float64 [gram], ln p of the last symbol after the others, NaN for what only begins longer ones. backoff:
    float64 [gram], what is added to ln p of a symbol that was not seen after all of it, as it is after all but its
    first.
    """

    keys: Array
    log_p: Array
    backoff: Array

    def find(self, keys: Array) -> Array:
        """Return the numbers of keys, int64, -1 for those that are not there."""
        return find(self.keys, keys)


def find(table: Array, keys: Array) -> Array:
    """Return the places of keys in a table that rises and is not empty, int64, -1 for those that are not there."""
    places = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    return np.where(table[places] == keys, places, -1)


def grown(before: Array, symbols: Array, size: int) -> Array:
    """Return the keys of n-grams made longer by a symbol, int64; -1 where there is none.

    before: the numbers of what ended just before each symbol, -1 for none. size: of the symbols, of which the last is
    the beginning: nothing goes on across it.
    """
    return np.where((before >= 0) & (symbols != size - 1), before * size + symbols, -1)


def shifted(numbers: Array) -> Array:
    """Return what stands one place before each, -1 before the first."""
    return np.concatenate([[-1], numbers[:-1]])
