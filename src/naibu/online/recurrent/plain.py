"""The competitors of experiment 1 one trial at a time, in float64, written as their papers write them.

They define what the compiled learners compute. Sequences are pairs of arrays: x `[time input]`, d `[time output]`,
the target after every step. Weights are arrays `[unit source]`; what a unit sees is z = [its recurrent sources; x].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def f(s: Array) -> Array:
    """Return the logistic function."""
    return np.asarray(1 / (1 + np.exp(-s)))


def recurrent_error(w: Array, x: Array, d: Array) -> float:
    """Return half the sum of squared errors of the fully recurrent network; the first units are the outputs."""
    y, error = np.zeros(len(w)), 0.0
    for x_t, d_t in zip(x, d, strict=True):
        y = f(w @ np.concatenate([y, x_t]))
        error += 0.5 * float(np.sum((d_t - y[: len(d_t)]) ** 2))
    return error


def rtrl(
    w: Array,
    sequences: Iterable[tuple[Array, Array]],
    rate: float,
    *,
    update: str = "step",
    output_derivative: bool = True,
) -> Array:
    """Return the weights after real-time recurrent learning (Williams & Zipser 1989, equations 5-10).

    Each sequence begins with all activations and sensitivities at 0; `update` is step or sequence.
    """
    w = w.copy()
    units, sources = w.shape
    for x, d in sequences:
        y, p = np.zeros(units), np.zeros((units, units, sources))  # p[k, i, j] = dy_k / dw_ij
        total = np.zeros_like(w)
        for x_t, d_t in zip(x, d, strict=True):
            z = np.concatenate([y, x_t])
            y = f(w @ z)
            slope = y * (1 - y)
            q = np.einsum("kl,lij->kij", w[:, :units], p)
            for i in range(units):
                q[i, i] += z
            p = slope[:, None, None] * q
            change = np.zeros_like(w)
            for k, miss in enumerate(d_t - y[: len(d_t)]):
                change += rate * miss * (p[k] if output_derivative else q[k])
            if update == "step":
                w += change
            total += change
        if update == "sequence":
            w += total
    return w


class ElmanWeights(NamedTuple):
    """The weights of Elman's network."""

    hidden: Array  # [hidden source]
    output: Array  # [output hidden]


def elman_step(w: ElmanWeights, h: Array, x: Array) -> tuple[Array, Array, Array]:
    """Return what the hidden units see, what they do, and the outputs, after one symbol."""
    z = np.concatenate([h, x])
    h = f(w.hidden @ z)
    return z, h, f(w.output @ h)


def elman(
    w: ElmanWeights,
    sequences: Iterable[tuple[Array, Array]],
    rate: float,
    *,
    update: str = "step",
    output_derivative: bool = True,
) -> ElmanWeights:
    """Return the weights after learning by back-propagation that stops at the copy of the hidden units."""
    hidden, output = (part.copy() for part in w)
    for x, d in sequences:
        h = np.zeros(len(hidden))
        summed = ElmanWeights(np.zeros_like(hidden), np.zeros_like(output))
        for x_t, d_t in zip(x, d, strict=True):
            z, h, o = elman_step(ElmanWeights(hidden, output), h, x_t)
            e = d_t - o
            if output_derivative:
                e = e * o * (1 - o)
            delta = h * (1 - h) * (output.T @ e)
            into = ElmanWeights(hidden, output) if update == "step" else summed
            into.output[:] += rate * np.outer(e, h)
            into.hidden[:] += rate * np.outer(delta, z)
        hidden += summed.hidden
        output += summed.output
    return ElmanWeights(hidden, output)


def elman_error(w: ElmanWeights, contexts: Array, x: Array, d: Array) -> float:
    """Return half the sum of squared errors where the copies of the hidden units are given, `[time hidden]`.

    With the copies held still, Elman's change of weights is the exact gradient of this.
    """
    error = 0.0
    for context, x_t, d_t in zip(contexts, x, d, strict=True):
        error += 0.5 * float(np.sum((d_t - elman_step(w, context, x_t)[2]) ** 2))
    return error
