"""What is asked for of the study: on which corpus, and which version."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from naibu.data import builtin
from naibu.errors import CorpusError, OptionError
from naibu.papers.mochihashi2019.networks import DEFAULT, FULL, QUICK
from naibu.papers.mochihashi2019.study import Study


@dataclass(frozen=True)
class Asked:
    """The corpus and its options as typed; without any, what every machine has."""

    treebank: str | None = None
    test: Path | None = None
    reader: str | None = None
    category: str | None = None
    vocabulary: int = 10_000
    longest: int | None = None
    function_tags: bool = False
    full: bool = False

    def study(self, folder: Path, quick: bool) -> Study:
        """Return the study under a folder. Raises OptionError or CorpusError for what cannot be."""
        if quick and self.full:
            raise OptionError("--full: a quick version of the full study there is not; leave --quick or --full out")
        if self.treebank is not None and not Path(self.treebank).exists() and self.treebank != builtin.NAME:
            raise CorpusError(f"there is no such file or folder (always there: {builtin.NAME})", self.treebank)
        options = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("treebank", "full")}
        kept: dict[str, Any] = {"traces": False, "labels": None, "seed": 1} | options
        kept["test"] = None if self.test is None else str(self.test.resolve())
        corpus = builtin.NAME if self.treebank in (None, builtin.NAME) else str(Path(str(self.treebank)).resolve())
        size = QUICK if quick else FULL if self.full else DEFAULT
        return Study(folder, corpus, tuple(sorted(kept.items())), size)


def given(asked: Asked) -> list[str]:
    """Return the options, as they are typed, that were given."""
    typed = [f"--{f.name.replace('_', '-')}" for f in fields(asked)[1:] if getattr(asked, f.name) != f.default]
    return typed if asked.treebank is None else [asked.treebank, *typed]
