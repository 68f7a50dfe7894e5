"""Training of trials side by side until each meets its criterion or its cap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from naibu.online.trials import POINTS, Listener, Trial

Numbers = NDArray[np.int64]


def below(worst: NDArray[np.float32], limit: float) -> NDArray[np.bool_]:
    """Return which lanes of errors, float32 [sequence lane], stay below a limit."""
    return np.array((worst < limit).all(axis=0), np.bool_)


class Learner(Protocol):
    """Trials side by side, numbered from 0."""

    @property
    def limit(self) -> float:
        """The largest error that a sequence of a solved trial may have."""
        ...

    def train(self, chosen: Numbers, sequences: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Learn from so many sequences more in each chosen trial; return the largest error and the mean error of each,
        float32 [sequence lane]."""
        ...

    def trained_steps(self, trial: int) -> int:
        """Return how many time steps a trial was trained on."""
        ...

    def passes(self, trials: Numbers) -> NDArray[np.bool_]:
        """Return in which trials the criterion holds with the weights as they are: they are held for this."""
        ...


def until_solved(
    learner: Learner,
    numbers: Sequence[int],
    cap: int,
    window: int,
    needed: int = 20,
    listener: Listener | None = None,
) -> list[Trial]:
    """Return the trials of these numbers in order, each trained until it is solved, or on `cap` sequences.

    After every `window` sequences a trial is tested whose last `needed` sequences were without an error above the
    limit; so its count of sequences is a multiple of `window`. A test that fails is tried again after one window, then
    two, four ..., at most 64. Interrupted between two windows, it keeps what was told to the listener.
    """
    live, done = list(range(len(numbers))), 0
    curves: list[list[tuple[float, float]]] = [[] for _ in numbers]
    rest, pause = np.zeros(len(numbers), int), np.ones(len(numbers), int)
    trials: dict[int, Trial] = {}
    while live:
        count = min(window, cap - done)
        worst, error = learner.train(np.array(live, np.int64), count)
        done += count
        rest[live] -= 1
        calm = below(worst[-min(needed, count) :], learner.limit)
        mean = error.mean(axis=0, dtype=np.float64).tolist()
        tried = [
            trial for trial, is_calm in zip(live, calm, strict=True) if is_calm and (rest[trial] <= 0 or done >= cap)
        ]
        passed = learner.passes(np.array(tried, np.int64)).tolist() if tried else []
        solved = {trial for trial, holds in zip(tried, passed, strict=True) if holds}
        for trial in set(tried) - solved:
            rest[trial], pause[trial] = pause[trial], min(64, 2 * pause[trial])
        for lane, trial in enumerate(live):
            curves[trial].append((float(done), mean[lane]))
            if trial in solved or done >= cap:
                curve = tuple(curves[trial][:: max(1, len(curves[trial]) // POINTS)])
                steps = learner.trained_steps(trial)
                trials[trial] = Trial(numbers[trial], trial in solved, done, steps=steps, curve=curve)
                if listener is not None:
                    listener.finished(trials[trial])
        if listener is not None:
            listener.trained(count * len(live))
        live = [trial for trial in live if trial not in trials]
    return [trials[trial] for trial in range(len(numbers))]
