"""What every object shows of itself in a notebook: one short line, the first rows of its table, a plot."""

from __future__ import annotations

import importlib
import sys
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, str | int | float | None]
SHOWN = 20
"""Rows of a table in a notebook."""


class Shown:
    """An object with a table: `rows()` are its numbers, `table()` a data frame of them; notebooks show the first."""

    @abstractmethod
    def rows(self) -> list[Row]:
        """Return the numbers, one row for each."""

    def table(self) -> Any:
        """Return the rows as a pandas data frame, where pandas is installed, else as a list of dictionaries."""
        try:
            pandas = importlib.import_module("pandas")
        except ModuleNotFoundError:
            return self.rows()
        return pandas.DataFrame(self.rows())

    def _repr_html_(self) -> str:
        rows = self.rows()
        more = f"<p>{len(rows) - SHOWN} more rows: .table()</p>" if len(rows) > SHOWN else ""
        return f"<p><code>{escape(repr(self))}</code></p>{_html(rows[:SHOWN])}{more}"


class Brief:
    """A dataclass that is part of others: its `repr` says the shape of an array, and of many values how many."""

    def __init_subclass__(cls) -> None:
        cls.__repr__ = Brief.__repr__  # type: ignore[method-assign]  # before the dataclass makes one of its fields

    def __repr__(self) -> str:
        values = {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]
        said = ", ".join(f"{name}={_brief(value)}" for name, value in values.items())
        return f"{type(self).__name__}({said})"


def drawn(where: str, what: Any, ax: Axes | None, **options: Any) -> Axes:
    """Draw something by the plot that lies at `module:function`, on axes of its own where none are given."""
    if ax is None and "matplotlib.pyplot" in sys.modules:  # so that a notebook shows it
        ax = sys.modules["matplotlib.pyplot"].subplots()[1]
    module, _, function = where.partition(":")
    found: Axes = getattr(importlib.import_module(module), function)(what, ax, **options)
    return found


def some(names: Iterable[str], most: int = 8) -> str:
    """Return names with commas between them, the first few where there are many."""
    every = list(names)
    return ", ".join([*every[:most], *([f"{len(every) - most} more"] if len(every) > most else [])])


def _brief(value: Any) -> str:
    if hasattr(value, "shape") and value.ndim:
        return f"array {list(value.shape)}"
    return f"{len(value)} values" if isinstance(value, tuple | list | str) and len(value) > 30 else repr(value)


def _html(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_shown(row.get(name, '')))}</td>" for name in names) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _shown(value: str | int | float | None) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
