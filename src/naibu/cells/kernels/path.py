"""Which path computes one layer in one direction, and why: fused, fused with held weights, or plain."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from naibu.cells.base import Cell, LSTMState, State
from naibu.cells.edits import Edit
from naibu.cells.kernels import fused, held, ntm_layer, own, scan
from naibu.cells.kernels.steps import dense_steps
from naibu.cells.ntm import NTMCell
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


def explain(
    layer: Recurrent,
    x: Tensor | None = None,
    *,
    keep: Collection[str] = (),
    edits: Mapping[str, Edit] | None = None,
) -> str:
    """Return in one sentence which path a layer takes on an input, with these signals kept and these edits, and
    why. Without an input one of the weights' dtype and device is meant."""
    like = layer.get_parameter("weight_ih_l0") if x is None else x
    if scan.refusal(layer.cell_type, edits or {}) is None:
        return "parallel scan over time"
    without = ntm_layer.refusal(layer.cell_type, keep, edits or {}, None, like)
    if without is None:
        return "compiled steps of a Neural Turing Machine"
    reason = plain_because(layer.cell_type, keep, edits or {})
    if reason is not None and issubclass(layer.cell_type, NTMCell):
        reason = without
    if reason is not None:
        return f"plain path: {reason}"
    reason = own.refusal(layer.cell_type, like)
    if reason is None and x is not None and not keep and not own.pays(layer.cell_type, *_size(layer, x)):
        reason = "it is the quicker way for so few steps"
    if reason is None:
        return own.words(layer.hidden_size) + ("; its weights hold the units" if edits else "")
    how = "; its weights hold the units" if edits else "; the signals are recovered from its output" if keep else ""
    return f"the framework's fused layer{how}: {reason}"


def _size(layer: Recurrent, x: Tensor) -> tuple[int, int]:
    """Return steps and sequences of an input."""
    steps, batch = (len(x), 1) if x.dim() == 2 else x.shape[:2]
    return (batch, steps) if layer.batch_first and x.dim() == 3 else (steps, batch)


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
    if scan.refusal(type(cell), edits) is None:
        return scan.run(cell, x, state, keep=keep, lengths=lengths, reverse=reverse)
    if ntm_layer.refusal(type(cell), keep, edits, lengths, x, *state, *cell.parameters()) is None and x.numel():
        return ntm_layer.run(cell, x, state, keep=keep, reverse=reverse)
    if plain_because(type(cell), keep, edits) is not None:
        return unroll(cell, x, state, keep=keep, edit=edits, lengths=lengths, reverse=reverse)
    weights: list[Tensor] = [w for w in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh) if w is not None]
    if edits:
        assert isinstance(state, LSTMState)
        weights, first = held.held_weights(weights, state.cell, edits)
        state = LSTMState(state.hidden, first)
    if own.refusal(type(cell), x, *state, *weights) is None and x.numel():
        return _own_unroll(type(cell), x, state, weights, keep, lengths, reverse)
    return _fused_unroll(type(cell), x, state, weights, keep, lengths, reverse)


def _own_unroll(
    cell: type[Cell],
    x: Tensor,
    state: State,
    weights: list[Tensor],
    keep: Collection[str],
    lengths: Tensor | None,
    reverse: bool,
) -> Unrolled:
    """Run our own kernel, which writes the signals as it goes."""
    steps, batch = x.shape[:2]
    turned = reverse and lengths is not None
    x = reverse_padded(x, lengths) if turned else x
    wanted = {*keep, *(cell.state_type._fields if lengths is not None else ())}
    plan = dense_steps(steps, batch, reverse and not turned)
    ran = own.run(cell, x.flatten(0, 1), tuple(part[None] for part in state), weights, plan, keep=wanted)
    output, signals = ran.output, ran.signals
    ended = cell.state_type(*(part[0] for part in ran.state))
    if lengths is not None:
        ended, output = _cut(cell, output, signals, lengths)
    if turned:
        output = reverse_padded(output, lengths)
        signals = {name: reverse_padded(value, lengths) for name, value in signals.items()}
    return Unrolled(output, ended, {name: signals[name] for name in keep})


def _cut(cell: type[Cell], output: Tensor, signals: Mapping[str, Tensor], lengths: Tensor) -> tuple[State, Tensor]:
    """Return the state after the last step of each sequence, and the output with zeros behind it."""
    lengths = lengths.to(output.device)
    last = (lengths - 1, torch.arange(output.shape[1], device=output.device))
    alive = torch.arange(len(output), device=output.device)[:, None] < lengths
    ended = cell.state_type(*(signals[part][last] for part in cell.state_type._fields))
    return ended, torch.where(alive[..., None], output, 0)


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
    signals = recover(cell.__name__, x, output, tuple(state), weights, wanted)
    if lengths is not None:
        ended, output = _cut(cell, output, signals, lengths)
    if reverse:
        output = reverse_padded(output, lengths)
        signals = {name: reverse_padded(value, lengths) for name, value in signals.items()}
    return Unrolled(output, ended, {name: signals[name] for name in keep})
