"""Networks that count in whole numbers: how their rows are prepared, run and shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from naibu.papers.mochihashi2019 import counting
from naibu.papers.mochihashi2019.counter_table import NOTE, as_markdown
from naibu.papers.runner import Experiment, Reproduced, Reproduction, Shown, table_of
from naibu.progress import shown
from naibu.storage import write_text
from naibu.trials import run_parallel


def reproduction(seeds: Sequence[int] = counting.SEEDS) -> Reproduction:
    """Return how the rows are run, for trainings with these seeds."""

    def prepare(folder: Path, quick: bool, workers: int) -> None:
        """Do all trainings that are not done yet."""
        with shown("counting", "trainings") as progress:
            run_parallel(counting.trainings(folder, quick, seeds), workers, progress)

    def experiments(folder: Path, quick: bool) -> Iterator[Experiment]:
        """Yield the rows of the tables."""
        return counting.experiments(folder, quick, seeds)

    def show(rows: Sequence[Reproduced], folder: Path, quick: bool) -> Shown:
        """Leave the tables, and pictures of the counters and machines of the first seed; return the table."""
        table = folder / ("counting-quick.md" if quick else "counting.md")
        write_text(table, as_markdown(rows))
        firsts = [row.trainings(folder)[0] for row in counting.rows_of(quick, seeds) if row.table != counting.SWEEP]
        pictures = [path for training in firsts for path in counting.draw(training, folder)]
        files = {"Tables for a README": table, **{f"Picture {n + 1}": path for n, path in enumerate(pictures)}}
        return Shown((table_of(rows, "Counting in whole numbers"),), files, NOTE)

    return Reproduction(experiments, prepare, show)
