"""The table of variants for the terminal and for a README."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table

from naibu.papers.runner import Figures, Reproduced
from naibu.papers.variants.cells import SOURCE, WORSE

Cells = list[list[str]]

NOTE = (
    "Loss in nats a symbol on held-out sequences, the mean of {trials} trainings, -+ Student's t over seeds (95 %). "
    "Minus lstm: paired by seed, -+ over seeds; in brackets by resampling test sequences. Better or worse: both "
    "intervals leave out 0; not corrected for the number of cells. Symbols a second: training with its validations, "
    "one thread, other trainings beside it."
)

IN_FILE_ONLY = ("parameters", "rate", "sequences")


def main_table(rows: Sequence[Reproduced]) -> tuple[list[str], Cells]:
    """Return the header and the cells of one task's rows, all as text."""
    nested = any(row.obtained.get("closing_recall") is not None for row in rows)
    header = ["cell", "units", "parameters", "rate", "loss", "minus lstm, seeds", "sequences", "verdict"]
    header += ["closing", "ED", "r c", "r h"] if nested else ["accuracy"]
    return [*header, "symbols/s"], [_cells(row, nested) for row in rows]


def _cells(row: Reproduced, nested: bool) -> list[str]:
    found, base = row.obtained, row.obtained["verdict"] == "baseline"
    half = _number(found, "difference_seeds_high") - _number(found, "difference")
    low, high = (_number(found, f"difference_sequences_{side}") for side in ("low", "high"))
    diverged = f" ({found['diverged']} diverged)" if found["diverged"] else ""
    cells = [
        row.row,
        str(found["units"]),
        f"{found['parameters']:,}",
        f"{_number(found, 'learning_rate'):g}",
        f"{_number(found, 'loss'):.3f} ± {_number(found, 'loss_high') - _number(found, 'loss'):.3f}",
        "" if base else f"{_number(found, 'difference'):+.3f} ± {half:.3f}",
        "" if base else f"[{low:+.3f}, {high:+.3f}]",
        f"{found['verdict']}{diverged}",
    ]
    shares = ("closing_recall", "end_recall") if nested else ("accuracy",)
    cells += [_or_dash(found, name, lambda value: f"{100 * value:.1f} %") for name in shares]
    if nested:
        cells += [_or_dash(found, name, lambda value: f"{value:.2f}") for name in ("depth_cell", "depth_hidden")]
    return [*cells, f"{_number(found, 'symbols_per_second'):,.0f}"]


def published_table(rows: Sequence[Reproduced]) -> tuple[list[str], Cells]:
    """Return the header and the cells of the table that sets the published findings beside ours."""
    tasks = list(dict.fromkeys(row.table for row in rows))
    cells: Cells = []
    for cell in dict.fromkeys(row.row for row in rows if row.published):
        of = {row.table: row for row in rows if row.row == cell}
        published = next(iter(of.values())).published
        cells.append([cell, str(published["name"]), str(published["found"]), *(of[task].verdict for task in tasks)])
    return ["cell", "there", "found there, against their LSTM with peepholes", *tasks], cells


def tables(rows: Sequence[Reproduced], titles: dict[str, str]) -> list[tuple[str, list[str], Cells]]:
    """Return title, header and cells of each table: one a task, and that of published findings."""
    found = []
    for task in dict.fromkeys(row.table for row in rows):
        own = [row for row in rows if row.table == task]
        facts = own[0].obtained
        title = (
            f"{titles.get(task, task)}: {_number(facts, 'symbols_read'):,.0f} symbols read, "
            f"{facts['sequences_scored']:,} sequences scored"
        )
        found.append((title, *main_table(own)))
    if any(row.published for row in rows):
        found.append((f"Beside {SOURCE}", *published_table(rows)))
    return found


def for_terminal(rows: Sequence[Reproduced], titles: dict[str, str]) -> list[Table]:
    """Return the tables for the terminal, without the columns that only the file has room for."""
    shown = []
    for title, header, cells in tables(rows, titles):
        table = Table(title=title, title_justify="left")
        kept = [number for number, name in enumerate(header) if name not in IN_FILE_ONLY]
        for number in kept:
            table.add_column(header[number], overflow="fold")
        for row in cells:
            table.add_row(*(row[number] for number in kept), style="dim" if WORSE in row else None)
        shown.append(table)
    return shown


def as_markdown(rows: Sequence[Reproduced], titles: dict[str, str]) -> str:
    """Return the tables as markdown, ready for a README."""
    parts = []
    for title, header, cells in tables(rows, titles):
        lines = [f"**{title}**", "", f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
        parts.append("\n".join(lines + [f"| {' | '.join(row)} |" for row in cells]))
    return "\n\n".join([*parts, NOTE.format(trials=rows[0].trials)]) + "\n"


def _number(found: Figures, name: str) -> float:
    value = found[name]
    assert not isinstance(value, str)
    return math.nan if value is None else float(value)


def _or_dash(found: Figures, name: str, spell: object) -> str:
    value = found.get(name)
    assert callable(spell)
    return "-" if value is None else str(spell(value))
