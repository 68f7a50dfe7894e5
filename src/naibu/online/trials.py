"""What a training from one seed leaves: whether and when it met its criterion, and how well it did afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

POINTS = 50
"""Points of a trial's learning curve, about."""


def thinned(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a learning curve of `POINTS` points at most, each the mean over as many of the given ones."""
    groups = np.array_split(np.array(curve), min(POINTS, len(curve)))
    return [(float(group[-1, 0]), float(group[:, 1].mean())) for group in groups]


@dataclass(frozen=True)
class Trial:
    """One training from one seed; its numbers depend on the seed and `number` only, not on what runs beside it."""

    number: int
    """0-based in its row."""
    solved: bool
    """Whether the criterion was met within the cap."""
    sequences: int
    """Training sequences until the criterion was met, else those it was given (the cap)."""
    first: int | None = None
    """Of rows with two criteria: training sequences until the first was met."""
    wrong: int | None = None
    """Fresh test sequences that the frozen network got wrong, where the paper has such a test."""
    tested: int = 0
    """Test sequences in all."""
    error: float | None = None
    """Mean absolute error on them."""
    squared: float | None = None
    """Mean squared error on them."""
    steps: int = 0
    """Time steps trained."""
    curve: Sequence[tuple[float, float]] = ()
    """About 50 points: sequences, mean error."""
    length: float | None = None
    """Of rows on endless streams: mean symbols of a test stream before a mistake."""


@dataclass(frozen=True)
class Trace:
    """What happened inside a solved network on one test sequence."""

    words: str
    """What the sequence is, in a few words."""
    signals: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """input, input_gate, output_gate, cell, output ...: each `[time unit]`."""
    ticks: Sequence[str] = ()
    """The symbol of each step, where the sequence is one of symbols."""
    marks: Sequence[int] = ()
    """Steps that matter: the marked pairs, the relevant symbols."""


class Listener(Protocol):
    """Who is told of trials while they are trained."""

    def trained(self, sequences: int) -> None:
        """Hear that so many more sequences were trained, by all trials together."""
        ...

    def finished(self, trial: Trial) -> None:
        """Take a trial that has ended; it is kept even if those beside it are broken off."""
        ...

    def traced(self, number: int, trace: Trace) -> None:
        """Take a look inside the solved trial of that number."""
        ...
