"""The LSTM's backward pass on a CPU in float32: all steps of one layer in one direction.

Where threads share out the rows of the batch, each takes some steps back through time, and the gradients of these
steps, while they are still in its second cache, become those of the input and a share in those of the weights: the
gradient of the gates' sums is never there as a whole. Where threads share out the units it is, and products follow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit

from naibu.cells.kernels.compiled import Kernel, enter, record, shares, wait
from naibu.cells.kernels.lstm import GATES, ROWS, SUMS
from naibu.cells.kernels.packing import pack_rows_panel, pack_state_rows
from naibu.cells.kernels.products import OUTER, add_outer, rows_times
from naibu.cells.kernels.tile import block, packed_product
from naibu.cells.kernels.vector import (
    F32,
    LANES,
    integer,
    load,
    load_part,
    splat,
    store_part,
    tanh,
    write_integer,
)

LONG_BYTES = 8

BACKWARD = record(
    "steps",
    "batch",
    "hidden",
    "inputs",  # 0 with symbols
    "offset",
    "alive",
    "x",  # [row inputs]
    "ids",  # [row]: symbols in the place of x, or 0
    "symbols",
    "h",  # [row hidden]
    "h0",  # [batch hidden], or 0 for zeros
    "gates",
    "c",  # [row hidden]
    "c0",  # [batch hidden]
    "output_grad",  # [row hidden], or 0
    "cell_grad",  # [row hidden], or 0
    "gates_grad",  # [row gates*hidden], or 0
    "dc",  # [batch hidden], zeros at first, the initial cell's gradient in the end
    "dg",  # [row gates*hidden]: the gradient of the gates' sums; 0 where it becomes the others at once
    "w_hh",  # [gates*hidden hidden]
    "packed",  # room for W_hh, packed
    "panel",  # [panel 2] of hidden units: first vector and vectors
    "panels",
    "w_ih",  # [gates*hidden inputs]
    "packed_ih",  # room for it
    "panel_x",  # [panel 2] of inputs
    "panels_x",
    "dx",  # [row inputs], or 0
    "d_ih",  # [gates*hidden inputs], or of a table [symbol gates*hidden], or 0
    "d_hh",  # [gates*hidden hidden], or 0
    "d_bias",  # [gates*hidden], or 0
    "chunk",  # steps whose gradients are there at a time, at most
    "capacity",  # rows for which a thread has room, those of the step after a chunk among them
    "by_units",
    "sums",
    "parts",  # [thread part]: see `_Part`
    "part",
)


@njit
def _step_back(
    task: Any, step: int, panels: tuple[int, int], rows: tuple[int, int], sums: int, dg_here: int, dg_later: int
) -> None:
    """Compute the gradient of the gates' sums at one step, of some units of some rows.

    Row 0 of this step and of the one after it would have theirs at `dg_here` and `dg_later`.
    """
    hidden, depth = task.hidden, GATES * task.hidden
    here, alive = integer(task.offset, step), integer(task.alive, step)
    going_on = 0 if step == task.steps - 1 else min(alive, integer(task.alive, step + 1))
    old = 0 if step == 0 else integer(task.alive, step - 1)
    for panel in range(panels[0], panels[1]):
        first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
        weights = task.packed + F32 * first * depth * LANES
        row, end = rows[0], min(rows[1], alive)
        while row < end:
            last = row >= going_on
            count = block(end - row if last else min(end, going_on) - row, ROWS)
            if not last:
                packed_product(width, count, depth, dg_later + F32 * row * depth, F32 * depth, weights, sums, last)
            for m in range(count):
                c = task.c + F32 * (here + row + m) * hidden
                before = task.c0 + F32 * (row + m) * hidden
                if row + m < old:
                    before = task.c + F32 * (integer(task.offset, step - 1) + row + m) * hidden
                for v in range(width):
                    dh = splat(np.float32(0)) if last else load(sums + F32 * (m * width + v) * LANES)
                    dg = dg_here + F32 * (row + m) * depth
                    _gates_back(task, here, row + m, (first + v) * LANES, dh, c, before, dg)
            row += count


@njit
def _gates_back(task: Any, here: int, row: int, unit: int, dh: Any, c_place: int, before_place: int, dg: int) -> None:
    """Make the gradient of one row's gates, for a vector of units, of the gradient that comes from later steps."""
    hidden, one = task.hidden, splat(np.float32(1))
    left = hidden - unit
    place = F32 * ((here + row) * hidden + unit)
    gates = task.gates + F32 * ((here + row) * GATES * hidden + unit)
    dc_place = task.dc + F32 * (row * hidden + unit)
    i, f = load_part(gates, left), load_part(gates + F32 * hidden, left)
    g, o = load_part(gates + 2 * F32 * hidden, left), load_part(gates + 3 * F32 * hidden, left)
    tanh_c = tanh(load_part(c_place + F32 * unit, left))
    if task.output_grad:
        dh = dh + load_part(task.output_grad + place, left)
    dc = load_part(dc_place, left)
    if task.cell_grad:
        dc = dc + load_part(task.cell_grad + place, left)
    through = dh * o
    dc = dc + (through - through * tanh_c * tanh_c)
    di, df = dc * g, dc * load_part(before_place + F32 * unit, left)
    d_candidate, do = dc * i, dh * tanh_c
    if task.gates_grad:
        outer = task.gates_grad + F32 * ((here + row) * GATES * hidden + unit)
        di = di + load_part(outer, left)
        df = df + load_part(outer + F32 * hidden, left)
        d_candidate = d_candidate + load_part(outer + 2 * F32 * hidden, left)
        do = do + load_part(outer + 3 * F32 * hidden, left)
    dg += F32 * unit
    store_part(dc_place, dc * f, left)
    store_part(dg, di * i * (one - i), left)
    store_part(dg + F32 * hidden, df * f * (one - f), left)
    store_part(dg + 2 * F32 * hidden, d_candidate - d_candidate * g * g, left)
    store_part(dg + 3 * F32 * hidden, do * o * (one - o), left)


@njit
def _part(task: Any, thread: int) -> tuple[int, int, int, int, int, int]:
    """Return where one thread has what is its own: its share in the gradients of W_hh, of W_ih or the table and of the
    bias; the gradients of the gates' sums of the later step and of a chunk; addresses of rows; room for `add_outer`.

    `part_numbers` says how much that is.
    """
    depth = GATES * task.hidden
    hh = task.parts + F32 * thread * task.part
    ih = hh + F32 * depth * task.hidden
    bias = ih + F32 * depth * (task.inputs + task.symbols)
    ring = bias + F32 * depth
    lists = ring + F32 * task.capacity * depth
    return hh, ih, bias, ring, lists, lists + LONG_BYTES * 4 * task.capacity


def part_numbers(hidden: int, inputs: int, symbols: int, capacity: int) -> int:
    """Return how many numbers of 32 bits a thread has to itself, in whole cache lines."""
    depth = GATES * hidden
    whole = depth * (hidden + inputs + symbols + 1 + capacity) + 2 * 4 * capacity + OUTER
    return -(-whole // 16) * 16


@njit
def _clear(place: int, count: int) -> None:
    """Write so many zeros."""
    for k in range(0, count, LANES):
        store_part(place + F32 * k, splat(np.float32(0)), count - k)


@njit
def _add_row(source: int, target: int, count: int) -> None:
    """target += source, `count` numbers."""
    for k in range(0, count, LANES):
        place = target + F32 * k
        store_part(place, load_part(place, count - k) + load_part(source + F32 * k, count - k), count - k)


@njit
def _weights_back(
    task: Any, done: int, count: int, rows: tuple[int, int], part: Any, fresh: tuple[bool, bool], sums: int
) -> tuple[bool, bool]:
    """Add what `count` steps bring to this thread's share in the gradients of weights and bias; `done` came before.

    Return whether the shares in those of W_hh and W_ih are `fresh`, and hold nothing yet, as it was before.
    """
    hidden, depth = task.hidden, GATES * task.hidden
    hh, ih, bias, ring, lists, room = part
    share = rows[1] - rows[0]
    longest = LONG_BYTES * task.capacity
    of_h, h_rows, of_x, x_rows = lists, lists + longest, lists + 2 * longest, lists + 3 * longest
    states, inputs = 0, 0
    for slot in range(1, count + 1):
        step = task.steps - done - slot
        here, old = integer(task.offset, step), 0 if step == 0 else integer(task.alive, step - 1)
        before = 0 if step == 0 else integer(task.offset, step - 1)
        end = min(rows[1], integer(task.alive, step))
        if task.dx:
            row = rows[0]
            while row < end:
                some = block(end - row, ROWS)
                dg, dx = ring + F32 * (slot * share + row - rows[0]) * depth, task.dx + F32 * (here + row) * task.inputs
                rows_times(some, depth, dg, task.panel_x, task.panels_x, task.packed_ih, task.inputs, 0, dx, sums)
                row += some
        for row in range(rows[0], end):
            dg = ring + F32 * (slot * share + row - rows[0]) * depth
            if task.d_bias:
                _add_row(dg, bias, depth)
            if task.ids:
                _add_row(dg, ih + F32 * integer(task.ids, here + row) * depth, depth)
            else:
                write_integer(of_x, inputs, dg)
                write_integer(x_rows, inputs, task.x + F32 * (here + row) * task.inputs)
                inputs += 1
            if row < old or task.h0:
                h = task.h + F32 * (before + row) * hidden if row < old else task.h0 + F32 * row * hidden
                write_integer(of_h, states, dg)
                write_integer(h_rows, states, h)
                states += 1
    every = (0, -(-depth // LANES))
    if task.d_hh:
        add_outer(of_h, depth, h_rows, hidden, states, every, task.panel, task.panels, hh, fresh[0], room)
    if task.d_ih and not task.ids:
        add_outer(of_x, depth, x_rows, task.inputs, inputs, every, task.panel_x, task.panels_x, ih, fresh[1], room)
    return fresh[0] and states == 0, fresh[1] and inputs == 0


@njit
def _sum_parts(task: Any, first: int, count: int, out: int, thread: int, threads: int) -> None:
    """Write the sum of all threads' shares in one gradient; threads share it out."""
    vectors = -(-count // LANES)
    for v in range(vectors * thread // threads, vectors * (thread + 1) // threads):
        left, place = count - v * LANES, first + F32 * v * LANES
        value = load_part(place, left)
        for other in range(1, threads):
            value = value + load_part(place + F32 * other * task.part, left)
        store_part(out + F32 * v * LANES, value, left)


@njit
def _in_chunks(task: Any, thread: int, threads: int, units: tuple[int, int], rows: tuple[int, int], sums: int) -> None:
    """Take all steps of this thread's rows, and what they bring to the gradients of input, weights and bias."""
    depth, share = GATES * task.hidden, rows[1] - rows[0]
    part = _part(task, thread)
    chunk = min(task.chunk, task.capacity // max(1, share) - 1)  # there may be fewer threads than were asked for
    hh, ih, bias, ring = part[0], part[1], part[2], part[3]
    _clear(bias, depth)
    if task.ids:
        _clear(ih, task.symbols * depth)
    done, fresh = np.int64(0), (task.steps > 0, task.steps > 0)
    while done < task.steps:
        count = min(chunk, task.steps - done)
        for slot in range(1, count + 1):
            here = ring + F32 * (slot * share - rows[0]) * depth
            step = task.steps - done - slot
            _step_back(task, step, units, rows, sums, here, here - F32 * share * depth)
        fresh = _weights_back(task, done, count, rows, part, fresh, sums)
        for k in range(0, share * depth, LANES):
            left = share * depth - k
            store_part(ring + F32 * k, load_part(ring + F32 * (count * share * depth + k), left), left)
        done += count
    if fresh[0]:
        _clear(hh, depth * task.hidden)
    if fresh[1] and not task.ids:
        _clear(ih, depth * task.inputs)
    wait(task, threads)
    part = _part(task, 0)
    if task.d_hh:
        _sum_parts(task, part[0], depth * task.hidden, task.d_hh, thread, threads)
    if task.d_ih:
        _sum_parts(task, part[1], depth * (task.inputs + task.symbols), task.d_ih, thread, threads)
    if task.d_bias:
        _sum_parts(task, part[2], depth, task.d_bias, thread, threads)


def _lstm_backward(address: int) -> None:
    """All steps of the backward pass."""
    task = carray(address, 1, BACKWARD)[0]
    thread, threads = enter(task)
    sums, depth = task.sums + F32 * thread * SUMS, GATES * task.hidden
    rows, units = shares(task, thread, threads, task.panels)
    if task.dx:  # then threads share out the rows, and wait for each other before they go on
        for panel in range(thread, task.panels_x, threads):
            pack_rows_panel(task.w_ih, task.inputs, depth, task.panel_x, panel, task.packed_ih)
    pack_state_rows(task, depth, units, thread, threads)
    if task.dg == 0:
        _in_chunks(task, thread, threads, units, rows, sums)
        return
    for back in range(task.steps):
        step = task.steps - 1 - back
        here, later = integer(task.offset, step), 0
        if back:
            later = integer(task.offset, step + 1)
        _step_back(task, step, units, rows, sums, task.dg + F32 * here * depth, task.dg + F32 * later * depth)
        if task.by_units:
            wait(task, threads)


backward = Kernel("backward pass of the LSTM", _lstm_backward, BACKWARD)
