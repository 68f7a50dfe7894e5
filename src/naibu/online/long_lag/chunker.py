"""The neural sequence chunker on experiment 2a, compiled: an automatizer that predicts, a chunker of what surprises it.

Both have one self-recurrent hidden unit and learn by real-time recurrent learning, after every step. The automatizer
sees every symbol and predicts the next one; a symbol that it failed to predict, and the first of a sequence, goes to
the chunker, which learns to predict it from the last one that it got. One more output of the automatizer learns to
give the chunker's hidden unit. No code of the time is given: the 10,506 weights of the published automatizer leave no
room for it, and the 1992 paper found none needed. Both begin anew with each sequence. The threshold of failure is
unpublished. Source: Schmidhuber 1992, Learning complex, extended sequences using the principle of history compression.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from naibu.cells.kernels.compiled import Kernel, record
from naibu.cells.kernels.vector import (
    F32,
    LANES,
    VECTOR,
    integer,
    largest,
    load,
    read_number,
    sigmoid,
    splat,
    store,
    total,
    write_number,
)
from naibu.data.generated.random import Random
from naibu.online.long_lag.symbols import NOWHERE, Symbols, uniform_weights

AUTOMATIZER, CHUNKER = 0, 1


@dataclass(frozen=True)
class ChunkerNet(Symbols):
    """What the two nets learn, and how."""

    p: int = 100
    rate: float = 1.0
    threshold: float = 0.25
    """A symbol was not predicted where an output was off by so much; unpublished."""
    initial: float = 0.2
    """Half range of initial weights."""
    output_derivative: bool = True
    """Whether e_k has the factor f'(net_k), in both nets."""
    limit: float = 0.25
    window: int = 100
    """Sequences between two looks at the error."""

    @property
    def rows(self) -> int:
        """Rows of a net's weights: direct ones by symbol; to outputs; to the hidden unit, its own last."""
        return self.symbols + 2

    @property
    def weights(self) -> tuple[int, int]:
        """How many weights the automatizer and the chunker have."""
        one = self.symbols**2 + 2 * self.symbols + 1
        return one + self.symbols + 1, one


def initial_weights(net: ChunkerNet, random: Random) -> NDArray[np.float64]:
    """Return the initial weights of both nets, float64 [trial net row width]; `random`, a state a trial, moves on."""
    n, trials = net.symbols, len(random)
    weights = np.zeros((trials, 2, net.rows, net.width))
    drawn = uniform_weights(random, 2 * net.rows * (n + 1), net.initial).T
    weights[..., : n + 1] = drawn.reshape(trials, 2, net.rows, n + 1)
    weights[:, :, :n, n + 1 :] = NOWHERE
    weights[:, CHUNKER, :n, n] = NOWHERE
    weights[:, CHUNKER, n, n] = 0.0
    return weights


RUN = record(
    *("symbols", "sequences", "steps", "lanes"),  # int64 [sequence step+1 lane]
    *("chosen", "trials", "weights", "room"),  # room: bytes of a net
    *("width", "alphabet", "learns", "derivative", "numbers"),  # numbers: rate, threshold
    *(
        "target",
        "judged",
        "errors",
        "traces",
    ),  # rows; errors has a vector more for the largest; traces one for each net
    *("worst", "squared", "surprises"),  # float32 [sequence lane]
)


@njit
def _hidden_step(task: Any, net: int, traces: int, symbol: int, h: Any) -> Any:
    """Return h(t) = f(w_m + v h(t-1)), and move dh/dw on."""
    one, last = np.float32(1.0), F32 * task.alphabet
    row = net + (task.alphabet + 1) * F32 * task.width
    own = read_number(row + last)
    h_new = np.float32(one / (one + exp(-(read_number(row + F32 * symbol) + own * h))))
    slope = h_new * (one - h_new)
    kept = splat(slope * own)
    for v in range(0, F32 * task.width, VECTOR):
        store(traces + v, kept * load(traces + v))
    write_number(traces + F32 * symbol, read_number(traces + F32 * symbol) + slope)
    write_number(traces + last, read_number(traces + last) + slope * h)
    return h_new


@njit
def _output_step(task: Any, net: int, symbol: int, h: Any) -> tuple[Any, Any]:
    """Write e_k; return the largest error of the outputs that count, and the sum of their squares."""
    row = F32 * task.width
    direct, to_output = net + symbol * row, net + task.alphabet * row
    one, zero, hidden = splat(np.float32(1.0)), splat(np.float32(0.0)), splat(h)
    peak, squares = zero, zero
    for v in range(0, row, VECTOR):
        y = sigmoid(load(direct + v) + hidden * load(to_output + v))
        missing = load(task.target + v) - y
        counts = load(task.judged + v) * missing
        peak, squares = largest(peak, largest(counts, zero - counts)), squares + counts * counts
        store(task.errors + v, missing * y * (one - y) if task.derivative else missing)
    store(task.errors + row, peak)
    worst = np.float32(0.0)
    for k in range(LANES):
        worst = max(worst, read_number(task.errors + row + F32 * k))
    return worst, total(squares)


@njit
def _learn(task: Any, net: int, traces: int, symbol: int, h: Any) -> None:
    """dw = rate e_k dnet_k/dw, with dh/dw from the traces."""
    row, rate = F32 * task.width, read_number(task.numbers)
    direct, to_output = net + symbol * row, net + task.alphabet * row
    back, fast, through = splat(np.float32(0.0)), splat(rate), splat(rate * h)
    for v in range(0, row, VECTOR):
        e, weight = load(task.errors + v), load(to_output + v)
        back = back + weight * e
        store(direct + v, load(direct + v) + fast * e)
        store(to_output + v, weight + through * e)
    change = splat(rate * total(back))
    for v in range(0, row, VECTOR):
        place = to_output + row + v
        store(place, load(place) + change * load(traces + v))


@njit
def _surprise(task: Any, net: int, traces: int, before: int, symbol: int, h: Any) -> None:
    """Let the chunker predict a symbol from the last that it got, and learn from it."""
    write_number(task.target + F32 * symbol, np.float32(1.0))
    _output_step(task, net, before, h)
    write_number(task.target + F32 * symbol, np.float32(0.0))
    if task.learns:
        _learn(task, net, traces, before, h)


@njit
def _sequence(task: Any, sequence: int, lane: int, automatizer: int) -> None:
    chunker, row = automatizer + task.room, F32 * task.width
    traces, chunker_traces = task.traces, task.traces + row
    for v in range(0, 2 * row, VECTOR):
        store(task.traces + v, splat(np.float32(0.0)))
    first = task.symbols + 8 * (sequence * (task.steps + 1) * task.lanes + lane)
    threshold, extra = read_number(task.numbers + F32), task.target + F32 * task.alphabet
    h, chunker_h, worst, squares = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    failed, before, surprises = True, -1, 0
    for t in range(task.steps + 1):
        symbol = integer(first, t * task.lanes)
        if failed:
            if before >= 0:
                surprises += 1
                _surprise(task, chunker, chunker_traces, before, symbol, chunker_h)
            chunker_h = _hidden_step(task, chunker, chunker_traces, symbol, chunker_h)
            before = symbol
        if t < task.steps:
            h = _hidden_step(task, automatizer, traces, symbol, h)
            wanted = task.target + F32 * integer(first, (t + 1) * task.lanes)
            write_number(wanted, np.float32(1.0))
            write_number(extra, chunker_h)
            largest_now, squares_now = _output_step(task, automatizer, symbol, h)
            write_number(wanted, np.float32(0.0))
            write_number(extra, np.float32(0.0))
            failed = largest_now >= threshold
            worst, squares = max(worst, largest_now), squares + squares_now
            if task.learns:
                _learn(task, automatizer, traces, symbol, h)
    place = F32 * (sequence * task.lanes + lane)
    write_number(task.worst + place, worst)
    write_number(task.squared + place, squares / np.float32(task.steps))
    write_number(task.surprises + place, np.float32(surprises))


def _chunker(address: int) -> None:
    """Run sequences of every chosen trial."""
    task = carray(address, 1, RUN)[0]
    for lane in range(task.trials):
        automatizer = task.weights + integer(task.chosen, lane) * 2 * task.room
        for sequence in range(task.sequences):
            _sequence(task, sequence, lane, automatizer)


_RUN = Kernel("sequence chunker", _chunker, RUN)


class Chunker:
    """Trials side by side, each with its own two nets."""

    def __init__(self, net: ChunkerNet, weights: NDArray[np.float64]) -> None:
        """weights: float64 [trial net row width], as `initial_weights` gives them."""
        self.net, self.weights = net, np.ascontiguousarray(weights, np.float32)
        width = net.width
        self._rooms = {"target": np.zeros(width, np.float32), "judged": np.zeros(width, np.float32)}
        self._rooms["judged"][: net.symbols] = 1.0
        self._rooms["errors"], self._rooms["traces"] = (np.zeros(n, np.float32) for n in (width + LANES, 2 * width))
        self._rooms["numbers"] = np.array([net.rate, net.threshold], np.float32)

    def run(
        self, chosen: NDArray[np.int64], symbols: NDArray[np.integer[Any]], learns: bool = True
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return, of each sequence, the automatizer's largest error, its mean squared error, and how many symbols
        after the first it failed to predict, all float32 [sequence lane].

        chosen: the trials that run; symbols: [sequence step+1 lane], a lane for each of them.
        """
        sequences, places, lanes = symbols.shape
        chosen, symbols = np.ascontiguousarray(chosen, np.int64), np.ascontiguousarray(symbols, np.int64)
        assert lanes == len(chosen)
        worst, squared, surprises = np.empty((3, sequences, lanes), np.float32)
        _RUN(
            1,
            symbols=symbols.ctypes.data,
            sequences=sequences,
            steps=places - 1,
            lanes=lanes,
            chosen=chosen.ctypes.data,
            trials=lanes,
            weights=self.weights.ctypes.data,
            room=self.weights[0, 0].nbytes,
            width=self.net.width,
            alphabet=self.net.symbols,
            learns=int(learns),
            derivative=int(self.net.output_derivative),
            worst=worst.ctypes.data,
            squared=squared.ctypes.data,
            surprises=surprises.ctypes.data,
            **{name: room.ctypes.data for name, room in self._rooms.items()},
        )
        return worst, squared, surprises
