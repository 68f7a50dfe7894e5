"""How well a network predicts under whatever edits are in force: sums per sequence, then scores with intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from naibu.data.batches import pad
from naibu.data.sequences import Sequences
from naibu.models.language_model import LanguageModel
from naibu.probes.resampling import Resampler, ratio
from naibu.probes.results import Scores

END = "ED"
BATCH_TOKENS = 60_000
BATCH_SEQUENCES = 256
LOGITS = 1_000_000
"""Logits computed at a time, at most: with 10,000 symbols those of a whole batch would take gigabytes."""
SYMBOLS, LOSS, RIGHT, ENDS_FOUND, ENDS, ENDS_SAID = range(6)
"""The columns of the sums."""


@dataclass(frozen=True)
class Prediction:
    """How well a network predicts."""

    end_recall: Scores | None  # share of ends of sequence (ED) that are predicted; None where there is no ED
    end_precision: Scores | None
    accuracy: Scores
    loss: Scores  # mean -log p of the next symbol, natural logarithm


class Scorer:
    """Scores of a model on test sequences; `seen` marks those that occur in training."""

    def __init__(self, model: LanguageModel, test: Sequences, seen: np.ndarray | None, resampler: Resampler) -> None:
        self.model, self.test, self.resampler = model, test, resampler
        self.unseen = np.ones(len(test), bool) if seen is None else ~seen
        self.end = test.vocabulary.index.get(END)

    def prediction(self, sums: np.ndarray | None = None) -> Prediction:
        """Return the scores of `sums`, by default of those under the edits in force."""
        sums = self.sums() if sums is None else sums
        there = self.end is not None
        return Prediction(
            self.scores(sums[:, [ENDS_FOUND, ENDS]]) if there else None,
            self.scores(sums[:, [ENDS_FOUND, ENDS_SAID]]) if there else None,
            self.scores(sums[:, [RIGHT, SYMBOLS]]),
            self.scores(sums[:, [LOSS, SYMBOLS]]),
        )

    @torch.no_grad()
    def sums(self) -> np.ndarray:
        """Return per sequence: symbols predicted, loss, right, ends found, ends there, ends predicted."""
        out = np.zeros((len(self.test), 6))
        for which in by_length(self.test.lengths):
            ids, lengths = pad(self.test, which)
            inputs, targets = torch.from_numpy(ids[:-1]), torch.from_numpy(ids[1:])
            there = torch.arange(len(targets))[:, None] < torch.from_numpy(lengths - 1)
            gold = targets[there]
            loss, guess = self._loss_and_guess(self.model(inputs)[0][there], gold)
            end = -1 if self.end is None else self.end
            columns = (
                torch.ones_like(loss),
                loss,
                gold == guess,
                (gold == end) & (guess == end),
                gold == end,
                guess == end,
            )
            sequence = torch.arange(len(which)).expand_as(targets)[there]
            for column, values in enumerate(columns):
                out[which, column] = torch.bincount(sequence, values.double(), len(which)).numpy()
        return out

    def _loss_and_guess(self, hidden: Tensor, gold: Tensor) -> tuple[Tensor, Tensor]:
        """Return -log p of each gold symbol and the most probable one, in pieces whose logits stay in the cache."""
        rows = max(1, LOGITS // len(self.test.vocabulary))
        losses, guesses = [], []
        for some, wanted in zip(torch.split(hidden, rows), torch.split(gold, rows), strict=True):
            logits = self.model.logits(some)
            losses.append(torch.nn.functional.cross_entropy(logits, wanted, reduction="none"))
            guesses.append(logits.argmax(-1))
        return torch.cat(losses), torch.cat(guesses)

    def scores(self, sums: np.ndarray, counted: np.ndarray | None = None) -> Scores:
        """Return the ratio of the summed `sums [sequence 2]`, on all and on unseen sequences.

        `counted [sequence]` is what the score rests on, the second column when not given.
        """
        counted = sums[:, 1] if counted is None else counted
        parts = [(part, int(counted[rows].sum())) for rows in (slice(None), self.unseen) if len(part := sums[rows])]
        scored = [self.resampler.score(ratio, part, n) for part, n in parts]
        return Scores(scored[0], scored[1] if len(scored) > 1 else None)


def by_length(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Yield numbers of sequences, longest first, so many at a time that a padded batch stays small."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order) and lengths[order[start]] > 1:
        size = max(1, min(BATCH_SEQUENCES, BATCH_TOKENS // int(lengths[order[start]])))
        yield order[start : start + size]
        start += size
