"""Which piece of which examples is read when: a function of seed and epoch alone, so that a step is found again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from naibu.config import TrainingConfig
from naibu.data.batch import Batch, Stream
from naibu.data.batches import length_batches
from naibu.data.examples import Array, Examples
from naibu.errors import OptionError

MULTIPLE = 4
"""Batches are padded to a multiple of so many steps: the framework keeps a megabyte for every shape it meets."""
JUDGED_ROWS, JUDGED_STEPS = 64, 2000
"""Examples side by side where nothing is learnt, and steps at a time."""
HALVED, DEVIATION, SHORTEST = 0.05, 5.0, 5
"""Of windows of variable length: share of those of about half the length, standard deviation and least, in steps."""


class Piece(NamedTuple):
    """Steps `start` to `stop` of some rows; where `start` is above 0, those that follow the piece before."""

    which: Array  # int64 [batch]
    start: int
    stop: int


class Window(NamedTuple):
    """A piece as it is read."""

    batch: Batch
    begins: bool  # from a state of zeros; else from the state after the window before
    steps: int  # of the piece, without padding


class Order(Protocol):
    """What the loop reads, piece by piece; each piece is one update."""

    def read(self, piece: Piece) -> Batch:
        """Return what a piece is made of."""
        ...

    def pieces(self, seed: int, epoch: int) -> Sequence[Piece]:
        """Return the pieces of one epoch; the same for equal seed and epoch."""
        ...

    def beginning(self, steps: int) -> Sequence[Piece]:
        """Return the pieces of a fixed beginning of about so many steps, for what is judged and not learnt from."""
        ...


def pieces_from(order: Order, seed: int, first: int = 0) -> Iterator[Piece]:
    """Yield pieces for ever, from number `first` on, whatever number of epochs lies before it.

    Raises OptionError where there is nothing to learn.
    """
    epoch, before = 0, 0
    while True:
        pieces = order.pieces(seed, epoch)
        if not pieces:
            raise OptionError("nothing is predicted in any training example: they are all too short")
        yield from pieces[max(0, first - before) :]
        epoch, before = epoch + 1, before + len(pieces)


def windows(order: Order, pieces: Iterable[Piece]) -> Iterator[Window]:
    """Yield pieces as they are read. Only what nothing follows is padded, so that states that go on are true."""
    for piece, following in pairwise(chain(pieces, [None])):
        assert piece is not None
        batch = order.read(piece)
        ends = following is None or following.start == 0
        padding = -len(batch.target) % MULTIPLE if ends else 0
        yield Window(batch.padded(padding), piece.start == 0, piece.stop - piece.start)


def window_lengths(
    steps: int, truncation: int, variable: bool = False, generator: np.random.Generator | None = None
) -> list[tuple[int, int]]:
    """Return where each window over so many steps starts and stops, one after the other; the last has what is left.

    Windows have `truncation` steps, or `variable` ones, so that no place in a text is always the first of its window:
    drawn from a normal distribution around `truncation` with a standard deviation of 5, in 1 of 20 around half of it,
    and never below 5 steps, or `truncation` where that is less.

    Source: Merity et al. 2017, section 5.
    """
    if not variable or generator is None:
        return [(start, min(steps, start + truncation)) for start in range(0, steps, truncation)]
    found, start, least = list[tuple[int, int]](), 0, min(SHORTEST, truncation)
    while start < steps:
        mean = truncation if generator.random() < 1 - HALVED else truncation / 2
        stop = min(steps, start + max(least, int(generator.normal(mean, DEVIATION))))
        found.append((start, stop))
        start = stop
    return found


@dataclass
class ByLength:
    """Examples of similar length side by side, of several streams alike in the first too, every one once an epoch, in
    random order.

    batch_size: examples in a batch, at most. batch_tokens: steps of the predicted stream, at most, padding included
    (a longer example is a batch of its own). truncation: longer examples are several pieces; None never cuts, for
    networks that read both ways. unread: steps at the end of each example at which nothing is predicted.
    """

    examples: Examples
    batch_size: int
    batch_tokens: int
    truncation: int | None = None
    unread: int = 0
    _kept: tuple[Array, Batch] | None = field(default=None, init=False, repr=False)

    def read(self, piece: Piece) -> Batch:
        """Return a piece; the examples of the last one are kept, for the next may go on in them."""
        if self._kept is None or self._kept[0] is not piece.which:
            self._kept = piece.which, self.examples.batch(piece.which)
        return self._kept[1].cut(piece.start, piece.stop)

    def pieces(self, seed: int, epoch: int) -> list[Piece]:
        """Return batches of similar length, cut where they are too long."""
        generator = np.random.default_rng((seed, epoch))
        batches = length_batches(self._lengths, self.batch_tokens, self.batch_size, generator, self.beside())
        return [piece for which in batches for piece in self._cut(which, self.truncation)]

    def beginning(self, steps: int) -> list[Piece]:
        """Return the first examples, whole ones, shortest first."""
        within = int(np.searchsorted(np.cumsum(self._lengths), steps)) + 1
        order = np.argsort(self._lengths[:within], kind="stable")
        batches = [order[start : start + JUDGED_ROWS] for start in range(0, len(order), JUDGED_ROWS)]
        return [piece for which in batches for piece in self._cut(which, self.truncation and JUDGED_STEPS)]

    def beside(self) -> Array | None:
        """Return the lengths, int64 [example], that are to be alike in a batch before all else: those of the first of
        several streams."""
        others = self.examples.streams[:-1]
        return self.examples.lengths_of(others[0]) if others else None

    @cached_property
    def _lengths(self) -> Array:
        return self.examples.lengths

    def _cut(self, which: Array, steps: int | None) -> Iterator[Piece]:
        longest = int(self._lengths[which].max()) - self.unread
        for start in range(0, longest, steps or max(1, longest)):
            yield Piece(which, start, min(longest, start + (steps or longest)))


def by_length(
    examples: Examples, config: TrainingConfig, *, unread: int = 0, of: type[ByLength] = ByLength
) -> ByLength:
    """Return examples by length, as a training asks for, laid side by side as `of` does.

    Raises OptionError where it asks for what lanes have.
    """
    if config.variable_truncation:
        raise OptionError("--variable-truncation: is for tasks that read lanes side by side; this one reads by length")
    return of(examples, config.batch_size, config.batch_tokens, config.truncation, unread)


@dataclass(frozen=True)
class Lanes:
    """All examples end to end, cut into lanes that lie side by side; each window goes on from the state before it.

    lanes: side by side, at most; fewer where a lane would be shorter than a window. truncation: steps of a window;
    `variable` draws them anew for each, see `window_lengths`. `rolled`: each epoch begins elsewhere, at a step drawn
    from seed and epoch, and goes on at the beginning after the end, so that lanes are cut at other places.
    The steps that are left at the end, fewer than lanes, are not read. Without the two the seed changes nothing.
    """

    examples: Examples
    lanes: int
    truncation: int
    variable: bool = False
    rolled: bool = False

    def read(self, piece: Piece) -> Batch:
        """Return a window over lanes, of which `which` are the steps that they begin at."""
        (name,), x = self.examples.streams, self._end_to_end[0]
        places = torch.from_numpy(piece.which + np.arange(piece.start, piece.stop)[:, None]) % len(x)  # [time lane]
        x, target = (part[places] for part in self._end_to_end)
        return Batch({name: Stream(x, torch.full((places.shape[1],), len(places)))}, target)

    def pieces(self, seed: int, epoch: int) -> list[Piece]:
        """Return windows over all lanes, from their beginning."""
        generator = np.random.default_rng((seed, epoch))
        begins = self._begins + (int(generator.integers(self._steps)) if self.rolled else 0)
        cut = window_lengths(max(1, self._steps // self._count), self.truncation, self.variable, generator)
        return [Piece(begins, *window) for window in cut]

    def beginning(self, steps: int) -> list[Piece]:
        """Return windows over the beginnings of all lanes."""
        longest = max(1, min(steps, self._steps) // self._count)
        return [Piece(self._begins, *window) for window in window_lengths(longest, self.truncation)]

    @cached_property
    def _steps(self) -> int:
        return int(self.examples.lengths.sum())

    @property
    def _count(self) -> int:
        return max(1, min(self.lanes, self._steps // self.truncation))

    @property
    def _begins(self) -> Array:
        """The step at which each lane begins, int64 [lane]."""
        return np.arange(self._count) * (self._steps // self._count)

    @cached_property
    def _end_to_end(self) -> tuple[Tensor, Tensor]:
        """What is read and to be predicted, `[step ...]`."""
        parts: list[tuple[Tensor, ...]] = []
        for start in range(0, len(self.examples), JUDGED_ROWS):
            batch = self.examples.batch(np.arange(start, min(len(self.examples), start + JUDGED_ROWS)))
            there = torch.arange(len(batch.main.x)) < batch.main.lengths[:, None]  # [batch time]
            parts.append(tuple(part.transpose(0, 1)[there] for part in (batch.main.x, batch.target)))
        x, target = (torch.cat(part) for part in zip(*parts, strict=True))
        return x, target
