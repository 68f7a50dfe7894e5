"""When a trial counts as solved: what the paper asks of the last training sequences, or of test sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from naibu.cells.kernels.vector import LANES
from naibu.data.generated.embedded_reber import reber_strings
from naibu.data.generated.random import Random
from naibu.data.generated.reber import legal_first
from naibu.data.generated.tape import Tape, Task
from naibu.online.blocks.lstm import LSTM, Misses

Indices = NDArray[np.int64]


class Met(NamedTuple):
    """At which sequence of the portion just trained a criterion was met, counted from 0; -1 where it was not."""

    first: Indices  # [lane], of two criteria the one that is easier
    whole: Indices  # [lane]


class Judge(Protocol):
    """Hears what each lane did, portion by portion, and says when its criterion was met."""

    portion: int
    """Sequences after which it wants to be asked."""

    def begin(self, lane: int) -> None:
        """Forget what was heard of a lane: another trial begins there."""
        ...

    def hear(self, learner: LSTM, misses: Misses, random: Random) -> Met:
        """Take in a portion. `random` are the lanes' streams for test sequences."""
        ...


@dataclass(frozen=True)
class Asked:
    """Of so many sequences at most `wrong` may be wrong, and their mean absolute error must lie below `mean_below`."""

    wrong: int = 0
    mean_below: float | None = None


def _met(asked: Asked | None, wrong: NDArray[np.int64], mean: NDArray[np.float64]) -> NDArray[np.bool_]:
    if asked is None:
        return np.zeros(wrong.shape, bool)
    below = np.ones(wrong.shape, bool) if asked.mean_below is None else mean < asked.mean_below
    return (wrong <= asked.wrong) & below


class Recent:
    """Looks at the last training sequences, 2000 in the paper, after each one (experiments 4, 5 and 6)."""

    def __init__(
        self, wrong_above: float, whole: Asked, first: Asked | None = None, *, window: int = 2000, portion: int = 250
    ) -> None:
        assert window % portion == 0, "the window is made of whole portions"
        self.wrong_above, self.whole, self.first, self.window, self.portion = wrong_above, whole, first, window, portion
        self._wrong = np.zeros((window, LANES), np.int64)
        self._mean = np.zeros((window, LANES))
        self._heard = np.zeros(LANES, np.int64)
        self._sums = (np.zeros(LANES, np.int64), np.zeros(LANES))
        self._at = 0

    def begin(self, lane: int) -> None:
        """Forget what was heard of a lane."""
        for kept in (self._wrong[:, lane], self._mean[:, lane]):
            kept[:] = 0
        self._heard[lane] = 0
        for total in self._sums:
            total[lane] = 0

    def hear(self, learner: LSTM, misses: Misses, random: Random) -> Met:
        """Take in a portion: after each of its sequences the window has moved on by one."""
        place = slice(self._at, self._at + self.portion)
        self._at = (self._at + self.portion) % self.window
        wrong, mean = (misses.worst >= self.wrong_above).astype(np.int64), misses.mean.astype(np.float64)
        wrong_of_window = self._sums[0] + np.cumsum(wrong - self._wrong[place], axis=0)
        mean_of_window = (self._sums[1] + np.cumsum(mean - self._mean[place], axis=0)) / self.window
        self._wrong[place], self._mean[place] = wrong, mean
        self._sums = (self._wrong.sum(axis=0), self._mean.sum(axis=0))
        full = self._heard + np.arange(1, self.portion + 1)[:, None] >= self.window
        self._heard += self.portion
        return Met(*(_first(full & _met(it, wrong_of_window, mean_of_window)) for it in (self.first, self.whole)))


def _first(met: NDArray[np.bool_]) -> Indices:
    """Return the first row that is true in each lane, -1 where none is."""
    return np.where(met.any(axis=0), met.argmax(axis=0), -1)


class Tested:
    """Looks at fresh test sequences, 256 in the paper, after every 100 training sequences (experiment 3)."""

    def __init__(self, task: Task, whole: Asked, first: Asked | None = None, *, tests: int = 256, every: int = 100):
        self.task, self.whole, self.first, self.tests, self.portion = task, whole, first, tests, every

    def begin(self, lane: int) -> None:
        """Nothing is kept of a lane."""

    def hear(self, learner: LSTM, misses: Misses, random: Random) -> Met:
        """Test what each lane is now; a few sequences first, and no more where no lane can still pass."""
        most = max(asked.wrong for asked in (self.whole, self.first) if asked is not None)
        wrong, missed, done = np.zeros(LANES, np.int64), np.zeros(LANES), 0
        for upto in (min(16, self.tests), min(64, self.tests), self.tests):
            tape = self.task.tape(random, upto - done)
            output = learner.outputs(tape)
            wrong += self.task.wrong(output, tape).sum(axis=0)
            missed += clean_error(tape, output).sum(axis=0)
            done = upto
            if (wrong > most).all():
                return Met(np.full(LANES, -1), np.full(LANES, -1))
        mean = missed / self.tests
        last = self.portion - 1
        return Met(*(np.where(_met(asked, wrong, mean), last, -1) for asked in (self.first, self.whole)))


def clean_error(tape: Tape, output: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean absolute error of the outputs after the last step, `[sequence lane]`, against targets without
    noise."""
    target = tape.target if tape.clean is None else tape.clean
    assert target is not None
    found: NDArray[np.float64] = np.abs(output[:, -1] - target[:, -1]).mean(axis=1, dtype=np.float64)
    return found


class EveryString:
    """Looks at all training and all test strings of a grammar after every 100 training strings (experiment 1): after
    each symbol all that may follow must be more active than all others."""

    def __init__(self, strings: Sequence[str], *, every: int = 100) -> None:
        self.portion = every
        unique = sorted(dict.fromkeys(strings), key=len)
        few, some = unique[5::61], unique[2::9]  # of all lengths: nearly all networks fail on one of these
        parts = (few, [s for s in some if s not in few], [s for s in unique if s not in few and s not in some])
        self._parts = [_laid_out(part) for part in parts if part]

    def begin(self, lane: int) -> None:
        """Nothing is kept of a lane."""

    def hear(self, learner: LSTM, misses: Misses, random: Random) -> Met:
        """Look at what each lane is now; no further than to the first strings that all of them get wrong."""
        right = np.ones(LANES, bool)
        for tape, legal in self._parts:
            right &= legal_first(np.moveaxis(learner.outputs(tape), 3, 2), legal).all(axis=(0, 1))
            if not right.any():
                break
        never = np.full(LANES, -1)
        return Met(never, np.where(right, self.portion - 1, -1))


def _laid_out(strings: Sequence[str]) -> tuple[Tape, NDArray[np.bool_]]:
    """Return strings on a tape, the same in all lanes, and what may follow, bool [string time lane 7]."""
    given = reber_strings(strings)
    x = np.repeat(given.x[..., None], LANES, -1)
    start = np.repeat(given.start[:, None], LANES, -1)
    return Tape(start, x, None, np.zeros_like(x), None), given.legal[:, :, None, :]
