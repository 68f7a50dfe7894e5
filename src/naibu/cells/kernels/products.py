"""Matrix products by the tiles: `a @ weight`, and the sum over rows of `a[row]` times `b[row]`."""

from __future__ import annotations

from typing import Any

import torch
from numba import carray, njit
from torch import Tensor

from naibu.cells.kernels.compiled import Kernel, enter, record
from naibu.cells.kernels.packing import packed_rows, panels_of
from naibu.cells.kernels.tile import block, product_of, rows_at_once
from naibu.cells.kernels.vector import F32, LANES, integer, load, load_part, store, store_part

product1, product2, product3, product4 = (product_of(vectors) for vectors in (1, 2, 3, 4))
ROWS = rows_at_once(4)
DEPTH = 512
"""Rows of a sum that are read before the next tile: what they are multiplied with stays in the second cache."""
SUMS = LANES * 4 * LANES + DEPTH * LANES
"""Numbers that a thread of `sum_of_outer` needs for itself."""


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
    step = F32 * width * LANES
    if width == 4:
        product4(count, depth, row, row_step, k_step, panel, panel_step, sums, step, False)
    elif width == 3:
        product3(count, depth, row, row_step, k_step, panel, panel_step, sums, step, False)
    elif width == 2:
        product2(count, depth, row, row_step, k_step, panel, panel_step, sums, step, False)
    else:
        product1(count, depth, row, row_step, k_step, panel, panel_step, sums, step, False)


TIMES_TASK = record("a", "rows", "depth", "weight", "panel", "panels", "columns", "out", "sums")


def _times(address: int) -> None:
    """out[row] = a[row] @ weight, the weight packed; threads take turns at blocks of rows."""
    task = carray(address, 1, TIMES_TASK)[0]
    thread, threads = enter(task)
    sums = task.sums + F32 * thread * ROWS * 4 * LANES
    begin, end = task.rows * thread // threads, task.rows * (thread + 1) // threads
    while begin < end:
        stop = min(end, begin + 16 * ROWS)  # rows that stay in the cache while all panels pass
        for panel in range(task.panels):
            first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
            weights, row = task.weight + F32 * first * task.depth * LANES, begin
            while row < stop:
                count = block(stop - row, ROWS)
                a, step = task.a + F32 * row * task.depth, F32 * width * LANES
                _product(width, count, task.depth, a, F32 * task.depth, F32, weights, step, sums)
                for m in range(count):
                    for v in range(width):
                        column = (first + v) * LANES
                        target = task.out + F32 * ((row + m) * task.columns + column)
                        store_part(target, load(sums + F32 * (m * width + v) * LANES), task.columns - column)
                row += count
        begin = stop


TIMES = Kernel("matrix product", _times, TIMES_TASK)


SUM_OF_OUTER_TASK = record("a", "b", "rows", "width", "columns", "tail", "panel", "panels", "out", "sums")


def _sum_of_outer(address: int) -> None:
    """out[m, column] = sum over rows of a[row, m] * b[row, column]; threads share out m."""
    task = carray(address, 1, SUM_OF_OUTER_TASK)[0]
    thread, threads = enter(task)
    sums = task.sums + F32 * thread * SUMS
    copied = sums + F32 * LANES * 4 * LANES
    groups = -(-task.width // LANES)
    for start in range(0, task.rows, DEPTH):
        depth = min(DEPTH, task.rows - start)
        for group in range(groups * thread // threads, groups * (thread + 1) // threads):
            left = task.width - group * LANES
            # What lies a row apart is copied side by side, or each of the numbers would wait for its own line.
            for k in range(depth):
                source = task.a + F32 * ((start + k) * task.width + group * LANES)
                store(copied + F32 * k * LANES, load_part(source, left))
            for panel in range(task.panels):
                _outer_panel(task, panel, start, depth, group * LANES, min(left, LANES), copied, sums)


@njit
def _outer_panel(
    task: Any, panel: int, start: int, depth: int, m_first: int, m_count: int, copied: int, sums: int
) -> None:
    """Add the products of some rows to one panel of columns of some rows of the result."""
    first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
    b, step = task.b + F32 * (start * task.columns + first * LANES), F32 * task.columns
    if (first + width) * LANES > task.columns:
        # The last vector would read beyond the rows, so those columns have been copied.
        b, step = task.tail + F32 * start * width * LANES, F32 * width * LANES
    m = 0
    while m < m_count:
        count = block(m_count - m, ROWS)
        _product(width, count, depth, copied + F32 * m, F32, F32 * LANES, b, step, sums)
        for k in range(count):
            for v in range(width):
                column = (first + v) * LANES
                target = task.out + F32 * ((m_first + m + k) * task.columns + column)
                value = load(sums + F32 * (k * width + v) * LANES)
                if start:
                    value = value + load_part(target, task.columns - column)
                store_part(target, value, task.columns - column)
        m += count


SUM_OF_OUTER = Kernel("product of weight gradients", _sum_of_outer, SUM_OF_OUTER_TASK)


COLUMN_SUMS_TASK = record("a", "rows", "columns", "ids", "out")


def _column_sums(address: int) -> None:
    """out[index of row] += a[row]; threads share out the columns."""
    task = carray(address, 1, COLUMN_SUMS_TASK)[0]
    thread, threads = enter(task)
    vectors = -(-task.columns // LANES)
    for row in range(task.rows):
        source = task.a + F32 * row * task.columns
        target = task.out
        if task.ids:
            target += F32 * integer(task.ids, row) * task.columns
        for v in range(vectors * thread // threads, vectors * (thread + 1) // threads):
            left = task.columns - v * LANES
            value = load_part(source + F32 * v * LANES, left) + load_part(target + F32 * v * LANES, left)
            store_part(target + F32 * v * LANES, value, left)


COLUMN_SUMS = Kernel("sums of columns", _column_sums, COLUMN_SUMS_TASK)


def times(a: Tensor, weight: Tensor, threads: int) -> Tensor:
    """Return `a [row depth] @ weight [depth columns]`."""
    rows, depth = a.shape
    panels = panels_of(weight.shape[1])
    packed, out = packed_rows(weight, panels, threads), a.new_empty(rows, weight.shape[1])
    sums = a.new_empty(threads * ROWS * 4 * LANES)
    TIMES(
        threads,
        a=a.data_ptr(),
        rows=rows,
        depth=depth,
        weight=packed.data_ptr(),
        panel=panels.data_ptr(),
        panels=len(panels),
        columns=weight.shape[1],
        out=out.data_ptr(),
        sums=sums.data_ptr(),
    )
    return out


def sum_of_outer(a: Tensor, b: Tensor, threads: int) -> Tensor:
    """Return `a.T @ b` of `a [row width]` and `b [row columns]`."""
    rows, width, columns = len(a), a.shape[1], b.shape[1]
    out = a.new_empty(width, columns)
    if not rows:
        return out.zero_()
    panels = panels_of(columns)
    first, vectors = panels[-1].tolist()
    tail = b
    if (first + vectors) * LANES > columns:
        tail = b.new_zeros(rows, vectors * LANES)
        tail[:, : columns - first * LANES] = b[:, first * LANES :]
    sums = a.new_empty(threads * SUMS)
    SUM_OF_OUTER(
        threads,
        a=a.data_ptr(),
        b=b.data_ptr(),
        rows=rows,
        width=width,
        columns=columns,
        tail=tail.data_ptr(),
        panel=panels.data_ptr(),
        panels=len(panels),
        out=out.data_ptr(),
        sums=sums.data_ptr(),
    )
    return out


def sum_by_symbol(a: Tensor, ids: Tensor | None, symbols: int, threads: int) -> Tensor:
    """Return for each symbol the sum of the rows of `a [row columns]` that have it, `[symbol columns]`; of all
    rows where there are no ids."""
    out = torch.zeros(symbols, a.shape[1])
    COLUMN_SUMS(
        threads,
        a=a.data_ptr(),
        rows=len(a),
        columns=a.shape[1],
        ids=0 if ids is None else ids.data_ptr(),
        out=out.data_ptr(),
    )
    return out
