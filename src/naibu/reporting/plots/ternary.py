"""Plot of what rounding the update costs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from naibu.interventions.ternary_results import CONTROLS, ROUNDED, Ternary
from naibu.reporting.plots.canvas import BLUE, GREY, VERMILLION, ink, new_axes
from naibu.reporting.words import on_split

NAMES = {
    "ternary": "−1, 0, 1",
    "threshold": "−1, 0, 1,\nthreshold chosen",
    "scaled": "−s, 0, s,\ns of each unit",
    "cell": "the cell to\nwhole numbers",
    "halves": "−1/2, 1/2",
    "signs": "−m, m,\nm of each unit",
    "dropped": "0 always",
}
LINEAR = 1e-3
"""Changes of loss below this, either way, are drawn on a linear stretch of the axis."""


def plot_ternary(ternary: Ternary, ax: Axes | None = None, *, split: str = "test") -> Axes:
    """Draw the loss that each rounding adds with its interval, a row each; a logarithmic axis, linear about 0."""
    ax = new_axes((4.5, 3.2)) if ax is None else ax
    scored = [(r, on_split(r.loss_change, split)) for r in ternary.roundings]
    rows = [(rounding, score) for rounding, score in scored if score is not None]
    for place, (rounding, score) in enumerate(rows):
        colour = VERMILLION if rounding.kind in ROUNDED else GREY if rounding.kind in CONTROLS else BLUE
        ax.plot([score.low, score.high], [place, place], color=colour, linewidth=2, alpha=0.6)
        ax.plot(score.value, place, "o" if rounding.kind in ROUNDED else "s", color=colour, markersize=5)
    ax.set_yticks(range(len(rows)), [NAMES.get(rounding.kind, rounding.kind) for rounding, _ in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xscale("symlog", linthresh=LINEAR)
    ends = [x for _, score in rows for x in (score.value, score.low, score.high) if np.isfinite(x)]
    ax.set_xlim(min([-LINEAR / 4, *(2 * x for x in ends)]), max([LINEAR, *(2 * x for x in ends)]))
    ax.axvline(0, color=ink(ax), linewidth=0.8, alpha=0.5)
    ax.set_xlabel("loss added by rounding (nats a place)")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "−")))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(axis="x", color=ink(ax), alpha=0.12, linewidth=0.6)
    return ax
