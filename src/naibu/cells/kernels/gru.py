"""The GRU on a CPU in float32: all steps of one layer in one direction, forward and backward.

As in the kernel of the LSTM a step is one tile after the other, and steps are rows `offset[s]` to
`offset[s] + alive[s]` of all that is kept. Since the reset gate multiplies the state's share of the candidate
alone, the input's products and the state's are summed apart; a panel holds the three gates of a vector of units.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit

from naibu.cells.kernels.compiled import Kernel, enter, record, shares, to_and_fro, turns, wait
from naibu.cells.kernels.packing import pack_panel, pack_state_rows
from naibu.cells.kernels.rows import Two, after, load_rows, store_rows
from naibu.cells.kernels.tile import block, packed_product, product3
from naibu.cells.kernels.vector import F32, LANES, integer, load, load_part, sigmoid, splat, store, store_part, tanh

GATES = 3
ROWS = 32
"""Rows of the batch whose sums are kept at a time."""
PANEL = F32 * GATES * LANES
"""Bytes of a panel for one k, and of one row's sums."""
SUMS = 2 * ROWS * GATES * LANES
"""Numbers of a thread's sums, at most: the input's, and the state's."""

FORWARD = record(
    "steps",
    "batch",
    "hidden",
    "inputs",
    "offset",  # [step]: the row of what is kept at which a step begins
    "alive",  # [step]: how many sequences the step has
    "x",  # [row inputs]
    "ids",  # [row]: symbols in the place of x, or 0
    "table",  # [symbol gates*hidden]: W_ih x + b_ih of each
    "w_ih",  # [gates*hidden inputs]
    "w_hh",  # [gates*hidden hidden]
    "b_ih",  # [gates*hidden], or 0, as with a table
    "b_hh",  # [gates*hidden], or 0
    "packed_ih",  # room for each, packed
    "packed_hh",
    "bias_ih",
    "bias_hh",
    "h0",  # [batch hidden]
    "h",  # [row hidden]
    "gates",  # [row gates*hidden], or 0
    "before",  # [panel kept PANEL]: the input's products of some steps
    "kept",  # rows of `before`, after which it begins again
    "recurrent",  # [row hidden]: W_hn h + b_hn, or 0
    "chunk",  # steps whose input's products are made at once; 0: made with the state's
    "by_units",  # threads share out units, not rows
    "sums",
)


@njit
def _prepare(task: Any, panel: int) -> None:
    """Pack weights and biases of one panel."""
    if task.inputs:
        pack_panel(task.w_ih, task.hidden, GATES, task.inputs, panel, task.packed_ih + panel * task.inputs * PANEL)
    pack_panel(task.w_hh, task.hidden, GATES, task.hidden, panel, task.packed_hh + panel * task.hidden * PANEL)
    left = task.hidden - panel * LANES
    for gate in range(GATES):
        source, target = F32 * (gate * task.hidden + panel * LANES), panel * PANEL + F32 * gate * LANES
        for bias, packed in ((task.b_ih, task.bias_ih), (task.b_hh, task.bias_hh)):
            store(packed + target, load_part(bias + source, left) if bias else splat(np.float32(0)))


@njit
def _before(task: Any, panel: int, place: int) -> int:
    """Return where one of the kept rows has its input's products for one panel."""
    if task.ids:
        return task.table + F32 * (integer(task.ids, place) * GATES * task.hidden + panel * LANES)
    return task.before + (panel * task.kept + place % task.kept) * PANEL


@njit
def _project(task: Any, steps: tuple[int, int], panels: tuple[int, int], rows: tuple[int, int]) -> None:
    """Write W_ih x of some steps into the place that `_before` names."""
    whole = rows[1] - rows[0] == task.batch
    for panel in range(panels[0], panels[1]):
        if whole:  # the rows of neighbouring steps lie side by side
            first = min(integer(task.offset, steps[0]), integer(task.offset, steps[1] - 1))
            last = first
            for step in range(steps[0], steps[1]):
                last += integer(task.alive, step)
            _project_rows(task, panel, first, last)
        else:
            for step in range(steps[0], steps[1]):
                first, alive = integer(task.offset, step), integer(task.alive, step)
                _project_rows(task, panel, first + rows[0], first + min(rows[1], alive))


@njit
def _project_rows(task: Any, panel: int, place: int, end: int) -> None:
    """Write W_ih x of neighbouring rows, for one panel."""
    while place < end:
        count = min(end - place, task.kept - place % task.kept)  # up to where `before` begins again
        x, target = task.x + F32 * place * task.inputs, _before(task, panel, place)
        product3(count, task.inputs, x, F32 * task.inputs, task.packed_ih + panel * task.inputs * PANEL, target, False)
        place += count


@njit
def _step(task: Any, step: int, panels: tuple[int, int], rows: tuple[int, int], sums: int) -> None:
    """Compute one step of some units of some rows."""
    here, alive = integer(task.offset, step), integer(task.alive, step)
    there, old = here, 0
    if step > 0:
        there, old = integer(task.offset, step - 1), min(alive, integer(task.alive, step - 1))
    together = task.chunk == 0 and task.ids == 0
    row_bytes, recurrent = F32 * task.hidden, sums + ROWS * PANEL
    for turn in range(panels[1] - panels[0]):
        panel = to_and_fro(panels, turn, step)
        unit = panel * F32 * LANES
        row, end = rows[0], min(rows[1], alive)
        while row < end:
            # Rows that go on read what the step before wrote; rows that begin read the initial state.
            first = row >= old
            count = block(end - row if first else min(end, old) - row, ROWS)
            h = task.h0 + row * row_bytes if first else task.h + (there + row) * row_bytes
            if together:
                x = task.x + F32 * (here + row) * task.inputs
                weights = task.packed_ih + panel * task.inputs * PANEL
                product3(count, task.inputs, x, F32 * task.inputs, weights, sums, False)
            weights = task.packed_hh + panel * task.hidden * PANEL
            product3(count, task.hidden, h, row_bytes, weights, recurrent, False)
            for m in range(0, count, 2):
                at, own, h_before = here + row + m, recurrent + m * PANEL, h + unit + m * row_bytes
                place, gates = at * row_bytes + unit, at * GATES * row_bytes + unit
                before = sums + m * PANEL if together else _before(task, panel, at)
                if m + 1 < count:
                    other = before + PANEL if together else _before(task, panel, at + 1)
                    _gates(
                        task,
                        panel,
                        Two(before, other - before),
                        Two(own, PANEL),
                        Two(h_before, row_bytes),
                        Two(place, row_bytes),
                        Two(gates, GATES * row_bytes),
                    )
                else:
                    _gates(task, panel, before, own, h_before, place, gates)
            row += count


@njit
def _gates(task: Any, panel: int, before: Any, recurrent: Any, h_place: Any, place: Any, gates_place: Any) -> None:
    """Make gates, candidate and output of one row's sums, or of two rows', for a vector of units.

    `place` and `gates_place` say how far it is from where the rows begin that have a number and a gate a unit.
    """
    left, step, one = task.hidden - panel * LANES, F32 * LANES, splat(np.float32(1))
    apart = F32 * task.hidden if task.ids else step
    bias_ih, bias_hh = task.bias_ih + panel * PANEL, task.bias_hh + panel * PANEL
    x_r, h_r = load_rows(before, left) + load(bias_ih), load_rows(recurrent, LANES) + load(bias_hh)
    x_z = load_rows(after(before, apart), left) + load(bias_ih + step)
    h_z = load_rows(after(recurrent, step), LANES) + load(bias_hh + step)
    x_n = load_rows(after(before, 2 * apart), left) + load(bias_ih + 2 * step)
    h_n = load_rows(after(recurrent, 2 * step), LANES) + load(bias_hh + 2 * step)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = tanh(x_n + r * h_n)
    h = (one - z) * n + z * load_rows(h_place, left)
    store_rows(after(place, task.h), h, left)
    if task.recurrent:
        store_rows(after(place, task.recurrent), h_n, left)
    if task.gates:
        gates = after(gates_place, task.gates)
        store_rows(gates, r, left)
        store_rows(after(gates, F32 * task.hidden), z, left)
        store_rows(after(gates, 2 * F32 * task.hidden), n, left)


def _gru_forward(address: int) -> None:
    """All steps of the forward pass."""
    task = carray(address, 1, FORWARD)[0]
    thread, threads = enter(task)
    sums, panels = task.sums + F32 * thread * SUMS, -(-task.hidden // LANES)
    rows, units = shares(task, thread, threads, panels)
    first, end, every = turns(task, units, thread, threads)
    for panel in range(first, end, every):
        _prepare(task, panel)
    if not task.by_units:
        wait(task, threads)
    for step in range(task.steps):
        if task.chunk and task.ids == 0 and step % task.chunk == 0:
            _project(task, (step, min(step + task.chunk, task.steps)), units, rows)
        _step(task, step, units, rows, sums)
        if task.by_units:
            wait(task, threads)


BACKWARD = record(
    "steps",
    "batch",
    "hidden",
    "offset",
    "alive",
    "gates",
    "recurrent",
    "h",  # [row hidden]
    "h0",  # [batch hidden]
    "output_grad",  # [row hidden], or 0
    "gates_grad",  # [row gates*hidden], or 0
    "dh",  # [batch hidden], zeros at first: what a step leaves the one before it by z * h
    "dg_x",  # [row gates*hidden]: the gradient of W_ih x + b_ih
    "dg_h",  # [row gates*hidden]: the gradient of W_hh h + b_hh
    "w_hh",  # [gates*hidden hidden]
    "packed",  # room for it, packed
    "panel",  # [panel 2]: first vector and vectors
    "panels",
    "by_units",
    "sums",
)


@njit
def _step_back(task: Any, step: int, panels: tuple[int, int], rows: tuple[int, int], sums: int) -> None:
    """Compute the gradient of the gates' sums at one step, of some units of some rows."""
    hidden, depth = task.hidden, GATES * task.hidden
    here, alive = integer(task.offset, step), integer(task.alive, step)
    there, going_on = here, 0
    if step < task.steps - 1:
        there, going_on = integer(task.offset, step + 1), min(alive, integer(task.alive, step + 1))
    old = 0 if step == 0 else integer(task.alive, step - 1)
    for panel in range(panels[0], panels[1]):
        first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
        weights = task.packed + F32 * first * depth * LANES
        row, end = rows[0], min(rows[1], alive)
        while row < end:
            last = row >= going_on
            count = block(end - row if last else min(end, going_on) - row, ROWS)
            if not last:
                dg = task.dg_h + F32 * (there + row) * depth
                packed_product(width, count, depth, dg, F32 * depth, weights, sums, last)
            for m in range(count):
                before = task.h0 + F32 * (row + m) * hidden
                if row + m < old:
                    before = task.h + F32 * (integer(task.offset, step - 1) + row + m) * hidden
                for v in range(width):
                    dh = splat(np.float32(0)) if last else load(sums + F32 * (m * width + v) * LANES)
                    _gates_back(task, here, row + m, (first + v) * LANES, dh, before)
            row += count


@njit
def _gates_back(task: Any, here: int, row: int, unit: int, dh: Any, before_place: int) -> None:
    """Make the gradient of one row's gates, for a vector of units, of the gradient that comes from later steps."""
    hidden, one = task.hidden, splat(np.float32(1))
    left = hidden - unit
    place = F32 * ((here + row) * hidden + unit)
    block_place = F32 * ((here + row) * GATES * hidden + unit)
    gates, carried = task.gates + block_place, task.dh + F32 * (row * hidden + unit)
    r, z = load_part(gates, left), load_part(gates + F32 * hidden, left)
    n = load_part(gates + 2 * F32 * hidden, left)
    dh = dh + load_part(carried, left)
    if task.output_grad:
        dh = dh + load_part(task.output_grad + place, left)
    store_part(carried, dh * z, left)
    dz, dn = dh * (load_part(before_place + F32 * unit, left) - n), dh * (one - z)
    if task.gates_grad:
        outer = task.gates_grad + block_place
        dz = dz + load_part(outer + F32 * hidden, left)
        dn = dn + load_part(outer + 2 * F32 * hidden, left)
    dn = dn - dn * n * n
    dr = dn * load_part(task.recurrent + place, left)
    if task.gates_grad:
        dr = dr + load_part(task.gates_grad + block_place, left)
    dr, dz = dr * r * (one - r), dz * z * (one - z)
    store_part(task.dg_x + block_place, dr, left)
    store_part(task.dg_x + block_place + F32 * hidden, dz, left)
    store_part(task.dg_x + block_place + 2 * F32 * hidden, dn, left)
    store_part(task.dg_h + block_place, dr, left)
    store_part(task.dg_h + block_place + F32 * hidden, dz, left)
    store_part(task.dg_h + block_place + 2 * F32 * hidden, dn * r, left)


def _gru_backward(address: int) -> None:
    """All steps of the backward pass."""
    task = carray(address, 1, BACKWARD)[0]
    thread, threads = enter(task)
    sums = task.sums + F32 * thread * SUMS
    rows, units = shares(task, thread, threads, task.panels)
    pack_state_rows(task, GATES * task.hidden, units, thread, threads)
    for back in range(task.steps):
        _step_back(task, task.steps - 1 - back, units, rows, sums)
        if task.by_units:
            wait(task, threads)


forward = Kernel("forward pass of the GRU", _gru_forward, FORWARD)
backward = Kernel("backward pass of the GRU", _gru_backward, BACKWARD)
