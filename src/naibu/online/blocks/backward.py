"""The gradient of the 1997 LSTM over a whole sequence, in compiled code: one trial in each lane.

The paper carries ds/dw forward with every weight (equations 26-28). Summed over the sequence that is the same as
going back in time with one number for each cell, the error of its state,

    E(t) = y_out(t) h'(s(t)) sum_k w_k e_k(t) + y_forget(t + 1) E(t + 1),

from which come the errors of what each unit is given, d(t), and sum_t d(t) z(t) is the gradient. The truncated
gradient leaves it at that; the full one lets d(t + 1) flow back through all weights into y(t).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from naibu.cells.kernels.vector import VECTOR, largest, load, splat, store
from naibu.online.blocks.forward import (
    CELL_RANGE,
    CELL_SLOPE,
    DERIVATIVE,
    OUTPUT_RANGE,
    OUTPUT_SLOPE,
    Net,
    Past,
    constant,
    seen_by_output,
)
from naibu.online.recurrent.lane_products import COLUMNS, columns_product


class Errors(NamedTuple):
    """Addresses of what the backward pass needs."""

    d: int  # [time unit]: errors of what each unit is given
    e: int  # [output], of the step under way
    back: int  # [unit]: of the activations, of the step under way
    state: int  # [cell]: E
    hidden: int  # [unit source]: gradient
    output: int  # [output seen]: gradient
    peephole: int  # [gate size]: gradient
    worst: int  # one vector: the largest error
    sum: int  # one vector: the sum of errors


@njit
def output_errors(net: Net, past: Past, errors: Errors, step: int, target: int, alive: Any) -> None:
    """Write e_k = f'(net_k) (t_k - y_k) (equation 19), and take |t_k - y_k| into the largest and the sum."""
    one, keeps = splat(np.float32(1.0)), constant(net, DERIVATIVE)
    worst, total = load(errors.worst), load(errors.sum)
    for output in range(net.outputs):
        y = load(past.o + VECTOR * (step * net.outputs + output))
        miss = (load(target + VECTOR * output) - y) * alive
        size = largest(miss, splat(np.float32(0.0)) - miss)
        worst, total = largest(worst, size), total + size
        store(errors.e + VECTOR * output, miss * (one + keeps * (y * (one - y) - one)))
    store(errors.worst, worst)
    store(errors.sum, total)


@njit
def _outputs_back(net: Net, past: Past, errors: Errors, step: int) -> None:
    """Add the gradient of the outputs' weights; add sum_k w_k e_k to the errors of the cells' activations."""
    for output in range(net.outputs):
        e = load(errors.e + VECTOR * output)
        w, into = net.output + VECTOR * output * net.seen, errors.output + VECTOR * output * net.seen
        for index in range(net.seen):
            at = VECTOR * index
            store(into + at, load(into + at) + e * seen_by_output(net, past, step, index))
            if index < net.cells:
                cell = errors.back + VECTOR * (net.first + index)
                store(cell, load(cell) + load(w + at) * e)


@njit
def _peepholes_back(net: Net, errors: Errors, gate: int, d: Any, s: int) -> None:
    for v in range(net.size):
        into = errors.peephole + VECTOR * (gate * net.size + v)
        store(into, load(into) + d * load(s + VECTOR * (net.size * (gate % net.blocks) + v)))


@njit(forceinline=True)
def _blocks_back(net: Net, past: Past, errors: Errors, step: int, enter: bool) -> None:
    """Write d(t) of all units from the errors of their activations (equations 20-25).

    Where no errors enter at this step, those of the activations are 0, and d(t) of output gates is not written.
    """
    one = splat(np.float32(1.0))
    y = past.z + VECTOR * ((step + 1) * net.sources + net.inputs)
    d = errors.d + VECTOR * step * net.units
    before = past.s + VECTOR * step * net.cells
    now = before + VECTOR * net.cells
    range_g, range_h = constant(net, CELL_RANGE), constant(net, OUTPUT_RANGE)
    slope_g, slope_h = constant(net, CELL_SLOPE), constant(net, OUTPUT_SLOPE)
    for block in range(net.blocks):
        gate_in, gate_forget = net.blocks + block, 2 * net.blocks + block
        leaves, enters = load(y + VECTOR * block), load(y + VECTOR * gate_in)
        zero = splat(np.float32(0.0))
        d_out, d_in, d_forget, stays = zero, zero, zero, one
        if enter:
            d_out, d_in = load(errors.back + VECTOR * block), load(errors.back + VECTOR * gate_in)
        if net.forget:
            stays = load(y + VECTOR * gate_forget)
            if enter:
                d_forget = load(errors.back + VECTOR * gate_forget)
        for cell in range(block * net.size, (block + 1) * net.size):
            at = VECTOR * cell
            g, of_state = load(past.g + VECTOR * step * net.cells + at), load(errors.state + at)
            if enter:
                h, into = load(past.h + VECTOR * step * net.cells + at), load(errors.back + VECTOR * (net.first + cell))
                d_out = d_out + h * into
                of_state = of_state + leaves * (range_h * range_h - h * h) * slope_h * into
            d_in = d_in + g * of_state
            d_forget = d_forget + load(before + at) * of_state
            store(d + VECTOR * (net.first + cell), enters * (range_g * range_g - g * g) * slope_g * of_state)
            store(errors.state + at, of_state * stays)
        d_in = d_in * enters * (one - enters)
        store(d + VECTOR * gate_in, d_in)
        if enter:
            d_out = d_out * leaves * (one - leaves)
            store(d + VECTOR * block, d_out)
        if net.forget:
            d_forget = d_forget * stays * (one - stays)
            store(d + VECTOR * gate_forget, d_forget)
        if net.peephole:
            if enter:
                _peepholes_back(net, errors, block, d_out, now)
            _peepholes_back(net, errors, gate_in, d_in, before)
            if net.forget:
                _peepholes_back(net, errors, gate_forget, d_forget, before)


@njit
def _hidden_back(net: Net, errors: Errors, step: int) -> None:
    """Write the errors of the activations of step t from d(t + 1), through all weights."""
    d = errors.d + VECTOR * (step + 1) * net.units
    for unit in range(net.units):
        w = net.hidden + VECTOR * (net.inputs + unit)
        into = splat(np.float32(0.0))
        for later in range(net.units):
            into = into + load(w + VECTOR * later * net.sources) * load(d + VECTOR * later)
        store(errors.back + VECTOR * unit, into)


@njit
def clear(place: int, count: int) -> None:
    """Write zeros into so many vectors."""
    zero = splat(np.float32(0.0))
    for index in range(count):
        store(place + VECTOR * index, zero)


@njit
def backward_pass(
    net: Net, past: Past, errors: Errors, steps: tuple[int, int], targets: tuple[int, int], alive: int, full: int
) -> None:
    """Write the gradient of a sequence from step steps[0] to before steps[1], and its largest and summed error.

    `targets` are the address of the targets and the step to which the first belongs: the last, where there is one
    target only. `alive` is the address of vectors that are 0 in lanes whose sequence has not begun, one for each step.
    """
    clear(errors.output, net.outputs * net.seen)
    clear(errors.peephole, net.first * net.size)
    clear(errors.state, net.cells)
    clear(errors.worst, 1)
    clear(errors.sum, 1)
    step = steps[1]
    while step > steps[0]:
        step -= 1
        enter = full != 0 or step >= targets[1]
        if full and step + 1 < steps[1]:
            _hidden_back(net, errors, step)
        elif enter:
            clear(errors.back, net.units)
        if step >= targets[1]:
            target = targets[0] + VECTOR * (step - targets[1]) * net.outputs
            output_errors(net, past, errors, step, target, load(alive + VECTOR * step))
            _outputs_back(net, past, errors, step)
        _blocks_back(net, past, errors, step, enter)
    begun = steps[0] if full else max(steps[0], targets[1])
    _sum_of_outer(net, past, errors, (0, net.blocks), (begun, steps[1]))
    _sum_of_outer(net, past, errors, (net.blocks, net.units), steps)


@njit
def change(place: int, gradient: int, there: int, count: int, rate: Any) -> None:
    """Add rate times gradient to so many weights; `there` is the address of a vector for each, 0 where none is."""
    for index in range(count):
        at = VECTOR * index
        store(place + at, load(place + at) + rate * load(gradient + at) * load(there + at))


@njit
def _sum_of_outer(net: Net, past: Past, errors: Errors, units: tuple[int, int], steps: tuple[int, int]) -> None:
    """Write sum_t d(t) z(t), over some units and steps; some sources once more where blocks of columns do not go up."""
    d_row, z_row = VECTOR * net.units, VECTOR * net.sources
    d, z = errors.d + steps[0] * d_row + VECTOR * units[0], past.z + steps[0] * z_row
    out = errors.hidden + units[0] * z_row
    for first in range(0, net.sources, COLUMNS):
        at = VECTOR * min(first, net.sources - COLUMNS)
        columns_product(units[1] - units[0], steps[1] - steps[0], d, VECTOR, d_row, z + at, z_row, out + at, z_row)
