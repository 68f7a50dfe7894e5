"""The network that answers words: symbols in, and at the steps of the answer its symbols out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.config import FormalConfig
from naibu.data.batch import Batch
from naibu.models.dropout import dropout
from naibu.models.language_model import recurrent
from naibu.models.model import Likeliest, Loss, Model, Outcomes, categorical

SHARE = "share"
"""The outcome that says how much of its answer a step is: 1 over the symbols of the answer."""


class Answerer(Model):
    """One-hot symbols, recurrent layers, output: p(symbol of the answer) at the steps at which there is one.

    Parameters: `layers.*` with torch's names, `output.weight`, `output.bias`. Words are read whole, from a state of
    zeros. Source: Delétang et al. 2023, whose networks have one recurrent layer and one output layer.
    """

    whole = True

    def __init__(self, symbols: int, answers: int, config: FormalConfig) -> None:
        super().__init__()
        self.config, self.answers = config, answers
        self.one_hot: Tensor
        self.register_buffer("one_hot", torch.eye(symbols), persistent=False)
        self.layers = recurrent(symbols, config)
        self.layers.called = self.layers.name
        self.output = nn.Linear(self.layers.hidden_size, answers)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return unnormalised log probabilities `[step answer]`, from the layers' output `[step hidden]`."""
        found: Tensor = self.output(dropout(hidden, self.config.dropout, self.training)).float()
        return found

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return the cross-entropy of the symbols of answers."""
        hidden, there = self._hidden(batch), batch.predicted
        gold = batch.target[there]
        if not len(gold):
            return Loss(hidden.sum() * 0.0, 0, None)
        return Loss(functional.cross_entropy(self.logits(hidden[there]), gold), len(gold), None)

    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        """Return `loss`, `gold` and `predicted` at the steps of answers, and `share`, which sums to 1 over each."""
        found = categorical(self._hidden(batch), batch.target, self.logits, self.answers)
        there = batch.predicted
        share = there / there.sum(0).clamp_min(1)
        return {**found, SHARE: share.masked_fill(~there, torch.nan)}, None

    def likeliest(self, batch: Batch, most: int) -> Likeliest:
        """Return the outcomes and the most probable symbols of the answer at every step."""
        hidden = self._hidden(batch)
        shares, classes = self.logits(hidden).softmax(-1).topk(min(most, self.answers), -1)
        return Likeliest(self.outcomes(batch)[0], classes, shares)

    def _hidden(self, batch: Batch) -> Tensor:
        """Return the layers' output, `[time batch hidden]`. What lies behind the end of a word comes after all of it,
        so that padding is read like symbols and changes nothing."""
        hidden: Tensor = self.layers.forward_symbols(batch.main.x, self.one_hot)[0]
        return hidden
