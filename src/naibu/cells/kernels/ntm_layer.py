"""A Neural Turing Machine in one direction by the compiled steps, with its gradient."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from naibu.cells.base import Cell, State
from naibu.cells.edits import Edit
from naibu.cells.kernels.own import refuse_second_derivative, unfit
from naibu.cells.ntm import APART, NTMCell, NTMState
from naibu.cells.unroll import Unrolled


def refusal(
    cell: type[Cell],
    keep: Collection[str],
    edits: Mapping[str, Edit],
    lengths: Tensor | None,
    *tensors: Tensor | None,
) -> str | None:
    """Return why the compiled steps do not compute this, or None where they do."""
    if not issubclass(cell, NTMCell) or cell.step is not NTMCell.step or cell.random:
        return f"the compiled steps are those of an NTMCell, not of a {cell.__name__}"
    if set(keep) - {"hidden"} or edits:
        return "the compiled steps show no signal and take no edit"
    if lengths is not None:
        return "the compiled steps take sequences of one length"
    return unfit(*tensors)


def run(cell: Cell, x: Tensor, state: State, *, keep: Collection[str], reverse: bool) -> Unrolled:
    """Return what `unroll` returns, of what `refusal` does not refuse."""
    assert isinstance(cell, NTMCell)
    assert isinstance(state, NTMState)
    projected = cell.project(x.flip(0) if reverse else x)
    if cell.bias_hh is not None:
        projected = projected + cell.bias_hh
    given = (projected, *state, cell.weight_hh, cell.weight_read, cell.weight_shown)
    output, *ended = NTMFunction.apply(*given, cell.weight_heads, cell.bias_heads, cell.locations)  # type: ignore[no-untyped-call]
    output = output.flip(0) if reverse else output
    return Unrolled(output, NTMState(*ended), dict.fromkeys(keep, output))


class NTMFunction(torch.autograd.Function):
    """Output `[time batch hidden]` and the parts of the last state, with a gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        projected: Tensor,
        h0: Tensor,
        c0: Tensor,
        r0: Tensor,
        memory0: Tensor,
        read0: Tensor,
        write0: Tensor,
        weight_hh: Tensor,
        weight_read: Tensor,
        weight_shown: Tensor,
        weight_heads: Tensor,
        bias_heads: Tensor | None,
        locations: int,
    ) -> tuple[Tensor, ...]:
        """Run all steps, and keep what the way back needs."""
        from naibu.cells.kernels import ntm

        (time, batch, rows), hidden, width = projected.shape, weight_hh.shape[1], weight_read.shape[1]
        sums = len(weight_heads)
        new = projected.new_empty
        h, c, r = (new(batch, time + 1, size) for size in (hidden, hidden, width))
        memory, w = new(batch, time + 1, width, locations), new(batch, time + 1, 2, locations)
        gates, u, act, kept = (
            new(batch, time, rows),
            new(batch, time, hidden),
            new(batch, time, sums),
            new(batch, time, 2, 4, locations),
        )
        h[:, 0], c[:, 0], r[:, 0], w[:, 0, 0], w[:, 0, 1] = h0, c0, r0, read0, write0
        memory[:, 0] = memory0.view(batch, locations, width).transpose(1, 2)
        weight = torch.cat([weight_hh, weight_read], 1)
        bias = new(sums).zero_() if bias_heads is None else bias_heads
        reads = (projected.transpose(0, 1), weight.t(), weight_shown.t(), weight_heads.t(), bias)
        fills = (gates, u, h, c, r, memory, w, act, kept)
        given: list[Any] = [*map(_array, reads), np.float32(APART), *map(_array, fills)]
        ntm.forward(*given)
        ctx.save_for_backward(weight, weight_shown, weight_heads, gates, u, h, c, r, memory, w, act, kept)
        ended = (h[:, -1].clone(), c[:, -1].clone(), r[:, -1].clone())
        last = memory[:, -1].transpose(1, 2).reshape(batch, -1)
        return h[:, 1:].transpose(0, 1).contiguous(), *ended, last, w[:, -1, 0].clone(), w[:, -1, 1].clone()

    @staticmethod
    def backward(ctx: Any, doutput: Tensor, *dended: Tensor) -> tuple[Any, ...]:
        """Return the gradients of what `forward` takes."""
        from naibu.cells.kernels import ntm

        refuse_second_derivative()
        weight, weight_shown, weight_heads, gates, u, h, c, r, memory, w, act, kept = ctx.saved_tensors
        batch, _, width, locations = memory.shape
        hidden = h.shape[2]
        dh, dc, dr = (part.clone() for part in dended[:3])
        dmemory = dended[3].reshape(batch, locations, width).transpose(1, 2).contiguous()
        dw = torch.stack(dended[4:], 1)
        da, dz, dshown = torch.empty_like(gates), torch.empty_like(act), torch.empty_like(u)
        ntm.backward(
            *map(_array, (weight, weight_shown.t(), weight_heads, gates, c, memory, w, act, kept)),
            *map(_array, (doutput.transpose(0, 1), dh, dc, dr, dmemory, dw, da, dz, dshown)),
        )
        d, dheads = da.flatten(0, 1).t(), dz.flatten(0, 1).t()
        d_hh = d @ h[:, :-1].reshape(-1, hidden)
        d_read = d @ r[:, :-1].reshape(-1, width)
        d_shown = dshown.flatten(0, 1).t() @ r[:, 1:].reshape(-1, width)
        of_heads = dheads @ u.flatten(0, 1)
        bias = dheads.sum(1) if ctx.needs_input_grad[11] else None
        memory0 = dmemory.transpose(1, 2).reshape(batch, -1)
        weights = (d_hh, d_read, d_shown, of_heads, bias)
        return da.transpose(0, 1), dh, dc, dr, memory0, dw[:, 0], dw[:, 1], *weights, None


def _array(tensor: Tensor) -> Any:
    """Return a tensor's memory as an array, of its own where it does not lie in order."""
    return tensor.detach().contiguous().numpy()
