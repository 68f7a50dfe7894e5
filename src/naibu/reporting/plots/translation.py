"""Plots of translations: where attention lay, and what the width of the beam does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from naibu.reporting.plots.canvas import BLUE, GREY, VERMILLION, new_axes, tinted
from naibu.reporting.words import shortened

SIDE = 0.24
"""Inches of a symbol on an axis."""


def attention_size(source: Sequence[str], target: Sequence[str]) -> tuple[float, float]:
    """Return the size of a picture of attention in inches."""
    return max(2.2, 1.1 + SIDE * len(source)), max(1.8, 1.0 + SIDE * len(target))


def plot_attention(
    weights: Sequence[Sequence[float]], source: Sequence[str], target: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw where each symbol of a translation looked: a row is one of `target`, a column one of `source`, darker is
    more of its attention, of which a row has 1 in all."""
    ax = new_axes(attention_size(source, target)) if ax is None else ax
    ax.imshow(tinted(np.asarray(weights, np.float64), BLUE), interpolation="none", aspect="equal", vmin=0, vmax=1)
    ax.set_xticks(np.arange(len(source)), [shortened(symbol) for symbol in source], rotation=90)
    ax.set_yticks(np.arange(len(target)), [shortened(symbol) for symbol in target])
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(True)
    return ax


def plot_widths(sweep: Sequence[Mapping[str, Any]], ax: Axes | None = None) -> Axes:
    """Draw BLEU by the width of the beam, and in the scale on the right the shares of search errors and empty ones."""
    ax = new_axes((4.6, 2.8)) if ax is None else ax
    widths = [row["beam"] for row in sweep]
    (bleu,) = ax.plot(widths, [row["bleu"] for row in sweep], color=BLUE, marker="o", markersize=3.5, label="BLEU")
    ax.set(xscale="log", xlabel="width of the beam", ylabel="BLEU")
    ax.set_xticks(widths, [str(width) for width in widths])
    ax.xaxis.set_minor_locator(NullLocator())
    other = ax.twinx()
    other.spines["right"].set_visible(True)
    lines = [bleu]
    for key, label, colour, style in (
        ("search_errors", "search errors, %", VERMILLION, (0, (4, 1.5))),
        ("empty", "empty, %", GREY, ":"),
    ):
        known = [(row["beam"], 100 * row[key]) for row in sweep if row[key] is not None]
        if known:
            lines += other.plot(
                *zip(*known, strict=True), color=colour, linestyle=style, marker="s", markersize=2.5, label=label
            )
    other.set(ylabel="share of sentences, %", ylim=(0, None))
    ax.legend(handles=lines, loc="center right")
    return ax
