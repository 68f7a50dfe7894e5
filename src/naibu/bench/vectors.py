"""Vectors of words against gensim's: words a second, and how good both are on the same text with the same settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from naibu.bench.peers import there
from naibu.bench.rounds import interleaved
from naibu.data.vector_file import Vectors
from naibu.errors import OptionError
from naibu.vectors.corpus import Corpus, corpus_of, read_corpus
from naibu.vectors.options import ModelName, Options
from naibu.vectors.question_files import JudgedPairs, read_questions
from naibu.vectors.scoring import judged
from naibu.vectors.word2vec import word2vec

MODELS: tuple[ModelName, ...] = ("skip-gram", "cbow")
THREADS = 2
SENTENCES, LONGEST, FORMS, EXPONENT, ROUNDS = 20_000, 40, 20_000, 1.0, 5
"""Of the text that is learnt from: sentences of 5 to 40 words drawn at random, the r-th word as 1 / r."""


def measure() -> list[dict[str, Any]]:
    """Return a row for skip-gram and one for CBOW: words a second of a pass with 100 numbers, a window of 5 and 5 words
    of noise, on 2 threads, and `ratio_to_gensim`, how many times as fast as gensim's, where that is installed.

    Words are counted before frequent ones are left out, by both alike; gensim has the text in memory, in its own form,
    and its vocabulary is made before.
    """
    corpus = corpus_of(_sentences(), least=5)
    return [_row(corpus, replace(Options(model=model, epochs=1, threads=THREADS).settled())) for model in MODELS]


def _row(corpus: Corpus, options: Options) -> dict[str, Any]:
    calls = {"ours": lambda: word2vec(corpus, options)}
    if there("gensim"):
        calls["gensim"] = _gensim_pass(corpus, options)
    found = interleaved(calls, rounds=ROUNDS)
    row: dict[str, Any] = {"model": options.model, "threads": options.threads}
    row["words_per_second"] = len(corpus.tokens) / found.seconds["ours"]
    if "gensim" in calls:
        row["gensim_words_per_second"] = len(corpus.tokens) / found.seconds["gensim"]
        row["ratio_to_gensim"] = found.ratio("ours", "gensim")
    return {**row, "load": found.load}


def _sentences() -> Iterator[list[str]]:
    generator = np.random.default_rng(1)
    chance = 1 / np.arange(1, FORMS + 1) ** EXPONENT
    lengths = generator.integers(5, LONGEST + 1, SENTENCES)
    drawn = generator.choice(FORMS, int(lengths.sum()), p=chance / chance.sum())
    for words in np.split(drawn, np.cumsum(lengths)[:-1]):
        yield [f"w{number}" for number in words.tolist()]


def sentences_of(corpus: Corpus) -> list[list[str]]:
    """Return the pieces of a corpus as lists of words."""
    words = [corpus.words[token] for token in corpus.tokens.tolist()]
    bounds = corpus.starts.tolist()
    return [words[a:b] for a, b in pairwise(bounds)]


def gensim_vectors(corpus: Corpus, options: Options) -> Vectors:
    """Return gensim's vectors of a corpus, with the same settings and the order of the corpus's words."""
    model = _gensim(sentences_of(corpus), options)
    model.train(corpus_iterable=sentences_of(corpus), total_examples=model.corpus_count, epochs=options.epochs)
    return Vectors(corpus.words, np.stack([model.wv[word] for word in corpus.words]))


def _gensim_pass(corpus: Corpus, options: Options) -> Any:
    sentences = sentences_of(corpus)
    model = _gensim(sentences, options)
    return lambda: model.train(corpus_iterable=sentences, total_examples=model.corpus_count, epochs=options.epochs)


def _gensim(sentences: list[list[str]], options: Options) -> Any:
    """Return gensim's model with its vocabulary made; every word of the corpus is in it."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=options.size,
        window=options.window,
        negative=options.negatives,
        sample=options.sample,
        alpha=options.rate,
        min_alpha=options.last_rate,
        min_count=1,
        sg=int(options.model == "skip-gram"),
        cbow_mean=1,
        workers=options.threads,
        epochs=options.epochs,
        seed=options.seed,
    )
    model.build_vocab(sentences)
    return model


def compare(
    files: Sequence[Path],
    pairs: Path,
    *,
    seeds: Sequence[int] = (1, 2, 3, 4, 5),
    models: Sequence[ModelName] = MODELS,
    options: Options | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield for each model and seed the score of our vectors and of gensim's on a file of judged pairs.

    Both read the same words with the same settings, and the same pairs are covered. Raises OptionError where gensim is
    not installed, or where the file has no pairs.
    """
    if not there("gensim"):
        raise OptionError("gensim is not installed: pip install gensim")
    asked = read_questions(pairs)
    if not isinstance(asked, JudgedPairs):
        raise OptionError(f"{pairs}: has analogies; a file of judged pairs is asked for")
    given = options or Options()
    corpus = read_corpus(files, split=given.split, lowercase=given.lowercase, across=given.across, least=given.least)
    for model in models:
        for seed in seeds:
            each = replace(given, model=model, seed=seed).settled()
            ours = judged(Vectors(corpus.words, word2vec(corpus, each)), asked)
            theirs = judged(gensim_vectors(corpus, each), asked)
            yield {"model": model, "seed": seed, "ours": ours.value, "gensim": theirs.value, "covered": ours.covered}
