"""Trials of experiment 1 (Hochreiter & Schmidhuber 1997, section 5.1): learners side by side on Reber's grammar.

A trial succeeds when in every string of both its sets, training and test, all symbols that may come next are the most
active outputs. That is tested with the weights held still, after every so many training strings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from naibu.cells.kernels.vector import LANES
from naibu.data.generated.embedded_reber import EmbeddedReber
from naibu.data.generated.random import Random, streams
from naibu.data.generated.reber import LETTERS
from naibu.errors import OptionError
from naibu.online.recurrent.streams import Floats, Library, Stream, pick, stream_of
from naibu.online.trials import POINTS, Listener, Trial


class StringSets(NamedTuple):
    """Strings of the embedded grammar; see `data.generated.reber.reber_sets`."""

    training: list[str]
    test: list[str]


class Learner(Protocol):
    """What is trained: `LANES` trials side by side, each with weights of its own."""

    @property
    def together(self) -> bool:
        """Whether it needs streams in which all lanes end a sequence together."""
        ...

    def begin(self, lane: int, rng: np.random.Generator) -> None:
        """Give a lane the first weights of another trial."""
        ...

    def train(self, stream: Stream, learns: NDArray[np.bool_]) -> Floats:
        """Learn from a stream in the lanes that `learns` names; return the sum of absolute errors `[lane]`."""
        ...

    def fails(self, stream: Stream, asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return in which of the lanes that are asked for some legal output is not above all others `[lane]`."""
        ...


class _Lane:
    """A trial under way."""

    def __init__(self, trial: int) -> None:
        self.trial, self.sequences, self.steps = trial, 0, 0
        self.curve: list[tuple[float, float]] = []

    def went_on(self, sequences: int, steps: int, error: float, between: float) -> None:
        """Count what was trained; a point of the curve follows `between` sequences after the last."""
        self.sequences += sequences
        self.steps += steps
        if not self.curve or self.sequences - self.curve[-1][0] >= between:
            self.curve.append((self.sequences, error))


class _Group:
    """Trials in the lanes of one learner."""

    def __init__(
        self, learner: Learner, sets: Sequence[StringSets], seed: int, target: Literal["next", "legal"]
    ) -> None:
        self.learner, self.seed = learner, seed
        self.training, self.test = training_library(sets, target), checked_library(sets)
        self.lanes: list[_Lane | None] = [None] * LANES
        self.chosen = np.full(LANES, -1)
        self.random: Random = np.zeros(LANES, np.uint64)
        self._tested: tuple[bytes, Stream] | None = None

    @property
    def active(self) -> NDArray[np.bool_]:
        """Which lanes have a trial."""
        return self.chosen >= 0

    def begin(self, place: int, trial: int, chosen: int) -> None:
        """Give a lane to a trial."""
        self.lanes[place], self.chosen[place] = _Lane(trial), chosen
        self.random[place] = streams(self.seed, "embedded Reber", [trial])[0]
        self.learner.begin(place, np.random.default_rng([self.seed, trial, 1989]))

    def train(self, strings: int, between: float) -> None:
        """Train all trials on so many strings more."""
        picks = np.zeros((strings, LANES), np.int64)
        pick(self.random, self.training.start.shape[1], picks)
        stream = stream_of(self.training, len(LETTERS), picks, self.chosen, together=self.learner.together)
        errors, steps = self.learner.train(stream, self.active), stream.learn.sum(axis=0)
        for place, lane in enumerate(self.lanes):
            if lane is not None:
                error = float(errors[place] / steps[place] / len(LETTERS))
                lane.went_on(strings, int(steps[place]), error, between)

    def fails(self) -> NDArray[np.bool_]:
        """Return which lanes have a string, of training or test, in which they fail."""
        arrangement = self.chosen.tobytes()
        if self._tested is None or self._tested[0] != arrangement:
            every = np.repeat(np.arange(self.test.start.shape[1])[:, None], LANES, axis=1)
            self._tested = arrangement, stream_of(self.test, len(LETTERS), every, self.chosen)
        return self.learner.fails(self._tested[1], self.active)


def training_library(sets: Sequence[StringSets], target: Literal["next", "legal"]) -> Library:
    """Return the training strings of all sets; targets are the symbol that follows or all that may."""
    given = [EmbeddedReber(tuple(part.training), target).given for part in sets]
    return Library.of(given)


def checked_library(sets: Sequence[StringSets]) -> Library:
    """Return all strings of each set, first those of the training; targets are 1 for each symbol that may follow."""
    return Library.of([EmbeddedReber((*part.training, *part.test), "legal").given for part in sets])


def reber_trials(
    learner: Learner,
    sets: Sequence[StringSets],
    trials: Sequence[int],
    *,
    seed: int,
    cap: int,
    every: int = 100,
    per_set: int = 10,
    target: Literal["next", "legal"] = "next",
    listener: Listener | None = None,
) -> list[Trial]:
    """Return these trials, in their order, each trained until it succeeds or has had `cap` strings.

    Trial k has the string sets k // per_set (after the last come the first again); its first weights and its choice
    of strings depend on `seed` and k alone. Each is tested after every `every` strings, of which the cap is a
    multiple. `target` is the symbol that came next or all that may come. A curve's errors are the mean absolute
    ones of the last `every` strings. If it is broken off, what the listener was told stays.
    """
    if cap < every or cap % every:
        raise OptionError(f"cap {cap}: must be a multiple of {every}, the strings between two tests")
    group, waiting, found = _Group(learner, sets, seed, target), list(trials), dict[int, Trial]()
    while True:
        for place in range(LANES):
            if group.lanes[place] is None and waiting:
                trial = waiting.pop(0)
                group.begin(place, trial, trial // per_set % len(sets))
        if not group.active.any():
            return [found[trial] for trial in trials]
        group.train(every, cap / POINTS)
        if listener:
            listener.trained(every * int(group.active.sum()))
        failed = group.fails()
        for place, lane in enumerate(group.lanes):
            if lane is not None and (not failed[place] or lane.sequences >= cap):
                solved = not bool(failed[place])
                ended = Trial(lane.trial, solved, lane.sequences, steps=lane.steps, curve=lane.curve)
                found[lane.trial], group.lanes[place], group.chosen[place] = ended, None, -1
                if listener:
                    listener.finished(ended)
