"""The LSTM on a CPU in float32: all steps of one layer in one direction.

A step is one tile after the other: a few rows of the batch times the panel of a vector of units with all their
gates; gates, cell and output are made of the sums while these are still in the first cache. A last panel of few units
has its gates in one or two vectors instead of four.

Step s reads the rows `offset[s]` to `offset[s] + alive[s]` of all that is kept, so that dense batches, packed
sequences and both directions are one loop. Threads share out either the rows of the batch, which never meet,
or the units, which meet after every step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit

from naibu.cells.kernels.compiled import Kernel, enter, record, shares, to_and_fro, turns, wait
from naibu.cells.kernels.fixed_point import compress
from naibu.cells.kernels.packing import narrow, pack_narrow_panel, pack_panel
from naibu.cells.kernels.rows import Two, after, load_rows, store_rows
from naibu.cells.kernels.tile import block, dots, fixed_product, packed_pair, packed_product
from naibu.cells.kernels.vector import (
    F32,
    LANES,
    integer,
    load,
    load_part,
    sigmoid,
    splat,
    store,
    store_part,
    tanh,
    write_integer,
)

GATES = 4
ROWS = 32
"""Rows of the batch whose sums are kept at a time."""
SUMS = ROWS * 4 * LANES
"""Numbers of those sums, at most."""
PANEL = F32 * GATES * LANES
"""Bytes of a panel for one k, and of one row's sums."""

FORWARD = record(
    "steps",
    "batch",
    "hidden",
    "inputs",
    "offset",  # [step]: the row of what is kept at which a step begins
    "alive",  # [step]: how many sequences the step has
    "x",  # [row inputs]
    "ids",  # [row]: symbols in the place of x, or 0
    "table",  # [symbol gates*hidden]: W_ih x + b of each
    "w_ih",  # [gates*hidden inputs]
    "w_hh",  # [gates*hidden hidden]
    "b_ih",  # [gates*hidden], or 0
    "b_hh",
    "packed_ih",  # room for each, packed
    "packed_hh",
    "bias",
    "fixed",  # [panel]: room to note whether W_hh is packed as `fixed_point` has it; or 0 where it is not to be
    "direct",  # weights are read as they lie, and not packed
    "h0",  # [batch hidden], or 0 for a state of zeros
    "c0",
    "h",  # [row hidden]
    "c",  # [row hidden], or [batch hidden] where `keep_c` is 0
    "keep_c",
    "h_end",  # [batch hidden]: the state after each sequence's last step, or 0
    "c_end",
    "gates",  # [row gates wide], or 0
    "wide",  # numbers from one gate to the next, which may be more than `hidden`
    "before",  # [panel kept PANEL]: the sums of some steps
    "kept",  # rows of `before`, after which it begins again
    "update",  # [row wide], or 0
    "once",  # the input's products of all steps are made at once: its weights are packed panel by panel, in one's room
    "chunk",  # steps whose input's products are made at once; 0: made with the state's in one sum
    "by_units",  # threads share out units, not rows
    "sums",
    "zeros",  # [thread hidden]: room for a row of zeros
)


@njit
def _width(task: Any, panel: int) -> int:
    """Return how many vectors hold one row's sums of one panel."""
    return GATES if task.direct else narrow(task.hidden - panel * LANES)


@njit
def _before(task: Any, panel: int, place: int) -> int:
    """Return where one of the kept rows has its sums of one panel, from the input's products on."""
    return task.before + panel * task.kept * PANEL + place % task.kept * _width(task, panel) * F32 * LANES


@njit
def _pack(weight: int, hidden: int, depth: int, panel: int, target: int) -> None:
    """Pack one panel of one matrix."""
    width = narrow(hidden - panel * LANES)
    if width == GATES:
        pack_panel(weight, hidden, GATES, depth, panel, target)
    else:
        pack_narrow_panel(weight, hidden, depth, panel, width, target)


@njit
def _prepare(task: Any, panel: int) -> None:
    """Pack the weights and the sum of the biases of one panel."""
    if not task.direct:
        if task.inputs and not task.once:
            _pack(task.w_ih, task.hidden, task.inputs, panel, task.packed_ih + panel * task.inputs * PANEL)
        target = task.packed_hh + panel * task.hidden * PANEL
        _pack(task.w_hh, task.hidden, task.hidden, panel, target)
        if task.fixed:
            whole = narrow(task.hidden - panel * LANES) == GATES
            write_integer(task.fixed, panel, int(whole and compress(target, task.hidden)))
    for gate in range(GATES):
        first = F32 * (gate * task.hidden + panel * LANES)
        bias = splat(np.float32(0))
        if task.b_ih:
            left = task.hidden - panel * LANES
            bias = load_part(task.b_ih + first, left) + load_part(task.b_hh + first, left)
        store(task.bias + panel * PANEL + F32 * gate * LANES, bias)


@njit
def _direct(weight: int, hidden: int, panel: int, depth: int, row: int, sums: int, add: bool) -> None:
    """The products of one row with one panel's weights, as they lie."""
    for gate in range(GATES):
        first = weight + F32 * (gate * hidden + panel * LANES) * depth
        value = dots(first, F32 * depth, min(LANES, hidden - panel * LANES), depth, row)
        target = sums + F32 * gate * LANES
        store(target, value + load(target) if add else value)


@njit
def _project(task: Any, steps: tuple[int, int], panels: tuple[int, int], rows: tuple[int, int], thread: int) -> None:
    """Write W_ih x of some steps into the place that `_before` names."""
    whole = rows[1] - rows[0] == task.batch
    for panel in range(panels[0], panels[1]):
        packed = task.packed_ih + (thread if task.once else panel) * task.inputs * PANEL
        if task.once:
            _pack(task.w_ih, task.hidden, task.inputs, panel, packed)
        if whole:  # the rows of neighbouring steps lie side by side
            first = min(integer(task.offset, steps[0]), integer(task.offset, steps[1] - 1))
            last = first
            for step in range(steps[0], steps[1]):
                last += integer(task.alive, step)
            _project_rows(task, panel, first, last, packed)
        else:
            for step in range(steps[0], steps[1]):
                first, alive = integer(task.offset, step), integer(task.alive, step)
                _project_rows(task, panel, first + rows[0], first + min(rows[1], alive), packed)


@njit
def _project_rows(task: Any, panel: int, row: int, end: int, weights: int) -> None:
    """Write W_ih x of neighbouring rows, for one panel, whose packed weights are given."""
    while row < end:
        count = min(end - row, task.kept - row % task.kept)  # up to where `before` begins again
        x, target = task.x + F32 * row * task.inputs, _before(task, panel, row)
        if task.direct:
            count = 1
            _direct(task.w_ih, task.hidden, panel, task.inputs, x, target, False)
        else:
            packed_product(_width(task, panel), count, task.inputs, x, F32 * task.inputs, weights, target, row < 0)
        row += count


@njit
def _step(task: Any, step: int, panels: tuple[int, int], rows: tuple[int, int], scratch: int, zeros: int) -> None:
    """Compute one step of some units of some rows."""
    here, alive = integer(task.offset, step), integer(task.alive, step)
    there, old = here, 0
    if step > 0:
        there, old = integer(task.offset, step - 1), min(alive, integer(task.alive, step - 1))
    row_bytes = F32 * task.hidden
    for turn in range(panels[1] - panels[0]):
        panel = to_and_fro(panels, turn, step)
        width = _width(task, panel)
        row, end = rows[0], min(rows[1], alive)
        while row < end:
            # Rows that go on read what the step before wrote; rows that begin read the initial state.
            first = row >= old
            count = block(end - row if first else min(end, old) - row, ROWS)
            apart = row_bytes
            h, c = task.h + (there + row) * row_bytes, task.c + (there * task.keep_c + row) * row_bytes
            if first:
                h, c = task.h0 + row * row_bytes, task.c0 + row * row_bytes
                if task.h0 == 0:
                    h, c, apart = zeros, zeros, 0
            sums, x = scratch, task.x + F32 * (here + row) * task.inputs
            ih, hh = task.packed_ih + panel * task.inputs * PANEL, task.packed_hh + panel * task.hidden * PANEL
            if task.ids or task.chunk:
                ahead = task.ids == 0
                if ahead:
                    count = min(count, task.kept - (here + row) % task.kept)
                    sums = _before(task, panel, here + row)
                if task.direct:
                    for m in range(count):
                        _direct(task.w_hh, task.hidden, panel, task.hidden, h + m * apart, sums + m * PANEL, ahead)
                elif task.fixed and integer(task.fixed, panel):
                    fixed_product(count, task.hidden, h, apart, hh, sums, ahead)
                else:
                    packed_product(width, count, task.hidden, h, apart, hh, sums, ahead)
            else:
                packed_pair(width, count, task.inputs, x, F32 * task.inputs, ih, task.hidden, h, apart, hh, sums)
            _write(task, here, row, count, panel, sums, width * F32 * LANES, c, apart)
            row += count


@njit
def _write(
    task: Any, here: int, row: int, count: int, panel: int, sums: int, sums_step: int, before: int, before_step: int
) -> None:
    """Make gates, cell and output of the sums of some rows, whose cells of the step `before` are given."""
    unit, step, wide = F32 * panel * LANES, F32 * task.hidden, F32 * task.wide
    before += unit
    c, h = task.c + unit + (here * task.keep_c + row) * step, task.h + unit + (here + row) * step
    gates, update = task.gates + unit + (here + row) * GATES * wide, task.update + unit + (here + row) * wide
    for m in range(0, count - 1, 2):
        first = _known(task, here + row + m, panel)
        _gates(
            task,
            panel,
            Two(sums + m * sums_step, sums_step),
            sums_step // GATES,
            Two(first, _known(task, here + row + m + 1, panel) - first),
            Two(before + m * before_step, before_step),
            Two(c + m * step, step),
            Two(h + m * step, step),
            Two(gates + m * GATES * wide, GATES * wide),
            Two(update + m * wide, wide),
        )
    if count & 1:
        m = count - 1
        _gates(
            task,
            panel,
            sums + m * sums_step,
            sums_step // GATES,
            _known(task, here + row + m, panel),
            before + m * before_step,
            c + m * step,
            h + m * step,
            gates + m * GATES * wide,
            update + m * wide,
        )


@njit
def _known(task: Any, row: int, panel: int) -> int:
    """Return where a row has what is known before anything is summed: the biases, or the part of its symbol."""
    if task.ids:
        return task.table + F32 * (integer(task.ids, row) * GATES * task.hidden + panel * LANES)
    return task.bias + panel * PANEL


@njit
def _gates(
    task: Any,
    panel: int,
    sums: Any,
    apart: int,
    known: Any,
    before: Any,
    c_place: Any,
    h_place: Any,
    gates: Any,
    update_place: Any,
) -> None:
    """Make gates, cell and output of one row's sums, or of two rows', those of a gate so many bytes `apart` from the
    next one's."""
    left, step = task.hidden - panel * LANES, F32 * (task.hidden if task.ids else LANES)
    i = sigmoid(load_rows(sums, LANES) + load_rows(known, left))
    f = sigmoid(load_rows(after(sums, apart), LANES) + load_rows(after(known, step), left))
    g = tanh(load_rows(after(sums, 2 * apart), LANES) + load_rows(after(known, 2 * step), left))
    o = sigmoid(load_rows(after(sums, 3 * apart), LANES) + load_rows(after(known, 3 * step), left))
    update = i * g
    c = f * load_rows(before, left) + update
    store_rows(c_place, c, left)
    store_rows(h_place, o * tanh(c), left)
    wide, left = F32 * task.wide, task.wide - panel * LANES
    if task.update:
        store_rows(update_place, update, left)
    if task.gates:
        store_rows(gates, i, left)
        store_rows(after(gates, wide), f, left)
        store_rows(after(gates, 2 * wide), g, left)
        store_rows(after(gates, 3 * wide), o, left)


@njit
def _end(task: Any, step: int, panels: tuple[int, int], rows: tuple[int, int]) -> None:
    """Write the state of the sequences that end with a step."""
    here, going_on = integer(task.offset, step), 0
    if step < task.steps - 1:
        going_on = integer(task.alive, step + 1)
    row_bytes = F32 * task.hidden
    for row in range(max(rows[0], going_on), min(rows[1], integer(task.alive, step))):
        h, c = task.h + (here + row) * row_bytes, task.c + (here * task.keep_c + row) * row_bytes
        for panel in range(panels[0], panels[1]):
            place, left = F32 * panel * LANES, task.hidden - panel * LANES
            store_part(task.h_end + row * row_bytes + place, load_part(h + place, left), left)
            store_part(task.c_end + row * row_bytes + place, load_part(c + place, left), left)


def _lstm_forward(address: int) -> None:
    """All steps of the forward pass."""
    task = carray(address, 1, FORWARD)[0]
    thread, threads = enter(task)
    sums, panels = task.sums + F32 * thread * SUMS, -(-task.hidden // LANES)
    rows, units = shares(task, thread, threads, panels)
    zeros = task.zeros + F32 * thread * panels * LANES
    for panel in range(panels):
        store(zeros + F32 * panel * LANES, splat(np.float32(0)))
    first, end, every = turns(task, units, thread, threads)
    for panel in range(first, end, every):
        _prepare(task, panel)
    if not task.by_units:
        wait(task, threads)
    for step in range(task.steps):
        if task.chunk and task.ids == 0 and step % task.chunk == 0:
            _project(task, (step, min(step + task.chunk, task.steps)), units, rows, thread)
        _step(task, step, units, rows, sums, zeros)
        if task.h_end:
            _end(task, step, units, rows)
        if task.by_units:
            wait(task, threads)


forward = Kernel("forward pass of the LSTM", _lstm_forward, FORWARD)
