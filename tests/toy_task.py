"""A whole task as small as can be: waves, numbers in, the chance of the next number out. Data, model, task."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from naibu.cells.layers import LSTM
from naibu.config import ModelConfig
from naibu.data.batch import Batch, Stream
from naibu.data.examples import Column, Data, Examples
from naibu.data.order import Lanes
from naibu.models.model import Loss, Model
from naibu.storage import write_text
from naibu.tasks.task import Predicted, Task


class Series(Examples):
    """Rows of numbers, each with the phase of its wave."""

    def __init__(self, rows, phases):
        self.rows, self.phases = rows, phases

    def __len__(self):
        return len(self.rows)

    def lengths_of(self, stream):
        return np.array([len(row) for row in self.rows], np.int64)

    def inputs(self, stream):
        return {"value": Column(np.concatenate(self.rows))}

    def labels(self, stream):
        return ("phase",)

    def label(self, name, stream="input"):
        return Column(np.concatenate(self.phases))

    def subset(self, which):
        chosen = np.arange(len(self))[which]
        return Series([self.rows[k] for k in chosen], [self.phases[k] for k in chosen])

    def batch(self, which):
        rows = [torch.from_numpy(np.append(self.rows[k], np.float32(np.nan))) for k in which]
        values = nn.utils.rnn.pad_sequence(rows, padding_value=torch.nan)
        lengths = torch.tensor([len(row) - 1 for row in rows])
        return Batch({"input": Stream(values[:-1, :, None].nan_to_num(), lengths)}, values[1:])


@dataclass(frozen=True)
class WavesOptions:
    rows: int = 12
    noise: float | None = None


class AsItIs:
    def save(self, folder):
        write_text(folder / "scale.txt", "1\n")


@dataclass(frozen=True)
class WaveConfig(ModelConfig):
    least: float = 1e-3  # a field that not all networks have: added to the spread


class Forecaster(Model):
    """Tells mean and spread of the next number."""

    def __init__(self, config):
        super().__init__()
        self.layers, self.output, self.least = LSTM(1, config.units), nn.Linear(config.units, 2), config.least

    def _told(self, batch, state):
        hidden, state = self.layers(batch.main.x, state)
        mean, spread = self.output(hidden).unbind(-1)
        spread = nn.functional.softplus(spread) + self.least
        return mean, spread, state

    def loss(self, batch, state=None):
        mean, spread, state = self._told(batch, state)
        mean, spread, wanted = (part[batch.predicted] for part in (mean, spread, batch.target))
        nats = -torch.distributions.Normal(mean, spread).log_prob(wanted)
        return Loss(nats.mean(), len(nats), state)

    def outcomes(self, batch, state=None):
        mean, spread, state = self._told(batch, state)
        nats = -torch.distributions.Normal(mean, spread, validate_args=False).log_prob(batch.target)
        return {"loss": nats, "gold": batch.target, "mean": mean}, state


@dataclass(frozen=True)
class WavesEvaluation:
    twice: bool = False


@dataclass(frozen=True)
class WavesPrediction:
    ahead: int = 1


class Ahead(Predicted):
    def __init__(self, numbers):
        self.numbers = numbers

    def rows(self):
        return [{"step": step, "mean": mean} for step, mean in enumerate(self.numbers, 1)]

    def lines(self):
        yield from map(str, self.numbers)


class Waves(Task):
    evaluation, prediction = WavesEvaluation, WavesPrediction
    name, about, options, model = "waves", "asked for the next number of a wave", WavesOptions, WaveConfig

    def open(self, options):
        rng = np.random.default_rng(3)
        phases = [(np.arange(40 + k) + 9 * rng.random()).astype(np.float32) for k in range(options.rows)]
        waves = [np.sin(0.7 * p) + np.float32(options.noise or 0) * rng.random(len(p), np.float32) for p in phases]
        parts = [Series(waves, phases).subset(np.arange(k, options.rows, 3)) for k in range(3)]
        asked = asdict(options)
        return Data("waves", self.name, asked, *parts, {"input": 1}, AsItIs(), ("phase",), repr(asked), [])

    def build(self, sizes, config):
        return Forecaster(config)

    def evaluated(self, trained, examples, asked, progress):
        found = trained.model.outcomes(examples.batch(np.arange(1)))[0]
        return {"first": 2 * float(found["mean"][0, 0].detach())} if asked.twice else {}

    def predict(self, trained, files, asked, progress):
        return Ahead([float(path.read_text()) for path in files] * asked.ahead)

    def order(self, examples, config):
        return Lanes(examples, config.batch_size, config.truncation, config.variable_truncation)
