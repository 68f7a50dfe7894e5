"""What it costs to round the update at every step."""

from __future__ import annotations

from functools import partial

import numpy as np

from naibu.interventions.ternary_results import Ternary
from naibu.reporting.content import NetworkPart
from naibu.reporting.findings import rounding
from naibu.reporting.markup import Markup, figure, folded, paragraph, table
from naibu.reporting.numbers import count, number, share
from naibu.reporting.sections.section import Pen, Section, command_for, has_unseen, score_cells, score_heads, split_of

READING = (
    "What an LSTM adds to its cell at a step, the update, tends to lie near −1, 0 or 1. So the network is run with "
    "every update replaced by one of three levels, at every step and without further training, and everything else "
    "goes on from there. If little is lost, the network works almost in whole steps. Controls: the nearer "
    "of −1/2 and 1/2, a grid of the same step moved by half a step; two levels of each unit's own size, by sign; and "
    "the update dropped. Changes are taken sentence by sentence against the network as it is."
)


def rounded(part: NetworkPart, ternary: Ternary, pen: Pen) -> Section:
    """Return the section on the rounded update."""
    from naibu.reporting.plots.ternary import plot_ternary

    split = split_of([r.loss for r in ternary.roundings])
    says = rounding(ternary).text
    size = (4.4, 1.0 + 0.36 * len(ternary.roundings))
    panel = pen(partial(plot_ternary, ternary, split=split), f"Loss added. {says}", size)
    where = "unseen" if split == "unseen" else "all test"
    caption = (
        f"Loss added on {where} sequences; logarithmic, linear below 0.001. Vermillion: the update on three levels. "
        "Blue: the cell on whole numbers. Grey: controls. Lines are 95 % intervals, mostly shorter than the marks."
    )
    return Section(
        "ternary",
        "What rounding the update to three levels costs",
        READING,
        says,
        (figure([panel], caption),),
        (_table(ternary), _chosen(ternary), folded("Next symbols and ends foreseen", _others(ternary))),
        command_for(part, "ternary", "report"),
    )


def _table(ternary: Ternary) -> Markup:
    unseen = has_unseen([r.loss for r in ternary.roundings])
    heads = [f"{name}, {head}" for name in ("loss", "added", "added, share") for head in score_heads(unseen)]
    rows = []
    for r in ternary.roundings:
        cells = [*score_cells(r.loss, unseen), *score_cells(r.loss_change, unseen)]
        rows.append([r.what, share(r.zero), *cells, *score_cells(r.relative_change, unseen, as_share=True)])
    return table(["rounded", "becomes 0", *heads], rows, "Loss (nats per symbol) with the update or cell rounded")


def _chosen(ternary: Ternary) -> Markup:
    sizes = np.concatenate([levels.size for levels in ternary.levels])
    low, middle, high = (number(float(q)) for q in np.quantile(sizes, (0.1, 0.5, 0.9)))
    return paragraph(
        f"Thresholds and sizes were chosen on {count(ternary.train_symbols)} symbols of training sequences; the best "
        f"of {len(ternary.thresholds)} thresholds there was {number(ternary.threshold)}. The size s is {middle} for "
        f"the middle unit, {low} to {high} for four fifths of them.",
        "quiet",
    )


def _others(ternary: Ternary) -> Markup:
    unseen = has_unseen([r.loss for r in ternary.roundings])
    names = {"accuracy": "next symbol right", "end_recall": "ends foreseen"}
    there = [field for field in names if any(getattr(r, field) is not None for r in ternary.roundings)]
    heads = [f"{names[field]}, {head}" for field in there for head in score_heads(unseen)]
    heads += [f"perplexity ratio, {head}" for head in score_heads(unseen)]
    rows = []
    for r in ternary.roundings:
        cells = [cell for field in there for cell in score_cells(getattr(r, field), unseen, as_share=True)]
        rows.append([r.what, *cells, *score_cells(r.perplexity_ratio(), unseen)])
    return table(["rounded", *heads], rows, "The same roundings by other measures")
