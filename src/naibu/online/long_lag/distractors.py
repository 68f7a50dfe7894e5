"""The LSTM of experiment 2c, compiled: two blocks of one cell, one of many symbols a step, an error at the end alone.

The gates and cells see the symbol and what all of them gave one step before; the two outputs see the cells. One trial
in each lane, each lane with its own weights of symbols: they are gathered by the lane's symbol, and what they are to
change by is scattered back. Source: Hochreiter and Schmidhuber 1997, equations 4-9 and 20-28.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from naibu.cells.kernels.compiled import Kernel, record
from naibu.cells.kernels.vector import (
    F32,
    LANES,
    VECTOR,
    gather,
    integer,
    largest,
    load,
    scatter,
    sigmoid,
    splat,
    store,
    where_positive,
)
from naibu.compiling import compiled
from naibu.data.generated.random import Random
from naibu.online.long_lag.symbols import uniform_weights

BLOCKS, UNITS, OUTPUTS = 2, 6, 2
"""Units: two input gates, two output gates, two cells."""
SOURCES, SEEN = UNITS + 1, BLOCKS + 1
"""What units see besides the symbol, and what outputs see: with a bias each."""
ROW = 8
"""Numbers of a symbol, those of its weights to the units: a whole part of a line of memory."""


@dataclass(frozen=True)
class DistractorNet:
    """What is learnt in 2c, and how; as it stands, the paper's text."""

    p: int = 50
    """How many distractors there are; p + 4 symbols."""
    q: int = 50
    """The least lag."""
    rate: float = 0.01
    initial: float = 0.2
    """Half range of initial weights."""
    in_gate_bias: tuple[float, float] | None = None
    """Initial biases of the input gates, weights that learn; none in the paper."""
    out_gate_bias: tuple[float, float] | None = None
    output_bias: bool = False
    g_range: float = 2.0
    """Half range of g: g = g_range (2 f - 1)."""
    h_range: float = 1.0
    output_derivative: bool = True
    """Whether e_k has the factor f'(net_k) (equation 20)."""
    limit: float = 0.2
    window: int = 100
    """Sequences between two looks at the error."""

    @property
    def symbols(self) -> int:
        """p + 4."""
        return self.p + 4

    @property
    def weights(self) -> int:
        """How many weights learn."""
        biases = BLOCKS * ((self.in_gate_bias is not None) + (self.out_gate_bias is not None))
        return UNITS * (self.symbols + UNITS) + OUTPUTS * (BLOCKS + self.output_bias) + biases


@dataclass
class Weights:
    """The weights of trials side by side; units are in-gates, out-gates, cells."""

    symbol: NDArray[Any]
    """[lane symbol unit]."""
    unit: NDArray[Any]
    """[unit source lane]: from units, and a bias."""
    output: NDArray[Any]
    """[output seen lane]: from cells, and a bias."""


def initial_weights(net: DistractorNet, random: Random) -> Weights:
    """Return the initial weights, float64; `random`, a state a lane, moves on."""
    lanes, symbols = len(random), net.symbols
    symbol = np.zeros((lanes, symbols, ROW))
    drawn = uniform_weights(random, symbols * UNITS, net.initial)
    symbol[..., :UNITS] = drawn.T.reshape(lanes, symbols, UNITS)
    unit = uniform_weights(random, UNITS * SOURCES, net.initial).reshape(UNITS, SOURCES, lanes)
    output = uniform_weights(random, OUTPUTS * SEEN, net.initial).reshape(OUTPUTS, SEEN, lanes)
    for first, biases in ((0, net.in_gate_bias), (BLOCKS, net.out_gate_bias), (2 * BLOCKS, None)):
        unit[first : first + BLOCKS, -1] = np.zeros((BLOCKS, 1)) if biases is None else np.array(biases)[:, None]
    if not net.output_bias:
        output[:, -1] = 0.0
    return Weights(symbol, unit, output)


RUN = record(
    *("symbol", "unit", "output"),  # weights
    "biased",  # a vector for each unit and one for the outputs: 1 where there is a bias, else 0
    *("sequences", "time", "first"),  # first: int64 [sequence], the first step of any lane
    *("places", "start", "classes"),  # places: int32 [sequence time lane]; the others float32 [sequence lane]
    *("learns", "derivative", "numbers"),  # numbers: vectors
    *("past", "changes"),  # rooms: [time 4] and [4 unit+1]
    "worst",  # float32 [sequence lane]
)
RATE, G, H = range(3)
"""Where the vectors of numbers lie: learning rate, 2 g_range, 2 h_range."""


@njit
def _net(task: Any, u: int, place: int, y: tuple[Any, ...]) -> Any:
    """Return f(net) of a unit."""
    row = task.unit + VECTOR * SOURCES * u
    net = gather(task.symbol + F32 * u, place) + load(row + VECTOR * UNITS)
    net = net + load(row) * y[0] + load(row + VECTOR) * y[1] + load(row + 2 * VECTOR) * y[2]
    net = net + load(row + 3 * VECTOR) * y[3] + load(row + 4 * VECTOR) * y[4] + load(row + 5 * VECTOR) * y[5]
    return sigmoid(net)


@njit
def _count(task: Any, t: int, number: int, slope: Any, y: tuple[Any, ...]) -> None:
    """Keep a step's slope for the weights of its symbol, and add slope times source for those of units."""
    store(task.past + VECTOR * (4 * t + number), slope)
    row = task.changes + VECTOR * SOURCES * number
    store(row, load(row) + slope * y[0])
    store(row + VECTOR, load(row + VECTOR) + slope * y[1])
    store(row + 2 * VECTOR, load(row + 2 * VECTOR) + slope * y[2])
    store(row + 3 * VECTOR, load(row + 3 * VECTOR) + slope * y[3])
    store(row + 4 * VECTOR, load(row + 4 * VECTOR) + slope * y[4])
    store(row + 5 * VECTOR, load(row + 5 * VECTOR) + slope * y[5])
    store(row + 6 * VECTOR, load(row + 6 * VECTOR) + slope)


@njit
def _cell(task: Any, t: int, c: int, on: Any, s: Any, f: tuple[Any, ...], y: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return s(t) = s(t-1) + y_in g, and h(s(t)); count what equations 27 and 28 sum over time."""
    one, half = splat(np.float32(1.0)), splat(np.float32(0.5))
    twice_g = load(task.numbers + VECTOR * G)
    y_in, a = f[0], f[2]
    g = twice_g * (a - half)
    s = s + on * y_in * g
    if task.learns:
        _count(task, t, c, on * g * y_in * (one - y_in), y)
        _count(task, t, BLOCKS + c, on * y_in * twice_g * a * (one - a), y)
    return s, load(task.numbers + VECTOR * H) * (sigmoid(s) - half)


@njit
def _errors(task: Any, y: tuple[Any, Any], wanted: Any) -> tuple[Any, Any, Any]:
    """Return the largest error of the outputs and d of both cells; change the outputs' weights."""
    one, zero = splat(np.float32(1.0)), splat(np.float32(0.0))
    rate = load(task.numbers + VECTOR * RATE)
    worst, d0, d1 = zero, zero, zero
    for k in range(OUTPUTS):
        row = task.output + VECTOR * SEEN * k
        w0, w1, bias = load(row), load(row + VECTOR), load(row + 2 * VECTOR)
        output = sigmoid(w0 * y[0] + w1 * y[1] + bias)
        missing = (wanted if k else one - wanted) - output
        worst = largest(worst, largest(missing, zero - missing))
        e = missing * output * (one - output) if task.derivative else missing
        d0, d1 = d0 + w0 * e, d1 + w1 * e
        if task.learns:
            store(row, w0 + rate * e * y[0])
            store(row + VECTOR, w1 + rate * e * y[1])
            store(row + 2 * VECTOR, bias + load(task.biased + VECTOR * UNITS) * rate * e)
    return worst, d0, d1


@njit
def _change_units(task: Any, u: int, e: Any, sources: int) -> None:
    """Add e times what was counted, source by source, to a unit's weights from units and its bias."""
    row = task.unit + VECTOR * SOURCES * u
    for j in range(UNITS):
        store(row + VECTOR * j, load(row + VECTOR * j) + e * load(sources + VECTOR * j))
    place = row + VECTOR * UNITS
    store(place, load(place) + load(task.biased + VECTOR * u) * e * load(sources + VECTOR * UNITS))


@njit
def _add_at(place: int, places: int, change: Any) -> None:
    scatter(place, places, gather(place, places) + change)


@njit
def _learn(
    task: Any, first: int, places: int, d: tuple[Any, Any], h: tuple[Any, Any], y_out: tuple[Any, Any], sources: int
) -> None:
    """Change the weights of gates and cells; `sources` holds what units saw at the last step."""
    one, quarter, rate = splat(np.float32(1.0)), splat(np.float32(0.25)), load(task.numbers + VECTOR * RATE)
    twice_h = load(task.numbers + VECTOR * H)
    last = places + VECTOR * (task.time - 1)
    e_out0, e_out1 = rate * y_out[0] * (one - y_out[0]) * h[0] * d[0], rate * y_out[1] * (one - y_out[1]) * h[1] * d[1]
    # h = H (f - 1/2), so that h' = H f (1 - f) = H (1/4 - (h / H)^2)
    u0, u1 = h[0] / twice_h, h[1] / twice_h
    e_s0 = rate * y_out[0] * twice_h * (quarter - u0 * u0) * d[0]
    e_s1 = rate * y_out[1] * twice_h * (quarter - u1 * u1) * d[1]
    _change_units(task, 2, e_out0, sources)
    _change_units(task, 3, e_out1, sources)
    _add_at(task.symbol + F32 * 2, last, e_out0)
    _add_at(task.symbol + F32 * 3, last, e_out1)
    _change_units(task, 0, e_s0, task.changes)
    _change_units(task, 1, e_s1, task.changes + VECTOR * SOURCES)
    _change_units(task, 4, e_s0, task.changes + 2 * VECTOR * SOURCES)
    _change_units(task, 5, e_s1, task.changes + 3 * VECTOR * SOURCES)
    for t in range(first, task.time):
        step, slopes = places + VECTOR * t, task.past + 4 * VECTOR * t
        _add_at(task.symbol, step, e_s0 * load(slopes))
        _add_at(task.symbol + F32, step, e_s1 * load(slopes + VECTOR))
        _add_at(task.symbol + F32 * 4, step, e_s0 * load(slopes + 2 * VECTOR))
        _add_at(task.symbol + F32 * 5, step, e_s1 * load(slopes + 3 * VECTOR))


@njit
def _sequence(task: Any, sequence: int) -> None:
    one, zero = splat(np.float32(1.0)), splat(np.float32(0.0))
    first, start = integer(task.first, sequence), load(task.start + VECTOR * sequence)
    places, sources = task.places + VECTOR * sequence * task.time, task.changes + 4 * VECTOR * SOURCES
    for index in range(4 * SOURCES):
        store(task.changes + VECTOR * index, zero)
    y, before = (zero, zero, zero, zero, zero, zero), (zero, zero, zero, zero, zero, zero)
    s0, s1, h0, h1 = zero, zero, zero, zero
    for t in range(first, task.time):
        on = where_positive(splat(np.float32(t + 0.5)) - start, one)
        place, before = places + VECTOR * t, y
        in0, in1, out0 = _net(task, 0, place, y), _net(task, 1, place, y), _net(task, 2, place, y)
        out1, a0, a1 = _net(task, 3, place, y), _net(task, 4, place, y), _net(task, 5, place, y)
        s0, h0 = _cell(task, t, 0, on, s0, (in0, out0, a0), before)
        s1, h1 = _cell(task, t, 1, on, s1, (in1, out1, a1), before)
        y = (on * in0, on * in1, on * out0, on * out1, on * out0 * h0, on * out1 * h1)
    worst, d0, d1 = _errors(task, (y[4], y[5]), load(task.classes + VECTOR * sequence))
    store(task.worst + VECTOR * sequence, worst)
    if task.learns:
        for j, value in enumerate(before):
            store(sources + VECTOR * j, value)
        store(sources + VECTOR * UNITS, one)
        _learn(task, first, places, (d0, d1), (h0, h1), (y[2], y[3]), sources)


def _distractors(address: int) -> None:
    """Run through sequences, one after the other, learning from each where the record says so."""
    task = carray(address, 1, RUN)[0]
    for sequence in range(task.sequences):
        _sequence(task, sequence)


_RUN = Kernel("learner of long lags with distractors", _distractors, RUN)


@compiled
def _places_of(symbols: NDArray[np.int32], first: NDArray[np.int64], alphabet: int) -> None:
    """Turn each symbol into the place of its weights among the numbers of all lanes."""
    sequences, time, lanes = symbols.shape
    for sequence in range(sequences):
        for t in range(first[sequence], time):
            for lane in range(lanes):
                symbols[sequence, t, lane] = ROW * (symbols[sequence, t, lane] + alphabet * lane)


class DistractorLanes:
    """At most `LANES` trials, each in its own lane."""

    def __init__(self, net: DistractorNet, weights: Weights) -> None:
        self.net, self.lanes = net, len(weights.symbol)
        spare = LANES - self.lanes
        self.weights = Weights(
            np.ascontiguousarray(np.pad(weights.symbol, ((0, spare), (0, 0), (0, 0))), np.float32),
            np.ascontiguousarray(np.pad(weights.unit, ((0, 0), (0, 0), (0, spare))), np.float32),
            np.ascontiguousarray(np.pad(weights.output, ((0, 0), (0, 0), (0, spare))), np.float32),
        )
        numbers = np.repeat([[net.rate], [2 * net.g_range], [2 * net.h_range]], LANES, axis=1)
        self._numbers = numbers.astype(np.float32)
        biased = [net.in_gate_bias is not None] * 2 + [net.out_gate_bias is not None] * 2 + [False] * 2
        self._biased = np.repeat(np.array([*biased, net.output_bias], np.float32)[:, None], LANES, axis=1)
        self._changes = np.zeros((5 * SOURCES, LANES), np.float32)

    def run(
        self,
        symbols: NDArray[np.int32],
        start: NDArray[np.int32],
        classes: NDArray[np.float32],
        learns: bool = True,
    ) -> NDArray[np.float32]:
        """Return the largest error of each sequence, float32 [sequence lane].

        symbols: int32 [sequence time lane], anything before the first step; start and classes: [sequence lane].
        """
        blank = int(start.min())
        symbols, start = symbols[:, blank:], start - blank
        sequences, time, lanes = symbols.shape
        places = np.zeros((sequences, time, LANES), np.int32)
        starts, wanted = np.zeros((2, sequences, LANES), np.float32)
        places[..., :lanes] = symbols
        starts[:, :lanes], wanted[:, :lanes] = start, classes
        first = start.min(1).astype(np.int64)
        _places_of(places, first, self.net.symbols)
        past, worst = np.empty((time, 4, LANES), np.float32), np.empty((sequences, LANES), np.float32)
        _RUN(
            1,
            symbol=self.weights.symbol.ctypes.data,
            unit=self.weights.unit.ctypes.data,
            output=self.weights.output.ctypes.data,
            biased=self._biased.ctypes.data,
            sequences=sequences,
            time=time,
            first=first.ctypes.data,
            places=places.ctypes.data,
            start=starts.ctypes.data,
            classes=wanted.ctypes.data,
            learns=int(learns),
            derivative=int(self.net.output_derivative),
            numbers=self._numbers.ctypes.data,
            past=past.ctypes.data,
            changes=self._changes.ctypes.data,
            worst=worst.ctypes.data,
        )
        return worst[:, :lanes]
