"""Plot of units that were watched in training: their mean and spread, call by call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes

from naibu.reporting.plots.canvas import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, new_axes
from naibu.reporting.words import signal_name
from naibu.shown import Row

_STYLES = ("-", (0, (4, 1.5)), ":")


def plot_watched(rows: Sequence[Row], ax: Axes | None = None) -> Axes:
    """Draw the mean of each unit against the call, and shade one standard deviation to each side."""
    ax = new_axes((5.0, 2.6)) if ax is None else ax
    units = dict.fromkeys((row["layer"], row["signal"], row["unit"]) for row in rows)
    colours = cycle((VERMILLION, BLUE, GREEN, ORANGE, PURPLE))
    for number, (unit, colour) in enumerate(zip(units, colours, strict=False)):
        own = [row for row in rows if (row["layer"], row["signal"], row["unit"]) == unit]
        call, mean, std = (np.array([row[name] for row in own], float) for name in ("call", "mean", "std"))
        name = f"unit {unit[2]} of the {signal_name(str(unit[1]))}, {unit[0]}"
        ax.plot(call, mean, color=colour, linestyle=_STYLES[number // 5 % len(_STYLES)], label=name)
        ax.fill_between(call, mean - std, mean + std, color=colour, alpha=0.2, linewidth=0)
    ax.set(xlabel="call of the module", ylabel="mean over all steps")
    if units:
        ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0))
    return ax
