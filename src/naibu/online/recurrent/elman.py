"""Elman's network (Elman 1990; Cleeremans, Servan-Schreiber & McClelland 1989), compiled: one trial in each lane.

The hidden units get a copy of what they did one step before as further inputs; error is propagated to the weights of
this step alone, since the copy counts as an input like any other. z(t) = [h(t - 1); x(t)], f the logistic function:

    h = f(W z),  o = f(V h),  e_k = f'(o_k) (d_k - o_k),  delta_j = f'(h_j) sum over k of v_kj e_k
    v_kj += rate * e_k h_j,  w_ji += rate * delta_j z_i

There are no biases: 15 (15 + 7) + 7 x 15 = 435 weights, the published number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from naibu.cells.kernels.compiled import Kernel, record
from naibu.cells.kernels.vector import LANES, VECTOR, load, splat, store, total
from naibu.errors import OptionError
from naibu.online.recurrent.lane_products import squashed, vector_product
from naibu.online.recurrent.net import addresses, end_sequences, given, lane_numbers, misses, note_failures, rooms, see
from naibu.online.recurrent.streams import Floats, Stream


@dataclass(frozen=True)
class ElmanNetwork:
    """How many inputs, outputs and hidden units there are."""

    inputs: int
    outputs: int
    hidden: int
    initial: float = 0.5
    """Weights are drawn evenly from -initial to initial."""

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs", "hidden"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} {getattr(self, name)}: must be at least 1")

    @property
    def sources(self) -> int:
        """What a hidden unit sees: the copies of the hidden units, then the inputs."""
        return self.hidden + self.inputs

    @property
    def weights(self) -> int:
        """Weights in all: in memory `[hidden source]` of the hidden units, then `[output hidden]` of the outputs."""
        return self.hidden * self.sources + self.outputs * self.hidden


ELMAN = record(
    *("hidden", "inputs", "outputs", "steps"),
    "weights",
    "change",  # as weights: where changes are summed; the weights themselves, or a room until the sequence ends
    "delayed",  # whether it is such a room
    "derivative",  # whether the error of an output is multiplied by f'
    "rate",  # [lane]
    "errors",  # [lane]: the sum of absolute errors
    *("x", "target", "keep", "learn"),  # of the stream
    *("z", "h", "o", "e", "delta"),  # rooms: [source], [hidden], [output], [output], [hidden]
    "failed",  # [lane]: only of the test
)


@njit
def _activate(task: Any, step: int) -> None:
    """Compute the hidden units and the outputs."""
    sources = task.hidden + task.inputs
    keep = load(task.keep + step * VECTOR)
    see(task.z, task.h, task.hidden, task.x + step * task.inputs * VECTOR, task.inputs, keep)
    squashed(task.hidden, sources, task.weights, task.z, task.h)
    squashed(task.outputs, task.hidden, task.weights + task.hidden * sources * VECTOR, task.h, task.o)


@njit
def _errors(task: Any, step: int) -> None:
    """Compute rate * e and rate * delta."""
    one, rate = splat(np.float32(1.0)), load(task.rate)
    target, learn = task.target + step * task.outputs * VECTOR, load(task.learn + step * VECTOR)
    misses(task.o, target, task.outputs, learn, task.e, task.errors)
    for output in range(task.outputs):
        place, o = task.e + output * VECTOR, load(task.o + output * VECTOR)
        factor = rate * o * (one - o) if task.derivative else rate
        store(place, load(place) * factor)
    output_weights = task.weights + task.hidden * (task.hidden + task.inputs) * VECTOR
    vector_product(task.hidden, task.outputs, output_weights, VECTOR, task.hidden * VECTOR, task.e, task.delta)
    for unit in range(task.hidden):
        place, h = task.delta + unit * VECTOR, load(task.h + unit * VECTOR)
        store(place, load(place) * h * (one - h))


@njit
def _add_outer(rows: int, columns: int, left: int, right: int, sums: int) -> None:
    """Add left right^T, `[row column]`, to `sums`."""
    for row in range(rows):
        factor, target = load(left + row * VECTOR), sums + row * columns * VECTOR
        for column in range(columns):
            place = target + column * VECTOR
            store(place, load(place) + factor * load(right + column * VECTOR))


def _elman_learn(address: int) -> None:
    """Learn from all steps of a stream."""
    task = carray(address, 1, ELMAN)[0]
    hidden, sources = task.hidden, task.hidden + task.inputs
    for step in range(task.steps):
        keep = load(task.keep + step * VECTOR)
        if task.delayed and total(keep) < LANES - 0.5:
            end_sequences(task, keep, hidden * (sources + task.outputs))
        _activate(task, step)
        _errors(task, step)
        _add_outer(hidden, sources, task.delta, task.z, task.change)
        _add_outer(task.outputs, hidden, task.e, task.h, task.change + hidden * sources * VECTOR)


def _elman_check(address: int) -> None:
    """Mark the lanes in which a legal output is not above all others; stop when all are marked."""
    task = carray(address, 1, ELMAN)[0]
    for step in range(task.steps):
        _activate(task, step)
        legal, learn = task.target + step * task.outputs * VECTOR, load(task.learn + step * VECTOR)
        if note_failures(task.o, legal, task.outputs, learn, task.failed):
            break


_LEARN = Kernel("learner of Elman's network", _elman_learn, ELMAN)
_CHECK = Kernel("test of Elman's network", _elman_check, ELMAN)


class Elman:
    """Trials of Elman's network that learn side by side.

    `update` is `step`, weights change at every step, or `sequence`. Without `output_derivative` e_k is d_k - o_k,
    as for cross-entropy. `weights`, float32 `[weight lane]`, may be read and written between calls.
    """

    def __init__(
        self,
        network: ElmanNetwork,
        rate: float,
        *,
        update: Literal["step", "sequence"] = "step",
        output_derivative: bool = True,
    ) -> None:
        self.network, self.rate, self.update, self.output_derivative = network, rate, update, output_derivative
        self.weights = np.zeros((network.weights, LANES), np.float32)
        self._summed = np.zeros_like(self.weights)
        hidden, outputs = (network.hidden,), (network.outputs,)
        self._rooms = rooms(z=(network.sources,), h=hidden, o=outputs, e=outputs, delta=hidden)

    def begin(self, lane: int, rng: np.random.Generator) -> None:
        """Give a lane the first weights of another trial."""
        self.weights[:, lane] = rng.uniform(-self.network.initial, self.network.initial, self.network.weights)
        for room in self._rooms.values():
            room[..., lane] = 0

    def train(self, stream: Stream, learns: NDArray[np.bool_]) -> Floats:
        """Learn from a stream in the lanes that `learns` names; return the sum of absolute errors `[lane]`."""
        errors, delayed = np.zeros(LANES, np.float32), self.update == "sequence"
        own = {
            "change": self._summed if delayed else self.weights,
            "rate": lane_numbers(learns) * np.float32(self.rate),
            "errors": errors,
        }
        self._run(_LEARN, stream, own, delayed=int(delayed), derivative=int(self.output_derivative))
        return errors

    def fails(self, stream: Stream, asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return in which of the lanes that are asked for some legal output is not above all others `[lane]`.

        The stream's targets are 1 for each legal output; the other lanes count as failed.
        """
        failed = 1 - lane_numbers(asked)
        self._run(_CHECK, stream, {"failed": failed})
        return failed > 0

    def _run(self, kernel: Kernel, stream: Stream, own: dict[str, Any], **options: int) -> None:
        network, arrays = self.network, {"weights": self.weights}
        kernel(
            1,
            **{"hidden": network.hidden, "inputs": network.inputs, "outputs": network.outputs, "steps": stream.steps},
            **options,
            **addresses(own, arrays, self._rooms, given(stream)),
        )
