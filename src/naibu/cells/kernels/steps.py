"""Which rows each step of a layer has: one description for dense batches, packed sequences and both directions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from naibu.errors import OptionError


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps in the order in which they are computed, each a run of rows `offset` to `offset + alive`.

    Row r of a step belongs to sequence r; sequences are in the order of their lengths, the longest first.
    """

    offset: Tensor  # [step]
    alive: Tensor  # [step]
    batch: int
    rows: int
    dense: bool
    reverse: bool

    @cached_property
    def count(self) -> int:
        """How many steps there are."""
        return len(self.offset)

    @cached_property
    def fields(self) -> dict[str, int]:
        """The fields of a kernel's record that say which rows each step has."""
        parts = {"offset": self.offset.data_ptr(), "alive": self.alive.data_ptr()}
        return {"steps": self.count, "batch": self.batch, **parts}

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """`[time batch]`, or `[row]` of packed sequences."""
        return (self.count, self.batch) if self.dense else (self.rows,)

    def begin(self, state: Tensor | None, like: Tensor) -> Tensor:
        """Return the state `[batch hidden]` to begin with: zeros as wide as `like [... hidden]` where there is none."""
        return like.new_zeros(self.batch, like.shape[-1]) if state is None else state

    def ended(self, kept: Tensor) -> Tensor:
        """Return what `kept [... size]`, shaped or in rows, has after the last step of each sequence, `[1 batch size]`,
        as a copy."""
        return torch.stack((kept.view(self.rows, -1)[self.last],))

    @property
    def first(self) -> slice | Tensor:
        """The rows with which the sequences begin, by sequence."""
        return self._end if self.reverse else slice(0, self.batch)

    @property
    def last(self) -> slice | Tensor:
        """The rows with which the sequences end, by sequence."""
        return slice(0, self.batch) if self.reverse else self._end

    @cached_property
    def _end(self) -> slice | Tensor:
        if self.dense:
            return slice(self.rows - self.batch, self.rows)
        offset, alive = (part.flip(0) if self.reverse else part for part in (self.offset, self.alive))
        lengths = (alive[:, None] > _count(self.batch)).sum(0)
        return offset[lengths - 1] + _count(self.batch)

    @cached_property
    def _previous(self) -> Tensor:
        """For each row the row of the step before; where there is none, `rows` plus the sequence."""
        previous = _count(self.rows)
        before, old = 0, 0
        for start, alive in zip(self.offset.tolist(), self.alive.tolist(), strict=True):
            going_on = min(old, alive)
            previous[start : start + going_on] = before + _count(going_on)
            previous[start + going_on : start + alive] = self.rows + going_on + _count(alive - going_on)
            before, old = start, alive
        return previous

    def after_and_before(self, later: Tensor, earlier: Tensor, initial: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the rows of `later` that have a step before them, and what `earlier` has at that step.

        Of a packed sequence all rows are returned, those that begin beside the `initial` row of their sequence; without
        it these are zeros.
        """
        if not self.dense:
            return later, torch.cat([earlier, self.begin(initial, earlier)])[self._previous]
        cut = self.rows - self.batch
        if self.reverse:
            return later[:cut], earlier[self.batch :]
        return later[self.batch :], earlier[:cut]


def _count(numbers: int) -> Tensor:
    """Return 0, 1, 2 ... on the CPU, whatever the default device."""
    return torch.arange(numbers, device="cpu")


@lru_cache(maxsize=256)
def dense_steps(steps: int, batch: int, reverse: bool) -> Steps:
    """Return the steps of a batch whose sequences are equally long."""
    offset = _count(steps) * batch
    alive = torch.full_like(offset, batch)
    return Steps(offset.flip(0) if reverse else offset, alive, batch, steps * batch, True, reverse)


def packed_steps(batch_sizes: Tensor, reverse: bool) -> Steps:
    """Return the steps of torch's packed sequences. Raises OptionError where they are no batch sizes."""
    sizes = batch_sizes.tolist()
    if sizes != sorted(sizes, reverse=True) or sizes[-1] < 1:
        raise OptionError(f"packed sequence: batch_sizes {sizes} must fall from step to step, to 1 at least")
    offset = batch_sizes.cumsum(0) - batch_sizes
    if reverse:
        return Steps(
            offset.flip(0), batch_sizes.flip(0).contiguous(), int(batch_sizes[0]), int(batch_sizes.sum()), False, True
        )
    return Steps(offset, batch_sizes.contiguous(), int(batch_sizes[0]), int(batch_sizes.sum()), False, False)
