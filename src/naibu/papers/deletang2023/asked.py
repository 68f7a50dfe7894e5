"""What is asked for of the paper: which languages and cells, how many trainings, and how long each."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal

from naibu.config import check
from naibu.errors import OptionError
from naibu.papers.deletang2023.budget import Budget
from naibu.papers.deletang2023.published import LANGUAGES, Cell

CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru", "stack-rnn")
FULL = Budget(steps=20_000, lengths="41:500", words=32)
QUICK = Budget(steps=4_000, units=64, lengths="41:500:27", words=16)
"""Fifteen short trainings; a score from every 27th length."""


@dataclass(frozen=True)
class Asked:
    """Which languages, which cells, and what each training is given."""

    _: KW_ONLY
    task: tuple[str, ...] = ()
    """A language, parity for example; repeat it for more; the paper's fifteen when not given."""
    cell: tuple[Literal["rnn", "lstm", "gru", "stack-rnn"], ...] = ()
    """A cell; repeat it for more; all four when not given, with --quick the LSTM."""
    seeds: int | None = None
    """Trainings of each, which differ in their seed alone; 3 when not given, with --quick 1."""
    steps: int | None = None
    """Updates of each training; 20,000 when neither these nor minutes are given, with --quick 4,000."""
    minutes: float | None = None
    """Minutes of each training, in place of steps."""
    units: int | None = None
    """Units of the recurrent layer; 128 when not given, with --quick 64."""
    lengths: str | None = None
    """Lengths that are scored, FROM:TO or FROM:TO:BY; 41:500 when not given, with --quick every 27th of them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "task", tuple(self.task))
        object.__setattr__(self, "cell", tuple(self.cell))
        for name in self.task:
            if name not in LANGUAGES:
                raise OptionError(f"--task {name}: is no language of the paper; there are {', '.join(LANGUAGES)}")
        for name in ("seeds", "steps", "units"):
            value = getattr(self, name)
            check(value is None or value >= 1, name, value, "at least 1")
        check(self.minutes is None or self.minutes > 0, "minutes", self.minutes, "more than 0")
        if self.steps is not None and self.minutes is not None:
            raise OptionError(f"--steps {self.steps} and --minutes {self.minutes}: give one of the two")
        if self.lengths is not None:
            from naibu.data.formal.opening import parted

            parted(self.lengths, "--lengths")

    def languages(self) -> tuple[str, ...]:
        """Return the languages asked for, in the paper's order."""
        return tuple(name for name in LANGUAGES if not self.task or name in self.task)

    def cells(self, quick: bool) -> tuple[Cell, ...]:
        """Return the cells asked for."""
        chosen: tuple[Cell, ...] = self.cell or (("lstm",) if quick else CELLS)
        return tuple(dict.fromkeys(chosen))

    def numbers(self, quick: bool) -> range:
        """Return the seeds."""
        return range(1, 1 + (self.seeds or (1 if quick else 3)))

    def budget(self, quick: bool) -> Budget:
        """Return what each training is given."""
        found = QUICK if quick else FULL
        if self.steps is not None or self.minutes is not None:
            found = replace(found, steps=self.steps, minutes=self.minutes)
        return replace(found, units=self.units or found.units, lengths=self.lengths or found.lengths)
