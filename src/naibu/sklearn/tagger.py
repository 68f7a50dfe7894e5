"""The tagger of words as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from naibu.config import CellName, DecodeName, TagsConfig
from naibu.data.span_scores import class_scores, span_scores
from naibu.data.tag_coder import TagCoder
from naibu.data.tagged import Source, Tagged
from naibu.data.token_table import TokenTable
from naibu.progress import silent
from naibu.sklearn.learning import learnt
from naibu.tasks.tags import Tags, TagsTraining, predicted_tags

EPOCHS, LEAST, MOST = 20, 200, 5_000
"""Passes over the data, and updates at least and at most, where nothing is asked for."""
WORD, TAG = "word", "tag"


class LSTMTagger(BaseEstimator):  # type: ignore[misc]
    """Tells a tag of every word of a sentence by a recurrent network that reads it from both sides, as `naibu train
    tags` does.

    X are sentences, each a sequence of words; y their tags, as many each. Tags that mark spans, IOB1, IOB2 or BIOES,
    are told as spans, and come back as they were given.

    cell, units, layers, letters, dropout, decode: of the network, see `TagsConfig`; units 0 chooses. rare: how often a
    word has to come to have a vector of its own. steps: updates, 0 for as many as suit the data. random_state: of
    weights, batches and dropout; an int repeats a training to the bit with as many threads.
    """

    def __init__(
        self,
        cell: CellName = "lstm",
        units: int = 0,
        layers: int = 1,
        letters: int = 32,
        dropout: float = 0.5,
        decode: DecodeName = "crf",
        rare: int = 2,
        steps: int = 0,
        learning_rate: float = 4e-3,
        random_state: Any = None,
    ) -> None:
        self.cell = cell
        self.units = units
        self.layers = layers
        self.letters = letters
        self.dropout = dropout
        self.decode = decode
        self.rare = rare
        self.steps = steps
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: Sequence[Sequence[str]], y: Sequence[Sequence[str]]) -> Self:  # noqa: N803  # as scikit-learn calls it
        """Learn sentences and their tags; return the estimator. Raises ValueError where they are not as many."""
        table = _table(X, y)
        if len({row[1] for row in table.rows}) < 2:
            raise ValueError(f"y has one tag alone, {table.rows[0][1]!r}: there is nothing to tell apart")
        every = np.arange(len(table.documents))
        self.coder_ = TagCoder.of(
            [table], [every], word=WORD, column=TAG, features=(), lowercase=True, rare=self.rare, scheme="IOB2"
        )
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._learn(Tagged(Source.of([table], self.coder_), every), seed)
        return self

    def predict(self, X: Sequence[Sequence[str]]) -> list[list[str]]:  # noqa: N803
        """Return the tags of each sentence."""
        check_is_fitted(self)
        if not len(X):
            return []
        source = Source.of([_table(X, None)], self.coder_, tagged=False)
        told = predicted_tags(self.model_, Tagged(source, np.arange(len(source.starts) - 1)), silent)
        tags = self.coder_.spell(told, source.starts)
        return [tags[begin:end] for begin, end in pairwise(source.starts.tolist())]

    def score(self, X: Sequence[Sequence[str]], y: Sequence[Sequence[str]]) -> float:  # noqa: N803
        """Return F1 of spans where tags mark spans, else the share of words whose tag is told."""
        told = self.predict(X)
        if self.coder_.written is None:
            every = ([tag for tags in some for tag in tags] for some in (y, told))
            return float(class_scores(*every)["accuracy"])
        return float(span_scores(y, told, self.coder_.written)["f1"])

    def _learn(self, examples: Tagged, seed: int) -> None:
        task = Tags()
        shape = TagsConfig(
            self.cell, self.units, self.layers, dropout=self.dropout, decode=self.decode, letters=self.letters
        )
        training = TagsTraining(steps=self.steps or None, learning_rate=self.learning_rate, seed=seed)
        steps = self.steps or min(MOST, max(LEAST, EPOCHS * len(task.order(examples, training).pieces(seed, 0))))
        self.model_ = learnt(task, examples, self.coder_.sizes, shape, replace(training, steps=steps))


def _table(sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]] | None) -> TokenTable:
    """Return sentences as a table of tokens. Raises ValueError for a sentence without a word, or of other tags."""
    if isinstance(sentences, str) or any(isinstance(words, str) for words in sentences):
        raise ValueError("X: must be sentences, each a list of words, not texts; cut them into words first")
    if not len(sentences) or (tags is not None and len(tags) != len(sentences)):
        raise ValueError(f"X has {len(sentences)} sentences, y {'no' if tags is None else len(tags)}: give as many")
    rows, starts = list[tuple[str, ...]](), [0]
    for number, words in enumerate(sentences):
        mine = None if tags is None else tags[number]
        if not len(words) or (mine is not None and len(mine) != len(words)):
            raise ValueError(f"X[{number}] has {len(words)} words, y[{number}] {len(mine or ())} tags")
        rows += [(str(word),) for word in words] if mine is None else [
            (str(word), str(tag)) for word, tag in zip(words, mine, strict=True)
        ]  # fmt: skip
        starts.append(len(rows))
    columns = (WORD,) if tags is None else (WORD, TAG)
    lines, documents = list(range(1, len(rows) + 1)), list(range(len(sentences)))
    return TokenTable("X", "columns", columns, list(rows), lines, starts, documents)
