"""From trials to the figures of a row, under the names of the published ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from naibu.online.trials import Trial
from naibu.papers.hochreiter1997.ratio import ratio_of_means, success_rate
from naibu.papers.hochreiter1997.rows import Row
from naibu.papers.runner import Figures


def figures(row: Row, trials: Sequence[Trial], seconds: float) -> Figures:
    """Return what the tables say of our trials of a row.

    solved: share of the trials, with `_low` and `_high` (Wilson). sequences, median, lowest, highest: of the solved
    trials only, and so too low where others reached the cap; at_least: the mean with those counted as the cap, below
    which the true mean cannot lie. ratio: to the published mean, `_low` and `_high` as in `ratio_of_means`. wrong: test
    sequences per trial, fraction, error, squared: means over the solved trials that were tested.
    """
    solved = [trial for trial in trials if trial.solved]
    rate = success_rate(len(solved), len(trials))
    found: Figures = {"solved": rate.value, "solved_low": rate.low, "solved_high": rate.high, "cap": row.cap}
    found["solved_trials"] = len(solved)
    found |= _spread(row, solved)
    if solved and len(solved) < len(trials):
        found["at_least"] = float(np.mean([trial.sequences for trial in trials]))
    first = [trial.first for trial in trials if trial.first is not None]
    found["first"] = float(np.mean(first)) if first else None
    found["first_trials"] = len(first)
    found |= _tested(solved)
    lengths = [trial.length for trial in trials if trial.length is not None]
    if lengths:
        found["length"] = float(np.mean(lengths))
    found["steps"] = sum(trial.steps for trial in trials)
    found["sequences_per_second"] = sum(trial.sequences for trial in trials) / seconds if seconds > 0 else None
    found |= {"trials": len(trials), "seconds": round(seconds, 2)}
    return {name: None if value != value else value for name, value in found.items()}  # nan is no JSON


def _spread(row: Row, solved: Sequence[Trial]) -> Figures:
    """Return mean, median and range of the sequences until solved, and the ratio of the mean to the published one."""
    if not solved:
        return {"sequences": None}
    counts = [float(trial.sequences) for trial in solved]
    found: Figures = {"sequences": float(np.mean(counts)), "median": float(np.median(counts))}
    found |= {"lowest": min(counts), "highest": max(counts)}
    published = row.published.get("sequences")
    if isinstance(published, (int, float)):
        ratio = ratio_of_means(counts, published, solved_there(row))
        found |= {"ratio": ratio.value, "ratio_low": ratio.low, "ratio_high": ratio.high}
    return found


def solved_there(row: Row) -> int | None:
    """Return how many trials are behind the published mean, None where that is not told."""
    share = row.published.get("solved")
    if row.published_trials is None or not isinstance(share, (int, float)):
        return None
    return max(1, round(share * row.published_trials))


def _tested(solved: Sequence[Trial]) -> Figures:
    """Return the means over the trials that were tested on fresh sequences; None where none was."""
    tested = [trial for trial in solved if trial.tested]

    def mean(of: Callable[[Trial], float | None]) -> float | None:
        values = [value for value in map(of, tested) if value is not None]
        return float(np.mean(values)) if values else None

    return {
        "wrong": mean(lambda trial: trial.wrong),
        "fraction": mean(lambda trial: None if trial.wrong is None else trial.wrong / trial.tested),
        "error": mean(lambda trial: trial.error),
        "squared": mean(lambda trial: trial.squared),
    }
