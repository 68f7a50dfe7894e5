"""The plot of a sweep: the strength of the L1 term against perplexity, and against the states that are left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from naibu.papers.mochihashi2019.sweep import SIGNALS, chosen
from naibu.papers.runner import Figures, Reproduced
from naibu.reporting.plots.canvas import BLUE, VERMILLION, ink, new_axes, write_png

COLOURS = dict(zip(SIGNALS, (VERMILLION, BLUE), strict=True))
MARKS = dict(zip(SIGNALS, ("o", "s"), strict=True))
QUANTITIES = {
    "perplexity": "perplexity, unseen sequences",
    "states": "different states, cells rounded",
    "depth_r": "|r| of the best cell with depth",
}


def plot_sweep(figures: Sequence[Figures], quantity: str, ax: Axes | None = None) -> Axes:
    """Draw one figure against the strength, a line for each kind of term; no term stands at the left, at `none`.

    Bars are the intervals where there are any: over test sequences, not over trainings. States are drawn on a
    logarithmic axis; the dotted line is the number of histories, which no network can exceed.
    """
    ax = new_axes((3.4, 2.6)) if ax is None else ax
    strengths = sorted({float(one["strength"] or 0) for one in figures})
    place = {strength: number for number, strength in enumerate(strengths)}
    for on in SIGNALS:
        own = chosen(figures, on)
        if len(own) < 2:
            continue
        x = [place[float(one["strength"] or 0)] for one in own]
        y = np.array([abs(float(one[quantity] or 0)) for one in own])
        ax.plot(x, y, MARKS[on] + "-", color=COLOURS[on], markersize=4, label=on)
        if f"{quantity}_low" in own[0]:
            ends = np.array([_ends(one, quantity) for one in own])
            ax.vlines(x, ends[:, 0], ends[:, 1], color=COLOURS[on], linewidth=1)
    if quantity == "states":
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.axhline(float(figures[0]["histories"] or 0), color=ink(ax), linewidth=0.8, linestyle=":")
        ax.annotate(
            "histories",
            (1, float(figures[0]["histories"] or 0)),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize=7,
        )
    ax.set_xticks(range(len(strengths)), [f"{strength:g}" if strength else "none" for strength in strengths])
    ax.set(xlabel="strength of the L1 term", ylabel=QUANTITIES[quantity])
    return ax


def _ends(one: Figures, quantity: str) -> tuple[float, float]:
    """The ends of the interval of the absolute value."""
    low, high = (float(one[f"{quantity}_{end}"] or 0) for end in ("low", "high"))
    return (0.0 if low < 0 < high else min(abs(low), abs(high))), max(abs(low), abs(high))


def draw(figure: Figure, figures: Sequence[Figures]) -> None:
    """Draw perplexity, states and r side by side."""
    axes: Any = figure.subplots(1, len(QUANTITIES))
    for ax, quantity in zip(axes, QUANTITIES, strict=True):
        plot_sweep(figures, quantity, ax)
    handles, labels = axes[0].get_legend_handles_labels()
    if len(labels) > 1:
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), title="L1 term on")


def write_plot(rows: Sequence[Reproduced], path: Path) -> Path:
    """Write the plot of the sweep's rows as a PNG, and return its path."""
    figures = [row.obtained for row in rows]
    write_png(lambda drawn: draw(drawn, figures), path, size=(9.6, 2.9))
    return path
