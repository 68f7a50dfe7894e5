"""The door: how `naibu papers hochreiter1997` is prepared, run and shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path

from naibu.papers.hochreiter1997 import compare, page, tables
from naibu.papers.hochreiter1997.asked import Asked
from naibu.papers.hochreiter1997.blocks import blocks_of, by_cost, cost
from naibu.papers.hochreiter1997.learners import learner_of
from naibu.papers.runner import Reproduced, Reproduction, Shown
from naibu.progress import shown
from naibu.storage import write_text
from naibu.trials import run_parallel


def reproduction(asked: Asked) -> Reproduction:
    """Return how the rows that are asked for are run."""
    return Reproduction(
        lambda folder, quick: compare.experiments(folder, asked, quick),
        partial(prepare, asked=asked),
        partial(show, asked=asked),
    )


def prepare(folder: Path, quick: bool, workers: int, *, asked: Asked) -> None:
    """Train all trials that are not there yet, the longest first; rows that nobody trains yet are left out."""
    rows = [row for row in asked.rows(quick) if learner_of(row.learner) is not None]
    waiting = by_cost(b for row in rows for b in blocks_of(folder, row, asked.seed) if not b.finished())
    costs = [cost(block.row, block.missing()) for block in waiting]
    with shown(folder.name, "seconds of work, about") as progress:
        run_parallel(waiting, workers, progress, costs)


def show(rows: Sequence[Reproduced], folder: Path, quick: bool, *, asked: Asked) -> Shown:
    """Leave `tables.md` of the rows asked for and `report.html` of all that is there; return the tables."""
    markdown, html = folder / ("tables-quick.md" if quick else "tables.md"), folder / "report.html"
    write_text(markdown, tables.as_markdown(rows))
    page.write(folder, html, date.today().isoformat())
    typed = [f"--{option}" for option in asked.departing()]
    note = f"Departing from the literal reading: {', '.join(typed)}. {tables.NOTE}" if typed else tables.NOTE
    return Shown(tuple(tables.for_terminal(rows)), {"Tables for a README": markdown, "Page": html}, note)
