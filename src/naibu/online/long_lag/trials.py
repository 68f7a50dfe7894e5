"""Trials of experiment 2, each trained to its criterion or its cap: LSTM on 2a, 2b and 2c, RTRL, BPTT and the
sequence chunker on 2a. A trial depends on the seed and its number alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from naibu.cells.kernels.vector import LANES
from naibu.data.generated.random import streams
from naibu.online.long_lag import chunker, one_hidden
from naibu.online.long_lag import distractors as distractors_lstm
from naibu.online.long_lag import net as long_lag_net
from naibu.online.long_lag.chunker import Chunker, ChunkerNet
from naibu.online.long_lag.distractors import DistractorLanes, DistractorNet
from naibu.online.long_lag.lstm import LongLagLSTM
from naibu.online.long_lag.net import LongLagNet
from naibu.online.long_lag.one_hidden import OneHidden, OneHiddenLanes
from naibu.online.long_lag.symbols import coins, distractors, long_lag, two_sequences
from naibu.online.long_lag.until_solved import Numbers, below, until_solved
from naibu.online.trials import Listener, Trial

TESTED = 10_000
"""Random sequences of a test in 2b and 2c, the same ones at every test of a trial; none of them is trained on."""
Floats = NDArray[np.float32]
Truths = NDArray[np.bool_]


class _Trained:
    """What trials are trained on: each has its own stream of sequences."""

    def __init__(self, seed: int, numbers: Sequence[int]) -> None:
        self._data, self._steps = streams(seed, "training", numbers), np.zeros(len(numbers), np.int64)

    def trained_steps(self, trial: int) -> int:
        """Return how many time steps a trial was trained on."""
        return int(self._steps[trial])


class LongLagTrials(_Trained):
    """Trials of 2a or 2b, each with its own stream of sequences; cells come when the error has stopped falling."""

    def __init__(self, net: LongLagNet, seed: int, numbers: Sequence[int]) -> None:
        """seed: of the row; numbers: the trials."""
        super().__init__(seed, numbers)
        self.net, self.limit = net, net.limit
        self.lstm = LongLagLSTM(net, long_lag_net.initial_weights(net, streams(seed, "weights", numbers)))
        self._test, self._before = streams(seed, "test", numbers), np.full(len(numbers), np.inf)
        self.added: list[list[int]] = [[] for _ in numbers]
        """After how many sequences each cell of a trial came."""

    def train(self, chosen: Numbers, sequences: int) -> tuple[Floats, Floats]:
        """Learn from so many sequences more in each chosen trial; see `Learner`."""
        random = self._data[chosen]
        symbols = long_lag(random, sequences, self.net.p, self.net.task)
        self._data[chosen] = random
        worst, squared = self.lstm.run(chosen, symbols)
        self._steps[chosen] += sequences * self.net.p
        self._add_cells(chosen, squared.mean(0, dtype=np.float64))
        return worst, squared

    def _add_cells(self, chosen: Numbers, error: NDArray[np.float64]) -> None:
        """Sequential network construction: one cell more where the error of a window was no lower than before."""
        stopped = (error > self.net.stall * self._before[chosen]) & (self.lstm.active[chosen] < self.net.cells)
        self._before[chosen] = np.where(stopped, np.inf, error)
        for trial in chosen[stopped]:
            self.lstm.active[trial] += 1
            self.added[trial].append(int(self._steps[trial]) // self.net.p)

    def passes(self, trials: Numbers) -> Truths:
        """Return in which trials 10,000 random sequences are predicted; in 2a there are but two."""
        good, random = np.ones(len(trials), np.bool_), self._test[trials]
        if self.net.task == "2a":
            both = two_sequences(self.net.p).repeat(len(trials), axis=2)
            return below(self.lstm.run(trials, both, learns=False)[0], self.limit)
        for _ in range(TESTED // 500):
            symbols = long_lag(random, 500, self.net.p, self.net.task)
            good &= below(self.lstm.run(trials, symbols, learns=False)[0], self.limit)
            if not good.any():
                break
        return good


def long_lag_trials(
    net: LongLagNet, seed: int, numbers: Sequence[int], cap: int, listener: Listener | None = None
) -> list[Trial]:
    """Return the trials of these numbers, each trained on at most `cap` sequences of 2a or 2b."""
    return until_solved(LongLagTrials(net, seed, numbers), numbers, cap, net.window, listener=listener)


class OneHiddenTrials(_Trained):
    """Trials with their own streams of sequences; see `Learner`. Lanes that are done go on unseen."""

    def __init__(self, net: OneHidden, seed: int, numbers: Sequence[int]) -> None:
        """seed: of the row; numbers: at most `LANES` trials."""
        super().__init__(seed, numbers)
        self.net, self.limit = net, net.limit
        self.lanes = OneHiddenLanes(net, one_hidden.initial_weights(net, streams(seed, "weights", numbers)))

    def train(self, chosen: Numbers, sequences: int) -> tuple[Floats, Floats]:
        """Learn from so many sequences more."""
        classes = np.empty((sequences, len(self._data)), np.float32)
        coins(self._data, classes)
        worst, squared = self.lanes.run(classes)
        self._steps += sequences * self.net.p
        return worst[:, chosen], squared[:, chosen]

    def passes(self, trials: Numbers) -> Truths:
        """Return in which trials both sequences, the only ones there are, are predicted."""
        both = np.repeat(np.array([[0.0], [1.0]], np.float32), self.lanes.lanes, axis=1)
        return below(self.lanes.run(both, learns=False)[0][:, trials], self.limit)


def one_hidden_trials(
    net: OneHidden, seed: int, numbers: Sequence[int], cap: int, listener: Listener | None = None
) -> list[Trial]:
    """Return the trials of these numbers, each trained on at most `cap` sequences of 2a."""
    found: list[Trial] = []
    for first in range(0, len(numbers), LANES):
        group = numbers[first : first + LANES]
        found += until_solved(OneHiddenTrials(net, seed, group), group, cap, net.window, listener=listener)
    return found


class DistractorTrials(_Trained):
    """Trials of 2c with their own streams of sequences; see `Learner`. Lanes that are done go on unseen."""

    def __init__(self, net: DistractorNet, seed: int, numbers: Sequence[int]) -> None:
        """seed: of the row; numbers: at most `LANES` trials."""
        super().__init__(seed, numbers)
        self.net, self.limit = net, net.limit
        self.lanes = DistractorLanes(net, distractors_lstm.initial_weights(net, streams(seed, "weights", numbers)))
        self._test = streams(seed, "test", numbers)

    def train(self, chosen: Numbers, sequences: int) -> tuple[Floats, Floats]:
        """Learn from so many sequences more."""
        symbols, start, classes = distractors(self._data, sequences, self.net.p, self.net.q)
        worst = self.lanes.run(symbols, start, classes)
        self._steps += symbols.shape[1] * sequences - start.sum(0)
        return worst[:, chosen], worst[:, chosen]

    def passes(self, trials: Numbers) -> Truths:
        """Return in which trials 10,000 fresh sequences in a row are without an error above the limit."""
        random, good = self._test.copy(), np.ones(len(trials), np.bool_)
        for _ in range(TESTED // 100):
            symbols, start, classes = distractors(random, 100, self.net.p, self.net.q)
            good &= below(self.lanes.run(symbols, start, classes, learns=False)[:, trials], self.limit)
            if not good.any():
                break
        return good


def distractor_trials(
    net: DistractorNet, seed: int, numbers: Sequence[int], cap: int, listener: Listener | None = None
) -> list[Trial]:
    """Return the trials of these numbers, each trained on at most `cap` sequences of 2c."""
    found: list[Trial] = []
    for first in range(0, len(numbers), LANES):
        group = numbers[first : first + LANES]
        trials = DistractorTrials(net, seed, group)
        found += until_solved(trials, group, cap, net.window, needed=net.window, listener=listener)
    return found


class ChunkerTrials(_Trained):
    """Trials of 2a with their own streams of sequences; see `Learner`."""

    def __init__(self, net: ChunkerNet, seed: int, numbers: Sequence[int]) -> None:
        """seed: of the row; numbers: the trials."""
        super().__init__(seed, numbers)
        self.net, self.limit = net, net.limit
        self.chunker = Chunker(net, chunker.initial_weights(net, streams(seed, "weights", numbers)))

    def train(self, chosen: Numbers, sequences: int) -> tuple[Floats, Floats]:
        """Learn from so many sequences more in each chosen trial."""
        random = self._data[chosen]
        symbols = long_lag(random, sequences, self.net.p, "2a")
        self._data[chosen] = random
        worst, squared, _surprises = self.chunker.run(chosen, symbols)
        self._steps[chosen] += sequences * self.net.p
        return worst, squared

    def passes(self, trials: Numbers) -> Truths:
        """Return in which trials the automatizer predicts both sequences, the only ones there are."""
        both = two_sequences(self.net.p).repeat(len(trials), axis=2)
        return below(self.chunker.run(trials, both, learns=False)[0], self.limit)


def chunker_trials(
    net: ChunkerNet, seed: int, numbers: Sequence[int], cap: int, listener: Listener | None = None
) -> list[Trial]:
    """Return the trials of these numbers, each trained on at most `cap` sequences of 2a."""
    return until_solved(ChunkerTrials(net, seed, numbers), numbers, cap, net.window, listener=listener)
