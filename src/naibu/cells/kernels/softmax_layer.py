"""Softmax and cross-entropy of an output layer over few symbols by the compiled kernel, with their gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from naibu.cells.kernels import products, softmax, workspace
from naibu.cells.kernels.compiled import address
from naibu.cells.kernels.own import refuse_second_derivative
from naibu.cells.kernels.packing import panels_of, vectors_of
from naibu.cells.kernels.vector import F32, LANES

FEWEST_GROUPS = 2 * LANES
"""Symbols below which the product of the weight's gradient is shared out over hidden units instead."""


def run(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, reduction: str, *, wanted: bool
) -> Tensor:
    """Return the cross-entropy, with its gradient where it is `wanted`; arguments as for `chunked_cross_entropy`."""
    hidden, weight, targets = hidden.contiguous(), weight.contiguous(), targets.contiguous()
    bias = None if bias is None else bias.contiguous()
    if wanted:
        total: Tensor = CrossEntropyFunction.apply(hidden, weight, bias, targets, reduction)  # type: ignore[no-untyped-call]
        return total
    found = cross_entropy(hidden, weight, bias, targets)
    return found.losses if reduction == "none" else found.total * _scale(reduction, found.counted)


def _scale(reduction: str, counted: int) -> float:
    return 1 / max(1, counted) if reduction == "mean" else 1.0


class CrossEntropyFunction(torch.autograd.Function):
    """The sum or mean of -ln p(target) by our own kernel, which makes the gradient of the hidden vectors besides."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, how: str) -> Tensor:
        found = cross_entropy(hidden, weight, bias, targets, scores=True, back=ctx.needs_input_grad[0])
        ctx.scale, ctx.d_hidden = _scale(how, found.counted), found.d_hidden
        ctx.save_for_backward(hidden, weight, found.d)
        return found.total if ctx.scale == 1 else found.total * ctx.scale

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        refuse_second_derivative("take functional.cross_entropy(functional.linear(...))")
        hidden, weight, d = ctx.saved_tensors
        needed, scale = ctx.needs_input_grad, gradient.item() * ctx.scale
        d_hidden, ctx.d_hidden = ctx.d_hidden, None
        if needed[0] and d_hidden is None:  # a second time through the same graph: the first has given it away
            d_hidden = hidden_gradient(d, weight).view_as(hidden)
        d_weight = weight_gradient(d, hidden) if needed[1] else None
        d_bias = bias_gradient(d) if needed[2] else None
        if scale != 1:
            for part in (d_hidden, d_weight, d_bias):
                if part is not None:
                    part.mul_(scale)
        return d_hidden, d_weight, d_bias, None, None


class Pass(NamedTuple):
    """What one pass gives; None for what was not asked for."""

    losses: Tensor  # [...]: -ln p(target), 0 at padding
    total: Tensor  # []
    counted: int
    d: Tensor | None  # [row symbol]: the gradient of the total by the scores
    d_hidden: Tensor | None  # [... hidden]


def cross_entropy(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, *, scores: bool = False, back: bool = False
) -> Pass:
    """Return losses, and the gradients that are asked for by `scores` and `back` (which needs `scores`).

    `hidden [... hidden]`, `weight [symbol hidden]`, `bias [symbol]` and `targets [...]` must be contiguous, float32 and
    int64. Raises IndexError for a target that is no symbol.
    """
    (symbols, units), rows, threads = weight.shape, targets.numel(), torch.get_num_threads()
    panels, panels_back = panels_of(symbols), panels_of(units)
    widest = LANES * max(vectors_of(symbols), 4)
    losses, total = torch.empty_like(targets, dtype=torch.float32), hidden.new_empty(())
    counts = targets.new_empty(2)
    d = hidden.new_empty(rows, symbols) if scores else None
    d_hidden = torch.empty_like(hidden) if back else None
    sizes = {
        "packed": LANES * vectors_of(symbols) * units,
        "padded": LANES * vectors_of(symbols),
        "packed_back": LANES * vectors_of(units) * symbols if back else 0,
        "sums": threads * softmax.ROWS * widest,
    }
    rooms, _held = workspace.of(hidden, sizes)
    softmax.cross_entropy(
        threads,
        rows=rows,
        hidden=units,
        symbols=symbols,
        h=address(hidden),
        weight=address(weight),
        bias=address(bias),
        targets=address(targets),
        panel=address(panels),
        panels=len(panels),
        panel_back=address(panels_back),
        panels_back=len(panels_back),
        loss=address(losses),
        total=address(total),
        counted=address(counts),
        d=address(d),
        d_hidden=address(d_hidden),
        sums_each=F32 * softmax.ROWS * widest,
        **rooms,
    )
    counted, strange = counts.tolist()
    if strange >= 0:
        raise IndexError(f"target {strange}: there are {symbols} symbols")
    return Pass(losses, total, counted, d, d_hidden)


def weight_gradient(d: Tensor, hidden: Tensor) -> Tensor:
    """Return the gradient of the weight `[symbol hidden]`, from that of the scores `[row symbol]`."""
    threads, hidden = torch.get_num_threads(), hidden.view(len(d), -1)
    if d.shape[1] < FEWEST_GROUPS:
        return products.sum_of_outer(hidden, d, threads).t().contiguous()
    return products.sum_of_outer(d, hidden, threads)


def bias_gradient(d: Tensor) -> Tensor:
    """Return the gradient of the bias `[symbol]`, from that of the scores `[row symbol]`."""
    return products.sum_by_symbol(d, None, 1, torch.get_num_threads())[0]


def hidden_gradient(d: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient of the hidden vectors `[row hidden]`, from that of the scores `[row symbol]`."""
    return products.times(d, weight, torch.get_num_threads())
