"""Vectors of words learnt from text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from naibu.data.vector_file import Vectors
from naibu.errors import DivergedError
from naibu.memory import check_memory
from naibu.progress import shown
from naibu.vectors.corpus import Corpus, read_corpus
from naibu.vectors.glove import glove
from naibu.vectors.options import Options
from naibu.vectors.word2vec import word2vec

USUAL = Options()


@dataclass(frozen=True)
class Trained:
    """Vectors that were learnt, and how it went."""

    vectors: Vectors
    corpus: Corpus
    options: Options
    losses: tuple[float, ...]
    """The loss J of every pass, each pair's before it was learnt from; of GloVe alone."""
    seconds: float
    """Of learning, without reading."""

    def __repr__(self) -> str:
        vectors, options = self.vectors, self.options
        return f"Trained({options.model}, {len(vectors.words):,} words of {vectors.size} numbers)"

    def facts(self) -> dict[str, Any]:
        """Return the numbers to tell, by name."""
        read = len(self.corpus.tokens) * self.options.epochs
        return {
            "model": self.options.model,
            "words": len(self.vectors.words),
            "size": self.vectors.size,
            "tokens": len(self.corpus.tokens),
            "too_rare": self.corpus.rare,
            "epochs": self.options.epochs,
            "losses": list(self.losses),
            "seconds": self.seconds,
            "words_per_second": read / max(self.seconds, 1e-9),
        }


def train(files: str | Path | Sequence[str | Path], options: Options = USUAL) -> Trained:
    """Return vectors learnt from files, folders or archives of text.

    Raises CorpusError for text that cannot be used, OptionError for options that cannot, DivergedError where vectors
    are no longer finite.
    """
    paths = [Path(each) for each in ([files] if isinstance(files, str | Path) else files)]
    read = read_corpus(
        paths, split=options.split, lowercase=options.lowercase, across=options.across, least=options.least
    )
    return train_on(read, options)


def train_on(corpus: Corpus, options: Options = USUAL) -> Trained:
    """Return vectors learnt from a corpus; of `options` those that say how it was read are without effect."""
    options = options.settled()
    bytes_each = 32 if options.model == "glove" else 8
    check_memory(
        bytes_each * len(corpus.words) * options.size, f"{len(corpus.words):,} words of {options.size} numbers"
    )
    unit = "pairs" if options.model == "glove" else "words"
    losses, began = list[float](), time.perf_counter()
    with shown(f"learning vectors, {options.model}", unit) as progress:
        if options.model == "glove":
            values, losses = glove(corpus, options, progress)
        else:
            values = word2vec(corpus, options, progress)
    if not np.isfinite(values).all():
        raise DivergedError(f"--rate {options.rate}: the vectors are no longer finite; take a smaller one")
    return Trained(Vectors(corpus.words, values), corpus, options, tuple(losses), time.perf_counter() - began)
