"""Plots of linear models: regression of a label, and few units telling two values apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from naibu.probes.results import L1Path, Regression, Score
from naibu.reporting.plots.canvas import GREY, ink, new_axes, signal_colour
from naibu.reporting.words import MODEL_NAMES, label_name, on_split, signal_name

LEAST = -0.2  # R2 below this is drawn at the axis' end
_CONTROLS = (
    ("untrained", "D", "untrained"),
    ("position", "|", "position alone"),
    ("random_label", "x", "random label"),
)


def plot_regression(regressions: Sequence[Regression], ax: Axes | None = None, *, split: str = "test") -> Axes:
    """Draw R2 of every model as a bar with its interval, and its controls as marks, one row per model."""
    ax = new_axes((4.5, 2.8)) if ax is None else ax
    names: list[str] = []
    marked: set[str] = set()
    for regression in regressions:
        for model in regression.models:
            row, score = len(names), on_split(model.r2, split)
            names.append(
                f"{signal_name(regression.signal, regression.layer)}, {MODEL_NAMES.get(model.name, model.name)}"
            )
            if score is None:
                continue
            colour = signal_colour(regression.signal)
            ax.barh(row, max(score.value, LEAST), height=0.62, color=colour, alpha=0.55)
            ax.errorbar(
                score.value, row, xerr=_reach(score, horizontal=True), color=ink(ax), linewidth=1.1, capsize=2.5
            )
            for field, mark, name in _CONTROLS:
                control = on_split(getattr(model.r2_controls, field), split)
                if control is not None and np.isfinite(control.value):
                    shown = None if name in marked else name
                    marked.add(name)
                    style: dict[str, Any] = {
                        "color": ink(ax),
                        "markersize": 5,
                        "linestyle": "none",
                        "fillstyle": "none",
                    }
                    ax.plot(max(control.value, LEAST), row, mark, label=shown, clip_on=False, zorder=4, **style)
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.4, -0.6), xlim=(LEAST, 1.02), xlabel="R² (1: exact; 0: no better than the mean)")
    ax.axvline(0, color=ink(ax), linewidth=0.6)
    if marked:
        ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3, handletextpad=0.2, columnspacing=1.0)
    return ax


def plot_curve(regression: Regression, ax: Axes | None = None) -> Axes:
    """Draw the rising curve of the label along the unit that follows it best, over the unit's own values."""
    ax = new_axes((3.2, 2.5)) if ax is None else ax
    for model in regression.models:
        if model.name == "monotone" and model.curve is not None and len(model.units):
            turn = float(model.weights[0])  # the curve runs along the unit turned to rise with the label
            colour = signal_colour(regression.signal)
            ax.plot(turn * model.curve.x, model.curve.y, color=colour, linewidth=1.6)
            ax.set_xlabel(f"unit {model.units[0]} of the {signal_name(regression.signal, regression.layer)}")
    ax.set_ylabel(label_name(regression.label))
    return ax


def plot_l1_path(path: L1Path, ax: Axes | None = None, *, split: str = "test") -> Axes:
    """Draw accuracy against how many units have a weight, as penalised and fitted again, with the controls."""
    ax = new_axes((4.5, 2.8)) if ax is None else ax
    colour = signal_colour(path.signal)
    found = [(row.nonzero, score) for row in path.strengths if (score := on_split(row.accuracy, split)) is not None]
    _line(ax, found, color=colour, marker="o", label=f"{signal_name(path.signal, path.layer)}, trained")
    again = [(r.nonzero, score) for r in path.strengths if (score := on_split(r.refitted, split)) is not None]
    _line(ax, again, color=colour, marker="s", linestyle="-.", fillstyle="none", label="the same units, fitted again")
    for field, name, mark, style in (("untrained", "untrained", "D", "--"), ("random_label", "random label", "x", ":")):
        control: list[tuple[int, Score]] = []
        for row in path.strengths:
            nonzero = row.untrained_nonzero if field == "untrained" else row.random_nonzero
            score = on_split(getattr(row.controls, field), split)
            if score is not None and nonzero is not None:
                control.append((nonzero, score))
        _line(ax, control, color=GREY, marker=mark, linestyle=style, fillstyle="none", label=name)
    majority = on_split(path.majority, split)
    if majority is not None:
        ax.axhline(
            majority.value, color=ink(ax), linewidth=0.9, linestyle=(0, (1, 2)), label="always the commoner value"
        )
    ax.set_xscale("symlog", linthresh=1)
    ticks = [0, *(tick for power in range(5) for tick in (10**power, 3 * 10**power) if tick <= path.of)]
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlim=(-0.1, path.of * 1.15), ylabel="accuracy", xlabel=f"units with a weight, of {path.of}")
    ax.legend(loc="lower left", bbox_to_anchor=(-0.1, 1.0), ncols=2, columnspacing=1.2)
    return ax


def _line(ax: Axes, points: list[tuple[int, Score]], **style: Any) -> None:
    if points:
        reach = np.hstack([_reach(score) for _, score in points])
        heights = [score.value for _, score in points]
        ax.errorbar([n for n, _ in points], heights, yerr=reach, capsize=2, markersize=4, elinewidth=0.9, **style)


def _reach(score: Score, horizontal: bool = False) -> np.ndarray:
    """Return how far the interval reaches below and above the value [2 1], 0 where there is none."""
    value = max(score.value, LEAST) if horizontal else score.value
    ends = np.array([[value - score.low], [score.high - value]])
    return np.asarray(np.nan_to_num(np.maximum(ends, 0), nan=0.0))
