"""Gradient clipping at work: an Elman network whose gradient explodes, trained with and without it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from naibu.config import ModelConfig, TrainingConfig
from naibu.data.order import ByLength, pieces_from, windows
from naibu.data.sequences import Sequences
from naibu.errors import OptionError
from naibu.models.language_model import LanguageModel
from naibu.probes.results import Row
from naibu.progress import Report, silent
from naibu.training.devices import seeded
from naibu.training.trainer import Trainer


@dataclass(frozen=True)
class ClippingRun:
    """The gradient's norm before clipping, and the loss, at every step of one short training."""

    run: str
    clip: float | None  # the largest norm let through; None: no clipping
    radius: float  # the spectral radius of W_hh at the start
    learning_rate: float
    norm: tuple[float, ...]  # [step], before clipping; infinite or nan where it overflowed
    loss: tuple[float, ...]  # [step], nats per symbol of that step's batch, before its update

    def rows(self) -> list[Row]:
        """Return one row a step."""
        head: Row = {"run": self.run, "clip": self.clip, "radius": self.radius, "learning_rate": self.learning_rate}
        pairs = enumerate(zip(self.norm, self.loss, strict=True))
        return [{**head, "step": step, "norm": norm, "loss": loss} for step, (norm, loss) in pairs]

    def last_loss(self, share: float = 0.1) -> float:
        """Return the mean loss of the last tenth of the steps."""
        last = self.loss[-max(1, round(share * len(self.loss))) :]
        return sum(last) / len(last)


def clipping(
    sequences: Sequences,
    *,
    clips: Sequence[float | None] = (None, 1.0, 0.25),
    units: int = 100,
    radius: float = 2.0,
    learning_rate: float = 1.0,
    steps: int = 300,
    seed: int = 1,
    progress: Report = silent,
) -> tuple[ClippingRun, ...]:
    """Return one training for each of `clips`, equal in weights, batches and all else.

    The network is an Elman language model whose recurrent weights are scaled to spectral radius `radius`, above
    1, where errors grow on their way back. The optimiser is plain gradient descent: Adam divides by the size of
    the gradient itself and so hides much of what clipping does. Clipping (Pascanu, Mikolov & Bengio 2013)
    scales a gradient whose norm is above the threshold down to it, direction kept.
    Raises OptionError for a threshold, rate or number of steps that is not above 0.
    """
    for name, value in (("clip", min((c for c in clips if c is not None), default=1.0)), ("radius", radius)):
        if not value > 0:
            raise OptionError(f"{name} {value}: must be more than 0")
    if learning_rate <= 0 or steps < 1:
        raise OptionError(f"learning rate {learning_rate}, steps {steps}: must be more than 0")
    done = []
    for number, clip in enumerate(clips):
        config = TrainingConfig(steps, seed=seed, optimiser="sgd", clip=math.inf if clip is None else clip)
        order = ByLength(sequences, config.batch_size, config.batch_tokens, unread=1)
        pieces = islice(pieces_from(order, seed), steps)
        norms, losses = [], []
        with seeded(config):
            trainer = Trainer(exploding(len(sequences.vocabulary), units, radius, seed), config)
            for step, window in enumerate(windows(order, pieces)):
                stepped = trainer.step(window.batch, step, learning_rate)
                norms.append(stepped.norm)
                losses.append(stepped.mean)
                progress(number * steps + step + 1, len(clips) * steps, f"loss {losses[-1]:.3f}")
        name = "not clipped" if clip is None else f"clipped at {clip:g}"
        done.append(ClippingRun(name, clip, radius, learning_rate, tuple(norms), tuple(losses)))
    return tuple(done)


def exploding(vocabulary: int, units: int, radius: float, seed: int) -> LanguageModel:
    """Return an Elman language model whose recurrent weights are normal, scaled to a spectral radius."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = LanguageModel(vocabulary, ModelConfig("rnn", units, dropout=0.0))
        weight = torch.randn(units, units)
        largest = torch.linalg.eigvals(weight.double()).abs().max().item()
        model.layers.cell().weight_hh.copy_(weight * (radius / largest))
    return model
