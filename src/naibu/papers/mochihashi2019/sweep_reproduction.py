"""The sweep of the L1 term on text: how its rows are prepared, run and shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from naibu.papers.mochihashi2019 import sweep
from naibu.papers.mochihashi2019.asked import Asked
from naibu.papers.mochihashi2019.sweep_drawing import write_plot
from naibu.papers.mochihashi2019.sweep_table import NOTE, as_markdown, for_terminal
from naibu.papers.runner import Experiment, Reproduced, Reproduction, Shown
from naibu.progress import shown
from naibu.storage import write_text
from naibu.trials import run_parallel


def reproduction(asked: Asked) -> Reproduction:
    """Return how the sweep is run on the corpus asked for, in its bare brackets; the quick version leaves it out."""

    def prepare(folder: Path, quick: bool, workers: int) -> None:
        """Train and measure every strength that is not done."""
        if quick:
            return
        study = asked.study(folder, quick)
        jobs = sweep.jobs(study.out / "sweep", study.corpus, dict(study.options))
        with shown("an L1 term on text", "strengths") as progress:
            run_parallel(jobs, workers, progress)

    def experiments(folder: Path, quick: bool) -> Iterator[Experiment]:
        """Yield a row for each strength."""
        study = asked.study(folder, quick)
        yield from () if quick else sweep.rows(study.out / "sweep", study.corpus, dict(study.options))

    def show(rows: Sequence[Reproduced], folder: Path, quick: bool) -> Shown:
        """Leave the table and the plot; return the table for the terminal."""
        if quick:
            return Shown(())
        out = asked.study(folder, quick).out
        table = out / "sweep.md"
        write_text(table, as_markdown(rows))
        return Shown(
            (for_terminal(rows),), {"Sweep": table, "Picture of it": write_plot(rows, out / "sweep.png")}, NOTE
        )

    return Reproduction(experiments, prepare, show)
