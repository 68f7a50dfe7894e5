"""Back-propagation through time (Rumelhart et al. 1986; Williams & Peng 1990) of fully recurrent networks, compiled.

The gradient of a whole sequence's error, as offline real-time recurrent learning has it, by one pass back:

    delta_k(t) = f'(s_k(t)) (e_k(t) + sum over units l of w_lk delta_l(t + 1)),  w_ij += rate * sum_t delta_i(t) z_j(t)

where e_k is d_k - y_k of the outputs, 0 of other units. All lanes end a sequence at the same step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from naibu.cells.kernels.compiled import Kernel, record
from naibu.cells.kernels.vector import LANES, VECTOR, integer, load, splat, store
from naibu.online.recurrent.lane_products import COLUMNS, columns_product, squashed, vector_product
from naibu.online.recurrent.net import (
    RecurrentLearner,
    RecurrentNetwork,
    addresses,
    given,
    lane_numbers,
    misses,
    rooms,
    see,
)
from naibu.online.recurrent.streams import Floats, Stream

BPTT_PASS = record(
    *("units", "inputs", "outputs", "sequences"),
    "blocks",  # of COLUMNS, that hold all sources
    "weights",  # [unit source]
    "derivative",  # whether the error of an output is multiplied by f'
    "rate",  # [lane]
    "errors",  # [lane]: the sum of absolute errors
    "bounds",  # [sequence+1]: the first step of each sequence
    *("x", "target", "keep", "learn"),  # of the stream
    "z",  # room [time block COLUMNS]: what units saw
    "y",  # room [1+time unit]
    "delta",  # room [time+1 unit]
    "e",  # room [time output]: d - y
    "gradient",  # room [unit COLUMNS]
)


@njit
def _forward(task: Any, first: int, steps: int) -> None:
    """Run through one sequence and write what units saw and did, and how far the outputs were off."""
    units, sources = task.units, task.units + task.inputs
    for step in range(steps):
        z, y = task.z + step * task.blocks * COLUMNS * VECTOR, task.y + step * units * VECTOR
        keep, learn = load(task.keep + (first + step) * VECTOR), load(task.learn + (first + step) * VECTOR)
        see(z, y, units, task.x + (first + step) * task.inputs * VECTOR, task.inputs, keep)
        squashed(units, sources, task.weights, z, y + units * VECTOR)
        target, e = task.target + (first + step) * task.outputs * VECTOR, task.e + step * task.outputs * VECTOR
        misses(y + units * VECTOR, target, task.outputs, learn, e, task.errors)


@njit
def _back(task: Any, first: int, steps: int) -> None:
    """Write the deltas of one sequence, from its end to its beginning."""
    units, sources, one = task.units, task.units + task.inputs, splat(np.float32(1.0))
    for unit in range(units):
        store(task.delta + (steps * units + unit) * VECTOR, splat(np.float32(0.0)))
    for step in range(steps - 1, -1, -1):
        delta = task.delta + step * units * VECTOR
        after = delta + units * VECTOR
        vector_product(units, units, task.weights, VECTOR, sources * VECTOR, after, delta)
        keep = load(task.keep + (first + step + 1) * VECTOR)  # where a sequence begins no error goes further back
        for unit in range(units):
            place, y = unit * VECTOR, load(task.y + ((step + 1) * units + unit) * VECTOR)
            value, slope = load(delta + place) * keep, y * (one - y)
            if unit >= task.outputs:
                value = value * slope
            elif task.derivative:
                value = (value + load(task.e + (step * task.outputs + unit) * VECTOR)) * slope
            else:
                value = value * slope + load(task.e + (step * task.outputs + unit) * VECTOR)
            store(delta + place, value)


@njit
def _change(task: Any, steps: int) -> None:
    """Change the weights by rate * sum over t of delta_i(t) z_j(t), `COLUMNS` sources at a time."""
    units, sources, rate = task.units, task.units + task.inputs, load(task.rate)
    row = COLUMNS * VECTOR
    for block in range(task.blocks):
        z, side = task.z + block * row, units * VECTOR
        columns_product(units, steps, task.delta, VECTOR, side, z, task.blocks * row, task.gradient, row)
        for unit in range(units):
            for column in range(min(COLUMNS, sources - block * COLUMNS)):
                place = task.weights + (unit * sources + block * COLUMNS + column) * VECTOR
                store(place, load(place) + rate * load(task.gradient + unit * row + column * VECTOR))


def _bptt_learn(address: int) -> None:
    """Learn from all sequences of a stream, one after the other."""
    task = carray(address, 1, BPTT_PASS)[0]
    for sequence in range(task.sequences):
        first = integer(task.bounds, sequence)
        steps = integer(task.bounds, sequence + 1) - first
        _forward(task, first, steps)
        _back(task, first, steps)
        _change(task, steps)


_BPTT = Kernel("back-propagation through time", _bptt_learn, BPTT_PASS)


class BPTT(RecurrentLearner):
    """Trials that learn side by side by back-propagation through time; weights change after every sequence.

    Without `output_derivative` the error of an output is d_k - y_k without f', as for cross-entropy.
    """

    together = True

    def __init__(self, network: RecurrentNetwork, rate: float, *, output_derivative: bool = True) -> None:
        super().__init__(network)
        self.rate, self.output_derivative = rate, output_derivative

    def train(self, stream: Stream, learns: NDArray[np.bool_]) -> Floats:
        """Learn from a stream in the lanes that `learns` names; return the sum of absolute errors `[lane]`."""
        network, errors = self.network, np.zeros(LANES, np.float32)
        units, blocks, time = network.units, -(-network.sources // COLUMNS), int(np.diff(stream.bounds).max())
        own = {
            "weights": self.weights,
            "rate": lane_numbers(learns) * np.float32(self.rate),
            "errors": errors,
            "bounds": stream.bounds,
        }
        room = rooms(
            z=(time, blocks, COLUMNS),
            y=(time + 1, units),
            delta=(time + 1, units),
            e=(time, network.outputs),
            gradient=(units, COLUMNS),
        )
        _BPTT(
            1,
            **{"units": units, "inputs": network.inputs, "outputs": network.outputs, "blocks": blocks},
            **{"sequences": len(stream.bounds) - 1, "derivative": int(self.output_derivative)},
            **addresses(own, room, given(stream)),
        )
        return errors
