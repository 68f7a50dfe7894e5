"""Exact ranks and quantiles of float16 values by counting: there are only 65,536 different ones."""

from __future__ import annotations

import numpy as np

CODES = 65_536
_VALUES = np.arange(CODES, dtype=np.uint16).view(np.float16).astype(np.float64)
# Codes by ascending value; -0 and 0 are neighbours here and are made one in `tables`. nan comes last.
ORDER = np.argsort(_VALUES, kind="stable")
SORTED = _VALUES[ORDER]
_MINUS_ZERO = int(np.flatnonzero(ORDER == 0x8000)[0])
_ZERO = int(np.flatnonzero(ORDER == 0x0000)[0])  # just before it: the sort is stable


def columns(values: np.ndarray, units: slice) -> np.ndarray:
    """Some units of [row unit] as codes, uint16 [unit row]; float32 values are rounded to float16 first."""
    return np.ascontiguousarray(values[:, units].T.astype(np.float16, copy=False)).view(np.uint16)


def counts(code: np.ndarray) -> np.ndarray:
    """How often each code occurs, [code], by ascending value."""
    return _ordered(np.bincount(code, minlength=CODES).astype(np.float64))


def tables(code: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often each code occurs, [code], and the sum of `values` [k row] there, [k code], by ascending value."""
    return counts(code), np.stack([_ordered(np.bincount(code, v, CODES)) for v in values])


def _ordered(table: np.ndarray) -> np.ndarray:
    table = table[ORDER]
    table[_ZERO] += table[_MINUS_ZERO]
    table[_MINUS_ZERO] = 0
    return table


def by_code(table: np.ndarray) -> np.ndarray:
    """A table [code] by ascending value as one to be looked up by code; -0 is looked up as 0."""
    found = np.empty_like(table)
    found[ORDER] = table
    found[0x8000] = found[0x0000]
    return found


def midranks(count: np.ndarray) -> np.ndarray:
    """The mean rank of the values of each code, from 1, ties sharing it."""
    return np.cumsum(count) - (count - 1) / 2


def quantile_edges(count: np.ndarray, bins: int) -> np.ndarray:
    """Ascending, different edges near the quantiles 0, 1/bins, ... 1; fewer where one value holds several.

    A bin is [edge, next edge); the last edge is the float16 just above the greatest value.
    """
    below = np.cumsum(count)
    wanted = np.linspace(0, below[-1], bins + 1)[:-1]
    at = np.unique(np.searchsorted(below, wanted, side="right"))
    greatest = SORTED[np.flatnonzero(count)[-1]]
    return np.append(SORTED[at], SORTED[np.searchsorted(SORTED, greatest, side="right")])


def in_bins(table: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """A table [... code] summed to the bins of `edges`, [... bin]; the first and last bins are open."""
    at = np.searchsorted(SORTED, edges[1:-1])
    return np.add.reduceat(table, np.append(0, at), axis=-1)
