"""The language model: symbols in, the probability of the next symbol out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from naibu.cells import init
from naibu.cells.layers import Recurrent, Watched
from naibu.cells.ntm import NTMCell, with_memory
from naibu.cells.slstm import SLSTMCell, block_diagonal
from naibu.cells.variants import LAYERS, layer_of
from naibu.cells.wrappers import variational_dropout, weight_drop, zoneout
from naibu.config import ModelConfig
from naibu.data.batch import Batch
from naibu.models.dropout import dropout
from naibu.models.model import Likeliest, Loss, Model, Outcomes, categorical
from naibu.models.output import AdaptiveSoftmax, FullSoftmax, TiedAdaptiveSoftmax

UNITS = 100
"""Units where a configuration leaves them to be chosen."""
TABLE_SYMBOLS = 500
"""Symbols up to which the layers read their input from a table of W_ih E, `Recurrent.forward_symbols`."""


class LanguageModel(Model):
    """Embedding, recurrent layers, output: p(next symbol) = softmax(W h + b), as in document A.

    `vocabulary` is the number of symbols. Parameters: `embedding.weight`, `layers.*` with torch's names,
    `output.weight`, `output.bias`. With `config.tied` the output's weight is the embedding's; with an adaptive
    softmax there are `output.head.weight`, `output.head.bias` and `output.tail.*` in place of the output's two; tied
    there is `output.rare` beside these.

    In training values are dropped from the vectors of symbols, between layers and from the layers' output. Without
    the first (`config.embedding_dropout`), few symbols are read through a table also in training, which is faster.
    """

    def __init__(self, vocabulary: int, config: ModelConfig) -> None:
        super().__init__()
        config = config if config.units else replace(config, units=UNITS)
        self.config, self.vocabulary = config, vocabulary
        size = embedding_size(vocabulary, config)
        self.embedding = nn.Embedding(vocabulary, size)
        self.layers = recurrent(size, config)
        self.layers.called = self.layers.name
        self.output: FullSoftmax | AdaptiveSoftmax | TiedAdaptiveSoftmax
        if config.softmax != "adaptive":
            self.output = FullSoftmax(config.units, vocabulary)
        elif config.tied:
            self.output = TiedAdaptiveSoftmax(self.embedding.weight, config.cutoffs)
        else:
            self.output = AdaptiveSoftmax(config.units, vocabulary, config.cutoffs)
        if config.tied:
            nn.init.normal_(self.embedding.weight, std=size**-0.5)
            self.output.weight = self.embedding.weight

    def embed(self, ids: Tensor) -> Tensor:
        """Return the vectors of symbols, `[time batch] -> [time batch input]`, with dropout in training."""
        return self.drop(self.embedding(ids), self.config.input_dropout)

    def drop(self, x: Tensor, rate: float) -> Tensor:
        """Return `x [time batch ...]` with dropout in training."""
        return dropout(x, rate, self.training)

    def logits(self, output: Tensor) -> Tensor:
        """Return log probabilities of the next symbol, `[... hidden] -> [... vocabulary]`, unnormalised where the
        softmax is full."""
        return self.output.scores(self.drop(output, self.config.dropout))

    def forward(self, ids: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return the layers' output `[time batch hidden]` and final state, from `ids [time batch]`."""
        if self.vocabulary <= TABLE_SYMBOLS and not (self.training and self.config.input_dropout):
            output, state = self.layers.forward_symbols(ids, self.embedding.weight, state)
        else:
            output, state = self.layers(self.embed(ids), state)
        return output, state

    def watch(self, ids: Tensor, state: Any = None, *, keep: Collection[str]) -> Watched:
        """Return what `forward` does, and the signals named in `keep` of all layers, with their gradients."""
        return self.layers.signals(self.embed(ids), state, keep=keep)

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return the cross-entropy of the next symbols."""
        output, state = self(batch.main.x, state)
        return Loss(self.cross_entropy(output, batch.target, "mean"), int((batch.target >= 0).sum()), state)

    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        """Return `loss`, `gold` and `predicted` of the next symbol at every step."""
        output, state = self(batch.main.x, state)
        return categorical(output, batch.target, self.logits, self.vocabulary), state

    def likeliest(self, batch: Batch, most: int) -> Likeliest:
        """Return the outcomes and the most probable next symbols at every step."""
        output, _ = self(batch.main.x)
        outcomes = categorical(output, batch.target, self.logits, self.vocabulary)
        shares, classes = self.logits(output).float().softmax(-1).topk(min(most, self.vocabulary), -1)
        return Likeliest(outcomes, classes, shares)

    def cross_entropy(self, output: Tensor, targets: Tensor, reduction: str = "sum") -> Tensor:
        """Return the cross-entropy in nats of `targets [time batch]`, from the layers' output `[time batch hidden]`.

        Negative targets are padding. `reduction` is "sum", or "mean" over what is not padding.
        """
        return self.output.loss(self.drop(output, self.config.dropout), targets, reduction)


def embedding_size(vocabulary: int, config: ModelConfig) -> int:
    """Return the size of a symbol's vector: as configured, else the units or twice the vocabulary, rounded
    up to 16, where that is less: more could carry nothing more."""
    if config.embedding:
        return config.embedding
    return config.units if config.tied else min(config.units, -(-2 * vocabulary // 16) * 16)


def recurrent(
    input_size: int, config: ModelConfig, *, layers: int | None = None, bidirectional: bool = False
) -> Recurrent:
    """Return the recurrent layers that a configuration asks for, initialised; with `layers`, so many of them; read both
    ways where `bidirectional`, with half of the units each.

    Raises OptionError where it asks for what its cell does not have: a gate, or recurrent weights.
    """
    layer = wrapped(config)
    count, units = layers or config.layers, config.units or UNITS
    between, size = config.dropout if count > 1 else 0.0, units // 2 if bidirectional else units
    made = layer(input_size, size, num_layers=count, dropout=between, bidirectional=bidirectional)
    if config.orthogonal:
        init.orthogonal_(made)
    if "forget_gate" in layer.cell_type.gates:
        init.forget_bias_(made, config.forget_bias)
    if config.input_gate_bias:
        init.input_gate_bias_(made, config.input_gate_bias)
    if config.output_gate_bias:
        init.output_gate_bias_(made, config.output_gate_bias)
    return made


def wrapped(config: ModelConfig) -> type[Recurrent]:
    """Return the layer of the configuration's cell, with the wrappers that it asks for around the cell."""
    layer = LAYERS[config.cell]
    cell = layer.cell_type
    if config.heads > 1:
        assert issubclass(cell, SLSTMCell)
        cell = block_diagonal(cell, config.heads)
    if issubclass(cell, NTMCell):
        cell = with_memory(cell, config.memory_locations, config.memory_width)
    cell = zoneout(cell, config.zoneout, config.zoneout_cell)
    rate = config.variational_dropout
    cell = variational_dropout(cell, rate, rate if cell.recurrent else 0.0)
    cell = weight_drop(cell, config.weight_drop)
    return layer if cell is layer.cell_type else layer_of(cell, layer.name)
