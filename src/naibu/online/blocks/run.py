"""Trials of the 1997 LSTM from their first weights to their criterion or cap, as many at once as there are lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from naibu.cells.kernels.vector import LANES
from naibu.data.generated.random import Random, streams
from naibu.data.generated.tape import Tape, Task
from naibu.online.blocks.criteria import Judge, clean_error
from naibu.online.blocks.lstm import LSTM
from naibu.online.blocks.network import Learning, Network, Weights, initial_weights
from naibu.online.lanes import Lane, run_lanes
from naibu.online.trials import Listener, Trace, Trial, thinned


class Study(NamedTuple):
    """A network, how it learns, what it is given and when it has learnt it."""

    network: Network
    learning: Learning
    task: Task
    judge: Callable[[], Judge]
    tests: int = 2560
    """Fresh sequences on which a solved network is tested."""


def run(study: Study, *, seed: int, trials: Sequence[int], cap: int, listener: Listener) -> list[Trial]:
    """Return the trials of these numbers, in their order, each trained until its criterion is met or `cap` sequences
    are over.

    Weights, training and test sequences of a trial depend on `seed` and its number alone.
    """
    return run_lanes(_Crew(study, seed, cap, listener), trials, listener)


class _Crew:
    """The learner of all lanes, their judge, and the random streams of each."""

    def __init__(self, study: Study, seed: int, cap: int, listener: Listener) -> None:
        self.study, self.seed, self.cap, self.listener = study, seed, cap, listener
        self.learner = LSTM(study.network, study.learning, seed, [])
        self.judge = study.judge()
        self.traced = False
        self.training, self.testing = (streams(seed, purpose, [0] * LANES) for purpose in ("training", "test"))

    def begin(self, lane: int, number: int) -> None:
        """Give a lane to another trial."""
        self.learner.begin(lane, initial_weights(self.study.network, self.seed, [number]))
        self.judge.begin(lane)
        for random, purpose in ((self.training, "training"), (self.testing, "test")):
            random[lane] = streams(self.seed, purpose, [number])[0]

    def go_on(self, lanes: Mapping[int, Lane]) -> tuple[int, Mapping[int, Trial]]:
        """Train all lanes for a portion; see `Crew`."""
        count = self.judge.portion
        tape = self.study.task.tape(self.training, count)
        before = Weights(*(part.copy() for part in self.learner.weights))
        misses = self.learner.train(tape, np.isin(np.arange(LANES), list(lanes)))
        met = self.judge.hear(self.learner, misses, self.testing)
        ended: dict[int, int] = {}  # lane: sequences of this portion that belong to its trial, if it is solved
        for index, lane in lanes.items():
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
        return len(lanes) * count, self._end(lanes, ended, tape, before)

    def _end(
        self, lanes: Mapping[int, Lane], ended: Mapping[int, int], tape: Tape, before: Weights
    ) -> dict[int, Trial]:
        """Take solved trials back to the weights that met the criterion, and test them."""
        for index, taken in ended.items():
            if 0 < taken < len(tape.start):
                for now, then in zip(self.learner.weights, before, strict=True):
                    now[..., index] = then[..., index]
                self.learner.train(part_of(tape, taken), np.arange(LANES) == index)
        solved = [index for index, taken in ended.items() if taken > 0]
        scores = self._test(lanes) if solved and self.study.tests else None
        trials = {}
        for index in ended:
            lane, is_solved = lanes[index], index in solved
            trial = Trial(
                lane.number, is_solved, lane.sequences, lane.first, steps=lane.steps, curve=thinned(lane.curve)
            )
            if scores is not None and is_solved:
                wrong, error, squared = (part[index].item() for part in scores)
                trial = replace(trial, wrong=wrong, tested=self.study.tests, error=error, squared=squared)
            trials[index] = trial
        if solved and not self.traced:
            self.traced = True
            self.listener.traced(lanes[solved[0]].number, self._trace(solved[0]))
        return trials

    def _trace(self, index: int) -> Trace:
        """Return what goes on inside the trial of a lane in a fresh sequence."""
        task = self.study.task
        tape = task.tape(streams(self.seed, "trace", [0] * LANES), 1)
        assert tape.x is not None
        every_step = replace(tape, target=np.zeros((1, tape.time, task.outputs, LANES), np.float32))
        signals = {"input": tape.x[0], **self.learner.trace(tape), "output": self.learner.outputs(every_step)[0]}
        mine = {name: values[int(tape.start[0, index]) :, :, index] for name, values in signals.items()}
        return Trace(task.name, mine, (), task.deciding(mine["input"]))

    def _test(self, lanes: Mapping[int, Lane]) -> tuple[np.ndarray, ...]:
        """Return how many fresh sequences each lane gets wrong, its mean absolute and its mean squared error there."""
        task = self.study.task
        numbers = [lanes[index].number if index in lanes else 0 for index in range(LANES)]
        random: Random = streams(self.seed, "last test", numbers)
        wrong, error, squared = np.zeros(LANES, np.int64), np.zeros(LANES), np.zeros(LANES)
        for done in range(0, self.study.tests, 256):
            tape = task.tape(random, min(256, self.study.tests - done))
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
