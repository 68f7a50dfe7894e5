"""What reads a source, whole, before anything is told of it; and stacks of layers with residual connections."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from naibu.cells.layers import Recurrent
from naibu.config import TranslationConfig
from naibu.models.dropout import dropout
from naibu.models.language_model import recurrent

RESIDUAL = 2
"""The layer, counted from 0, from which on what a layer reads is added to what it gives: the third (Wu et al. 2016)."""
State = tuple[Tensor, ...]
"""Parts of a state, `[layer batch hidden]` each: hidden and, of an LSTM, cell."""


class Stack(nn.Module):
    """Layers of `units` one on the other, each a module of its own, from the third on added to what it reads.

    With `bidirectional` the first reads both ways, with half of the units each. Source: Wu et al. 2016 (GNMT).
    """

    def __init__(self, size: int, config: TranslationConfig, *, bidirectional: bool) -> None:
        super().__init__()
        self.rate = config.dropout
        first = recurrent(size, config, layers=1, bidirectional=bidirectional)
        others = (recurrent(config.units, config, layers=1) for _ in range(config.layers - 1))
        self.layers = nn.ModuleList([first, *others])

    def forward(self, x: Tensor | PackedSequence, state: State | None = None) -> tuple[Any, State]:
        """Return the last layer's output, shaped as `x [time batch input]` or packed as it, and the final state."""
        finals = []
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, Recurrent)
            begin = None if state is None else tuple(part[number : number + 1] for part in state)
            y, end = layer(x, begin if begin is None or len(begin) > 1 else begin[0])
            finals.append(joined(layer, end))
            if number < len(self.layers) - 1:
                y = _changed(y, dropout(_data(y), self.rate, self.training))
            x = _changed(y, _data(y) + _data(x)) if number >= RESIDUAL else y
        return x, tuple(torch.cat(parts) for parts in zip(*finals, strict=True))


def encoder_of(size: int, config: TranslationConfig) -> Recurrent | Stack:
    """Return what reads vectors of `size`, as a configuration asks for."""
    if config.encoder == "gnmt":
        return Stack(size, config, bidirectional=True)
    return recurrent(size, config, bidirectional=config.encoder == "bidirectional")


def decoder_of(size: int, config: TranslationConfig) -> Recurrent | Stack:
    """Return what tells the target, of as many layers as the encoder, forward alone."""
    return Stack(size, config, bidirectional=False) if config.encoder == "gnmt" else recurrent(size, config)


def encode(encoder: Recurrent | Stack, x: Tensor, lengths: Tensor) -> tuple[Tensor, State, bool]:
    """Return what an encoder makes of `x [time batch input]`, `[time batch hidden]`, its final state, and whether there
    is padding, at which the first is 0 and which the second does not see."""
    ragged = bool((lengths != len(x)).any())
    packed = pack_padded_sequence(x, lengths.cpu(), enforce_sorted=False) if ragged else x
    output, state = encoder(packed)
    if ragged:
        output = pad_packed_sequence(output, total_length=len(x))[0]
    return output, state if isinstance(encoder, Stack) else joined(encoder, state), ragged


def joined(layer: Recurrent, state: Any) -> State:
    """Return a state in which the two directions of a layer are one, `[layer batch hidden]` each part.

    They stand side by side; of a part that grows, a stack, whose places would have gaps between them, is the sum.
    """
    parts = (state,) if isinstance(state, Tensor) else tuple(state)
    if not layer.bidirectional:
        return parts
    names, growing = layer.cell_type.state_type._fields, layer.cell_type.growing
    return tuple(
        part[0::2] + part[1::2] if name in growing else torch.cat((part[0::2], part[1::2]), -1)
        for name, part in zip(names, parts, strict=True)
    )


def _data(x: Tensor | PackedSequence) -> Tensor:
    return x.data if isinstance(x, PackedSequence) else x


def _changed(x: Any, data: Tensor) -> Any:
    return x._replace(data=data) if isinstance(x, PackedSequence) else data
