"""Plots of training and prediction: the learning curve and the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from naibu.probes.results import Confusion
from naibu.reporting.plots.canvas import BLUE, GREY, VERMILLION, ink, new_axes, tinted
from naibu.reporting.words import shortened

WITH_NUMBERS = 12  # symbols up to which the share stands in each field
BEHIND_NUMBERS = 0.7  # of the darkest colour, so that the numbers stay readable on it


def plot_learning_curve(metrics: Sequence[Mapping[str, Any]], ax: Axes | None = None) -> Axes:
    """Draw the loss of a run's metrics by step: in training since the line before, and on validation."""
    ax = new_axes() if ax is None else ax
    for key, name, colour, style in (
        ("loss", "training", GREY, ":"),
        ("validation_loss", "validation", BLUE, "-"),
    ):
        lines = [(line["step"], line[key]) for line in metrics if line.get(key) is not None]
        if lines:
            mark = "o" if len(lines) < 30 else None
            ax.plot(*zip(*lines, strict=True), color=colour, linestyle=style, marker=mark, markersize=3, label=name)
    ax.set(xlabel="step", ylabel="loss")
    if ax.get_ylim()[0] >= 0:  # that of a density falls below 0
        ax.set_ylim(bottom=0)
    ax.legend(loc="upper right")
    return ax


def plot_lengths(parts: Mapping[str, np.ndarray], ax: Axes | None = None) -> Axes:
    """Draw how many examples of each part have so many steps, from lengths `[example]` by the part's name."""
    ax = new_axes() if ax is None else ax
    longest = max((int(lengths.max()) for lengths in parts.values() if len(lengths)), default=1)
    edges = np.linspace(0.5, longest + 0.5, min(longest, 40) + 1)
    styles = (("-", GREY), ((0, (4, 1.5)), BLUE), (":", VERMILLION))
    for (name, lengths), (style, colour) in zip(parts.items(), styles, strict=False):
        counts = np.histogram(lengths, edges)[0]
        ax.stairs(counts, edges, color=colour, linestyle=style, linewidth=1.3, label=f"{name}, {len(lengths):,}")
    ax.set(xlabel="steps of an example", ylabel="examples", yscale="symlog")
    ax.legend(loc="upper right")
    return ax


def plot_confusion(confusion: Confusion, ax: Axes | None = None) -> Axes:
    """Draw what was thought most probable where each symbol came: a row is what came, its fields sum to 1."""
    ax = new_axes((6.5, 6.5)) if ax is None else ax
    total = np.maximum(confusion.counts.sum(axis=1, keepdims=True), 1)
    shares = confusion.counts / total
    strongest = BEHIND_NUMBERS if len(confusion.symbols) <= WITH_NUMBERS else 1.0
    ax.imshow(tinted(strongest * shares, BLUE), interpolation="none", aspect="equal")
    names = [shortened(symbol) for symbol in confusion.symbols]
    places = np.arange(len(names))
    short = len(names) <= WITH_NUMBERS and max(map(len, names), default=0) <= 4
    ax.set_xticks(places, names, rotation=0 if short else 90)
    ax.set_yticks(places, names)
    ax.tick_params(length=0)
    ax.set_xlabel("most probable")
    ax.set_ylabel("came")
    ax.spines[:].set_visible(True)
    if len(names) <= WITH_NUMBERS:
        for (row, column), value in np.ndenumerate(shares):
            if value >= 0.005:
                ax.text(column, row, f"{100 * value:.0f}", ha="center", va="center", color=ink(ax), fontsize=8)
    if confusion.end in confusion.symbols:
        end = confusion.symbols.index(confusion.end)
        ax.add_patch(_frame(end))
    return ax


def _frame(place: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((place - 0.5, place - 0.5), 1, 1, fill=False, edgecolor=VERMILLION, linewidth=1.5)
