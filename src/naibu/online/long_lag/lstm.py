"""The LSTM of experiments 2a and 2b: memory cells beside direct connections from inputs to outputs, compiled.

y_k = f(w_k,m + sum_c w_k,c y_c) for the input symbol m; the gates and the cell see the input symbol alone, so that
the truncated gradient is the exact one. A trial's outputs lie side by side in vectors, trials come one after the other.
"""

from __future__ import annotations

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
from naibu.online.long_lag.net import LongLagNet

RUN = record(
    *("symbols", "sequences", "steps", "lanes"),  # int64 [sequence step+1 lane]
    *(
        "chosen",
        "trials",
        "active",
    ),  # trials that run, which are lanes in this order; cells of each trial that are there
    *("weights", "changes", "room"),  # of all trials, and the bytes of one; changes is 0 where weights change each step
    *("width", "alphabet", "cells", "judged_from", "taught_from", "learns", "freeze", "derivative", "output_bias"),
    *("output_gate", "in_gate_biased", "out_gate_biased", "squash"),
    *("numbers", "scratch", "worst", "squared"),  # worst and squared: float32 [sequence lane]
)
RATE, CELL_RATE, G_LOW, G_RANGE = range(4)
STATE, GATE, INPUT, OUT, SQUASHED, ACTIVATION, UNITS = range(7)
"""Numbers of a cell in `scratch`: s, y_in, f(net_c), y_out, h(s), y_c."""


@njit
def _f(x: float) -> Any:
    return np.float32(1.0 / (1.0 + exp(-x)))


@njit
def _add(target: int, factor: Any, source: int, width: int) -> None:
    """target += factor * source, rows of numbers."""
    for v in range(0, F32 * width, VECTOR):
        store(target + v, load(target + v) + factor * load(source + v))


@njit
def _cells_forward(task: Any, weights: int, units: int, traces: int, symbol: int, active: int) -> None:
    """s += y_in g(net_c), and the sums of ds/dw over time that equations 27 and 28 name."""
    row, place, bias = F32 * task.width, F32 * symbol, F32 * task.alphabet
    low, span = read_number(task.numbers + F32 * G_LOW), read_number(task.numbers + F32 * G_RANGE)
    for c in range(active):
        in_gate = weights + c * row
        out_gate, cell = in_gate + task.cells * row, in_gate + 2 * task.cells * row
        unit, in_trace, cell_trace = units + F32 * UNITS * c, traces + 2 * c * row, traces + (2 * c + 1) * row
        net_in = read_number(in_gate + place)
        if task.in_gate_biased:
            net_in += read_number(in_gate + bias)
        y_in, a = _f(net_in), _f(read_number(cell + place))
        g = low + span * a
        s = read_number(unit + F32 * STATE) + y_in * g
        y_out = np.float32(1.0)
        if task.output_gate:
            net_out = read_number(out_gate + place)
            if task.out_gate_biased:
                net_out += read_number(out_gate + bias)
            y_out = _f(net_out)
        h = np.float32(2.0) * _f(s) - np.float32(1.0) if task.squash else s
        write_number(unit + F32 * STATE, s)
        write_number(unit + F32 * OUT, y_out)
        write_number(unit + F32 * SQUASHED, h)
        write_number(unit + F32 * ACTIVATION, y_out * h)
        slope_in = g * y_in * (np.float32(1.0) - y_in)
        write_number(in_trace + place, read_number(in_trace + place) + slope_in)
        if task.in_gate_biased:
            write_number(in_trace + bias, read_number(in_trace + bias) + slope_in)
        slope_cell = y_in * span * a * (np.float32(1.0) - a)
        write_number(cell_trace + place, read_number(cell_trace + place) + slope_cell)


@njit
def _outputs(task: Any, weights: int, units: int, symbol: int, active: int, target: int, errors: int) -> Any:
    """Write e_k; return the sum of the squared errors of the outputs; the largest stay in the vector after e_k."""
    row = F32 * task.width
    direct, bias = weights + symbol * row, weights + task.alphabet * row
    one, zero = splat(np.float32(1.0)), splat(np.float32(0.0))
    peak, squares = load(errors + row), zero
    for v in range(0, row, VECTOR):
        net = load(direct + v)
        if task.output_bias:
            net = net + load(bias + v)
        for c in range(active):
            y_c = splat(read_number(units + F32 * (UNITS * c + ACTIVATION)))
            net = net + y_c * load(bias + (1 + c) * row + v)
        y = sigmoid(net)
        missing = load(target + v) - y
        peak, squares = largest(peak, largest(missing, zero - missing)), squares + missing * missing
        if task.derivative:
            missing = missing * y * (one - y)
        store(errors + v, missing)
    store(errors + row, peak)
    return total(squares)


@njit
def _learn(
    task: Any, weights: int, changes: int, units: int, traces: int, symbol: int, active: int, errors: int
) -> None:
    """Add a step's change of every weight to `changes`, which may be the weights themselves."""
    row, one = F32 * task.width, np.float32(1.0)
    rate, cell_rate = read_number(task.numbers + F32 * RATE), read_number(task.numbers + F32 * CELL_RATE)
    bias = task.alphabet * row
    if not (task.freeze and active):
        _add(changes + symbol * row, splat(rate), errors, task.width)
        if task.output_bias:
            _add(changes + bias, splat(rate), errors, task.width)
    for c in range(active):
        to_output, unit = bias + (1 + c) * row, units + F32 * UNITS * c
        d = splat(np.float32(0.0))
        for v in range(0, row, VECTOR):
            d = d + load(weights + to_output + v) * load(errors + v)
        back, h, y_out = total(d), read_number(unit + F32 * SQUASHED), read_number(unit + F32 * OUT)
        slope = np.float32(0.5) * (one - h * h) if task.squash else one
        e_s = splat(cell_rate * y_out * slope * back)
        _add(changes + to_output, splat(cell_rate * y_out * h), errors, task.width)
        in_gate = changes + to_output + task.cells * row
        _add(in_gate, e_s, traces + 2 * c * row, task.width)
        _add(in_gate + 2 * task.cells * row, e_s, traces + (2 * c + 1) * row, task.width)
        if task.output_gate:
            out_gate, e_out = in_gate + task.cells * row, cell_rate * y_out * (one - y_out) * h * back
            write_number(out_gate + F32 * symbol, read_number(out_gate + F32 * symbol) + e_out)
            if task.out_gate_biased:
                place = out_gate + F32 * task.alphabet
                write_number(place, read_number(place) + e_out)


@njit
def _clear(place: int, count: int) -> None:
    for v in range(0, F32 * count, VECTOR):
        store(place + v, splat(np.float32(0.0)))


@njit
def _sequence(task: Any, sequence: int, lane: int, weights: int, changes: int, active: int) -> None:
    """One sequence of one trial."""
    width, row = task.width, F32 * task.width
    target, errors, traces = task.scratch, task.scratch + row, task.scratch + 2 * row + VECTOR
    units = traces + 2 * task.cells * row
    into, squares = changes if task.changes else weights, np.float32(0.0)
    gates = weights + (task.alphabet + 1 + task.cells) * row
    _clear(errors + row, LANES)
    _clear(traces, 2 * task.cells * width + LANES * UNITS)
    first = task.symbols + 8 * (sequence * (task.steps + 1) * task.lanes + lane)
    for t in range(task.steps):
        symbol = integer(first, t * task.lanes)
        wanted = target + F32 * integer(first, (t + 1) * task.lanes)
        if t == task.judged_from:
            _clear(errors + row, LANES)
        _cells_forward(task, gates, units, traces, symbol, active)
        write_number(wanted, np.float32(1.0))
        squared = _outputs(task, weights, units, symbol, active, target, errors)
        write_number(wanted, np.float32(0.0))
        if t >= task.taught_from:
            squares += squared
            if task.learns:
                _learn(task, weights, into, units, traces, symbol, active, errors)
    worst = np.float32(0.0)
    for k in range(LANES):
        worst = max(worst, read_number(errors + row + F32 * k))
    place = F32 * (sequence * task.lanes + lane)
    write_number(task.worst + place, worst)
    write_number(task.squared + place, squares / np.float32(task.steps - task.taught_from))


@njit
def _long_lag(address: int) -> None:
    """Run sequences of every chosen trial; the weights change after each step, or after each sequence."""
    task = carray(address, 1, RUN)[0]
    one = splat(np.float32(1.0))
    for lane in range(task.trials):
        trial = integer(task.chosen, lane)
        weights = task.weights + trial * task.room
        active, numbers = integer(task.active, trial), task.room // F32
        for sequence in range(task.sequences):
            _sequence(task, sequence, lane, weights, task.changes, active)
            if task.changes and task.learns:
                _add(weights, one, task.changes, numbers)
                _clear(task.changes, numbers)


def _long_lag_entry(address: int) -> None:
    _long_lag(address)


_RUN = Kernel("learner of long lags between symbols", _long_lag_entry, RUN)


class LongLagLSTM:
    """Trials side by side, each with its own weights."""

    def __init__(self, net: LongLagNet, weights: NDArray[np.float64]) -> None:
        """weights: float64 [trial row width], as `initial_weights` gives them."""
        self.net, self.weights = net, np.ascontiguousarray(weights, np.float32)
        self.active = np.full(len(weights), net.cells if net.added == "start" else 0)
        self._changes = np.zeros(weights.shape[1:], np.float32)
        self._scratch = np.zeros((2 + 2 * net.cells) * net.width + LANES * (1 + UNITS), np.float32)
        rates = (net.rate, net.rate if net.cell_rate is None else net.cell_rate)
        self._numbers = np.array([*rates, net.g_low, net.g_high - net.g_low], np.float32)

    def run(
        self, chosen: NDArray[np.int64], symbols: NDArray[np.integer[Any]], learns: bool = True
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return, of each sequence, the largest error that counts and the mean over steps of the squared error.

        chosen: the trials that run; symbols: [sequence step+1 lane], a lane for each of them. Both answers are
        float32 [sequence lane]. In 2a every step counts, in 2b the last.
        """
        net, (sequences, places, lanes) = self.net, symbols.shape
        chosen, symbols = np.ascontiguousarray(chosen, np.int64), np.ascontiguousarray(symbols, np.int64)
        assert lanes == len(chosen)
        answers = np.empty((2, sequences, lanes), np.float32)
        whole = net.update == "sequence"
        _RUN(
            1,
            symbols=symbols.ctypes.data,
            sequences=sequences,
            steps=places - 1,
            lanes=lanes,
            chosen=chosen.ctypes.data,
            trials=lanes,
            active=self.active.ctypes.data,
            weights=self.weights.ctypes.data,
            changes=self._changes.ctypes.data if whole else 0,
            room=self.weights[0].nbytes,
            width=net.width,
            alphabet=net.symbols,
            cells=net.cells,
            judged_from=places - 2 if net.task == "2b" else 0,
            taught_from=places - 2 if net.taught == "end" else 0,
            learns=int(learns),
            freeze=int(net.freeze),
            derivative=int(net.output_derivative),
            output_bias=int(net.output_bias),
            output_gate=int(net.output_gate),
            in_gate_biased=int(net.in_gate_bias is not None),
            out_gate_biased=int(net.out_gate_bias is not None),
            squash=int(net.squash),
            numbers=self._numbers.ctypes.data,
            scratch=self._scratch.ctypes.data,
            worst=answers[0].ctypes.data,
            squared=answers[1].ctypes.data,
        )
        return answers[0], answers[1]
