"""Edits: what may be put in the place of a signal while a network runs."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

Edit = Callable[[Tensor, int], Tensor]
"""An edit takes a signal `[batch hidden]` and its step (0 at the first symbol) and returns it, changed."""


@dataclass(frozen=True)
class Both:
    """The edit that is one edit after another."""

    first: Edit
    second: Edit

    def __call__(self, value: Tensor, step: int) -> Tensor:
        """Return the signal `[batch hidden]` with both made."""
        return self.second(self.first(value, step), step)


@dataclass(frozen=True)
class Clamp:
    """The edit that holds chosen units of a signal at chosen values, at every step or at some.

    `units` are numbers of units; `value` is one number for all of them or one for each; `steps`, where
    given, says at which steps (0 is the first symbol) the units are held. A gate clamped to 1 is fully
    open and to 0 fully shut: the two thought experiments of document C.
    """

    units: Sequence[int]
    value: float | Sequence[float]
    steps: Container[int] | None = None

    def __call__(self, value: Tensor, step: int) -> Tensor:
        """Return the signal `[batch hidden]` with the units held."""
        if self.steps is not None and step not in self.steps:
            return value
        held = value.clone()
        held[..., list(self.units)] = torch.as_tensor(self.value, dtype=value.dtype, device=value.device)
        return held


@dataclass(frozen=True)
class Later:
    """The edit that is another's at so many steps later: of a part that is called step by step, each of which it counts
    from 0."""

    edit: Edit
    steps: int

    @property
    def units(self) -> list[int]:
        """The units that the other says it changes."""
        return held_by(self.edit)

    def __call__(self, value: Tensor, step: int) -> Tensor:
        """Return the signal `[batch hidden]` as the other leaves it."""
        return self.edit(value, self.steps + step)


class Edited(Protocol):
    """A part whose signals can be edited: (layer, signal) -> what is made of it."""

    edits: Any


@contextmanager
def later(parts: Sequence[Edited], steps: int) -> Iterator[None]:
    """Within the block, edits of some parts count their steps from `steps` on."""
    before = [part.edits for part in parts]
    if not steps or not any(before):
        yield
        return
    try:
        for part, edits in zip(parts, before, strict=True):
            part.edits = {key: Later(edit, steps) for key, edit in edits.items()}
        yield
    finally:
        for part, edits in zip(parts, before, strict=True):
            part.edits = edits


def held_by(edit: Edit) -> list[int]:
    """Return the units that an edit says it changes; none where it does not say."""
    if isinstance(edit, Both):
        return [*held_by(edit.first), *held_by(edit.second)]
    unit = getattr(edit, "unit", None)
    return list(getattr(edit, "units", () if unit is None else (unit,)))
