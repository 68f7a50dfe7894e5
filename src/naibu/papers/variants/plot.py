"""The plot of the table: loss by cell, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from naibu.papers.runner import Reproduced
from naibu.papers.variants.cells import BETTER, WORSE
from naibu.reporting.plots.canvas import BLUE, GREY, VERMILLION, ink, new_axes

COLOURS = {BETTER: BLUE, WORSE: VERMILLION}


def plot_losses(rows: Sequence[Reproduced], title: str = "", ax: Axes | None = None) -> Axes:
    """Draw each cell's loss with its interval over seeds, the lowest on top; the baseline's is the dotted line.

    The axis is cut where it would show only the cells that are far off: those stand at its end with their number,
    and an interval that leaves the picture ends at its edge.
    """
    ax = new_axes((4, 4)) if ax is None else ax
    rows = sorted(rows, key=lambda row: -_of(row, "loss"))
    losses = np.array([_of(row, "loss") for row in rows])
    base = next((_of(row, "loss") for row in rows if row.obtained["verdict"] == "baseline"), float(losses.min()))
    spread = max(base - losses.min(), abs(float(np.median(losses)) - base), 0.005 * base)
    left, right = losses.min() - spread, min(losses.max() + spread, base + 4 * spread)
    ax.axvline(base, color=ink(ax), linewidth=0.8, linestyle=":")
    for place, row in enumerate(rows):
        loss, colour = _of(row, "loss"), COLOURS.get(str(row.obtained["verdict"]), GREY)
        if loss > right:
            ax.annotate(f"{loss:.2f} →", (right, place), ha="right", va="center", color=colour, fontsize=8)
            continue
        low, high = max(_of(row, "loss_low"), left), min(_of(row, "loss_high"), right)
        ax.plot([low, high], [place, place], color=colour, linewidth=1.4)
        ax.plot([loss], [place], "o", color=colour, markersize=4)
    ax.set_xlim(left, right)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_yticks(range(len(rows)), [row.row for row in rows])
    ax.set(xlabel="loss, nats a symbol", title=title)
    return ax


def draw(figure: Figure, rows: Sequence[Reproduced], titles: dict[str, str]) -> None:
    """Draw a panel for each task, and what the colours mean."""
    tasks = list(dict.fromkeys(row.table for row in rows))
    axes: Any = figure.subplots(1, len(tasks), squeeze=False)[0]
    for ax, task in zip(axes, tasks, strict=True):
        plot_losses([row for row in rows if row.table == task], titles.get(task, task), ax)
    words = [(BLUE, "better than lstm"), (GREY, "not told apart, or lstm itself"), (VERMILLION, "worse")]
    handles = [axes[0].plot([], [], "o-", color=colour, markersize=4, label=said)[0] for colour, said in words]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(words))


def _of(row: Reproduced, name: str) -> float:
    value = row.obtained[name]
    return np.nan if value is None else float(value)
