"""Products of small matrices of which every lane has its own: the inner loops of the recurrent learners.

All numbers are vectors of `LANES`, one for each trial, in memory at given distances (in bytes). A block of the result
stays in registers while the sum runs, so that each vector that is loaded serves several products.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from naibu.cells.kernels.vector import FLOATS, LONG, VECTOR, WIDE, floats, fma, load, pointer, sigmoid, store

COLUMNS = 4 if WIDE else 2
"""Columns of a block that is many columns wide."""
ROWS = 6 if WIDE else 4
"""Its rows, at most: with what is loaded, ROWS * COLUMNS sums just fill the registers."""
UNITS = 8
"""Rows of a block that is one column wide: as many sums are under way as the processor needs to be kept busy."""


@intrinsic(prefer_literal=True)
def _block(
    _: Any,
    most: Any,
    columns: Any,
    rows: Any,
    depth: Any,
    a: Any,
    a_row: Any,
    a_depth: Any,
    b: Any,
    b_depth: Any,
    out: Any,
    out_row: Any,
) -> Any:
    """out[r, c] = sum over d of a[r, d] b[d, c], for r below `rows`, which is `most` or less."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, _, count, depth, *places = arguments
        for size in range(1, most.literal_value + 1):
            same = builder.icmp_signed("==", count, ir.Constant(LONG, size))
            with builder.if_then(same):
                _sums(builder, size, columns.literal_value, depth, places)
        return context.get_dummy_value()

    return types.void(most, columns, *(types.int64,) * 9), generate


def _sums(builder: Any, rows: int, columns: int, depth: Any, places: list[Any]) -> None:
    a, a_row, a_depth, b, b_depth, out, out_row = places

    def at(base: Any, step: Any, index: int) -> Any:
        return builder.add(base, builder.mul(step, ir.Constant(LONG, index)))

    each = [(r, c) for r in range(rows) for c in range(columns)]
    sums = {place: cgutils.alloca_once_value(builder, floats(0.0)) for place in each}
    column = ir.Constant(LONG, VECTOR)
    with cgutils.for_range(builder, depth) as loop:
        a_here = builder.add(a, builder.mul(loop.index, a_depth))
        b_here = builder.add(b, builder.mul(loop.index, b_depth))
        right = [builder.load(pointer(builder, at(b_here, column, c), FLOATS), align=4) for c in range(columns)]
        for r in range(rows):
            left = builder.load(pointer(builder, at(a_here, a_row, r), FLOATS), align=4)
            for c in range(columns):
                builder.store(fma(builder, left, right[c], builder.load(sums[r, c])), sums[r, c])
    for r, c in each:
        place = pointer(builder, at(at(out, out_row, r), column, c), FLOATS)
        builder.store(builder.load(sums[r, c]), place, align=4)


@numba.njit
def columns_product(
    rows: int, depth: int, a: int, a_row: int, a_depth: int, b: int, b_depth: int, out: int, out_row: int
) -> None:
    """Write a b, `[rows COLUMNS]`, where b has `COLUMNS` columns side by side."""
    row = 0
    while row < rows:
        left = rows - row
        count = -(-left // -(-left // ROWS))  # blocks of about the same size
        _block(ROWS, COLUMNS, count, depth, a + row * a_row, a_row, a_depth, b, b_depth, out + row * out_row, out_row)
        row += count


@numba.njit
def vector_product(rows: int, depth: int, a: int, a_row: int, a_depth: int, b: int, out: int) -> None:
    """Write a b, `[rows]`, where b has one column; b and the result lie side by side."""
    row = 0
    while row < rows:
        left = rows - row
        count = -(-left // -(-left // UNITS))
        place = out + row * VECTOR
        _block(UNITS, 1, count, depth, a + row * a_row, a_row, a_depth, b, VECTOR, place, VECTOR)
        row += count


@numba.njit
def squashed(units: int, sources: int, weights: int, z: int, y: int) -> None:
    """Write y = f(W z) with f(x) = 1 / (1 + exp(-x)), `[unit]`, of weights `[unit source]`."""
    vector_product(units, sources, weights, sources * VECTOR, VECTOR, z, y)
    for unit in range(units):
        store(y + unit * VECTOR, sigmoid(load(y + unit * VECTOR)))
