"""A network that translates against the one that everybody would write: words a second in training; and how many
sentences a second it translates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from naibu.bench.plain import plain_update
from naibu.bench.plain_translation import PlainTranslation
from naibu.bench.rounds import interleaved
from naibu.config import TranslationConfig
from naibu.data.events import Array
from naibu.data.levels import END, Words
from naibu.data.order import windows
from naibu.data.parallel import Pairs, Sentences
from naibu.data.parallel_coder import ParallelCoder
from naibu.data.text_coder import TextCoder
from naibu.data.vocabulary import Vocabulary
from naibu.generation.options import SearchOptions
from naibu.generation.translating import translate
from naibu.generation.translation_stepper import TranslationStepper
from naibu.models.translation import TranslationModel
from naibu.tasks.task import usual_precision
from naibu.tasks.translation import Translation, TranslationTraining
from naibu.training.threads import threads
from naibu.training.trainer import Trainer

PAIRS, PLAIN_BATCH, TRANSLATED, ROUNDS = 640, 40, 64, 5
"""Pairs that are learnt in a round, those in a batch of the plain program, sentences translated, rounds."""
UNITS, WORDS, EXPONENT = 512, 8_000, 1.0
"""Units; words of each side, and how they are spread: the r-th is drawn as 1 / r."""
MEAN, SPREAD, OTHER_SIDE, LONGEST = 18.0, 0.55, 0.25, 80
"""Words of a sentence: the mean, the standard deviation of ln of their number, that of ln of the ratio between the two
sides, and the most; about those of news and talks."""
RATE = 1e-3
SEARCH = SearchOptions(beam=5, min_ratio=1.0, max_ratio=1.0)
"""A network that has learnt nothing ends nowhere by itself: translations have the words of their source, or up to 5
more."""


def measure() -> list[dict[str, Any]]:
    """Return a row, of networks of the usual sizes on one thread.

    `words_per_second`: words of the target that are learnt, their ends included, by our whole program, from pairs to
    updated weights, as it trains when nothing is asked for (batches by length, products of the type `precision`);
    `ratio_to_torch`: how many times those of the common one, which is the same network in plain PyTorch
    (`PlainTranslation`) in float32, batches of pairs drawn at random and padded, all logits at once.
    `sentences_per_second`: translated, with a beam of 5.
    """
    with threads(1):
        learnt, translated = _learning(), _translating()
    return [{**learnt, **translated, "load": max(learnt["load"], translated["load"])}]


def _learning() -> dict[str, Any]:
    torch.manual_seed(1)
    pairs = drawn_pairs(PAIRS, np.random.default_rng(1))
    ours, config = _network()
    theirs = PlainTranslation(ours).eval()
    theirs.load_state_dict(ours.state_dict())
    some = pairs.batch(np.arange(min(8, PAIRS)))
    one, other = ours.loss(some).mean.item(), theirs.loss(some).item()
    assert abs(one - other) < 1e-3 * abs(other), f"losses differ: {one}, {other}"
    steps = {"ours": our_epoch(ours, pairs, config), "plain": their_epoch(theirs, pairs)}
    found = interleaved(steps, rounds=ROUNDS)
    return {
        "precision": config.precision,
        "words_per_second": int(pairs.lengths.sum()) / found.seconds["ours"],
        "ratio_to_torch": found.ratio("ours", "plain"),
        "loss_error": abs(one - other) / abs(other),
        "load": found.load,
    }


def _translating() -> dict[str, Any]:
    torch.manual_seed(1)
    pairs = drawn_pairs(TRANSLATED, np.random.default_rng(2))
    stepper, which = TranslationStepper(_network()[0]), pairs.which.tolist()

    def search() -> None:
        translate(stepper, coder_of(pairs), pairs.source, which, SEARCH)

    found = interleaved({"ours": search}, rounds=ROUNDS)
    return {"beam": SEARCH.beam, "sentences_per_second": len(which) / found.seconds["ours"], "load": found.load}


def _network() -> tuple[TranslationModel, TranslationTraining]:
    """Return a network of the usual sizes, in evaluation mode, and how it is trained."""
    config = TranslationConfig(units=UNITS, softmax="full", shared_vectors=False)
    training = TranslationTraining()
    training = TranslationTraining(precision=usual_precision(config, training), learning_rate=RATE)
    return TranslationModel(WORDS, WORDS, config).eval(), training


def our_epoch(model: TranslationModel, pairs: Pairs, config: TranslationTraining) -> Callable[[], None]:
    """Return the call that learns all pairs once, as the program does."""
    trainer, order, done = Trainer(model, config), Translation().order(pairs, config), [0]

    def epoch() -> None:
        for window in windows(order, order.pieces(config.seed, done[0])):
            trainer.step(window.batch, done[0], RATE)
        done[0] += 1

    return epoch


def their_epoch(model: PlainTranslation, pairs: Pairs) -> Callable[[], None]:
    """Return the call that learns all pairs once, in batches drawn at random."""
    model.train()
    optimiser = torch.optim.Adam(model.parameters(), RATE)
    generator = np.random.default_rng(3)

    def epoch() -> None:
        order = generator.permutation(len(pairs))
        for begin in range(0, len(order), PLAIN_BATCH):
            plain_update(model, pairs.batch(order[begin : begin + PLAIN_BATCH]), optimiser)

    return epoch


def drawn_pairs(count: int, generator: np.random.Generator) -> Pairs:
    """Return pairs of words drawn at random, of lengths as they are in text, alike on both sides of a pair."""
    of_mean = np.log(MEAN) - SPREAD**2 / 2
    logarithms = generator.normal(of_mean, SPREAD, count)
    others = logarithms + generator.normal(0, OTHER_SIDE, count)
    sides = [_sentences(_lengths(each), generator) for each in (logarithms, others)]
    return Pairs(sides[0], sides[1], np.arange(count))


def coder_of(pairs: Pairs) -> ParallelCoder:
    """Return what spells the words of drawn pairs."""
    sides = (TextCoder(side.vocabulary, side.level, LONGEST) for side in (pairs.source, pairs.target))
    return ParallelCoder(*sides)


def _lengths(logarithms: Array) -> Array:
    return np.clip(np.exp(logarithms).round(), 1, LONGEST).astype(np.int64)


def _sentences(lengths: Array, generator: np.random.Generator) -> Sentences:
    table = ("<unk>", END, *(f"w{rank}" for rank in range(1, WORDS - 1)))
    chance = 1 / np.arange(1, WORDS - 1) ** EXPONENT
    numbers = 2 + generator.choice(WORDS - 2, int(lengths.sum()), p=chance / chance.sum())
    level = Words()
    level.begin_with(table)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Sentences(numbers.astype(np.uint32), starts, level, Vocabulary(table), np.arange(WORDS, dtype=np.int32))
