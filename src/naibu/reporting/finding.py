"""What a finding is, and how a score is set against a control."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from naibu.probes.results import Score, Scores
from naibu.reporting.words import on_split

CLOSE = 0.9  # |r| from which a unit is said to follow the label


@dataclass(frozen=True)
class Finding:
    """One sentence or two, and whether they report something found (True) or its absence."""

    text: str
    present: bool


def controlled(scores: Scores | None, split: str) -> float | None:
    """Return a control's value on one split, None where there is none."""
    score = on_split(scores, split)
    return None if score is None or not np.isfinite(score.value) else score.value


def low(score: Score) -> float:
    """Return the lower end of a score's interval, its value where it has none."""
    return score.low if np.isfinite(score.low) else score.value


def high(score: Score) -> float:
    """Return the upper end of a score's interval, its value where it has none."""
    return score.high if np.isfinite(score.high) else score.value


def above(score: Score, other: float) -> bool:
    """Return whether a score is above another number by its interval, or by its value where it has none."""
    return low(score) > other


def nearest_zero(score: Score) -> float:
    """Return the end of the interval nearer to 0, in absolute value; the value where there is no interval."""
    ends = [abs(x) for x in (score.low, score.high) if np.isfinite(x)]
    return min(ends, default=abs(score.value))
