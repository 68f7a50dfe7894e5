"""One LSTM layer in one direction by the compiled kernels, with its gradient."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from naibu.cells.kernels import lstm, lstm_backward, products, sharing, workspace
from naibu.cells.kernels.compiled import address
from naibu.cells.kernels.own import Ran, refuse_second_derivative, wants_gradient
from naibu.cells.kernels.packing import panels_of, vectors_of
from naibu.cells.kernels.steps import Steps
from naibu.cells.kernels.vector import LANES
from naibu.cells.lstm import LSTMCell

LONGER, SHORT = 1.125, 128
"""How much longer than the layer has units the rows of its signals may be to begin with a line of the cache, and up to
how many units that brings something (measured)."""
CHUNK_ROWS = 128
"""Rows of a thread whose gradients are there at a time in the backward pass, about."""


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
    h0, c0 = state or (None, None)
    if wants_gradient(x, vectors, h0, c0, *given):
        begin = (None, None) if state is None else (state[0][0], state[1][0])
        h, c, gates = LSTMFunction.apply(x, vectors, *begin, *given, steps)  # type: ignore[no-untyped-call]
        return ran(h, c, gates, steps, keep)
    fresh, shape, size = weights[1].new_empty, steps.shape, weights[1].size(-1)
    h, ended = fresh(*shape, size), (fresh(1, steps.batch, size), fresh(1, steps.batch, size))
    if not keep:
        infer(x, given, (h0, c0), steps, _Written(h, ended[1]), ended, vectors)
        return Ran(h, ended, {})
    wide = _row_numbers(size)
    written = _Written(
        h,
        fresh(*shape, size) if "cell" in keep else ended[1],
        fresh(*shape, lstm.GATES, wide) if any(gate in keep for gate in LSTMCell.gates) else None,
        fresh(*shape, wide) if "update" in keep else None,
    )
    infer(x, given, (h0, c0), steps, written, ended, vectors)
    signals = {"hidden": h, "cell": written.cell}
    if written.gates is not None:
        signals |= zip(LSTMCell.gates, written.gates.narrow(-1, 0, size).unbind(-2), strict=True)
    if written.update is not None:
        signals["update"] = written.update.narrow(-1, 0, size)
    return Ran(h, ended, {name: signals[name] for name in keep})


def ran(h: Tensor, c: Tensor, gates: Tensor, steps: Steps, keep: Collection[str]) -> Ran:
    """Return what a layer did, of its output, cell and gates `[... gates hidden]`, with their gradients."""
    signals = {"hidden": h, "cell": c}
    if keep:
        signals |= zip(LSTMCell.gates, gates.unbind(-2), strict=True)
    if "update" in keep:
        signals["update"] = signals["input_gate"] * signals["candidate"]
    return Ran(h, (steps.ended(h), steps.ended(c)), {name: signals[name] for name in keep})


def _row_numbers(hidden: int) -> int:
    """Return how many numbers a row of a gate or of the update takes in memory: so many that none of its vectors lies
    across two lines of the cache, where rows are short. To write them then costs half as much."""
    filled = vectors_of(hidden) * LANES
    return filled if filled <= hidden * LONGER and hidden <= SHORT else hidden


class _Written(NamedTuple):
    """What the forward pass writes, shaped as the steps."""

    output: Tensor  # [... hidden]
    cell: Tensor  # [... hidden], or the last one alone, [1 batch hidden]
    gates: Tensor | None = None  # [... gates numbers], the numbers of a row `hidden` or more
    update: Tensor | None = None  # [... numbers]


def infer(
    x: Tensor,
    weights: tuple[Tensor | None, ...],
    state: tuple[Tensor | None, Tensor | None],
    steps: Steps,
    written: _Written,
    end: tuple[Tensor | None, Tensor | None] = (None, None),
    vectors: Tensor | None = None,
) -> None:
    """Run all steps; what there is room for in `written` is written.

    `x` is `[row input]`, or the symbols `[row]` where there are their `vectors [symbol input]`.
    `weights` are weight_ih, weight_hh, bias_ih, bias_hh. Without a state it is one of zeros. Into `end` go output
    and cell after the last step of each sequence, `[1 batch hidden]` each.
    """
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    assert weight_ih is not None
    assert weight_hh is not None
    hidden, rows, batch = weight_hh.shape[1], steps.rows, steps.batch
    table = None if vectors is None else products.table_of(vectors, weight_ih, bias_ih, bias_hh)
    inputs = 0 if table is not None else x.shape[1]
    plan = sharing.plan(steps, hidden, inputs)
    # Threads that share out packed rows may be at steps far apart, and then every row has a place of its own.
    places = rows if plan.chunk and not (steps.dense or plan.by_units) else min(rows, plan.chunk * batch)
    once = plan.by_units and not plan.direct and table is None and plan.chunk >= steps.count
    sizes = _forward_rooms(hidden, inputs, places, plan.threads, once, plan.direct)
    rooms, _held = workspace.of(weight_hh, sizes)
    if not plan.fixed:
        rooms["fixed"] = 0
    wide = written.gates if written.update is None else written.update
    lstm.forward(
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
        direct=int(plan.direct),
        h0=address(state[0]),
        c0=address(state[1]),
        h=address(written.output),
        c=address(written.cell),
        keep_c=int(written.cell is not end[1]),
        h_end=address(end[0]),
        c_end=address(end[1]),
        gates=address(written.gates),
        update=address(written.update),
        wide=0 if wide is None else wide.size(-1),
        kept=places,
        once=int(once),
        chunk=plan.chunk,
        by_units=int(plan.by_units),
        **rooms,
    )


@lru_cache(maxsize=256)
def _forward_rooms(hidden: int, inputs: int, kept: int, threads: int, once: bool, direct: bool) -> dict[str, int]:
    """Return how many numbers the forward pass needs in the fields of its record that are room."""
    panel = vectors_of(hidden) * lstm.GATES * LANES
    return {
        "packed_ih": 0 if direct else inputs * (threads * lstm.GATES * LANES if once else panel),
        "packed_hh": 0 if direct else panel * hidden,
        "bias": panel,
        "before": panel * kept,
        "sums": threads * lstm.SUMS,
        "zeros": threads * panel,
        "fixed": 2 * vectors_of(hidden),
    }


class LSTMFunction(torch.autograd.Function):
    """Output, cell and gates of one layer, `[... hidden]` twice and `[... gates hidden]`, all three with a gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        vectors: Tensor | None,
        h0: Tensor | None,
        c0: Tensor | None,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor | None,
        bias_hh: Tensor | None,
        steps: Steps,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run the layer and keep all that the way back needs, which is all there is."""
        fresh, shape = weight_hh.new_empty, (*steps.shape, weight_hh.size(-1))
        written = _Written(fresh(shape), fresh(shape), fresh(*steps.shape, lstm.GATES, weight_hh.size(-1)))
        infer(x, (weight_ih, weight_hh, bias_ih, bias_hh), (h0, c0), steps, written, vectors=vectors)
        h, c, gates, _ = written
        assert gates is not None
        ctx.save_for_backward(x, vectors, h0, c0, weight_ih, weight_hh, h, c, gates)
        ctx.steps = steps
        ctx.set_materialize_grads(False)
        return h, c, gates

    @staticmethod
    def backward(ctx: Any, dh: Tensor | None, dc: Tensor | None, d_gates: Tensor | None) -> tuple[Any, ...]:
        """Return the gradients of input or vectors, state, weights and biases."""
        refuse_second_derivative()
        x, vectors, h0, c0, weight_ih, weight_hh, h, c, gates = ctx.saved_tensors
        steps: Steps = ctx.steps
        h, c, gates = (part.view(steps.rows, -1) for part in (h, c, gates))
        needs = ctx.needs_input_grad
        dh, dc, d_gates = (None if part is None else part.contiguous() for part in (dh, dc, d_gates))
        plan = sharing.plan(steps, weight_hh.shape[1], 0)
        given = _Given(
            steps, plan, (weight_ih, weight_hh), (h0, steps.begin(c0, weight_hh)), (h, c, gates), (dh, dc, d_gates)
        )
        if needs[2] or plan.by_units:
            dg, dc0 = given.through_time()
            wanted = (needs[0] or needs[1], needs[4], needs[6] or needs[7])
            into = products.input_gradients(dg, x, vectors, weight_ih, wanted)
            d_hh = products.recurrent_gradient(dg, h, h0, steps) if needs[5] else None
            dh0 = dg[steps.first] @ weight_hh if needs[2] else None
        else:
            into, d_hh, dc0 = given.all_at_once(x, vectors, needs)
            dh0 = None
        biases = products.for_each(into.bias, needs[6], needs[7])
        return into.x, into.vectors, dh0, dc0 if needs[3] else None, into.weight, d_hh, *biases, None


class _Given(NamedTuple):
    """What the backward pass begins with: steps and how threads share them out, W_ih and W_hh, the state, output, cell
    and gates, their gradients."""

    steps: Steps
    plan: sharing.Plan
    weights: tuple[Tensor, Tensor]
    state: tuple[Tensor | None, Tensor]
    kept: tuple[Tensor, Tensor, Tensor]
    gradients: tuple[Tensor | None, Tensor | None, Tensor | None]

    def through_time(self) -> tuple[Tensor, Tensor]:
        """Return the gradient of the gates' sums `[row 4*hidden]` and of the initial cell `[batch hidden]`."""
        dg = torch.empty_like(self.kept[2])
        return dg, self._run({}, dg=address(dg))

    def all_at_once(
        self, x: Tensor, vectors: Tensor | None, needs: tuple[bool, ...]
    ) -> tuple[products.InputGradients, Tensor | None, Tensor]:
        """Return what the input's part gets, and the gradients of W_hh and of the initial cell.

        `needs` says, in the order of the function's arguments, what is wanted.
        """
        (weight_ih, weight_hh), (h0, _), (h, _, _), steps = self.weights, self.state, self.kept, self.steps
        (rows, inputs), hidden = weight_ih.shape, weight_hh.shape[1]
        threads = self.plan.threads
        share = -(-steps.batch // threads)
        chunk = max(1, min(steps.count, CHUNK_ROWS // share))
        capacity = max((chunk + 1) * share, 2 * steps.batch)  # enough for one thread, should there be no more
        new, by_symbol = h.new_empty, vectors is not None
        dx = torch.empty_like(x) if needs[0] and not by_symbol else None
        d_hh, d_bias = new(rows, hidden) if needs[5] else None, new(rows) if needs[6] or needs[7] else None
        d_ih = new(rows, inputs) if needs[4] and not by_symbol else None
        symbols = 0
        if vectors is not None and (needs[1] or needs[4]):
            symbols = len(vectors)
            d_ih = new(symbols, rows)  # of their table
        panels_x = panels_of(inputs)
        part = lstm_backward.part_numbers(hidden, 0 if by_symbol else inputs, symbols, capacity)
        packed = rows * vectors_of(inputs) * LANES if dx is not None else 0
        dc0 = self._run(
            {"parts": threads * part, "packed_ih": packed},
            inputs=0 if by_symbol else inputs,
            x=0 if by_symbol else address(x),
            ids=address(x) if symbols else 0,
            symbols=symbols,
            h=address(h),
            h0=address(h0),
            w_ih=address(weight_ih),
            panel_x=address(panels_x),
            panels_x=len(panels_x),
            dx=address(dx),
            d_ih=address(d_ih),
            d_hh=address(d_hh),
            d_bias=address(d_bias),
            chunk=chunk,
            capacity=capacity,
            part=part,
        )
        if vectors is None:
            return products.InputGradients(dx, None, d_ih, d_bias), d_hh, dc0
        wanted = (needs[1], needs[4], False)
        into = products.symbol_gradients(d_ih, vectors, weight_ih, wanted)
        return into._replace(bias=d_bias), d_hh, dc0

    def _run(self, rooms: dict[str, int], **more: int) -> Tensor:
        """Run the kernel, with room for so many numbers in some of its fields; return the gradient of the initial
        cell."""
        (_, weight_hh), (_, c0), (_, c, gates) = self.weights, self.state, self.kept
        (dh, dc, d_gates), steps, hidden = self.gradients, self.steps, weight_hh.shape[1]
        plan = self.plan
        panels, dc0 = panels_of(hidden, plan.threads if plan.by_units else 1), torch.zeros_like(c0)
        rooms = {"packed": 4 * hidden * vectors_of(hidden) * LANES, "sums": plan.threads * lstm.SUMS, **rooms}
        places, _held = workspace.of(c, rooms)
        lstm_backward.backward(
            plan.threads,
            **steps.fields,
            hidden=hidden,
            gates=address(gates),
            c=address(c),
            c0=address(c0),
            output_grad=address(dh),
            cell_grad=address(dc),
            gates_grad=address(d_gates),
            dc=address(dc0),
            w_hh=address(weight_hh),
            panel=address(panels),
            panels=len(panels),
            by_units=int(plan.by_units),
            **places,
            **more,
        )
        return dc0
