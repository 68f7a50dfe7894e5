"""Plots of single units against a label: all units ranked, the best one's values, its course, its overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from naibu.data.examples import Column
from naibu.probes.results import Correlation, SignalCorrelation, SignalOverlap, Trajectories, Trajectory
from naibu.probes.source import Key
from naibu.probes.trajectories import symbol_name
from naibu.recording.recording import Recording
from naibu.reporting.plots.canvas import BLUE, GREY, ORANGE, VERMILLION, ink, new_axes, signal_colour, tinted
from naibu.reporting.words import label_name, shortened, signal_name

WITH_SYMBOLS = 60  # steps up to which each symbol stands along the axis
_STYLES = {"hidden": (0, (4, 1.5))}


def plot_correlation(
    correlation: Correlation, ax: Axes | None = None, *, signals: Sequence[SignalCorrelation] | None = None
) -> Axes:
    """Draw |r| of every unit with the label on training rows, largest first, a line per signal.

    `signals` are those of the result to draw, all by default. Dotted lines are what position alone and an
    untrained network reach, for the first signal drawn.
    """
    ax = new_axes() if ax is None else ax
    signals = correlation.signals if signals is None else signals
    for s in signals:
        ranked = np.sort(np.abs(s.train_pearson))[::-1]
        style = _STYLES.get(s.signal, "-")
        name = signal_name(s.signal, s.layer)
        rank = np.arange(1, len(ranked) + 1)
        ax.plot(rank, ranked, color=signal_colour(s.signal), linestyle=style, label=name)
        ax.plot(1, ranked[0], "o", color=signal_colour(s.signal), markersize=4, clip_on=False)
    if signals:
        _control_lines(ax, signals[0])
    ax.set(
        ylim=(0, 1.02), xlabel="units, most correlated first", ylabel=f"|r| with the {label_name(correlation.label)}"
    )
    ax.set_xlim(1, max([2, *(len(s.train_pearson) for s in signals)]))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=2))
    if len(signals) > 1:
        ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=2)
    else:
        ax.set_title("".join(signal_name(s.signal, s.layer) for s in signals))
    return ax


def _control_lines(ax: Axes, signal: SignalCorrelation) -> None:
    controls = signal.pearson_controls
    named = ((controls.untrained, "untrained", "--"), (controls.position, "position", ":"))
    found = [(abs(s.test.value), name, style) for s, name, style in named if s is not None]
    found = sorted(line for line in found if np.isfinite(line[0]))
    for place, (height, name, style) in enumerate(found):
        below = place == 0 and len(found) > 1  # the lower line's name under it, so that the two never meet
        ax.axhline(height, color=GREY, linewidth=0.9, linestyle=style)
        ax.annotate(
            name,
            (1, height),
            (-1, -1.5 if below else 1.5),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="top" if below else "bottom",
            color=GREY,
            fontsize=7,
        )


def plot_association(signal: SignalCorrelation, ax: Axes | None = None, *, label: str = "label") -> Axes:
    """Draw the best unit's values for each value of the label: darker where more tokens lie, with their mean."""
    ax = new_axes() if ax is None else ax
    found = signal.association
    counts = np.asarray(found.counts, np.float64)
    strength = np.log1p(counts) / max(np.log1p(counts.max()), 1e-12)
    strength = np.where(counts > 0, 0.12 + 0.88 * strength, 0)  # a single token is still seen
    places = np.arange(len(found.label_values))
    extent = (-0.5, len(places) - 0.5, float(found.edges[0]), float(found.edges[-1]))
    image = tinted(strength.T, signal_colour(signal.signal))
    ax.imshow(image, extent=extent, origin="lower", aspect="auto", interpolation="none")
    ax.plot(places, found.mean, color=ink(ax), linewidth=1.2, marker="o", markersize=2.5, label="mean")
    shown = places[:: max(1, -(-len(places) // 10))]
    ax.set_xticks(shown, [f"{found.label_values[k]:.4g}" for k in shown])
    ax.set(xlabel=label_name(label), ylabel="value of the unit")
    ax.set_title(f"unit {signal.pearson_unit} of the {signal_name(signal.signal, signal.layer)}")
    return ax


def plot_trajectory(
    trajectories: Trajectories, ax: Axes | None = None, *, sequence: int = 0, unit: int = 0, falling: bool = False
) -> Axes:
    """Draw one unit over one sequence, the label as steps behind it on an axis of its own at the right.

    `sequence` and `unit` are places in the result. `falling` turns the label's axis over, for a unit that
    falls as the label rises.
    """
    ax = new_axes((7.3, 2.1)) if ax is None else ax
    course = trajectories.sequences[sequence]
    steps = np.arange(len(course.symbols))
    behind = _steps(trajectories, course, ax, falling) if trajectories.label else None
    colour = signal_colour(trajectories.signal)
    few = len(steps) <= WITH_SYMBOLS
    ax.plot(steps, course.values[:, unit], color=colour, marker="o" if few else None, markersize=2.5)
    ax.set_ylabel(
        f"unit {trajectories.units[unit]}\n{signal_name(trajectories.signal, trajectories.layer)}", color=colour
    )
    ax.set_xlim(-0.5, len(steps) - 0.5)
    if behind is not None:
        ax.set_zorder(behind.get_zorder() + 1)
    if few and any(course.symbols):
        ax.set_xticks(steps, [shortened(s, 12) for s in course.symbols], rotation=90, fontsize=7)
        ax.tick_params(axis="x", length=2)
    else:
        ax.set_xlabel("places read")
    return ax


def _steps(trajectories: Trajectories, course: Trajectory, ax: Axes, falling: bool) -> Axes:
    """Draw the label as steps, on an axis of its own, and return that."""
    behind = ax.twinx()
    behind.step(
        np.arange(len(course.symbols)),
        course.label,
        where="mid",
        color=GREY,
        linewidth=3,
        alpha=0.5,
        label=label_name(trajectories.label),
    )
    behind.set_ylabel(label_name(trajectories.label) + (", downwards" if falling else ""), color=GREY)
    behind.tick_params(axis="y", colors=GREY)
    behind.spines["right"].set(visible=True, color=GREY)
    behind.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    if falling:
        behind.invert_yaxis()
    return behind


def plot_overlap(
    signal: SignalOverlap, ax: Axes | None = None, *, label: str = "label", values: Sequence[str] = ("0", "1")
) -> Axes:
    """Draw the chosen unit's histogram for each of the label's two values, and shade what they share.

    Bins stand side by side at equal width whatever their range, so that the shaded area is the overlap.
    """
    ax = new_axes() if ax is None else ax
    counts = np.asarray(signal.counts, np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    bins = np.arange(counts.shape[1] + 1)
    ax.stairs(shares.min(axis=0), bins, fill=True, color=ORANGE, alpha=0.5, label="shared")
    for row, colour, style in ((0, BLUE, (0, (4, 1.5))), (1, VERMILLION, "-")):
        ax.stairs(
            shares[row], bins, color=colour, linestyle=style, linewidth=1.3, label=_value_name(label, values, row)
        )
    shown = np.unique(np.linspace(0, len(bins) - 1, 6).round().astype(int))
    ax.set_xticks(shown, [_edge(signal.edges, k) for k in shown])
    ax.set(
        xlim=(0, len(bins) - 1),
        ylabel="share of tokens",
        xlabel=f"value of unit {signal.unit} of the {signal_name(signal.signal, signal.layer)}",
    )
    ax.legend(loc="upper center")
    return ax


def _value_name(label: str, values: Sequence[str], row: int) -> str:
    if label.startswith("inside:") and tuple(values) == ("0", "1"):
        return label_name(label) if row else label_name(label).replace("inside", "not inside")
    return f"{label_name(label)}: {values[row]}"


def _edge(edges: np.ndarray, place: int) -> str:
    value = float(edges[min(place, len(edges) - 1)])
    return f"{value:.2g}".replace("-", "−") if np.isfinite(value) else ""


def plot_recorded(
    recording: Recording, ax: Axes | None = None, *, key: Key, unit: int, sequence: int = 0, label: str = ""
) -> Axes:
    """Draw one unit of a recording over one sequence, and where a label is named its steps behind, as a trajectory."""
    index = recording.index
    rows = slice(int(index.starts[sequence]), int(index.starts[sequence + 1]))
    symbols = tuple(symbol_name(index.symbols, number) for number in index.symbol[rows].tolist())
    known = index.label(label) if label else Column(np.zeros(len(index)))
    values = known.values[rows].astype(np.float64)
    course = Trajectory(sequence, bool(index.seen[rows.start]), symbols, values, recording[key][rows, [unit]])
    return plot_trajectory(Trajectories("", *key, (unit,), label, known.names or (), (course,)), ax)
