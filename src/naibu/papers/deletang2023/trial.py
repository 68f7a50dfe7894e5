"""One training of one cell on one language, and its score on longer words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naibu.config import FormalConfig
from naibu.data.formal.opening import open_formal
from naibu.papers.deletang2023.budget import Budget
from naibu.papers.deletang2023.published import Cell
from naibu.progress import Report, silent
from naibu.storage import read_json, write_json
from naibu.tasks.formal import FormalTraining
from naibu.training.evaluate import evaluate
from naibu.training.train import train

LEARNT = "1:40"
"""Lengths of the words that are learnt."""


@dataclass(frozen=True)
class Trial:
    """A training and its score; a job that can travel."""

    folder: Path
    language: str
    cell: Cell
    seed: int
    budget: Budget

    @property
    def name(self) -> str:
        """The run's name: parity-lstm-1, and what stands for the budget."""
        return f"{self.language}-{self.cell}-{self.seed}-{self.budget.stamp}"

    @property
    def path(self) -> Path:
        """Where the score lies."""
        return self.folder / "scores" / f"{self.name}.json"

    def finished(self) -> bool:
        """Return whether the score is there."""
        return self.path.exists()

    def run(self, progress: Report = silent) -> None:
        """Train, or go on training, and score on words as long as learnt and on longer ones."""
        run = train(
            open_formal(self.language, lengths=LEARNT),
            out=self.folder / "runs" / self.name,
            model=FormalConfig(self.cell, units=self.budget.units),
            training=FormalTraining(steps=self.budget.steps, minutes=self.budget.minutes, seed=self.seed, threads=1),
            progress=progress,
        )
        learnt = evaluate(run, part="validation")
        scores = evaluate(run, lengths=self.budget.lengths, words=self.budget.words)
        end = run.summary()
        found = {
            "learnt": learnt["accuracy"],
            "accuracy": scores["accuracy"],
            "by_length": {str(length): value for length, value in scores["by_length"].items()},
            "words": scores["examples"],
            "steps": end["steps"],
            "seconds": end["seconds"],
        }
        write_json(self.path, found)

    def result(self) -> dict[str, Any]:
        """Return what the training left. Raises StoredError where it is missing or damaged."""
        found: dict[str, Any] = read_json(self.path, "the score of a training")
        return found
