"""What was found by holding a unit still: whether the network depends on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from naibu.interventions.results import Effect, Holding
from naibu.probes.results import Score, Scores
from naibu.reporting.findings.finding import Finding
from naibu.reporting.numbers import number, share, with_interval
from naibu.reporting.words import on_split, signal_name


def cause(holding: Holding) -> Finding:
    """Say whether holding the unit still harms prediction more than holding random units does."""
    if not holding.of("before") or not holding.of("held"):
        return Finding("The intervention was not made.", False)
    name, split = measured(holding)
    before, held = (_effect(holding.of(kind)[0], name, split) for kind in ("before", "held"))
    if before is None or held is None:
        return Finding("The intervention could not be scored.", False)
    by_ends = name == "end_recall"
    drawn = random_values(holding, name, split)
    who = f"unit {holding.unit} of the {signal_name(holding.signal)}"
    numbers = _ends_held(before, held) if by_ends else _loss_held(before, held)
    instead = _instead(drawn, by_ends)
    if matters_more(before, held, drawn, fewer_is_worse=by_ends):
        text = f"The network uses it: with {who} held still at its mean, it {numbers}; {instead}."
        return Finding(text + (_loss_aside(holding, split) if by_ends else ""), True)
    reason = _why_not(before, held, drawn, by_ends)
    text = f"That the network depends on {who} is not shown: held still at its mean, it {numbers}, but {instead}"
    return Finding(f"{text}: {reason}.", False)


def measured(holding: Holding) -> tuple[str, str]:
    """Return by what an intervention is judged: the ends foreseen where there are any, else the loss; and the split."""
    chief = [*holding.of("before"), *holding.of("held")]
    split = "unseen" if all(effect.loss.unseen is not None for effect in chief) else "test"
    ends = [_effect(effect, "end_recall", split) for effect in chief]
    there = all(score is not None and np.isfinite(score.value) for score in ends)
    return ("end_recall" if there else "loss"), split


def random_values(holding: Holding, name: str, split: str) -> list[float]:
    """Return what each random draw came to."""
    found = [_effect(effect, name, split) for effect in holding.of("random")]
    return [score.value for score in found if score is not None and np.isfinite(score.value)]


def _instead(drawn: Sequence[float], by_ends: bool) -> str:
    if not drawn:
        return "no random unit was tried"
    write, worst = (share, min(drawn)) if by_ends else (number, max(drawn))
    middle = write(float(np.mean(drawn)))
    return f"holding a random unit instead leaves it at {middle} (worst of {len(drawn)}: {write(worst)})"


def _why_not(before: Score, held: Score, drawn: Sequence[float], by_ends: bool) -> str:
    if not drawn:
        return "there is nothing to compare with"
    if _unchanged(before, held):
        return "next to nothing changes"
    better = held.value > before.value if by_ends else held.value < before.value
    return "it predicts no worse" if better else "a random unit can matter as much"


def matters_more(start: Score, after: Score, drawn: Sequence[float], *, fewer_is_worse: bool) -> bool:
    """Return whether the held unit's harm is beyond its interval, and more than that of every random unit."""
    if not drawn or _unchanged(start, after):
        return False
    if fewer_is_worse:
        return after.value < start.value and after.value < min(drawn)
    return after.value > start.value and after.value > max(drawn)


def _unchanged(start: Score, after: Score) -> bool:
    low, high = (after.low, after.high) if np.isfinite(after.low) else (after.value, after.value)
    return low <= start.value <= high


def _ends_held(start: Score, after: Score) -> str:
    return f"foresees {with_interval(after, True)} of the ends of sequence instead of {share(start.value)}"


def _loss_held(start: Score, after: Score) -> str:
    return f"predicts with a loss of {with_interval(after)} instead of {number(start.value)}"


def _loss_aside(holding: Holding, split: str) -> str:
    before, held = (_effect(holding.of(kind)[0], "loss", split) for kind in ("before", "held"))
    return (
        "" if before is None or held is None else f" Its loss goes from {number(before.value)} to {number(held.value)}."
    )


def _effect(effect: Effect, name: str, split: str) -> Score | None:
    scores: Scores | None = getattr(effect, name)
    return on_split(scores, split)
