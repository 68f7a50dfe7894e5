"""The door: how `naibu papers hochreiter1997` is prepared, run and shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path

from naibu.papers.hochreiter1997 import compare, page, tables
from naibu.papers.hochreiter1997.asked import Asked
from naibu.papers.hochreiter1997.blocks import Block, blocks_of, by_cost, cost
from naibu.papers.hochreiter1997.learners import learner_of
from naibu.papers.hochreiter1997.tally import Tally, telling
from naibu.papers.runner import Reproduced, Reproduction, Shown
from naibu.progress import shown
from naibu.side_by_side import side_by_side
from naibu.storage import write_text


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
    waiting = [block for row in rows for block in blocks_of(folder, row, asked.seed) if not block.finished()]
    if not waiting:
        return
    tally = Tally(folder / ".tally")
    ordered = by_cost(waiting)
    jobs = [Block(b.folder, b.row, b.seed, b.numbers, tally, place) for place, b in enumerate(ordered)]
    missing = [job.missing() for job in jobs]
    costs = [cost(job.row, numbers) for job, numbers in zip(jobs, missing, strict=True)]
    tally.begin(len(jobs))
    try:
        with shown(folder.name, "seconds of work, about") as report:
            side_by_side(jobs, workers, telling(tally, costs, sum(map(len, missing)), report))
    finally:
        tally.end()


def show(rows: Sequence[Reproduced], folder: Path, quick: bool, *, asked: Asked) -> Shown:
    """Leave `tables.md` of the rows asked for and `report.html` of all that is there; return the tables."""
    markdown, html = folder / ("tables-quick.md" if quick else "tables.md"), folder / "report.html"
    write_text(markdown, tables.as_markdown(rows))
    page.write(folder, html, date.today().isoformat())
    typed = [f"--{option}" for option in asked.departing()]
    note = f"Departing from the literal reading: {', '.join(typed)}. {tables.NOTE}" if typed else tables.NOTE
    return Shown(tuple(tables.for_terminal(rows)), {"Tables for a README": markdown, "Page": html}, note)
