"""Recurrent Cascade-Correlation (Fahlman 1991), the passes over the training set compiled, in float64.

The network begins without hidden units. Its outputs are trained until they no longer improve; then candidates, each
of which sees the inputs, the hidden units there are and what it did itself one step before, are trained until their
covariance with the outputs' errors no longer grows; the best becomes a hidden unit, its weights frozen; and so on.
`plain_cascade` has the equations. All weights change once a pass, by quickprop (Fahlman 1988).

The paper gives no rates. The defaults of growth, decay, patience and changes are those for which Fahlman's public
program of Cascade-Correlation is known; its epsilon of the candidates, which it divides by the number of patterns too,
is too small for training to begin within the patience, so that here it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from naibu.data.generated.embedded_reber import EmbeddedReber
from naibu.data.generated.reber import LETTERS
from naibu.errors import OptionError
from naibu.online.recurrent.cascade_passes import Array, candidate_pass, fails, output_pass, quickprop, unit_values
from naibu.online.recurrent.reber_trials import StringSets
from naibu.online.trials import POINTS, Listener, Trial

FIXED = 1 + len(LETTERS)
"""What every unit sees besides hidden units: 1, for a bias, and the inputs."""


@dataclass(frozen=True)
class Quickprop:
    """How the weights of one kind of units are trained."""

    epsilon: float
    """The rate of the part that goes down the slope: of outputs divided by the number of patterns, of candidates,
    whose score is a share of the errors' squares already, by the number of sources."""
    decay: float = 0.0
    """How much of each weight is added to its slope."""
    growth: float = 2.0
    """A step is at most so many times the one before."""
    change: float = 0.01
    """The least relative change that counts as one ..."""
    patience: int = 8
    """... and after so many passes without one the training ends,"""
    limit: int = 100
    """or after so many passes in all."""


@dataclass(frozen=True)
class Cascade:
    """Recurrent Cascade-Correlation."""

    outputs: Quickprop = Quickprop(0.35, 0.0001, change=0.01)
    candidates: Quickprop = Quickprop(1.0, change=0.03)
    pool: int = 8
    """Candidates that are trained side by side."""
    initial: float = 1.0
    """Weights are drawn evenly from -initial to initial."""
    slope_offset: float = 0.1
    """Added to f' of the outputs, so that no unit is stuck where f is flat."""
    centre: float = 0.5
    """Hidden units are f - centre: from -0.5 to 0.5."""
    most: int = 25
    """Hidden units at most."""
    target: Literal["next", "legal"] = "next"
    """Whether the targets are the symbol that came next or all that may come."""

    def __post_init__(self) -> None:
        for name, value in (("pool", self.pool), ("most", self.most)):
            if value < 1:
                raise OptionError(f"{name} {value}: must be at least 1")


@dataclass(frozen=True)
class Patterns:
    """All symbols of some strings, one after the other, and what units do after each."""

    values: Array  # [pattern source]: 1, the inputs, the hidden units
    begins: NDArray[np.bool_]  # [pattern]: whether a string begins
    target: Array  # [pattern output]

    @classmethod
    def of(cls, strings: Sequence[str], target: Literal["next", "legal"], most: int) -> Patterns:
        """Return the patterns of strings of the embedded grammar, with room for so many hidden units."""
        start, symbols, targets = EmbeddedReber(tuple(strings), target).given
        there = symbols >= 0
        values = np.zeros((int(there.sum()), FIXED + most))
        values[:, 0] = 1
        values[np.arange(len(values)), 1 + symbols[there]] = 1
        begins = (np.arange(symbols.shape[1]) == start[:, None])[there]
        return cls(values, begins, targets[there].astype(np.float64))


class CascadeNetwork:
    """A network that grows: its weights, what is counted of its training, and its two phases."""

    def __init__(
        self, settings: Cascade, training: Patterns, judged: Patterns, rng: np.random.Generator, passes: int
    ) -> None:
        self.settings, self.training, self.judged, self.rng = settings, training, judged, rng
        self.hidden: list[Array] = []  # of each unit its weights: [source], the last from itself
        self.output = self._drawn((len(LETTERS), FIXED))
        self.passes, self.most_passes = 0, passes
        self.solved = False
        self.curve: list[tuple[int, float]] = []
        self._errors = np.zeros((len(training.values), len(LETTERS)))

    @property
    def ended(self) -> bool:
        """Whether it has succeeded or had all its passes."""
        return self.solved or self.passes >= self.most_passes

    def _drawn(self, shape: tuple[int, ...]) -> Array:
        return self.rng.uniform(-self.settings.initial, self.settings.initial, shape)

    def _until_stagnant(self, rule: Quickprop, one_pass: Callable[[], float]) -> None:
        """Make passes until the number that they return has not changed for `rule.patience` of them."""
        last, end = 0.0, rule.patience
        for index in range(rule.limit):
            if self.ended:
                return
            number = one_pass()
            if index == 0 or abs(number - last) > rule.change * abs(last):
                last, end = number, index + rule.patience
            elif index >= end:
                return

    def train_outputs(self) -> None:
        """Train the weights of the outputs; after every pass see whether the network succeeds."""
        settings, rule, training = self.settings, self.settings.outputs, self.training
        step, before, slopes = (np.zeros_like(self.output) for _ in range(3))
        epsilon = rule.epsilon / len(training.values)

        def one_pass() -> float:
            squared, sizes = output_pass(
                training.values, training.target, self.output, settings.slope_offset, self._errors, slopes
            )
            quickprop(self.output, step, before, slopes, epsilon, rule.decay, rule.growth)
            self._count(sizes / training.target.size)
            self.solved = not fails(self.judged.values, self.judged.target, self.output)
            return squared

        self._until_stagnant(rule, one_pass)

    def train_candidates(self) -> tuple[Array, Array]:
        """Return the weights of the best of a new pool of candidates, and its covariances with the outputs' errors."""
        settings, rule, training = self.settings, self.settings.candidates, self.training
        sources = self.output.shape[1]
        weights = self._drawn((settings.pool, sources + 1))
        step, before, slopes = (np.zeros_like(weights) for _ in range(3))
        covariances, errors = np.zeros((settings.pool, len(LETTERS))), self._shared_errors()
        epsilon = rule.epsilon / sources

        def covary() -> None:
            candidate_pass(training.values, training.begins, errors, weights, settings.centre, covariances, slopes)

        def one_pass() -> float:
            covary()
            score = float(np.abs(covariances).sum(axis=1).max())
            quickprop(weights, step, before, slopes, epsilon, rule.decay, rule.growth)
            self._count(None)
            return score

        covary()  # the slopes need the signs of the covariances of the pass before; this one changes no weights
        slopes[:] = 0
        self._until_stagnant(rule, one_pass)
        covary()
        best = int(np.abs(covariances).sum(axis=1).argmax())
        return weights[best], covariances[best]

    def _shared_errors(self) -> Array:
        """Return the errors of the outputs as they are, without their means, as shares of the sum of their squares."""
        training, slopes = self.training, np.zeros_like(self.output)
        output_pass(training.values, training.target, self.output, self.settings.slope_offset, self._errors, slopes)
        errors = self._errors - self._errors.mean(axis=0)
        return np.asarray(errors / max(float(np.sum(self._errors**2)), 1e-300))

    def add(self, weights: Array, covariances: Array) -> None:
        """Make a candidate a hidden unit; the outputs begin with its covariances, negative, as their weights."""
        place = FIXED + len(self.hidden)
        for patterns in (self.training, self.judged):
            unit_values(patterns.values, patterns.begins, weights, self.settings.centre, place)
        self.hidden.append(weights)
        self.output = np.concatenate([self.output, -covariances[:, None]], axis=1)

    def _count(self, error: float | None) -> None:
        self.passes += 1
        last = self.curve[-1][0] if self.curve else -self.most_passes
        if error is not None and self.passes - last >= self.most_passes / POINTS:
            self.curve.append((self.passes, error))


def grown(settings: Cascade, sets: StringSets, rng: np.random.Generator, passes: int) -> CascadeNetwork:
    """Return a network that was trained until it succeeded, had all its passes, or had `settings.most` hidden units."""
    judged = Patterns.of([*sets.training, *sets.test], "legal", settings.most)
    training = Patterns.of(sets.training, settings.target, settings.most)
    network = CascadeNetwork(settings, training, judged, rng, passes)
    network.train_outputs()
    while not network.ended and len(network.hidden) < settings.most:
        best = network.train_candidates()
        if not network.ended:
            network.add(*best)
            network.train_outputs()
    return network


def cascade_trials(
    settings: Cascade,
    sets: Sequence[StringSets],
    trials: Sequence[int],
    *,
    seed: int,
    cap: int,
    per_set: int = 10,
    listener: Listener | None = None,
) -> list[Trial]:
    """Return these trials of experiment 1, each trained until it succeeds or has seen `cap` strings.

    Arguments as for `reber_trials`. Each pass over the training strings that changes weights, of outputs or of
    candidates, counts all of them. A trial whose network cannot grow further ends unsolved before the cap.
    """
    found = []
    for trial in trials:
        chosen = sets[trial // per_set % len(sets)]
        strings = len(chosen.training)
        if cap < strings:
            raise OptionError(f"cap {cap}: must be at least {strings}, the strings of a pass")
        network = grown(settings, chosen, np.random.default_rng([seed, trial, 1991]), cap // strings)
        curve = [(float(passes * strings), error) for passes, error in network.curve]
        steps = network.passes * len(network.training.values)
        found.append(Trial(trial, network.solved, network.passes * strings, steps=steps, curve=curve))
        if listener:
            listener.trained(network.passes * strings)
            listener.finished(found[-1])
    return found
