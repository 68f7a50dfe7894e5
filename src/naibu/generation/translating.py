"""Sentences translated: searched for in batches of like length, and spelt as lines again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from naibu.data.parallel import Pairs, Sentences, source_batch
from naibu.data.parallel_coder import ParallelCoder
from naibu.generation.beam import beam
from naibu.generation.hypothesis import Hypothesis
from naibu.generation.options import SearchOptions
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


def translate(
    stepper: Stepper,
    coder: ParallelCoder,
    sentences: Sentences,
    which: Sequence[int],
    options: SearchOptions,
    *,
    n_best: int = 1,
    progress: Report = silent,
) -> Translating:
    """Return up to `n_best` translations of chosen sentences, none twice; an empty sentence's is empty."""
    began = time.perf_counter()
    best: list[list[Translated]] = [[] for _ in which]
    done = 0
    for rows in _batches(sentences.lengths[np.asarray(which, np.int64)], options.beam):
        batch = source_batch(sentences, np.asarray(which, np.int64)[rows])
        found = beam(stepper, batch, options, n_best=n_best, same=coder.spell)
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
