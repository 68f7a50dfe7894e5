"""Scores as they are written into summary.json."""

from __future__ import annotations

import math

from naibu.probes.results import Score, Scores


def known(number: float) -> float | None:
    """Return a number, None where it is not defined: JSON has no other word for it."""
    return number if math.isfinite(number) else None


def value(scores: Scores | None, split: str = "test") -> float | None:
    """Return the value on one split, None where there is none."""
    score = None if scores is None else scores.test if split == "test" else scores.unseen
    return None if score is None else known(score.value)


def interval(name: str, score: Score, prefix: str = "") -> dict[str, float | None]:
    """Return a score's value under its name, and the ends of its interval."""
    return {name: known(score.value), f"{prefix}low": known(score.low), f"{prefix}high": known(score.high)}


def scored(name: str, scores: Scores) -> dict[str, float | None]:
    """Return the value on all test sequences under its name, with its interval, and the same on the unseen of them."""
    unseen = {"unseen": None} if scores.unseen is None else interval("unseen", scores.unseen, "unseen_")
    return {**interval(name, scores.test), **unseen}
