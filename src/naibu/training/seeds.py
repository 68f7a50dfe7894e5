"""The same training with several seeds: how much of a number is the network's, and how much is luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from naibu.config import ModelConfig, TrainingConfig
from naibu.data.examples import Data
from naibu.errors import OptionError
from naibu.progress import Report, silent
from naibu.runs import Run
from naibu.runs.load import load
from naibu.tasks.catalogue import task_named
from naibu.tasks.task import Measure
from naibu.training.threads import threads
from naibu.training.train import train
from naibu.training.validation import judged_part, measured


@dataclass(frozen=True)
class Spread:
    """One measure over trainings that differ in their seed alone."""

    measure: str
    mean: float
    spread: float  # standard deviation of the trainings, with n - 1
    each: tuple[float, ...]  # [seed]


@dataclass(frozen=True)
class Seeds:
    """Trainings with several seeds, and what they score on the test part."""

    runs: tuple[Run, ...]
    measures: tuple[Spread, ...]

    def rows(self) -> list[dict[str, str | float]]:
        """Return one row a measure: mean, spread, and a column for each seed."""
        seeds = [f"seed {run.training.seed}" for run in self.runs]
        return [
            {"measure": one.measure, "mean": one.mean, "spread": one.spread, **dict(zip(seeds, one.each, strict=True))}
            for one in self.measures
        ]


def train_seeds(
    data: Data,
    count: int,
    *,
    out: str | Path,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    progress: Report = silent,
) -> Seeds:
    """Return so many trainings, with the seeds from that of `training` on, each a run in `out`/seed-N.

    Seeds change weights, batches and dropout; the data are divided once, so that nothing is said of another division.
    Minutes are for each; only the first measures how many steps they are, and the others take as many.
    Raises OptionError for fewer than two.
    """
    if count < 2:
        raise OptionError(f"--seeds {count}: must be at least 2; one training is one without --seeds")
    training, runs = training or TrainingConfig(), list[Run]()
    for number in range(count):

        def told(done: float, total: float, words: str = "", number: int = number) -> None:
            progress(number + done / total, count, f"seed {number + 1} of {count}, {words}")

        own = replace(training, seed=training.seed + number)
        if runs:
            own = replace(own, steps=runs[0].training.steps, minutes=None, threads=runs[0].training.threads)
        runs.append(train(data, out=Path(out) / f"seed-{own.seed}", model=model, training=own, progress=told))
    measures = task_named(data.task).measures(singled_out(data))
    found = [scores(run, data, measures) for run in runs]
    each = {measure.name: tuple(one[measure.name] for one in found) for measure in measures}
    spreads = (Spread(name, float(np.mean(got)), float(np.std(got, ddof=1)), got) for name, got in each.items())
    return Seeds(tuple(runs), tuple(spreads))


def scores(run: Run, data: Data, measures: Sequence[Measure]) -> dict[str, float]:
    """Return what a run's network scores on the test part, by the name of each measure."""
    with threads(run.training.threads):
        return measured(load(run), judged_part(data, data.test, run.training), measures)


def singled_out(data: Data) -> int | None:
    """Return the code of the outcome that is singled out, where the last stream's symbols are what is predicted."""
    symbols = data.train.inputs(data.train.streams[-1]).get("symbol")
    names = None if symbols is None else symbols.names
    return names.index(data.singled_out) if names and data.singled_out in names else None
