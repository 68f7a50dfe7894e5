"""The network that translates as everybody would write it: the same network in plain PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from naibu.data.batch import Batch
from naibu.data.parallel import END, UNKNOWN
from naibu.models.translation import TranslationModel


class PlainTranslation(nn.Module):
    """Embeddings, `nn.LSTM` both ways over the source and forward over the target, attention by h W m, and one
    `nn.Linear` for all logits, whose weights are the target's vectors; parameters go by the names of those of
    `TranslationModel`, whose sizes it has.

    Raises AssertionError for a network of ours that has other parts than these.
    """

    def __init__(self, ours: TranslationModel) -> None:
        super().__init__()
        self.config, config = ours.config, ours.config
        usual = ("lstm", "bidirectional", "general", True, False, "full")
        own = (config.cell, config.encoder, config.attention, config.tied, config.input_feeding, config.softmax)
        assert own == usual, f"plain PyTorch has no {own}"
        size, units = config.embedding, config.units
        between = config.dropout if config.layers > 1 else 0.0
        self.source = nn.Embedding(ours.source.num_embeddings, size)
        self.target = nn.Embedding(ours.target.num_embeddings, size)
        self.encoder = nn.LSTM(size, units // 2, config.layers, bidirectional=True, dropout=between)
        self.decoder = nn.LSTM(size, units, config.layers, dropout=between)
        self.attention = nn.ModuleDict({"key": nn.Linear(units, units, bias=False)})
        self.mix = nn.Linear(2 * units, size)
        self.output = nn.Linear(size, ours.target.num_embeddings)
        self.output.weight = self.target.weight
        self.drop = nn.Dropout(config.dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits of the target's next symbol, `[time batch vocabulary]`, padding included."""
        source, target = batch.streams["source"], batch.main
        values, state = self._encode(source.x, source.lengths)
        ids = target.x
        if self.training and self.config.symbol_dropout:
            drawn = torch.rand(ids.shape) < self.config.symbol_dropout
            ids = ids.masked_fill(drawn & (ids > END), UNKNOWN)
        hidden = self.drop(self.decoder(self.drop(self.target(ids) * self.config.vector_scale), state)[0])
        there = torch.arange(len(source.x)) < source.lengths[:, None]  # [batch source]
        scores = hidden.transpose(0, 1) @ self.attention["key"](values).transpose(1, 2)  # [batch time source]
        weights = torch.softmax(scores.masked_fill(~there[:, None], -torch.inf), -1)
        found = (weights @ values).transpose(0, 1)
        logits: Tensor = self.output(self.drop(torch.tanh(self.mix(torch.cat((hidden, found), -1)))))
        return logits

    def _encode(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return what is attended to, `[batch source hidden]`, and the state with which the decoder begins."""
        vectors = self.drop(self.source(x) * self.config.vector_scale)
        packed = pack_padded_sequence(vectors, lengths, enforce_sorted=False)
        output, (hidden, cell) = self.encoder(packed)
        values = self.drop(pad_packed_sequence(output, total_length=len(x))[0]).transpose(0, 1)
        return values, (_both_ways(hidden), _both_ways(cell))

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean cross-entropy of a symbol of the target, smoothed in training."""
        smoothing = self.config.label_smoothing if self.training else 0.0
        logits, target = self(batch).flatten(0, 1), batch.target.flatten()
        return functional.cross_entropy(logits, target, ignore_index=-1, label_smoothing=smoothing)


def _both_ways(state: Tensor) -> Tensor:
    """Return `[layer batch 2*hidden]` of the states of both directions, `[layer*2 batch hidden]`."""
    return torch.cat((state[0::2], state[1::2]), -1)
