"""Plots of how long units keep what they hold, and of how often gates are saturated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from naibu.probes.timescales_results import GateSaturation, LayerTimescales
from naibu.reporting.plots.canvas import BLUE, GREEN, GREY, VERMILLION, ink, new_axes
from naibu.reporting.words import signal_name

BINS = 30
_MARKS = {
    "forget_gate": (VERMILLION, "o"),
    "input_gate": (BLUE, "^"),
    "output_gate": (GREEN, "s"),
    "update_gate": (VERMILLION, "o"),
    "reset_gate": (BLUE, "^"),
}


def plot_timescales(layer: LayerTimescales, ax: Axes | None = None) -> Axes:
    """Draw how many units have each timescale (logarithmic), the untrained network's dashed."""
    ax = new_axes() if ax is None else ax
    trained, bare = layer.timescale(), layer.untrained_timescale()
    every = np.concatenate([trained, *([] if bare is None else [bare])])
    low, high = float(every.min()), float(every.max())
    edges = np.geomspace(low, high * 1.0001, BINS + 1) if high > low else np.array([low / 2, low * 2])
    edges[0] = min(edges[0], low)  # geomspace may begin a rounding error later
    if bare is not None:
        ax.stairs(np.histogram(bare, edges)[0], edges, color=GREY, linestyle="--", linewidth=1.2, label="untrained")
    counts = np.histogram(trained, edges)[0]
    ax.stairs(counts, edges, fill=True, color=VERMILLION, alpha=0.3)
    ax.stairs(counts, edges, color=VERMILLION, linewidth=1, label="trained")
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set(xlabel="timescale (places)", ylabel="units")
    ax.set_ylim(bottom=0)
    if bare is not None:
        ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, handlelength=1.5, columnspacing=1.0)
    return ax


def plot_saturation(gates: Sequence[GateSaturation], ax: Axes | None = None) -> Axes:
    """Draw the share of steps right-saturated against left-saturated, a mark for each unit of each gate."""
    ax = new_axes((3.5, 2.9)) if ax is None else ax
    for gate in gates:
        colour, mark = _MARKS.get(gate.signal, (GREY, "D"))
        name = signal_name(gate.signal, gate.layer).removesuffix(" gate")
        ax.plot(
            gate.trained.right,
            gate.trained.left,
            mark,
            color=colour,
            alpha=0.55,
            markersize=3.5,
            markeredgewidth=0,
            clip_on=False,
            label=name,
        )
    ax.plot([0, 1], [1, 0], color=ink(ax), linewidth=0.8, linestyle=":", alpha=0.6)
    ticks = np.linspace(0, 1, 6)
    ax.set_xticks(ticks, [f"{x:.0%}" for x in ticks])
    ax.set_yticks(ticks, [f"{x:.0%}" for x in ticks])
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="steps nearly open (> 0.9)", ylabel="steps nearly shut (< 0.1)")
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, handletextpad=0.1, columnspacing=1.0)
    return ax
