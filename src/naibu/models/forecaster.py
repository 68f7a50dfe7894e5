"""The forecaster: a recurrent network over the steps of a series, and a distribution at each that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.config import SeriesConfig
from naibu.data.batch import Batch
from naibu.data.series_features import CODES, Layout
from naibu.models.dropout import dropout
from naibu.models.language_model import recurrent
from naibu.models.model import Loss, Model, Outcomes
from naibu.models.parts.distributions import KINDS, Distribution, Unit

INTERVALS = {"median": 0.5, "low_80": 0.1, "high_80": 0.9, "low_95": 0.025, "high_95": 0.975}
"""The quantiles that are told of every step, by their columns."""
CATEGORY_SIZE = 8
"""Size of the vector of a category, at most."""


class Told(NamedTuple):
    """What comes out at the steps that are asked for."""

    distribution: Distribution  # [step]
    unit: Unit  # [step]
    where: Tensor  # bool [time batch]
    state: Any = None

    def outcomes(self, z: Tensor) -> Outcomes:
        """Return the columns `[time batch]` of what came out: `loss`, and in the data's units `gold`, `mean`, `median`,
        the ends of the central 80 and 95 %, and `error`, the distance of the median from the value; `z [step]` are the
        values, off their base in spreads."""
        found, unit = self.distribution, self.unit
        columns = {"loss": found.nats(z), "gold": found.value(z, unit), "mean": unit.value(found.mean())}
        columns |= {name: found.value(found.quantile(level), unit) for name, level in INTERVALS.items()}
        columns["error"] = (columns["gold"] - columns["median"]).abs()
        nothing = torch.full(self.where.shape, torch.nan, device=self.where.device)
        return {name: nothing.masked_scatter(self.where, each.float()) for name, each in columns.items()}


def around(kind: type[Distribution], raw: Tensor, guesses: Tensor, unit: Unit) -> Distribution:
    """Return the distribution of steps whose place is a mixture of simple `guesses [step guess]` and of the base, which
    is 0, with shares that the network says, and a correction; `raw [step output]` is what it says: correction, shares
    (the base first), parameters."""
    count = guesses.shape[-1] + 1
    shares = raw[..., 1 : 1 + count].softmax(-1)[..., 1:]
    return kind.of(raw[..., 1 + count :], raw[..., 0] + (shares * guesses).sum(-1), unit)


class Forecaster(Model):
    """Recurrent layers over numbers and learned vectors, and from each step asked for a distribution.

    The place of a distribution is a mixture of simple forecasts (`Layout.anchors`, and the base, which is 0), whose
    shares the network says, and a correction. `sizes` says what is read: see `Layout`. Whether forecasts are made
    directly or a step at a time is a matter of the batches, not of the network (Salinas et al. 2020 for the latter; the
    former as the seq2seq forecaster of Wen et al. 2017, with the layers going on over the horizon as their decoder).
    """

    def __init__(self, sizes: Mapping[str, int], config: SeriesConfig) -> None:
        super().__init__()
        self.config, self.layout = config, Layout.of(sizes)
        self.distribution = KINDS[config.distribution]
        tables = [(sizes["series"], config.series_size), (sizes["slots"], config.slot_size)]
        names = [name for name in sizes if name.startswith("category ")]
        tables += [(sizes[name], min(CATEGORY_SIZE, sizes[name])) for name in names]
        self.tables = nn.ModuleList(nn.Embedding(count, size) if count > 1 else nn.Identity() for count, size in tables)
        size = sizes["features"] + sum(each.embedding_dim for each in self._learnt())
        self.layers = recurrent(size, config)
        self.layers.called = self.layers.name
        units = self.layers.hidden_size
        self.between = nn.Linear(units + size, config.head)
        self.output = nn.Linear(config.head, 2 + self.layout.anchors + self.distribution.outputs)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        for each in self._learnt():
            nn.init.normal_(each.weight, std=0.3)

    def _learnt(self) -> list[nn.Embedding]:
        return [each for each in self.tables if isinstance(each, nn.Embedding)]

    def read(self, x: Tensor) -> Tensor:
        """Return what the layers read, `[time batch input]`, of `x [time batch column]`."""
        parts = [x[..., self.layout.value :]]
        for column, table in enumerate(self.tables):
            if isinstance(table, nn.Embedding):
                vectors = table(x[..., column].long())
                parts.append(dropout(vectors, self.config.dropout, self.training) if column < CODES else vectors)
        return torch.cat(parts, -1)

    def told(self, batch: Batch, state: Any = None, where: Tensor | None = None) -> Told:
        """Return the distributions at the steps that are asked for, by default those that have a target."""
        x = batch.main.x
        read = self.read(x)
        hidden, state = self.layers(read, state)
        where = batch.predicted if where is None else where
        return self.distributions(hidden[where], read[where], x[where], where, state)

    def distributions(self, hidden: Tensor, read: Tensor, x: Tensor, where: Tensor, state: Any) -> Told:
        """Return the distributions of steps, from the layers' output, what they read and the columns, `[step ...]`."""
        drop = self.config.dropout
        both = torch.cat([dropout(hidden, drop, self.training), read], -1)
        raw = self.output(functional.relu(self.between(both)))
        unit = Unit(*x[..., self.layout.base : self.layout.base + 3].unbind(-1))
        anchors = x[..., self.layout.anchor : self.layout.feature]
        return Told(around(self.distribution, raw, anchors, unit), unit, where, state)

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return the mean nats of the values, off their base in spreads (of counts: of the counts)."""
        told = self.told(batch, state)
        nats = told.distribution.nats(batch.target[told.where])
        return Loss(nats.sum() / max(1, len(nats)), len(nats), told.state)

    @torch.no_grad()
    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        """Return the outcomes of every step that is asked for; see `Told.outcomes`."""
        told = self.told(batch, state)
        return told.outcomes(batch.target[told.where]), told.state
