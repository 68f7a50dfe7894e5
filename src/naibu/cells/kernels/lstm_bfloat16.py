"""One LSTM layer in one direction, its products taken in bfloat16 by the tiles (AMX) of processors that have them.

What is rounded to bfloat16 are the factors of the products, 8 bits of each, and what each product comes out as; sums
within a product, gates, cell, output, all that is kept and the weights are float32. The products are oneDNN's, of
weights that are laid out once a call; gates and their gradients are compiled kernels.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import carray, njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from torch import Tensor
from torch.nn import functional

from naibu.cells.kernels.compiled import Kernel, address, enter, record
from naibu.cells.kernels.lstm_layer import ran
from naibu.cells.kernels.own import Ran, refuse_second_derivative
from naibu.cells.kernels.products import for_each
from naibu.cells.kernels.steps import Steps
from naibu.cells.kernels.vector import (
    F32,
    FLOATS,
    INT,
    INTS,
    LANES,
    first_lanes,
    ints,
    load_part,
    pointer,
    sigmoid,
    splat,
    store_part,
    tanh,
    vector,
)
from naibu.cells.products import product

BF16 = 2
"""Bytes of a number in bfloat16."""
SHARED = 1 << 16
"""Units of a step, over all its sequences, from which threads share out their gates."""
_SHORTS = ir.VectorType(ir.IntType(16), LANES)
_MASK = ir.VectorType(ir.IntType(1), LANES)


def run(
    x: Tensor,
    state: tuple[Tensor, ...] | None,
    weights: list[Tensor],
    steps: Steps,
    keep: Collection[str],
    vectors: Tensor | None,
) -> Ran:
    """Return what the layer does, with its gradient; arguments as for `own.run`, to be called under autocast."""
    x = x if vectors is None else functional.embedding(x, vectors)
    begin = (None, None) if state is None else (state[0][0], state[1][0])
    h, c, gates = _LSTM.apply(x, *(*weights, None, None)[:4], *begin, steps)  # type: ignore[no-untyped-call]
    return ran(h, c, gates, steps, keep)


class _LSTM(torch.autograd.Function):
    """Output, cell and gates of one layer, `[... hidden]` twice and `[... gates hidden]`, all three with a gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor | None,
        bias_hh: Tensor | None,
        h0: Tensor | None,
        c0: Tensor | None,
        steps: Steps,
    ) -> tuple[Tensor, Tensor, Tensor]:
        size, half = weight_hh.shape[1], torch.bfloat16
        x, weight_ih = x.to(half), weight_ih.to(half)
        bias = None if bias_ih is None or bias_hh is None else (bias_ih + bias_hh).to(half)
        projected = product(x, weight_ih, bias)
        h, c, gates = (weight_hh.new_empty(*steps.shape, *more) for more in ((size,), (size,), (4, size)))
        before = projected.new_zeros(steps.rows, size)  # the hidden vector that each row reads
        if h0 is not None:
            before[steps.first] = h0.to(half)
        first = steps.begin(c0, weight_hh).contiguous()
        recur = _Recurrent(weight_hh.to(half), steps.batch)
        runs = _runs(steps)
        for step, (here, alive) in enumerate(runs):
            there, old = runs[step - 1] if step else (0, 0)
            later, going_on = runs[step + 1] if step + 1 < len(runs) else (0, 0)
            recurrent = recur(before[here : here + alive]) if step or h0 is not None else None
            _FORWARD(
                _threads(alive * size),
                rows=alive,
                hidden=size,
                old=min(old, alive),
                going_on=min(going_on, alive),
                projected=projected.data_ptr() + BF16 * 4 * size * here,
                recurrent=address(recurrent),
                before=c.data_ptr() + F32 * size * there,
                first=first.data_ptr(),
                c=c.data_ptr() + F32 * size * here,
                h=h.data_ptr() + F32 * size * here,
                gates=gates.data_ptr() + F32 * 4 * size * here,
                half=before.data_ptr() + BF16 * size * later,
            )
        ctx.save_for_backward(x, weight_ih, weight_hh, before, c, gates, first)
        ctx.steps = steps
        ctx.set_materialize_grads(False)
        return h, c, gates

    @staticmethod
    def backward(ctx: Any, dh: Tensor | None, dc: Tensor | None, d_gates: Tensor | None) -> tuple[Any, ...]:
        refuse_second_derivative()
        x, weight_ih, weight_hh, before, c, gates, first = ctx.saved_tensors
        steps: Steps = ctx.steps
        size = weight_hh.shape[1]
        dh, dc, d_gates = (None if part is None else part.contiguous() for part in (dh, dc, d_gates))
        dg, dc0 = before.new_empty(steps.rows, 4 * size), torch.zeros_like(first)
        recur = _Recurrent(weight_hh.t().to(before.dtype, memory_format=torch.contiguous_format), steps.batch)
        runs, recurrent, going_on = _runs(steps), None, 0
        for step in range(len(runs) - 1, -1, -1):
            here, alive = runs[step]
            there, old = runs[step - 1] if step else (0, 0)
            _BACKWARD(
                _threads(alive * size),
                rows=alive,
                hidden=size,
                old=min(old, alive),
                going_on=min(going_on, alive),
                recurrent=address(recurrent),
                before=c.data_ptr() + F32 * size * there,
                first=first.data_ptr(),
                c=c.data_ptr() + F32 * size * here,
                gates=gates.data_ptr() + F32 * 4 * size * here,
                output_grad=0 if dh is None else dh.data_ptr() + F32 * size * here,
                cell_grad=0 if dc is None else dc.data_ptr() + F32 * size * here,
                gates_grad=0 if d_gates is None else d_gates.data_ptr() + F32 * 4 * size * here,
                dc=dc0.data_ptr(),
                dg=dg.data_ptr() + BF16 * 4 * size * here,
            )
            recurrent, going_on = recur(dg[here : here + alive]) if step else None, alive
        needs, full = ctx.needs_input_grad, weight_hh.dtype
        dx = product(dg, weight_ih.t()).to(full) if needs[0] else None
        d_ih, d_hh = (
            _weight_gradient(dg, read) if need else None for read, need in ((x, needs[1]), (before, needs[2]))
        )
        d_bias = dg.sum(0, dtype=full) if needs[3] or needs[4] else None
        dh0 = product(dg[steps.first], weight_hh.t().to(dg.dtype)).to(full) if needs[5] else None
        return dx, d_ih, d_hh, *for_each(d_bias, needs[3], needs[4]), dh0, dc0 if needs[6] else None, None


def _weight_gradient(dg: Tensor, read: Tensor) -> Tensor:
    """Return dg^T read in float32, by the way round that is quick."""
    return product(read.t(), dg.t()).t().to(torch.float32, memory_format=torch.contiguous_format)


class _Recurrent:
    """h W^T of few rows h, step by step, of W `[columns inner]` laid out once as oneDNN wants it."""

    def __init__(self, weight: Tensor, rows: int) -> None:
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)

    def __call__(self, x: Tensor) -> Tensor:
        done: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.packed, None, "none", [], "")
        return done


def _runs(steps: Steps) -> list[tuple[int, int]]:
    """Return the first row of each step and how many it has."""
    return list(zip(steps.offset.tolist(), steps.alive.tolist(), strict=True))


def _threads(units: int) -> int:
    return torch.get_num_threads() if units >= SHARED else 1


@intrinsic
def _load_half(_: Any, address: Any, count: Any) -> Any:
    """Return the vector of bfloat16 at an address of which only the first `count` numbers are read; the rest is 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = pointer(builder, arguments[0], _SHORTS)
        kind = ir.FunctionType(_SHORTS, [_SHORTS.as_pointer(), INT, _MASK, _SHORTS])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.load.v{LANES}i16.p0")
        nothing = ir.Constant(_SHORTS, None)
        mask = first_lanes(builder, arguments[1])
        shorts = builder.call(function, [place, ir.Constant(INT, 2), mask, nothing])
        return builder.bitcast(builder.shl(builder.zext(shorts, INTS), ints(16)), FLOATS)

    return vector(types.int64, types.int64), generate


@intrinsic
def _store_half(_: Any, address: Any, value: Any, count: Any) -> Any:
    """Write the first `count` numbers of a vector, rounded to the nearest bfloat16, or of two the even one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.bitcast(arguments[1], INTS)
        odd = builder.and_(builder.lshr(bits, ints(16)), ints(1))
        rounded = builder.lshr(builder.add(bits, builder.add(odd, ints(0x7FFF))), ints(16))
        kind = ir.FunctionType(ir.VoidType(), [_SHORTS, _SHORTS.as_pointer(), INT, _MASK])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.store.v{LANES}i16.p0")
        place, mask = pointer(builder, arguments[0], _SHORTS), first_lanes(builder, arguments[2])
        builder.call(function, [builder.trunc(rounded, _SHORTS), place, ir.Constant(INT, 2), mask])
        return context.get_dummy_value()

    return types.void(types.int64, vector, types.int64), generate


_FIELDS = (
    "rows",
    "hidden",
    "old",  # rows that have a step before
    "going_on",  # rows that have one after
    "recurrent",  # [row gates*hidden] of bfloat16; backward [row hidden], of rows that go on; or 0
    "before",  # [row hidden]: the cell of the step before
    "first",  # [batch hidden]: the cell to begin with
    "c",  # [row hidden]
    "gates",  # [row gates hidden]
)


@njit
def _cell_before(task: Any, row: int) -> int:
    """Return where the cell of the step before lies."""
    return (task.before if row < task.old else task.first) + F32 * row * task.hidden


def _lstm_bfloat16_forward(address: int) -> None:
    """The gates of one step; threads share out its rows."""
    task = carray(address, 1, _FORWARD_TASK)[0]
    thread, threads = enter(task)
    size = task.hidden
    for row in range(task.rows * thread // threads, task.rows * (thread + 1) // threads):
        projected, recurrent = task.projected + BF16 * 4 * row * size, task.recurrent + BF16 * 4 * row * size
        gates, before = task.gates + F32 * 4 * row * size, _cell_before(task, row)
        for unit in range(0, size, LANES):
            left, at = size - unit, BF16 * unit
            i, f = _load_half(projected + at, left), _load_half(projected + at + BF16 * size, left)
            g, o = (
                _load_half(projected + at + 2 * BF16 * size, left),
                _load_half(projected + at + 3 * BF16 * size, left),
            )
            if task.recurrent:
                i = i + _load_half(recurrent + at, left)
                f = f + _load_half(recurrent + at + BF16 * size, left)
                g = g + _load_half(recurrent + at + 2 * BF16 * size, left)
                o = o + _load_half(recurrent + at + 3 * BF16 * size, left)
            i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
            c = f * load_part(before + F32 * unit, left) + i * g
            h = o * tanh(c)
            place = F32 * (row * size + unit)
            store_part(task.c + place, c, left)
            store_part(task.h + place, h, left)
            if row < task.going_on:
                _store_half(task.half + BF16 * (row * size + unit), h, left)
            store_part(gates + F32 * unit, i, left)
            store_part(gates + F32 * (unit + size), f, left)
            store_part(gates + F32 * (unit + 2 * size), g, left)
            store_part(gates + F32 * (unit + 3 * size), o, left)


def _lstm_bfloat16_backward(address: int) -> None:
    """The gradients of one step's gates; threads share out its rows."""
    task = carray(address, 1, _BACKWARD_TASK)[0]
    thread, threads = enter(task)
    size, one = task.hidden, splat(np.float32(1))
    for row in range(task.rows * thread // threads, task.rows * (thread + 1) // threads):
        gates, before, wide = task.gates + F32 * 4 * row * size, _cell_before(task, row), F32 * size
        for unit in range(0, size, LANES):
            left, place, at = size - unit, F32 * (row * size + unit), F32 * unit
            i, f = load_part(gates + at, left), load_part(gates + at + wide, left)
            g, o = load_part(gates + at + 2 * wide, left), load_part(gates + at + 3 * wide, left)
            dh = splat(np.float32(0))
            if task.recurrent and row < task.going_on:
                dh = _load_half(task.recurrent + BF16 * (row * size + unit), left)
            if task.output_grad:
                dh = dh + load_part(task.output_grad + place, left)
            dc = load_part(task.dc + place, left)
            if task.cell_grad:
                dc = dc + load_part(task.cell_grad + place, left)
            tanh_c = tanh(load_part(task.c + place, left))
            through = dh * o
            dc = dc + (through - through * tanh_c * tanh_c)
            di, df, d_candidate, do = dc * g, dc * load_part(before + at, left), dc * i, dh * tanh_c
            if task.gates_grad:
                outer = task.gates_grad + F32 * 4 * row * size + at
                di = di + load_part(outer, left)
                df = df + load_part(outer + wide, left)
                d_candidate = d_candidate + load_part(outer + 2 * wide, left)
                do = do + load_part(outer + 3 * wide, left)
            store_part(task.dc + place, dc * f, left)
            dg = task.dg + BF16 * (4 * row * size + unit)
            _store_half(dg, di * i * (one - i), left)
            _store_half(dg + BF16 * size, df * f * (one - f), left)
            _store_half(dg + 2 * BF16 * size, d_candidate - d_candidate * g * g, left)
            _store_half(dg + 3 * BF16 * size, do * o * (one - o), left)


_FORWARD_TASK = record(*_FIELDS, "projected", "h", "half")
_BACKWARD_TASK = record(*_FIELDS, "output_grad", "cell_grad", "gates_grad", "dc", "dg")
_FORWARD = Kernel("LSTM in bfloat16", _lstm_bfloat16_forward, _FORWARD_TASK)
_BACKWARD = Kernel("backward pass of the LSTM in bfloat16", _lstm_bfloat16_backward, _BACKWARD_TASK)
