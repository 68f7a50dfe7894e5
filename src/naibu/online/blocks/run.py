"""Trials of the 1997 LSTM from their first weights to their criterion or cap, as many at once as there are lanes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from naibu.cells.kernels.vector import LANES
from naibu.data.generated.random import Random, streams
from naibu.data.generated.tape import Tape, Task
from naibu.online.blocks.criteria import Judge, clean_error
from naibu.online.blocks.lstm import LSTM
from naibu.online.blocks.network import Learning, Network, Weights, initial_weights
from naibu.online.trials import Listener, Trace, Trial, thinned


class Study(NamedTuple):
    """A network, how it learns, what it is given and when it has learnt it."""

    network: Network
    learning: Learning
    task: Task
    judge: Callable[[], Judge]
    tests: int = 2560
    """Fresh sequences on which a solved network is tested."""


@dataclass
class _Lane:
    """The trial that a lane is busy with."""

    number: int
    sequences: int = 0
    steps: int = 0
    first: int | None = None
    curve: list[tuple[float, float]] = field(default_factory=list)


def run(study: Study, *, seed: int, trials: Sequence[int], cap: int, listener: Listener) -> list[Trial]:
    """Return the trials of these numbers, each trained until its criterion is met or `cap` sequences are over.

    A trial that ends makes room for the next. Weights, training and test sequences of a trial depend on `seed` and
    its number alone.
    """
    return sorted(_Crew(study, seed, cap, listener).all(trials), key=lambda trial: trial.number)


class _Crew:
    """The lanes and what each one is doing."""

    def __init__(self, study: Study, seed: int, cap: int, listener: Listener) -> None:
        self.study, self.seed, self.cap, self.listener = study, seed, cap, listener
        self.learner = LSTM(study.network, study.learning, seed, [])
        self.judge = study.judge()
        self.lanes: list[_Lane | None] = [None] * LANES
        self.traced = False
        self.training, self.testing = (streams(seed, purpose, [0] * LANES) for purpose in ("training", "test"))

    def all(self, trials: Sequence[int]) -> Iterator[Trial]:
        waiting = list(trials)[::-1]
        while True:
            for lane in range(LANES):
                if self.lanes[lane] is None and waiting:
                    self._begin(lane, waiting.pop())
            if not any(self.lanes):
                return
            yield from self._portion()

    def _begin(self, lane: int, number: int) -> None:
        self.lanes[lane] = _Lane(number)
        self.learner.begin(lane, initial_weights(self.study.network, self.seed, [number]))
        self.judge.begin(lane)
        for random, purpose in ((self.training, "training"), (self.testing, "test")):
            random[lane] = streams(self.seed, purpose, [number])[0]

    def _portion(self) -> Iterator[Trial]:
        """Train all lanes for a portion and yield the trials that end in it."""
        count = self.judge.portion
        tape = self.study.task.tape(self.training, count)
        before = Weights(*(part.copy() for part in self.learner.weights))
        busy = np.array([lane is not None for lane in self.lanes])
        misses = self.learner.train(tape, busy)
        met = self.judge.hear(self.learner, misses, self.testing)
        ended: dict[int, int] = {}  # lane: sequences of this portion that belong to its trial
        for index, lane in enumerate(self.lanes):
            if lane is None:
                continue
            left = min(count, self.cap - lane.sequences)
            if lane.first is None and 0 <= met.first[index] < left:
                lane.first = lane.sequences + int(met.first[index]) + 1
            lane.curve.append((float(lane.sequences + count), float(misses.mean[:, index].mean())))
            solved = 0 <= met.whole[index] < left
            taken = int(met.whole[index]) + 1 if solved else left
            lane.sequences += taken
            lane.steps += int(tape.lengths[:taken, index].sum())
            if solved or lane.sequences >= self.cap:
                ended[index] = taken if solved else -1
        self.listener.trained(int(busy.sum()) * count)
        yield from self._end(ended, tape, before)

    def _end(self, ended: dict[int, int], tape: Tape, before: Weights) -> Iterator[Trial]:
        """Take solved trials back to the weights that met the criterion, test them, and free the lanes."""
        for index, taken in ended.items():
            if 0 < taken < len(tape.start):
                for now, then in zip(self.learner.weights, before, strict=True):
                    now[..., index] = then[..., index]
                self.learner.train(part_of(tape, taken), np.arange(LANES) == index)
        solved_some = any(taken > 0 for taken in ended.values())
        scores = self._test() if solved_some and self.study.tests else None
        for index, taken in ended.items():
            lane = self.lanes[index]
            assert lane is not None
            solved, wrong, error, squared = taken > 0, None, None, None
            if scores is not None and solved:
                wrong, error, squared = int(scores[0][index]), float(scores[1][index]), float(scores[2][index])
            trial = Trial(
                lane.number,
                solved,
                lane.sequences,
                lane.first,
                wrong,
                self.study.tests if scores is not None and solved else 0,
                error,
                squared,
                lane.steps,
                thinned(lane.curve),
            )
            self.listener.finished(trial)
            if solved and not self.traced:
                self.traced = True
                self.listener.traced(lane.number, self._trace(index))
            self.lanes[index] = None
            yield trial

    def _trace(self, index: int) -> Trace:
        """Return what goes on inside the trial of a lane in a fresh sequence."""
        task = self.study.task
        tape = task.tape(streams(self.seed, "trace", [0] * LANES), 1)
        assert tape.x is not None
        every_step = replace(tape, target=np.zeros((1, tape.time, task.outputs, LANES), np.float32))
        signals = {"input": tape.x[0], **self.learner.trace(tape), "output": self.learner.outputs(every_step)[0]}
        mine = {name: values[int(tape.start[0, index]) :, :, index] for name, values in signals.items()}
        return Trace(task.name, mine, (), task.deciding(mine["input"]))

    def _test(self) -> tuple[np.ndarray, ...]:
        """Return how many fresh sequences each lane gets wrong, its mean absolute and its mean squared error there."""
        task, numbers = self.study.task, [lane.number if lane else 0 for lane in self.lanes]
        random: Random = streams(self.seed, "last test", numbers)
        wrong, error, squared = np.zeros(LANES, np.int64), np.zeros(LANES), np.zeros(LANES)
        for count in portions(self.study.tests, 256):
            tape = task.tape(random, count)
            output = self.learner.outputs(tape)
            wrong += task.wrong(output, tape).sum(axis=0)
            error += clean_error(tape, output).sum(axis=0)
            target = tape.target if tape.clean is None else tape.clean
            assert target is not None
            squared += ((output - target)[:, -1] ** 2).mean(axis=1, dtype=np.float64).sum(axis=0)
        return wrong, error / self.study.tests, squared / self.study.tests


def part_of(tape: Tape, count: int) -> Tape:
    """Return the first sequences of a tape."""

    def first(part: Any) -> Any:
        return None if part is None else part[:count]

    symbols, target_symbols = first(tape.symbols), first(tape.target_symbols)
    return Tape(first(tape.start), first(tape.x), symbols, first(tape.target), target_symbols, first(tape.clean))


def portions(whole: int, size: int) -> Iterator[int]:
    """Yield sizes that add up to the whole."""
    for done in range(0, whole, size):
        yield min(size, whole - done)
