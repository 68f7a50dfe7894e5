"""Accuracy by length of word, a panel for each language and cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from naibu.papers.deletang2023.published import Cell
from naibu.reporting.plots.canvas import BLUE
from naibu.reporting.plots.formal import plot_by_length


def draw(figure: Figure, scores: Mapping[tuple[str, Cell], Sequence[Mapping[str, Any]]]) -> None:
    """Draw a panel for each language and cell, a line for each training."""
    columns = min(4, len(scores))
    axes: Any = figure.subplots(-(-len(scores) // columns), columns, squeeze=False, sharex=True, sharey=True)
    panels = list(axes.flat)
    for ax, ((language, cell), found) in zip(panels, scores.items(), strict=False):
        for each in found:
            by_length = {int(length): value for length, value in each["by_length"].items()}
            plot_by_length(by_length, ax=ax, colour=BLUE)
        ax.set_title(f"{language}, {cell}", fontsize=7)
        ax.set(xlabel="", ylabel="")
        ax.tick_params(labelsize=7)
    for ax in panels[len(scores) :]:
        ax.axis("off")
    figure.supxlabel("length of word", fontsize=8)
    figure.supylabel("accuracy, %", fontsize=8)
