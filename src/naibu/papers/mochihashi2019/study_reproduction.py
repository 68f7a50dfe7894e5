"""The study of five types of text: how its lines are prepared, run and shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import torch

from naibu.errors import OptionError
from naibu.papers.mochihashi2019 import across, page, study_tables
from naibu.papers.mochihashi2019.across_lines import across_lines
from naibu.papers.mochihashi2019.asked import Asked
from naibu.papers.mochihashi2019.findings import findings, in_short, left
from naibu.papers.mochihashi2019.lines import lines
from naibu.papers.runner import Experiment, Reproduced, Reproduction, Shown
from naibu.progress import shown
from naibu.storage import write_text
from naibu.trials import run_parallel
from naibu.version import __version__

SOURCE = "document A: Shibata, Uchiumi and Mochihashi, COLING 2020"


def reproduction(asked: Asked) -> Reproduction:
    """Return how the study is run on the corpus asked for."""

    def prepare(folder: Path, quick: bool, workers: int) -> None:
        """Train, record, probe and hold every network that is not done yet, then what compares several."""
        study = asked.study(folder, quick)
        if any(network.device == "cuda" for network in study.networks) and not torch.cuda.is_available():
            raise OptionError("--full: needs a GPU that torch can reach; without --full the sizes suit a CPU")
        for form in dict.fromkeys(network.form for network in study.networks):
            study.open(form)  # what is wrong with the corpus is said before anything is trained
        with shown("study", "networks") as progress:
            run_parallel(study.jobs(), workers, progress)
        with shown("study: several networks", "comparisons") as progress:
            across.compare(study, progress)

    def experiments(folder: Path, quick: bool) -> Iterator[Experiment]:
        """Yield the lines of the study."""
        study = asked.study(folder, quick)
        yield from (line.experiment(SOURCE) for line in [*lines(study), *across_lines(study)])

    def show(rows: Sequence[Reproduced], folder: Path, quick: bool) -> Shown:
        """Leave the page and the tables; return the tables for the terminal."""
        study = asked.study(folder, quick)
        made = f"{date.today()}, naibu {__version__}"
        report, tables = study.out / "study.html", study.out / "study.md"
        more = left(rows, asked, quick)
        page.write(study, rows, across.pictures(study), report, made, more)
        write_text(tables, study_tables.as_markdown(rows))
        files = {"Report": report, "Tables of the study": tables}
        said = [study_tables.NOTE, f"Of what the document says, {in_short(rows)}."]
        said += [f"- {finding.text}" for finding in findings(rows)]
        return Shown(tuple(study_tables.for_terminal(rows)), files, "\n".join([*said, more]))

    return Reproduction(experiments, prepare, show)
