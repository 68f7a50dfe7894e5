"""Matrix products by the tiles: `a @ weight`, and the sum over rows of `a[row]` times `b[row]`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numba import carray, njit
from torch import Tensor

from naibu.cells.kernels import workspace
from naibu.cells.kernels.compiled import Kernel, address, enter, record, wait
from naibu.cells.kernels.packing import pack_panels, panels_of, vectors_of
from naibu.cells.kernels.steps import Steps
from naibu.cells.kernels.tile import block, packed_product, product_of, rows_at_once
from naibu.cells.kernels.vector import (
    F32,
    LANES,
    integer,
    load,
    load_part,
    prefetch,
    splat,
    store,
    store_part,
    write_integer,
)

product1, product2, product3, product4 = (product_of(vectors) for vectors in (1, 2, 3, 4))
ROWS = rows_at_once(4)
TIMES_ROWS = 16 * ROWS
"""Rows of a product that pass all panels before the next, at most."""
DEPTH = 512
"""Rows of a sum that are read before the next tile: what they are multiplied with stays in the second cache."""
GROUPS = 16
"""Vectors of columns that are copied at a time, so that they stay in the second cache while all panels pass."""
OUTER = ROWS * 4 * LANES + DEPTH * 4 * LANES + GROUPS * DEPTH * LANES
"""Numbers that `add_outer` needs."""
ROOM = OUTER + 2 * 2 * DEPTH
"""Numbers that a thread of `sum_of_outer` needs for itself: besides, two addresses a row."""


@njit
def _product(
    width: int,
    count: int,
    depth: int,
    row: int,
    row_step: int,
    k_step: int,
    panel: int,
    panel_step: int,
    sums: int,
) -> None:
    step, add = F32 * width * LANES, depth < 0  # never
    if width == 4:
        product4(count, depth, row, row_step, k_step, panel, panel_step, sums, step, add, 0, 0, 0, 0)
    elif width == 3:
        product3(count, depth, row, row_step, k_step, panel, panel_step, sums, step, add, 0, 0, 0, 0)
    elif width == 2:
        product2(count, depth, row, row_step, k_step, panel, panel_step, sums, step, add, 0, 0, 0, 0)
    else:
        product1(count, depth, row, row_step, k_step, panel, panel_step, sums, step, add, 0, 0, 0, 0)


@njit
def rows_times(
    count: int,
    depth: int,
    row: int,
    panels: int,
    panel_count: int,
    packed: int,
    columns: int,
    bias: int,
    out: int,
    sums: int,
) -> None:
    """out[m] = row[m] @ weight + bias of some neighbouring rows of `depth` numbers; bias may be 0, for none.

    The weight is packed in the `panels` of its `columns`; `sums` has room for the rows of a panel.
    """
    for panel in range(panel_count):
        first, width = integer(panels, 2 * panel), integer(panels, 2 * panel + 1)
        weights = packed + F32 * first * depth * LANES
        packed_product(width, count, depth, row, F32 * depth, weights, sums, count < 0)
        for m in range(count):
            for v in range(width):
                column = (first + v) * LANES
                value = load(sums + F32 * (m * width + v) * LANES)
                if bias:
                    value = value + load_part(bias + F32 * column, columns - column)
                store_part(out + F32 * (m * columns + column), value, columns - column)


TIMES_TASK = record(
    "a",  # [row depth]
    "rows",
    "depth",
    "weight",  # [depth column], or [column depth] with `across`
    "across",
    "panel",
    "panels",
    "columns",
    "packed",
    "bias",  # [column], or 0
    "out",  # [row column]
    "sums",
)


def _times(address: int) -> None:
    """out[row] = a[row] @ weight + bias; threads take turns at some rows."""
    task = carray(address, 1, TIMES_TASK)[0]
    thread, threads = enter(task)
    sums = task.sums + F32 * thread * TIMES_ROWS * 4 * LANES
    pack_panels(task, thread, threads)
    wait(task, threads)
    # Rows that stay in the cache while all panels pass; how they are cut, and with it the order in which numbers are
    # summed, does not depend on the threads.
    blocks = -(-task.rows // (4 * ROWS if task.rows < 128 * ROWS else TIMES_ROWS))
    for number in range(thread, blocks, threads):
        begin, end = task.rows * number // blocks, task.rows * (number + 1) // blocks
        a, out = task.a + F32 * begin * task.depth, task.out + F32 * begin * task.columns
        rows_times(
            end - begin,
            task.depth,
            a,
            task.panel,
            task.panels,
            task.packed,
            task.columns,
            task.bias,
            out,
            sums,
        )


TIMES = Kernel("matrix product", _times, TIMES_TASK)


@njit
def add_outer(
    a_rows: int,
    width: int,
    b_rows: int,
    columns: int,
    count: int,
    groups: tuple[int, int],
    panels: int,
    panel_count: int,
    out: int,
    fresh: bool,
    room: int,
) -> None:
    """out[m, column] += sum over k of a[k, m] * b[k, column], for the groups of `LANES` of m from one to another; what
    is `fresh` holds nothing yet.

    `a_rows` and `b_rows` hold the address of each of `count` rows of `width` and `columns` numbers; `panels` are those
    of the columns, and `room` holds `OUTER` numbers.
    """
    sums = room
    panel_copy = sums + F32 * ROWS * 4 * LANES
    groups_copy = panel_copy + F32 * DEPTH * 4 * LANES
    for start in range(0, count, DEPTH):
        depth, group = min(DEPTH, count - start), groups[0]
        while group < groups[1]:
            some = min(GROUPS, groups[1] - group)
            # Numbers that lie a row apart are copied side by side, or each would wait for its own line of memory.
            for k in range(depth):
                row = integer(a_rows, start + k)
                for g in range(some):
                    column = (group + g) * LANES
                    value = load_part(row + F32 * column, width - column)
                    store(groups_copy + F32 * (g * DEPTH + k) * LANES, value)
            for panel in range(panel_count):
                first, vectors = integer(panels, 2 * panel), integer(panels, 2 * panel + 1)
                for k in range(depth):
                    row = integer(b_rows, start + k)
                    for v in range(vectors):
                        column = (first + v) * LANES
                        value = load_part(row + F32 * column, columns - column)
                        store(panel_copy + F32 * (k * vectors + v) * LANES, value)
                for g in range(some):
                    copied, m = groups_copy + F32 * g * DEPTH * LANES, (group + g) * LANES
                    target, left = (
                        out + F32 * (m * columns + first * LANES),
                        (min(LANES, width - m), columns - first * LANES),
                    )
                    _outer_panel(target, columns, vectors, left, depth, copied, panel_copy, sums, fresh and start == 0)
            group += some


@njit
def _outer_panel(
    out: int,
    columns: int,
    vectors: int,
    left: tuple[int, int],
    depth: int,
    copied: int,
    panel: int,
    sums: int,
    fresh: bool,
) -> None:
    """Add the products of some rows to one panel of columns of one group of rows of the result, which is at `out`;
    so many rows and columns are `left` there."""
    m = 0
    while m < left[0]:
        count = block(left[0] - m, ROWS)
        for k in range(count):  # on its way from memory while the product is computed
            for v in range(vectors):
                prefetch(out + F32 * ((m + k) * columns + v * LANES))
        _product(vectors, count, depth, copied + F32 * m, F32, F32 * LANES, panel, F32 * vectors * LANES, sums)
        for k in range(count):
            for v in range(vectors):
                target = out + F32 * ((m + k) * columns + v * LANES)
                value = load(sums + F32 * (k * vectors + v) * LANES)
                if not fresh:
                    value = value + load_part(target, left[1] - v * LANES)
                store_part(target, value, left[1] - v * LANES)
        m += count


SUM_OF_OUTER_TASK = record("a", "b", "rows", "width", "columns", "panel", "panels", "out", "room")


def _sum_of_outer(address: int) -> None:
    """out[m, column] = sum over rows of a[row, m] * b[row, column]; threads share out m."""
    task = carray(address, 1, SUM_OF_OUTER_TASK)[0]
    thread, threads = enter(task)
    room = task.room + F32 * thread * ROOM
    a_rows, b_rows = room + F32 * OUTER, room + F32 * OUTER + 8 * DEPTH
    groups = -(-task.width // LANES)
    mine = (groups * thread // threads, groups * (thread + 1) // threads)
    for start in range(0, task.rows, DEPTH):
        depth = min(DEPTH, task.rows - start)
        for k in range(depth):
            write_integer(a_rows, k, task.a + F32 * (start + k) * task.width)
            write_integer(b_rows, k, task.b + F32 * (start + k) * task.columns)
        add_outer(
            a_rows, task.width, b_rows, task.columns, depth, mine, task.panel, task.panels, task.out, start == 0, room
        )


SUM_OF_OUTER = Kernel("product of weight gradients", _sum_of_outer, SUM_OF_OUTER_TASK)


COLUMN_SUMS_TASK = record("a", "rows", "columns", "ids", "symbols", "out")


def _column_sums(address: int) -> None:
    """out[symbol] = sum of the rows a[row] that have it; threads share out the columns."""
    task = carray(address, 1, COLUMN_SUMS_TASK)[0]
    thread, threads = enter(task)
    vectors = -(-task.columns // LANES)
    begin, end = vectors * thread // threads, vectors * (thread + 1) // threads
    for symbol in range(task.symbols):
        for v in range(begin, end):
            place = task.out + F32 * (symbol * task.columns + v * LANES)
            store_part(place, splat(np.float32(0)), task.columns - v * LANES)
    for row in range(task.rows):
        source = task.a + F32 * row * task.columns
        target = task.out
        if task.ids:
            target += F32 * integer(task.ids, row) * task.columns
        for v in range(begin, end):
            left = task.columns - v * LANES
            value = load_part(source + F32 * v * LANES, left) + load_part(target + F32 * v * LANES, left)
            store_part(target + F32 * v * LANES, value, left)


COLUMN_SUMS = Kernel("sums of columns", _column_sums, COLUMN_SUMS_TASK)


def times(a: Tensor, weight: Tensor, threads: int, bias: Tensor | None = None) -> Tensor:
    """Return `a [row depth] @ weight [depth columns] + bias [columns]`; the weight may be a transposed view."""
    (rows, depth), columns = a.shape, weight.shape[1]
    if depth == 0:
        return a.new_zeros(rows, columns) if bias is None else bias.repeat(rows, 1)
    across = not weight.is_contiguous()
    weight = weight.t().contiguous() if across else weight
    panels, out = panels_of(columns), a.new_empty(rows, columns)
    sizes = {"packed": depth * vectors_of(columns) * LANES, "sums": threads * TIMES_ROWS * 4 * LANES}
    rooms, _held = workspace.of(a, sizes)
    TIMES(
        threads,
        a=a.data_ptr(),
        rows=rows,
        depth=depth,
        weight=weight.data_ptr(),
        across=int(across),
        panel=panels.data_ptr(),
        panels=len(panels),
        columns=columns,
        bias=address(bias),
        out=out.data_ptr(),
        **rooms,
    )
    return out


def sum_of_outer(a: Tensor, b: Tensor, threads: int) -> Tensor:
    """Return `a.T @ b` of `a [row width]` and `b [row columns]`."""
    out = a.new_empty(a.shape[1], b.shape[1])
    if not len(a):
        return out.zero_()
    panels = panels_of(b.shape[1])
    rooms, _held = workspace.of(a, {"room": threads * ROOM})
    SUM_OF_OUTER(
        threads,
        a=a.data_ptr(),
        b=b.data_ptr(),
        rows=len(a),
        width=a.shape[1],
        columns=b.shape[1],
        panel=panels.data_ptr(),
        panels=len(panels),
        out=out.data_ptr(),
        **rooms,
    )
    return out


def sum_by_symbol(a: Tensor, ids: Tensor | None, symbols: int, threads: int) -> Tensor:
    """Return for each symbol the sum of the rows of `a [row columns]` that have it, `[symbol columns]`; of all
    rows where there are no ids."""
    out = a.new_empty(symbols, a.shape[1])
    COLUMN_SUMS(
        threads,
        a=a.data_ptr(),
        rows=len(a),
        columns=a.shape[1],
        ids=address(ids),
        symbols=symbols,
        out=out.data_ptr(),
    )
    return out


def table_of(vectors: Tensor, weight: Tensor, *biases: Tensor | None) -> Tensor:
    """Return W e + b, `[symbol gates*hidden]`, of the `vectors [symbol input]` of all symbols: what a layer makes of
    each before it knows the state."""
    there = [bias for bias in biases if bias is not None]
    return times(vectors, weight.t(), torch.get_num_threads(), sum(there[1:], start=there[0]) if there else None)


class InputGradients(NamedTuple):
    """What a layer's input part gets back; None for what is not asked for."""

    x: Tensor | None  # [row inputs]
    vectors: Tensor | None  # [symbol inputs]
    weight: Tensor | None  # [gates*hidden inputs]
    bias: Tensor | None  # [gates*hidden]


def input_gradients(
    d: Tensor, x: Tensor, vectors: Tensor | None, weight: Tensor, needed: tuple[bool, bool, bool]
) -> InputGradients:
    """Return the gradients of x, weight and bias from that of W x + b, `d [row gates*hidden]`.

    Where x holds symbols, their `vectors [symbol inputs]` stand in its place. `needed` says which of the three are
    wanted.
    """
    threads = torch.get_num_threads()
    if vectors is not None:
        of_table = sum_by_symbol(d, x, len(vectors), threads) if any(needed) else None
        return symbol_gradients(of_table, vectors, weight, needed)
    return InputGradients(
        times(d, weight, threads) if needed[0] else None,
        None,
        sum_of_outer(d, x, threads) if needed[1] else None,
        sum_by_symbol(d, None, 1, threads)[0] if needed[2] else None,
    )


def symbol_gradients(
    of_table: Tensor | None, vectors: Tensor, weight: Tensor, needed: tuple[bool, bool, bool]
) -> InputGradients:
    """Return the gradients of the vectors of symbols, weight and bias from that of their table W e + b,
    `[symbol gates*hidden]`, which may be None where none is wanted."""
    threads = torch.get_num_threads()
    if of_table is None:
        return InputGradients(None, None, None, None)
    return InputGradients(
        None,
        times(of_table, weight, threads) if needed[0] else None,
        sum_of_outer(of_table, vectors, threads) if needed[1] else None,
        sum_by_symbol(of_table, None, 1, threads)[0] if needed[2] else None,
    )


def recurrent_gradient(d: Tensor, h: Tensor, h0: Tensor | None, steps: Steps) -> Tensor:
    """Return the gradient of W_hh from that of W_hh h, `d [row gates*hidden]`, where h `[row hidden]` has come from
    `h0`, or from zeros."""
    later, earlier = steps.after_and_before(d, h, h0)
    gradient = sum_of_outer(later, earlier, torch.get_num_threads())
    if steps.dense and h0 is not None:
        gradient.addmm_(d[steps.first].t(), h0)
    return gradient


def for_each(gradient: Tensor | None, first: bool, second: bool) -> tuple[Tensor | None, Tensor | None]:
    """Return one gradient for each of two parameters that are wanted, in memory of their own."""
    if gradient is None or not (first and second):
        return gradient if first else None, gradient if second else None
    return gradient, gradient.clone()
