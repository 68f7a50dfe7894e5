"""What a conditional random field adds where one tag follows another: weights that can be read as they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from naibu.errors import OptionError
from naibu.probes.result import Result, Row
from naibu.runs import Run
from naibu.runs.load import load
from naibu.tasks.catalogue import task_named

BEGIN, END = "begin", "end"
"""What stands before the first tag and behind the last."""


@dataclass(frozen=True)
class Transitions(Result):
    """What is added to the score of a path of tags where one follows another.

    before: `begin`, then the tags. after: the tags, then `end`. scores: float32 [before after], NaN where it is
    forbidden, and where `end` would follow `begin`.
    """

    run: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    scores: np.ndarray

    def rows(self) -> list[Row]:
        """Return a row for every pair that is allowed."""
        return [
            {"before": self.before[row], "after": self.after[column], "score": float(value)}
            for (row, column), value in np.ndenumerate(self.scores)
            if not np.isnan(value)
        ]


def transitions(run: Run) -> Transitions:
    """Return the scores of tags that follow each other, of a network that tells tags by a conditional random field.

    How it can mislead: a score is no probability. Only differences count, and what the words themselves say is added to
    them; a pair that never comes in training has a low score however possible it is. Raises OptionError where the
    network has no such field.
    """
    found = task_named(run.task).transitions(load(run), run.path)
    if found is None:
        raise OptionError(f"{run.path}: tells no path of tags by a conditional random field")
    names, pairs, first, last = found
    scores = np.full((len(names) + 1, len(names) + 1), np.nan, np.float32)
    scores[0, :-1], scores[1:, :-1], scores[1:, -1] = first, pairs, last
    return Transitions(run.name, (BEGIN, *names), (*names, END), np.where(np.isinf(scores), np.nan, scores))
