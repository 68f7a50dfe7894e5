"""The plot of where a network that translates looks, by the place in the translation."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from naibu.probes.attention import ALL, Attention
from naibu.reporting.plots.canvas import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, ink, new_axes

COLOURS = (VERMILLION, BLUE, GREEN, ORANGE, PURPLE)
MARKS = ("o", "s", "^", "D", "v")


def plot_attention_course(found: Attention, ax: Axes | None = None) -> Axes:
    """Draw the mean place in the source against the part of the translation, a line for each group with 95 %
    intervals; dotted, both sides word for word in the same order; dashed, the network before training."""
    ax = new_axes((4.6, 3.2)) if ax is None else ax
    ax.plot([0, 1], [0, 1], color=ink(ax), linewidth=0.8, linestyle=":", alpha=0.6)
    groups = [group for group in found.groups if group.group != ALL or len(found.groups) == 1]
    for number, group in enumerate(groups):
        count = len(group.course)
        at = (np.arange(count) + 0.5) / count + 0.012 * (number - (len(groups) - 1) / 2)
        values = np.array([score.value for score in group.course])
        ends = np.array([[score.value - score.low, score.high - score.value] for score in group.course]).T
        style: dict[str, Any] = {
            "color": COLOURS[number % 5],
            "marker": MARKS[number % 5],
            "markersize": 3.5,
            "capsize": 1.5,
        }
        dash = "-" if number < len(COLOURS) else (0, (4, 1.5))
        ax.errorbar(at, values, np.nan_to_num(np.maximum(ends, 0)), linestyle=dash, label=group.group, **style)
    bare = next((group.untrained for group in found.groups if group.group == ALL), None)
    if bare is not None:
        ax.axhline(bare.test.value, color=GREY, linestyle="--", linewidth=1.0, label="untrained")
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="place in the translation", ylabel="place in the source")
    words = ["beginning", "middle", "end"]
    ax.set_xticks([0, 0.5, 1], words)
    ax.set_yticks([0, 0.5, 1], words, rotation=90)
    for labels, first, last in (
        (ax.get_xticklabels(), {"ha": "left"}, {"ha": "right"}),
        (ax.get_yticklabels(), {"va": "bottom"}, {"va": "top"}),
    ):
        labels[0].set(**first)
        labels[-1].set(**last)
    for label in ax.get_yticklabels()[1:2]:
        label.set_verticalalignment("center")
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=4, handlelength=1.5, columnspacing=1.0)
    return ax
