"""Trials side by side in lanes, as many at once as there are: one that ends makes room for the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from naibu.cells.kernels.vector import LANES
from naibu.online.trials import Listener, Trial


@dataclass
class Lane:
    """The trial that a lane is busy with, and what it was given so far."""

    number: int
    sequences: int = 0
    steps: int = 0
    first: int | None = None
    """Of two criteria, after how many sequences the easier one was met."""
    curve: list[tuple[float, float]] = field(default_factory=list)


class Crew(Protocol):
    """What trains the trials in all lanes."""

    def begin(self, lane: int, number: int) -> None:
        """Give a lane to another trial."""
        ...

    def go_on(self, lanes: Mapping[int, Lane]) -> tuple[int, Mapping[int, Trial]]:
        """Train the trials of the busy lanes for a portion; return how many sequences that were, and which trials ended
        in it, by lane."""
        ...


def run_lanes(crew: Crew, numbers: Sequence[int], listener: Listener | None) -> list[Trial]:
    """Return the trials of these numbers, in their order; interrupted, it has told the listener of all that ended."""
    waiting, busy, found = list(numbers)[::-1], dict[int, Lane](), dict[int, Trial]()
    while waiting or busy:
        for lane in sorted(set(range(LANES)) - set(busy))[: len(waiting)]:
            busy[lane] = Lane(waiting.pop())
            crew.begin(lane, busy[lane].number)
        trained, ended = crew.go_on(dict(sorted(busy.items())))
        if listener:
            listener.trained(trained)
        for lane, trial in ended.items():
            found[busy.pop(lane).number] = trial
            if listener:
                listener.finished(trial)
    return [found[number] for number in numbers]
