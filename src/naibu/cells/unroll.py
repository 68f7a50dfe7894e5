"""The only loop over time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from naibu.cells.base import Cell, State
from naibu.cells.edits import Edit
from naibu.errors import OptionError


class Unrolled(NamedTuple):
    """What one cell did over all steps."""

    output: Tensor  # [time batch hidden], zero at padding
    state: State  # after the last step of each sequence, each part [batch hidden]
    signals: dict[str, Tensor]  # the signals asked for, [time batch hidden]; not defined at padding


def unroll(
    cell: Cell,
    x: Tensor,
    state: State | None = None,
    *,
    keep: Collection[str] = (),
    edit: Mapping[str, Edit] | None = None,
    lengths: Tensor | None = None,
    reverse: bool = False,
) -> Unrolled:
    """Return what the cell did over all steps of `x [time batch input]`, from `state` (zeros by default).

    `keep` names the signals to return, `edit` maps a signal to the edit made of it at each step, `lengths
    [batch]` says where each sequence ends: beyond it the state stands still and the output is zero.
    `reverse` reads each sequence from its last step to its first; steps keep their numbers.
    Raises OptionError for a signal that the cell does not have.
    """
    edits = dict(edit or {})
    for name in [*keep, *edits]:
        if name not in cell.signals:
            raise OptionError(f"signal {name!r}: a {type(cell).__name__} has {', '.join(cell.signals)}")
    steps, batch = x.shape[:2]
    kept: dict[str, list[Tensor]] = {name: [x.new_empty(0)] * steps for name in keep}
    outputs = [x.new_empty(0)] * steps
    step = 0

    def tap(signal: str, value: Tensor) -> Tensor:
        if signal in edits:
            value = edits[signal](value, step)
        if signal in kept:
            kept[signal][step] = value
        return value

    cell = cell.for_sequences(x)
    projected = cell.project(x)
    state = cell.before(cell.initial_state(batch, x) if state is None else state, steps)
    for step in reversed(range(steps)) if reverse else range(steps):
        new = cell.step(projected[step], state, tap)
        if lengths is None:
            state, outputs[step] = new, new.hidden
        else:
            alive = (step < lengths)[:, None]
            state = type(new)(*(torch.where(alive, n, old) for n, old in zip(new, state, strict=True)))
            outputs[step] = torch.where(alive, new.hidden, 0)
    return Unrolled(torch.stack(outputs), state, {name: torch.stack(values) for name, values in kept.items()})


def reverse_padded(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return `x [time batch ...]` with each sequence reversed inside its own length; padding stays behind."""
    if lengths is None:
        return x.flip(0)
    step = torch.arange(len(x), device=x.device)[:, None]
    index = torch.where(step < lengths, lengths - 1 - step, step)  # [time batch]
    return x.gather(0, index.view(*index.shape, *[1] * (x.dim() - 2)).expand_as(x))


def within(lengths: Tensor, steps: int) -> Tensor:
    """Return where a step is none of padding, bool `[time batch]`, on the device of the lengths."""
    return torch.arange(steps, device=lengths.device)[:, None] < lengths
