"""Accuracy by length of word."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from naibu.reporting.plots.canvas import BLUE, new_axes


def plot_by_length(by_length: Mapping[int, float], title: str = "", ax: Axes | None = None, colour: str = BLUE) -> Axes:
    """Draw the accuracy of words of each length, in %; return the axes."""
    ax = new_axes((5, 3)) if ax is None else ax
    lengths = sorted(by_length)
    ax.plot(lengths, [100 * by_length[length] for length in lengths], color=colour, linewidth=1)
    ax.set_ylim(-3, 103)
    ax.set(xlabel="length of word", ylabel="accuracy, %", title=title)
    return ax
