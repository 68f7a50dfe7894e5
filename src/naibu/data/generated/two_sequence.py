"""Bengio's two-sequence problem, and one with noisy targets (Hochreiter and Schmidhuber 1997, experiment 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from naibu.compiling import compiled
from naibu.data.generated.random import Random, below, normal, normals
from naibu.data.generated.tape import Floats, Tape, Task, at_least, with_clean
from naibu.errors import OptionError

NOISE = 0.2**0.5
"""Standard deviation of the inputs' noise: its variance is 0.2 (in one description of the task, wrongly, 2.0)."""
TARGET_NOISE = 0.1**0.5
"""Standard deviation of the targets' noise in 3c."""

Given = tuple[int, int, bool, float, float, float]


@compiled
def two_sequence(random: Random, lane: int, given: Given, x: Floats, target: Floats) -> int:
    """Draw noise, lag ... lag + lag // 10 steps, of which the first few are, or have added, the class: 1 or -1.

    target [1 2]: the class's target with its noise, and without.
    """
    lag, informative, noisy, target_noise, target_of_1, target_of_2 = given
    start: int = len(x) - (lag + below(random, lane, lag // 10 + 1))
    normals(random, lane, NOISE, x[start:, 0])
    first_class = below(random, lane, 2) == 0
    for t in range(start, start + informative):
        noise = x[t, 0] if noisy else 0.0
        x[t, 0] = (1.0 if first_class else -1.0) + noise
    target[0, 1] = target_of_1 if first_class else target_of_2
    target[0, 0] = target[0, 1]
    if target_noise > 0.0:
        target[0, 0] += target_noise * normal(random, lane)
    return start


@dataclass(frozen=True)
class TwoSequence(Task):
    """Two classes told apart by the first few inputs; the rest, a hundred and more, is noise on the same line.

    - 3a: the first inputs are 1 for class 1, whose target is 1, and -1 for class 2, whose target is 0. The paper
      stops where none of 256 test sequences is wrong, and (its second criterion) their mean error is below 0.01.
    - 3b: noise on the first inputs too. Fewer than 6 of 256 wrong; mean error below 0.04.
    - 3c: as 3a, with targets 0.2 for class 1 and 0.8 for class 2, to which noise of variance 0.1 is added: what is to
      be learnt is a conditional expectation. Judged against the target without noise; none of 256 wrong, and a mean
      error below 0.015.
    """

    variant: Literal["3a", "3b", "3c"] = "3a"
    lag: int = 100  # the least number of steps; the most is a tenth more
    informative: int = 3  # how many of the first inputs tell the class

    inputs: ClassVar[int] = 1
    outputs: ClassVar[int] = 1
    draw = staticmethod(two_sequence)

    def __post_init__(self) -> None:
        if self.variant not in ("3a", "3b", "3c"):
            raise OptionError(f'TwoSequence: variant {self.variant!r} has to be "3a", "3b" or "3c"')
        at_least("TwoSequence", informative=(self.informative, 1), lag=(self.lag, self.informative))

    @property
    def name(self) -> str:
        return f"two-sequence problem {self.variant}, lag {self.lag}, {self.informative} informative"

    @property
    def longest(self) -> int:
        return self.lag + self.lag // 10

    @property
    def drawn_outputs(self) -> int:
        return 2

    @property
    def wrong_above(self) -> float:
        return 0.1 if self.variant == "3c" else 0.2

    @property
    def mean_below(self) -> float:
        return {"3a": 0.01, "3b": 0.04, "3c": 0.015}[self.variant]

    @property
    def given(self) -> tuple[Any, ...]:
        regression = self.variant == "3c"
        targets = (TARGET_NOISE, 0.2, 0.8) if regression else (0.0, 1.0, 0.0)
        return (self.lag, self.informative, self.variant == "3b", *targets)

    def deciding(self, x: Any) -> list[int]:
        return list(range(self.informative))

    def tape(self, random: Random, sequences: int) -> Tape:
        return with_clean(super().tape(random, sequences), noisy=self.variant == "3c")
