"""The truncated gradient carried forward with every weight (equations 20-28), in compiled code: weights change at
every step. One trial in each lane."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from naibu.cells.kernels.vector import VECTOR, load, splat, store
from naibu.online.blocks.backward import clear
from naibu.online.blocks.forward import (
    CELL_RANGE,
    CELL_SLOPE,
    OUTPUT_RANGE,
    OUTPUT_SLOPE,
    RATE,
    Net,
    Past,
    constant,
    seen_by_output,
)


class Carried(NamedTuple):
    """Addresses of ds/dw of every cell: with regard to its input gate's weights, its own, and its forget gate's."""

    entering: int  # [cell source]
    own: int  # [cell source]
    staying: int  # [cell source]
    peephole: int  # [2 cell size]: of the input gate, of the forget gate


class There(NamedTuple):
    """Addresses of a vector for each weight, 0 where there is none."""

    hidden: int  # [unit source]
    output: int  # [output seen]


@njit
def forget_derivatives(net: Net, carried: Carried) -> None:
    """Set all derivatives to 0, as at the beginning of a sequence."""
    for place in (carried.entering, carried.own, carried.staying):
        clear(place, net.cells * net.sources)
    clear(carried.peephole, 2 * net.cells * net.size)


@njit
def _outputs(net: Net, past: Past, there: There, step: int, e: int, back: int) -> None:
    """Write sum_k w_k e_k of every cell into `back [cell]`, then change the outputs' weights."""
    clear(back, net.cells)
    rate = constant(net, RATE)
    for output in range(net.outputs):
        error = load(e + VECTOR * output)
        for index in range(net.seen):
            place = VECTOR * (output * net.seen + index)
            w = load(net.output + place)
            if index < net.cells:
                store(back + VECTOR * index, load(back + VECTOR * index) + w * error)
            change = rate * error * load(there.output + place)
            store(net.output + place, w + change * seen_by_output(net, past, step, index))


@njit
def _carry(net: Net, z: int, place: int, stays: Any, gain: Any) -> None:
    """ds/dw(t) = y_forget ds/dw(t - 1) + gain z(t), over all weights of a unit (equations 26-28)."""
    for index in range(net.sources):
        at = VECTOR * index
        store(place + at, stays * load(place + at) + gain * load(z + at))


@njit
def _change(net: Net, there: There, unit: int, of: int, amount: Any) -> None:
    """Add amount times what lies at `of` to the weights of a unit."""
    row = VECTOR * unit * net.sources
    for index in range(net.sources):
        at = VECTOR * index
        w = net.hidden + row + at
        store(w, load(w) + amount * load(there.hidden + row + at) * load(of + at))


@njit
def _peepholes(net: Net, gate: int, s: int, amount: Any) -> None:
    for v in range(net.size):
        w = net.peephole + VECTOR * (gate * net.size + v)
        store(w, load(w) + amount * load(s + VECTOR * v))


@njit
def learn_step(net: Net, past: Past, carried: Carried, there: There, step: int, e: int, back: int) -> None:
    """Carry the derivatives on and change all weights by the errors e_k of this step, `[output]` at `e`.

    Steps without an error have e = 0. `back` is room for a vector a cell.
    """
    _outputs(net, past, there, step, e, back)
    one, rate = splat(np.float32(1.0)), constant(net, RATE)
    z = past.z + VECTOR * step * net.sources
    y = z + VECTOR * (net.sources + net.inputs)
    range_g, range_h = constant(net, CELL_RANGE), constant(net, OUTPUT_RANGE)
    for block in range(net.blocks):
        gate_in, gate_forget = net.blocks + block, 2 * net.blocks + block
        leaves, enters, stays = load(y + VECTOR * block), load(y + VECTOR * gate_in), one
        if net.forget:
            stays = load(y + VECTOR * gate_forget)
        d_out = splat(np.float32(0.0))
        before = past.s + VECTOR * (step * net.cells + block * net.size)
        now = before + VECTOR * net.cells
        for v in range(net.size):
            cell = block * net.size + v
            of = VECTOR * cell * net.sources
            here = VECTOR * (step * net.cells + cell)
            g, h, d = load(past.g + here), load(past.h + here), load(back + VECTOR * cell)
            d_out = d_out + h * d
            error = rate * leaves * (range_h * range_h - h * h) * constant(net, OUTPUT_SLOPE) * d  # rate times e_s
            slope = (range_g * range_g - g * g) * constant(net, CELL_SLOPE)
            entering, forgetting = g * enters * (one - enters), load(before + VECTOR * v) * stays * (one - stays)
            _carry(net, z, carried.entering + of, stays, entering)
            _carry(net, z, carried.own + of, stays, slope * enters)
            _change(net, there, gate_in, carried.entering + of, error)
            _change(net, there, net.first + cell, carried.own + of, error)
            if net.forget:
                _carry(net, z, carried.staying + of, stays, forgetting)
                _change(net, there, gate_forget, carried.staying + of, error)
            if net.peephole:
                for other in range(net.size):
                    seen = load(before + VECTOR * other)
                    into = carried.peephole + VECTOR * (cell * net.size + other)
                    store(into, stays * load(into) + entering * seen)
                    into += VECTOR * net.cells * net.size
                    store(into, stays * load(into) + forgetting * seen)
                _peepholes(net, gate_in, carried.peephole + VECTOR * cell * net.size, error)
                if net.forget:
                    _peepholes(net, gate_forget, carried.peephole + VECTOR * (net.cells + cell) * net.size, error)
        d_out = rate * d_out * leaves * (one - leaves)
        _change(net, there, block, z, d_out)
        if net.peephole:
            _peepholes(net, block, now, d_out)
