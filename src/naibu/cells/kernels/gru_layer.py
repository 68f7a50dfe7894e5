"""One GRU layer in one direction by the compiled kernels, with its gradient."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor

from naibu.cells.gru import GRUCell
from naibu.cells.kernels import gru, products, sharing, workspace
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
) -> Ran:
    """Return what the layer does, with its gradient where one may be asked for; arguments as for `own.run`."""
    given = (*weights, None, None)[:4]
    h0 = None if state is None else state[0][0]
    gates: Tensor | None
    if wants_gradient(x, vectors, h0, *given):
        h, gates = GRUFunction.apply(x, vectors, h0, *given, steps)  # type: ignore[no-untyped-call]
    else:
        keep_gates = any(gate in keep for gate in GRUCell.gates)
        h, gates, _ = infer(x, given, h0, steps, vectors=vectors, keep_gates=keep_gates)
    signals = {"hidden": h}
    if keep and gates is not None:
        signals |= zip(GRUCell.gates, gates.view(*steps.shape, gru.GATES, -1).unbind(-2), strict=True)
    return Ran(h, (steps.ended(h),), {name: signals[name] for name in keep})


def infer(
    x: Tensor,
    weights: tuple[Tensor | None, ...],
    h0: Tensor | None,
    steps: Steps,
    *,
    vectors: Tensor | None = None,
    keep_gates: bool = True,
    keep_recurrent: bool = False,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return output, shaped as the steps, gates, and W_hn h + b_hn, `[row ...]` each; None for what is not kept.

    `x` is `[row input]`, or the symbols `[row]` where there are their `vectors [symbol input]`.
    `weights` are weight_ih, weight_hh, bias_ih, bias_hh. Without `h0 [batch hidden]` it is zeros.
    """
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    assert weight_ih is not None
    assert weight_hh is not None
    hidden, rows, batch = weight_hh.shape[1], steps.rows, steps.batch
    table = None if vectors is None else products.table_of(vectors, weight_ih, bias_ih)
    inputs = 0 if table is not None else x.shape[1]
    plan = sharing.plan(steps, hidden, inputs, 3)
    h0 = steps.begin(h0, weight_hh)
    h = h0.new_empty(*steps.shape, hidden)
    gates = h0.new_empty(rows, 3 * hidden) if keep_gates else None
    recurrent = h0.new_empty(rows, hidden) if keep_recurrent else None
    # Threads that share out the rows may be at different steps, whose rows overlap in packed sequences.
    alone = steps.dense or plan.threads == 1 or plan.by_units
    kept = min(rows, plan.chunk * batch) if alone else rows
    panel = vectors_of(hidden) * gru.GATES * LANES
    sizes = {
        "packed_ih": inputs * panel,
        "packed_hh": hidden * panel,
        "bias_ih": panel,
        "bias_hh": panel,
        "before": kept * panel if table is None and plan.chunk else 0,
        "sums": plan.threads * gru.SUMS,
    }
    rooms, _held = workspace.of(weight_hh, sizes)
    gru.forward(
        plan.threads,
        **steps.fields,
        hidden=hidden,
        inputs=inputs,
        x=address(x) if table is None else 0,
        ids=0 if table is None else address(x),
        table=address(table),
        w_ih=address(weight_ih),
        w_hh=address(weight_hh),
        b_ih=address(bias_ih) if table is None else 0,
        b_hh=address(bias_hh),
        h0=address(h0),
        h=address(h),
        gates=address(gates),
        kept=kept,
        recurrent=address(recurrent),
        chunk=plan.chunk,
        by_units=int(plan.by_units),
        **rooms,
    )
    return h, gates, recurrent


class GRUFunction(torch.autograd.Function):
    """Output, shaped as the steps, and gates of one layer, `[row 3*hidden]`, both with a gradient."""

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
    ) -> tuple[Tensor, Tensor]:
        """Run the layer and keep all that the way back needs."""
        weights = (weight_ih, weight_hh, bias_ih, bias_hh)
        h, gates, recurrent = infer(x, weights, h0, steps, vectors=vectors, keep_recurrent=True)
        assert gates is not None
        ctx.save_for_backward(x, vectors, h0, weight_ih, weight_hh, h, gates, recurrent)
        ctx.steps = steps
        ctx.set_materialize_grads(False)
        return h, gates

    @staticmethod
    def backward(ctx: Any, dh: Tensor | None, d_gates: Tensor | None) -> tuple[Any, ...]:
        """Return the gradients of input or vectors, state, weights and biases."""
        refuse_second_derivative()
        x, vectors, h0, weight_ih, weight_hh, h, gates, recurrent = ctx.saved_tensors
        steps: Steps = ctx.steps
        h, needs = h.view(steps.rows, -1), ctx.needs_input_grad
        dh, d_gates = (None if part is None else part.contiguous() for part in (dh, d_gates))
        begin = steps.begin(h0, weight_hh)
        dg_x, dg_h, dh0 = _through_time(steps, weight_hh, begin, h, gates, recurrent, dh, d_gates)
        wanted = (needs[0] or needs[1], needs[3], needs[5])
        given = products.input_gradients(dg_x, x, vectors, weight_ih, wanted)
        d_hh = products.recurrent_gradient(dg_h, h, h0, steps) if needs[4] else None
        d_bias_hh = products.sum_by_symbol(dg_h, None, 1, torch.get_num_threads())[0] if needs[6] else None
        through = dh0.addmm_(dg_h[steps.first], weight_hh) if needs[2] else None
        return given.x, given.vectors, through, given.weight, d_hh, given.bias, d_bias_hh, None


def _through_time(
    steps: Steps,
    weight_hh: Tensor,
    h0: Tensor,
    h: Tensor,
    gates: Tensor,
    recurrent: Tensor,
    dh: Tensor | None,
    d_gates: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of W_ih x + b_ih and of W_hh h + b_hh, `[row 3*hidden]` each, and of the initial state
    by z * h, `[batch hidden]`."""
    hidden = weight_hh.shape[1]
    plan = sharing.plan(steps, hidden, 0, 3)
    panels = panels_of(hidden, plan.threads if plan.by_units else 1)
    sizes = {"packed": len(weight_hh) * vectors_of(hidden) * LANES, "sums": plan.threads * gru.SUMS}
    rooms, _held = workspace.of(h, sizes)
    dg_x, dg_h, dh0 = torch.empty_like(gates), torch.empty_like(gates), torch.zeros_like(h0)
    gru.backward(
        plan.threads,
        **steps.fields,
        hidden=hidden,
        gates=address(gates),
        recurrent=address(recurrent),
        h=address(h),
        h0=address(h0),
        output_grad=address(dh),
        gates_grad=address(d_gates),
        dh=address(dh0),
        dg_x=address(dg_x),
        dg_h=address(dg_h),
        w_hh=address(weight_hh),
        panel=address(panels),
        panels=len(panels),
        by_units=int(plan.by_units),
        **rooms,
    )
    return dg_x, dg_h, dh0
