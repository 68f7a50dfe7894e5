"""The plot of what a conditional random field adds where one tag follows another."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from naibu.probes.transitions import Transitions
from naibu.reporting.plots.canvas import BLUE, GREY, VERMILLION, ink, new_axes, tinted
from naibu.reporting.words import shortened

WITH_NUMBERS = 10  # tags up to which the score stands in each field
BEHIND_NUMBERS = 0.7  # of the darkest colour, so that the numbers stay readable on it
FORBIDDEN = 0.25  # of grey


def plot_transitions(transitions: Transitions, ax: Axes | None = None) -> Axes:
    """Draw the score of each tag (column) behind each other (row): blue is added, vermillion taken away, grey is
    forbidden."""
    ax = new_axes((6.0, 6.0)) if ax is None else ax
    scores = transitions.scores
    there = ~np.isnan(scores)
    few = max(scores.shape) <= WITH_NUMBERS
    most = float(np.abs(scores[there]).max()) if there.any() else 1.0
    strength = np.where(there, scores, 0.0) / (most or 1.0) * (BEHIND_NUMBERS if few else 1.0)
    image = np.where((strength > 0)[..., None], tinted(strength, BLUE), tinted(-strength, VERMILLION))
    ax.imshow(np.where(there[..., None], image, tinted(np.full(scores.shape, FORBIDDEN), GREY)), interpolation="none")
    ax.set_xticks(np.arange(len(transitions.after)), [shortened(name) for name in transitions.after], rotation=90)
    ax.set_yticks(np.arange(len(transitions.before)), [shortened(name) for name in transitions.before])
    ax.tick_params(length=0)
    ax.set(xlabel="follows", ylabel="tag")
    ax.spines[:].set_visible(True)
    for (row, column), value in np.ndenumerate(scores):
        if few and not np.isnan(value):
            ax.text(column, row, f"{value:.1f}", ha="center", va="center", color=ink(ax), fontsize=7)
    return ax
