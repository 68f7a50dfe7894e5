"""Real-time recurrent learning (Williams & Zipser 1989), compiled; `plain_recurrent` has the equations one at a time.

With z(t) = [y(t - 1); x(t)], p_k_ij = dy_k / dw_ij and s_k = sum over l of w_kl z_l:

    q_k_ij(t) = ds_k / dw_ij = sum over units l of w_kl p_l_ij(t - 1) + [k = i] z_j(t)
    p_k_ij(t) = f'(s_k(t)) q_k_ij(t)
    w_ij <- w_ij + rate * sum over outputs k of (d_k - y_k) f'(s_k) q_k_ij(t)

units x weights x units products a step: a product of matrices, W times p, in every lane.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from naibu.cells.kernels.compiled import Kernel, record
from naibu.cells.kernels.vector import LANES, VECTOR, load, splat, store, total
from naibu.online.recurrent.lane_products import COLUMNS, columns_product, squashed
from naibu.online.recurrent.net import (
    RecurrentLearner,
    RecurrentNetwork,
    addresses,
    end_sequences,
    given,
    lane_numbers,
    misses,
    rooms,
    see,
)
from naibu.online.recurrent.streams import Floats, Stream

RTRL_PASS = record(
    *("units", "inputs", "outputs", "steps"),
    "weights",  # [unit source], in whole blocks of COLUMNS
    "change",  # as weights: where changes are summed; the weights themselves, or a room until the sequence ends
    "delayed",  # whether it is such a room
    "derivative",  # whether the error of an output is multiplied by f'
    "rate",  # [lane]
    "errors",  # [lane]: the sum of absolute errors
    *("x", "target", "keep", "learn"),  # of the stream
    *("z", "y", "slope", "d"),  # rooms: [source], [unit], [unit]: f', [unit], 0 for units that are no outputs
    "factors",  # room [unit+1 unit]: what the sensitivities of one step are multiplied by to give those of the next
    "p",  # [block+1 unit+1 COLUMNS]: the sensitivities, those of COLUMNS weights side by side, and their gradient
)


@njit
def _activate(task: Any, step: int, keep: Any) -> None:
    """Compute y, f' and `d`, by which q is multiplied in the gradient."""
    units, one, rate = task.units, splat(np.float32(1.0)), load(task.rate)
    see(task.z, task.y, units, task.x + step * task.inputs * VECTOR, task.inputs, keep)
    squashed(units, units + task.inputs, task.weights, task.z, task.y)
    target, learn = task.target + step * task.outputs * VECTOR, load(task.learn + step * VECTOR)
    misses(task.y, target, task.outputs, learn, task.d, task.errors)
    for unit in range(units):
        y = load(task.y + unit * VECTOR)
        store(task.slope + unit * VECTOR, y * (one - y))
    for output in range(task.outputs):
        factor = rate * load(task.slope + output * VECTOR) if task.derivative else rate
        store(task.d + output * VECTOR, load(task.d + output * VECTOR) * factor)


@njit
def _lay_factors(task: Any, keep: Any) -> None:
    """Write f'_k w_kl, and in the last row sum over k of d_k w_kl; 0 in the lanes where a sequence begins.

    Multiplied by p_l(t - 1) they give p_k(t), and the gradient, but for the part of z_j.
    """
    units, sources = task.units, task.units + task.inputs
    last = task.factors + units * units * VECTOR
    for source in range(units):
        store(last + source * VECTOR, splat(np.float32(0.0)))
    for unit in range(units):
        slope, d = load(task.slope + unit * VECTOR) * keep, load(task.d + unit * VECTOR) * keep
        for source in range(units):
            weight, place = load(task.weights + (unit * sources + source) * VECTOR), source * VECTOR
            store(task.factors + unit * units * VECTOR + place, weight * slope)
            if unit < task.outputs:
                store(last + place, load(last + place) + weight * d)


@njit
def _learn(task: Any, blocks: int, upwards: bool) -> None:
    """Bring the sensitivities to this step and change the weights, `COLUMNS` weights at a time.

    Each block goes one place down, or at the next step up again, so that none is overwritten before it is read.
    """
    units, sources = task.units, task.units + task.inputs
    row, side = COLUMNS * VECTOR, units * VECTOR
    size = (units + 1) * row
    for number in range(blocks):
        block = number if upwards else blocks - 1 - number
        old, new = task.p + (block + upwards) * size, task.p + (block + 1 - upwards) * size
        columns_product(units + 1, units, task.factors, side, VECTOR, old, row, new, row)
        unit, source = block * COLUMNS // sources, block * COLUMNS % sources  # of w_ij, whose column it is
        for column in range(COLUMNS):
            if unit < units:
                z, place = load(task.z + source * VECTOR), new + unit * row + column * VECTOR
                store(place, load(place) + load(task.slope + unit * VECTOR) * z)
                gradient = load(new + units * row + column * VECTOR) + load(task.d + unit * VECTOR) * z
                place = task.change + (block * COLUMNS + column) * VECTOR
                store(place, load(place) + gradient)
                source += 1
                if source == sources:
                    unit, source = unit + 1, 0


def _rtrl_learn(address: int) -> None:
    """Learn from all steps of a stream."""
    task = carray(address, 1, RTRL_PASS)[0]
    weights = task.units * (task.units + task.inputs)
    blocks = -(-weights // COLUMNS)
    for step in range(task.steps):
        keep = load(task.keep + step * VECTOR)
        if task.delayed and total(keep) < LANES - 0.5:
            end_sequences(task, keep, blocks * COLUMNS)
        _activate(task, step, keep)
        _lay_factors(task, keep)
        _learn(task, blocks, step % 2 == 0)


_RTRL = Kernel("real-time recurrent learning", _rtrl_learn, RTRL_PASS)


class RTRL(RecurrentLearner):
    """Trials that learn side by side by real-time recurrent learning.

    `update` is `step`, the on-line form of the paper (section 3), in which weights change while sensitivities go on,
    or `sequence`, by the exact gradient of the sequence's error. Without `output_derivative` the error of an output
    is d_k - y_k without f', as for cross-entropy. Each sequence begins with all activations and sensitivities at 0.
    """

    def __init__(
        self,
        network: RecurrentNetwork,
        rate: float,
        *,
        update: Literal["step", "sequence"] = "step",
        output_derivative: bool = True,
    ) -> None:
        super().__init__(network)
        self.rate, self.update, self.output_derivative = rate, update, output_derivative
        units, blocks = network.units, -(-network.weights // COLUMNS)
        self._all = np.zeros((blocks * COLUMNS, LANES), np.float32)
        self.weights = self._all[: network.weights].reshape(units, network.sources, LANES)
        self._rooms = rooms(
            z=(network.sources,),
            y=(units,),
            slope=(units,),
            d=(units,),
            factors=(units + 1, units),
            p=(blocks + 1, units + 1, COLUMNS),
        )
        self._summed = np.zeros_like(self._all)

    def begin(self, lane: int, rng: np.random.Generator) -> None:
        """Give a lane the first weights of another trial, and nothing of the one before."""
        super().begin(lane, rng)
        for room in (*self._rooms.values(), self._summed):
            room[..., lane] = 0

    def train(self, stream: Stream, learns: NDArray[np.bool_]) -> Floats:
        """Learn from a stream in the lanes that `learns` names; return the sum of absolute errors `[lane]`."""
        network, errors = self.network, np.zeros(LANES, np.float32)
        delayed = self.update == "sequence"
        own = {
            "weights": self._all,
            "change": self._summed if delayed else self._all,
            "rate": lane_numbers(learns) * np.float32(self.rate),
            "errors": errors,
        }
        _RTRL(
            1,
            **{"units": network.units, "inputs": network.inputs, "outputs": network.outputs, "steps": stream.steps},
            **{"delayed": int(delayed), "derivative": int(self.output_derivative)},
            **addresses(own, self._rooms, given(stream)),
        )
        return errors
