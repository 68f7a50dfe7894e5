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
from naibu.data.generated.counting import Blocks, Brackets, Counted, Language
from naibu.papers.mochihashi2019.discrete import SIGNALS, price_of
from naibu.progress import Report, silent
from naibu.storage import read_json, write_json, written_beside
from naibu.training.threads import threads
from naibu.training.train import clip_gradients

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


class Counter(nn.Module):
    """An LSTM layer (forget gate, no peepholes) that reads symbols one-hot, and a linear output."""

    vectors: Tensor

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
    """Return a trained network; the same seed and recipe give the same one on the same machine.

    The loss is the cross-entropy against the symbols that may follow, each with the same chance (Gers and Schmidhuber
    2001 ask for all legal ones too), a mean over the steps of a string and then over strings, so that short strings
    count as much as long ones; what is asked after an a does not depend on how long the training strings are.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        model = Counter(len(language.symbols), recipe.units, recipe.forget_bias)
    parameters = list(model.parameters())
    optimiser = torch.optim.Adam(parameters, recipe.rate, eps=recipe.epsilon)
    for step, strings in enumerate(training_strings(language, seed, recipe)):
        done = step / recipe.steps
        optimiser.param_groups[0]["lr"] = recipe.rate_at(done)
        ids, wanted, there = (torch.from_numpy(a) for a in (strings.ids, strings.equally, strings.there))
        strength, price = recipe.strength_at(done), torch.zeros(())
        if strength:
            output, signals = model.watched(ids, *SIGNALS)
            price = price_of(signals, there, recipe.floor)
        else:
            output = model(ids)
        missed = -(wanted * functional.log_softmax(output, -1)).sum(-1)  # 0 after the end
        loss = (missed.sum(0) / there.sum(0)).mean()
        optimiser.zero_grad(set_to_none=True)
        (loss + strength * price).backward()  # type: ignore[no-untyped-call]
        clip_gradients(parameters, recipe.clip)
        optimiser.step()
        progress(step + 1, recipe.steps, f"loss {loss.item():.3f}" if step % 50 == 0 else "")
    return model.eval()


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
