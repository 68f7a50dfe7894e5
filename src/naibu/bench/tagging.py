"""The tagger against the one that everybody would write: words a second in training, and how good both become."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from naibu.bench.plain import plain_update
from naibu.bench.plain_tagger import PlainTagger
from naibu.bench.rounds import interleaved
from naibu.config import TagsConfig
from naibu.data.batch import Batch, Stream
from naibu.data.order import pieces_from, windows
from naibu.data.tag_coder import LETTERS
from naibu.data.tags import open_tags
from naibu.models.model import Model
from naibu.models.tagger import Tagger
from naibu.tasks.tags import Tags, TagsTraining
from naibu.training.devices import seeded
from naibu.training.schedule import learning_rate
from naibu.training.threads import threads
from naibu.training.trainer import Trainer

BATCHES, SENTENCES, ROUNDS = 4, 32, 7
SIZES = {"words": 8_000, "shapes": 72, "feature_0": 45, "letters": 81, "tags": 23, "kinds": 11}
"""About those of the chunks of CoNLL-2000."""
LONGEST, FORMS, EXPONENT = 45, 20_000, 1.1
"""Words of a sentence at most, different words, and how they are spread: the r-th is drawn as 1 / r^1.1."""


def measure() -> list[dict[str, Any]]:
    """Return a row for a conditional random field and for a softmax: words a second in training of networks of the
    usual sizes on one thread, 32 sentences of 5 to 45 words drawn at random, and `ratio_to_torch`, how many times those
    of the same network in plain PyTorch (`PlainTagger`), which spells each different word once too."""
    with threads(1):
        return [_row(decode) for decode in ("crf", "softmax")]


def _row(decode: Any) -> dict[str, Any]:
    torch.manual_seed(1)
    config = TagsConfig(units=128, embedding=100, decode=decode)
    batches = [_batch(np.random.default_rng(k)) for k in range(BATCHES)]
    ours = Tagger(SIZES, config).eval()
    theirs = PlainTagger(ours).eval()
    theirs.load_state_dict({**theirs.state_dict(), **ours.state_dict()})
    one, other = ours.loss(batches[0]).mean.item(), theirs.loss(batches[0]).item()
    assert abs(one - other) < 1e-3 * abs(other), f"losses differ: {one}, {other}"
    trainer = Trainer(ours, TagsTraining())
    following = itertools.cycle(batches)
    steps = {"ours": lambda: trainer.step(next(following), 0, 1e-3), "plain": their_step(theirs.train(), batches)}
    found = interleaved(steps, rounds=ROUNDS)
    words = sum(int(batch.main.lengths.sum()) for batch in batches) / len(batches)
    row = {"decode": decode, "loss_error": abs(one - other) / abs(other)}
    return {
        **row,
        "words_per_second": words / found.seconds["ours"],
        "ratio_to_torch": found.ratio("ours", "plain"),
        "load": found.load,
    }


def _batch(generator: np.random.Generator) -> Batch:
    """Return sentences of words drawn at random, each always spelt and shaped alike."""
    lengths = generator.integers(5, LONGEST + 1, SENTENCES)
    chance = 1 / np.arange(1, FORMS + 1) ** EXPONENT
    form = generator.choice(FORMS, (LONGEST, SENTENCES), p=chance / chance.sum())
    same = np.random.default_rng(7)
    spelt = same.integers(1, SIZES["letters"], (FORMS, LETTERS))
    spelt[np.arange(LETTERS) >= same.integers(1, 12, FORMS)[:, None]] = 0
    columns = [form, form % SIZES["words"], form % SIZES["shapes"], form % SIZES["feature_0"]]
    x = np.concatenate([np.stack(columns, -1), spelt[form]], -1)
    x[np.arange(LONGEST)[:, None] >= lengths] = 0
    kinds = generator.integers(0, SIZES["kinds"], (LONGEST, SENTENCES))
    target = np.where(np.arange(LONGEST)[:, None] < lengths, 1 + 2 * kinds, -1)  # spans of one word each
    return Batch({"input": Stream(torch.from_numpy(x), torch.from_numpy(lengths))}, torch.from_numpy(target))


def their_step(model: PlainTagger, batches: Sequence[Batch]) -> Callable[[], float]:
    """Return the call that takes one training step of the plain network on the next batch."""
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, betas=(0.9, 0.98), weight_decay=0.01)
    following = itertools.cycle(batches)

    def step() -> float:
        return plain_update(model, next(following), optimiser)

    return step


def compare(
    train: str | Path, test: str | Path, *, seeds: Sequence[int] = (1, 2, 3, 4, 5), steps: int = 1_000, **options: Any
) -> Iterator[dict[str, float]]:
    """Yield for each seed the accuracy on a test file of our tagger, and of the plain network that reads letters and
    words alone and has a softmax: the same sizes, batches, optimiser and steps, all of the training file, the weights
    of the last step.

    options: those of `open_tags`, its columns for example.
    """
    data = open_tags(train, test=test, validation=0, **options)
    task = Tags()
    for seed in seeds:
        training = TagsTraining(steps=steps, seed=seed, threads=1)
        order, scores = task.order(data.train, training), dict[str, float]()
        for name in ("ours", "plain"):
            with seeded(training):
                torch.manual_seed(seed)
                ours = task.build(data.sizes, TagsConfig())
                plain = PlainTagger(task.build(data.sizes, TagsConfig(decode="softmax")), ("words",))
                trainer = Trainer(ours, training)
                optimiser = torch.optim.AdamW(plain.parameters(), betas=(0.9, 0.98), weight_decay=training.weight_decay)
                for step, window in zip(range(steps), windows(order, pieces_from(order, seed)), strict=False):
                    rate = learning_rate(training, step, steps)
                    if name == "ours":
                        trainer.step(window.batch, step, rate)
                    else:
                        optimiser.param_groups[0]["lr"] = rate
                        plain_update(plain, window.batch, optimiser)
            scores[name] = _accuracy(ours.eval() if name == "ours" else plain.eval(), order_of(data.test, training))
        yield {"seed": seed, **scores, "difference": scores["ours"] - scores["plain"]}


def order_of(examples: Any, training: TagsTraining) -> list[Batch]:
    """Return all of some sentences in batches."""
    order = Tags().order(examples, training)
    return [window.batch for window in windows(order, order.beginning(int(examples.lengths.sum())))]


@torch.no_grad()
def _accuracy(model: nn.Module, batches: Sequence[Batch]) -> float:
    """Return the share of all words whose tag is told; one whose tag is unknown is not."""
    right = total = 0
    for batch in batches:
        told = model.outcomes(batch)[0]["predicted"] if isinstance(model, Model) else model(*batch.main).argmax(-1)
        right += int(((told == batch.target) & batch.predicted).sum())
        total += int(batch.main.lengths.sum())
    return right / total
