"""The fully recurrent network of Williams & Zipser 1989, in compiled code: one trial in each lane of every value.

Every unit sees all units of the step before and the inputs; the first units are the outputs:
z(t) = [y(t - 1); x(t)], y_k(t) = f(sum over l of w_kl z_l(t)), f(x) = 1 / (1 + exp(-x)).
There are no biases, as the numbers of weights that are published for it show: 10 x 17 and 19 x 26.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from naibu.cells.kernels.compiled import Kernel, record
from naibu.cells.kernels.vector import LANES, VECTOR, largest, load, splat, store, total, where_positive
from naibu.errors import OptionError
from naibu.online.recurrent.lane_products import squashed
from naibu.online.recurrent.streams import Floats, Stream


@dataclass(frozen=True)
class RecurrentNetwork:
    """How many inputs, outputs and other units there are."""

    inputs: int
    outputs: int
    hidden: int
    """Units that are no outputs."""
    initial: float = 0.2
    """Weights are drawn evenly from -initial to initial."""

    def __post_init__(self) -> None:
        for name, least in (("inputs", 1), ("outputs", 1), ("hidden", 0)):
            if getattr(self, name) < least:
                raise OptionError(f"{name} {getattr(self, name)}: must be at least {least}")

    @property
    def units(self) -> int:
        """Units in all."""
        return self.outputs + self.hidden

    @property
    def sources(self) -> int:
        """What a unit sees: the units, then the inputs."""
        return self.units + self.inputs

    @property
    def weights(self) -> int:
        """Weights in all, in memory `[unit source]`."""
        return self.units * self.sources

    def drawn(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the weights with which a trial begins, `[unit source]`."""
        return rng.uniform(-self.initial, self.initial, (self.units, self.sources))


@njit
def see(z: int, y: int, units: int, x: int, inputs: int, keep: Any) -> None:
    """Write z = [y; x], with y forgotten in the lanes where a sequence begins."""
    for unit in range(units):
        store(z + unit * VECTOR, load(y + unit * VECTOR) * keep)
    for index in range(inputs):
        store(z + (units + index) * VECTOR, load(x + index * VECTOR))


@njit
def misses(y: int, target: int, outputs: int, learn: Any, d: int, errors: int) -> None:
    """Write d = t - y of the outputs, 0 where there is no target, and add their sizes to `errors`."""
    zero, sizes = splat(np.float32(0.0)), load(errors)
    for output in range(outputs):
        miss = (load(target + output * VECTOR) - load(y + output * VECTOR)) * learn
        store(d + output * VECTOR, miss)
        sizes = sizes + largest(miss, zero - miss)
    store(errors, sizes)


@njit
def note_failures(y: int, legal: int, outputs: int, learn: Any, failed: int) -> bool:
    """Set `failed` to 1 in the lanes where a legal output is not above all others; return whether all have failed.

    Outputs are between 0 and 1; lanes in which one is no number (NaN) have failed too.
    """
    zero, one, two = splat(np.float32(0.0)), splat(np.float32(1.0)), splat(np.float32(2.0))
    other, below, numbers = zero, zero - two, zero
    for output in range(outputs):
        value, allowed = load(y + output * VECTOR), load(legal + output * VECTOR)
        other = largest(other, value * (one - allowed))
        below = largest(below, zero - value - two * (one - allowed))
        numbers = numbers + value * zero  # `largest` passes over what is no number
    above = where_positive(numbers - below - other, one)
    state = largest(load(failed), learn * (one - above))
    store(failed, state)
    return total(state) >= LANES - 0.5


@njit
def end_sequences(task: Any, keep: Any, weights: int) -> None:
    """Add what was summed in the lanes where a sequence begins, or none follows, to their weights."""
    ended = splat(np.float32(1.0)) - keep
    for index in range(weights):
        place = index * VECTOR
        change = load(task.change + place)
        store(task.weights + place, load(task.weights + place) + change * ended)
        store(task.change + place, change * keep)


def rooms(**shapes: tuple[int, ...]) -> dict[str, Floats]:
    """Return zeros, `[... lane]`, under these names."""
    return {name: np.zeros((*shape, LANES), np.float32) for name, shape in shapes.items()}


def addresses(*groups: dict[str, Any]) -> dict[str, int]:
    """Return where arrays lie, by name, as a kernel takes them."""
    return {name: array.ctypes.data for group in groups for name, array in group.items()}


def given(stream: Stream) -> dict[str, Any]:
    """Return the arrays of a stream by name."""
    return {"x": stream.x, "target": stream.target, "keep": stream.keep, "learn": stream.learn}


def lane_numbers(values: Any) -> Floats:
    """Return one number for each lane; lanes beyond those given get 0."""
    numbers = np.zeros(LANES, np.float32)
    numbers[: len(values)] = values
    return numbers


CHECK = record(
    *("units", "inputs", "outputs", "steps"),
    "weights",  # [unit source]
    *("x", "target", "keep", "learn"),  # of the stream; 1 for each legal output as targets
    *("z", "y"),  # room: [source], [unit]
    "failed",
)


def _recurrent_check(address: int) -> None:
    """Mark the lanes in which a legal output is not above all others; stop when all are marked."""
    task = carray(address, 1, CHECK)[0]
    for step in range(task.steps):
        x = task.x + step * task.inputs * VECTOR
        see(task.z, task.y, task.units, x, task.inputs, load(task.keep + step * VECTOR))
        squashed(task.units, task.units + task.inputs, task.weights, task.z, task.y)
        legal, learn = task.target + step * task.outputs * VECTOR, load(task.learn + step * VECTOR)
        if note_failures(task.y, legal, task.outputs, learn, task.failed):
            break


_CHECK = Kernel("test of a recurrent network", _recurrent_check, CHECK)


class RecurrentLearner:
    """Trials of one fully recurrent network side by side: weights, and the test that they have learnt the grammar.

    `weights`, float32 `[unit source lane]`, may be read and written between calls. No numbers pass from one lane to
    another.
    """

    def __init__(self, network: RecurrentNetwork) -> None:
        self.network = network
        self.weights = np.zeros((network.units, network.sources, LANES), np.float32)

    def begin(self, lane: int, rng: np.random.Generator) -> None:
        """Give a lane the first weights of another trial."""
        self.weights[..., lane] = self.network.drawn(rng)

    def fails(self, stream: Stream, asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return in which of the lanes that are asked for some legal output is not above all others `[lane]`.

        The stream's targets are 1 for each legal output; the other lanes count as failed.
        """
        network = self.network
        failed = 1 - lane_numbers(asked)
        room = rooms(z=(network.sources,), y=(network.units,))
        _CHECK(
            1,
            **{"units": network.units, "inputs": network.inputs, "outputs": network.outputs, "steps": stream.steps},
            **addresses({"weights": self.weights, "failed": failed}, room, given(stream)),
        )
        return failed > 0
