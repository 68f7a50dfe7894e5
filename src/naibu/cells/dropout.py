"""Dropout that is the same at every step."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def locked_dropout(x: Tensor, rate: float, training: bool = True) -> Tensor:
    """Return `x [time batch ...]` with values dropped as by dropout, but for each sequence the same at every step.

    Source: Gal & Ghahramani 2016; between layers and at the output, Merity, Keskar & Socher 2017, section 4.2.
    """
    if not training or rate == 0:
        return x
    return x * functional.dropout(torch.ones_like(x[:1]), rate)
