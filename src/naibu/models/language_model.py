"""The language model: symbols in, the probability of the next symbol out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.cells.layers import GRU, LSTM, RNN, Recurrent
from naibu.config import ModelConfig


class LanguageModel(nn.Module):
    """Embedding, recurrent layers, output: p(next symbol) = softmax(W h + b), as in document A.

    `vocabulary` is the number of symbols. Parameters: `embedding.weight`, `layers.*` with torch's names,
    `output.weight`, `output.bias`. With `config.tied` the output's weight is the embedding's.
    """

    def __init__(self, vocabulary: int, config: ModelConfig) -> None:
        super().__init__()
        self.config, self.vocabulary = config, vocabulary
        size = embedding_size(vocabulary, config)
        self.embedding = nn.Embedding(vocabulary, size)
        self.layers = recurrent(size, config)
        self.output = nn.Linear(config.units, vocabulary)
        if config.tied:
            nn.init.normal_(self.embedding.weight, std=size**-0.5)
            self.output.weight = self.embedding.weight

    def embed(self, ids: Tensor) -> Tensor:
        """Return the vectors of symbols, `[time batch] -> [time batch input]`, with dropout in training."""
        vectors: Tensor = self.embedding(ids)
        return functional.dropout(vectors, self.config.dropout, self.training)

    def logits(self, output: Tensor) -> Tensor:
        """Return unnormalised log probabilities of the next symbol, `[... hidden] -> [... vocabulary]`."""
        scores: Tensor = self.output(functional.dropout(output, self.config.dropout, self.training))
        return scores

    def forward(self, ids: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return the layers' output `[time batch hidden]` and final state, from `ids [time batch]`."""
        output, state = self.layers(self.embed(ids), state)
        return output, state

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return the summed cross-entropy in nats of `targets [time batch]`; negative targets are padding."""
        there = targets >= 0
        return functional.cross_entropy(self.logits(output[there]), targets[there], reduction="sum")


def embedding_size(vocabulary: int, config: ModelConfig) -> int:
    """Return the size of a symbol's vector: as configured, else the units or twice the vocabulary, rounded
    up to 16, where that is less: more could carry nothing more."""
    if config.embedding:
        return config.embedding
    return config.units if config.tied else min(config.units, -(-2 * vocabulary // 16) * 16)


def recurrent(input_size: int, config: ModelConfig) -> Recurrent:
    """Return the recurrent layers that a configuration asks for, initialised."""
    units, depth, dropout = config.units, config.layers, config.dropout if config.layers > 1 else 0.0
    if config.cell == "gru":
        return GRU(input_size, units, depth, dropout=dropout)
    if config.cell in ("rnn", "rnn-relu"):
        return RNN(input_size, units, depth, "relu" if config.cell == "rnn-relu" else "tanh", dropout=dropout)
    layers = LSTM(input_size, units, depth, dropout=dropout)
    with torch.no_grad():
        for layer in range(config.layers):
            layers.get_parameter(f"bias_ih_l{layer}")[config.units : 2 * config.units] += config.forget_bias
    return layers
