"""Sentences with the odds of their verbs, marked right or wrong, with intervals from resampling subject nouns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from naibu.data.generated.agreement import Prefix
from naibu.errors import OptionError
from naibu.probes.resampling import Resampler, pearson, pearson_columns, ratio
from naibu.probes.results import Score


class Marks:
    """Sentences in columns, and `odds` [sentence verb]: log p(plural form) - log p(singular form) of each verb."""

    def __init__(self, sentences: Sequence[Prefix], odds: np.ndarray, resampler: Resampler) -> None:
        self.sentences, self.odds, self.resampler = list(sentences), odds, resampler
        self.number = np.array([s.number for s in sentences])  # 1 plural
        self.last = np.array([s.last for s in sentences])
        self.attractors = np.array([len(s.item.attractors) for s in sentences])
        self.congruent = np.array([s.congruent for s in sentences])
        nouns = {noun: k for k, noun in enumerate(dict.fromkeys(s.item.subject for s in sentences))}
        self.noun = np.array([nouns[s.item.subject] for s in sentences])  # what is resampled
        self.everything = np.ones(len(self.sentences), bool)

    @property
    def incongruent(self) -> np.ndarray:
        """Sentences with nouns in between of the other number, bool [sentence]."""
        return ~self.congruent

    def subset(self, which: np.ndarray, odds: np.ndarray | None = None) -> Marks:
        """Some of the sentences, with their own odds or others."""
        return Marks([self.sentences[k] for k in which], self.odds[which] if odds is None else odds, self.resampler)

    def half(self, seed: int) -> np.ndarray:
        """Sentences whose subject is in a seeded half of the nouns, bool [sentence]; OptionError for one noun."""
        count = int(self.noun.max()) + 1
        if count < 2:
            raise OptionError("one noun cannot be divided into one half to choose on and one to score; take more items")
        chosen = np.random.default_rng((seed, 53, count)).permutation(count) < count // 2
        return np.asarray(chosen[self.noun])

    def accuracy(self, rows: np.ndarray, verbs: Sequence[int] | None = None) -> Score:
        """Share of the marked sentences, times verbs, in which the right form is above the wrong; a tie counts half."""
        return self._share((np.sign(self._turned(rows, verbs)) + 1) / 2, self.noun[rows])

    def margin(self, rows: np.ndarray) -> Score:
        """Mean log p(right form) - log p(wrong form) over the marked sentences, times verbs, in nats."""
        return self._share(self._turned(rows), self.noun[rows])

    def moved(self, rows: np.ndarray) -> Score:
        """Share of pairs that differ in the subject's number alone whose odds are larger for the plural one."""
        versions: dict[tuple[object, int], dict[int, int]] = {}
        for k in np.flatnonzero(rows).tolist():
            s = self.sentences[k]
            versions.setdefault((s.item, s.others if s.item.attractors else 0), {})[s.number] = k
        pairs = np.array([(both[0], both[1]) for both in versions.values() if len(both) == 2])
        risen = np.sign(self.odds[pairs[:, 1]] - self.odds[pairs[:, 0]])
        return self._share((risen + 1) / 2, self.noun[pairs[:, 0]])

    def correlation(self, values: np.ndarray, rows: np.ndarray) -> Score:
        """Pearson's r of values [sentence] with the subject's number, on the marked sentences."""
        columns = pearson_columns(values[rows], self.number[rows])
        return self.resampler.score(pearson, _by_noun(np.stack(columns, axis=1), self.noun[rows]), int(rows.sum()))

    def _turned(self, rows: np.ndarray, verbs: Sequence[int] | None = None) -> np.ndarray:
        odds = self.odds[rows] if verbs is None else self.odds[rows][:, list(verbs)]
        return np.asarray(np.where(self.number[rows, None] == 1, odds, -odds))

    def _share(self, marks: np.ndarray, noun: np.ndarray) -> Score:
        sums = np.stack([marks.sum(axis=1), np.full(len(marks), marks.shape[1])], axis=1)
        return self.resampler.score(ratio, _by_noun(sums, noun), marks.size)


def _by_noun(columns: np.ndarray, noun: np.ndarray) -> np.ndarray:
    """Sums [noun column] over the sentences of each noun that occurs."""
    code = np.unique(noun, return_inverse=True)[1]
    return np.stack([np.bincount(code, column) for column in columns.T], axis=1)
