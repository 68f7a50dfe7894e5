"""The LSTM of 1997 on several trials side by side, compiled; `plain` has the same equations one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from naibu.cells.kernels.compiled import Kernel, record
from naibu.cells.kernels.vector import LANES, VECTOR, integer, load, splat, store, where_positive, zeros
from naibu.online.blocks.backward import Errors, backward_pass, change, clear, output_errors
from naibu.online.blocks.forward import RATE, Net, Past, constant, forward_step, net_of, output_step
from naibu.online.blocks.network import Learning, Network, Weights, initial_weights
from naibu.online.blocks.steps import Carried, There, forget_derivatives, learn_step

Floats = NDArray[np.float32]

PASS = record(
    *("inputs", "blocks", "size", "outputs", "forget", "direct"),
    *("hidden", "output", "peephole", "constants"),
    *("hidden_there", "output_there", "peephole_there"),  # a vector for each weight, 0 where there is none
    *("sequences", "time"),
    "x",  # [sequence time input]
    "start",  # [sequence]: the first step of any lane
    "begins",  # [sequence]: a vector, the first step of each lane
    "target",  # [sequence when output]; when is 1 or time
    "first_target",  # the step to which the first target of a sequence belongs
    "learns",  # whether weights change
    "full",  # whether the gradient is the full one
    *("z", "s", "g", "h", "o", "sums"),  # rooms of Past
    *("d", "e", "back", "state", "hidden_gradient", "output_gradient", "peephole_gradient"),  # rooms of Errors
    *("entering", "own", "staying", "peephole_carried"),  # rooms of Carried, or 0 where weights change once a sequence
    "alive",  # room for a vector a step
    "errors",  # [sequence 2]: vectors, the largest and the sum
    "given",  # [sequence when output]: what the outputs were, or 0
)


@njit
def _begin(net: Net, past: Past, x: int, begins: int, alive: int, steps: tuple[int, int]) -> None:
    """Lay out z: the inputs, zeros for what the units did before the first step; and who has begun at which step."""
    row, zero = VECTOR * net.sources, splat(np.float32(0.0))
    begun = load(begins)
    for step in range(steps[0], steps[1]):
        z = past.z + step * row
        for index in range(net.inputs):
            store(z + VECTOR * index, load(x + VECTOR * (step * net.inputs + index)))
        store(alive + VECTOR * step, where_positive(splat(np.float32(step + 0.5)) - begun, splat(np.float32(1.0))))
    for index in range(net.units):
        store(past.z + steps[0] * row + VECTOR * (net.inputs + index), zero)
    for index in range(net.cells):
        store(past.s + VECTOR * (steps[0] * net.cells + index), zero)


@njit
def _errors_of(task: Any, sequence: int) -> Errors:
    worst = task.errors + 2 * VECTOR * sequence
    weights = (task.hidden_gradient, task.output_gradient, task.peephole_gradient)
    return Errors(task.d, task.e, task.back, task.state, weights[0], weights[1], weights[2], worst, worst + VECTOR)


@njit
def _learn_by_steps(task: Any, net: Net, past: Past, errors: Errors, target: int, steps: tuple[int, int]) -> None:
    """Run through a sequence, changing weights at every step that has a target."""
    carried = Carried(task.entering, task.own, task.staying, task.peephole_carried)
    there = There(task.hidden_there, task.output_there)
    forget_derivatives(net, carried)
    clear(errors.worst, 1)
    clear(errors.sum, 1)
    for step in range(steps[0], steps[1]):
        alive = load(task.alive + VECTOR * step)
        forward_step(net, past, step, alive)
        clear(errors.e, net.outputs)
        if step >= task.first_target:
            output_step(net, past, step)
            here = target + VECTOR * (step - task.first_target) * net.outputs
            output_errors(net, past, errors, step, here, alive)
        learn_step(net, past, carried, there, step, errors.e, errors.back)


def _lstm_online(address: int) -> None:
    """Run through sequences, one after the other, learning from each where the record says so."""
    task = carray(address, 1, PASS)[0]
    net = net_of(task)
    past = Past(task.z, task.s, task.g, task.h, task.o, task.sums)
    when = task.time - task.first_target
    for sequence in range(task.sequences):
        steps = (integer(task.start, sequence), task.time)
        x = task.x + VECTOR * sequence * task.time * net.inputs
        _begin(net, past, x, task.begins + VECTOR * sequence, task.alive, steps)
        target = task.target + VECTOR * sequence * when * net.outputs
        if task.entering:
            _learn_by_steps(task, net, past, _errors_of(task, sequence), target, steps)
            continue
        for step in range(steps[0], steps[1]):
            forward_step(net, past, step, load(task.alive + VECTOR * step))
            if step >= task.first_target:
                output_step(net, past, step)
        if task.given:
            begin = max(steps[0], task.first_target)
            for index in range(begin * net.outputs, task.time * net.outputs):
                place = task.given + VECTOR * (sequence * when * net.outputs + index - task.first_target * net.outputs)
                store(place, load(task.o + VECTOR * index))
        if task.target:
            errors = _errors_of(task, sequence)
            backward_pass(net, past, errors, steps, (target, task.first_target), task.alive, task.full)
            if task.learns:
                rate = constant(net, RATE)
                change(net.hidden, errors.hidden, task.hidden_there, net.units * net.sources, rate)
                change(net.output, errors.output, task.output_there, net.outputs * net.seen, rate)
                if net.peephole:
                    change(net.peephole, errors.peephole, task.peephole_there, net.first * net.size, rate)


_PASS = Kernel("learner of 1997's LSTM", _lstm_online, PASS)


class Misses(NamedTuple):
    """How far the outputs were from the targets, over all outputs and all steps that have targets."""

    worst: Floats  # [sequence lane]: the largest |t_k - y_k|
    mean: Floats  # [sequence lane]: their mean


class Tape(Protocol):
    """Sequences for several trials, all of which end at the last step (see `data.generated`)."""

    @property
    def start(self) -> NDArray[np.int32]: ...  # [sequence lane]
    @property
    def x(self) -> Floats | None: ...  # [sequence time input lane]
    @property
    def target(self) -> Floats | None: ...  # [sequence when output lane]


class LSTM:
    """Trials of one network that learn side by side, each from its own weights on its own sequences.

    `trials` are their numbers, `LANES` at most. `weights` may be read and written between calls; lanes without a
    trial stay at zero. float32; no numbers pass from one lane to another, so that what a trial does depends on its
    weights and its sequences alone.
    """

    def __init__(self, network: Network, learning: Learning, seed: int, trials: Sequence[int]) -> None:
        self.network, self.learning = network, learning
        sizes = network.sizes
        self.weights = Weights(
            zeros(sizes.units, sizes.sources), zeros(sizes.outputs, sizes.seen), zeros(sizes.first_cell, sizes.size)
        )
        for lane, trial in enumerate(trials):
            self.begin(lane, initial_weights(network, seed, [trial]))
        hidden, output = network.connected()
        there = (hidden, output, np.ones(self.weights.peephole.shape[:2], np.float32))
        self._there = [zeros(*part.shape) for part in there]
        for room, part in zip(self._there, there, strict=True):
            room += part[..., None]
        self._rooms: dict[str, Floats] = {}
        names = ("entering", "own", "staying") if learning.update == "step" else ()
        self._carried = {name: zeros(sizes.cells, sizes.sources) for name in names}
        if names:
            self._carried["peephole_carried"] = zeros(2, sizes.cells, sizes.size)
        self._time = 0

    def begin(self, lane: int, weights: Weights) -> None:
        """Give a lane the weights of another trial, `[... 1]` each."""
        for mine, theirs in zip(self.weights, weights, strict=True):
            mine[..., lane] = theirs[..., 0]

    def train(self, tape: Tape, learns: NDArray[np.bool_] | None = None) -> Misses:
        """Learn from every sequence in turn and return the misses before each change of weights.

        `learns [lane]` says whose weights change; all of them where it is not given.
        """
        assert tape.target is not None
        errors = np.empty((len(tape.start), 2, LANES), np.float32)
        self._run(tape, errors=errors, learns=np.ones(LANES, bool) if learns is None else learns)
        return Misses(errors[:, 0], errors[:, 1] / (tape.target.shape[1] * tape.target.shape[2]))

    def outputs(self, tape: Tape) -> Floats:
        """Return the outputs, `[sequence when output lane]`, after every step or after the last, as the tape's
        targets are; nothing is learnt."""
        assert tape.target is not None
        given = np.zeros(tape.target.shape, np.float32)
        self._run(tape, given=given)
        return given

    def trace(self, tape: Tape) -> dict[str, Floats]:
        """Return what went on inside in the last sequence of the tape, by signal, `[time unit lane]`.

        Signals: output_gate, input_gate, forget_gate where there is one, cell (the states s), candidate (g),
        hidden (the cells' activations).
        """
        assert tape.x is not None
        self.outputs(tape)
        sizes, rooms = self.network.sizes, self._rooms
        time = tape.x.shape[1]
        y = rooms["z"][1 : time + 1, sizes.inputs : -1]
        gates = ["output_gate", "input_gate", *["forget_gate"] * self.network.forget_gate]
        found = {gate: y[:, n * sizes.blocks : (n + 1) * sizes.blocks] for n, gate in enumerate(gates)}
        found |= {"cell": rooms["s"][1 : time + 1], "candidate": rooms["g"][:time], "hidden": y[:, sizes.first_cell :]}
        return {name: values.copy() for name, values in found.items()}

    def _run(
        self, tape: Tape, *, errors: Floats | None = None, given: Floats | None = None, learns: Any = None
    ) -> None:
        assert tape.x is not None
        assert tape.target is not None
        sequences, time, inputs, lanes = tape.x.shape
        sizes = self.network.sizes
        assert (inputs, lanes) == (sizes.inputs, LANES), "the tape has other inputs or lanes than the network"
        self._lay_out(time)
        start = tape.start.min(axis=1).astype(np.int64)
        begins = tape.start.astype(np.float32)
        constants = self._constants(np.zeros(LANES) if learns is None else learns)
        full = self.learning.gradient == "full"
        arrays = dict(zip(("hidden", "output", "peephole"), self.weights, strict=True))
        arrays |= {f"{name}_there": part for name, part in zip(arrays, self._there, strict=True)}
        arrays |= self._rooms | {"x": tape.x, "start": start, "begins": begins, "constants": constants}
        if errors is not None:
            arrays |= {"target": tape.target, "errors": errors}
            if self.learning.update == "step":
                arrays |= self._carried
        if given is not None:
            arrays["given"] = given
        if not self.network.peepholes:
            del arrays["peephole"]
        _PASS(
            1,
            **sizes._asdict(),
            sequences=sequences,
            time=time,
            first_target=time - tape.target.shape[1],
            learns=learns is not None,
            full=full,
            **{name: part.ctypes.data for name, part in arrays.items()},
        )

    def _lay_out(self, time: int) -> None:
        """Make room for sequences of so many steps."""
        if time <= self._time:
            return
        sizes, self._time = self.network.sizes, time
        rows: dict[str, tuple[int, ...]] = {
            "z": (time + 1, sizes.sources),
            "s": (time + 1, sizes.cells),
            "g": (time, sizes.cells),
        }
        rows |= {"h": (time, sizes.cells), "o": (time, sizes.outputs), "sums": (sizes.units + 3,)}
        rows |= {"d": (time, sizes.units), "e": (sizes.outputs,), "back": (sizes.units,), "state": (sizes.cells,)}
        rows |= {"hidden_gradient": (sizes.units, sizes.sources), "output_gradient": (sizes.outputs, sizes.seen)}
        rows |= {"peephole_gradient": (sizes.first_cell, sizes.size), "alive": (time,)}
        self._rooms = {name: zeros(*shape) for name, shape in rows.items()}
        self._rooms["z"][:, -1] = 1

    def _constants(self, learns: Any) -> Floats:
        """Return the vectors of constants, in the order of their names in `forward`."""
        g, h = self.network.cell_range, self.network.output_range
        numbers = (g, h, 2 * g, 2 * h, 1 / (2 * g), 1 / (2 * h), self.learning.rate, self.learning.output_derivative)
        constants = np.repeat(np.array(numbers, np.float32)[:, None], LANES, -1)
        constants[RATE] *= learns
        return constants
