"""What was found by rounding the update at every step: whether the network works in three levels."""

from __future__ import annotations

from naibu.interventions.ternary_results import CONTROLS, Rounding, Ternary
from naibu.probes.results import Score
from naibu.reporting.findings.finding import Finding
from naibu.reporting.numbers import share, with_interval
from naibu.reporting.words import headline, on_split

CHEAP = 0.05  # of the loss: what rounding may add where a network is said to work almost in three levels
_SAID = {"halves": "levels of −1/2 and 1/2", "signs": "two levels of each unit's own size", "dropped": "no update"}


def rounding(ternary: Ternary) -> Finding:
    """Say what rounding the update to -1, 0, 1 costs, against other coarse levels and against no update."""
    plain = ternary.of("ternary")
    if plain is None or plain.relative_change is None or plain.loss_change is None:
        return Finding("Rounding the update was not scored.", False)
    cost, split = headline(plain.relative_change)
    controls = {kind: score for kind in CONTROLS if (score := _cost(ternary.of(kind), split)) is not None}
    beside = ", ".join(f"{_SAID[kind]} {share(score.value)}" for kind, score in controls.items())
    numbers = (
        f"with every update rounded to −1, 0 or 1 while it runs, the loss rises by {_nats(plain, split)} nats, "
        f"{with_interval(cost, True)} ({split} sequences; {_own_size(ternary, split)}controls: {beside or 'none'})"
    )
    less = bool(controls) and all(cost.high < score.low for score in controls.values())
    ends = _ends(ternary, plain, split)
    if less and cost.high <= CHEAP:
        return Finding(f"It works almost in three levels: {numbers}.{ends}", True)
    if less:
        return Finding(f"It works in three levels only in part: {numbers}.{ends}", False)
    return Finding(f"That it works in three levels is not shown: {numbers}.{ends}", False)


def _cost(found: Rounding | None, split: str) -> Score | None:
    return None if found is None else on_split(found.relative_change, split)


def _nats(found: Rounding, split: str) -> str:
    return with_interval(on_split(found.loss_change, split))


def _own_size(ternary: Ternary, split: str) -> str:
    score = _cost(ternary.of("scaled"), split)
    return "" if score is None else f"with levels of each unit's own size {with_interval(score, True)}; "


def _ends(ternary: Ternary, plain: Rounding, split: str) -> str:
    before = ternary.of("before")
    start = None if before is None else on_split(before.end_recall, split)
    after = on_split(plain.end_recall, split)
    if start is None or after is None:
        return ""
    return f" It then foresees {with_interval(after, True)} of the ends of sequence instead of {share(start.value)}."
