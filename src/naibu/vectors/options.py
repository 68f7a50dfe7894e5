"""How vectors of words are learnt."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Literal, get_args

from naibu.config import check, check_numbers, one_of
from naibu.data.levels import SplitName

ModelName = Literal["skip-gram", "cbow", "glove"]
_USUAL = {
    "skip-gram": {"window": 5, "epochs": 5, "rate": 0.025},
    "cbow": {"window": 5, "epochs": 5, "rate": 0.05},
    "glove": {"window": 10, "epochs": 25, "rate": 0.05},
}
LARGEST_SIZE, LARGEST_WINDOW, MOST_NEGATIVES = 4096, 1000, 1000


@dataclass(frozen=True)
class Options:
    """How vectors of words are learnt. What is 0 is chosen by the model; see `settled`."""

    model: ModelName = "skip-gram"
    """skip-gram tells a word from each word near it, cbow from their mean; glove fits counts of words that are near."""
    size: int = 100
    """Numbers of a vector."""
    window: int = 0
    """Words that are near, on each side, at most; 0 takes 5, for glove 10."""
    epochs: int = 0
    """Times that the text is read, or for glove the counts; 0 takes 5, for glove 25."""
    rate: float = 0.0
    """Learning rate at its highest; 0 takes .025 for skip-gram, .05 for others."""
    last_rate: float = 0.0001
    """Learning rate to which that of skip-gram and cbow falls, word by word."""
    negatives: int = 5
    """Words drawn at random for each that is told (skip-gram, cbow), by their counts to the power .75."""
    sample: float = 0.001
    """Share of the text from which on a word is left out at random, more often the more frequent; 0: none (skip-gram,
    cbow)."""
    x_max: float = 100.0
    """Count from which on all pairs weigh alike (glove)."""
    power: float = 0.75
    """Power with which a pair's weight grows up to there (glove)."""
    least: int = 5
    """How often a word has to come to have a vector."""
    split: SplitName = "spaces"
    """Where words end: at blanks, or where the reader of plain text cuts, punctuation apart."""
    lowercase: bool = False
    """Read all words in small letters."""
    across: bool = False
    """Let what is near go on across the ends of lines, for text whose lines are no sentences."""
    threads: int = 1
    """Threads; with 1 the same seed gives the same vectors to the bit, with more that is left to chance; 0: all."""
    seed: int = 1
    """Seed of the first vectors, and of all that is drawn."""

    def __post_init__(self) -> None:
        check_numbers(self)
        check(self.model in get_args(ModelName), "model", self.model, one_of(ModelName))
        check(1 <= self.size <= LARGEST_SIZE, "size", self.size, f"from 1 to {LARGEST_SIZE:,}")
        check(0 <= self.window <= LARGEST_WINDOW, "window", self.window, f"from 1 to {LARGEST_WINDOW:,}")
        check(1 <= self.negatives <= MOST_NEGATIVES, "negatives", self.negatives, f"from 1 to {MOST_NEGATIVES:,}")
        for name in ("epochs", "rate", "last_rate", "sample", "threads", "seed"):
            check(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        for name in ("x_max", "power"):
            check(getattr(self, name) > 0, name, getattr(self, name), "more than 0")
        check(self.least >= 1, "least", self.least, "at least 1")

    def settled(self) -> Options:
        """Return the options with what suits the model in place of 0."""
        usual = _USUAL[self.model]
        return replace(
            self,
            window=self.window or int(usual["window"]),
            epochs=self.epochs or int(usual["epochs"]),
            rate=self.rate or usual["rate"],
            threads=self.threads or os.cpu_count() or 1,
        )
