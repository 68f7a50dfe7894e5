"""Trials of experiment 1 (Hochreiter & Schmidhuber 1997, section 5.1): learners side by side on Reber's grammar.

A trial succeeds when in every string of both its sets, training and test, all symbols that may come next are the most
active outputs. That is tested with the weights held still, after every so many training strings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from naibu.cells.kernels.vector import LANES
from naibu.data.generated.embedded_reber import EmbeddedReber
from naibu.data.generated.random import Random, streams
from naibu.data.generated.reber import LETTERS
from naibu.errors import OptionError
from naibu.online.lanes import Lane, run_lanes
from naibu.online.recurrent.streams import Floats, Library, Stream, pick, stream_of
from naibu.online.trials import POINTS, Listener, Trial

Target = Literal["next", "legal"]


class StringSets(NamedTuple):
    """Strings of the embedded grammar; see `data.generated.reber.reber_sets`."""

    training: list[str]
    test: list[str]


class Learner(Protocol):
    """What is trained: `LANES` trials side by side, each with weights of its own."""

    def begin(self, lane: int, rng: np.random.Generator) -> None:
        """Give a lane the first weights of another trial."""
        ...

    def train(self, stream: Stream, learns: NDArray[np.bool_]) -> Floats:
        """Learn from a stream in the lanes that `learns` names; return the sum of absolute errors `[lane]`."""
        ...

    def fails(self, stream: Stream, asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return in which of the lanes that are asked for some legal output is not above all others `[lane]`."""
        ...


class _Crew:
    """Trials in the lanes of one learner."""

    def __init__(
        self, learner: Learner, training: Library, test: Library, seed: int, cap: int, every: int, per_set: int
    ) -> None:
        self.learner, self.seed, self.cap, self.every, self.per_set = learner, seed, cap, every, per_set
        self.training, self.test = training, test
        self.random: Random = np.zeros(LANES, np.uint64)
        self._tested: tuple[bytes, Stream] | None = None

    def begin(self, lane: int, number: int) -> None:
        """Give a lane to a trial."""
        self.random[lane] = streams(self.seed, "embedded Reber", [number])[0]
        self.learner.begin(lane, np.random.default_rng([self.seed, number, 1989]))

    def go_on(self, lanes: Mapping[int, Lane]) -> tuple[int, Mapping[int, Trial]]:
        """Train all trials on the strings between two tests, and test them; see `Crew`."""
        chosen = np.full(LANES, -1)
        chosen[list(lanes)] = [lane.number // self.per_set % len(self.training.start) for lane in lanes.values()]
        picks = np.zeros((self.every, LANES), np.int64)
        pick(self.random, self.training.start.shape[1], picks)
        stream = stream_of(self.training, len(LETTERS), picks, chosen)
        errors, steps = self.learner.train(stream, chosen >= 0), stream.learn.sum(axis=0)
        for place, lane in lanes.items():
            lane.sequences += self.every
            lane.steps += int(steps[place])
            if not lane.curve or lane.sequences - lane.curve[-1][0] >= self.cap / POINTS:
                lane.curve.append((lane.sequences, float(errors[place] / steps[place] / len(LETTERS))))
        failed = self._fails(chosen)
        return self.every * len(lanes), {
            place: Trial(lane.number, not failed[place], lane.sequences, steps=lane.steps, curve=lane.curve)
            for place, lane in lanes.items()
            if not failed[place] or lane.sequences >= self.cap
        }

    def _fails(self, chosen: NDArray[np.int64]) -> list[bool]:
        """Return which lanes have a string, of training or test, in which they fail."""
        arrangement = chosen.tobytes()
        if self._tested is None or self._tested[0] != arrangement:
            every = np.repeat(np.arange(self.test.start.shape[1])[:, None], LANES, axis=1)
            self._tested = arrangement, stream_of(self.test, len(LETTERS), every, chosen)
        return self.learner.fails(self._tested[1], chosen >= 0).tolist()


def training_library(sets: Sequence[StringSets], target: Target) -> Library:
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
    target: Target = "next",
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
    crew = _Crew(learner, training_library(sets, target), checked_library(sets), seed, cap, every, per_set)
    return run_lanes(crew, trials, listener)
