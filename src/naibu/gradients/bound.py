"""The bound on an Elman network's gradient that follows from document D's eq. 13."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from naibu.cells.base import Cell
from naibu.cells.elman import ElmanCell, ElmanReLUCell
from naibu.cells.layers import Recurrent
from naibu.cells.unroll import unroll

GREATEST_SLOPE: dict[type[Cell], float] = {ElmanCell: 1.0, ElmanReLUCell: 1.0}
"""The greatest |f'| of the squashing function; of tanh at 0, of ReLU above it."""


@dataclass(frozen=True)
class Bound:
    """|d h_T / d h_t|_2 <= (slope * weight)^(T - t), for f's greatest slope and for the greatest that was met."""

    weight: float  # ||W_hh||_2, the largest singular value
    slope: float  # max |f'| of the function
    slope_met: float  # max |f'(u)| over all units, steps and sequences read
    radius: float  # the largest |eigenvalue| of W_hh: what an unbounded linear network would grow by

    def at(self, lag: int, *, met: bool = False) -> float:
        """Return the bound of the spectral norm at a lag; the Frobenius norm's is hidden^0.5 times as much."""
        return float((self.slope_met if met else self.slope) * self.weight) ** lag


def elman_bound(layers: Recurrent, x: Tensor, *, layer: int = 0) -> Bound | None:
    """Return the bound for one layer that reads `x [time batch input]`; None where the cell is not Elman's.

    Eq. 13 is a sum over paths of products of q factors f'(u) w; as a product of matrices diag(f'(u)) W_hh its
    spectral norm is at most (max |f'| ||W_hh||_2)^q. Below 1 the gradient vanishes surely; above 1 it may
    explode, and need not.
    """
    slope = GREATEST_SLOPE.get(layers.cell_type)
    if slope is None:
        return None
    double = copy.deepcopy(layers).double().eval()
    x = x.double().transpose(0, 1) if double.batch_first else x.double()
    double.batch_first = False
    for number in range(layer):
        x = unroll(double.cell(number), x).output
    cell = double.cell(layer)
    assert isinstance(cell, ElmanCell)
    with torch.no_grad():
        h = unroll(cell, x).output
        before = torch.cat([torch.zeros_like(h[:1]), h[:-1]])
        u = cell.project(x) + functional.linear(before, cell.weight_hh, cell.bias_hh)
        weight = torch.linalg.matrix_norm(cell.weight_hh, 2).item()
        radius = torch.linalg.eigvals(cell.weight_hh).abs().max().item()
    u.requires_grad_()
    (slopes,) = torch.autograd.grad(cell.squash(u).sum(), u)
    return Bound(weight, float(slope), slopes.abs().max().item(), radius)
