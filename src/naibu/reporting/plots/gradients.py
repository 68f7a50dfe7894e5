"""Plots of how the gradient travels: its norm against the lag, and the norms and losses of clipping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from naibu.gradients.clipping import ClippingRun
from naibu.gradients.curves import GradientCurve
from naibu.reporting.plots.canvas import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, ink, new_axes

CELL_COLOURS = {"rnn": BLUE, "lstm": VERMILLION, "gru": GREEN, "lstm-no-forget-gate": ORANGE, "lstm-1997": PURPLE}
DASHES = {"hidden": "-", "state": (0, (6, 1.5)), "cell": "-", "carousel": (0, (3, 1.5))}
LOWEST = 1e-20
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SMOOTHED = 10
"""Steps over which a noisy curve's running median is taken."""


def plot_gradients(curves: Sequence[GradientCurve], ax: Axes | None = None, *, title: str = "") -> Axes:
    """Draw the norms of some curves against the lag on a log axis, each with its interval.

    A bound is drawn as a thin dotted line; a norm below 1e-20, or 0, is not drawn. The colour says which
    cell, the dashes what is differentiated (carousel: dashed).
    """
    ax = new_axes((4.5, 3.0)) if ax is None else ax
    names = curve_names(curves)
    others = iter(mpl.colormaps["tab20b"](np.arange(len(curves)) % 20))
    colours = {name: CELL_COLOURS[name] if name in CELL_COLOURS else next(others) for name in dict.fromkeys(names)}
    for number, (curve, name) in enumerate(zip(curves, names, strict=True)):
        colour = colours[name]
        lags, norm, lower, upper = (np.array(v, float) for v in (curve.lags, curve.norm, curve.lower, curve.upper))
        norm = np.where(norm > 0, norm, np.nan)
        name += ", carousel alone" if curve.wrt == "carousel" else ""
        ax.plot(lags, norm, color=colour, linestyle=DASHES[curve.wrt], label=name, zorder=3 + number)
        ax.fill_between(lags, np.maximum(lower, 1e-300), np.maximum(upper, 1e-300), color=colour, alpha=0.18, lw=0)
        if curve.bound is not None:
            ax.plot(lags, curve.bound, color=colour, linestyle=":", linewidth=1.0, label=f"{name}: bound of eq. 13")
    log_axis(ax)
    ax.set_ylim(*limits(curves))
    ax.axhline(1, color=ink(ax), alpha=0.3, linewidth=0.6)
    ax.set_xlabel("lag T − t, steps")
    ax.set_ylabel(axis_name(curves))
    ax.set_title(title, loc="left")
    return ax


def curve_names(curves: Sequence[GradientCurve]) -> list[str]:
    """Return a name for each curve: its cell; its run where two have the same cell; its layer where there are more."""
    runs = {(curve.run, curve.cell) for curve in curves}
    alike = len({cell for _, cell in runs}) < len(runs)
    stacked = {curve.run for curve in curves if any(c.run == curve.run and c.layer != curve.layer for c in curves)}
    names = [curve.run if alike else curve.cell for curve in curves]
    return [f"{n}, {c.layer}" if c.run in stacked else n for n, c in zip(names, curves, strict=True)]


def limits(curves: Sequence[GradientCurve]) -> tuple[float, float]:
    """Return the ends of the log axis: all norms, down to 1e-20; a bound may leave it at the top."""
    values = np.array([v for curve in curves for v in (*curve.norm, *curve.lower, *curve.upper) if v > 0])
    if not len(values):
        return LOWEST, 10.0
    return max(LOWEST, float(np.nanmin(values)) / 3), 30 * max(1.0, float(np.nanmax(values)))


def log_axis(ax: Axes) -> None:
    """Make the upright axis logarithmic, its ticks written 10⁻³."""
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
    ax.yaxis.set_minor_formatter(NullFormatter())


def power(value: float) -> str:
    """Return a power of ten as it is written: 10⁻³; 0.1, 1 and 10 in full; nothing between the powers."""
    exponent = round(math.log10(value))
    if not math.isclose(value, 10.0**exponent, rel_tol=1e-6):
        return ""
    return f"{10.0**exponent:g}" if -1 <= exponent <= 1 else f"10{str(exponent).translate(SUPERSCRIPT)}"


def axis_name(curves: Sequence[GradientCurve]) -> str:
    """Return what the curves are the norm of."""
    of = {"cell": "c", "carousel": "c", "hidden": "h", "state": "s"}[curves[0].wrt] if curves else "h"
    kind = curves[0].kind if curves else "spectral"
    return f"{kind} norm of ∂{of}(T) / ∂{of}(t)"


def plot_clipping_norms(runs: Sequence[ClippingRun], ax: Axes | None = None) -> Axes:
    """Draw the gradient's norm before clipping at every step, and each threshold."""
    ax = new_axes((4.5, 2.5)) if ax is None else ax
    for run, colour in zip(runs, _colours(runs), strict=True):
        norm = np.where(np.isfinite(run.norm), run.norm, np.nan)
        ax.plot(norm, ".", color=colour, markersize=2.5, label=run.run)
        if run.clip is not None:
            ax.axhline(run.clip, color=colour, linewidth=0.8, linestyle="--")
    log_axis(ax)
    ax.set_xlabel("step")
    ax.set_ylabel("norm of the gradient\nbefore clipping")
    ax.legend(markerscale=4)
    return ax


def plot_clipping_loss(runs: Sequence[ClippingRun], ax: Axes | None = None) -> Axes:
    """Draw the loss of every step, faint, and its running median."""
    ax = new_axes((4.5, 2.5)) if ax is None else ax
    for run, colour in zip(runs, _colours(runs), strict=True):
        loss = np.where(np.isfinite(run.loss), run.loss, np.nan)
        ax.plot(loss, color=colour, linewidth=0.5, alpha=0.35)
        ends = [*range(0, len(loss), SMOOTHED), len(loss)]
        medians = [(a + (b - 1 - a) / 2, _median(loss[a:b])) for a, b in pairwise(ends)]
        ax.plot(*zip(*medians, strict=True), color=colour, label=run.run)
    log_axis(ax)
    ax.set_xlabel("step")
    ax.set_ylabel("loss (nats per symbol)")
    ax.legend()
    return ax


def _median(values: np.ndarray) -> float:
    there = values[~np.isnan(values)]
    return float(np.median(there)) if len(there) else float("nan")


def _colours(runs: Sequence[ClippingRun]) -> list[str]:
    clipped = iter([BLUE, GREEN, PURPLE, ORANGE] * len(runs))
    return [VERMILLION if run.clip is None else next(clipped) for run in runs]
