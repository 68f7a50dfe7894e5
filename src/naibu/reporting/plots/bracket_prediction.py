"""Plots of opening against closing brackets as next symbols."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from naibu.probes.bracket_results import BracketPrediction
from naibu.probes.results import Score, Scores
from naibu.reporting.plots.canvas import BLUE, VERMILLION, ink, new_axes
from naibu.reporting.words import on_split, shortened


def plot_categories(found: BracketPrediction, ax: Axes | None = None, *, split: str = "test") -> Axes:
    """Draw recall of both brackets of each category with intervals, and the table of two symbols, a row each."""
    ax = new_axes((4.6, 3.6)) if ax is None else ax
    lines: list[tuple[str, str, str, float]] = [
        ("open", "opening", BLUE, -0.17),
        ("close", "closing", VERMILLION, 0.17),
    ]
    for field, name, colour, shift in lines:
        rows = [(k, score) for k, c in enumerate(found.categories) if (score := _score(getattr(c, field), split))]
        if rows:
            ends = np.hstack([_reach(score) for _, score in rows])
            places, values = np.array([k for k, _ in rows]) + shift, [score.value for _, score in rows]
            ax.errorbar(values, places, xerr=ends, fmt="o", color=colour, markersize=4.5, capsize=2.5, label=name)
        tables = [(k, s) for k, c in enumerate(found.categories) if (s := _score(getattr(c, f"{field}_ngram"), split))]
        if tables:
            places, values = np.array([k for k, _ in tables]) + shift, [score.value for _, score in tables]
            label = None if field == "open" else "last 2 symbols alone"
            style = {"color": ink(ax), "markersize": 4.5, "fillstyle": "none", "linestyle": "none"}
            ax.plot(values, places, "D", label=label, clip_on=False, zorder=1, **style)
    names = [shortened(c.category) or "all alike" for c in found.categories]
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.4, -0.6), xlim=(-0.02, 1.02), xlabel="recall where the bracket comes next")
    ax.grid(axis="y", linewidth=0.3)
    ax.legend(loc="lower center", bbox_to_anchor=(0.42, 1.0), ncols=3, handletextpad=0.2, columnspacing=0.9)
    return ax


def _score(scores: Scores | None, split: str) -> Score | None:
    score = on_split(scores, split)
    return score if score is not None and np.isfinite(score.value) else None


def _reach(score: Score) -> np.ndarray:
    ends = np.array([[score.value - score.low], [score.high - score.value]])
    return np.asarray(np.nan_to_num(np.maximum(ends, 0), nan=0.0))
