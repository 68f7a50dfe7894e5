"""A small LSTM learns a language that is decided by counting, with a price on values that are no whole numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from naibu.cells.init import forget_bias_
from naibu.cells.layers import LSTM
from naibu.config import TrainingConfig
from naibu.data.batch import Batch, Stream
from naibu.data.formal.counted import Blocks, Brackets, Counted, Language
from naibu.models.model import Loss, Model, Outcomes
from naibu.papers.mochihashi2019.discrete import SIGNALS, price_of
from naibu.progress import Report, silent
from naibu.storage import read_json, write_json, written_beside
from naibu.training.devices import seeded
from naibu.training.threads import threads
from naibu.training.trainer import Trainer

LANGUAGES: dict[str, Language] = {"ab": Blocks("ab"), "abc": Blocks("abc"), "brackets": Brackets()}
LONGEST = 50
"""The n of the longest training string; for brackets, their pairs."""


@dataclass(frozen=True)
class Recipe:
    """How a counter is trained. All of it was chosen on seeds from 100 up, none of which is reported."""

    strength: float = 0.3
    """Weight of the L1 term against the cross-entropy in nats."""
    floor: float | None = 1e-4
    """Where the reweighted L1 term turns round; None for L1 as it is."""
    units: int = 8
    steps: int = 4000
    rate: float = 0.03
    """Learning rate of Adam, constant, and falling to 0 in a straight line over the last 30 % of the steps."""
    epsilon: float = 1e-14
    """Adam's: small, because the gradients of saturated gates are."""
    growing: float = 0.3
    """Share of the steps in which the longest string grows from 5 to 50."""
    begin: float = 0.3
    """Share of the steps after which the L1 term sets in; it has its full weight a fifth of the steps later."""
    clip: float = 1.0
    forget_bias: float = 1.0

    def rate_at(self, done: float) -> float:
        """Return the learning rate when this share of the steps is done."""
        return self.rate * min(1.0, (1 - done) / 0.3)

    def strength_at(self, done: float) -> float:
        """Return the weight of the L1 term when this share of the steps is done."""
        return self.strength * min(1.0, max(0.0, (done - self.begin) / 0.2))

    def longest_at(self, done: float) -> int:
        """Return the n of the longest string that is learnt from when this share of the steps is done."""
        return LONGEST if done >= self.growing else 5 + int((LONGEST - 5) * done / self.growing)


class Counter(Model):
    """An LSTM layer (forget gate, no peepholes) that reads symbols one-hot, and a linear output.

    The loss is the cross-entropy against the symbols that may follow, each with the same chance (Gers and Schmidhuber
    2001 ask for all legal ones too), a mean over the steps of a string and then over strings, so that short strings
    count as much as long ones; what is asked after an a does not depend on how long the training strings are. To it
    comes the price on values that are no whole numbers, `strength` times that of `price_of`.
    """

    vectors: Tensor
    strength = 0.0
    floor: float | None = None

    def __init__(self, symbols: int, units: int, forget_bias: float) -> None:
        super().__init__()
        self.lstm = forget_bias_(LSTM(symbols, units), forget_bias)
        self.output = nn.Linear(units, symbols)
        self.register_buffer("vectors", torch.eye(symbols), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the outputs before the softmax, `[time batch symbol]`, of `ids [time batch]`."""
        hidden, _ = self.lstm.forward_symbols(ids, self.vectors)
        found: Tensor = self.output(hidden)
        return found

    def watched(self, ids: Tensor, *keep: str) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the same and the signals named, `[time batch unit]` each."""
        watched = self.lstm.signals(self.vectors[ids], keep=keep)
        return self.output(watched.output), {name: value for (_, name), value in watched.signals.items()}

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return the mean over strings, with the price."""
        ids, there, price = batch.main.x, batch.predicted, torch.zeros(())
        if self.strength:
            output, signals = self.watched(ids, *SIGNALS)
            price = price_of(signals, there, self.floor)
        else:
            output = self(ids)
        missed = self._missed(output, batch.target.nan_to_num())  # 0 after the end
        mean = (missed.sum(0) / there.sum(0)).mean()
        return Loss(mean + self.strength * price, int(there.sum()), None)

    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        """Return the cross-entropy of each step, without a price."""
        return {"loss": self._missed(self(batch.main.x), batch.target)}, None

    def _missed(self, output: Tensor, wanted: Tensor) -> Tensor:
        return -(wanted * functional.log_softmax(output, -1)).sum(-1)


def training_strings(language: Language, seed: int, recipe: Recipe) -> Iterator[Counted]:
    """Yield what is learnt from at each step: of a^n b^n all strings up to the longest n; of brackets 50 drawn ones.

    Of those every fifth is a nest, one pair within the other, the others are drawn by their number of pairs.
    """
    rng = np.random.default_rng([seed, 1])
    kept: dict[int, Counted] = {}
    for step in range(recipe.steps):
        longest = recipe.longest_at(step / recipe.steps)
        if isinstance(language, Blocks):
            yield kept.setdefault(longest, language.of(range(1, longest + 1)))
        else:
            assert isinstance(language, Brackets)
            sizes = enumerate(rng.integers(1, longest + 1, 50).tolist())
            yield language.counted([language.draw(rng, n) if i % 5 else language.nest(n) for i, n in sizes])


def train(language: Language, recipe: Recipe, seed: int, progress: Report = silent) -> Counter:
    """Return a trained network; the same seed and recipe give the same one on the same machine."""
    config = TrainingConfig(recipe.steps, seed=seed, clip=recipe.clip)
    with seeded(config):
        torch.manual_seed(seed)
        model = Counter(len(language.symbols), recipe.units, recipe.forget_bias)
        optimiser = torch.optim.Adam(model.parameters(), recipe.rate, eps=recipe.epsilon)
        trainer, model.floor = Trainer(model, config, optimiser), recipe.floor
        for step, strings in enumerate(training_strings(language, seed, recipe)):
            share = step / recipe.steps
            model.strength = recipe.strength_at(share)
            done = trainer.step(batch_of(strings), step, recipe.rate_at(share))
            told = f"loss {done.mean:.3f}" if step % 50 == 0 else ""
            progress(step + 1, recipe.steps, told)
    return model.eval()


def batch_of(strings: Counted) -> Batch:
    """Return strings as a model of this project reads them: to be predicted is the chance of every symbol."""
    ids, wanted, there = (torch.from_numpy(part) for part in (strings.ids, strings.equally, strings.there))
    target = wanted.masked_fill(~there[..., None], torch.nan)
    return Batch({"input": Stream(ids, there.sum(0))}, target)


@dataclass(frozen=True)
class Training:
    """One training as a job: it leaves weights and the recipe under `folder/counters`, and is skipped when there."""

    folder: Path
    language: str
    seed: int
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def name(self) -> str:
        """abc-0.3-0.0001-1: language, strength, floor, seed."""
        return f"{self.language}-{self.recipe.strength:g}-{self.recipe.floor or 0:g}-{self.recipe.steps}-{self.seed}"

    @property
    def path(self) -> Path:
        """Where the weights lie; the recipe lies beside them."""
        return self.folder / "counters" / f"{self.name}.safetensors"

    def finished(self) -> bool:
        """Return whether the weights of this very recipe are there."""
        about = self.path.with_suffix(".json")
        return self.path.exists() and about.exists() and read_json(about, "a recipe")["recipe"] == asdict(self.recipe)

    def run(self, progress: Report = silent) -> None:
        """Train and write."""
        with threads(1):
            model = train(LANGUAGES[self.language], self.recipe, self.seed, progress)
        with written_beside(self.path) as beside:
            save_file(model.state_dict(), beside)
        facts: dict[str, Any] = {"language": self.language, "seed": self.seed, "recipe": asdict(self.recipe)}
        write_json(self.path.with_suffix(".json"), facts)

    def model(self) -> Counter:
        """Return the network; trained first where it is not there yet."""
        if not self.finished():
            self.run()
        model = Counter(len(LANGUAGES[self.language].symbols), self.recipe.units, 0.0)
        model.load_state_dict(load_file(self.path))
        return model.eval()
