"""One Elman layer in one direction by the compiled kernels, with its gradient: with tanh or ReLU."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

import torch
from torch import Tensor

from naibu.cells.kernels import elman, products, sharing, workspace
from naibu.cells.kernels.compiled import address
from naibu.cells.kernels.own import Ran, refuse_second_derivative, wants_gradient
from naibu.cells.kernels.packing import panels_of, vectors_of
from naibu.cells.kernels.steps import Steps
from naibu.cells.kernels.vector import LANES


def run(
    x: Tensor,
    state: tuple[Tensor, ...] | None,
    weights: list[Tensor],
    steps: Steps,
    keep: Collection[str],
    vectors: Tensor | None,
    *,
    rectified: bool = False,
) -> Ran:
    """Return what the layer does, with its gradient where one may be asked for; arguments as for `own.run`.

    `rectified` puts ReLU in the place of tanh.
    """
    given = (*weights, None, None)[:4]
    h0 = None if state is None else state[0][0]
    if wants_gradient(x, vectors, h0, *given):
        h = ElmanFunction.apply(x, vectors, h0, *given, steps, rectified)  # type: ignore[no-untyped-call]
    else:
        h = infer(x, given, h0, steps, rectified, vectors=vectors)
    return Ran(h, (steps.ended(h),), dict.fromkeys(keep, h))


run_rectified = partial(run, rectified=True)
"""`run` with ReLU."""


def infer(
    x: Tensor,
    weights: tuple[Tensor | None, ...],
    h0: Tensor | None,
    steps: Steps,
    rectified: bool,
    *,
    vectors: Tensor | None = None,
) -> Tensor:
    """Return the output, shaped as the steps.

    `x` is `[row input]`, or the symbols `[row]` where there are their `vectors [symbol input]`.
    `weights` are weight_ih, weight_hh, bias_ih, bias_hh. Without `h0 [batch hidden]` it is zeros.
    """
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    assert weight_ih is not None
    assert weight_hh is not None
    hidden = weight_hh.shape[1]
    table = None if vectors is None else products.table_of(vectors, weight_ih, bias_ih, bias_hh)
    inputs = 0 if table is not None else x.shape[1]
    plan = sharing.plan(steps, hidden, inputs, 1)
    panels = panels_of(hidden, plan.threads if plan.by_units else 1)
    h0 = steps.begin(h0, weight_hh)
    h = h0.new_empty(*steps.shape, hidden)
    sizes = {
        "packed_ih": inputs * vectors_of(hidden) * LANES,
        "packed_hh": hidden * vectors_of(hidden) * LANES,
        "bias": vectors_of(hidden) * LANES,
        "sums": plan.threads * elman.SUMS,
    }
    rooms, _held = workspace.of(weight_hh, sizes)
    elman.forward(
        plan.threads,
        **steps.fields,
        hidden=hidden,
        inputs=inputs,
        x=address(x) if table is None else 0,
        ids=0 if table is None else address(x),
        table=address(table),
        w_ih=address(weight_ih),
        w_hh=address(weight_hh),
        b_ih=address(bias_ih),
        b_hh=address(bias_hh),
        h0=address(h0),
        h=address(h),
        rectified=int(rectified),
        chunk=plan.chunk,
        panel=address(panels),
        panels=len(panels),
        by_units=int(plan.by_units),
        **rooms,
    )
    return h


class ElmanFunction(torch.autograd.Function):
    """Output of one layer, shaped as the steps, with a gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        vectors: Tensor | None,
        h0: Tensor | None,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor | None,
        bias_hh: Tensor | None,
        steps: Steps,
        rectified: bool,
    ) -> Tensor:
        """Run the layer; its output is all that the way back needs."""
        h = infer(x, (weight_ih, weight_hh, bias_ih, bias_hh), h0, steps, rectified, vectors=vectors)
        ctx.save_for_backward(x, vectors, h0, weight_ih, weight_hh, h)
        ctx.steps, ctx.rectified = steps, rectified
        return h

    @staticmethod
    def backward(ctx: Any, dh: Tensor) -> tuple[Any, ...]:
        """Return the gradients of input or vectors, state, weights and biases."""
        refuse_second_derivative()
        x, vectors, h0, weight_ih, weight_hh, h = ctx.saved_tensors
        steps: Steps = ctx.steps
        h, needs = h.view(steps.rows, -1), ctx.needs_input_grad
        da = _through_time(steps, weight_hh, h, dh.contiguous(), ctx.rectified)
        wanted = (needs[0] or needs[1], needs[3], needs[5] or needs[6])
        given = products.input_gradients(da, x, vectors, weight_ih, wanted)
        d_hh = products.recurrent_gradient(da, h, h0, steps) if needs[4] else None
        dh0 = da[steps.first] @ weight_hh if needs[2] else None
        biases = products.for_each(given.bias, needs[5], needs[6])
        return given.x, given.vectors, dh0, given.weight, d_hh, *biases, None, None


def _through_time(steps: Steps, weight_hh: Tensor, h: Tensor, dh: Tensor, rectified: bool) -> Tensor:
    """Return the gradient of the sums before tanh or ReLU, `[row hidden]`."""
    hidden = weight_hh.shape[1]
    plan = sharing.plan(steps, hidden, 0, 1)
    panels = panels_of(hidden, plan.threads if plan.by_units else 1)
    sizes = {"packed": hidden * vectors_of(hidden) * LANES, "sums": plan.threads * elman.SUMS}
    rooms, _held = workspace.of(h, sizes)
    da = torch.empty_like(h)
    elman.backward(
        plan.threads,
        **steps.fields,
        hidden=hidden,
        h=address(h),
        output_grad=address(dh),
        da=address(da),
        rectified=int(rectified),
        w_hh=address(weight_hh),
        panel=address(panels),
        panels=len(panels),
        by_units=int(plan.by_units),
        **rooms,
    )
    return da
