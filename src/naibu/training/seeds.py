"""The same training with several seeds: how much of a number is the network's, and how much is luck."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from naibu.config import ModelConfig, TrainingConfig
from naibu.data.examples import Data
from naibu.errors import OptionError
from naibu.progress import Report, silent
from naibu.runs import Run
from naibu.runs.load import load
from naibu.shown import Row, Shown
from naibu.tasks.catalogue import task_named
from naibu.training.threads import threads
from naibu.training.train import train
from naibu.training.validation import judged_part, measured


@dataclass(frozen=True)
class Spread:
    """One measure of the test part over trainings that differ in their seed alone."""

    measure: str
    mean: float
    spread: float  # standard deviation of the trainings, with n - 1
    each: tuple[float, ...]  # [seed]


@dataclass(frozen=True)
class Seeds(Shown):
    """Trainings with several seeds, and what they score."""

    runs: tuple[Run, ...]
    measures: tuple[Spread, ...]

    def rows(self) -> list[Row]:
        """Return a row for each measure: mean, spread, and a column for each seed."""
        seeds = [f"seed {run.training.seed}" for run in self.runs]
        return [
            {"measure": m.measure, "mean": m.mean, "spread": m.spread, **dict(zip(seeds, m.each, strict=True))}
            for m in self.measures
        ]

    def __repr__(self) -> str:
        return f"Seeds({len(self.runs)} runs, measures: {', '.join(m.measure for m in self.measures)})"

    def numbers(self) -> dict[str, Any]:
        """Return mean, spread and each seed of every measure, for scripts."""
        return {each.measure: {"mean": each.mean, "spread": each.spread, "each": each.each} for each in self.measures}


def train_seeds(
    data: Data,
    count: int,
    *,
    out: str | Path,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    progress: Report = silent,
) -> Seeds:
    """Return so many trainings, with the seeds from that of `training` on, each a run in `out`-seed-N.

    Seeds change weights, batches and dropout; the data are divided once, so that nothing is said of another division.
    Minutes are for each: the first measures how many steps they are, and the others take as many.
    Raises OptionError for fewer than two.
    """
    if count < 2:
        raise OptionError(f"--seeds {count}: must be at least 2; one training is one without --seeds")
    runs = tuple(_runs(data, count, Path(out), model, training or TrainingConfig(), progress))
    measures, found = task_named(data.task).measures(data.test), []
    for run in runs:
        with threads(run.training.threads):
            found.append(measured(load(run), judged_part(data, data.test, run.training), measures))
    each = {measure.name: tuple(one[measure.name] for one in found) for measure in measures}
    spreads = (Spread(name, float(np.mean(got)), float(np.std(got, ddof=1)), got) for name, got in each.items())
    return Seeds(runs, tuple(spreads))


def _runs(
    data: Data, count: int, out: Path, model: ModelConfig | None, training: TrainingConfig, progress: Report
) -> Iterator[Run]:
    for number in range(count):
        own = replace(training, seed=training.seed + number)

        def told(done: float, total: float, words: str = "", number: int = number) -> None:
            progress(number + done / total, count, f"seed {number + 1} of {count}, {words}")

        run = train(data, out=out.with_name(f"{out.name}-seed-{own.seed}"), model=model, training=own, progress=told)
        training = replace(training, steps=run.training.steps, minutes=None, threads=run.training.threads)
        yield run
