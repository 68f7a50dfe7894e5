"""The tasks of Neural Turing Machines that are run: copy, repeat copy, associative recall."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Generator, Tensor


class Episodes(NamedTuple):
    """Sequences of one length: what is read, and what is to be answered in the last steps, where nothing is read."""

    input: Tensor  # [time batch channel]
    wanted: Tensor  # [answer batch bit]


Size = tuple[int, ...]
"""What sets how long a sequence is: vectors, or vectors and copies, or items."""


class Task(ABC):
    """A task by the sizes that it is trained and scored on."""

    name: ClassVar[str]
    channels: ClassVar[int]
    """How many numbers are read at a step."""
    bits: ClassVar[int]
    """How many bits are answered at a step."""
    counted: ClassVar[str]
    """What a size counts."""
    scored: ClassVar[tuple[Size, ...]]
    """The sizes that are scored; the first is the largest that is trained on."""

    @abstractmethod
    def draw_size(self, rng: Generator) -> Size:
        """Return a size to train on, drawn as in the paper."""

    @abstractmethod
    def draw(self, rng: Generator, size: Size, batch: int) -> Episodes:
        """Return sequences of a size, their bits drawn evenly."""


class Copy(Task):
    """Vectors of 8 bits, a delimiter, then silence in which they are to be said again. Section 4.1."""

    name = "copy"
    channels, bits = 9, 8
    counted = "vectors"
    scored = ((20,), (30,), (50,), (120,))

    def draw_size(self, rng: Generator) -> Size:
        """Return 1 to 20 vectors."""
        return (_between(rng, 1, 20),)

    def draw(self, rng: Generator, size: Size, batch: int) -> Episodes:
        """Return sequences of so many vectors."""
        (length,) = size
        vectors = _bits(rng, length, batch, 8)
        x = torch.zeros(2 * length + 1, batch, self.channels)
        x[:length, :, :8] = vectors
        x[length, :, 8] = 1
        return Episodes(x, vectors)


class RepeatCopy(Task):
    """Vectors of 8 bits, then how often they are to be said again, at the end of which stands a mark. Section 4.2.

    The number of copies is read once, with mean 0 and variance 1 over training; the mark is a ninth bit of the answer.
    """

    name = "repeat copy"
    channels, bits = 10, 9
    counted = "vectors x copies"
    scored = ((10, 10), (10, 20), (20, 10))

    def draw_size(self, rng: Generator) -> Size:
        """Return 1 to 10 vectors and 1 to 10 copies."""
        return _between(rng, 1, 10), _between(rng, 1, 10)

    def draw(self, rng: Generator, size: Size, batch: int) -> Episodes:
        """Return sequences of so many vectors and copies."""
        length, copies = size
        vectors, answer = _bits(rng, length, batch, 8), length * copies + 1
        x = torch.zeros(length + 1 + answer, batch, self.channels)
        x[:length, :, :8] = vectors
        x[length, :, 8] = 1
        x[length, :, 9] = (copies - 5.5) / 8.25**0.5
        wanted = torch.zeros(answer, batch, self.bits)
        wanted[:-1, :, :8] = vectors.repeat(copies, 1, 1)
        wanted[-1, :, 8] = 1
        return Episodes(x, wanted)


class AssociativeRecall(Task):
    """Items of three vectors of 6 bits each, then one of them again; the next one is to be said. Section 4.3.

    A mark stands before every item, another before and after the one that is asked about, which is never the last.
    """

    name = "associative recall"
    channels, bits = 8, 6
    counted = "items"
    scored = ((6,), (10,), (15,), (20,))

    def draw_size(self, rng: Generator) -> Size:
        """Return 2 to 6 items."""
        return (_between(rng, 2, 6),)

    def draw(self, rng: Generator, size: Size, batch: int) -> Episodes:
        """Return sequences of so many items."""
        (items,) = size
        vectors = _bits(rng, items, 3 * batch, 6).view(items, 3, batch, 6)
        asked, row = torch.randint(items - 1, (batch,), generator=rng), torch.arange(batch)
        x = torch.zeros(4 * items + 5 + 3, batch, self.channels)
        for k in range(items):
            x[4 * k, :, 6] = 1
            x[4 * k + 1 : 4 * k + 4, :, :6] = vectors[k]
        query = 4 * items
        x[[query, query + 4], :, 7] = 1
        x[query + 1 : query + 4, :, :6] = vectors[asked, :, row].transpose(0, 1)
        return Episodes(x, vectors[asked + 1, :, row].transpose(0, 1).contiguous())


TASKS: dict[str, Task] = {task.name.replace(" ", "-"): task for task in (Copy(), RepeatCopy(), AssociativeRecall())}


def _between(rng: Generator, low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, (), generator=rng))


def _bits(rng: Generator, *shape: int) -> Tensor:
    return torch.randint(2, shape, generator=rng).float()
