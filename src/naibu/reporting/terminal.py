"""The main numbers of a report as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from naibu.probes.results import Scores
from naibu.reporting.content import Report
from naibu.reporting.numbers import MISSING, number, share, with_interval

if TYPE_CHECKING:
    from rich.table import Table


def summary_table(report: Report) -> Table:
    """Return the main numbers as a table of rich: a row per number, a column per network."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(report.title), title_justify="left")
    table.add_column("")
    for part in report.parts:
        table.add_column(Text(part.subject.name), overflow="fold")
    for name in _in_order(report):
        cells = [part.lines.get(name, MISSING) for part in report.parts]
        table.add_row(name, *(Text(cell) for cell in cells))  # Text: a symbol like [b] is no markup
    return table


def _in_order(report: Report) -> list[str]:
    """Return the names of all lines; what one network alone has stands where it stands there."""
    order: list[str] = []
    for part in report.parts:
        place = 0
        for name in part.lines:
            if name not in order:
                order.insert(place, name)
            place = order.index(name) + 1
    return order


def scores_table(title: str, heads: Sequence[str], rows: Iterable[tuple[str, Sequence[Scores | None]]]) -> Table:
    """Return scores on all test sequences as a table of rich: a row for each name, its scores with their intervals."""
    from rich.table import Table

    table = Table(*heads, title=title, title_justify="left")
    for name, scores in rows:
        cells = ("-" if s is None else f"{s.test.value:.4f} [{s.test.low:.4f}, {s.test.high:.4f}]" for s in scores)
        table.add_row(name, *cells)
    return table


def on_both(scores: Scores | None, as_share: bool = False) -> str:
    """Return a score on all test sequences and, with its interval, on the unseen of them, as one cell."""
    if scores is None:
        return MISSING
    if scores.unseen is None:
        return with_interval(scores.test, as_share)
    test = share(scores.test.value) if as_share else number(scores.test.value)
    return f"{test} / {with_interval(scores.unseen, as_share)}"
