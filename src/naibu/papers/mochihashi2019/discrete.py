"""The price that makes an LSTM count in integers: L1 on how far its updates and forget gates are from whole numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from naibu.training.l1 import l1_norm

SIGNALS = ("update", "forget_gate")


def ternary_distance(update: Tensor) -> Tensor:
    """Return how far each update in [-1, 1] is from the nearest of -1, 0 and 1, with its gradient."""
    return (update - update.detach().round()).abs()


def binary_distance(gate: Tensor) -> Tensor:
    """Return how far each gate in [0, 1] is from the nearest of 0 and 1, with its gradient."""
    return torch.minimum(gate, 1 - gate)


def reweighted(distance: Tensor, floor: float | None) -> Tensor:
    """Return log(1 + d / floor) / log(1 + 1 / floor) of distances d: still 0 at 0 and 1 at 1; d itself without a floor.

    It is what L1 becomes when each distance is weighted by 1 / (d + floor) again and again (Candes, Wakin and Boyd
    2008): the pull towards 0 grows as the distance shrinks, so that a saturated gate is not left where its slope fades.
    """
    return distance if floor is None else torch.log1p(distance / floor) / math.log1p(1 / floor)


def price_of(signals: Mapping[str, Tensor], there: Tensor, floor: float | None) -> Tensor:
    """Return the L1 term over units, a mean over the steps that are `there [time batch]`.

    Whole numbers cost nothing: unlike an L1 term on the values themselves it draws a forget gate to 0 or to 1,
    whichever is nearer, and leaves a counter free to count.
    """
    far = (ternary_distance(signals["update"]), binary_distance(signals["forget_gate"]))
    return l1_norm([reweighted(distance, floor) for distance in far], there)
