"""One row or two: what a kernel does with a row's sums is written once, and done with two rows at a time.

What is made of the sums is a long chain of operations, each of which waits for the one before. Two rows are two
chains: meanwhile the processor does the other's, and constants are loaded once for both. A place in memory is an
address, or `Two` of them; what is loaded of it is a vector, or two that are computed as one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from naibu.cells.kernels.vector import (
    INT,
    INTS,
    LANES,
    VectorType,
    load,
    load_first,
    load_part,
    store,
    store_first,
    store_part,
    vector,
)


class Two(NamedTuple):
    """The places of two rows: the address of the first, and how many bytes behind it the second one lies."""

    first: int
    step: int


_PAIR = VectorType(rows=2)


@intrinsic
def _both(_: Any, x: Any, y: Any) -> Any:
    """Return two vectors as one value."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = ir.Constant(ir.VectorType(INT, 2 * LANES), [ir.Constant(INT, lane) for lane in range(2 * LANES)])
        return builder.shuffle_vector(*arguments, lanes)

    return _PAIR(vector, vector), generate


def _half(number: int) -> Any:
    @intrinsic
    def half(_: Any, pair: Any) -> Any:
        """Return one of two vectors."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            lanes = ir.Constant(INTS, [ir.Constant(INT, number * LANES + lane) for lane in range(LANES)])
            return builder.shuffle_vector(arguments[0], arguments[0], lanes)

        return vector(_PAIR), generate

    return half


_first, _second = _half(0), _half(1)


def load_rows(place: Any, count: int) -> Any:
    """Return what lies at a place, of each row only the first `count` numbers; the rest is 0."""
    raise NotImplementedError


def store_rows(place: Any, value: Any, count: int) -> None:
    """Write the first `count` numbers of each row to a place."""
    raise NotImplementedError


def after(place: Any, size: int) -> Any:
    """Return the place so many bytes behind another."""
    raise NotImplementedError


# Compiled functions are known by their names to all kernels of a process, those from the cache among them.


@overload(load_rows)
def _load(place: Any, count: Any) -> Any:
    def load_row(place: Any, count: Any) -> Any:
        return load_part(place, count)

    def load_two_rows(place: Any, count: Any) -> Any:
        if count >= LANES:
            return _both(load(place.first), load(place.first + place.step))
        return _both(load_first(place.first, count), load_first(place.first + place.step, count))

    return load_row if isinstance(place, types.Integer) else load_two_rows


@overload(store_rows)
def _store(place: Any, value: Any, count: Any) -> Any:
    def store_row(place: Any, value: Any, count: Any) -> Any:
        store_part(place, value, count)

    def store_two_rows(place: Any, value: Any, count: Any) -> Any:
        if count >= LANES:
            store(place.first, _first(value))
            store(place.first + place.step, _second(value))
        else:
            store_first(place.first, _first(value), count)
            store_first(place.first + place.step, _second(value), count)

    return store_row if isinstance(place, types.Integer) else store_two_rows


@overload(after)
def _after(place: Any, size: Any) -> Any:
    def after_row(place: Any, size: Any) -> Any:
        return place + size

    def after_two_rows(place: Any, size: Any) -> Any:
        return Two(place.first + size, place.step)

    return after_row if isinstance(place, types.Integer) else after_two_rows
