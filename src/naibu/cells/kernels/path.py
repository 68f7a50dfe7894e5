"""Which path computes one layer in one direction, and why: fused, fused with held weights, or plain."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from naibu.cells.base import Cell, LSTMState, State
from naibu.cells.edits import Edit
from naibu.cells.kernels import fused, held
from naibu.cells.recover import recover
from naibu.cells.unroll import Unrolled, reverse_padded, unroll

if TYPE_CHECKING:
    from naibu.cells.layers import Recurrent


def plain_because(cell: type[Cell], keep: Collection[str], edits: Mapping[str, Edit]) -> str | None:
    """Return why only the plain path computes this, or None where the framework's fused layer serves."""
    reason = fused.refusal(cell)
    if reason is None and edits:
        reason = "signals are kept of a layer that is edited" if keep else held.refusal(cell, edits)
    return reason


def explain(layer: Recurrent, *, keep: Collection[str] = (), edits: Mapping[str, Edit] | None = None) -> str:
    """Return in one sentence which path a layer takes, with these signals kept and these edits, and why."""
    reason = plain_because(layer.cell_type, keep, edits or {})
    if reason is not None:
        return f"plain path: {reason}"
    how = "; its weights hold the units" if edits else "; the signals are recovered from its output" if keep else ""
    return "the framework's fused layer" + how


def run(
    cell: Cell,
    x: Tensor,
    state: State,
    *,
    keep: Collection[str],
    edits: Mapping[str, Edit],
    lengths: Tensor | None,
    reverse: bool,
) -> Unrolled:
    """Return what `unroll` returns, by the fastest path that gives it."""
    if plain_because(type(cell), keep, edits) is not None:
        return unroll(cell, x, state, keep=keep, edit=edits, lengths=lengths, reverse=reverse)
    weights: list[Tensor] = [w for w in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh) if w is not None]
    if edits:
        assert isinstance(state, LSTMState)
        weights, first = held.held_weights(weights, state.cell, edits)
        state = LSTMState(state.hidden, first)
    return _fused_unroll(type(cell), x, state, weights, keep, lengths, reverse)


def _fused_unroll(
    cell: type[Cell],
    x: Tensor,
    state: State,
    weights: list[Tensor],
    keep: Collection[str],
    lengths: Tensor | None,
    reverse: bool,
) -> Unrolled:
    """Run the fused layer, and recover the rest from its output with one matrix product over all steps."""
    if reverse:
        x = reverse_padded(x, lengths)
    output, final = fused.run(cell, x, None, [part[None] for part in state], weights, bias=len(weights) == 4)
    ended = cell.state_type(*(part[0] for part in final))
    wanted = {*keep, *(cell.state_type._fields if lengths is not None else ())}
    signals = recover(cell.__name__, x, output, state, weights, wanted)
    if lengths is not None:
        lengths = lengths.to(x.device)
        last = (lengths - 1, torch.arange(x.shape[1], device=x.device))
        ended = cell.state_type(*(signals[part][last] for part in cell.state_type._fields))
        alive = torch.arange(len(x), device=x.device)[:, None] < lengths
        output = torch.where(alive[..., None], output, 0)
    if reverse:
        output = reverse_padded(output, lengths)
        signals = {name: reverse_padded(value, lengths) for name, value in signals.items()}
    return Unrolled(output, ended, {name: signals[name] for name in keep})
