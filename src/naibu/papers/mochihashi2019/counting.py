"""An L1 term until the network counts in whole numbers: which lengths are right, the sweep, the machines found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from naibu.data.formal.counted import Blocks, Brackets, Counted
from naibu.papers.mochihashi2019 import counter_drawing as drawing
from naibu.papers.mochihashi2019 import counter_machine as machines
from naibu.papers.mochihashi2019.counter_scores import Predicted, ends_found, legal, perplexity, predict, right, up_to
from naibu.papers.mochihashi2019.counter_training import LANGUAGES, LONGEST, Recipe, Training
from naibu.papers.runner import Experiment, Figures
from naibu.progress import Report, silent
from naibu.reporting.plots.canvas import write_png
from naibu.storage import write_json

SEEDS = tuple(range(1, 11))
"""The seeds that are reported; nothing was chosen on them."""
SWEPT: tuple[tuple[float, float | None], ...] = (
    (0.0, None),
    (0.3, None),
    (0.003, 1e-4),
    (0.03, 1e-4),
    (0.3, 1e-4),
    (3.0, 1e-4),
)
"""Strength and floor of the L1 term; no floor: L1 as it is."""
SWEEP = "sweep of strength, a^n b^n c^n"
SWEEP_SEEDS = 3
FARTHEST = 1000
"""The n of the longest string that is scored."""
DRAWN = (20, 300)
"""The n of the strings that are drawn, one within the trained lengths and one beyond."""
QUICK_SEEDS = 2
"""Trainings of the quick version, which are two of the full one."""
SOURCE = "document A, future work: an L1-regularised LSTM that works discretely; no published figures"


@cache
def trained_lengths(language: str) -> Counted:
    """Return strings of the trained lengths: all of a^n b^n, which are learnt from; of brackets, nests, which are
    learnt from too, and strings drawn anew."""
    return _strings(language, range(1, LONGEST + 1), draws=4)


@cache
def beyond(language: str, longest: int) -> Counted:
    """Return longer strings: every n from 51 on; of brackets every 19th, a nest and a drawn string."""
    numbers = range(LONGEST + 1, longest + 1)
    return _strings(language, numbers if isinstance(LANGUAGES[language], Blocks) else numbers[::19], draws=1)


def _strings(name: str, numbers: range, draws: int) -> Counted:
    language = LANGUAGES[name]
    if isinstance(language, Blocks):
        return language.of(numbers)
    assert isinstance(language, Brackets)
    rng = np.random.default_rng([len(numbers), draws])
    drawn = [language.draw(rng, n) for n in numbers for _ in range(draws)]
    return language.counted([language.nest(n) for n in numbers] + drawn)


def judged(language: str, strings: Counted, predicted: Predicted) -> NDArray[np.bool_]:
    """Return which strings are right: of brackets, ED at the end and nowhere before."""
    return (right if isinstance(LANGUAGES[language], Blocks) else legal)(strings, predicted.likeliest)


def scored(training: Training, longest: int) -> Figures:
    """Return the figures of one training; it is trained first where it is not there yet."""
    model, language = training.model(), training.language
    near, far = trained_lengths(language), beyond(language, longest)
    said, said_far = predict(model, near), predict(model, far)
    good, good_far = judged(language, near, said), judged(language, far, said_far)
    inside = machines.rounded(model, near)
    moves = np.concatenate([inside.forget, inside.update], -1)[near.there]
    found: Figures = {
        "trained_right": float(good.mean()),
        "beyond_right": float(good_far.mean()),
        "perplexity_trained": perplexity(near, said),
        "perplexity_beyond": perplexity(far, said_far),
        "end_recall_beyond": ends_found(far, said_far),
        "states": machines.distinct_states(model, near),
        "moves": len(np.unique(moves, axis=0)),
        "steps_whole": machines.whole(model, near),
    }
    if isinstance(LANGUAGES[language], Blocks):
        found["right_up_to"] = LONGEST + up_to(good_far) if good.all() else up_to(good)
    machine = machines.extract(inside, near, said)
    if machine is not None:
        found |= {"counters": len(machine.units), "width": machine.width, "rows": len(machine.moves)}
        for where, strings, predicted in (("trained", near, said), ("beyond", far, said_far)):
            share, same = machines.agreement(machine, strings, predicted)
            found |= {f"same_steps_{where}": share, f"same_strings_{where}": same / strings.ids.shape[1]}
    return found


@dataclass(frozen=True)
class Row:
    """A row of the tables: the trainings of one language and recipe, with several seeds."""

    table: str
    row: str
    language: str
    recipe: Recipe
    seeds: tuple[int, ...]

    def trainings(self, folder: Path) -> list[Training]:
        """Return the trainings, of each seed one."""
        return [Training(folder, self.language, seed, self.recipe) for seed in self.seeds]

    def figures(self, folder: Path, longest: int, progress: Report) -> Figures:
        """Return the figures of all seeds together, and leave those of each in `folder/scores`."""
        each: list[Figures] = []
        for training in self.trainings(folder):
            if not training.finished():
                training.run(progress)
            each.append(scored(training, longest))
            write_json(folder / "scores" / f"{training.name}.json", each[-1])
        return together(each, longest)


def together(each: Sequence[Figures], longest: int) -> Figures:
    """Return the figures of several trainings as one: how many are right, and the median of every figure.

    A median is over the trainings that have the figure; that of a machine's, over those in which one was found.
    """
    found: Figures = {"trials": len(each), "right_to_50": sum(one["trained_right"] == 1.0 for one in each)}
    for limit in (200, 1000):
        if "right_up_to" in each[0] and limit <= longest:
            found[f"right_to_{limit}"] = sum(float(one["right_up_to"] or 0) >= limit for one in each)
    found["all_right_beyond"] = sum(one["beyond_right"] == 1.0 for one in each)
    found["machine_found"] = sum("counters" in one for one in each)
    found["machine_is_network_beyond"] = sum(one.get("same_strings_beyond") == 1.0 for one in each)
    for name in sorted({name for one in each for name in one}):
        values = [float(one[name] or 0) for one in each if name in one]
        found[f"median_{name}"] = float(np.median(values))
    found["each_right_up_to"] = ", ".join(f"{one['right_up_to']:.0f}" for one in each if "right_up_to" in one)
    return found


def rows_of(quick: bool, seeds: Sequence[int] = SEEDS) -> list[Row]:
    """Return the rows: the three languages at the strength chosen, then a^n b^n c^n at every strength.

    Quick: a^n b^n c^n at the strength chosen, with fewer seeds.
    """
    base = Recipe()
    rows = [Row("counting", LANGUAGES[name].name, name, base, tuple(seeds)) for name in ("abc", "ab", "brackets")]
    if quick:
        return [replace(rows[0], seeds=tuple(seeds)[:QUICK_SEEDS])]
    for strength, floor in SWEPT:
        kind = "none" if not strength else "L1" if floor is None else f"reweighted L1, floor {floor:g}"
        recipe = replace(base, strength=strength, floor=floor)
        rows.append(Row(SWEEP, f"{strength:g} {kind}", "abc", recipe, tuple(seeds)[:SWEEP_SEEDS]))
    return rows


def trainings(folder: Path, quick: bool, seeds: Sequence[int] = SEEDS) -> list[Training]:
    """Return all trainings as jobs for `run_parallel`, each once."""
    return list(dict.fromkeys(job for row in rows_of(quick, seeds) for job in row.trainings(folder)))


def experiments(
    folder: Path, quick: bool, seeds: Sequence[int] = SEEDS, progress: Report = silent
) -> Iterator[Experiment]:
    """Yield the rows for the runner; `progress` is told of the steps of each training."""
    for row in rows_of(quick, seeds):
        settings = {"recipe": asdict(row.recipe), "seeds": list(row.seeds), "longest": FARTHEST}
        obtain = partial(_obtain, row, folder, FARTHEST, progress)
        yield Experiment(row.table, row.row, {}, SOURCE, obtain, verdict, settings)


def _obtain(row: Row, folder: Path, longest: int, progress: Report, quick: bool) -> Figures:
    return row.figures(folder, longest, progress)


def verdict(published: Figures, found: Figures) -> str:
    """Say in a few words how far the strings are right, and whether the machine is the network."""
    same = f"machine equal to the network on every longer string in {found['machine_is_network_beyond']:.0f}"
    limits = [f"all n to {n} in {found[f'right_to_{n}']:.0f}" for n in (200, 1000) if f"right_to_{n}" in found]
    return "; ".join([*(limits or [f"all longer strings right in {found['all_right_beyond']:.0f}"]), same])


def draw(training: Training, folder: Path) -> list[Path]:
    """Leave `LANGUAGE-counters.png` and `LANGUAGE-machine.png`; nothing where no machine was found."""
    model, language, near = training.model(), LANGUAGES[training.language], trained_lengths(training.language)
    machine = machines.extract(machines.rounded(model, near), near, predict(model, near))
    if machine is None:
        return []
    counters, table = (folder / f"{training.language}-{what}.png" for what in ("counters", "machine"))
    shown = [_strings(training.language, range(n, n + 1), draws=1) for n in DRAWN]
    write_png(lambda figure: drawing.draw_counters(figure, model, machine, shown), counters, size=(9, 3.2))
    title = f"{language.name}: {len(machine.units)} counters, {len(machine.moves)} moves"
    height = 0.9 + 0.17 * len(machine.moves)
    write_png(lambda figure: drawing.draw_machine(figure, machine, language, title), table, size=(6, height))
    return [counters, table]
