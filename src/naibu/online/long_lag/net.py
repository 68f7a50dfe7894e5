"""What is learnt in experiments 2a and 2b, its options and its initial weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from naibu.data.generated.random import Random
from naibu.online.long_lag.symbols import NOWHERE, LongLagTask, Symbols, uniform_weights


@dataclass(frozen=True)
class LongLagNet(Symbols):
    """What is learnt in 2a and 2b, and how; as it stands, the paper's text. All else are departures, by name."""

    p: int = 100
    """The lag; there are p + 1 symbols."""
    task: LongLagTask = "2a"
    taught: Literal["every step", "end"] = "every step"
    """When there are errors: after every step, or only after the last."""
    rate: float = 1.0
    update: Literal["step", "sequence"] = "step"
    cells: int = 1
    added: Literal["stalled", "start"] = "stalled"
    """Whether cells are there from the start, or come one by one when the error has stopped falling: when the mean
    squared error of a window of sequences is above `stall` times that of the window before."""
    stall: float = 0.99
    window: int = 100
    """Sequences between two looks at the error."""
    initial: float = 0.2
    """Half range of initial weights."""
    cell_initial: float | None = None
    """Half range of the initial weights from cells to outputs, `initial` where none."""
    cell_rate: float | None = None
    """Learning rate of the weights to and from cells, `rate` where none."""
    freeze: bool = False
    """Whether the direct weights are held once a cell is there, as in cascade-correlation."""
    in_gate_shift: float = 0.0
    """Added to the initial weights from every symbol to the input gate; no weight of its own."""
    cell_shift: float = 0.0
    """Added to the initial weights from every symbol to the cell's input."""
    in_gate_bias: float | None = None
    """Initial bias of the input gate, a weight that learns; none in the paper."""
    output_gate: bool = False
    out_gate_bias: float | None = None
    output_bias: bool = False
    g_low: float = 0.0
    g_high: float = 1.0
    squash: bool = False
    """Whether h(s) = 2 f(s) - 1 and not s."""
    output_derivative: bool = True
    """Whether e_k has the factor f'(net_k) (equation 20)."""
    limit: float = 0.25
    """The largest error that a sequence of a solved trial may have."""

    def __post_init__(self) -> None:
        if self.p < 2 or self.cells < 1 or self.window < 1 or self.stall <= 0:
            raise ValueError(f"p must be 2 or more, cells, window and stall above 0: {self}")
        if self.out_gate_bias is not None and not self.output_gate:
            raise ValueError("out_gate_bias needs output_gate=True")

    @property
    def rows(self) -> int:
        """Rows of a trial's weights: direct ones by symbol, output bias; to outputs, to in-gates, out-gates, cells."""
        return self.symbols + 1 + 4 * self.cells

    @property
    def weights(self) -> int:
        """How many weights learn."""
        gates = 3 if self.output_gate else 2
        biases = (self.in_gate_bias is not None) + (self.output_gate and self.out_gate_bias is not None)
        cell = self.symbols * (1 + gates) + biases
        return self.symbols**2 + self.cells * cell + self.symbols * self.output_bias


def initial_weights(net: LongLagNet, random: Random) -> NDArray[np.float64]:
    """Return the initial weights, float64 [lane row width]; `random`, a state a trial, moves on."""
    n, cells = net.symbols, net.cells
    drawn = uniform_weights(random, net.rows * n, net.initial).T.reshape(len(random), net.rows, n)
    weights = np.zeros((len(random), net.rows, net.width))
    weights[:, :, :n] = drawn
    weights[:, : n + 1, n:] = NOWHERE
    weights[:, n, :n] = 0.0
    to_output, in_gate, out_gate, cell = (weights[:, n + 1 + k * cells : n + 1 + (k + 1) * cells] for k in range(4))
    if net.cell_initial is not None:
        to_output *= net.cell_initial / net.initial
    in_gate[..., :n] += net.in_gate_shift
    cell[..., :n] += net.cell_shift
    in_gate[..., n] = net.in_gate_bias or 0.0
    out_gate[..., n] = net.out_gate_bias or 0.0
    return weights
