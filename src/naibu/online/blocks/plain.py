"""The LSTM of 1997 by its equations, one trial, one step at a time, in float64: the definition that `lstm` is held to.

The truncated gradient is carried forward with every weight as the paper's appendix does; the full one goes back
through the whole sequence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from naibu.online.blocks.network import Learning, Network, Weights

Array = NDArray[np.float64]


def f(x: Array) -> Array:
    """Return the logistic function (equation 3)."""
    return 1 / (1 + np.exp(-x))


class PlainLSTM:
    """One network, its activations, and what the truncated gradient carries along.

    The order of units is that of `Sizes`: output gates, input gates, forget gates, cells; what they see is
    z(t) = [x(t); y(t - 1); 1].
    """

    def __init__(self, network: Network, learning: Learning, weights: Weights) -> None:
        self.network, self.learning, self.sizes = network, learning, network.sizes
        self.weights = Weights(*(part.astype(np.float64) for part in weights))  # type: ignore[arg-type]
        self.there = network.connected()
        n, size = self.sizes.blocks, self.sizes
        self.out, self.into = slice(0, n), slice(n, 2 * n)
        self.forget, self.cell = slice(2 * n, 2 * n + size.forget), slice(size.first_cell, size.units)
        self.block_of = np.repeat(np.arange(n), size.size)  # [cell]
        self.begin()

    def begin(self) -> None:
        """Begin a sequence: all activations, states and derivatives are 0."""
        sizes = self.sizes
        self.y, self.s = np.zeros(sizes.units), np.zeros(sizes.cells)
        self.ds_in, self.ds_cell, self.ds_forget = (np.zeros((sizes.cells, sizes.sources)) for _ in range(3))
        self.dp_in, self.dp_forget = (np.zeros((sizes.cells, sizes.size)) for _ in range(2))  # of peepholes

    def step(self, x: Array) -> Array:
        """Take in x(t) and return the outputs y_k(t), `[output]` (equations 2-8)."""
        network, w = self.network, self.weights
        self.x, self.s_before = x, self.s
        self.z = np.concatenate([x, self.y, [1.0]])
        net = w.hidden @ self.z
        seen_before = self.s_before.reshape(self.sizes.blocks, -1)  # [block size]
        net[self.into] += (w.peephole[self.into] * seen_before).sum(1)
        net[self.forget] += (w.peephole[self.forget] * seen_before).sum(1) if network.forget_gate else 0
        self.y_in = f(net[self.into])
        self.y_forget = f(net[self.forget]) if network.forget_gate else np.ones(self.sizes.blocks)
        self.g = network.cell_range * (2 * f(net[self.cell]) - 1)
        self.s = self.y_forget[self.block_of] * self.s_before + self.y_in[self.block_of] * self.g
        self.h = network.output_range * (2 * f(self.s) - 1)
        net[self.out] += (w.peephole[self.out] * self.s.reshape(self.sizes.blocks, -1)).sum(1)
        self.y_out = f(net[self.out])
        y_cell = self.y_out[self.block_of] * self.h
        forget = self.y_forget if network.forget_gate else np.zeros(0)
        self.y = np.concatenate([self.y_out, self.y_in, forget, y_cell])
        self.seen = np.concatenate([y_cell, x if network.direct else [], [1.0]])
        self.y_k: Array = f(w.output @ self.seen)
        return self.y_k

    def carry(self) -> None:
        """Carry the derivatives of the states along (equations 26-28; with forget gates Gers et al. 2000)."""
        network, of = self.network, self.block_of
        slope = (network.cell_range**2 - self.g**2) / (2 * network.cell_range)
        stays = self.y_forget[of][:, None]
        from_in = (self.g * (self.y_in * (1 - self.y_in))[of])[:, None]
        from_forget = (self.s_before * (self.y_forget * (1 - self.y_forget))[of])[:, None]
        self.ds_in = stays * self.ds_in + from_in * self.z
        self.ds_cell = stays * self.ds_cell + (slope * self.y_in[of])[:, None] * self.z
        self.ds_forget = stays * self.ds_forget + from_forget * self.z
        seen_before = self.s_before.reshape(self.sizes.blocks, -1)[of]  # [cell size]
        self.dp_in = stays * self.dp_in + from_in * seen_before
        self.dp_forget = stays * self.dp_forget + from_forget * seen_before

    def error(self, target: Array) -> Array:
        """Return e_k (equation 19), `[output]`."""
        miss = target - self.y_k
        return miss * self.y_k * (1 - self.y_k) if self.learning.output_derivative else miss

    def gradient(self, target: Array) -> Weights:
        """Return the truncated gradient of the present step's error (equations 20-25), the way down."""
        e, of, n = self.error(target), self.block_of, self.sizes.blocks
        d = self.weights.output[:, : self.sizes.cells].T @ e  # [cell]
        e_out = self.y_out * (1 - self.y_out) * np.bincount(of, self.h * d)
        slope = (self.network.output_range**2 - self.h**2) / (2 * self.network.output_range)
        e_s = self.y_out[of] * slope * d
        hidden, peephole = np.zeros(self.weights.hidden.shape), np.zeros(self.weights.peephole.shape)
        hidden[self.out] = np.outer(e_out, self.z)
        hidden[self.cell] = e_s[:, None] * self.ds_cell
        peephole[self.out] = e_out[:, None] * self.s.reshape(n, -1)
        for cell, block in enumerate(of):
            hidden[self.into][block] += e_s[cell] * self.ds_in[cell]
            peephole[self.into][block] += e_s[cell] * self.dp_in[cell]
            if self.network.forget_gate:
                hidden[self.forget][block] += e_s[cell] * self.ds_forget[cell]
                peephole[self.forget][block] += e_s[cell] * self.dp_forget[cell]
        return Weights(hidden, np.outer(e, self.seen), peephole)  # type: ignore[arg-type]

    def change(self, gradient: Weights) -> None:
        """Add rate times gradient to the weights that are there."""
        hidden, output = self.there
        self.weights.hidden[:] += self.learning.rate * gradient.hidden * hidden
        self.weights.output[:] += self.learning.rate * gradient.output * output
        self.weights.peephole[:] += self.learning.rate * gradient.peephole * self.network.peepholes

    def train(self, x: Array, target: Array) -> Array:
        """Learn from a sequence `x [time input]`, `target [when output]` that belongs to its last steps, and return
        |t_k - y_k|, `[when output]`."""
        self.begin()
        missed = []
        if self.learning.gradient == "full":
            return self._train_full(x, target)
        whole: list[Weights] = []
        for step, now in enumerate(x):
            self.step(now)
            self.carry()
            due = step - (len(x) - len(target))
            if due >= 0:
                missed.append(np.abs(target[due] - self.y_k))
                whole.append(self.gradient(target[due]))
                if self.learning.update == "step":
                    self.change(whole.pop())
        for part in whole:
            self.change(part)
        return np.array(missed)

    def _train_full(self, x: Array, target: Array) -> Array:
        """Learn by the exact gradient: errors flow back through all weights and all steps."""
        kept: list[dict[str, Array]] = []
        missed: list[Array] = []
        for now in x:
            self.step(now)
            names = ("z", "seen", "y_k", "y_in", "y_out", "y_forget", "g", "h", "s", "s_before")
            kept.append({name: getattr(self, name) for name in names})
        sizes, of, w = self.sizes, self.block_of, self.weights
        total = Weights(*(np.zeros(part.shape) for part in w))  # type: ignore[arg-type]
        back, e_s = np.zeros(sizes.units), np.zeros(sizes.cells)
        for step in reversed(range(len(x))):
            for name, value in kept[step].items():
                setattr(self, name, value)
            due = step - (len(x) - len(target))
            if due >= 0:
                missed.insert(0, np.abs(target[due] - self.y_k))
                e = self.error(target[due])
                total.output[:] += np.outer(e, self.seen)
                back[self.cell] += w.output[:, : sizes.cells].T @ e
            slope_h = (self.network.output_range**2 - self.h**2) / (2 * self.network.output_range)
            slope_g = (self.network.cell_range**2 - self.g**2) / (2 * self.network.cell_range)
            d_out = (np.bincount(of, self.h * back[self.cell]) + back[self.out]) * self.y_out * (1 - self.y_out)
            e_s = e_s + self.y_out[of] * slope_h * back[self.cell]
            d = np.zeros(sizes.units)
            d[self.out] = d_out
            d[self.into] = (np.bincount(of, self.g * e_s) + back[self.into]) * self.y_in * (1 - self.y_in)
            if self.network.forget_gate:
                d_forget = np.bincount(of, self.s_before * e_s) + back[self.forget]
                d[self.forget] = d_forget * self.y_forget * (1 - self.y_forget)
            d[self.cell] = self.y_in[of] * slope_g * e_s
            total.hidden[:] += np.outer(d, self.z)
            seen_before, seen_now = (values.reshape(sizes.blocks, -1) for values in (self.s_before, self.s))
            total.peephole[self.out] += d[self.out, None] * seen_now
            total.peephole[self.into] += d[self.into, None] * seen_before
            total.peephole[self.forget] += d[self.forget, None] * seen_before if self.network.forget_gate else 0
            back = w.hidden[:, sizes.inputs : -1].T @ d
            e_s = self.y_forget[of] * e_s
        self.change(total)
        return np.array(missed)
