"""Learning curves of a row: mean error against sequences, a line for each trial, failed ones among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from naibu.online.trials import Trial
from naibu.reporting.plots.canvas import BLUE, GREY, VERMILLION, ink, new_axes

WIDE = 5.0
"""Times the least error that the largest is where the axis is logarithmic."""


def plot_curves(
    trials: Sequence[Trial], ax: Axes | None = None, *, published: float | None = None, title: str = ""
) -> Axes:
    """Draw the mean error of each trial against its training sequences, on a logarithmic axis where errors differ much.

    A trial that was solved is blue and ends in a dot, one that was not is vermillion and ends in a cross. The
    dotted line is the published mean.
    """
    ax = new_axes((3.5, 2.4)) if ax is None else ax
    for trial in trials:
        points = np.array([(x, y) for x, y in trial.curve if np.isfinite(y) and y > 0])
        if not len(points):
            continue
        colour = BLUE if trial.solved else VERMILLION
        ax.plot(points[:, 0], points[:, 1], color=colour, linewidth=0.8, alpha=0.75)
        ax.plot(*points[-1], "o" if trial.solved else "x", color=colour, markersize=3.5)
    if published is not None:
        ax.axvline(published, color=ink(ax), linestyle=":", linewidth=1.0)
    errors = [y for trial in trials for _, y in trial.curve if np.isfinite(y) and y > 0]
    if not errors:
        ax.annotate("no curves", (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY)
    elif max(errors) > WIDE * min(errors):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_formatter(FuncFormatter(_some))
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: thousands(value)))
    ax.set(xlabel="training sequences", ylabel="mean error")
    ax.set_title(title, loc="left")
    return ax


def thousands(value: float) -> str:
    """Return a count in short: 400, 20k, 1.2M."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _some(value: float, _: object) -> str:
    """Name 0.2 and 0.5 between the powers of ten, and nothing else."""
    return f"{value:g}" if f"{value:.6e}".partition("e")[0] in ("2.000000", "5.000000") else ""
