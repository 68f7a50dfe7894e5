"""What all results share: a short word of themselves, a table, a plot."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from naibu.errors import OptionError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, str | int | float | None]
PLOTS: dict[str, tuple[str, str]] = {
    "Correlation": ("naibu.reporting.plots.units:plot_correlation", ""),
    "Trajectories": ("naibu.reporting.plots.units:plot_trajectory", ""),
    "Overlap": ("naibu.reporting.plots.units:plot_overlap", "signals"),
    "Confusion": ("naibu.reporting.plots.prediction:plot_confusion", ""),
    "Regression": ("naibu.reporting.plots.probing:plot_regression", "[]"),
    "L1Path": ("naibu.reporting.plots.probing:plot_l1_path", ""),
    "Distributions": ("naibu.reporting.plots.distributions:plot_distribution", "signals"),
    "Timescales": ("naibu.reporting.plots.timescales:plot_timescales", "layers"),
    "PartOfSpeech": ("naibu.reporting.plots.part_of_speech:plot_telling", ""),
    "BracketPrediction": ("naibu.reporting.plots.bracket_prediction:plot_categories", ""),
    "Holding": ("naibu.reporting.plots.holding:plot_holding", ""),
    "Ternary": ("naibu.reporting.plots.ternary:plot_ternary", ""),
}
"""Result -> the function that draws it, and what of it: all, the first of a field, or all in a list."""
KINDS: dict[str, type[Any]] = {}
"""Every class of results by its name."""
SHOWN = 20
"""Rows of a table in a notebook."""


class Result:
    """A result: `table()`, `plot()`, and a short `repr`; `probes.save` and `probes.load` write and read it."""

    def __init_subclass__(cls) -> None:
        cls.__repr__ = Result.__repr__  # type: ignore[method-assign]  # before a dataclass makes one of its fields
        KINDS[cls.__name__] = cls

    def rows(self) -> list[Row]:
        """Return the numbers, one row for each."""
        raise NotImplementedError

    def table(self) -> Any:
        """Return the rows as a pandas data frame, where pandas is installed, else as a list of dictionaries."""
        try:
            pandas = importlib.import_module("pandas")
        except ModuleNotFoundError:
            return self.rows()
        return pandas.DataFrame(self.rows())

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the result, on axes of its own where none are given, and return them; `options` are the plot's own.

        Raises OptionError for a result that is a table only.
        """
        name = type(self).__name__
        if name not in PLOTS:
            raise OptionError(f"{name}: is not drawn, it is a table: .table(); drawn are {', '.join(PLOTS)}")
        where, what = PLOTS[name]
        module, _, function = where.partition(":")
        if ax is None and "matplotlib.pyplot" in sys.modules:  # so that a notebook shows it
            ax = sys.modules["matplotlib.pyplot"].subplots()[1]
        drawn: Any = [self] if what == "[]" else getattr(self, what)[0] if what else self
        found: Axes = getattr(importlib.import_module(module), function)(drawn, ax, **options)
        return found

    def __repr__(self) -> str:
        said = (f"{name}={getattr(self, name)!r}" for name in ("run", "label", "unit") if hasattr(self, name))
        calls = ".table()" + (", .plot()" if type(self).__name__ in PLOTS else "")
        return f"{type(self).__name__}({', '.join(said)}; {len(self.rows())} rows: {calls})"

    def _repr_html_(self) -> str:
        rows = self.rows()
        more = f"<p>{len(rows) - SHOWN} more rows: .table()</p>" if len(rows) > SHOWN else ""
        return f"<p><code>{escape(repr(self))}</code></p>{_html(rows[:SHOWN])}{more}"


def _html(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_shown(row.get(name, '')))}</td>" for name in names) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _shown(value: str | int | float | None) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
