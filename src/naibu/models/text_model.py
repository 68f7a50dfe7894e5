"""The language model of running text: dropout that is the same at every step, penalties, one-hot input."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.cells.dropout import locked_dropout
from naibu.cells.layers import Watched
from naibu.cells.wrappers import weight_drop
from naibu.config import TextConfig
from naibu.data.batch import Batch
from naibu.errors import OptionError
from naibu.models.dropout import dropout
from naibu.models.language_model import TABLE_SYMBOLS, LanguageModel
from naibu.models.model import Loss
from naibu.models.output import AdaptiveSoftmax

ONE_HOT_SYMBOLS = 2000
"""Symbols up to which the layers may read one-hot vectors."""


class TextModel(LanguageModel):
    """The language model with what Merity, Keskar & Socher 2017 (AWD-LSTM) added to it, each part an option.

    Parameters as `LanguageModel`; with one-hot input there is no `embedding.weight`, and the columns of
    `layers.weight_ih_l0` are the symbols'. A tied embedding is read scaled up by `tied_scale`: small weights suit the
    output, larger ones what the layers read; with a large factor every step of training shakes what they read.
    Recurrent weights (`weight_drop`) are dropped once for each window, in the order of the layers.

    Raises OptionError for one-hot input of more than 2,000 symbols, and for weight drop where no gate reads the hidden
    state.
    """

    config: TextConfig

    def __init__(self, vocabulary: int, config: TextConfig) -> None:
        one_hot = config.embedding_kind == "one-hot"
        if one_hot and vocabulary > ONE_HOT_SYMBOLS:
            raise OptionError(
                f"--embedding-kind one-hot: is for {ONE_HOT_SYMBOLS:,} symbols at most, this text has {vocabulary:,}; "
                "take --embedding-kind learned"
            )
        inner = replace(config, weight_drop=0.0)  # by the layers' own kernels here, not around the cell
        if one_hot:
            inner = replace(inner, embedding=vocabulary, embedding_kind="learned")
        super().__init__(vocabulary, inner)
        self.config = replace(config, units=self.config.units)
        if one_hot:
            self.embedding = _OneHot(vocabulary)  # type: ignore[assignment]  # what is asked of one it has
        weight_drop(self.layers.cell_type, config.weight_drop)  # refuses where there is nothing to drop
        self.layers.locked = config.locked
        self.scale = (config.tied_scale or self.embedding.embedding_dim**0.5) if config.tied else 1.0

    def drop(self, x: Tensor, rate: float) -> Tensor:
        """Return `x [time batch ...]` with dropout in training."""
        return locked_dropout(x, rate, self.training) if self.config.locked else super().drop(x, rate)

    def embed(self, ids: Tensor) -> Tensor:
        """Return the vectors of symbols, `[time batch] -> [time batch input]`, with dropout in training."""
        factors = self._factors()
        x = self.embedding(ids)
        return self.drop(x if factors is None else x * functional.embedding(ids, factors), self.config.input_dropout)

    def forward(self, ids: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return the layers' output `[time batch hidden]` and final state, from `ids [time batch]`."""
        with self._weights_dropped():
            few = ids.numel() < self.vocabulary  # vectors are then less work than a table of all symbols
            if few or self.vocabulary > TABLE_SYMBOLS or (self.training and self.config.input_dropout):
                output, state = self.layers(self.embed(ids), state)
            else:
                factors, table = self._factors(), self.embedding.weight
                output, state = self.layers.forward_symbols(ids, table if factors is None else table * factors, state)
        return output, state

    def watch(self, ids: Tensor, state: Any = None, *, keep: Collection[str]) -> Watched:
        """Return what `forward` does, and the signals named in `keep` of all layers, with their gradients."""
        with self._weights_dropped():
            return super().watch(ids, state, keep=keep)

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return the cross-entropy of the next symbols, and in training the penalties and label smoothing."""
        output, state = self(batch.main.x, state)
        dropped, there = self.drop(output, self.config.dropout), batch.target >= 0
        mean = self.output.loss(dropped, batch.target, "mean")
        penalty = self._penalty(output, dropped, batch.target, there) if self.training else None
        return Loss(mean, int(there.sum()), state, penalty)

    def _penalty(self, output: Tensor, dropped: Tensor, target: Tensor, there: Tensor) -> Tensor | None:
        """Return what is added to the mean loss, or None; of steps at which something is predicted."""
        config, parts = self.config, list[Tensor]()
        if config.activation_penalty:
            parts.append(config.activation_penalty * _mean_square(dropped, there))
        if config.temporal_penalty:
            parts.append(config.temporal_penalty * _mean_square(output[1:] - output[:-1], there[1:] & there[:-1]))
        if config.label_smoothing:
            assert not isinstance(self.output, AdaptiveSoftmax)
            parts.append(config.label_smoothing / max(1, int(there.sum())) * self.output.smoothing(dropped, target))
        return torch.stack(parts).sum() if parts else None

    def _factors(self) -> Tensor | None:
        """Return by what the vector of each symbol is multiplied in this window, `[symbol 1]`, or None."""
        rate = self.config.symbol_dropout if self.training else 0.0
        if not rate and self.scale == 1:
            return None
        return dropout(self.embedding.weight.new_full((self.vocabulary, 1), self.scale), rate)

    @contextmanager
    def _weights_dropped(self) -> Iterator[None]:
        """In training, let the layers compute with some of their recurrent weights dropped within the block."""
        rate = self.config.weight_drop if self.training else 0.0
        recurrent = [name for name, _ in self.layers.named_parameters() if name.startswith("weight_hh")] if rate else []
        with self.layers.with_weights({name: dropout(self.layers.get_parameter(name), rate) for name in recurrent}):
            yield


class _OneHot(nn.Module):
    """An embedding whose table `weight [vocabulary vocabulary]` is the identity and is not learned."""

    weight: Tensor

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding_dim = vocabulary
        self.register_buffer("weight", torch.eye(vocabulary), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors of symbols, `[...] -> [... vocabulary]`."""
        return functional.embedding(ids, self.weight)


def _mean_square(x: Tensor, there: Tensor) -> Tensor:
    """Return the mean of the squares of `x [time batch hidden]` where `there [time batch]` says; 0 of none."""
    return (x.float() if x.dtype == torch.bfloat16 else x).square().mean(-1).mul(there).sum() / max(1, int(there.sum()))
