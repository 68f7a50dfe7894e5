"""Cell and gates of a solved network along one test sequence: kept beside the trials, drawn for the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from naibu.errors import StoredError
from naibu.online.trials import Trace
from naibu.reporting.plots.canvas import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, new_axes
from naibu.storage import read_json, write_json

ORDER = ("input", "input_gate", "forget_gate", "output_gate", "candidate", "cell", "hidden", "output", "target")
WORDS = {
    "input": "input",
    "input_gate": "input gate",
    "forget_gate": "forget gate",
    "output_gate": "output gate",
    "candidate": "g(net)",
    "cell": "cell s",
    "hidden": "cell's output",
    "output": "output",
    "target": "target",
}
DRAWN = ("input", "input_gate", "forget_gate", "output_gate", "cell", "output")
COLOURS = (VERMILLION, BLUE, GREEN, ORANGE, PURPLE, GREY)
SYMBOLS_SHOWN = 70


def path_of(folder: Path, settings: str) -> Path:
    """Return where the trace of a row's trials lies."""
    return folder / f"{settings}.trace.json"


def write(path: Path, trace: Trace, number: int) -> None:
    """Write a trace of the trial of that number; values to four digits."""
    signals = {name: [[float(f"{x:.4g}") for x in step] for step in values] for name, values in trace.signals.items()}
    found = {"words": trace.words, "trial": number, "ticks": list(trace.ticks), "marks": list(trace.marks)}
    write_json(path, {**found, "signals": signals})


def read(path: Path) -> tuple[Trace, int]:
    """Return a trace and its trial's number. Raises StoredError where it is damaged."""
    found = read_json(path, "a trace of a solved trial")
    try:
        signals = {name: np.array(values, np.float32) for name, values in found["signals"].items()}
        if any(values.ndim != 2 for values in signals.values()):
            raise ValueError("signals are [time unit]")
        return Trace(found["words"], signals, found["ticks"], [int(k) for k in found["marks"]]), int(found["trial"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoredError(f"{path}: not a trace ({error}); remove it and the trials beside it") from None


def drawn_signals(trace: Trace) -> list[str]:
    """Return the signals that are drawn, in the order in which they stand under each other."""
    return [name for name in DRAWN if name in trace.signals and not (name == "input" and trace.ticks)]


def height(trace: Trace) -> float:
    """Return how many inches high the drawing should be."""
    return 0.55 + 0.85 * len(drawn_signals(trace))


def plot_trace(trace: Trace, ax: Axes | None = None) -> Axes:
    """Draw the signals of a trace under each other over the steps, a line for each unit; marked steps are shaded.

    The axes given make room for a panel for each signal; those of the lowest panel are returned.
    """
    ax = new_axes((7.3, height(trace))) if ax is None else ax
    figure = ax.figure
    assert isinstance(figure, Figure)
    spec = ax.get_subplotspec()
    assert spec is not None
    ax.set_visible(False)
    names = drawn_signals(trace)
    rooms = spec.subgridspec(len(names), 1)
    panels = [figure.add_subplot(rooms[k]) for k in range(len(names))]
    time = len(trace.signals[names[0]])
    for panel, name in zip(panels, names, strict=True):
        panel.set_xlim(-0.5, time - 0.5)
        values = np.asarray(trace.signals[name])
        for mark in trace.marks:
            panel.axvspan(mark - 0.5, mark + 0.5, color=GREY, alpha=0.3, linewidth=0)
        if name == "input" and _one_hot(values):
            there = values.any(axis=1)
            panel.plot(np.flatnonzero(there), values[there].argmax(axis=1), ".", color=BLUE, markersize=3)
        else:
            for unit in range(values.shape[1]):
                panel.plot(values[:, unit], color=COLOURS[unit % len(COLOURS)], linewidth=1.1)
        if name.endswith("_gate"):
            panel.set_ylim(-0.05, 1.05)
        panel.set_ylabel(WORDS.get(name, name), rotation=0, ha="right", va="center")
        panel.tick_params(axis="x", length=0, labelbottom=panel is panels[-1])
    last = panels[-1]
    if trace.ticks and time <= SYMBOLS_SHOWN:
        last.set_xticks(range(time), list(trace.ticks))
    else:
        last.set_xlabel("step")
    return last


def _one_hot(values: NDArray[np.float32]) -> bool:
    """Return whether each step has one of several inputs at 1, or none, so that its number says all."""
    return values.shape[1] > 2 and bool(np.isin(values, (0, 1)).all() and (values.sum(axis=1) <= 1).all())
