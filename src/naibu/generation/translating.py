"""Sentences translated: searched for in batches of like length, and spelt as lines again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from naibu.cells.allocator import settle_allocator
from naibu.data.parallel import Sentences, source_batch
from naibu.data.parallel_coder import ParallelCoder
from naibu.generation.beam import beam
from naibu.generation.hypothesis import Hypothesis, Symbols
from naibu.generation.options import SearchOptions
from naibu.generation.samples import sample
from naibu.generation.sampling import Sampling
from naibu.generation.stepper import Stepper
from naibu.progress import Report, silent

ROWS = 512
"""Translations that are written side by side, at most: sentences of a batch times the beam."""


class Translated(NamedTuple):
    """A translation as it is read, and as it was found."""

    text: str
    found: Hypothesis


@dataclass
class Translating:
    """The translations of sentences, and how long the search took."""

    best: list[list[Translated]]  # of each sentence, the best first
    seconds: float


@dataclass(frozen=True)
class Drawn:
    """Translations drawn at random in place of those searched for."""

    sampling: Sampling
    seed: int = 1
    before: int = 0  # sentences that were translated before, so that no two draw the same


def translate(
    stepper: Stepper,
    coder: ParallelCoder,
    sentences: Sentences,
    which: Sequence[int],
    options: SearchOptions,
    *,
    n_best: int = 1,
    prefix: Symbols = (),
    drawn: Drawn | None = None,
    progress: Report = silent,
) -> Translating:
    """Return up to `n_best` translations of chosen sentences, none twice; an empty sentence's is empty.

    prefix: symbols with which all of them begin. drawn: draw `n_best` translations of each sentence instead, as they
    come, of which some may be equal; what is drawn depends on the seed and the sentence's number.
    """
    settle_allocator()
    began = time.perf_counter()
    best: list[list[Translated]] = [[] for _ in which]
    numbers, done = np.asarray(which, np.int64), 0
    for rows in _batches(sentences.lengths[numbers], max(options.beam, n_best)):
        batch, prefixes = source_batch(sentences, numbers[rows]), [prefix] * len(rows)
        if drawn is None:
            found = beam(stepper, batch, options, n_best=n_best, prefixes=prefixes, same=coder.spell)
        else:
            seeds = [drawn.seed * 1_000_003 + drawn.before + number for number in numbers[rows].tolist()]
            found = sample(stepper, batch, options, drawn.sampling, seeds=seeds, count=n_best, prefixes=prefixes)
        for row, each in zip(rows.tolist(), found, strict=True):
            best[row] = [Translated(coder.spell(hypothesis.symbols), hypothesis) for hypothesis in each]
        done += len(rows)
        progress(done, len(which), "")
    return Translating(best, time.perf_counter() - began)


def _batches(lengths: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """Yield the numbers of sentences to be translated side by side, the longest first; empty ones are in none."""
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    for begin in range(0, len(order), max(1, ROWS // width)):
        yield order[begin : begin + max(1, ROWS // width)]
