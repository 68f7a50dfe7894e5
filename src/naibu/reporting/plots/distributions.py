"""Plots of how a signal's values are distributed."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from naibu.probes.results import BetaFit, SignalDistribution
from naibu.reporting.plots.canvas import GREY, ink, new_axes, signal_colour
from naibu.reporting.words import signal_name


def plot_distribution(distribution: SignalDistribution, ax: Axes | None = None) -> Axes:
    """Draw the share of all values in each bin (logarithmic), the untrained network grey, beta fit and peaks.

    The first and last bin also hold what lies outside the range.
    """
    ax = new_axes() if ax is None else ax
    edges, colour = distribution.edges, signal_colour(distribution.signal)
    shares = _shares(distribution.counts)
    floor = _floor(shares)
    ax.stairs(shares, edges, baseline=floor, fill=True, color=colour, alpha=0.3)
    ax.stairs(shares, edges, baseline=floor, color=colour, linewidth=1, label="trained")
    if distribution.untrained_counts is not None:
        untrained = _shares(distribution.untrained_counts)
        ax.stairs(untrained, edges, baseline=floor, color=GREY, linewidth=1.2, linestyle="--", label="untrained")
    if distribution.beta is not None:
        centres = (edges[1:] + edges[:-1]) / 2
        curve = beta_density(centres, distribution.beta) * np.diff(edges)
        ax.plot(centres, curve, color=ink(ax), linewidth=1.2, linestyle=":", label="beta")
    top = max(float(shares.max()), floor)
    for peak in distribution.peaks:
        ax.plot(peak.place, top * 1.6, "v", color=ink(ax), markersize=4, clip_on=False)
        across = (peak.place - edges[0]) / (edges[-1] - edges[0])
        side = "left" if across < 0.08 else "right" if across > 0.92 else "center"
        name = f"{peak.place:.2f}".replace("-", "−")
        ax.annotate(name, (peak.place, top * 1.6), (0, 4), textcoords="offset points", ha=side, fontsize=7)
    ax.set_yscale("log")
    ax.set_ylim(floor, top * (4 if distribution.peaks else 2))
    ax.set_xlim(float(edges[0]), float(edges[-1]))
    ax.set(xlabel=f"value of the {signal_name(distribution.signal, distribution.layer)}", ylabel="share of values")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:g} %"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    if distribution.untrained_counts is not None or distribution.beta is not None:
        ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, handlelength=1.5, columnspacing=1.0)
    return ax


def beta_density(x: np.ndarray, fit: BetaFit) -> np.ndarray:
    """Return the density of the fitted beta curve at each x within (0, 1), nan elsewhere."""
    a, b = fit.a.value, fit.b.value
    if not (a > 0 and b > 0):
        return np.full(np.shape(x), np.nan)
    norm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    inside = np.where((x > 0) & (x < 1), x, np.nan)
    return np.asarray(np.exp(norm + (a - 1) * np.log(inside) + (b - 1) * np.log1p(-inside)))


def _shares(counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts, np.float64) / max(float(counts.sum()), 1.0)


def _floor(shares: np.ndarray) -> float:
    positive = shares[shares > 0]
    return max(float(positive.min()) / 2, 1e-6) if len(positive) else 1e-6
