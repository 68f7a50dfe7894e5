"""The forward pass of the 1997 LSTM in compiled code: one trial in each lane of every value.

All memory is in vectors of `LANES` numbers, one of each trial. What units see at step t lies side by side as
z(t) = [x(t); y(t - 1); 1], so that a bias is the weight of the last source.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from naibu.cells.kernels.vector import VECTOR, load, sigmoid, splat, squash_four, store
from naibu.online.recurrent.lane_products import vector_product

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
    sums: int  # [unit+3], of the step under way: what units are given, then squashed


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


@njit(forceinline=True)
def constant(net: Net, which: int) -> Any:
    """Return one of the vectors of constants."""
    return load(net.constants + VECTOR * which)


@njit
def _peepholes(net: Net, gates: tuple[int, int], s: int, sums: int) -> None:
    """Add to net_u of some gates what they see of the states at `s`: those of the cells of their block."""
    for gate in range(gates[0], gates[1]):
        a, cell = load(sums + VECTOR * gate), s + VECTOR * net.size * (gate % net.blocks)
        for v in range(net.size):
            a = a + load(net.peephole + VECTOR * (gate * net.size + v)) * load(cell + VECTOR * v)
        store(sums + VECTOR * gate, a)


@njit
def _peeping_outputs(net: Net, past: Past, step: int, y: int, alive: Any) -> None:
    """Write the output gates that see the states of this very step, and what they let out of the cells."""
    _peepholes(net, (0, net.blocks), past.s + VECTOR * (step + 1) * net.cells, past.sums)
    for block in range(net.blocks):
        leaves = sigmoid(load(past.sums + VECTOR * block)) * alive
        store(y + VECTOR * block, leaves)
        for cell in range(block * net.size, (block + 1) * net.size):
            h = load(past.h + VECTOR * (step * net.cells + cell))
            store(y + VECTOR * (net.first + cell), leaves * h)


@njit(forceinline=True)
def _squashed_sums(net: Net, past: Past, step: int) -> None:
    """Write f(net_u) of every unit with net_u = sum_m w_um z_m, but net_u itself of output gates with peepholes.

    Units are squashed four at a time, so that none waits for another; the room has three vectors behind the last.
    """
    row, first = VECTOR * net.sources, 0
    vector_product(net.units, net.sources, net.hidden, row, VECTOR, past.z + step * row, past.sums)
    if net.peephole:
        first = net.blocks
        _peepholes(net, (first, net.first), past.s + VECTOR * step * net.cells, past.sums)
    for unit in range(first, net.units, 4):
        squash_four(past.sums + VECTOR * unit)


@njit(forceinline=True)
def forward_step(net: Net, past: Past, step: int, alive: Any) -> None:
    """Write the activations of one step (equations 2-8): y into z(t + 1), states, g and h.

    `alive` is 0 in lanes whose sequence has not begun: their gates are shut, so that nothing is stored.
    """
    _squashed_sums(net, past, step)
    f, y = past.sums, past.z + VECTOR * ((step + 1) * net.sources + net.inputs)
    here = VECTOR * step * net.cells
    twice_g, range_g = constant(net, TWICE_CELL), constant(net, CELL_RANGE)
    twice_h, range_h = constant(net, TWICE_OUTPUT), constant(net, OUTPUT_RANGE)
    for block in range(net.blocks):
        gate_in, gate_forget = VECTOR * (net.blocks + block), VECTOR * (2 * net.blocks + block)
        enters, leaves, stays = load(f + gate_in) * alive, load(f + VECTOR * block) * alive, splat(np.float32(1.0))
        store(y + VECTOR * block, leaves)
        store(y + gate_in, enters)
        if net.forget:
            stays = load(f + gate_forget) * alive
            store(y + gate_forget, stays)
        for cell in range(block * net.size, (block + 1) * net.size):
            at, unit = here + VECTOR * cell, VECTOR * (net.first + cell)
            g = twice_g * load(f + unit) - range_g
            s = stays * load(past.s + at) + enters * g
            h = twice_h * sigmoid(s) - range_h
            store(past.g + at, g)
            store(past.s + at + VECTOR * net.cells, s)
            store(past.h + at, h)
            store(y + unit, leaves * h)
    if net.peephole:
        _peeping_outputs(net, past, step, y, alive)


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
