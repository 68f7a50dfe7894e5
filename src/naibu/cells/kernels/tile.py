"""The register tile: a few rows times a panel of weights, summed in registers over the whole depth.

Every product of every kernel is this tile. A panel holds `vectors` vectors of weights for each k, one after the
other; a row is any memory in which the numbers for successive k lie at a fixed distance. For each k the tile
loads the panel's vectors once and multiplies them with one number of every row.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from naibu.cells.kernels.fixed_point import STEP, weights_ir
from naibu.cells.kernels.vector import (
    F32,
    FLOAT,
    FLOATS,
    LANES,
    LONG,
    VECTOR,
    WIDE,
    floats,
    fma,
    load_first_ir,
    pointer,
    splat_ir,
    sums_of_ir,
    vector,
)

ACCUMULATORS = 24 if WIDE else 12
"""Registers that may hold sums; the others hold weights and a row's number."""
DEPTH = 1024
"""How much of a panel all rows pass at a time, so that it stays in the second cache."""


def rows_at_once(vectors: int) -> int:
    """Return how many rows a tile takes at most with this many vectors in its panel."""
    return min(ACCUMULATORS // vectors, 8)


def _at(builder: Any, address: Any, kind: Any) -> Any:
    return builder.load(pointer(builder, address, kind), align=4)


@intrinsic(prefer_literal=True)
def _tile(
    _: Any,
    rows: Any,
    vectors: Any,
    fixed: Any,
    depth: Any,
    row: Any,
    row_step: Any,
    k_step: Any,
    panel: Any,
    panel_step: Any,
    out: Any,
    out_step: Any,
    add: Any,
    depth2: Any,
    row2: Any,
    row_step2: Any,
    panel2: Any,
) -> Any:
    """out[m, v] = (out[m, v] where `add`) + sum over k of row[m, k] * panel[k, v] + the same of `row2` and `panel2`;
    all steps in bytes. A panel that is `fixed` has the weights of `fixed_point`."""
    m_count, v_count = rows.literal_value, vectors.literal_value
    # Sums that follow each other through one register wait for one another: short tiles keep several.
    copies = 4 if m_count * v_count <= 4 else 2 if m_count * v_count <= 8 else 1

    # Few registers: what there is less of, weights or rows, stays in them while the other passes.
    in_parts = bool(fixed.literal_value)
    hold_weights = WIDE or v_count < m_count or in_parts

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, _, _, depth, row, row_step, k_step, panel, panel_step, out, out_step, add, depth2, row2, step2, panel2 = (
            arguments
        )
        each = [(m, v) for m in range(m_count) for v in range(v_count)]
        places = {
            (m, v): builder.add(
                builder.add(out, builder.mul(out_step, ir.Constant(LONG, m))), ir.Constant(LONG, v * LANES * F32)
            )
            for m, v in each
        }
        begin = builder.basic_block
        with builder.if_then(cgutils.is_true(builder, add)):
            before = {place: builder.load(pointer(builder, places[place], FLOATS), align=4) for place in each}
            loaded = builder.basic_block
        first = {}
        for place in each:
            phi = builder.phi(FLOATS)
            phi.add_incoming(floats(0.0), begin)
            phi.add_incoming(before[place], loaded)
            first[place] = phi

        def advance(sums: dict[Any, Any], row_at: list[Any], panel_at: Any) -> dict[Any, Any]:
            def weight(v: int) -> Any:
                return _at(builder, builder.add(panel_at, ir.Constant(LONG, v * LANES * F32)), FLOATS)

            def number(m: int) -> Any:
                return splat_ir(builder, _at(builder, row_at[m], FLOAT))

            result = {}
            if hold_weights:
                weights = weights_ir(builder, panel_at) if in_parts else [weight(v) for v in range(v_count)]
                for m in range(m_count):
                    passing = number(m)
                    for v in range(v_count):
                        result[m, v] = fma(builder, passing, weights[v], sums[m, v])
            else:
                numbers = [number(m) for m in range(m_count)]
                for v in range(v_count):
                    passing = weight(v)
                    for m in range(m_count):
                        result[m, v] = fma(builder, numbers[m], passing, sums[m, v])
            return result

        def loop(count: Any, unroll: int, sums: list[dict[Any, Any]], offset: Any) -> tuple[list[dict[Any, Any]], Any]:
            """`count` times `unroll` steps, from the k at `offset` (in steps)."""
            head, body, after = (builder.append_basic_block(name) for name in ("tile", "tile.body", "tile.after"))
            source = builder.basic_block
            row_offset = builder.mul(offset, k_step)
            panel_first = builder.add(panel_now, builder.mul(offset, panel_step))
            builder.branch(head)
            builder.position_at_end(head)
            k, at, panel_at = builder.phi(LONG), builder.phi(LONG), builder.phi(LONG)
            k.add_incoming(ir.Constant(LONG, 0), source)
            at.add_incoming(row_offset, source)
            panel_at.add_incoming(panel_first, source)
            live: list[dict[Any, Any]] = []
            for copy in sums:
                phis = {}
                for place in each:
                    phis[place] = builder.phi(FLOATS)
                    phis[place].add_incoming(copy[place], source)
                live.append(phis)
            builder.cbranch(builder.icmp_signed("<", k, count), body, after)
            builder.position_at_end(body)
            new: list[dict[Any, Any]] = []
            here, there = at, panel_at
            for u in range(unroll):
                state = live[u % len(live)] if u < len(live) else new[u % len(live)]
                result = advance(state, [builder.add(start, here) for start in starts], there)
                if u < len(live):
                    new.append(result)
                else:
                    new[u % len(live)] = result
                here, there = builder.add(here, k_step), builder.add(there, panel_step)
            new += live[len(new) :]
            end = builder.basic_block
            k.add_incoming(builder.add(k, ir.Constant(LONG, 1)), end)
            at.add_incoming(here, end)
            panel_at.add_incoming(there, end)
            for phis, result in zip(live, new, strict=True):
                for place in each:
                    phis[place].add_incoming(result[place], end)
            builder.branch(head)
            builder.position_at_end(after)
            return live, builder.add(offset, builder.mul(count, ir.Constant(LONG, unroll)))

        unroll = max(2, copies)
        zeros = {place: floats(0.0) for place in each}
        # Twice through the same loops: the first rows and panel, and then the second, if there are any.
        source, part, done = builder.basic_block, *(builder.append_basic_block(name) for name in ("part", "done"))
        builder.branch(part)
        builder.position_at_end(part)
        again = {}
        for number, at_first in enumerate([zeros if in_parts else first] + [zeros] * (copies - 1)):
            for place in each:
                again[number, place] = builder.phi(FLOATS)
                again[number, place].add_incoming(at_first[place], source)
        second = builder.phi(ir.IntType(1))
        second.add_incoming(ir.Constant(ir.IntType(1), 0), source)
        depth_now, row_now, row_step_now, panel_now = (
            builder.select(second, b, a) for a, b in ((depth, depth2), (row, row2), (row_step, step2), (panel, panel2))
        )
        starts = [builder.add(row_now, builder.mul(row_step_now, ir.Constant(LONG, m))) for m in range(m_count)]
        sums = [{place: again[number, place] for place in each} for number in range(copies)]
        sums, offset = loop(builder.sdiv(depth_now, ir.Constant(LONG, unroll)), unroll, sums, ir.Constant(LONG, 0))
        sums, _ = loop(builder.sub(depth_now, offset), 1, sums, offset)
        for (number, place), phi in again.items():
            phi.add_incoming(sums[number][place], builder.basic_block)
        second.add_incoming(ir.Constant(ir.IntType(1), 1), builder.basic_block)
        more = builder.icmp_signed(">", depth2, ir.Constant(LONG, 0))
        builder.cbranch(builder.and_(more, builder.not_(second)), part, done)
        builder.position_at_end(done)
        for place in each:
            value = sums[0][place]
            for copy in sums[1:]:
                value = builder.fadd(value, copy[place])
            if in_parts:
                scale = builder.add(
                    builder.add(panel, builder.mul(depth, panel_step)), ir.Constant(LONG, place[1] * VECTOR)
                )
                value = fma(builder, value, _at(builder, scale, FLOATS), first[place])
            builder.store(value, pointer(builder, places[place], FLOATS), align=4)
        return context.get_dummy_value()

    numbers = (types.int64,) * 8
    return types.void(rows, vectors, fixed, *numbers, types.boolean, *(types.int64,) * 4), generate


@numba.njit
def block(left: int, most: int) -> int:
    """Return how many rows to take next of those left, so that all blocks are about as long."""
    return -(-left // -(-left // most))


@cache
def product_of(vectors: int, fixed: bool = False) -> Any:
    """Return the compiled function `product(rows, depth, row, row_step, k_step, panel, panel_step, out, out_step, add,
    depth2, row2, row_step2, panel2)` of panels of this many vectors: at most `rows_at_once(vectors)` rows; see `_tile`
    for the arguments. The last four are 0 where there is nothing more to sum.

    A number that is written out has a type of its own: for it the tiles are compiled once more, with a constant in its
    place, which makes steps in memory cheaper. Whether to `add` is better left a variable.
    """
    arguments = "depth, row, row_step, k_step, panel, panel_step, out, out_step, add, depth2, row2, row_step2, panel2"
    name = f"product{vectors}{'_fixed' * fixed}"
    source = [f"def {name}(rows, {arguments}):"]
    for rows in range(rows_at_once(vectors), 0, -1):
        word = "if" if rows == rows_at_once(vectors) else "elif"
        source += [f"    {word} rows == {rows}:", f"        _tile({rows}, {vectors}, {int(fixed)}, {arguments})"]
    space: dict[str, Any] = {"_tile": _tile, "__name__": __name__}
    # One branch a number of rows, since a tile's size must be a literal; of this file, as all that is compiled has one.
    exec(compile("\n".join(source), __file__, "exec"), space)
    return numba.njit(space[name])


def packed_product_of(vectors: int, fixed: bool = False) -> Any:
    """Return the compiled function `product(rows, depth, row, row_step, panel, sums, add)` of packed panels, or of
    those of `fixed_point`.

    Row m begins at `row + m * row_step` (bytes), its numbers side by side; `sums` takes the rows' vectors. There
    may be more rows than a tile has: all of them pass a piece of the panel while it is in the second cache.
    """
    product, most, step = product_of(vectors, fixed), rows_at_once(vectors), vectors * VECTOR
    # A panel of whole numbers ends with their scales, and is taken in one piece.
    panel_step, longest = (STEP, 1 << 60) if fixed else (step, DEPTH)

    def packed_product(rows: int, depth: int, row: int, row_step: int, panel: int, sums: int, add: bool) -> None:
        start = 0
        while start < depth:
            piece = block(depth - start, longest)
            m = 0
            while m < rows:
                count = block(rows - m, most)
                source, target = row + m * row_step + F32 * start, sums + m * step
                weights, more = panel + start * panel_step, add or start > 0
                product(count, piece, source, row_step, F32, weights, panel_step, target, step, more, 0, 0, 0, 0)
                m += count
            start += piece

    # Compiled functions are known by their names to all kernels of a process, those from the cache among them.
    packed_product.__qualname__ = packed_product.__name__ = f"packed_product{vectors}{'_fixed' * fixed}"
    return numba.njit(packed_product)


product1, product2, product3, product4 = (packed_product_of(vectors) for vectors in (1, 2, 3, 4))
fixed_product = packed_product_of(4, fixed=True)


@numba.njit
def packed_product(
    width: int, rows: int, depth: int, row: int, row_step: int, panel: int, sums: int, add: bool
) -> None:
    """The product of `packed_product_of` with a panel of `width` vectors, 1 to 4."""
    more = add or depth < 0  # as a variable: see `product_of`
    if width == 4:
        product4(rows, depth, row, row_step, panel, sums, more)
    elif width == 3:
        product3(rows, depth, row, row_step, panel, sums, more)
    elif width == 2:
        product2(rows, depth, row, row_step, panel, sums, more)
    else:
        product1(rows, depth, row, row_step, panel, sums, more)


def packed_pair_of(vectors: int) -> Any:
    """Return the compiled function of `packed_pair` for panels of this many vectors."""
    product, step, most = product_of(vectors), F32 * vectors * LANES, rows_at_once(vectors)

    def packed_pair(
        rows: int,
        depth: int,
        row: int,
        row_step: int,
        panel: int,
        depth2: int,
        row2: int,
        step2: int,
        panel2: int,
        sums: int,
    ) -> None:
        m, add = 0, depth < 0  # never
        while m < rows:
            count = block(rows - m, most)
            first, second, target = row + m * row_step, row2 + m * step2, sums + m * step
            product(count, depth, first, row_step, F32, panel, step, target, step, add, depth2, second, step2, panel2)
            m += count

    packed_pair.__qualname__ = packed_pair.__name__ = f"packed_pair{vectors}"
    return numba.njit(packed_pair)


pair1, pair2, pair4 = (packed_pair_of(vectors) for vectors in (1, 2, 4))


@numba.njit
def packed_pair(
    width: int,
    rows: int,
    depth: int,
    row: int,
    row_step: int,
    panel: int,
    depth2: int,
    row2: int,
    step2: int,
    panel2: int,
    sums: int,
) -> None:
    """The sum of two products, each as `packed_product`'s, with panels of 1, 2 or 4 vectors."""
    if depth > DEPTH or depth2 > DEPTH:
        packed_product(width, rows, depth, row, row_step, panel, sums, depth < 0)
        packed_product(width, rows, depth2, row2, step2, panel2, sums, depth > 0)
    elif width == 4:
        pair4(rows, depth, row, row_step, panel, depth2, row2, step2, panel2, sums)
    elif width == 2:
        pair2(rows, depth, row, row_step, panel, depth2, row2, step2, panel2, sums)
    else:
        pair1(rows, depth, row, row_step, panel, depth2, row2, step2, panel2, sums)


@intrinsic
def dots(_: Any, weight: Any, weight_step: Any, rows: Any, depth: Any, row: Any) -> Any:
    """Return the products of `LANES` rows of weights, as they lie, with one row of numbers.

    Of fewer rows of weights, the last one fills the other lanes. Without panels, for batches so small that
    laying out the weights would cost more than reading them.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        weight, weight_step, rows, depth, row = arguments
        last = builder.sub(rows, ir.Constant(LONG, 1))
        starts = []
        for lane in range(LANES):
            number = ir.Constant(LONG, lane)
            inside = builder.select(builder.icmp_signed("<", number, last), number, last)
            starts.append(builder.add(weight, builder.mul(inside, weight_step)))
        head, body, after = (builder.append_basic_block(name) for name in ("dots", "dots.body", "dots.after"))
        source = builder.basic_block
        whole = builder.mul(builder.sdiv(depth, ir.Constant(LONG, LANES)), ir.Constant(LONG, LANES * F32))
        builder.branch(head)
        builder.position_at_end(head)
        at = builder.phi(LONG)
        at.add_incoming(ir.Constant(LONG, 0), source)
        sums = [builder.phi(FLOATS) for _ in range(LANES)]
        for phi in sums:
            phi.add_incoming(floats(0.0), source)
        builder.cbranch(builder.icmp_signed("<", at, whole), body, after)
        builder.position_at_end(body)
        numbers = _at(builder, builder.add(row, at), FLOATS)
        new = [
            fma(builder, _at(builder, builder.add(start, at), FLOATS), numbers, s)
            for start, s in zip(starts, sums, strict=True)
        ]
        at.add_incoming(builder.add(at, ir.Constant(LONG, LANES * F32)), body)
        for phi, value in zip(sums, new, strict=True):
            phi.add_incoming(value, body)
        builder.branch(head)
        builder.position_at_end(after)
        left = builder.sub(depth, builder.sdiv(whole, ir.Constant(LONG, F32)))
        numbers = load_first_ir(builder, builder.add(row, whole), left)
        ended = [
            fma(builder, load_first_ir(builder, builder.add(start, whole), left), numbers, phi)
            for start, phi in zip(starts, sums, strict=True)
        ]
        return sums_of_ir(builder, ended)

    return vector(*(types.int64,) * 5), generate
