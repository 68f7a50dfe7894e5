"""The classifier of sequences: symbols or numbers in, the probability of each class out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from naibu.config import ClassesConfig
from naibu.data.batch import Batch
from naibu.errors import OptionError
from naibu.models.dropout import dropout
from naibu.models.language_model import embedding_size, recurrent
from naibu.models.model import Loss, Model, Outcomes, score
from naibu.models.pooling import Attention, pooled
from naibu.models.variation import varied

UNKNOWN = 0
"""The number of `<unk>` in vocabularies of texts."""


class Classifier(Model):
    """Embedding (of symbols), recurrent layers that read both ways, pooling over steps, output: p(class | sequence).

    `inputs` is the number of symbols, or, with `numbers`, of features at a step. Parameters: `embedding.weight` (of
    symbols alone), `layers.*` with torch's names, `attention.*` where that is how steps are pooled, `output.weight`,
    `output.bias`. Sequences are read whole: no state is carried from one call to the next.

    The loss is the cross-entropy in nats of a class. What training makes small besides is a penalty, which makes up the
    difference to the cross-entropy with class weights and smoothed targets, divided by the sum of the weights.

    Raises OptionError where there are class weights, but not one for each class.
    """

    whole = True

    def __init__(self, inputs: int, classes: int, config: ClassesConfig, *, numbers: bool = False) -> None:
        super().__init__()
        if config.class_weights and len(config.class_weights) != classes:
            raise OptionError(
                f"--class-weights {' '.join(map(str, config.class_weights))}: must be {classes}, one for each class"
            )
        config = replace(config, dropout=0.0 if config.dropout is None else config.dropout)
        self.config, self.classes, self.numbers = config, classes, numbers
        size = inputs if numbers else embedding_size(inputs, config)
        self.embedding = None if numbers else nn.Embedding(inputs, size)
        self.layers = recurrent(size, config, bidirectional=not config.one_way)
        self.layers.called = self.layers.name
        width = self.layers.hidden_size * (1 if config.one_way else 2)
        self.attention = Attention(width, config.attention) if config.pooling == "attention" else None
        self.output = nn.Linear(width * (2 if config.pooling == "mean-max" else 1), classes)
        weights = torch.tensor(config.class_weights or [1.0] * classes)
        self.register_buffer("weights", weights, persistent=False)

    def logits(self, batch: Batch) -> Tensor:
        """Return unnormalised log probabilities of the classes, `[batch class]`."""
        x, lengths = batch.main.x, batch.main.lengths
        if self.numbers:
            if self.training and self.config.variation:
                x, lengths = varied(x, lengths, self.config.variation)
        else:
            x = self._embedded(x)
        rate = self.config.dropout or 0.0
        packed = pack_padded_sequence(x, lengths.cpu(), enforce_sorted=False)
        hidden, _ = pad_packed_sequence(self.layers(packed)[0])
        given = lengths.to(x.device)
        weights = None if self.attention is None else self.attention(hidden, given)
        found = pooled(hidden, given, self.config.pooling, weights, both=not self.config.one_way)
        told: Tensor = self.output(dropout(found, rate, self.training))
        return told

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return the cross-entropy of the classes; sequences without one count for nothing."""
        logits, gold = self.logits(batch), self._gold(batch)
        there = gold >= 0
        if not there.any():
            return Loss(logits.sum() * 0.0, 0, None)
        logits, gold = logits[there], gold[there]
        mean = functional.cross_entropy(logits, gold)
        smoothing = self.config.label_smoothing
        if not self.training or not (smoothing or self.config.class_weights):
            return Loss(mean, len(gold), None)
        aimed = functional.cross_entropy(logits, gold, self._weights(), label_smoothing=smoothing)
        return Loss(mean, len(gold), None, aimed - mean)

    @torch.no_grad()
    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        """Return `loss`, `gold`, `predicted` and its `probability` at the last step of each sequence, -1 or NaN before
        it."""
        logits = self.logits(batch)
        target, found = batch.target, self._gold(batch)
        last = target >= 0
        nothing = torch.full(target.shape, torch.nan, device=target.device)
        outcomes: Outcomes = {"loss": nothing.clone(), "gold": target, "predicted": torch.full_like(target, -1)}
        rows = (found >= 0).nonzero()[:, 0]
        probability = logits.softmax(-1)
        best, surprise = score(logits[rows].clone(), found[rows])
        steps = last.int().argmax(0)[rows]
        outcomes["loss"][steps, rows] = surprise.float()
        outcomes["predicted"][steps, rows] = best
        outcomes["probability"] = nothing.clone()
        outcomes["probability"][steps, rows] = probability[rows].amax(-1).float()
        return outcomes, None

    @torch.no_grad()
    def probabilities(self, batch: Batch) -> Tensor:
        """Return the probability of every class, `[batch class]`, whether or not it is known which is right."""
        return self.logits(batch).softmax(-1)

    def _gold(self, batch: Batch) -> Tensor:
        """Return the class of each sequence, `[batch]`, -1 where there is none."""
        return batch.target.amax(0)

    def _weights(self) -> Tensor:
        weights = self.weights
        assert isinstance(weights, Tensor)
        return weights

    def _embedded(self, ids: Tensor) -> Tensor:
        """Return the vectors of symbols, `[time batch] -> [time batch input]`; in training some are read as unknown."""
        assert self.embedding is not None
        if self.training and self.config.symbol_dropout:
            ids = torch.where(torch.rand(ids.shape, device=ids.device) < self.config.symbol_dropout, UNKNOWN, ids)
        return dropout(self.embedding(ids), self.config.input_dropout, self.training)
