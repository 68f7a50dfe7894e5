"""Plots of number agreement: how often the right verb is above the wrong one, by the nouns in between."""

from __future__ import annotations

from matplotlib.axes import Axes

from naibu.interventions.agreement_results import CHANCE, Agreement, Condition
from naibu.probes.results import Score
from naibu.reporting.plots.canvas import BLUE, GREEN, GREY, VERMILLION, ink, new_axes

_KINDS = {"none": (GREEN, "s", 0.0), "congruent": (BLUE, "o", -0.12), "incongruent": (VERMILLION, "D", 0.12)}
_NAMES = {
    "none": "no noun between",
    "congruent": "nouns between, same number",
    "incongruent": "nouns between, other number",
}


def plot_agreement(found: Agreement, ax: Axes | None = None) -> Axes:
    """Draw accuracy against the nouns in between, with intervals; crosses: the untrained network; dotted: chance.

    Whoever goes by the last noun alone is at 100 % in congruent sentences and at 0 in incongruent ones.
    """
    ax = new_axes((4.6, 3.0)) if ax is None else ax
    ax.axhline(CHANCE, color=ink(ax), linewidth=0.8, linestyle=":")
    shown = False
    for kind, (colour, mark, aside) in _KINDS.items():
        some = sorted((c for c in found.conditions if c.kind == kind and c.attractors is not None), key=_place)
        if not some:
            continue
        places = [_place(c) + aside for c in some]
        values = [c.accuracy.value for c in some]
        ax.errorbar(
            places, values, yerr=_reach([c.accuracy for c in some]), fmt=f"{mark}-", color=colour, markersize=5,
            capsize=3, linewidth=1.0, label=_NAMES[kind],
        )  # fmt: skip
        bare = [(x, c.untrained.value) for x, c in zip(places, some, strict=True) if c.untrained is not None]
        if bare:
            ax.plot(*zip(*bare, strict=True), "x", color=GREY, markersize=5, label=None if shown else "untrained")
            shown = True
    most = max((_place(c) for c in found.conditions), default=0)
    ax.set_xticks(range(most + 1))
    ax.set(xlabel="nouns between subject and verb", ylabel="right verb above the wrong one")
    ax.set(ylim=(-0.03, 1.03), xlim=(-0.4, most + 0.4))
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    ax.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2, columnspacing=1.2, handletextpad=0.5)
    return ax


def _place(condition: Condition) -> int:
    return condition.attractors or 0


def _reach(scores: list[Score]) -> list[list[float]]:
    return [[max(s.value - s.low, 0.0) for s in scores], [max(s.high - s.value, 0.0) for s in scores]]
