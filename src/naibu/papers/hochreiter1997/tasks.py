"""From what a row says of its task to the task, and to the strings of experiment 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from naibu.data.generated import (
    Adding,
    LongLag,
    LongLagDistractors,
    Multiplication,
    Task,
    TemporalOrder,
    TwoSequence,
    reber_sets,
)
from naibu.papers.hochreiter1997.rows import Row

SETS = 3
"""Pairs of training and test strings in experiment 1, the same for all methods."""
TASKS: dict[str, Callable[..., Task]] = {
    "adding": Adding,
    "multiplication": Multiplication,
    "two-sequence": TwoSequence,
    "temporal-order": TemporalOrder,
    "long-lag": LongLag,
    "long-lag-distractors": LongLagDistractors,
}
"""By the names that rows have for them, with the sizes that rows give."""


def task_of(row: Row) -> Task:
    """Return the task of a row of experiments 2 to 6."""
    sizes: dict[str, Any] = {name: value for name, value in row.task.items() if name not in ("name", "wrong_below")}
    return TASKS[row.task["name"]](**sizes)


def string_sets(seed: int, pair: int) -> tuple[list[str], list[str]]:
    """Return a pair of sets of strings, training and test, for experiment 1; `pair` is below SETS."""
    return reber_sets(SETS * seed + pair)
