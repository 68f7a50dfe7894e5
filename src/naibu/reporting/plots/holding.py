"""Plots of an intervention: a number before, with a unit held, and with random units held."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.axes import Axes

from naibu.interventions.results import Effect, Holding
from naibu.probes.results import Score
from naibu.reporting.numbers import number, share
from naibu.reporting.plots.canvas import BLUE, GREEN, GREY, VERMILLION, ink, new_axes
from naibu.reporting.words import on_split, signal_name

NAMES = {
    "end_recall": "ends of sequence foreseen",
    "accuracy": "accuracy",
    "loss": "loss (nats a place)",
}
_COLOURS = {"before": BLUE, "held": VERMILLION, "random": GREY, "gates": GREEN}
_MARKS = {"before": "o", "held": "D", "random": "o", "gates": "s"}


def plot_holding(
    holding: Holding, ax: Axes | None = None, *, statistic: str = "end_recall", split: str = "test"
) -> Axes:
    """Draw one statistic under each intervention, a row each with its interval; random draws share a row of dots."""
    ax = new_axes((4.5, 2.5)) if ax is None else ax
    rows: list[str] = []
    for effect in (*holding.of("before"), *holding.of("held")):
        _row(ax, rows, _name(holding, effect), [effect], statistic, split)
    random = holding.of("random")
    if random:
        _row(ax, rows, f"random units\ninstead, {len(random)} draws", random, statistic, split)
    for effect in holding.of("gates"):
        _row(ax, rows, _name(holding, effect), [effect], statistic, split)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel(NAMES.get(statistic, statistic.replace("_", " ")))
    if statistic == "loss":
        ax.set_xlim(left=0)
    else:
        ax.set_xlim(-0.03, 1.03)
        ax.set_xticks(np.linspace(0, 1, 6), [f"{x:.0%}" for x in np.linspace(0, 1, 6)])
    ax.grid(axis="x", color=ink(ax), alpha=0.12, linewidth=0.6)
    return ax


def plot_proof(holding: Holding, ax: Axes | None = None, *, statistic: str = "end_recall", split: str = "test") -> Axes:
    """Draw one statistic as bars: nothing held, the unit held, other units held (their mean, each a ring)."""
    ax = new_axes((3.6, 2.3)) if ax is None else ax
    kinds = [kind for kind in ("before", "held", "random") if holding.of(kind)]
    names = {
        "before": "nothing held",
        "held": f"unit {holding.unit} held",
        "random": f"{len(holding.of('random'))} others held,\none at a time",
    }
    scores = {kind: [on_split(getattr(e, statistic), split) for e in holding.of(kind)] for kind in kinds}
    values = {kind: [s.value for s in found if s is not None] for kind, found in scores.items()}
    heights = [float(np.mean(values[kind])) if values[kind] else 0.0 for kind in kinds]
    ax.bar(range(len(kinds)), heights, width=0.62, color=[_COLOURS[kind] for kind in kinds], alpha=0.85)
    shares = statistic != "loss"
    for place, (kind, height) in enumerate(zip(kinds, heights, strict=True)):
        if kind == "random":
            ax.plot([place] * len(values[kind]), values[kind], "o", color=ink(ax), fillstyle="none", markersize=4)
        text = share(height) if shares else number(height)
        ax.annotate(text, (place, height), (0, 3), textcoords="offset points", ha="center", fontsize=10)
    ax.set_xticks(range(len(kinds)), [names[kind] for kind in kinds])
    if shares:
        ax.set_ylim(0, 1.12)
        ax.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    ax.set_ylabel("ends of sequence foreseen" if shares else NAMES["loss"])
    return ax


def _row(ax: Axes, rows: list[str], name: str, effects: list[Effect], statistic: str, split: str) -> None:
    place = len(rows)
    rows.append(name)
    kind = effects[0].kind
    colour, mark = _COLOURS.get(kind, GREY), _MARKS.get(kind, "o")
    scores = [score for effect in effects if (score := on_split(getattr(effect, statistic), split)) is not None]
    # Random draws are drawn as rings that overlap; each has an interval in the table.
    full = "none" if kind == "random" else "full"
    ax.plot(
        [s.value for s in scores],
        [place] * len(scores),
        mark,
        color=colour,
        fillstyle=full,
        markersize=5.5,
        clip_on=False,
    )
    if len(scores) == 1:
        ax.plot(_interval(scores[0]), [place, place], color=colour, linewidth=2, alpha=0.6)


def _interval(score: Score) -> list[float]:
    return [score.low, score.high]


def _name(holding: Holding, effect: Effect) -> str:
    if effect.kind == "before":
        return "nothing held"
    if effect.kind == "held" and effect.units == (holding.unit,):
        return f"unit {holding.unit} of the\n{signal_name(holding.signal, holding.layer)} held"
    return textwrap.fill(effect.what.partition(":")[0], 18)  # the table has the rest
