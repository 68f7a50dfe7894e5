"""Every task with data and configurations that are small: the general tests of models and training run over these."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from naibu.config import ModelConfig, SeriesConfig, TrainingConfig
from naibu.data.examples import Data
from naibu.tasks import catalogue
from naibu.tasks.catalogue import task_named
from naibu.tasks.series import SeriesOptions
from naibu.tasks.text import TextOptions
from naibu.tasks.trees import TreesOptions
from random_trees import nested
from series_tables import hourly
from toy_task import WavesOptions

OWN = {"waves": "toy_task:Waves"}
"""Tasks of the tests, as the catalogue has its own."""


@dataclass(frozen=True)
class Entry:
    """A task, what it learns (files are written into the folder given), and how."""

    name: str
    task: str
    options: Callable[[Path], object]
    model: ModelConfig
    training: TrainingConfig

    def open(self, folder: Path) -> Data:
        """The data; OWN has to be in the catalogue."""
        return task_named(self.task).open(self.options(folder))


def treebank(folder: Path, form: str) -> TreesOptions:
    rng, path = random.Random(3), folder / "trees.mrg"
    path.write_text("\n".join(f"(S {nested(rng)} {nested(rng)})" for _ in range(80)) + "\n")
    return TreesOptions(str(path), form=form)


def prose(folder: Path, level: str) -> TextOptions:
    rng, path = random.Random(5), folder / "prose.txt"
    words = ["so", "it", "goes", '"no', 'end"', "(as", "ever)", "and", "on"]
    lines = [" ".join(rng.choices(words, k=rng.randint(2, 9))) for _ in range(300)]
    path.write_text("\n".join(lines) + "\n")
    return TextOptions((path,), level=level, longest=40 if level == "character" else 12, test=0.1)


def traffic(folder: Path, decoder: str) -> SeriesOptions:
    """Eight weeks of hours with a day and a week in them, gaps, a holiday at its midnight and a known temperature."""
    path = folder / "traffic.csv"
    path.write_text(hourly(56 * 24, seed=7))
    known = ("temperature", "holiday")
    return SeriesOptions(path, target=("volume",), known=known, horizon=6, context=12, decoder=decoder)


QUICK = TrainingConfig(steps=24, batch_size=8, validations=3, threads=1, warmup=5, truncation=11)
ENTRIES = [
    Entry("trees", "trees", lambda folder: treebank(folder, "brackets"), ModelConfig(units=9, dropout=0.2), QUICK),
    Entry(
        "trees, tied",
        "trees",
        lambda folder: treebank(folder, "tagged+words"),
        ModelConfig("gru", units=9, layers=2, tied=True),
        replace(QUICK, optimiser="adamw", weight_decay=0.1, learning_rate=0.02),
    ),
    Entry(
        "text",
        "text",
        lambda folder: prose(folder, "character"),
        ModelConfig(units=9),
        replace(QUICK, batch_size=5),
    ),
    Entry(
        "text, words",
        "text",
        lambda folder: prose(folder, "word"),
        ModelConfig("gru", units=9, layers=2, tied=True),
        replace(QUICK, batch_size=3, optimiser="adamw"),
    ),
    Entry(
        "series",
        "series",
        lambda folder: traffic(folder, "direct"),
        ModelConfig(units=7, dropout=0.2),
        replace(QUICK, batch_size=16, learning_rate=0.01),
    ),
    Entry(
        "series, autoregressive",
        "series",
        lambda folder: traffic(folder, "autoregressive"),
        SeriesConfig("gru", units=6, layers=2, distribution="negative-binomial"),
        replace(QUICK, batch_size=16, learning_rate=0.01),
    ),
    Entry(
        "waves",
        "waves",
        lambda folder: WavesOptions(),
        ModelConfig(units=5),
        replace(QUICK, batch_size=3, optimiser="sgd", decay="plateau", learning_rate=0.3),
    ),
]


def with_own(monkeypatch) -> None:
    """Put the tasks of the tests into the catalogue."""
    for name, where in OWN.items():
        monkeypatch.setitem(catalogue._TASKS, name, where)
