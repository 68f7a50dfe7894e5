"""Experiment 2a for real-time recurrent learning and backpropagation through time: one hidden unit, compiled.

h(t) = f(w_m + v h(t-1)) for the input symbol m, y_k = f(w_k,m + w_k h(t)): the hidden unit sees the inputs and
itself, the outputs see the inputs and the hidden unit; no biases. One trial in each lane. Of two sequences of 2a only
the first and last symbols differ, so that a lane's class, 0 for x or 1 for y, stands for the sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from naibu.cells.kernels.compiled import Kernel, record
from naibu.cells.kernels.vector import LANES, VECTOR, largest, load, sigmoid, splat, store
from naibu.data.generated.random import Random
from naibu.online.long_lag.symbols import Symbols, uniform_weights

METHODS = ("rtrl", "rtrl by sequence", "bptt")


@dataclass(frozen=True)
class OneHidden(Symbols):
    """What RTRL and BPTT learn in 2a, and how."""

    p: int = 4
    method: Literal["rtrl", "rtrl by sequence", "bptt"] = "rtrl"
    """`rtrl` changes weights after each step; `bptt` and `rtrl by sequence` after each sequence, by one gradient."""
    rate: float = 1.0
    initial: float = 0.2
    """Half range of initial weights."""
    output_derivative: bool = True
    """Whether e_k has the factor f'(net_k)."""
    reset: bool = True
    """Whether each sequence begins with h = 0; else, for RTRL, with all that the one before left."""
    limit: float = 0.25
    """The largest error that a sequence of a solved trial may have."""
    window: int = 1000
    """Sequences between two looks at the error."""

    def __post_init__(self) -> None:
        if self.method == "bptt" and not self.reset:
            raise ValueError("bptt goes back to the beginning of a sequence: it needs reset=True")

    @property
    def weights(self) -> int:
        """How many weights learn: direct ones, to the outputs, to the hidden unit, and its own."""
        return self.symbols**2 + 2 * self.symbols + 1


RUN = record(
    *("p", "sequences", "method", "learns", "derivative", "reset", "rate"),  # rate: a vector
    *("direct", "to_output", "to_hidden", "own"),  # weights: [symbol output], [output], [symbol], one
    *("output_change", "trace"),  # rooms [output] and [symbol+1]; the last trace is that of the own weight
    *("hidden", "back"),  # rooms [step+1] and [step]: h, and the error that comes back to it from the outputs
    *("classes", "worst", "squared"),  # float32 [sequence lane]
)


@njit
def _of_symbol(place: int, t: int, p: int, step: int, y: Any) -> Any:
    """Return what lies at the input symbol of step t: each lane's own of those of x and y at the first step."""
    if t:
        return load(place + (t - 1) * step)
    return load(place + (p - 1) * step) + y * (load(place + p * step) - load(place + (p - 1) * step))


@njit
def _add_to_symbol(place: int, t: int, p: int, step: int, y: Any, change: Any) -> None:
    """Add a change to what lies at the input symbol of step t."""
    if t:
        store(place + (t - 1) * step, load(place + (t - 1) * step) + change)
        return
    x_place, y_place = place + (p - 1) * step, place + p * step
    store(x_place, load(x_place) + change - y * change)
    store(y_place, load(y_place) + y * change)


@njit
def _output_step(task: Any, t: int, y: Any, h: Any, peak: Any) -> Any:
    """Return the error that comes back to the hidden unit, the largest error so far, and the sum of the squares."""
    p, one, zero, rate = task.p, splat(np.float32(1.0)), splat(np.float32(0.0)), load(task.rate)
    step, back, squares = VECTOR * (p + 1), zero, zero
    changes = task.to_output if task.method == 0 else task.output_change
    for k in range(p + 1):
        weight = load(task.to_output + VECTOR * k)
        net = _of_symbol(task.direct + VECTOR * k, t, p, step, y) + weight * h
        output = sigmoid(net)
        missing = zero - output
        if t < p - 1:
            if k == t:
                missing = missing + one
        elif k == p - 1:
            missing = missing + one - y
        elif k == p:
            missing = missing + y
        peak, squares = largest(peak, largest(missing, zero - missing)), squares + missing * missing
        e = missing * output * (one - output) if task.derivative else missing
        back = back + weight * e
        if task.learns:
            _add_to_symbol(task.direct + VECTOR * k, t, p, step, y, rate * e)
            store(changes + VECTOR * k, load(changes + VECTOR * k) + rate * e * h)
    return back, peak, squares


@njit
def _trace_step(task: Any, t: int, y: Any, before: Any, h: Any) -> None:
    """dh(t)/dw = f'(net) (what w multiplies + v dh(t-1)/dw), for every weight of a symbol that has been seen."""
    p, one = task.p, splat(np.float32(1.0))
    slope, own = h * (one - h), load(task.own)
    kept = slope * own
    for j in range(p + 1):
        if j < t or j >= p - 1 or not task.reset:
            store(task.trace + VECTOR * j, kept * load(task.trace + VECTOR * j))
    _add_to_symbol(task.trace, t, p, VECTOR, y, slope)
    place = task.trace + VECTOR * (p + 1)
    store(place, slope * before + kept * load(place))


@njit
def _learn_by_traces(task: Any, t: int, back: Any, to_hidden: int, own: int) -> None:
    """dw += rate d dh/dw."""
    e, p = load(task.rate) * back, task.p
    for j in range(p + 1):
        if j < t or j >= p - 1 or not task.reset:
            place = to_hidden + VECTOR * j
            store(place, load(place) + e * load(task.trace + VECTOR * j))
    store(own, load(own) + e * load(task.trace + VECTOR * (p + 1)))


@njit
def _backward(task: Any, y: Any) -> None:
    """delta(t) = f'(net(t)) (d(t) + v delta(t+1)), from the last step to the first."""
    p, rate, one, zero = task.p, load(task.rate), splat(np.float32(1.0)), splat(np.float32(0.0))
    own, delta, own_change = load(task.own), zero, zero
    for turn in range(p):
        t = p - 1 - turn
        h, before = load(task.hidden + VECTOR * (t + 1)), load(task.hidden + VECTOR * t)
        delta = h * (one - h) * (load(task.back + VECTOR * t) + own * delta)
        _add_to_symbol(task.to_hidden, t, p, VECTOR, y, rate * delta)
        own_change = own_change + delta * before
    store(task.own, own + rate * own_change)


@njit
def _sequence(task: Any, y: Any, worst: int, squared: int) -> None:
    p, zero = task.p, splat(np.float32(0.0))
    h, peak, squares = zero, zero, zero
    if task.reset:
        for index in range(p + 2):
            store(task.trace + VECTOR * index, zero)
    else:
        h = load(task.hidden + VECTOR * p)
    store(task.hidden, h)
    to_hidden, own = task.to_hidden, task.own
    if task.method == 1:  # changes of the hidden unit's weights wait behind those of the outputs
        to_hidden = task.output_change + VECTOR * (p + 1)
        own = to_hidden + VECTOR * (p + 1)
    for t in range(p):
        before = h
        h = sigmoid(_of_symbol(task.to_hidden, t, p, VECTOR, y) + load(task.own) * before)
        if task.method < 2:
            _trace_step(task, t, y, before, h)
        back, peak, squares_now = _output_step(task, t, y, h, peak)
        squares = squares + squares_now
        if task.method < 2 and task.learns:
            _learn_by_traces(task, t, back, to_hidden, own)
        store(task.hidden + VECTOR * (t + 1), h)
        store(task.back + VECTOR * t, back)
    if task.method == 2 and task.learns:
        _backward(task, y)
    store(worst, peak)
    store(squared, squares / splat(np.float32(p)))


@njit
def _add_changes(task: Any) -> None:
    """Add what has waited for the end of a sequence, and begin anew."""
    rooms = task.p + 1, task.p + 1, 1
    change = task.output_change
    for count, weights in zip(rooms, (task.to_output, task.to_hidden, task.own)):  # noqa: B905 (compiled)
        for index in range(count):
            place = weights + VECTOR * index
            store(place, load(place) + load(change))
            store(change, splat(np.float32(0.0)))
            change += VECTOR


def _one_hidden(address: int) -> None:
    """Run through sequences, one after the other, learning from each where the record says so."""
    task = carray(address, 1, RUN)[0]
    for sequence in range(task.sequences):
        place = VECTOR * sequence
        _sequence(task, load(task.classes + place), task.worst + place, task.squared + place)
        if task.method and task.learns:
            _add_changes(task)


_RUN = Kernel("learner with one hidden unit", _one_hidden, RUN)


def initial_weights(net: OneHidden, random: Random) -> NDArray[np.float64]:
    """Return the initial weights, float64 [weight lane]: direct [symbol output], to outputs, to hidden, own."""
    return uniform_weights(random, net.weights, net.initial)


class OneHiddenLanes:
    """At most `LANES` trials, each in its own lane."""

    def __init__(self, net: OneHidden, weights: NDArray[np.float64]) -> None:
        """weights: float64 [weight lane], as `initial_weights` gives them."""
        self.net, self.lanes = net, weights.shape[1]
        self.weights = np.zeros((len(weights), LANES), np.float32)
        self.weights[:, : self.lanes] = weights
        n = net.symbols
        self._rooms = {
            "output_change": np.zeros((2 * n + 1, LANES), np.float32),
            "trace": np.zeros((n + 1, LANES), np.float32),
            "hidden": np.zeros((net.p + 1, LANES), np.float32),
            "back": np.zeros((net.p, LANES), np.float32),
            "rate": np.full(LANES, net.rate, np.float32),
        }

    def run(self, classes: NDArray[np.float32], learns: bool = True) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the largest error of each sequence and the mean over steps of the squared, float32 [sequence lane].

        classes: float32 [sequence lane], 0 for the sequence of x and 1 for that of y.
        """
        n, own = self.net.symbols, np.zeros((len(classes), LANES), np.float32)
        own[:, : self.lanes] = classes
        worst, squared = np.empty_like(own), np.empty_like(own)
        first = self.weights.ctypes.data
        _RUN(
            1,
            p=self.net.p,
            sequences=len(classes),
            method=METHODS.index(self.net.method),
            learns=int(learns),
            reset=int(self.net.reset),
            derivative=int(self.net.output_derivative),
            direct=first,
            to_output=first + VECTOR * n * n,
            to_hidden=first + VECTOR * n * (n + 1),
            own=first + VECTOR * n * (n + 2),
            classes=own.ctypes.data,
            worst=worst.ctypes.data,
            squared=squared.ctypes.data,
            **{name: room.ctypes.data for name, room in self._rooms.items()},
        )
        return worst[:, : self.lanes], squared[:, : self.lanes]
