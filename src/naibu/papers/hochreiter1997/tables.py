"""The published tables, for the terminal and for a README: each published row, ours under it, then today's LSTM."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from naibu.papers.hochreiter1997.rows import TODAY, Row, Table, all_rows, published
from naibu.papers.runner import Figures, Reproduced
from naibu.reporting.numbers import duration

TRIALS, SOLVED, SEQUENCES, MEDIAN, RANGE, TEST, TIME, VERDICT = range(8)
SHOWN = (TRIALS, SOLVED, SEQUENCES, TEST, TIME)
"""The columns for which the terminal has room."""
OURS = ("trials", "solved", "sequences", "median", "range", "test", "time", "verdict")
NOTE = (
    "Sequences, median and range: training sequences until the criterion was met, of the solved trials only. In "
    "brackets: 95 % intervals, of the success rate Wilson's, of a ratio of means one that counts both our trials and "
    "the paper's, taken to scatter as ours. test: wrong test sequences of a trial, mean. ? marks published figures "
    "that are implied, quoted by third parties or contradictory. time: the processor's."
)


class Line(NamedTuple):
    """A line of a table: its own columns, whose figures they are, the figures as text."""

    own: list[str]
    whose: str
    cells: list[str]


def lines_of(row: Row, found: Reproduced | None, label: str = "") -> list[Line]:
    """Return the published line and ours; ours alone for the row of today's LSTM. `label` names other settings."""
    name = "ours" if row.learner != TODAY else "today's LSTM"
    if row.network.get("forget_bias") == "chrono":
        name = "today's, chrono"
    own, blank = list(row.cells.values()), ["" for _ in row.cells]
    if row.of:  # what is departed from stands once, what is done otherwise beside each of ours
        own, blank = [own[0], ""], ["", own[1]]
        label = label or row.cells["departure"]
    whose = ": ".join(part for part in (name, label) if part)
    published_line = [Line(own, "published", _published(row))] if row.published else []
    if found is None:
        return [*published_line, Line(blank, whose, [*[""] * (len(OURS) - 1), "not run"])]
    return [*published_line, Line(blank, whose, _ours(row, found))]


def header(table: Table) -> list[str]:
    """Return the names of a table's columns."""
    two = any("first" in row.published for row in table.rows)
    return [*table.columns, "", *("ST1; ST2" if two and name == "sequences" else name for name in OURS)]


def grouped(rows: Sequence[Reproduced]) -> list[tuple[Table, list[tuple[Row, Reproduced]]]]:
    """Return the published tables that some of these rows are of, each with them."""
    known = {(row.table, row.row): row for row in all_rows()}
    found = []
    for table in published():
        mine = [(known[row.table, row.row], row) for row in rows if row.table == table.table]
        if mine:
            found.append((table, mine))
    return found


def for_terminal(rows: Sequence[Reproduced]) -> list[RichTable]:
    """Return a table for the terminal for each published one, the verdicts under it.

    The row's name stands for its own columns, and mean, median and range share one, so that 80 columns are enough.
    """
    shown = []
    for table, mine in grouped(rows):
        made = RichTable(
            title=f"{table.table}: {table.title}",
            title_justify="left",
            caption_justify="left",
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
        )
        named = list(_named(mine))
        kept = [place for place in SHOWN if place != TEST or any(line.cells[TEST] for _, line in named)]
        names = header(table)[-len(OURS) :]
        made.add_column("published, ours", min_width=15)
        for place in kept:
            made.add_column(names[place], no_wrap=place != TEST)
        for row, line in named:
            style = {"published": None, "ours": "bold"}.get(line.whose, "dim")
            name = (row.cells["row"] if row.of else row.row) if line.whose == "published" else f"  {line.whose}"
            made.add_row(name, *(_narrow(line.cells)[place] for place in kept), style=style)
        verdicts = [f"{row.row}: {found.verdict}" for row, found in mine if row.learner != TODAY]
        made.caption = Text("\n".join(verdicts))
        shown.append(made)
    return shown


def _named(rows: Sequence[tuple[Row, Reproduced]]) -> Iterator[tuple[Row, Line]]:
    """Yield the lines of a table, each with its row; a published line that several rows depart from only once."""
    before = None
    for row, found in rows:
        for line in lines_of(row, found):
            if not (row.of and line == before):
                yield row, line
            before = line if line.whose == "published" else before


def _narrow(cells: list[str]) -> list[str]:
    """Return the cells of a line with mean, median and range under each other."""
    median = f"median {cells[MEDIAN]}" if cells[MEDIAN] else ""
    found = cells.copy()
    found[SEQUENCES] = "\n".join(text for text in (cells[SEQUENCES], median, cells[RANGE]) if text)
    found[TEST] = cells[TEST].replace("; ", "\n")
    return found


def as_markdown(rows: Sequence[Reproduced]) -> str:
    """Return the tables as markdown, ready for a README."""
    parts = []
    for table, mine in grouped(rows):
        names = header(table)
        lines = [f"**{table.table}: {table.title}**", "", f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
        lines += [f"| {' | '.join([*own, whose, *cells])} |" for _, (own, whose, cells) in _named(mine)]
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, NOTE]) + "\n"


def _published(row: Row) -> list[str]:
    figures = row.published

    def marked(name: str, text: str) -> str:
        return f"{text}?" if text and name in row.doubtful else text

    trials = "" if row.published_trials is None else str(row.published_trials)
    share = figures.get("solved")
    solved = marked("solved", f"{share:.0%}" if isinstance(share, float) else str(share or ""))
    above = figures.get("sequences_above")
    count = marked("sequences", _count(figures.get("sequences")) if above is None else f">{_count(above)}")
    if figures.get("first") is not None:
        count = f"{_count(figures['first'])}; {count}"
    also = [f"{name} {figures[name]}" for name in ("partial", "failed") if name in figures]
    return [
        trials,
        solved,
        count,
        "",
        str(figures.get("range") or ""),
        _test(row.published, marked),
        "",
        ", ".join(also),
    ]


def _ours(row: Row, found: Reproduced) -> list[str]:
    figures = found.obtained
    if not found.trials:
        return [*[""] * (len(OURS) - 1), found.verdict]
    low, high = (_number(figures, f"solved_{end}") for end in ("low", "high"))
    solved = f"{_number(figures, 'solved'):.0%} [{100 * low:.0f}, {100 * high:.0f}]"
    count = _count(figures.get("sequences"))
    wanted = {name for each in all_rows() if each.table == row.table for name in each.published}
    if "first" in wanted and figures.get("first") is not None:
        count = f"{_count(figures['first'])}; {count or '-'}"
    spread = f"{_count(figures['lowest'])}-{_count(figures['highest'])}" if "lowest" in figures else ""
    time = f"{found.seconds:.1f} s" if found.seconds < 10 else duration(found.seconds)
    test = _test({name: value for name, value in figures.items() if name in wanted})
    verdict = found.verdict
    if "first" not in wanted and figures.get("first") is not None:
        verdict += f" (mean error alone: {figures['first_trials']}, after {_count(figures['first'])})"
    return [str(found.trials), solved, count, _count(figures.get("median")), spread, test, time, verdict]


def _test(figures: Figures, marked: Callable[[str, str], str] = lambda _, text: text) -> str:
    """Return what is told of test sequences, in the words of the table."""
    named = (("wrong", "{:.3g} wrong"), ("fraction", "fraction {:.2g}"), ("error", "mean abs {:.3g}"))
    told = []
    for name, words in (*named, ("squared", "squared {:.3g}")):
        value = figures.get(name)
        if isinstance(value, (int, float)):
            told.append(marked(name, words.format(value)))
    return "; ".join(told)


def _count(value: object) -> str:
    return f"{value:,.0f}" if isinstance(value, (int, float)) else ""


def _number(figures: Figures, name: str) -> float:
    value = figures[name]
    assert isinstance(value, (int, float))
    return float(value)
