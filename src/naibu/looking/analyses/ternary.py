"""What it costs to round the update at every step: whether the network works in three levels."""

from __future__ import annotations

from functools import partial

import numpy as np

from naibu.interventions.ternary_results import CONTROLS, Rounding, Ternary
from naibu.looking.analysis import Analysis, Numbers
from naibu.looking.numbers import scored
from naibu.probes.results import Score
from naibu.reporting.finding import Finding
from naibu.reporting.markup import Markup, figure, folded, paragraph
from naibu.reporting.numbers import count, number, share, with_interval
from naibu.reporting.score_table import Scored, Text, score_table
from naibu.reporting.section import Pen, Section, split_of, where
from naibu.reporting.words import headline, on_split

READING = (
    "What an LSTM adds to its cell at a step, the update, tends to lie near −1, 0 or 1. So the network is run with "
    "every update replaced by one of three levels, at every step and without further training, and everything else "
    "goes on from there. If little is lost, the network works almost in whole steps. Controls: the nearer of −1/2 and "
    "1/2, a grid of the same step moved by half a step; two levels of each unit's own size, by sign; and the update "
    "dropped. Changes are taken sequence by sequence against the network as it is."
)
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
        f"with every update rounded to −1, 0 or 1 while it runs, the loss rises by "
        f"{with_interval(on_split(plain.loss_change, split))} nats, "
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


def rounded(ternary: Ternary, pen: Pen) -> Section:
    """Return the section on the rounded update."""
    from naibu.reporting.plots.ternary import plot_ternary

    split = split_of(r.loss for r in ternary.roundings)
    says = rounding(ternary).text
    size = (4.4, 1.0 + 0.36 * len(ternary.roundings))
    panel = pen(partial(plot_ternary, ternary, split=split), f"Loss added. {says}", size)
    caption = (
        f"Loss added on {where(split)} sequences; logarithmic, linear below 0.001. Vermillion: the update on three "
        "levels. Blue: the cell on whole numbers. Grey: controls. Lines are 95 % intervals, mostly shorter than the "
        "marks."
    )
    tables = (_table(ternary), _chosen(ternary), folded("Other measures", _others(ternary)))
    return Section("What rounding the update to three levels costs", READING, (figure([panel], caption),), tables)


def _table(ternary: Ternary) -> Markup:
    roundings = ternary.roundings
    return score_table(
        "Loss (nats a place) with the update or cell rounded",
        Text("rounded", [r.what for r in roundings]),
        Text("becomes 0", [share(r.zero) for r in roundings]),
        Scored("loss", [r.loss for r in roundings], both=True),
        Scored("added", [r.loss_change for r in roundings], both=True),
        Scored("added, share", [r.relative_change for r in roundings], share=True, both=True),
    )


def _chosen(ternary: Ternary) -> Markup:
    sizes = np.concatenate([levels.size for levels in ternary.levels])
    low, middle, high = (number(float(q)) for q in np.quantile(sizes, (0.1, 0.5, 0.9)))
    return paragraph(
        f"Thresholds and sizes were chosen on {count(ternary.train_symbols)} places of training sequences; the best "
        f"of {len(ternary.thresholds)} thresholds there was {number(ternary.threshold)}. The size s is {middle} for "
        f"the middle unit, {low} to {high} for four fifths of them.",
        "quiet",
    )


def _others(ternary: Ternary) -> Markup:
    roundings = ternary.roundings
    ends = Scored("ends foreseen", [r.end_recall for r in roundings], share=True, both=True)
    return score_table(
        "The same roundings by other measures",
        Text("rounded", [r.what for r in roundings]),
        Scored("accuracy", [r.accuracy for r in roundings], share=True, both=True),
        [ends] if any(r.end_recall is not None for r in roundings) else [],
        Scored("perplexity ratio", [r.perplexity_ratio() for r in roundings], both=True),
    )


def _numbers(found: Ternary) -> Numbers:
    changes = ((r.kind, r.relative_change) for r in found.roundings)
    return {kind: scored("loss_added_share", change) for kind, change in changes if change is not None}


TERNARY = Analysis(
    "ternary",
    "the update rounded to three levels",
    Ternary,
    rounded,
    rounding,
    numbers=_numbers,
    command="naibu intervene {run} --ternary",
)
