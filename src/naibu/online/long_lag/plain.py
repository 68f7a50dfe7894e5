"""The learners of experiment 2 in plain numpy, one trial in float64, as their equations are written: the definition
that the compiled ones are held against. Every function changes the weights that it is given, in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from naibu.online.long_lag.chunker import AUTOMATIZER, CHUNKER, ChunkerNet
from naibu.online.long_lag.distractors import BLOCKS, OUTPUTS, UNITS, DistractorNet
from naibu.online.long_lag.net import LongLagNet
from naibu.online.long_lag.one_hidden import OneHidden

Array = NDArray[np.float64]


def f(x: Array | float) -> Array:
    """The logistic sigmoid."""
    return np.array(1 / (1 + np.exp(-np.asarray(x, np.float64))), np.float64)


def one_hot(symbol: int, symbols: int) -> Array:
    """The input, or target, of a symbol."""
    return np.eye(symbols, dtype=np.float64)[symbol]


class Outcome(NamedTuple):
    """The errors of a sequence, as the compiled learners give them."""

    worst: float
    squared: float


def long_lag_sequence(net: LongLagNet, weights: Array, symbols: Sequence[int], cells: int | None = None) -> Outcome:
    """One sequence of 2a or 2b. weights: float64 [row width], laid out as `LongLagNet.rows`; cells: those there."""
    n, active = net.symbols, net.cells if cells is None else cells
    direct, bias = weights[:n, :n], weights[n, :n]
    of_cells = weights[n + 1 :, : n + 1].reshape(4, net.cells, n + 1)[:, :active]
    changed = np.zeros_like(weights)
    of_cells_changed = changed[n + 1 :, : n + 1].reshape(4, net.cells, n + 1)[:, :active]
    rate, cell_rate = net.rate, net.rate if net.cell_rate is None else net.cell_rate
    there = [net.in_gate_bias is not None, net.output_gate and net.out_gate_bias is not None, False]
    s, ds_in, ds_cell = np.zeros(active), np.zeros((active, n + 1)), np.zeros((active, n + 1))
    worst, squared, span = 0.0, [], net.g_high - net.g_low
    for t, (symbol, following) in enumerate(pairwise(symbols)):
        x, last = one_hot(symbol, n), t == len(symbols) - 2
        z_in, z_out, z_cell = (np.append(x, 1.0 if biased else 0.0) for biased in there)
        to_output, in_gate, out_gate, cell = of_cells
        y_in, a = f(in_gate @ z_in), f(cell @ z_cell)
        y_out = f(out_gate @ z_out) if net.output_gate else np.ones(active)
        g = net.g_low + span * a
        s = s + y_in * g
        h = 2 * f(s) - 1 if net.squash else s
        h_slope = (1 - h**2) / 2 if net.squash else np.ones(active)
        y_c = y_out * h
        y = f(x @ direct + bias + y_c @ to_output[:, :n])
        missing = one_hot(following, n) - y
        e = missing * y * (1 - y) if net.output_derivative else missing  # equation 20
        d = to_output[:, :n] @ e
        ds_in += (g * y_in * (1 - y_in))[:, None] * z_in  # equation 27
        ds_cell += (y_in * span * a * (1 - a))[:, None] * z_cell  # equation 28
        e_s = y_out * h_slope * d  # equation 23
        if net.task == "2a" or last:
            worst = max(worst, float(np.abs(missing).max()))
        if net.taught == "every step" or last:
            squared.append(float(missing @ missing))
            if not (net.freeze and active):
                changed[symbol, :n] += rate * e
                changed[n, :n] += rate * e * net.output_bias
            of_cells_changed[0, :, :n] += cell_rate * np.outer(y_c, e)
            of_cells_changed[1] += cell_rate * e_s[:, None] * ds_in
            if net.output_gate:
                e_out = y_out * (1 - y_out) * h * d  # equation 21
                of_cells_changed[2] += cell_rate * e_out[:, None] * z_out
            of_cells_changed[3] += cell_rate * e_s[:, None] * ds_cell
        if net.update == "step":
            weights += changed
            changed[:] = 0.0
    weights += changed
    return Outcome(worst, float(np.mean(squared)))


def one_hidden_sequence(
    net: OneHidden, weights: Array, symbols: Sequence[int], before: tuple[float, Array] | None = None
) -> tuple[Outcome, tuple[float, Array]]:
    """One sequence of 2a for RTRL or BPTT; its errors, and h and its derivatives as they were left.

    weights: float64 [weight]: direct, to outputs, to hidden, own; before: what the sequence before left, if it counts.
    """
    n = net.symbols
    changed, steps = np.zeros_like(weights), len(symbols) - 1
    h_before, trace = (0.0, np.zeros(n + 1)) if before is None else before
    h, missing = np.zeros(steps), np.zeros((steps, n))
    d, sources = np.zeros(steps), np.zeros((steps, n + 1))
    for t in range(steps):
        x = one_hot(symbols[t], n)
        direct, to_output = weights[: n * n].reshape(n, n), weights[n * n : n * n + n]
        to_hidden = weights[n * n + n :]  # from the inputs, and its own
        sources[t] = np.append(x, h[t - 1] if t else h_before)
        h[t] = f(to_hidden @ sources[t])
        y = f(x @ direct + h[t] * to_output)
        missing[t] = one_hot(symbols[t + 1], n) - y
        e = missing[t] * y * (1 - y) if net.output_derivative else missing[t]
        d[t] = to_output @ e
        trace = h[t] * (1 - h[t]) * (sources[t] + to_hidden[n] * trace)
        changed[: n * n] += net.rate * np.outer(x, e).ravel()
        changed[n * n : n * n + n] += net.rate * h[t] * e
        if net.method != "bptt":
            changed[n * n + n :] += net.rate * d[t] * trace
        if net.method == "rtrl":
            weights += changed
            changed[:] = 0.0
    if net.method == "bptt":
        delta = 0.0
        for t in reversed(range(steps)):
            delta = h[t] * (1 - h[t]) * (d[t] + weights[-1] * delta)
            changed[n * n + n :] += net.rate * delta * sources[t]
    weights += changed
    return Outcome(float(np.abs(missing).max()), float((missing**2).sum(1).mean())), (float(h[-1]), trace)


def distractor_sequence(
    net: DistractorNet, symbol: Array, unit: Array, output: Array, symbols: Sequence[int], wanted: int
) -> float:
    """One sequence of 2c; return its largest error.

    symbol: [symbol unit]; unit: [unit source]; output: [output seen].
    """
    n, y, s = net.symbols, np.zeros(UNITS), np.zeros(BLOCKS)
    biased = [net.in_gate_bias is not None] * BLOCKS + [net.out_gate_bias is not None] * BLOCKS + [False] * BLOCKS
    weights = np.concatenate([symbol[:, :UNITS].T, unit], axis=1)  # [unit, source]: symbols, units, bias
    ds_in, ds_cell = np.zeros((2, BLOCKS, n + UNITS + 1))
    for m in symbols:
        z = np.concatenate([one_hot(m, n), y, [1.0]])
        y_in, y_out, a = f(weights @ z).reshape(3, BLOCKS)
        g = net.g_range * (2 * a - 1)
        s = s + y_in * g
        h = net.h_range * (2 * f(s) - 1)
        ds_in += (g * y_in * (1 - y_in))[:, None] * z  # equation 27
        ds_cell += (y_in * 2 * net.g_range * a * (1 - a))[:, None] * z  # equation 28
        y = np.concatenate([y_in, y_out, y_out * h])
    seen = np.append(y[2 * BLOCKS :], 1.0)
    given = f(output @ seen)
    missing = one_hot(wanted, OUTPUTS) - given
    e = missing * given * (1 - given) if net.output_derivative else missing  # equation 20
    d = e @ output[:, :BLOCKS]
    e_out = y_out * (1 - y_out) * h * d  # equation 21
    e_s = y_out * net.h_range * 2 * f(s) * (1 - f(s)) * d  # equation 23
    change = np.concatenate([e_s[:, None] * ds_in, e_out[:, None] * z, e_s[:, None] * ds_cell])
    change[:, -1] *= biased
    symbol[:, :UNITS] += net.rate * change[:, :n].T
    unit += net.rate * change[:, n:]
    output += net.rate * np.outer(e, seen) * np.append(np.ones(BLOCKS), float(net.output_bias))
    return float(np.abs(missing).max())


class _HiddenNet:
    """One self-recurrent hidden unit that learns by RTRL, over a view of weights [row width]."""

    def __init__(self, net: ChunkerNet, weights: Array, outputs: int) -> None:
        n = net.symbols
        self.net, self.direct, self.to_output = net, weights[:n, :outputs], weights[n, :outputs]
        self.to_hidden = weights[n + 1, : n + 1]
        self.h, self.trace, self.x = 0.0, np.zeros(n + 1), np.zeros(n)

    def read(self, symbol: int) -> None:
        self.x = one_hot(symbol, self.net.symbols)
        source = np.append(self.x, self.h)
        self.h = float(f(self.to_hidden @ source))
        self.trace = self.h * (1 - self.h) * (source + self.to_hidden[-1] * self.trace)

    def learn(self, wanted: Array) -> Array:
        """Return what was missing at the outputs, and change the weights."""
        y = f(self.x @ self.direct + self.h * self.to_output)
        missing = wanted - y
        e = missing * y * (1 - y) if self.net.output_derivative else missing
        d = self.to_output @ e
        self.direct += self.net.rate * np.outer(self.x, e)
        self.to_output += self.net.rate * self.h * e
        self.to_hidden += self.net.rate * d * self.trace
        return np.asarray(missing)


def chunker_sequence(net: ChunkerNet, weights: Array, symbols: Sequence[int]) -> tuple[Outcome, int]:
    """One sequence of 2a; the errors of the automatizer, and how many symbols it failed to predict after the first.

    weights: float64 [net row width].
    """
    n = net.symbols
    automatizer = _HiddenNet(net, weights[AUTOMATIZER], n + 1)
    chunker = _HiddenNet(net, weights[CHUNKER], n)
    chunker.read(symbols[0])
    worst, squared, surprises = 0.0, [], 0
    for symbol, following in pairwise(symbols):
        automatizer.read(symbol)
        missing = automatizer.learn(np.append(one_hot(following, n), chunker.h))[:n]
        worst = max(worst, float(np.abs(missing).max()))
        squared.append(float(missing @ missing))
        if np.abs(missing).max() >= net.threshold:
            chunker.learn(one_hot(following, n))
            chunker.read(following)
            surprises += 1
    return Outcome(worst, float(np.mean(squared))), surprises
