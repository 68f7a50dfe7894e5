"""Two pictures of counting: what the counters hold along one string, and the machine as a table of moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from naibu.data.formal.counted import Counted, Language
from naibu.papers.mochihashi2019.counter_machine import Machine
from naibu.papers.mochihashi2019.counter_training import Counter
from naibu.reporting.plots.canvas import BLUE, GREEN, ORANGE, VERMILLION, ink, new_axes

COLOURS = (VERMILLION, BLUE, GREEN, ORANGE)
MARKS = ("o", "s", "^", "D")


def plot_counters(
    cells: NDArray[Any], counts: NDArray[Any], units: Sequence[int], title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw the cells of the counting units along a string, and as marks what the machine counts on its own.

    cells, counts: [step counter]. Where a unit is not set to a whole number at the start, its line runs beside its
    marks by a constant; it is the steps that are whole numbers.
    """
    ax = new_axes((5, 3)) if ax is None else ax
    some = np.linspace(0, len(cells) - 1, min(len(cells), 25)).round().astype(int)
    ax.axhline(0, color=ink(ax), linewidth=0.6, linestyle=":")
    for number, unit in enumerate(units):
        colour, mark = COLOURS[number % 4], MARKS[number % 4]
        ax.plot(cells[:, number], color=colour, label=f"cell {unit}")
        ax.plot(some, counts[some, number], mark, color=colour, markersize=3.5, fillstyle="none")
    ax.set(xlabel="symbols read", ylabel="cell (line), machine's count (mark)", title=title)
    ax.legend(loc="best")
    return ax


def draw_counters(figure: Figure, model: Counter, machine: Machine, shown: Sequence[Counted]) -> None:
    """Draw a panel for the first string of each."""
    axes: Any = figure.subplots(1, len(shown), squeeze=False)[0]
    for ax, strings in zip(axes, shown, strict=True):
        with torch.no_grad():
            cells = model.watched(torch.from_numpy(strings.ids), "cell")[1]["cell"].numpy()
        _, counts = machine.run(strings)
        steps = int(strings.there[:, 0].sum())
        held = cells[:steps, 0][:, list(machine.units)]
        plot_counters(held, counts[:steps, 0], machine.units, f"{steps} symbols", ax)


def spelled(machine: Machine, language: Language) -> tuple[list[str], list[list[str]]]:
    """Return the machine as header and rows: symbol read, each counter before, what it does, what is possible then.

    A count at the width is written with an inequality, because it stands for all beyond. Where the same move can lead
    to counts that allow different symbols, each is given with the counts after the move ("ED at 0; c at ≥1").
    """
    said: dict[tuple[int, tuple[int, ...]], int] = {(s, counts): bits for s, counts, bits in machine.possible}
    header = ["reading", *(f"cell {unit}" for unit in machine.units), "each then", "possible next"]
    rows = []
    for move in machine.moves:
        acts = [_act(f, u) for f, u in zip(move.forget, move.update, strict=True)]
        then: dict[str, list[str]] = {}
        for counts in _after(machine, move.counts, move.forget, move.update):
            bits = said.get((move.symbol, counts))
            if bits is not None:
                names = ", ".join(name for s, name in enumerate(language.symbols) if bits >> s & 1)
                where = " ".join(_near(count, machine.width).replace(" ", "") for count in counts)
                then.setdefault(names, []).append(where)
        one = len(then) == 1
        possible = "; ".join(names if one else f"{names} at {' or '.join(at)}" for names, at in then.items())
        before = [_near(count, machine.width) for count in move.counts]
        rows.append([language.symbols[move.symbol], *before, ", ".join(acts), possible])
    return header, rows


def draw_machine(figure: Figure, machine: Machine, language: Language, title: str) -> None:
    """Draw the machine as a table."""
    ax = figure.subplots()
    header, rows = spelled(machine, language)
    ax.set_axis_off()
    ax.set_title(title)
    table = ax.table(rows, colLabels=header, loc="upper center", cellLoc="center")
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    table.auto_set_column_width(list(range(len(header))))
    for cell in table.get_celld().values():
        cell.set_linewidth(0.3)


def _act(forget: int, update: int) -> str:
    return f"{update:+d}" if forget and update else "keep" if forget else f":= {update}"


def _near(count: int, width: int) -> str:
    return f"≥ {width}" if count >= width else f"≤ {-width}" if count <= -width else str(count)


def _after(
    machine: Machine, counts: tuple[int, ...], forget: tuple[int, ...], update: tuple[int, ...]
) -> list[tuple[int, ...]]:
    """Return the cut counts that the move may lead to: one at the width may stand for any beyond it."""
    found: list[tuple[int, ...]] = [()]
    for count, f, u in zip(counts, forget, update, strict=True):
        real = [count] if abs(count) < machine.width else [count, count + (1 if count > 0 else -1)]
        ways = sorted({max(-machine.width, min(machine.width, f * one + u)) for one in real})
        found = [(*head, way) for head in found for way in ways]
    return found
