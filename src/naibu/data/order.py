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

from naibu.data.batch import Batch, Stream
from naibu.data.batches import length_batches
from naibu.data.examples import Array, Examples
from naibu.errors import OptionError

MULTIPLE = 4
"""Batches are padded to a multiple of so many steps: the framework keeps a megabyte for every shape it meets."""
JUDGED_ROWS, JUDGED_STEPS = 64, 2000
"""Examples side by side where nothing is learnt, and steps at a time."""


class Piece(NamedTuple):
    """Steps `start` to `stop` of some rows; where `start` is above 0, those that follow the piece before."""

    which: Array  # int64 [batch]
    start: int
    stop: int


class Window(NamedTuple):
    """A piece as it is read."""

    batch: Batch
    begins: bool  # from a state of zeros; else from the state after the window before


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
        yield Window(batch.padded(-len(batch.target) % MULTIPLE if ends else 0), piece.start == 0)


@dataclass
class ByLength:
    """Examples of similar length side by side, every one once an epoch, in random order.

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
        batches = length_batches(self._lengths, self.batch_tokens, self.batch_size, generator)
        return [piece for which in batches for piece in self._cut(which, self.truncation)]

    def beginning(self, steps: int) -> list[Piece]:
        """Return the first examples, whole ones, shortest first."""
        within = int(np.searchsorted(np.cumsum(self._lengths), steps)) + 1
        order = np.argsort(self._lengths[:within], kind="stable")
        batches = [order[start : start + JUDGED_ROWS] for start in range(0, len(order), JUDGED_ROWS)]
        return [piece for which in batches for piece in self._cut(which, self.truncation and JUDGED_STEPS)]

    @cached_property
    def _lengths(self) -> Array:
        return self.examples.lengths

    def _cut(self, which: Array, steps: int | None) -> Iterator[Piece]:
        longest = int(self._lengths[which].max()) - self.unread
        for start in range(0, longest, steps or max(1, longest)):
            yield Piece(which, start, min(longest, start + (steps or longest)))


@dataclass(frozen=True)
class Lanes:
    """All examples end to end, cut into lanes that lie side by side; each window goes on from the state before it.

    lanes: side by side, at most; fewer where a lane would be shorter than a window. truncation: steps of a window.
    The steps that are left at the end, fewer than lanes, are not read. The seed changes nothing.
    """

    examples: Examples
    lanes: int
    truncation: int

    def read(self, piece: Piece) -> Batch:
        """Return a window over lanes."""
        (name,), rows = self.examples.streams, torch.from_numpy(piece.which)
        x, target = (part[piece.start : piece.stop].index_select(1, rows) for part in self._laid_out)
        return Batch({name: Stream(x, torch.full((len(rows),), len(x)))}, target)

    def pieces(self, seed: int, epoch: int) -> list[Piece]:
        """Return windows over all lanes, from their beginning."""
        return self.beginning(self._steps)

    def beginning(self, steps: int) -> list[Piece]:
        """Return windows over the beginnings of all lanes."""
        count = self._count
        longest, cut = max(1, min(steps, self._steps) // count), self.truncation
        every = np.arange(count)
        return [Piece(every, start, min(longest, start + cut)) for start in range(0, longest, cut)]

    @cached_property
    def _steps(self) -> int:
        return int(self.examples.lengths.sum())

    @property
    def _count(self) -> int:
        return max(1, min(self.lanes, self._steps // self.truncation))

    @cached_property
    def _laid_out(self) -> tuple[Tensor, Tensor]:
        """What is read and to be predicted, `[time lane ...]`."""
        parts: list[tuple[Tensor, ...]] = []
        for start in range(0, len(self.examples), JUDGED_ROWS):
            batch = self.examples.batch(np.arange(start, min(len(self.examples), start + JUDGED_ROWS)))
            there = torch.arange(len(batch.main.x)) < batch.main.lengths[:, None]  # [batch time]
            parts.append(tuple(part.transpose(0, 1)[there] for part in (batch.main.x, batch.target)))
        count = self._count
        ends = [torch.cat(part)[: self._steps // count * count] for part in zip(*parts, strict=True)]
        x, target = (part.view(count, -1, *part.shape[1:]).transpose(0, 1) for part in ends)
        return x, target
