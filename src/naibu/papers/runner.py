"""Run a paper's experiments one after the other; what is finished stays, and the next call goes on from it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

from naibu.errors import StoredError
from naibu.locks import only_writer
from naibu.progress import Report, shown, silent
from naibu.storage import read_json, write_json

Figures = dict[str, float | str | None]


@dataclass(frozen=True)
class Experiment:
    """One row of a published table, and the function that obtains ours.

    `obtain(quick)` returns the obtained figures under the names of the published ones (others may join
    them), `trials` among them where there is more than one, and `seconds` where the time was spent before;
    `judge` says in a few words how the two compare. `settings` is what the figures depend on: a row that was
    finished with others is run again.
    """

    table: str
    row: str
    published: Figures
    source: str  # where the published figures stand: document, page, table
    obtain: Callable[[bool], Figures]
    judge: Callable[[Figures, Figures], str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    kept: bool = True
    """Whether an earlier call's row is taken; False for figures that are read from disk in no time."""


@dataclass(frozen=True)
class Reproduced:
    """One row: published beside obtained."""

    table: str
    row: str
    published: Figures
    source: str
    obtained: Figures
    trials: int
    seconds: float
    verdict: str
    quick: bool
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """What is printed of the rows, and the files that were written beside them, by what each is."""

    tables: tuple[Table, ...]
    files: Mapping[str, Path] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Reproduction:
    """How a paper's experiments are run, under one folder.

    `experiments(folder, quick)` gives the rows. Before them comes `prepare(folder, quick, workers)`, for long work
    that several rows share or that processes can do in parallel (see `trials`); it skips what is finished.
    After them `show(rows, folder, quick)`; without it, the published row above the obtained one.
    """

    experiments: Callable[[Path, bool], Iterable[Experiment]]
    prepare: Callable[[Path, bool, int], None] | None = None
    show: Callable[[Sequence[Reproduced], Path, bool], Shown] | None = None


def run(
    how: Reproduction, folder: Path, title: str, *, quick: bool = False, workers: int = 1
) -> tuple[list[Reproduced], Shown]:
    """Prepare, reproduce and show a paper's experiments; what an earlier call finished is taken from `folder`."""
    with only_writer(folder, own=False):
        if how.prepare is not None:
            how.prepare(folder, quick, workers)
        with shown(folder.name, "rows") as progress:
            rows = reproduce(how.experiments(folder, quick), folder / "rows", quick=quick, progress=progress)
        return rows, Shown((table_of(rows, title),)) if how.show is None else how.show(rows, folder, quick)


def in_turn(*parts: Reproduction) -> Reproduction:
    """Return several parts of a paper as one reproduction: each is prepared, run and shown as it would be alone."""

    def prepare(folder: Path, quick: bool, workers: int) -> None:
        """Prepare every part."""
        for part in parts:
            if part.prepare is not None:
                part.prepare(folder, quick, workers)

    def experiments(folder: Path, quick: bool) -> Iterable[Experiment]:
        """Return the rows of all parts."""
        return [row for part in parts for row in part.experiments(folder, quick)]

    def show(rows: Sequence[Reproduced], folder: Path, quick: bool) -> Shown:
        """Show the rows of each part in its own way."""
        tables: list[Table] = []
        files: dict[str, Path] = {}
        notes = []
        place = 0
        for part in parts:
            own = rows[place : place + len(list(part.experiments(folder, quick)))]
            place += len(own)
            shown = Shown((table_of(own, folder.name),)) if part.show is None else part.show(own, folder, quick)
            tables += shown.tables
            files |= shown.files
            notes += [shown.note] * bool(shown.note)
        return Shown(tuple(tables), files, "\n\n".join(notes))

    return Reproduction(experiments, prepare, show)


def reproduce(
    experiments: Iterable[Experiment], folder: Path, *, quick: bool = False, progress: Report = silent
) -> list[Reproduced]:
    """Return every experiment's row, taking from `folder` those that an earlier call finished.

    Each row is written as soon as it is there, so that Ctrl-C loses at most the one under way. A row made
    with `quick` is not taken for a full one. Raises StoredError for a damaged row.
    """
    rows, todo = [], list(experiments)
    for done, experiment in enumerate(todo):
        progress(done, len(todo), f"{experiment.table}: {experiment.row}")
        path = folder / f"{_file_name(experiment)}{'-quick' if quick else ''}.json"
        row = _finished(path, experiment) if experiment.kept else None
        if row is None:
            began = time.perf_counter()
            obtained = experiment.obtain(quick)
            trials = obtained.pop("trials", 1)
            seconds = float(obtained.pop("seconds", None) or round(time.perf_counter() - began, 2))
            verdict = experiment.judge(experiment.published, obtained)
            row = Reproduced(
                experiment.table,
                experiment.row,
                experiment.published,
                experiment.source,
                obtained,
                1 if trials is None else int(trials),
                seconds,
                verdict,
                quick,
                dict(experiment.settings),
            )
            write_json(path, asdict(row))
        rows.append(row)
    progress(len(todo), len(todo), "")
    return rows


def _finished(path: Path, experiment: Experiment) -> Reproduced | None:
    if not path.exists():
        return None
    found: Any = read_json(path, "a finished row of a paper's table")
    try:
        row = Reproduced(**found)
    except TypeError:
        raise StoredError(f"{path}: not a row of this version; remove it to run {experiment.row} again") from None
    same = row.published == experiment.published and row.settings == experiment.settings
    return row if same else None


def _file_name(experiment: Experiment) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "_", f"{experiment.table}-{experiment.row}")


def table_of(rows: Sequence[Reproduced], title: str) -> Table:
    """Return a table for the terminal: under each published row the obtained one."""
    table = Table(title=title, title_justify="left")
    for column in ("table", "row", "", "figures", "trials", "seconds", "verdict"):
        table.add_column(column)
    for row in rows:
        table.add_row(row.table, row.row, "published", _words(row.published), "", "", row.source)
        table.add_row("", "", "obtained", _words(row.obtained), str(row.trials), f"{row.seconds:.0f}", row.verdict)
    return table


def _words(figures: Figures) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in figures.items()
    )
