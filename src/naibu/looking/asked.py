"""What is to be looked into, and whether all of it is there already; light, so that this is said at once."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import naibu
from naibu.config import ModelConfig, TrainingConfig
from naibu.data import builtin, detect, files
from naibu.errors import CorpusError, NaibuError, StoredError
from naibu.runs import list_runs, run_folders
from naibu.storage import as_json, read_json

UNITS = {"brackets": 100, "tagged": 200, "characters": 200}
"""Units of a network by form, where none are asked for; 300 for forms with words."""
MINUTES = {"brackets": 1.0, "tagged": 1.5}
"""Minutes of training on what every machine has, so that a newcomer need not wait; elsewhere 5."""
FLAGS = {
    "test": "--test",
    "reader": "--reader",
    "category": "--category",
    "vocabulary": "--vocabulary",
    "seed": "--split-seed",
    "function_tags": "--function-tags",
    "traces": "--traces",
    "labels": "--labels",
}
"""Options of a corpus that all networks under one folder share, and how they are typed."""


@dataclass(frozen=True)
class Look:
    """What is looked into: a corpus with its options, the forms, the networks, and where the work lies."""

    corpus: str
    options: dict[str, Any]
    forms: tuple[str, ...]
    model: ModelConfig
    training: TrainingConfig
    units: int | None
    out: Path

    def forms_or_default(self) -> tuple[str, ...]:
        """Return the forms asked for, or those that suit the corpus: plain text has no brackets."""
        if self.forms:
            return tuple(dict.fromkeys(self.forms))
        reader = self.options["reader"]
        kind = "python" if self._builtin else detect.choose(Path(self.corpus), reader, "tagged").reader
        return ("characters",) if kind == "text" else ("brackets", "tagged")

    def model_for(self, form: str) -> ModelConfig:
        """Return the shape of the network for one form: the units as asked, else what suits the form."""
        return replace(self.model, units=UNITS.get(form, 300) if self.units is None else self.units)

    def training_for(self, form: str) -> TrainingConfig:
        """Return the training for one form: shorter on what every machine has."""
        if self.training.minutes is None and self.training.steps is None and self._builtin:
            return replace(self.training, minutes=MINUTES.get(form, 5.0))
        return self.training

    def source(self) -> dict[str, Any]:
        """Return the corpus and its options, wherever the command was typed."""
        path = builtin.NAME if self._builtin else _resolved(self.corpus)
        paths = {name: _resolved(self.options[name]) for name in ("test", "labels")}
        return {"corpus": path, "options": {**self.options, **paths}}

    def whole(self) -> dict[str, Any]:
        """Return all that decides what a finished look says, a stamp of the corpus's files included."""
        if self._builtin:
            stamps: list[Any] = [platform.python_version(), str(builtin.folder())]
        else:
            paths = (self.corpus, self.options["test"], self.options["labels"])
            stamps = [_stamp(path) for path in paths if path is not None]
        return {
            "naibu": naibu.__version__,
            "forms": list(self.forms_or_default()),
            "units": self.units,
            "model": as_json(self.model),
            "training": as_json(self.training),
            "stamp": hashlib.sha256(repr(stamps).encode()).hexdigest(),
        }

    @property
    def _builtin(self) -> bool:
        return self.corpus == builtin.NAME and not Path(self.corpus).exists()


def _stamp(path: str) -> object:
    if not Path(path).exists():
        raise CorpusError(f"there is no such file or folder (always there: {builtin.NAME})", path)
    return files.stamp(Path(path).resolve())


def _resolved(path: str | None) -> str | None:
    return None if path is None else str(Path(path).resolve())


def refuse_another_corpus(asked: Look) -> None:
    """Raise StoredError where the folder holds networks of another corpus, or of other options of this one."""
    if not run_folders(asked.out):
        return
    source = asked.source()
    for run in list_runs(asked.out):
        there: Mapping[str, Any] = {**run.options, "seed": run.options["split_seed"]}
        differing = [name for name in FLAGS if there[name] != source["options"][name]]
        if there["corpus"] != source["corpus"]:
            what = f"the work on another corpus, {there['corpus']}"
        elif differing:
            what = "work with " + ", ".join(
                f"{FLAGS[name]} {_typed(there[name])} (now {_typed(source['options'][name])})" for name in differing
            )
        else:
            continue
        raise StoredError(
            f"--out {asked.out}: holds {what}; give the same again to go on with it, or choose another --out"
        )


def _typed(value: object) -> str:
    return "not given" if value is None or value is False else "given" if value is True else str(value)


def summary_if_finished(asked: Look) -> dict[str, Any] | None:
    """Return the summary of a look that is there, asked for in the same way, of unchanged files; else None."""
    page, summary, note = (asked.out / name for name in ("report.html", "summary.json", "look.json"))
    if not (page.exists() and summary.exists() and note.exists()):
        return None
    try:
        if read_json(note, "what this folder looks into") != {**asked.source(), "whole": asked.whole()}:
            return None
    except (OSError, NaibuError):  # the corpus is gone or the note damaged: going on says so
        return None
    made = summary.stat().st_mtime_ns
    work = [*(asked.out / "runs").glob("*/*.json"), *(asked.out / "results").glob("*/*.json")]
    if any(path.stat().st_mtime_ns > made for path in work):
        return None
    found: dict[str, Any] = read_json(summary, "the main numbers")
    return found if "table" in found else None
