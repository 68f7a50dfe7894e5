"""Weights of a panel in three quarters of their room: reading them is what a step of few sequences waits for.

Each row of weights is written in whole numbers of 24 bits, in parts of its largest one; none is wrong by more than
2e-7 of that one, in the mean by .8 * 2^-24 of it (measured). Where no weight is more than half as long as its row (its
norm), a row's product with other numbers is wrong by .4 * 2^-24 of the product of both norms, in the mean over many:
less than one rounding of that product, and the sum itself is rounded as often as it has terms. A panel with a row of
which this does not hold keeps its float32.

The four vectors of a panel for one k lie in three: each of the first three has 24 bits of its own above a byte of
the fourth. Read as 32 bits, byte and all, they are as near to the weight as may be. Behind the last k are four vectors
of scales.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from naibu.cells.kernels.packing import VECTORS
from naibu.cells.kernels.vector import (
    FLOATS,
    INTS,
    LANES,
    LONG,
    VECTOR,
    ints,
    largest,
    llvm,
    load,
    pointer,
    splat,
    store,
    total,
    where_positive,
)

STEP = 3 * VECTOR
"""Bytes of a panel for one k."""
SHALLOW = 4
"""How many k a panel has at least whose scales find room behind it."""
MOST = 2**31 - 2**10
"""The largest number of 32 bits, with room for a reciprocal's rounding."""


def weights_ir(builder: Any, address: Any) -> list[Any]:
    """Return the four vectors of a panel for one k, in parts of their rows' scales."""
    three = [
        builder.load(pointer(builder, builder.add(address, ir.Constant(LONG, VECTOR * j)), INTS), align=4)
        for j in range(3)
    ]
    fourth = builder.shl(three[2], ints(24))
    for value in (three[1], three[0]):
        fourth = _shifted_in(builder, value, fourth)
    return [builder.sitofp(value, FLOATS) for value in (*three, fourth)]


def _shifted_in(builder: Any, value: Any, before: Any) -> Any:
    """Return the lowest byte of `value` above the upper three of `before`."""
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(INTS, [INTS] * 3), f"llvm.fshr.v{LANES}i32"
    )
    return builder.call(function, [value, before, ints(8)])


@intrinsic
def _store_weights(_: Any, address: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Write four vectors of numbers from -`MOST` to `MOST`, each rounded to the nearest whole one, into three."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, *values = arguments
        *three, fourth = (builder.fptosi(llvm(builder, "rint", value), INTS) for value in values)
        fourth = builder.add(fourth, ints(128))  # its lowest byte is left out
        for j, value in enumerate(three):
            byte = builder.and_(builder.lshr(fourth, ints(24 - 8 * j)), ints(255))
            nearest = builder.add(builder.sub(value, byte), ints(128))
            both = builder.or_(builder.and_(nearest, ints(-256)), byte)
            place = builder.add(address, ir.Constant(LONG, VECTOR * j))
            builder.store(both, pointer(builder, place, INTS), align=4)
        return context.get_dummy_value()

    vector = a
    return types.void(types.int64, *(vector,) * 4), generate


@intrinsic
def _larger_size(_: Any, most: Any, x: Any) -> Any:
    """Return the larger of `most` and |x| of each lane; the former where x is no number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        most, x = arguments
        size = llvm(builder, "fabs", x)
        return builder.select(builder.fcmp_ordered(">", size, most), size, most)

    return most(most, x), generate


@njit
def _may_be(most: Any, squares: Any) -> bool:
    """Return whether rows with these largest weights and sums of squares may be in parts."""
    half, zero, one = most + most, splat(np.float32(0)), splat(np.float32(1))
    outstanding = total(where_positive(half * half - squares, one))
    finite = total(where_positive(one + squares * zero, one))
    return outstanding == 0 and finite == LANES


@njit
def compress(panel: int, depth: int) -> bool:
    """Put the whole numbers of a packed panel of four vectors, and what they are parts of, in its place, if that may
    be; else return False."""
    zero = splat(np.float32(0))
    a, b, c, d, aa, bb, cc, dd = zero, zero, zero, zero, zero, zero, zero, zero
    for k in range(depth):
        place = panel + k * VECTORS * VECTOR
        x, y, z, w = load(place), load(place + VECTOR), load(place + 2 * VECTOR), load(place + 3 * VECTOR)
        a, b, c, d = _larger_size(a, x), _larger_size(b, y), _larger_size(c, z), _larger_size(d, w)
        aa, bb, cc, dd = aa + x * x, bb + y * y, cc + z * z, dd + w * w
    if depth < SHALLOW or not (_may_be(a, aa) and _may_be(b, bb) and _may_be(c, cc) and _may_be(d, dd)):
        return False
    part, one, least = splat(np.float32(1 / MOST)), splat(np.float32(1)), splat(np.float32(1e-30))
    a, b, c, d = a * part, b * part, c * part, d * part
    turned_a, turned_b = one / largest(a, least), one / largest(b, least)
    turned_c, turned_d = one / largest(c, least), one / largest(d, least)
    for k in range(depth):
        place = panel + k * VECTORS * VECTOR
        _store_weights(
            panel + k * STEP,
            load(place) * turned_a,
            load(place + VECTOR) * turned_b,
            load(place + 2 * VECTOR) * turned_c,
            load(place + 3 * VECTOR) * turned_d,
        )
    scales = panel + depth * STEP
    store(scales, a)
    store(scales + VECTOR, b)
    store(scales + 2 * VECTOR, c)
    store(scales + 3 * VECTOR, d)
    return True
