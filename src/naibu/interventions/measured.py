"""How good a network's outcomes are under whatever edits are in force: sums per example, then scores with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from naibu.data.examples import Examples
from naibu.interventions.by_label import label_columns, padded
from naibu.models.model import Model, state_before
from naibu.probes.resampling import Resampler, ratio
from naibu.probes.results import Scores
from naibu.tasks.task import Measure

BATCH_TOKENS = 60_000
BATCH_EXAMPLES = 256


@dataclass(frozen=True)
class Measured:
    """One measure of a network: its key, what people call it, whether it is told in %, and its scores.

    where: at which steps alone it was taken, "rush_hour yes"; empty for all. change: it less that of the untouched
    network, on the same sequences; None where that was not asked for.
    """

    name: str
    title: str
    share: bool
    scores: Scores
    where: str = ""
    change: Scores | None = None


class Scorer:
    """Scores of a model on examples by a task's measures; those that occur in training are told from the others.

    `labels` are columns that the measures read besides outcomes; see `measures_by`.
    """

    def __init__(
        self,
        model: Model,
        examples: Examples,
        measures: Sequence[Measure],
        resampler: Resampler,
        labels: Sequence[str] = (),
    ) -> None:
        self.model, self.examples, self.measures, self.resampler = model, examples, tuple(measures), resampler
        self.unseen = ~examples.seen()
        self._labels = label_columns(examples, labels)
        self._starts = np.cumsum(examples.lengths) - examples.lengths

    @torch.no_grad()
    def sums(self) -> np.ndarray:
        """Return what is above and below the line of each measure, `[example measure 2]`, as the network runs now."""
        out = np.zeros((len(self.examples), len(self.measures), 2))
        for which in by_length(self.examples.lengths):
            state = state_before(self.model, self.examples, which)
            found, _ = self.model.outcomes(self.examples.batch(which).to(self.model.device), state)
            columns = {name: column.cpu().numpy() for name, column in found.items()}  # [time batch]
            time, places = len(next(iter(columns.values()))), (self._starts[which], self.examples.lengths[which])
            columns |= {name: padded(values, *places, time) for name, values in self._labels.items()}
            for number, measure in enumerate(self.measures):
                for side, values in enumerate(measure.sums(columns)):
                    out[which, number, side] = values.sum(axis=0, dtype=np.float64)
        return out

    def measured(self, sums: np.ndarray | None = None, before: np.ndarray | None = None) -> tuple[Measured, ...]:
        """Return the scores of `sums`, by default of those of the network as it runs now; with `before`, the sums of
        the untouched network, each with its change."""
        sums = self.sums() if sums is None else sums
        changes = [None if before is None else self._change(sums[:, k], before[:, k]) for k in range(sums.shape[1])]
        return tuple(
            Measured(measure.name, measure.title, measure.share, self.scores(sums[:, k]), measure.where, changes[k])
            for k, measure in enumerate(self.measures)
        )

    def _change(self, after: np.ndarray, before: np.ndarray) -> Scores:
        """Return one ratio of sums `[example 2]` less another over the same examples, which are drawn together."""
        both = np.concatenate([after, before], axis=1)
        parts = [(part, int(part[:, 1].sum())) for rows in (slice(None), self.unseen) if len(part := both[rows])]
        scored = [self.resampler.score(_difference, part, n) for part, n in parts]
        return Scores(scored[0], scored[1] if len(scored) > 1 else None)

    def column(self, name: str) -> int | None:
        """Return the number of a measure, None where the task has none of that name."""
        return next((number for number, measure in enumerate(self.measures) if measure.name == name), None)

    def scores(self, sums: np.ndarray, counted: np.ndarray | None = None) -> Scores:
        """Return the ratio of the summed `sums [example 2]`, on all and on unseen examples.

        `counted [example]` is what the score rests on, the second column when not given.
        """
        counted = sums[:, 1] if counted is None else counted
        parts = [(part, int(counted[rows].sum())) for rows in (slice(None), self.unseen) if len(part := sums[rows])]
        scored = [self.resampler.score(ratio, part, n) for part, n in parts]
        return Scores(scored[0], scored[1] if len(scored) > 1 else None)


def _difference(sums: np.ndarray) -> np.ndarray:
    return np.asarray(ratio(sums[..., :2]) - ratio(sums[..., 2:]))


def by_length(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Yield numbers of examples, longest first, so many at a time that a padded batch stays small."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order) and lengths[order[start]] > 0:
        size = max(1, min(BATCH_EXAMPLES, BATCH_TOKENS // int(lengths[order[start]])))
        yield order[start : start + size]
        start += size
