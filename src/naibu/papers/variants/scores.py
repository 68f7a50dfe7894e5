"""What a trained network scores on test sequences, as sums for each sequence, and what its units know of the depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from naibu.data.corpus import Corpus
from naibu.data.forms import END_SYMBOL
from naibu.data.sequences import Sequences
from naibu.models.language_model import LanguageModel
from naibu.probes.resampling import pearson

BATCH = 64
CHOOSING = 20_000
"""Symbols of training sequences, at most, on which the unit is chosen that follows the depth."""
FOLLOWED = ("cell", "hidden")


@dataclass(frozen=True)
class Scored:
    """Sums over the predicted symbols of each test sequence; [sequence] all, except the two correlations.

    loss: nats. tokens: symbols predicted. right: of these the most probable symbol came. closings, closings_right:
    next symbols that close a bracket, and of these how often the most probable of all closing brackets was the one
    that came. ends, ends_right: ends of sequence, and how often the end was most probable of all symbols.
    depth: for cell and hidden, where the network has them, |r| with the depth on the test sequences of the unit with
    the largest |r| on training sequences; empty where the task has no depth.
    """

    loss: list[float]
    tokens: list[int]
    right: list[int]
    closings: list[int]
    closings_right: list[int]
    ends: list[int]
    ends_right: list[int]
    depth: dict[str, float]


def some(sequences: Sequences, allowed: np.ndarray, tokens: int, seed: int = 1) -> np.ndarray:
    """Return numbers of whole sequences among the allowed, drawn with a seed, of at most so many symbols, in order.

    At least one; those that predict something, of two symbols or more.
    """
    usable = np.flatnonzero(allowed & (sequences.lengths > 1))
    order = np.random.default_rng((seed, 47)).permutation(usable)
    kept = np.cumsum(sequences.lengths[order]) <= tokens
    kept[:1] = True
    return np.sort(order[kept])


@torch.no_grad()
def score(model: LanguageModel, corpus: Corpus, tokens: int) -> Scored:
    """Return the scores on test sequences that do not occur in training, the same for every network.

    Where all of them do, on all. The model is in evaluation mode.
    """
    allowed = ~corpus.seen if (~corpus.seen).any() else np.ones(len(corpus.test), bool)
    part = corpus.test.subset(some(corpus.test, allowed, tokens))
    nested = corpus.form in ("brackets", "tagged")
    closing = np.array([nested and name.endswith(")") for name in corpus.vocabulary.symbols])
    end = corpus.vocabulary.index.get(END_SYMBOL, -1)
    columns = {name: np.zeros(len(part)) for name in list(Scored.__dataclass_fields__)[:-1]}
    for which in _batches(part):
        batch = part.batch(which)
        output, _ = model(batch.main.x)
        scores, targets = model.logits(output).log_softmax(-1), batch.target
        for name, values in _counts(scores, targets, torch.from_numpy(closing), end).items():
            columns[name][which] = values.sum(0).numpy()
    whole = {name: [int(v) for v in values] for name, values in columns.items() if name != "loss"}
    return Scored(
        loss=[round(float(v), 5) for v in columns["loss"]], **whole, depth=depth_followed(model, corpus, part)
    )


def _counts(scores: Tensor, targets: Tensor, closing: Tensor, end: int) -> dict[str, Tensor]:
    """Return the columns of `Scored` of each step, `[time batch]`, from log probabilities `[time batch symbol]`."""
    there = targets >= 0
    target = targets.clamp(min=0)
    best = scores.argmax(-1)
    found = {
        "loss": -scores.gather(-1, target[..., None])[..., 0].double() * there,
        "tokens": there,
        "right": there & (best == target),
        "ends": there & (target == end),
        "ends_right": there & (target == end) & (best == end),
    }
    closes = there & closing[target]
    found["closings"] = closes
    nearest = scores.masked_fill(~closing, -torch.inf).argmax(-1)
    return {**found, "closings_right": closes & (nearest == target)}


def _batches(part: Sequences) -> list[np.ndarray]:
    order = np.argsort(part.lengths, kind="stable")
    return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]


@torch.no_grad()
def depth_followed(model: LanguageModel, corpus: Corpus, test: Sequences, tokens: int = CHOOSING) -> dict[str, float]:
    """Return |r| with the depth of the best unit of cell and hidden, chosen on training and scored on test sequences.

    The label at t is the depth after symbol t, the unit's value the state after symbol t. Empty without trees.
    """
    if "depth" not in test.label_names:
        return {}
    train = corpus.train.subset(some(corpus.train, np.ones(len(corpus.train), bool), min(tokens, CHOOSING)))
    chosen, scored = (_correlations(model, part) for part in (train, test))
    return {signal: float(abs(scored[signal][np.abs(chosen[signal]).argmax()])) for signal in chosen}


def _correlations(model: LanguageModel, part: Sequences) -> dict[str, np.ndarray]:
    """Return r of every unit with the depth, [unit], for each signal followed that the cell has."""
    cell = model.layers.cell_type
    signals = tuple(name for name in FOLLOWED if name in cell.signals)
    depth, sums = part.label("depth").values.astype(np.float64), dict[str, Any]()
    depth = depth - depth.mean()
    for which in _batches(part):
        watched = model.watch(part.batch(which).main.x, keep=signals)
        for column, s in enumerate(which):
            steps = int(part.lengths[s]) - 1  # not after the last symbol, from which nothing is predicted
            y = depth[part.starts[s] : part.starts[s] + steps]
            for (_, signal), values in watched.signals.items():
                x = values[:steps, column].double().numpy()
                row = np.array([np.full(x.shape[1], steps), x.sum(0), np.full(x.shape[1], y.sum()), (x * x).sum(0)])
                row = np.concatenate([row, [np.full(x.shape[1], y @ y), y @ x]])
                sums[signal] = sums.get(signal, 0) + row
    return {signal: pearson(total.T) for signal, total in sums.items()}
