"""A Neural Turing Machine, or an LSTM beside it, learns one of the tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor, nn
from torch.nn import functional

from naibu.cells.edits import Edit
from naibu.cells.init import forget_bias_
from naibu.cells.layers import LSTM, Recurrent
from naibu.cells.ntm import NTMCell, with_memory
from naibu.cells.variants import layer_of
from naibu.errors import DivergedError
from naibu.papers.graves2014.tasks import TASKS, Episodes, Task
from naibu.progress import Report, silent
from naibu.storage import read_json, write_json, written_beside
from naibu.training.threads import threads

NetworkName = Literal["ntm", "lstm"]


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained. Chosen on seeds from 101 up, none of which is reported."""

    network: NetworkName = "ntm"
    units: int = 100
    locations: int = 128
    """Of an NTM's memory, and of how many numbers each is."""
    width: int = 20
    updates: int = 2_500
    """Steps of training, one update each."""
    batch: int = 4
    """Sequences of an update, all of one size."""
    rate: float = 2e-3
    """Learning rate of Adam; over the last third of the updates it falls to a tenth in a straight line."""
    clip: float = 10.0
    """Largest norm of the gradient."""
    forget_bias: float = -3.0
    """Added to the forget gate's bias: below 0 the controller forgets soon, and leaves remembering to the memory."""
    growing: float = 0.5
    """Share of the updates in which the largest size grows from a fifth of the task's to the whole."""

    def most_at(self, done: float) -> float:
        """Return the share of the task's sizes that is learnt from when this share of the updates is done."""
        return min(1.0, 0.2 + 0.8 * done / self.growing) if self.growing else 1.0

    def rate_at(self, done: float) -> float:
        """Return the learning rate when this share of the updates is done."""
        return self.rate * min(1.0, 0.1 + 2.7 * (1 - done))


class Network(nn.Module):
    """One recurrent layer and a linear output: the bits to be answered, before the logistic function."""

    def __init__(self, task: Task, recipe: Recipe) -> None:
        super().__init__()
        self.layers: Recurrent
        if recipe.network == "ntm":
            self.layers = layer_of(with_memory(NTMCell, recipe.locations, recipe.width), "ntm")(
                task.channels, recipe.units
            )
        else:
            self.layers = LSTM(task.channels, recipe.units)
        forget_bias_(self.layers, recipe.forget_bias)
        self.output = nn.Linear(recipe.units, task.bits)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs `[time batch bit]` of what is read, `[time batch channel]`."""
        found: Tensor = self.output(self.layers(x)[0])
        return found

    def answer(self, episodes: Episodes) -> Tensor:
        """Return the outputs of the steps that answer, `[answer batch bit]`."""
        found: Tensor = self(episodes.input)[-len(episodes.wanted) :]
        return found

    def watched(
        self, episodes: Episodes, *keep: str, edit: Mapping[str, Edit] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the same, with edits made, and the signals named, `[time batch unit]` each."""
        name = next(name for _, _, name in self.layers.directions())
        edits = {(name, signal): made for signal, made in (edit or {}).items()}
        watched = self.layers.signals(episodes.input, keep=keep, edit=edits)
        signals = {signal: value for (_, signal), value in watched.signals.items()}
        return self.output(watched.output[-len(episodes.wanted) :]), signals


def train(task: Task, recipe: Recipe, seed: int, progress: Report = silent) -> tuple[Network, np.ndarray[Any, Any]]:
    """Return a trained network and the loss of every update in bits a sequence; a seed repeats on the same machine.

    Raises DivergedError for a loss or gradient that is no number.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(task, recipe)
    rng, losses = Generator().manual_seed(seed), np.zeros(recipe.updates)
    optimiser = torch.optim.Adam(network.parameters(), recipe.rate, fused=True)
    for update in range(recipe.updates):
        done = update / recipe.updates
        episodes = task.draw(rng, task.draw_size(rng, recipe.most_at(done)), recipe.batch)
        loss = functional.binary_cross_entropy_with_logits(network.answer(episodes), episodes.wanted)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        if not math.isfinite(float(norm)):
            raise DivergedError(f"seed {seed}: the gradient of update {update + 1} is no number")
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(done)
        optimiser.step()
        losses[update] = float(loss.detach()) * episodes.wanted[:, 0].numel() / math.log(2)
        if update % 100 == 99:
            progress(update + 1, recipe.updates, f"{losses[update - 99 : update + 1].mean():.3g} bits a sequence")
    return network.eval(), losses


@dataclass(frozen=True)
class Training:
    """One training as a job: it leaves weights, recipe and losses under `folder/networks`, and is skipped when they
    are there."""

    folder: Path
    task: str
    seed: int
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def name(self) -> str:
        """copy-ntm-1: task, network, seed."""
        return f"{self.task}-{self.recipe.network}-{self.seed}"

    @property
    def path(self) -> Path:
        """Where the weights lie, in a folder for each number of updates; recipe and losses lie beside them."""
        return self.folder / "networks" / str(self.recipe.updates) / f"{self.name}.safetensors"

    def finished(self) -> bool:
        """Return whether the weights of this very recipe are there."""
        about = self.path.with_suffix(".json")
        return self.path.exists() and about.exists() and read_json(about, "a recipe")["recipe"] == asdict(self.recipe)

    def run(self, progress: Report = silent) -> None:
        """Train and write."""
        with threads(1):
            network, losses = train(TASKS[self.task], self.recipe, self.seed, progress)
        with written_beside(self.path) as beside:
            save_file(network.state_dict(), beside)
        hundreds = losses[: len(losses) // 100 * 100].reshape(-1, 100).mean(1) if len(losses) >= 100 else losses
        facts = {"task": self.task, "seed": self.seed, "recipe": asdict(self.recipe)}
        write_json(self.path.with_suffix(".json"), facts | {"bits_of_each_hundred": hundreds.round(4).tolist()})

    def network(self) -> Network:
        """Return the trained network. Raises StoredError or FileNotFoundError where it is not there."""
        network = Network(TASKS[self.task], self.recipe)
        network.load_state_dict(load_file(self.path))
        return network.eval()

    def losses(self) -> list[float]:
        """Return the loss in bits a sequence, the mean of every hundred updates."""
        found: list[float] = read_json(self.path.with_suffix(".json"), "a recipe")["bits_of_each_hundred"]
        return found
