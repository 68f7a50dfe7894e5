"""Plots of one part of speech told from another: each signal's accuracy, and differences between signals."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.probes.results import Score
from naibu.reporting.plots.canvas import GREY, ink, new_axes, signal_colour
from naibu.reporting.words import on_split, rank, signal_name

_CONTROLS = (("untrained", "D", "untrained"), ("random_label", "x", "random label"))
_LINES = (("majority", ":", "majority"), ("1-gram", "--", "this word alone"), ("2-gram", "-.", "last 2 symbols"))


def plot_telling(found: PartOfSpeech, ax: Axes | None = None, *, split: str = "test") -> Axes:
    """Draw each signal's accuracy with its interval and controls, a row each; lines are what needs no network."""
    ax = new_axes((4.6, 2.9)) if ax is None else ax
    signals = sorted(found.signals, key=lambda s: rank(s.signal))
    marked: set[str] = set()
    for row, s in enumerate(signals):
        score = on_split(s.accuracy, split)
        if score is None:
            continue
        colour = signal_colour(s.signal)
        ax.errorbar(score.value, row, xerr=_reach(score), fmt="o", color=colour, markersize=5, capsize=3)
        for field, mark, name in _CONTROLS:
            control = on_split(getattr(s.controls, field), split)
            if control is not None and np.isfinite(control.value):
                label = None if name in marked else name
                marked.add(name)
                ax.plot(control.value, row, mark, color=ink(ax), fillstyle="none", markersize=5, label=label)
    there = {b.name: on_split(b.scores, split) for b in found.baselines}
    for name, style, words in _LINES:
        line = there.get(name)
        if line is not None:
            ax.axvline(line.value, color=GREY, linewidth=1.0, linestyle=style, label=words)
    ax.set_yticks(range(len(signals)), [signal_name(s.signal, s.layer) for s in signals])
    ax.set(ylim=(len(signals) - 0.4, -0.6), xlabel="accuracy")
    ax.set_xlim(right=min(1.005, ax.get_xlim()[1]))
    ax.legend(loc="lower center", bbox_to_anchor=(0.38, 1.0), ncols=3, handletextpad=0.4, columnspacing=1.0)
    return ax


def plot_differences(found: PartOfSpeech, ax: Axes | None = None, *, split: str = "test") -> Axes:
    """Draw accuracy of one signal less that of another with its paired interval, and the same untrained."""
    ax = new_axes((4.6, 2.0)) if ax is None else ax
    names = []
    for row, d in enumerate(found.differences):
        names.append(f"{signal_name(d.signal, d.layer)} −\n{signal_name(d.minus)}")
        score, bare = on_split(d.scores, split), on_split(d.untrained, split)
        if score is not None:
            colour = signal_colour(d.signal)
            ax.errorbar(
                100 * score.value, row, xerr=100 * _reach(score), fmt="o", color=colour, markersize=5, capsize=3,
                label=None if row else "trained",
            )  # fmt: skip
        if bare is not None:
            ax.errorbar(
                100 * bare.value, row, xerr=100 * _reach(bare), fmt="D", color=GREY, markersize=4, fillstyle="none",
                capsize=2, elinewidth=0.9, label=None if row else "untrained",
            )  # fmt: skip
    ax.axvline(0, color=ink(ax), linewidth=0.7)
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.4, -0.6), xlabel="difference in accuracy, points of 100")
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    return ax


def _reach(score: Score) -> np.ndarray:
    ends = np.array([[score.value - score.low], [score.high - score.value]])
    return np.asarray(np.nan_to_num(np.maximum(ends, 0), nan=0.0))
