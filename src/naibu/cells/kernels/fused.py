"""The framework's fused layers (oneDNN on a CPU, cuDNN on a GPU), where they compute one of our cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from naibu.cells.base import Cell
from naibu.cells.elman import ElmanCell, ElmanReLUCell
from naibu.cells.gru import GRUCell
from naibu.cells.lstm import LSTMCell

_FUNCTIONS: dict[type[Cell], Any] = {
    LSTMCell: torch.lstm,
    GRUCell: torch.gru,
    ElmanCell: torch.rnn_tanh,
    ElmanReLUCell: torch.rnn_relu,
}


def refusal(cell: type[Cell]) -> str | None:
    """Return why no fused layer computes this cell, or None where one does."""
    return None if cell in _FUNCTIONS else f"the framework has no fused layer for {cell.__name__}"


def run(
    cell: type[Cell],
    x: Tensor,
    batch_sizes: Tensor | None,
    state: Sequence[Tensor],
    weights: Sequence[Tensor],
    *,
    bias: bool = True,
    layers: int = 1,
    dropout: float = 0.0,
    training: bool = False,
    bidirectional: bool = False,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return output and final state of the framework's fused layer.

    `x` is `[time batch input]`, or packed data `[token input]` with `batch_sizes`; `state` has a part
    `[layer batch hidden]` each; `weights` are the parameters, layer by layer, direction by direction.
    """
    first = state[0] if len(state) == 1 else tuple(state)
    numbers = (bias, layers, dropout, training, bidirectional)
    if batch_sizes is None:
        output, *final = _FUNCTIONS[cell](x, first, list(weights), *numbers, False)
    else:
        output, *final = _FUNCTIONS[cell](x, batch_sizes, first, list(weights), *numbers)
    return output, tuple(final)
