"""Every task with data and configurations that are small: the general tests of models and training run over these."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from naibu.config import ModelConfig, TrainingConfig, TranslationConfig
from naibu.data.examples import Data
from naibu.tasks import catalogue
from naibu.tasks.catalogue import task_named
from naibu.tasks.text import TextOptions
from naibu.tasks.translation import TranslationOptions
from naibu.tasks.trees import TreesOptions
from random_trees import nested
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


def pairs(folder: Path, level: str, joint: bool = False) -> TranslationOptions:
    """Sentences of words, and the same words in capitals the other way round."""
    rng, path = random.Random(7), folder / "pairs.tsv"
    words = ["so", "it", "goes", "and", "then", "on", '"', ",", "home"]
    lines = [rng.choices(words, k=rng.randint(1, 14)) for _ in range(240)]
    path.write_text("".join(f"{' '.join(line)}\t{' '.join(line[::-1]).upper()} .\n" for line in lines))
    return TranslationOptions(path, validation=(Path("0.1"),), level=level, joint=joint)


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
        "translation",
        "translation",
        lambda folder: pairs(folder, "word"),
        TranslationConfig(units=10, embedding=6, dropout=0.1),
        replace(QUICK, batch_size=12, learning_rate=0.02),
    ),
    Entry(
        "translation, additive, input feeding",
        "translation",
        lambda folder: pairs(folder, "character", joint=True),
        TranslationConfig(
            "gru", units=8, layers=2, attention="additive", input_feeding=True, encoder="forward", dropout=0.1
        ),
        replace(QUICK, batch_size=6, learning_rate=0.02, precision="float32"),
    ),
    Entry(
        "translation, GNMT",
        "translation",
        lambda folder: pairs(folder, "word"),
        TranslationConfig(units=6, layers=4, embedding=6, attention="dot", encoder="gnmt", tied=False, dropout=0.0),
        replace(QUICK, batch_size=12, learning_rate=0.02, averaging="last"),
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
