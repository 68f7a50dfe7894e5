"""The door: how `naibu papers graves2014` is prepared, run and shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.table import Table

from naibu.papers.graves2014 import drawing, scores
from naibu.papers.graves2014.asked import Asked
from naibu.papers.graves2014.tasks import TASKS, Size
from naibu.papers.graves2014.training import Network, Recipe, Training
from naibu.papers.runner import Experiment, Figures, Reproduced, Reproduction, Shown
from naibu.progress import shown
from naibu.reporting.plots.canvas import write_png
from naibu.storage import write_json, write_text
from naibu.trials import run_parallel

LSTM = Recipe("lstm", units=256, forget_bias=1.0)
RECIPES: dict[str, tuple[Recipe, Recipe]] = {
    "copy": (Recipe(), LSTM),
    "repeat-copy": (Recipe(updates=20_000), replace(LSTM, updates=20_000)),
    "associative-recall": (Recipe(updates=20_000), replace(LSTM, updates=20_000)),
}
"""What learns a task: a Neural Turing Machine, and an LSTM beside it."""
PUBLISHED: dict[tuple[str, str], Figures] = {
    ("copy", "ntm"): {"to 50": "very few mistakes", "120": "a vector said twice, the rest one step late"},
    ("copy", "lstm"): {"to 20": "almost perfect", "beyond": "clearly fails"},
    ("repeat-copy", "ntm"): {"10 x 20, 20 x 10": "copies on; does not keep count of the copies beyond 10"},
    ("repeat-copy", "lstm"): {"10 x 20, 20 x 10": "fails"},
    ("associative-recall", "ntm"): {"to 12 items": "nearly perfect with a feed-forward controller"},
    ("associative-recall", "lstm"): {"6 items": "not learnt to zero cost in a million sequences"},
}
"""What the paper says of its figures, which have no numbers beside them."""
SOURCES = {
    "copy": "Graves et al. 2014, section 4.1, figures 3 to 6",
    "repeat-copy": "Graves et al. 2014, section 4.2, figures 7 to 9",
    "associative-recall": "Graves et al. 2014, section 4.3, figures 10 to 12",
}
NOTE = (
    "Wrong bits a sequence, the mean of 20 sequences of each size, the same for all; the sizes after the first are "
    "larger than any that was learnt from. Half of the bits are wrong by chance."
)


@dataclass(frozen=True)
class Row:
    """One network on one task: its trainings, one for each seed."""

    task: str
    recipe: Recipe
    seeds: tuple[int, ...]

    def trainings(self, folder: Path) -> list[Training]:
        """Return the trainings."""
        return [Training(folder, self.task, seed, self.recipe) for seed in self.seeds]

    def figures(self, folder: Path) -> Figures:
        """Return the wrong bits of every seed by size, in how many there are none, and where the heads go."""
        task, found = TASKS[self.task], Figures(trials=len(self.seeds))
        each = [training.network() for training in self.trainings(folder)]
        wrong = [scores.by_size(network, task) for network in each]
        for size in task.scored:
            found[f"wrong at {said(size)}"] = ", ".join(f"{one[size]:.4g}" for one in wrong)
            found[f"none wrong at {said(size)}"] = sum(one[size] == 0 for one in wrong)
        if self.task == "copy" and self.recipe.network == "ntm":
            episodes = scores.scored_episodes(task, task.scored[0])
            moves = [asdict(scores.heads(network, episodes)) for network in each]
            for name in moves[0]:
                found[name.replace("_", " ")] = float(np.mean([one[name] for one in moves]))
            held = [scores.held(network, episodes) for network in each]
            write_json(folder / "held.json", [[asdict(one) for one in of] for of in held])
            for name, value in of_held(held).items():
                found[name] = value
        return found


def of_held(held: Sequence[Sequence[scores.Held]]) -> Figures:
    """Return the wrong bits a sequence while one thing is held, the mean over networks: each shift by itself, of the
    other signals of the heads and of single units of the cell the mean."""
    kinds: dict[str, list[float]] = {}
    for one in (one for of in held for one in of):
        kind = one.what if "shift" in one.what or one.what == "nothing" else "other signals"
        kinds.setdefault("single units" if one.what.startswith("cell") else kind, []).append(one.wrong)
    return {f"held: {kind}": float(np.mean(values)) for kind, values in kinds.items()}


def said(size: Size) -> str:
    """Return a size as it is written: 20, or 10 x 20."""
    return " x ".join(map(str, size))


def rows_of(asked: Asked, quick: bool) -> list[Row]:
    """Return the rows: for each task the Neural Turing Machine, then the LSTM.

    Quick: the first task alone, one seed, half of the updates.
    """
    rows, seeds = [], range(1, 1 + (1 if quick else asked.seeds))
    for task in [name for name in TASKS if name in asked.tasks][: 1 if quick else None]:
        for recipe in RECIPES[task]:
            own = replace(recipe, updates=asked.updates or recipe.updates // (2 if quick else 1))
            if recipe.network == "ntm":
                own = replace(own, units=asked.units, locations=asked.memory_locations, width=asked.memory_width)
            rows.append(Row(task, own, tuple(seeds)))
    return rows


def reproduction(asked: Asked) -> Reproduction:
    """Return how the rows asked for are run."""

    def prepare(folder: Path, quick: bool, workers: int) -> None:
        """Do all trainings that are not done yet."""
        jobs = [job for row in rows_of(asked, quick) for job in row.trainings(folder)]
        with shown("graves2014", "trainings") as progress:
            run_parallel(jobs, workers, progress)

    def experiments(folder: Path, quick: bool) -> Iterator[Experiment]:
        """Yield the rows of the table."""
        for row in rows_of(asked, quick):
            name = row.recipe.network
            settings = {"recipe": asdict(row.recipe), "seeds": list(row.seeds)}
            published, source = PUBLISHED[row.task, name], SOURCES[row.task]
            yield Experiment(row.task, name, published, source, partial(_obtain, row, folder), verdict, settings)

    return Reproduction(experiments, prepare, partial(show, asked))


def _obtain(row: Row, folder: Path, quick: bool) -> Figures:
    return row.figures(folder)


def verdict(published: Figures, found: Figures) -> str:
    """Say in how many trainings no bit is wrong, by size."""
    sizes = [name.removeprefix("none wrong at ") for name in found if name.startswith("none wrong at")]
    counts = ", ".join(f"{found[f'none wrong at {size}']:.0f} at {size}" for size in sizes)
    trials = len(str(found[f"wrong at {sizes[0]}"]).split(", "))
    return f"no wrong bit in {counts} of {trials}"


def show(asked: Asked, rows: Sequence[Reproduced], folder: Path, quick: bool) -> Shown:
    """Leave tables and pictures; return the tables for the terminal."""
    files, end = {}, "-quick" if quick else ""
    table = folder / f"tables{end}.md"
    write_text(table, as_markdown(rows))
    files["Tables for a README"] = table
    pairs = rows_of(asked, quick)
    for machine, lstm in zip(pairs[::2], pairs[1::2], strict=True):
        task, trainings = TASKS[machine.task], {row.recipe.network: row.trainings(folder) for row in (machine, lstm)}
        networks: dict[str, Network] = {name: jobs[0].network() for name, jobs in trainings.items()}
        losses: dict[str, list[list[float]]] = {
            name: [job.losses() for job in jobs] for name, jobs in trainings.items()
        }
        answers, curves = (folder / f"{machine.task}-{what}{end}.png" for what in ("answers", "losses"))
        write_png(partial(drawing.draw_answers, networks=networks, task=task), answers, size=(10, 3.5))
        every = 100 * machine.recipe.batch
        write_png(lambda f: drawing.plot_losses(losses, every, f.subplots()), curves, size=(5, 3))  # noqa: B023
        files |= {f"Answers, {task.name}": answers, f"Losses, {task.name}": curves}
        if machine.task == "copy":
            files["Heads"] = folder / f"heads{end}.png"
            write_png(partial(drawing.draw_heads, network=networks["ntm"], task=task), files["Heads"], size=(8, 4.5))
    return Shown((for_terminal(rows),), files, NOTE)


def for_terminal(rows: Sequence[Reproduced]) -> Table:
    """Return the table: what the paper says above what was obtained."""
    table = Table(title="Neural Turing Machines", title_justify="left")
    for column in ("task", "network", "", "seeds", "budget"):
        table.add_column(column)
    for row in rows:
        published = "; ".join(f"{what}: {words}" for what, words in row.published.items())
        table.add_row(row.table, row.row, f"published: {published}", "", "")
        recipe = row.settings["recipe"]
        budget = f"{recipe['updates']:,} updates of {recipe['batch']}"
        table.add_row("", "", f"obtained: {_obtained(row.obtained)}", str(row.trials), budget)
    return table


def as_markdown(rows: Sequence[Reproduced]) -> str:
    """Return the rows as markdown, every seed by itself."""
    lines = []
    for task in dict.fromkeys(row.table for row in rows):
        own = [row for row in rows if row.table == task]
        names = list(dict.fromkeys(name for row in own for name in row.obtained if name.startswith("wrong at")))
        lines += [f"**{task}** ({SOURCES[task]})", "", f"| network | budget | {' | '.join(names)} |"]
        lines += ["|" + "---|" * (len(names) + 2)]
        for row in own:
            recipe = row.settings["recipe"]
            budget = f"{recipe['updates']:,} updates of {recipe['batch']}"
            lines.append(f"| {row.row} | {budget} | {' | '.join(str(row.obtained[name]) for name in names)} |")
        others = {name: value for row in own for name, value in row.obtained.items() if "wrong at" not in name}
        lines += ["", *(f"- {name}: {value:.3g}" for name, value in others.items() if isinstance(value, float)), ""]
    return "\n".join([*lines, NOTE]) + "\n"


def _obtained(found: Figures) -> str:
    return "; ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name}: {value}" for name, value in found.items()
    )
