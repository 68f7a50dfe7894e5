"""Plots of networks whose units are matched one to one: how alike they are, trained and untrained."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from naibu.probes.matching_results import Matches, Matching
from naibu.reporting.numbers import number
from naibu.reporting.plots.canvas import GREY, VERMILLION, ink, new_axes, signal_colour, tinted


def plot_matching(found: Matching, ax: Axes | None = None, *, split: str = "test") -> Axes:
    """Draw the median |r| of matched units of every two networks: trained above the diagonal, untrained below it."""
    ax = new_axes((4.2, 3.6)) if ax is None else ax
    values = np.triu(found.medians(split=split), 1) + np.tril(found.medians(untrained=True, split=split), -1)
    np.fill_diagonal(values, np.nan)
    ax.imshow(tinted(np.nan_to_num(values) * 0.9, signal_colour(found.signal)), aspect="equal")
    for (a, b), value in np.ndenumerate(values):
        if np.isfinite(value):
            ax.text(b, a, f"{value:.2f}".removeprefix("0"), ha="center", va="center", color=ink(ax), fontsize=8)
    names = [name if len(name) <= 18 else f"…{name[-17:]}" for name in found.networks]
    ax.set_xticks(range(len(names)), names, rotation=35, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.plot([-0.5, len(names) - 0.5], [-0.5, len(names) - 0.5], color=ink(ax), linewidth=0.6)
    ax.set_title("median |r|: trained above, untrained below")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def plot_matched_curves(found: Matching, ax: Axes | None = None) -> Axes:
    """Draw |r| of matched units on test rows, largest first: a line for every two networks, trained and untrained.

    The marks are medians, over pairs of networks, of the median of a random one-to-one assignment.
    """
    ax = new_axes((4.6, 2.9)) if ax is None else ax
    of_kind = {
        "trained": [pair.trained for pair in found.pairs],
        "untrained": [pair.untrained for pair in found.pairs if pair.untrained is not None],
    }
    colours, styles = {"trained": VERMILLION, "untrained": GREY}, {"trained": "-", "untrained": "--"}
    for kind, all_matches in of_kind.items():
        for k, matches in enumerate(all_matches):
            curve = np.sort(np.abs(matches.r))[::-1]
            ax.plot(
                np.arange(1, len(curve) + 1), curve, styles[kind], color=colours[kind], linewidth=1.0,
                alpha=0.75, label=None if k else kind,
            )  # fmt: skip
        if all_matches:
            _random(ax, all_matches, colours[kind], kind)
    ax.set(xlabel="matched pairs of units, the most alike first", ylabel="|r| on test rows", ylim=(-0.02, 1.02))
    ax.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2, columnspacing=1.2, handletextpad=0.5)
    return ax


def _random(ax: Axes, matches: list[Matches], colour: str, kind: str) -> None:
    middle = float(np.median([m.random.test.value for m in matches]))
    name = f"random, {kind}: {number(middle)}"
    ax.plot(len(matches[0].r) / 2, middle, "D", color=colour, fillstyle="none", markersize=5, linestyle="", label=name)
