"""Every task with data and configurations that are small: the general tests of models and training run over these."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from naibu.config import (
    ClassesConfig,
    FormalConfig,
    ModelConfig,
    SeriesConfig,
    StrokesConfig,
    TagsConfig,
    TrainingConfig,
    TranslationConfig,
)
from naibu.data.examples import Data
from naibu.tasks import catalogue
from naibu.tasks.catalogue import task_named
from naibu.tasks.classes import ClassesOptions
from naibu.tasks.formal import FormalOptions
from naibu.tasks.recovery import RecoveryOptions
from naibu.tasks.series import SeriesOptions
from naibu.tasks.strokes import StrokesOptions
from naibu.tasks.tags import TagsOptions
from naibu.tasks.text import TextOptions
from naibu.tasks.translation import TranslationOptions
from naibu.tasks.trees import TreesOptions
from random_trees import nested
from scribbles import scribbles
from series_tables import hourly, sensors
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


def moods(folder: Path) -> ClassesOptions:
    rng, path = random.Random(7), folder / "moods.tsv"
    words = {"glad": ["fine", "good", '"yes"'], "sad": ["poor", "bad", "(no)"]}
    lines = []
    for number in range(120):
        label = ("glad", "sad")[number % 2]
        text = [f"n{number}", *rng.choices(["so", "it", "was", "then"], k=rng.randint(1, 9)), rng.choice(words[label])]
        lines.append(f"{label}\t{' '.join(text)}")
    path.write_text("\n".join(lines) + "\n")
    return ClassesOptions((path,), validation=0.2, test=0.2)


def slopes(folder: Path) -> ClassesOptions:
    rng, path = random.Random(9), folder / "slopes.ts"
    lines = ["@classLabel true up down level", "@data"]
    for number in range(90):
        slope = (1, -1, 0)[number % 3]
        channels = [[slope * step / 3 + rng.gauss(0, 0.3) for step in range(rng.randint(5, 14))] for _ in range(2)]
        cells = [",".join("?" if rng.random() < 0.05 else f"{v:.3f}" for v in channel) for channel in channels]
        lines.append(":".join([*cells, ("up", "down", "level")[number % 3]]))
    path.write_text("\n".join(lines) + "\n")
    return ClassesOptions((path,), validation=0.2, test=0.2)


NAMES = {"PER": ["Ann", "Bo Li", "Carl von Ox"], "LOC": ["Rome", "New York", "Ulm"]}


def sentences(count: int, seed: int = 7):
    """Sentences as (word, part of speech, tag of its entity) of each word."""
    rng = random.Random(seed)
    for _ in range(count):
        rows = [("so", "ADV", "O")] * rng.randint(0, 2)
        for _ in range(rng.randint(1, 3)):
            kind = rng.choice(list(NAMES))
            words = rng.choice(NAMES[kind]).split()
            rows += [(word, "PROPN", f"{'BI'[place > 0]}-{kind}") for place, word in enumerate(words)]
            rows += [(rng.choice(["sees", "is", "knew"]), "VERB", "O")]
        yield rows


def columns(folder: Path, **options: object) -> TagsOptions:
    path = folder / "names.txt"
    path.write_text("\n".join("".join(f"{' '.join(row)}\n" for row in rows) for rows in sentences(90)))
    return TagsOptions((path,), columns=("word,pos,entity",), test=0.2, **options)


def traffic(folder: Path, decoder: str) -> SeriesOptions:
    """Eight weeks of hours with a day and a week in them, gaps, a holiday at its midnight and a known temperature."""
    path = folder / "traffic.csv"
    path.write_text(hourly(56 * 24, seed=7))
    known = ("temperature", "holiday")
    return SeriesOptions(path, target=("volume",), known=known, horizon=6, context=12, decoder=decoder)


def drawings(folder: Path, *, whole: bool, class_: str | None = None, text: str | None = None) -> StrokesOptions:
    path = folder / "scribbles.jsonl"
    path.write_text(scribbles(whole=whole))
    return StrokesOptions((path,), class_=class_, text=text, validation=0.1, test=0.2)


def rooms(folder: Path) -> RecoveryOptions:
    """Three series of hours that go up and down together, with gaps."""
    path = folder / "rooms.csv"
    path.write_text(sensors(hours=300, count=3))
    return RecoveryOptions(path, window=18, neighbours=2, test=0.2)


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
        "classes",
        "classes",
        moods,
        ClassesConfig(units=9, pooling="attention", attention=5),
        replace(QUICK, optimiser="adamw", learning_rate=0.02),
    ),
    Entry(
        "classes of numbers",
        "classes",
        slopes,
        ClassesConfig("gru", units=7, layers=2, balanced=True),
        replace(QUICK, optimiser="adamw", learning_rate=0.02),
    ),
    Entry(
        "classes, one way",
        "classes",
        moods,
        ClassesConfig("rnn", units=8, one_way=True, pooling="last"),
        replace(QUICK, optimiser="adamw", learning_rate=0.02),
    ),
    Entry(
        "tags",
        "tags",
        lambda folder: columns(folder, features=("pos",)),
        TagsConfig(units=7, embedding=6, letters=4, letter_embedding=5, dropout=0.1),
        replace(QUICK, optimiser="adamw", learning_rate=0.02),
    ),
    Entry(
        "tags, softmax",
        "tags",
        lambda folder: columns(folder, column="pos"),
        TagsConfig("gru", units=6, layers=2, decode="softmax", letters=0),
        QUICK,
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
        "strokes",
        "strokes",
        lambda folder: drawings(folder, whole=True),
        StrokesConfig(units=9, mixtures=3, dropout=0.1),
        replace(QUICK, optimiser="adamw", learning_rate=0.01),
    ),
    Entry(
        "strokes of a class",
        "strokes",
        lambda folder: drawings(folder, whole=False, class_="kind"),
        StrokesConfig("gru", units=7, layers=2, mixtures=2, class_size=3),
        replace(QUICK, optimiser="adamw", learning_rate=0.01),
    ),
    Entry(
        "strokes that write",
        "strokes",
        lambda folder: drawings(folder, whole=True, class_="kind", text="word"),
        StrokesConfig(units=7, mixtures=2, class_size=2, bumps=3),
        replace(QUICK, optimiser="adamw", learning_rate=0.01),
    ),
    Entry(
        "formal",
        "formal",
        lambda folder: FormalOptions("bucket-sort", lengths="2:7", test_lengths="8:11", per_length=6),
        FormalConfig("gru", units=8),
        replace(QUICK, learning_rate=0.02),
    ),
    Entry(
        "formal, a stack",
        "formal",
        lambda folder: FormalOptions("reverse-string", lengths="2:6", test_lengths="7:9", per_length=6),
        FormalConfig("stack-rnn", units=7, layers=2, dropout=0.1),
        replace(QUICK, learning_rate=0.02),
    ),
    Entry(
        "recovery",
        "recovery",
        rooms,
        ModelConfig(units=5, dropout=0.2),
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
