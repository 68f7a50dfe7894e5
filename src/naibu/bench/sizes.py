"""Which sizes a bench measures, how long it stays with each, and how it tells the time to go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from naibu.bench.rounds import Measured, interleaved
from naibu.config import PrecisionName
from naibu.errors import OptionError
from naibu.memory import check_memory
from naibu.progress import Report

if TYPE_CHECKING:
    from naibu.bench.peak import Peak

CellName = Literal["lstm", "gru", "rnn"]
CELLS: tuple[CellName, ...] = get_args(CellName)
Row = dict[str, Any]
Job = TypeVar("Job")


@dataclass(frozen=True)
class Sizes:
    """What is measured. Left empty, everything a bench has, or with `quick` its main sizes, more shortly."""

    hidden: tuple[int, ...] = ()
    """Hidden units; repeat it for more. Without it 100, 200 and 1000 (growth: 200; probes: 200 and 1000)."""
    batch: tuple[int, ...] = ()
    """Sequences side by side; repeat it for more. Without it 1, 8, 32 and 128 (quick: 1 and 32; growth: 32)."""
    cells: tuple[CellName, ...] = ()
    """The cell; repeat it for more. Without it all three (language-model: lstm)."""
    vocabulary: tuple[int, ...] = ()
    """Symbols of the language model; repeat it for more. Without it 5, 160 and 10,000."""
    steps: int | None = None
    """Steps of a sequence; when not given 64, 35 from 500 hidden units on."""
    quick: bool = False
    """Fewer sizes and rounds: two minutes each."""
    rows: tuple[int, ...] = ()
    """Training rows of the recording that is probed; repeat it for more. Without it 100,000 and 1,000,000."""
    layers: int = 1
    """Layers of the language model."""
    precision: PrecisionName = "float32"
    """Type of our language model's products."""

    def __post_init__(self) -> None:
        for option in ("hidden", "batch", "vocabulary", "rows"):
            for value in getattr(self, option):
                if value < 1:
                    raise OptionError(f"--{option} {value}: must be at least 1")
        if self.steps is not None and self.steps < 1:
            raise OptionError(f"--steps {self.steps}: must be at least 1")
        if self.layers < 1:
            raise OptionError(f"--layers {self.layers}: must be at least 1")
        largest = [max(sizes, default=0) for sizes in (self.of_hidden(), self.of_batch(), self.of_vocabulary())]
        hidden, batch, symbols = largest
        layers = self.layers * (24 * hidden**2 + 60 * hidden * batch * (self.steps or 64))
        needed = 4 * (layers + 8 * symbols * hidden)
        check_memory(needed, f"--hidden {hidden} --batch {batch}")
        for cell in self.cells:
            if cell not in CELLS:
                raise OptionError(f"--cells {cell}: must be one of {', '.join(CELLS)}")

    def of_hidden(self) -> tuple[int, ...]:
        """Return the numbers of hidden units."""
        return self.hidden or (100, 200, 1000)

    def of_batch(self) -> tuple[int, ...]:
        """Return the numbers of sequences side by side."""
        return self.batch or ((1, 32) if self.quick else (1, 8, 32, 128))

    def of_vocabulary(self) -> tuple[int, ...]:
        """Return the numbers of symbols: brackets, tags or characters, words."""
        return self.vocabulary or (5, 160, 10_000)

    def steps_of(self, hidden: int) -> int:
        """Return the steps of a sequence at so many hidden units."""
        return self.steps or (35 if hidden >= 500 else 64)

    def rounds(self, contenders: Mapping[str, Callable[[], object]], limit: float) -> Measured:
        """Return the contenders measured in turn, in a time that fits; `limit` seconds where it can be kept."""
        if self.quick:
            return interleaved(contenders, rounds=3, seconds=0.02, limit=limit / 4)
        return interleaved(contenders, rounds=7, seconds=0.06, limit=limit)


def at_limit(found: Measured, peak: Peak, contender: str, flops: float) -> float:
    """Return the share of the limit that is reached: 1 where nothing but the products took time."""
    return flops / peak.flops * found.seconds["peak"] / found.seconds[contender]


def with_progress(jobs: Iterable[Job], cost: Callable[[Job], float], progress: Report) -> Iterator[Job]:
    """Yield jobs, telling how much of their cost (in any unit that adds up) is done."""
    jobs = list(jobs)
    total, done = sum(map(cost, jobs)), 0.0
    for job in jobs:
        yield job
        done += cost(job)
        progress(done, total, "")
