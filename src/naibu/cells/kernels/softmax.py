"""The output layer over few symbols with its softmax and cross-entropy, in one pass.

Some rows of hidden vectors become scores, probabilities, losses and the gradient of the hidden vectors while all that
lies in the second cache. What is written besides is the gradient of the scores, of which that of weight and bias is
one product and one sum.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import carray, njit

from naibu.cells.kernels.compiled import Kernel, enter, record, wait
from naibu.cells.kernels.packing import pack_columns_panel, pack_rows_panel
from naibu.cells.kernels.products import rows_times
from naibu.cells.kernels.tile import block, packed_product
from naibu.cells.kernels.vector import (
    F32,
    LANES,
    exp,
    highest,
    integer,
    largest,
    load,
    read_number,
    splat,
    store,
    store_part,
    total,
    write_integer,
    write_number,
)

ROWS = 48
"""Rows whose scores are there at a time."""
NONE = np.float32(-1e30)
"""The score of a lane that is no symbol."""

TASK = record(
    "rows",
    "hidden",
    "symbols",
    "h",  # [row hidden]
    "weight",  # [symbol hidden]
    "bias",  # [symbol], or 0
    "targets",  # [row]; negative ones are padding
    "panel",  # [panel 2] of symbols
    "panels",
    "packed",  # room for the weight, packed for scores
    "padded",  # room for the bias, with what is no symbol
    "panel_back",  # [panel 2] of hidden units
    "panels_back",
    "packed_back",  # room for the weight, packed for the gradient of hidden vectors
    "loss",  # [row]
    "total",  # of the losses
    "counted",  # integers: targets that are no padding, and the last one met that is no symbol, or -1
    "d",  # [row symbol]: the gradient of the scores, or 0
    "d_hidden",  # [row hidden], or 0
    "sums",
    "sums_each",  # bytes of them that are one thread's
)


@njit
def _place(first: int, width: int, count: int, m: int, v: int) -> int:
    """Return how far behind the first sums those of one row and vector lie."""
    return F32 * LANES * (first * count + m * width + v)


@njit
def _softmax(task: Any, row: int, count: int, m: int, sums: int) -> None:
    """Make loss and gradient of one row's scores."""
    target, d = integer(task.targets, row), task.d + F32 * row * task.symbols
    if not 0 <= target < task.symbols:
        write_number(task.loss + F32 * row, np.float32(0))
        for symbol in range(0, task.symbols * (task.d > 0), LANES):
            store_part(d + F32 * symbol, splat(np.float32(0)), task.symbols - symbol)
        return
    top, of_target = splat(NONE), np.float32(0)
    for panel in range(task.panels):
        first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
        for v in range(width):
            place = sums + _place(first, width, count, m, v)
            score = load(place) + load(task.padded + F32 * LANES * (first + v))
            store(place, score)
            top = largest(top, score)
            if target // LANES == first + v:
                of_target = read_number(place + F32 * (target % LANES))
    peak = highest(top)
    weights = splat(np.float32(0))
    for panel in range(task.panels):
        first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
        for v in range(width):
            place = sums + _place(first, width, count, m, v)
            weight = exp(load(place) - splat(peak))
            store(place, weight)
            weights = weights + weight
    sum_of_weights = total(weights)
    write_number(task.loss + F32 * row, np.float32(math.log(sum_of_weights)) + (peak - of_target))
    if task.d == 0:
        return
    share = splat(np.float32(1) / sum_of_weights)
    for panel in range(task.panels):
        first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
        for v in range(width):
            p = load(sums + _place(first, width, count, m, v)) * share
            store_part(d + F32 * LANES * (first + v), p, task.symbols - LANES * (first + v))
    write_number(d + F32 * target, read_number(d + F32 * target) - np.float32(1))


@njit
def _count(task: Any) -> None:
    """Add the losses up, in the order of the rows, and count the targets."""
    total, counted, strange = 0.0, 0, -1
    for row in range(task.rows):
        target = integer(task.targets, row)
        total += read_number(task.loss + F32 * row)
        counted += target >= 0
        if target >= task.symbols:
            strange = target
    write_number(task.total, np.float32(total))
    write_integer(task.counted, 0, counted)
    write_integer(task.counted, 1, strange)


def _cross_entropy(address: int) -> None:
    """Losses, and gradients of scores and hidden vectors; threads share out the rows."""
    task = carray(address, 1, TASK)[0]
    thread, threads = enter(task)
    sums = task.sums + task.sums_each * thread
    for panel in range(thread, task.panels, threads):
        pack_columns_panel(task.weight, task.symbols, task.hidden, task.panel, panel, task.packed)
        first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
        for v in range(first, first + width):
            for lane in range(LANES):
                symbol, value = v * LANES + lane, NONE
                if symbol < task.symbols:
                    value = read_number(task.bias + F32 * symbol) if task.bias else np.float32(0)
                write_number(task.padded + F32 * symbol, value)
    if task.d_hidden:
        for panel in range(thread, task.panels_back, threads):
            pack_rows_panel(task.weight, task.hidden, task.symbols, task.panel_back, panel, task.packed_back)
    wait(task, threads)
    row, end = task.rows * thread // threads, task.rows * (thread + 1) // threads
    while row < end:
        count = block(end - row, ROWS)
        for panel in range(task.panels):
            first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
            h, weights = task.h + F32 * row * task.hidden, task.packed + F32 * first * task.hidden * LANES
            place = sums + _place(first, width, count, 0, 0)
            packed_product(width, count, task.hidden, h, F32 * task.hidden, weights, place, row < 0)
        for m in range(count):
            _softmax(task, row + m, count, m, sums)
        if task.d_hidden:
            d, d_hidden = task.d + F32 * row * task.symbols, task.d_hidden + F32 * row * task.hidden
            back = (task.panel_back, task.panels_back, task.packed_back)
            rows_times(count, task.symbols, d, *back, task.hidden, 0, d_hidden, sums)
        row += count
    wait(task, threads)
    if thread == 0:
        _count(task)


cross_entropy = Kernel("cross-entropy of few symbols", _cross_entropy, TASK)
