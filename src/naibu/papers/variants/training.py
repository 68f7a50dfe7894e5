"""The trainings behind the table: every cell on every task, at several learning rates first, then with other seeds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from naibu.config import CellName, TrainingConfig
from naibu.data.corpus import Corpus
from naibu.errors import DivergedError
from naibu.papers.variants.cells import VARIANTS, config_of, equal_units, layer_parameters
from naibu.papers.variants.scores import Scored, score
from naibu.papers.variants.tasks import TASKS, Task, corpus_of, prepare
from naibu.progress import Report, shown, silent
from naibu.runs import Run, open_run
from naibu.runs.language_models import load, untrained
from naibu.storage import read_json, write_json
from naibu.tasks.catalogue import task_named
from naibu.training.threads import threads
from naibu.training.train import train
from naibu.trials import run_parallel


@dataclass(frozen=True)
class Budget:
    """What every cell is given: the same symbols in the same batches, under the same schedule."""

    symbols: int = 1_200_000
    """Symbols read in one training."""
    rates: tuple[float, ...] = (0.003, 0.01, 0.03)
    """Learning rates of which each cell gets the one with the lowest validation loss in the training of the first
    seed; the test part is not looked at."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of weights and batches; one training each."""
    batch_size: int = 32
    """Sequences in a batch."""
    scored: int = 60_000
    """Symbols of the test part that are scored, at most; whole sequences."""


FULL = Budget()
QUICK = Budget(symbols=100_000, rates=(0.01,), scored=10_000)


@dataclass(frozen=True)
class Training:
    """One training of one cell on one task, and its score on the test part; a job that can travel."""

    folder: Path
    task: Task
    cell: CellName
    units: int
    rate: float
    seed: int
    budget: Budget

    @property
    def name(self) -> str:
        """The run's name: text-lstm-0.003-1."""
        return f"{self.task.name}-{self.cell}-{self.rate:g}-{self.seed}"

    @property
    def path(self) -> Path:
        """Where the score lies."""
        return self.folder / "scores" / f"{self.name}.json"

    def finished(self) -> bool:
        """Return whether the score is there, of this very training."""
        return self.path.exists() and read_json(self.path, "a score")["asked"] == self._asked()

    def run(self, progress: Report = silent) -> None:
        """Train, or go on training, and score; a training that diverges is scored with its best weights."""
        corpus = corpus_of(self.task, self.folder)
        with threads(1):
            diverged = False
            try:
                run = train(
                    corpus,
                    out=self.folder / "runs" / self.name,
                    model=config_of(self.cell, self.units),
                    training=self._config(corpus),
                    progress=progress,
                )
            except DivergedError:
                run, diverged = open_run(self.folder / "runs" / self.name), True
            model = load(run) if run.weights.exists() else untrained(run)
            found = score(model.eval(), corpus, self.budget.scored)
        facts = {
            "asked": self._asked(),
            "units": self.units,
            "parameters": layer_parameters(self.cell, self.units),
            "parameters_in_all": sum(p.numel() for p in model.parameters()),
            "diverged": diverged,
            "corpus": corpus.fingerprint,
            **_end_of(run),
        }
        write_json(self.path, {**facts, **asdict(found)})

    def result(self) -> Result:
        """Return what the training left; StoredError where it is missing or damaged."""
        found: dict[str, Any] = read_json(self.path, "the score of a training")
        columns = Scored.__dataclass_fields__
        return Result(self, found, Scored(**{name: found[name] for name in columns}))

    def _config(self, corpus: Corpus) -> TrainingConfig:
        config = TrainingConfig(
            steps=1,
            seed=self.seed,
            batch_size=self.budget.batch_size,
            batch_tokens=self.budget.batch_size * self.task.longest,
            learning_rate=self.rate,
            validations=3,
            patience=0,  # the same number of symbols for every cell
            threads=1,
        )
        steps = steps_for(corpus, replace(config, seed=1), self.budget.symbols)
        return replace(config, steps=steps, warmup=steps // 20)

    def _asked(self) -> dict[str, Any]:
        task, budget = asdict(self.task), self.budget
        amounts = {name: getattr(budget, name) for name in ("symbols", "batch_size", "scored")}
        return {"task": task, "units": self.units, **amounts}


@dataclass(frozen=True)
class Result:
    """A finished training: facts of the run, and what it scored."""

    training: Training
    facts: dict[str, Any]
    scored: Scored


def steps_for(corpus: Corpus, config: TrainingConfig, symbols: int) -> int:
    """Return the steps in which about so many symbols are read; they do not depend on the cell."""
    pieces = task_named(corpus.task).order(corpus.train, config).pieces(config.seed, epoch=0)
    epoch = corpus.train.tokens - len(corpus.train)  # the last symbol of a sequence is read by nobody
    return max(1, round(symbols * len(pieces) / epoch))


def _end_of(run: Run) -> dict[str, Any]:
    if run.finished:
        end = run.summary()
        same = {name: end[name] for name in ("steps", "seconds", "validation_loss")}
        return {**same, "symbols_read": end["tokens"], "symbols_per_second": end["tokens_per_second"]}
    lines = run.metrics()
    best = min((line["validation_loss"] for line in lines), default=float("inf"))
    last: dict[str, Any] = lines[-1] if lines else {"step": 0, "tokens": 0, "seconds": 0.0}
    speed = last["tokens"] / max(last["seconds"], 1e-9)
    return {
        "steps": last["step"],
        "symbols_read": last["tokens"],
        "seconds": last["seconds"],
        "symbols_per_second": speed,
        "validation_loss": best,
    }


@dataclass(frozen=True)
class Plan:
    """All trainings of the table, under one folder."""

    folder: Path
    budget: Budget = FULL
    tasks: tuple[Task, ...] = TASKS
    cells: tuple[CellName, ...] = tuple(variant.cell for variant in VARIANTS)

    def do(self, workers: int = 1) -> None:
        """Train what is not trained yet: the learning rates first, with the first seed, then the other seeds."""
        prepare(self.folder, self.tasks)
        units = {cell: equal_units(cell) for cell in self.cells}
        with shown("learning rates" if len(self.budget.rates) > 1 else "first seed", "trainings") as progress:
            run_parallel(self._first(units), workers, progress)
        with shown("other seeds", "trainings") as progress:
            run_parallel(
                [t for task in self.tasks for c in self.cells for t in self.chosen(task, c)], workers, progress
            )

    def chosen(self, task: Task, cell: CellName) -> list[Training]:
        """Return the trainings that count for a cell: of each seed the one at the learning rate chosen."""
        tried = self._tried(task, cell, equal_units(cell))
        best = min(tried, key=lambda training: training.result().facts["validation_loss"])
        return [replace(best, seed=seed) for seed in self.budget.seeds]

    def results(self, task: Task, cell: CellName) -> list[Result]:
        """Return what the trainings that count left, in the order of the seeds."""
        return [training.result() for training in self.chosen(task, cell)]

    def _first(self, units: dict[CellName, int]) -> list[Training]:
        return [t for task in self.tasks for cell in self.cells for t in self._tried(task, cell, units[cell])]

    def _tried(self, task: Task, cell: CellName, units: int) -> list[Training]:
        seed = self.budget.seeds[0]
        return [Training(self.folder, task, cell, units, rate, seed, self.budget) for rate in self.budget.rates]
