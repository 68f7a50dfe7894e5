"""What it costs to round the update at every step."""

from __future__ import annotations

from functools import partial

import numpy as np

from naibu.interventions.ternary_results import Ternary
from naibu.reporting.findings.rounding import rounding
from naibu.reporting.markup import Safe, figure, folded, paragraph
from naibu.reporting.numbers import count, number, share
from naibu.reporting.sections.section import Pen, Scored, Section, Text, score_table, split_of, where

READING = (
    "What an LSTM adds to its cell at a step, the update, tends to lie near −1, 0 or 1. So the network is run with "
    "every update replaced by one of three levels, at every step and without further training, and everything else "
    "goes on from there. If little is lost, the network works almost in whole steps. Controls: the nearer of −1/2 and "
    "1/2, a grid of the same step moved by half a step; two levels of each unit's own size, by sign; and the update "
    "dropped. Changes are taken sequence by sequence against the network as it is."
)


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


def _table(ternary: Ternary) -> Safe:
    roundings = ternary.roundings
    return score_table(
        "Loss (nats a place) with the update or cell rounded",
        Text("rounded", [r.what for r in roundings]),
        Text("becomes 0", [share(r.zero) for r in roundings]),
        Scored("loss", [r.loss for r in roundings], both=True),
        Scored("added", [r.loss_change for r in roundings], both=True),
        Scored("added, share", [r.relative_change for r in roundings], share=True, both=True),
    )


def _chosen(ternary: Ternary) -> Safe:
    sizes = np.concatenate([levels.size for levels in ternary.levels])
    low, middle, high = (number(float(q)) for q in np.quantile(sizes, (0.1, 0.5, 0.9)))
    return paragraph(
        f"Thresholds and sizes were chosen on {count(ternary.train_symbols)} places of training sequences; the best "
        f"of {len(ternary.thresholds)} thresholds there was {number(ternary.threshold)}. The size s is {middle} for "
        f"the middle unit, {low} to {high} for four fifths of them.",
        "quiet",
    )


def _others(ternary: Ternary) -> Safe:
    roundings = ternary.roundings
    ends = Scored("ends foreseen", [r.end_recall for r in roundings], share=True, both=True)
    return score_table(
        "The same roundings by other measures",
        Text("rounded", [r.what for r in roundings]),
        Scored("accuracy", [r.accuracy for r in roundings], share=True, both=True),
        [ends] if any(r.end_recall is not None for r in roundings) else [],
        Scored("perplexity ratio", [r.perplexity_ratio() for r in roundings], both=True),
    )
