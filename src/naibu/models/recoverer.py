"""The network that recovers missing values: recurrent layers from both sides over a window, a distribution at a gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.config import RecoveryConfig
from naibu.config.recovery import UNITS
from naibu.data.batch import Batch
from naibu.data.recovery_reading import Layout
from naibu.models.dropout import dropout
from naibu.models.forecaster import Told, around
from naibu.models.language_model import recurrent
from naibu.models.model import Loss, Model, Outcomes
from naibu.models.parts.distributions import KINDS, Unit


class Recoverer(Model):
    """Recurrent layers in both directions over numbers and a learned vector, and at each step asked for a distribution.

    The place of a distribution is a mixture of simple guesses (`Layout.guess`, and the usual value, which is 0), whose
    shares the network says, and a correction. `sizes` says what is read: see `Layout`. All windows of a batch are
    equally long. Recorded are the signals of `lstm.K`, the state after a step was read from before, and of
    `lstm.K.reverse`, after it was read from behind.

    Source: recurrent imputation from both sides, Cao et al. 2018 (BRITS); here nothing that is told is read again.
    """

    whole = True

    def __init__(self, sizes: Mapping[str, int], config: RecoveryConfig) -> None:
        super().__init__()
        config = replace(config, units=config.units or UNITS)
        self.config, self.layout = config, Layout.of(sizes)
        self.distribution = KINDS[config.distribution]
        self.series = nn.Embedding(sizes["series"], config.series_size) if sizes["series"] > 1 else None
        size = sizes["features"] + (config.series_size if self.series is not None else 0)
        self.layers = recurrent(size, replace(config, units=2 * config.units), bidirectional=True)
        self.layers.called = self.layers.name
        self.between = nn.Linear(2 * config.units + size, config.head)
        self.output = nn.Linear(config.head, 2 + self.layout.guesses + self.distribution.outputs)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        if self.series is not None:
            nn.init.normal_(self.series.weight, std=0.3)

    def told(self, batch: Batch, where: Tensor | None = None) -> Told:
        """Return the distributions at the steps that are asked for, by default those that have a target."""
        where = batch.predicted if where is None else where
        x, steps = batch.main.x, int(batch.main.lengths.max())
        read = x[..., self.layout.guess :]
        if self.series is not None:
            vectors = self.series(x[0, :, 0].long())
            read = torch.cat([read, dropout(vectors, self.config.dropout, self.training).expand(len(x), -1, -1)], -1)
        hidden = self.layers(read[:steps])[0]  # what is behind the ends would be read from behind
        where = where & (torch.arange(len(x), device=x.device) < steps)[:, None]
        inner = where[:steps]
        return self._distributions(hidden[inner], read[:steps][inner], x[:steps][inner], where)

    def _distributions(self, hidden: Tensor, read: Tensor, x: Tensor, where: Tensor) -> Told:
        """Return the distributions of steps, from the layers' output, what they read and the columns, `[step ...]`."""
        both = torch.cat([dropout(hidden, self.config.dropout, self.training), read], -1)
        raw = self.output(functional.relu(self.between(both)))
        unit = Unit(*x[..., self.layout.base : self.layout.guess].unbind(-1))
        guesses = x[..., self.layout.guess : self.layout.guess + self.layout.guesses]
        return Told(around(self.distribution, raw, guesses, unit), unit, where)

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return the mean nats of the values that were taken away, off their base in spreads (of counts: of them)."""
        told = self.told(batch)
        nats = told.distribution.nats(batch.target[told.where])
        return Loss(nats.sum() / max(1, len(nats)), len(nats), None)

    @torch.no_grad()
    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        """Return the outcomes of every value that was taken away; see `Told.outcomes`."""
        told = self.told(batch)
        return told.outcomes(batch.target[told.where]), None
