"""Units of an LSTM held still at the speed of the fused layer: what holds them is put into the weights.

A gate held at p at every step is a gate with no weights and the bias logit(p); a candidate likewise, with
atanh. A cell held at v at every step is a cell that begins at v with its input gate shut and its forget gate
open: it keeps. Nothing but the cell itself reads the cell's old value, so the two agree from the first step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from naibu.cells.base import Cell
from naibu.cells.edits import Clamp, Edit
from naibu.cells.lstm import LSTMCell

SHUT = 60.0
"""A gate's pre-activation that is 0 or 1 to the last place after the sigmoid."""


def refusal(cell: type[Cell], edits: Mapping[str, Edit]) -> str | None:
    """Return why these edits cannot be put into the weights of the cell, or None where they can."""
    if cell is not LSTMCell:
        return f"a {cell.__name__} is not held by its weights"
    for signal, edit in edits.items():
        if signal not in (*LSTMCell.gates, "cell"):
            return f"the {signal} is not held by weights"
        if not isinstance(edit, Clamp) or edit.steps is not None:
            return f"the edit of the {signal} is not a clamp at every step"
    return None


def held_weights(
    weights: Sequence[Tensor], cell_state: Tensor, edits: Mapping[str, Edit]
) -> tuple[list[Tensor], Tensor]:
    """Return copies of the weights, and of the first cell state `[batch hidden]`, that hold the units.

    `weights` are weight_ih, weight_hh and, where there are biases, bias_ih and bias_hh, gates i f g o; the
    copies have biases always. Clamps are taken in the order of a step, the cell's last.
    """
    copies = [weight.clone() for weight in weights]
    if len(copies) == 2:
        copies += [copies[0].new_zeros(len(copies[0])) for _ in range(2)]
    cell_state, size = cell_state.clone(), cell_state.shape[-1]

    def fix(gate: str, unit: int, pre_activation: float) -> None:
        row = LSTMCell.gates.index(gate) * size + unit
        for copy in copies:
            copy[row] = 0
        copies[2][row] = pre_activation

    for signal in (*LSTMCell.gates, "cell"):
        for unit, value in _pairs(edits.get(signal)):
            if signal == "cell":
                fix("input_gate", unit, -SHUT)
                fix("forget_gate", unit, SHUT)
                cell_state[..., unit] = value
            else:
                fix(signal, unit, _before(signal, value))
    return copies, cell_state


def _pairs(edit: Edit | None) -> list[tuple[int, float]]:
    if not isinstance(edit, Clamp):
        return []
    values = torch.as_tensor(edit.value, dtype=torch.float64).expand(len(edit.units)).tolist()
    return list(zip(edit.units, values, strict=True))


def _before(signal: str, value: float) -> float:
    """Return the pre-activation that gives a gate or a candidate this value."""
    if signal == "candidate":
        return math.copysign(SHUT, value) if abs(value) >= 1 else math.atanh(value)
    return math.copysign(SHUT, value - 0.5) if not 0 < value < 1 else math.log(value) - math.log1p(-value)
