"""How `naibu papers deletang2023` is prepared, run and shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from rich.table import Table

from naibu.data.formal.catalogue import LANGUAGES
from naibu.papers.deletang2023.asked import Asked
from naibu.papers.deletang2023.plot import draw
from naibu.papers.deletang2023.published import SOLVED, SOURCE, STEPS, Cell, published_score
from naibu.papers.deletang2023.trial import Trial
from naibu.papers.runner import Experiment, Figures, Reproduced, Reproduction, Shown
from naibu.progress import shown
from naibu.reporting.plots.canvas import write_png
from naibu.storage import write_text
from naibu.trials import run_parallel

COSTS = {"stack-rnn": 8.0}
"""How much longer a training of a cell takes than one of the others, about."""
HEADER = ("language", "cell", "published", "best", "mean", "each seed", "learnt lengths", "verdict")


def reproduction(asked: Asked) -> Reproduction:
    """Return the paper's table, as far as it is asked for."""

    def prepare(folder: Path, quick: bool, workers: int) -> None:
        trials = [trial for some in _cells(asked, folder, quick).values() for trial in some]
        with shown("deletang2023", "trainings") as progress:
            run_parallel(trials, workers, progress, [COSTS.get(trial.cell, 1.0) for trial in trials])

    def experiments(folder: Path, quick: bool) -> Iterator[Experiment]:
        for (language, cell), trials in _cells(asked, folder, quick).items():
            yield _experiment(language, cell, trials)

    def show(rows: Sequence[Reproduced], folder: Path, quick: bool) -> Shown:
        named = folder / f"table{'-quick' if quick else ''}.md"
        picture = named.with_suffix(".png")
        note = _note(asked, quick)
        write_text(named, _markdown(rows, note))
        by_length = {key: [trial.result() for trial in some] for key, some in _cells(asked, folder, quick).items()}
        write_png(partial(draw, scores=by_length), picture, size=(9, 2.2 * -(-len(by_length) // 4) + 0.6))
        return Shown((_table(rows),), {"Table": named, "Accuracy by length": picture}, note)

    return Reproduction(experiments, prepare, show)


def verdict(published: float | None, best: float, learnt: float, steps: int) -> str:
    """Return how a score stands to the published one, all in %; solved is 90 %, as in the paper.

    A language that was solved there and not here, in far fewer steps, is undecided: more training may solve it. So is
    one that was solved neither there nor here where not even words as long as learnt are answered.
    """
    here = best >= SOLVED
    if published is None:
        return "solved" if here else "not solved"
    there = published >= SOLVED
    if here and there:
        return "solved, as published"
    if here:
        return "solved here alone"
    short = f"{steps:,} of {STEPS:,} steps"
    if there:
        return f"undecided: {short}"
    return "not solved, as published" if learnt >= SOLVED else f"not learnt in {short}"


def _cells(asked: Asked, folder: Path, quick: bool) -> dict[tuple[str, Cell], list[Trial]]:
    budget = asked.budget(quick)
    return {
        (language, cell): [Trial(folder, language, cell, seed, budget) for seed in asked.numbers(quick)]
        for language in asked.languages()
        for cell in asked.cells(quick)
    }


def _experiment(language: str, cell: Cell, trials: Sequence[Trial]) -> Experiment:
    published = published_score(language, cell)

    def obtain(quick: bool) -> Figures:
        found = [trial.result() for trial in trials]
        scores = [100 * each["accuracy"] for each in found]
        return {
            "best": max(scores),
            "mean": float(np.mean(scores)),
            "each": " ".join(f"{score:.1f}" for score in scores),
            "learnt": 100 * max(each["learnt"] for each in found),
            "units": float(trials[0].budget.units),
            "steps": float(max(each["steps"] for each in found)),
            "lengths": trials[0].budget.lengths,
            "trials": len(found),
            "seconds": sum(each["seconds"] for each in found),
        }

    return Experiment(
        table=LANGUAGES[language].level,
        row=f"{language}, {cell}",
        published={} if published is None else {"best": published},
        source=SOURCE,
        obtain=obtain,
        judge=lambda _, here: verdict(
            published, float(here["best"] or 0), float(here["learnt"] or 0), int(float(here["steps"] or 0))
        ),
        settings={"seeds": len(trials), "budget": trials[0].budget.stamp},
        kept=False,
    )


def _rows(rows: Sequence[Reproduced]) -> Iterator[list[str]]:
    for row in rows:
        language, cell = row.row.split(", ")
        there, here = row.published.get("best"), row.obtained
        yield [
            language,
            cell,
            "" if there is None else f"{float(there):.1f}",
            f"{float(here['best'] or 0):.1f}",
            f"{float(here['mean'] or 0):.1f}",
            str(here["each"]),
            f"{float(here['learnt'] or 0):.1f}",
            row.verdict,
        ]


def _table(rows: Sequence[Reproduced]) -> Table:
    table = Table(title="Accuracy in % on words longer than those learnt", title_justify="left")
    for name in HEADER:
        table.add_column(name, overflow="fold")
    level = ""
    for row, cells in zip(rows, _rows(rows), strict=True):
        if row.table != level:
            table.add_section()
            table.add_row(row.table, style="bold")
            level = row.table
        table.add_row(*cells)
    return table


def _markdown(rows: Sequence[Reproduced], note: str) -> str:
    lines = [f"| level | {' | '.join(HEADER)} |", "|" + "---|" * (len(HEADER) + 1)]
    lines += [f"| {row.table} | {' | '.join(cells)} |" for row, cells in zip(rows, _rows(rows), strict=True)]
    return "\n".join([*lines, "", note]) + "\n"


def _note(asked: Asked, quick: bool) -> str:
    budget, seeds = asked.budget(quick), len(asked.numbers(quick))
    return (
        f"Ours: {budget.told()} a training, {seeds} of each; {budget.words} words of each length of {budget.lengths}, "
        f"the mean over lengths; learnt lengths: on new words of lengths 1 to 40, the best. Published: {SOURCE}."
    )
