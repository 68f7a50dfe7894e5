"""The door: how `naibu papers variants` is prepared, run and shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.table import Table

from naibu.papers.runner import Experiment, Reproduced, Reproduction, Shown
from naibu.papers.variants import compare, plot, tables
from naibu.papers.variants.tasks import TASKS
from naibu.papers.variants.training import Plan
from naibu.reporting.plots.canvas import write_png
from naibu.storage import write_text


def prepare(folder: Path, quick: bool, workers: int) -> None:
    """Do all trainings that are not done yet."""
    compare.plan(folder, quick).do(workers)


def experiments(folder: Path, quick: bool) -> Iterator[Experiment]:
    """Yield the rows of the table."""
    return compare.experiments(compare.plan(folder, quick))


def show(rows: Sequence[Reproduced], folder: Path, quick: bool) -> Shown:
    """Leave `table.md` and `loss.png`, return the tables for the terminal."""
    whole: Plan = compare.plan(folder, quick)
    titles = {task.name: task.title for task in TASKS}
    table, picture = whole.folder / "table.md", whole.folder / "loss.png"
    write_text(table, tables.as_markdown(rows, titles))
    write_png(partial(plot.draw, rows=rows, titles=titles), picture, size=(9, 5))
    shown: list[Table] = tables.for_terminal(rows, titles)
    return Shown(
        tuple(shown), {"Table for a README": table, "Picture": picture}, tables.NOTE.format(trials=rows[0].trials)
    )


VARIANTS = Reproduction(experiments, prepare, show)
