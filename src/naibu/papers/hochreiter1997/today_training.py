"""Today's LSTM in training: its recipe, the model, and what is wanted of it on a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from naibu.cells.init import forget_bias_, input_gate_bias_
from naibu.cells.layers import LSTM
from naibu.config import TrainingConfig
from naibu.data.batch import Batch, Stream
from naibu.data.generated.random import Random, streams
from naibu.data.generated.tape import Tape, Task
from naibu.errors import OptionError
from naibu.models.model import Loss, Model, Outcomes, categorical
from naibu.training.devices import seeded
from naibu.training.trainer import Trainer

WINDOW = 2000
"""Training sequences that are remembered: the criteria of experiments 4, 5 and 6 look back on so many."""


@dataclass(frozen=True)
class Recipe:
    """What today's LSTM is trained with, the same for all tasks unless a row says otherwise."""

    units: int = 32
    rate: float = 0.003
    """Learning rate of Adam; its other numbers are torch's defaults."""
    batch: int = 20
    """Sequences in a batch."""
    clip: float = 1.0
    """Norm above which a batch's gradient is scaled down to it."""
    forget_bias: float | Literal["chrono"] = 1.0
    """Added to the forget gates' first biases, which are near 0; "chrono": see `chrono_`."""

    def __post_init__(self) -> None:
        if self.forget_bias != "chrono" and not isinstance(self.forget_bias, int | float):
            raise OptionError(f'forget_bias {self.forget_bias!r}: has to be a number, or "chrono"')


def chrono_(lstm: LSTM, longest: int) -> LSTM:
    """Return the layer with gates that keep a value for some of 1 ... longest - 1 steps, another number for each unit.

    Of log(n) added to the forget gate's bias and taken from the input gate's, n is uniform in that range: the lengths
    of the task are made use of. Source: Tallec & Ollivier 2018, eq. 16.
    """
    held = torch.empty(lstm.hidden_size).uniform_(1, max(2, longest - 1)).log()
    return input_gate_bias_(forget_bias_(lstm, held.tolist()), (-held).tolist())


def from_zero(steps: NDArray[Any], start: NDArray[np.int32]) -> NDArray[Any]:
    """Return sequences [sequence time ...] that begin at `start` and end together as [time sequence ...] that begin
    together; after its end a sequence has its last step again."""
    time = steps.shape[1]
    at = np.minimum(np.arange(time - int(start.min()))[:, None] + start, time - 1)
    found: NDArray[Any] = steps[np.arange(len(start)), at]
    return found


class Answers(NamedTuple):
    """Sequences, and the places where an answer is wanted; those of one sequence need not stand together."""

    x: Tensor  # [time sequence input], or symbols [time sequence]
    place: Tensor  # [answer], of the flattened [time sequence]
    target: Tensor  # [answer output]
    clean: Tensor  # [answer output], the target without its noise
    judged: Tensor  # [answer], whether the criterion looks at it

    def batch(self) -> Batch:
        """Return the same as a model of this project reads it: targets `[time sequence output]`, NaN elsewhere."""
        time, sequences = self.x.shape[:2]
        target = self.target.new_full((time * sequences, self.target.shape[1]), torch.nan)
        target[self.place] = self.target
        lengths = torch.full((sequences,), time)
        return Batch({"input": Stream(self.x, lengths)}, target.view(time, sequences, -1))

    def errors(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """Return, for each sequence, its largest absolute error where it is judged, and its mean one anywhere.

        output: [answer output], what a model gives there. An output that is no number has an infinite error.
        """
        sequences = self.x.shape[1]
        owner = self.place % sequences
        error = (output - self.clean).abs().nan_to_num(nan=torch.inf)
        worst = torch.zeros(sequences).scatter_reduce_(0, owner[self.judged], error.amax(1)[self.judged], "amax")
        count = torch.bincount(owner, minlength=sequences)
        return worst, torch.zeros(sequences).index_add_(0, owner, error.mean(1)) / count


def answers_of(task: Task, tape: Tape, chosen: slice) -> Answers:
    """Return the chosen sequences of a tape's first lane; the batch is as long as its longest sequence."""
    start = tape.start[chosen, 0]
    steps = tape.symbols if tape.x is None else tape.x
    assert steps is not None
    x = torch.from_numpy(from_zero(steps[chosen, ..., 0], start))
    last = tape.time - 1 - torch.from_numpy(start).long()
    if not task.every_step:
        assert tape.target is not None
        place = last * len(start) + torch.arange(len(start))
        target, clean = (
            torch.from_numpy(np.ascontiguousarray(part[chosen, 0, :, 0]))
            for part in (tape.target, tape.target if tape.clean is None else tape.clean)
        )
        return Answers(x, place, target, clean, torch.ones(len(start), dtype=torch.bool))
    if tape.target_symbols is None:
        assert tape.target is not None
        every = torch.from_numpy(from_zero(tape.target[chosen, ..., 0], start)).flatten(0, 1)
    else:
        symbols = torch.from_numpy(from_zero(tape.target_symbols[chosen, :, 0], start)).long()
        every = functional.one_hot(symbols, task.outputs).float().flatten(0, 1)
    step = torch.arange(len(x))[:, None]
    place = (step <= last).flatten().nonzero()[:, 0]
    judged = (step == last).flatten()[place] if task.judged_at_end else torch.ones(len(place), dtype=torch.bool)
    return Answers(x, place, every[place], every[place], judged)


class Network(Model):
    """An LSTM layer and a linear output; where the task has symbols, they come as vectors that are learnt too.

    The loss is squared error if `squared`, else the cross-entropy of a softmax. `said` are the outputs of the last
    loss, `[answer output]`, before the softmax.
    """

    said: Tensor

    def __init__(self, task: Task, recipe: Recipe, *, squared: bool = False) -> None:
        super().__init__()
        self.squared, self.every_step = squared, task.every_step
        self.vectors = nn.Embedding(task.inputs, recipe.units) if task.symbolic else None
        self.lstm = LSTM(recipe.units if task.symbolic else task.inputs, recipe.units)
        self.output = nn.Linear(recipe.units, task.outputs)
        if recipe.forget_bias == "chrono":
            chrono_(self.lstm, task.longest)
        else:
            forget_bias_(self.lstm, recipe.forget_bias)

    @property
    def weights(self) -> int:
        """How many weights there are; the two biases that torch's LSTM has for every gate count both."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, x: Tensor, place: Tensor) -> Tensor:
        """Return the outputs `[answer output]`, before a softmax, at these places of the flattened [time sequence]."""
        found: Tensor = self.output(self._hidden(x).flatten(0, 1)[place])
        return found

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return the mean over answers; of squared errors over outputs too."""
        place = self._places(batch)
        output, target = self(batch.main.x, place), batch.target.flatten(0, 1)[place]
        self.said = output.detach()
        if self.squared:
            return Loss(functional.mse_loss(output, target), len(place), None)
        return Loss(functional.cross_entropy(output, target.argmax(1)), len(place), None)

    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        """Return the loss of each answer, and of a softmax what was asked for and told."""
        hidden, target = self._hidden(batch.main.x), batch.target
        if self.squared:
            return {"loss": (self.output(hidden) - target).square().mean(-1)}, None
        gold = torch.where(batch.predicted, target.nan_to_num().argmax(-1), -1)
        return categorical(hidden, gold, self.output, target.shape[-1]), None

    def _hidden(self, x: Tensor) -> Tensor:
        vectors = self.vectors
        hidden: Tensor = (self.lstm(x) if vectors is None else self.lstm.forward_symbols(x, vectors.weight))[0]
        return hidden

    def _places(self, batch: Batch) -> Tensor:
        """Where an answer is wanted, step by step; sequence by sequence where each has one."""
        there = batch.predicted
        if self.every_step:
            return there.flatten().nonzero()[:, 0]
        sequence, step = there.t().nonzero().unbind(1)
        return step * there.shape[1] + sequence


class Training:
    """A trial under way: the model, and how far off it was on its last training sequences."""

    def __init__(self, task: Task, recipe: Recipe, *, squared: bool, seed: int, number: int) -> None:
        """squared: a linear output and squared error, in place of a softmax and cross-entropy."""
        self.task, self.recipe, self.squared = task, recipe, squared
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(int(streams(seed, "weights", [number])[0]))
            self.model = Network(task, recipe, squared=squared)
        self.trainer = Trainer(self.model, TrainingConfig(seed=seed, clip=recipe.clip))
        self.random = streams(seed, "training", [number])
        self.testing = streams(seed, "test", [number])
        self.sequences = self.steps = 0
        self.worst = self.mean = np.zeros(0, np.float32)  # of the last sequences, see `Answers.errors`

    def train(self, count: int) -> None:
        """Learn from so many sequences more; their errors are those before the step that learns from them."""
        tape = self.task.tape(self.random, count)
        for first in range(0, count, self.recipe.batch):
            answers = answers_of(self.task, tape, slice(first, first + self.recipe.batch))
            with seeded(self.trainer.config):
                self.trainer.step(answers.batch(), self.sequences + first, self.recipe.rate)
            worst, mean = (part.numpy() for part in answers.errors(self.activation(self.model.said)))
            self.worst = np.concatenate([self.worst, worst])[-WINDOW:]
            self.mean = np.concatenate([self.mean, mean])[-WINDOW:]
        self.sequences += count
        self.steps += int(tape.lengths.sum())

    @torch.no_grad()
    def test(self, random: Random, count: int, most: int | None = None) -> tuple[int, float, float]:
        """Return how many of so many fresh sequences the model gets wrong, their mean absolute and mean squared error.

        Given up, with errors of nan, when more than `most` are wrong.
        """
        wrong, error, square = 0, 0.0, 0.0
        for first in range(0, count, 256):
            many = min(256, count - first)
            answers = answers_of(self.task, self.task.tape(random, many), slice(None))
            output = self.activation(self.model(answers.x, answers.place))
            worst, mean = answers.errors(output)
            wrong += int((worst >= self.task.wrong_above).sum())
            error, square = error + float(mean.sum()), square + float(((output - answers.clean) ** 2).mean()) * many
            if most is not None and wrong > most:
                return wrong, float("nan"), float("nan")
        return wrong, error / count, square / count

    def activation(self, output: Tensor) -> Tensor:
        """Return the outputs as the criteria see them."""
        return output if self.squared else output.softmax(1)
