"""The table of the L1 sweep, for the terminal and for a README."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from naibu.papers.mochihashi2019.line import number
from naibu.papers.runner import Figures, Reproduced
from naibu.reporting.numbers import MISSING, count, share
from naibu.reporting.numbers import number as written

NOTE = """On sequences that do not occur in training, one seed. States: different rounded cells after the symbols read
so far, of as many as there are different beginnings. In use: units whose cell is ever far from 0. Whole: updates of
those units within a tenth of a whole number."""
HEAD = (
    "L1 term",
    "perplexity",
    "ED recall, precision",
    "best cell with depth, r (untrained)",
    "R², all cells (untrained)",
    "units in use",
    "states of histories",
    "whole",
)


def as_markdown(rows: Sequence[Reproduced]) -> str:
    """Return the table and what its columns mean."""
    lines = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    lines += [f"| {' | '.join(_cells(row))} |" for row in rows]
    return "\n".join([*lines, "", NOTE]) + "\n"


def for_terminal(rows: Sequence[Reproduced]) -> Table:
    """Return the same as a table of rich."""
    table = Table(title="An L1 term on text: what it costs, and how discrete the network becomes", title_justify="left")
    for name in HEAD:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in _cells(row)))
    return table


def _cells(row: Reproduced) -> list[str]:
    found = row.obtained
    recall = f"{share(number(found, 'ends_found'))}, {share(number(found, 'ends_right'))}"
    states = f"{count(number(found, 'states'))} of {count(number(found, 'histories'))}"
    whole = share(number(found, "whole_in_use"))
    use = f"{number(found, 'in_use'):.0f} of {number(found, 'units'):.0f}"
    depth, linear = (_against(found, name) for name in ("depth_r", "depth_r2"))
    return [row.row, _interval(found, "perplexity"), recall, depth, linear, use, states, whole]


def _interval(found: Figures, name: str) -> str:
    low, high = (written(number(found, f"{name}_{end}")) for end in ("low", "high"))
    text = written(number(found, name))
    return text if MISSING in (low, high) else f"{text} [{low}, {high}]"


def _against(found: Figures, name: str) -> str:
    return f"{_interval(found, name)} ({written(number(found, f'{name}_untrained'))})"
