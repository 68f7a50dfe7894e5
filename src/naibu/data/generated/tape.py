"""What learners of generated sequences are given: tapes of many trials side by side, and ordinary batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from naibu.compiling import compiled_with
from naibu.data.generated.random import Random, streams
from naibu.errors import OptionError

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Tape:
    """Sequences for several trials side by side; all end at the tape's last step, so that `start` says the length."""

    start: Ints  # [sequence lane]: first step; earlier ones are blank: all zero, or symbol -1
    x: Floats | None  # [sequence time input lane]
    symbols: Ints | None  # [sequence time lane], or one symbol a step
    target: Floats | None  # [sequence when output lane]; when = 1: after the last step; when = time: after every step
    target_symbols: Ints | None  # [sequence time lane], or one symbol a step
    clean: Floats | None = None  # [sequence when output lane], the target without its noise, where it has noise

    @property
    def time(self) -> int:
        """The number of steps, blank ones included."""
        steps = self.symbols if self.x is None else self.x
        assert steps is not None
        return int(steps.shape[1])

    @property
    def lengths(self) -> Ints:
        """int32 [sequence lane]: the steps of each sequence."""
        return (self.time - self.start).astype(np.int32)


@dataclass(frozen=True)
class Batch:
    """Sequences for any model; all begin at step 0, and what follows a sequence's end is zero."""

    x: Floats  # [time batch input]
    target: Floats  # [batch output], after the last step; or [time batch output], after every step
    lengths: NDArray[np.int64]  # [batch]
    every_step: bool  # whether there is a target after every step
    clean: Floats | None = None  # as `target`, without its noise, where it has noise


@dataclass(frozen=True)
class Task(ABC):
    """A kind of sequences: it draws them, and says when an answer is wrong.

    A subclass gives the sizes and a compiled function that draws one sequence, `draw(random, lane, given, x, target)
    -> start`: `x` is the sequence's own view of the tape, [time input] or symbols [time], `target` likewise, both
    blank at first; the sequence is written so that it ends at the last step.
    """

    symbolic: ClassVar[bool] = False  # whether the input is one symbol a step: `symbols` in place of `x`
    every_step: ClassVar[bool] = False  # whether there is a target after every step
    symbolic_target: ClassVar[bool] = False  # whether the target is one symbol a step
    draw: ClassVar[Callable[..., int]]

    @property
    @abstractmethod
    def name(self) -> str:
        """The task and its sizes, in words."""

    @property
    @abstractmethod
    def inputs(self) -> int:
        """Inputs of a step, or symbols of the alphabet."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Numbers, or symbols, of a target."""

    @property
    def drawn_outputs(self) -> int:
        """Numbers, or symbols, that `draw` writes for a target."""
        return self.outputs

    @property
    @abstractmethod
    def longest(self) -> int:
        """The most steps that a sequence has."""

    @property
    @abstractmethod
    def wrong_above(self) -> float:
        """A sequence is wrong unless the absolute error of every output that is judged is below this."""

    @property
    def mean_below(self) -> float | None:
        """The mean absolute error that the paper asks for besides."""
        return None

    @property
    def judged_at_end(self) -> bool:
        """Whether the outputs after the last step alone are judged."""
        return True

    @property
    def given(self) -> tuple[Any, ...]:
        """What `draw` is told about the task: sizes and tables."""
        return ()

    def tape(self, random: Random, sequences: int) -> Tape:
        """Return the next sequences of every lane's stream, which moves on; see `random.streams`.

        random: uint64 [lane]. A stream gives the same sequences in any lane, beside any others, drawn in any
        portions; how many blank steps go before depends on the longest sequence of the portion. Raises OptionError
        where the states are of another type.
        """
        if random.dtype != np.uint64:
            raise OptionError(f"random is {random.dtype}, where states of generators are uint64; see streams")
        lanes = len(random)
        start = np.zeros((sequences, lanes), np.int32)
        x = _blank(self.symbolic, sequences, self.longest, self.inputs, lanes)
        target = _blank(
            self.symbolic_target, sequences, self.longest if self.every_step else 1, self.drawn_outputs, lanes
        )
        _loop(type(self))(random, self.given, start, x, target)
        first = int(start.min(initial=self.longest - 1))
        if first > 0:
            start -= first
            x = np.ascontiguousarray(x[:, first:])
            target = np.ascontiguousarray(target[:, first:]) if self.every_step else target
        return Tape(
            start,
            None if self.symbolic else x,
            x if self.symbolic else None,
            None if self.symbolic_target else target,
            target if self.symbolic_target else None,
        )

    def deciding(self, x: Any) -> list[int]:
        """Return the steps that the answer depends on, of one sequence: float32 [time input], or symbols int32 [time];
        none where that is no question of steps."""
        return []

    def wrong(self, output: Floats, tape: Tape) -> NDArray[np.bool_]:
        """Return which sequences are answered wrongly, bool [sequence lane]; an output that is no number is wrong.

        output: [sequence when output lane], as the tape's target. Judged against the target without noise.
        """
        clean = dense_target(self, tape) if tape.clean is None else tape.clean
        judged = np.ones(clean.shape[:2] + clean.shape[3:], bool)  # [sequence when lane]
        if self.every_step:
            judged = np.arange(tape.time)[:, None] >= tape.start[:, None]
        if self.judged_at_end:
            judged[:, :-1] = False
        right = (np.abs(output - clean) < self.wrong_above).all(2)
        return np.asarray((judged & ~right).any(1))


def _blank(symbolic: bool, sequences: int, time: int, width: int, lanes: int) -> Any:
    if symbolic:
        return np.full((sequences, time, lanes), -1, np.int32)
    return np.zeros((sequences, time, width, lanes), np.float32)


def draw(*_: Any) -> int:
    """Stand for a task's function that draws one sequence, in the loop below."""
    raise NotImplementedError


def fill(random: Random, given: tuple[Any, ...], start: Ints, x: Any, target: Any) -> None:
    """Draw so many sequences for every lane, lane by lane, into a blank tape."""
    for sequence in range(start.shape[0]):
        for lane in range(start.shape[1]):
            start[sequence, lane] = draw(random, lane, given, x[sequence, ..., lane], target[sequence, ..., lane])


_LOOPS: dict[Any, Callable[..., None]] = {}


def _loop(task: type[Task]) -> Callable[..., None]:
    if task.draw not in _LOOPS:
        _LOOPS[task.draw] = compiled_with(fill, draw=task.draw)
    return _LOOPS[task.draw]


def _one_hot(symbols: Ints, width: int) -> Floats:
    """Return symbols [sequence time lane] as ones and zeros [sequence time width lane]; none for -1."""
    hot: Floats = (symbols[:, :, None] == np.arange(width, dtype=np.int32)[:, None]).astype(np.float32)
    return hot


def dense_x(task: Task, tape: Tape) -> Floats:
    """Return a tape's inputs as numbers, [sequence time input lane], one-hot where it has symbols."""
    if tape.x is not None:
        return tape.x
    assert tape.symbols is not None
    return _one_hot(tape.symbols, task.inputs)


def dense_target(task: Task, tape: Tape) -> Floats:
    """Return a tape's targets as numbers, [sequence when output lane], one-hot where it has symbols."""
    if tape.target is not None:
        return tape.target
    assert tape.target_symbols is not None
    return _one_hot(tape.target_symbols, task.outputs)


def batch(task: Task, seed: int, count: int) -> Batch:
    """Return so many sequences of a task as arrays for any model; another seed gives others.

    Raises OptionError where count is not positive.
    """
    if count < 1:
        raise OptionError(f"count {count} has to be at least 1")
    tape = task.tape(streams(seed, "batch", [0]), count)
    start = tape.start[:, 0]

    def from_zero(steps: Floats) -> Floats:
        """[sequence time width lane] -> [time batch width], beginning at step 0."""
        time = np.arange(tape.time)[:, None] + start  # [time batch]
        moved = steps[np.arange(count), np.minimum(time, tape.time - 1), :, 0]
        return np.where((time < tape.time)[:, :, None], moved, np.float32(0))

    def targets(steps: Floats) -> Floats:
        return from_zero(steps) if task.every_step else np.ascontiguousarray(steps[:, 0, :, 0])

    clean = None if tape.clean is None else targets(tape.clean)
    x, target = from_zero(dense_x(task, tape)), targets(dense_target(task, tape))
    return Batch(x, target, tape.lengths[:, 0].astype(np.int64), task.every_step, clean)


def with_clean(tape: Tape, *, noisy: bool) -> Tape:
    """Return a tape whose targets were drawn with their clean values behind them, the two apart."""
    assert tape.target is not None
    target, clean = (np.ascontiguousarray(part) for part in np.split(tape.target, 2, axis=2))
    return replace(tape, target=target, clean=clean if noisy else None)


def at_least(task: str, **sizes: tuple[int, int]) -> None:
    """Raise OptionError where a size, given with the least it may be, is smaller."""
    for name, (size, least) in sizes.items():
        if size < least:
            raise OptionError(f"{task}: {name} {size} has to be at least {least}")
