"""The Elman network on a CPU in float32: all steps of one layer in one direction, forward and backward.

As in the kernel of the LSTM a step is one tile after the other, and steps are rows `offset[s]` to
`offset[s] + alive[s]` of all that is kept. There is one product a unit, so a panel holds up to four vectors of
units; the input's products wait in the output's own place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit

from naibu.cells.kernels.compiled import Kernel, enter, record, shares, to_and_fro, turns, wait
from naibu.cells.kernels.packing import pack_columns_panel, pack_state_rows
from naibu.cells.kernels.tile import block, packed_product
from naibu.cells.kernels.vector import (
    F32,
    LANES,
    integer,
    load,
    load_part,
    prefetch,
    relu,
    splat,
    store,
    store_part,
    tanh,
    where_positive,
)

ROWS = 32
"""Rows of the batch whose sums are kept at a time."""
SUMS = ROWS * 4 * LANES
"""Numbers of those sums, at most."""


FORWARD = record(
    "steps",
    "batch",
    "hidden",
    "inputs",
    "offset",  # [step]: the row of what is kept at which a step begins
    "alive",  # [step]: how many sequences the step has
    "x",  # [row inputs]
    "ids",  # [row]: symbols in the place of x, or 0
    "table",  # [symbol hidden]: W_ih x + b of each symbol
    "w_ih",  # [hidden inputs]
    "w_hh",  # [hidden hidden]
    "b_ih",  # [hidden], or 0
    "b_hh",
    "packed_ih",  # room for each, packed
    "packed_hh",
    "bias",
    "h0",  # [batch hidden]
    "h",  # [row hidden]
    "rectified",  # ReLU in the place of tanh
    "chunk",  # steps whose input's products are made at once; 0: made with the state's in one sum
    "panel",  # [panel 2]: first vector and vectors
    "panels",
    "by_units",  # threads share out units, not rows
    "sums",
)


@njit
def _prepare(task: Any, panel: int) -> None:
    """Pack the weights and the sum of the biases of one panel."""
    hidden = task.hidden
    if task.inputs:
        pack_columns_panel(task.w_ih, hidden, task.inputs, task.panel, panel, task.packed_ih)
    pack_columns_panel(task.w_hh, hidden, hidden, task.panel, panel, task.packed_hh)
    first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
    for v in range(first, first + width):
        place, left, bias = F32 * v * LANES, hidden - v * LANES, splat(np.float32(0))
        if task.b_ih:
            bias = load_part(task.b_ih + place, left) + load_part(task.b_hh + place, left)
        store(task.bias + place, bias)


@njit
def _before(task: Any, place: int) -> int:
    """Return where the input's products of one of the kept rows lie."""
    if task.ids:
        return task.table + F32 * integer(task.ids, place) * task.hidden
    return task.h + F32 * place * task.hidden


@njit
def _project(task: Any, steps: tuple[int, int], panels: tuple[int, int], rows: tuple[int, int], sums: int) -> None:
    """Write W_ih x + b of some steps into the output's place."""
    whole = rows[1] - rows[0] == task.batch
    for panel in range(panels[0], panels[1]):
        if whole:  # the rows of neighbouring steps lie side by side
            first = min(integer(task.offset, steps[0]), integer(task.offset, steps[1] - 1))
            last = first
            for step in range(steps[0], steps[1]):
                last += integer(task.alive, step)
            _project_rows(task, panel, first, last, sums)
        else:
            for step in range(steps[0], steps[1]):
                first, alive = integer(task.offset, step), integer(task.alive, step)
                _project_rows(task, panel, first + rows[0], first + min(rows[1], alive), sums)


@njit
def _project_rows(task: Any, panel: int, place: int, end: int, sums: int) -> None:
    """Write W_ih x + b of neighbouring rows, for one panel."""
    first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
    weights = task.packed_ih + F32 * first * task.inputs * LANES
    add = task.chunk == 0  # it is not; a literal False would have every tile compiled once more
    while place < end:
        count = block(end - place, ROWS)
        x = task.x + F32 * place * task.inputs
        packed_product(width, count, task.inputs, x, F32 * task.inputs, weights, sums, add)
        for m in range(count):
            target = task.h + F32 * (place + m) * task.hidden
            for v in range(width):
                unit = (first + v) * LANES
                value = load(sums + F32 * (m * width + v) * LANES) + load(task.bias + F32 * unit)
                store_part(target + F32 * unit, value, task.hidden - unit)
        place += count


@njit
def _step(task: Any, step: int, panels: tuple[int, int], rows: tuple[int, int], sums: int) -> None:
    """Compute one step of some units of some rows."""
    here, alive = integer(task.offset, step), integer(task.alive, step)
    there, old = here, 0
    if step > 0:
        there, old = integer(task.offset, step - 1), min(alive, integer(task.alive, step - 1))
    together, row_bytes = task.chunk == 0 and task.ids == 0, F32 * task.hidden
    for turn in range(panels[1] - panels[0]):
        panel = to_and_fro(panels, turn, step)
        first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
        row, end = rows[0], min(rows[1], alive)
        while row < end:
            # Rows that go on read what the step before wrote; rows that begin read the initial state.
            begins = row >= old
            count = block(end - row if begins else min(end, old) - row, ROWS)
            h = task.h0 + row * row_bytes if begins else task.h + (there + row) * row_bytes
            if together:
                x = task.x + F32 * (here + row) * task.inputs
                weights = task.packed_ih + F32 * first * task.inputs * LANES
                packed_product(width, count, task.inputs, x, F32 * task.inputs, weights, sums, not together)
            else:
                for m in range(count):
                    before = _before(task, here + row + m) + F32 * first * LANES
                    for v in range(width):
                        prefetch(before + F32 * v * LANES)
            weights = task.packed_hh + F32 * first * task.hidden * LANES
            packed_product(width, count, task.hidden, h, row_bytes, weights, sums, together)
            for m in range(count):
                before = task.bias if together else _before(task, here + row + m)
                target = task.h + (here + row + m) * row_bytes
                _squash(task, (first, width), before, sums + F32 * m * width * LANES, target)
            row += count


@njit
def _squash(task: Any, vectors: tuple[int, int], before: int, sums: int, target: int) -> None:
    """Make the output of one row's sums and what was there before: the input's products, or the bias."""
    for v in range(vectors[1]):
        unit = (vectors[0] + v) * LANES
        left = task.hidden - unit
        value = load(sums + F32 * v * LANES) + load_part(before + F32 * unit, left)
        if task.rectified:
            store_part(target + F32 * unit, relu(value), left)
        else:
            store_part(target + F32 * unit, tanh(value), left)


def _elman_forward(address: int) -> None:
    """All steps of the forward pass."""
    task = carray(address, 1, FORWARD)[0]
    thread, threads = enter(task)
    sums = task.sums + F32 * thread * SUMS
    rows, units = shares(task, thread, threads, task.panels)
    first, end, every = turns(task, units, thread, threads)
    for panel in range(first, end, every):
        _prepare(task, panel)
    if not task.by_units:
        wait(task, threads)
    for step in range(task.steps):
        if task.chunk and task.ids == 0 and step % task.chunk == 0:
            _project(task, (step, min(step + task.chunk, task.steps)), units, rows, sums)
        _step(task, step, units, rows, sums)
        if task.by_units:
            wait(task, threads)


BACKWARD = record(
    "steps",
    "batch",
    "hidden",
    "offset",
    "alive",
    "h",  # [row hidden]
    "output_grad",  # [row hidden]
    "da",  # [row hidden]: the gradient of W_ih x + W_hh h + b
    "rectified",
    "w_hh",  # [hidden hidden]
    "packed",  # room for it, packed
    "panel",  # [panel 2]: first vector and vectors
    "panels",
    "by_units",
    "sums",
)


@njit
def _step_back(task: Any, step: int, panels: tuple[int, int], rows: tuple[int, int], sums: int) -> None:
    """Compute the gradient of the sums at one step, of some units of some rows."""
    here, alive = integer(task.offset, step), integer(task.alive, step)
    there, going_on = here, 0
    if step < task.steps - 1:
        there, going_on = integer(task.offset, step + 1), min(alive, integer(task.alive, step + 1))
    hidden = task.hidden
    for panel in range(panels[0], panels[1]):
        first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
        weights = task.packed + F32 * first * hidden * LANES
        row, end = rows[0], min(rows[1], alive)
        while row < end:
            last = row >= going_on
            count = block(end - row if last else min(end, going_on) - row, ROWS)
            if not last:
                da = task.da + F32 * (there + row) * hidden
                packed_product(width, count, hidden, da, F32 * hidden, weights, sums, last)
            for m in range(count):
                place = F32 * ((here + row + m) * hidden + first * LANES)
                for v in range(width):
                    dh = splat(np.float32(0)) if last else load(sums + F32 * (m * width + v) * LANES)
                    _squash_back(task, place + F32 * v * LANES, hidden - (first + v) * LANES, dh)
            row += count


@njit
def _squash_back(task: Any, place: int, left: int, dh: Any) -> None:
    """Make the gradient of a vector of sums of the gradient that comes from later steps."""
    h = load_part(task.h + place, left)
    dh = dh + load_part(task.output_grad + place, left)
    if task.rectified:
        store_part(task.da + place, where_positive(h, dh), left)
    else:
        store_part(task.da + place, dh - dh * h * h, left)


def _elman_backward(address: int) -> None:
    """All steps of the backward pass."""
    task = carray(address, 1, BACKWARD)[0]
    thread, threads = enter(task)
    sums = task.sums + F32 * thread * SUMS
    rows, units = shares(task, thread, threads, task.panels)
    pack_state_rows(task, task.hidden, units, thread, threads)
    for back in range(task.steps):
        _step_back(task, task.steps - 1 - back, units, rows, sums)
        if task.by_units:
            wait(task, threads)


forward = Kernel("forward pass of the Elman network", _elman_forward, FORWARD)
backward = Kernel("backward pass of the Elman network", _elman_backward, BACKWARD)
