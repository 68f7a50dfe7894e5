"""The forward pass of the 1997 LSTM in compiled code: one trial in each lane of every value.

All memory is in vectors of `LANES` numbers, one of each trial. What units see at step t lies side by side as
z(t) = [x(t); y(t - 1); 1], so that a bias is the weight of the last source.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from naibu.cells.kernels.vector import VECTOR, load, sigmoid, splat, store

CELL_RANGE, OUTPUT_RANGE, TWICE_CELL, TWICE_OUTPUT, CELL_SLOPE, OUTPUT_SLOPE, RATE, DERIVATIVE = range(8)
"""Where the vectors of constants lie: the half ranges of g and h, twice them, 1 over twice them, the learning rate
(0 in lanes that do not learn), and 1 or 0 for f' in equation 19 or none."""


class Net(NamedTuple):
    """Sizes and addresses, as compiled code takes them."""

    inputs: int
    blocks: int
    size: int
    outputs: int
    forget: int  # forget gates: blocks, or 0
    direct: int  # inputs that outputs see
    cells: int
    first: int  # the first cell among the units
    units: int
    sources: int  # with the bias
    seen: int  # by an output, with its bias
    hidden: int  # weights [unit source]
    output: int  # weights [output seen]
    peephole: int  # weights [gate size], or 0
    constants: int


class Past(NamedTuple):
    """Addresses of what a pass leaves, a row for each step."""

    z: int  # [time+1 source]: what units see
    s: int  # [time+1 cell]: states, the first row before the first step
    g: int  # [time cell]: what the cells are given, squashed
    h: int  # [time cell]: the states, squashed
    o: int  # [time output]
    sums: int  # [unit], of the step under way


@njit
def net_of(task: Any) -> Net:
    """Return the sizes and addresses of a record."""
    cells = task.blocks * task.size
    first = 2 * task.blocks + task.forget
    units = first + cells
    return Net(
        task.inputs,
        task.blocks,
        task.size,
        task.outputs,
        task.forget,
        task.direct,
        cells,
        first,
        units,
        task.inputs + units + 1,
        cells + task.direct + 1,
        task.hidden,
        task.output,
        task.peephole,
        task.constants,
    )


@njit
def constant(net: Net, which: int) -> Any:
    """Return one of the vectors of constants."""
    return load(net.constants + VECTOR * which)


@njit
def _sums(net: Net, z: int, sums: int) -> None:
    """Write net_u = sum_m w_um z_m of every unit, four units at a time; some once more where fours do not go up.

    There is room for four units where a network has three.
    """
    row = VECTOR * net.sources
    unit = 0
    while unit < net.units:
        unit = max(0, min(unit, net.units - 4))
        w0 = net.hidden + unit * row
        w1, w2, w3 = w0 + row, w0 + 2 * row, w0 + 3 * row
        first = load(z)
        a0, a1, a2, a3 = load(w0) * first, load(w1) * first, load(w2) * first, load(w3) * first
        for m in range(1, net.sources):
            at = VECTOR * m
            seen = load(z + at)
            a0 = a0 + load(w0 + at) * seen
            a1 = a1 + load(w1 + at) * seen
            a2 = a2 + load(w2 + at) * seen
            a3 = a3 + load(w3 + at) * seen
        place = sums + VECTOR * unit
        store(place, a0)
        store(place + VECTOR, a1)
        store(place + 2 * VECTOR, a2)
        store(place + 3 * VECTOR, a3)
        unit += 4


@njit
def _gate(net: Net, past: Past, gate: int, s: int, alive: Any) -> Any:
    """Return a gate's activation; with peepholes it sees the states at `s` of its block."""
    a = load(past.sums + VECTOR * gate)
    if net.peephole:
        cell = s + VECTOR * net.size * (gate % net.blocks)
        for v in range(net.size):
            a = a + load(net.peephole + VECTOR * (gate * net.size + v)) * load(cell + VECTOR * v)
    return sigmoid(a) * alive


@njit
def forward_step(net: Net, past: Past, step: int, alive: Any) -> None:
    """Write the activations of one step (equations 2-8): y into z(t + 1), states, g and h.

    `alive` is 0 in lanes whose sequence has not begun: their gates are shut, so that nothing is stored.
    """
    row = VECTOR * net.sources
    z, cells = past.z + step * row, VECTOR * net.cells
    _sums(net, z, past.sums)
    y = z + row + VECTOR * net.inputs
    before = past.s + step * cells
    now = before + cells
    twice_g, range_g = constant(net, TWICE_CELL), constant(net, CELL_RANGE)
    twice_h, range_h = constant(net, TWICE_OUTPUT), constant(net, OUTPUT_RANGE)
    for block in range(net.blocks):
        enters = _gate(net, past, net.blocks + block, before, alive)
        store(y + VECTOR * (net.blocks + block), enters)
        stays = splat(np.float32(1.0))
        if net.forget:
            stays = _gate(net, past, 2 * net.blocks + block, before, alive)
            store(y + VECTOR * (2 * net.blocks + block), stays)
        for cell in range(block * net.size, (block + 1) * net.size):
            at = VECTOR * cell
            g = twice_g * sigmoid(load(past.sums + VECTOR * (net.first + cell))) - range_g
            s = stays * load(before + at) + enters * g
            h = twice_h * sigmoid(s) - range_h
            store(past.g + step * cells + at, g)
            store(now + at, s)
            store(past.h + step * cells + at, h)
        leaves = _gate(net, past, block, now, alive)
        store(y + VECTOR * block, leaves)
        for cell in range(block * net.size, (block + 1) * net.size):
            h = load(past.h + step * cells + VECTOR * cell)
            store(y + VECTOR * (net.first + cell), leaves * h)


@njit
def seen_by_output(net: Net, past: Past, step: int, index: int) -> Any:
    """Return what stands at place `index` of what an output sees: a cell, an input, or 1."""
    z = past.z + step * VECTOR * net.sources
    if index < net.cells:
        return load(z + VECTOR * (net.sources + net.inputs + net.first + index))
    if index < net.cells + net.direct:
        return load(z + VECTOR * (index - net.cells))
    return splat(np.float32(1.0))


@njit
def output_step(net: Net, past: Past, step: int) -> None:
    """Write the outputs of one step, y_k = f(sum w_k y_c [+ w_k x] [+ b_k])."""
    for output in range(net.outputs):
        w = net.output + VECTOR * output * net.seen
        a = load(w) * seen_by_output(net, past, step, 0)
        for index in range(1, net.seen):
            a = a + load(w + VECTOR * index) * seen_by_output(net, past, step, index)
        store(past.o + VECTOR * (step * net.outputs + output), sigmoid(a))
