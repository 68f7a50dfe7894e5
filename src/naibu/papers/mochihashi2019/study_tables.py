"""The study's lines as tables: for the terminal, for a README, and for the page."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table as RichTable
from rich.text import Text

from naibu.papers.mochihashi2019.line import number
from naibu.papers.mochihashi2019.questions import TABLES
from naibu.papers.runner import Figures, Reproduced
from naibu.reporting.numbers import MISSING, share
from naibu.reporting.numbers import number as written

SHARES = ("ED recall", "accuracy", "recall", "share")
"""Statistics that are shares, by how their name begins: written as per cent."""
NOTE = """Chosen and fitted on training sequences, scored on test sequences that do not occur in training; brackets
after a number are its 95 % interval from resampling whole sentences. A control is the same number where there is
nothing to find. Verdicts compare with the document's words or numbers, which are of other data."""
HEAD = ("network", "number", "document", "obtained", "control", "verdict")


def cells(row: Reproduced) -> tuple[str, ...]:
    """Return a line's cells: network, number, what the document says, ours with its interval, control, verdict."""
    found, write = row.obtained, share if is_share(row.obtained) else written
    value = row.published.get("value")
    claim = str(row.published.get("claim", ""))
    said = f"{claim} {write(float(value))}" if isinstance(value, (int, float)) else claim
    low, high = (write(number(found, name)) for name in ("low", "high"))
    interval = "" if low == MISSING else f" [{low}, {high}]"
    obtained = f"{value_of(row)}{interval}{_more(found)}"
    control = "" if found.get("control") is None else f"{write(number(found, 'control_value'))} ({_control(found)})"
    return row.row, str(found["statistic"]), said.strip() or MISSING, obtained, control or MISSING, row.verdict


def value_of(row: Reproduced) -> str:
    """Return a line's number as it is written."""
    return (share if is_share(row.obtained) else written)(number(row.obtained, "value"))


def is_share(found: Figures) -> bool:
    """Return whether a statistic is a share of 1, written as per cent."""
    return str(found.get("statistic", "")).startswith(SHARES)


def _more(found: Figures) -> str:
    """Return what belongs to a number: its unit or units, the precision of a recall, where else it is scored."""
    parts = [f"unit {found['unit']}"] if found.get("unit") is not None else []
    parts += [f"{found['units']} unit{'' if found['units'] == 1 else 's'}"] if found.get("units") is not None else []
    parts += [f"at {number(found, 'level'):.2f}"] if found.get("level") is not None else []
    if is_share(found):
        named = (("precision", "precision"), ("before", "before"), ("refitted", "fitted again"))
        parts += [f"{words} {share(number(found, name))}" for name, words in named if found.get(name) is not None]
    elif found.get("before") is not None:
        parts.append(f"before {written(number(found, 'before'))}")
    parts += [str(found["split"])] if found["split"] not in ("unseen", "test") else []
    return f" ({', '.join(parts)})" if parts else ""


def _control(found: Figures) -> str:
    precision = found.get("control_precision")
    more = "" if precision is None else f", precision {share(number(found, 'control_precision'))}"
    return f"{found['control']}{more}"


def applying(rows: Sequence[Reproduced], title: str) -> list[Reproduced]:
    """Return the rows of one table whose probe applied."""
    return [row for row in rows if row.table == title and isinstance(row.obtained.get("value"), float)]


def for_terminal(rows: Sequence[Reproduced]) -> list[RichTable]:
    """Return a table of rich for each question that there are numbers for."""
    tables = []
    for about in TABLES:
        own = applying(rows, about.title)
        if not own:
            continue
        table = RichTable(title=about.title, title_justify="left")
        for name in HEAD:
            table.add_column(name, overflow="fold")
        for row in own:
            table.add_row(*(Text(cell) for cell in cells(row)))
        tables.append(table)
    return tables


def as_markdown(rows: Sequence[Reproduced]) -> str:
    """Return the tables ready for a README."""
    parts = []
    for about in TABLES:
        own = applying(rows, about.title)
        if own:
            lines = [f"**{about.title}** {about.says}", "", f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
            parts.append("\n".join([*lines, *(f"| {' | '.join(map(_escaped, cells(row)))} |" for row in own)]))
    return "\n\n".join(parts) + "\n"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
