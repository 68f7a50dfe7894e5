"""float32 values by step turned into float16 values by sequence: what a recording stores, in one pass."""

from __future__ import annotations

from typing import Any

import torch
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic
from torch import Tensor

from naibu.cells.kernels.compiled import Kernel, enter, record
from naibu.cells.kernels.vector import (
    F32,
    INT,
    LANES,
    load,
    load_part,
    pointer,
    processor_features,
    vector,
)

F16 = 2
_HALVES = ir.VectorType(ir.HalfType(), LANES)


@intrinsic
def _store_halves(_: Any, address: Any, value: Any) -> Any:
    """Write a vector rounded to float16."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        halves = builder.fptrunc(arguments[1], _HALVES)
        builder.store(halves, pointer(builder, arguments[0], _HALVES), align=2)
        return context.get_dummy_value()

    return types.void(types.int64, vector), generate


@intrinsic
def _store_half(_: Any, address: Any, value: Any, lane: Any) -> Any:
    """Write one lane of a vector, rounded to float16."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        halves = builder.fptrunc(arguments[1], _HALVES)
        half = builder.extract_element(halves, builder.trunc(arguments[2], INT))
        builder.store(half, pointer(builder, arguments[0], ir.HalfType()), align=2)
        return context.get_dummy_value()

    return types.void(types.int64, vector, types.int64), generate


TASK = record("source", "step_bytes", "sequence_bytes", "steps", "batch", "units", "target")


def _to_half(address: int) -> None:
    """target[sequence, step] = source[step, sequence]; threads share out the sequences and steps."""
    task = carray(address, 1, TASK)[0]
    thread, threads = enter(task)
    rows = task.steps * task.batch
    for row in range(rows * thread // threads, rows * (thread + 1) // threads):
        source = task.source + row % task.steps * task.step_bytes + row // task.steps * task.sequence_bytes
        target = task.target + F16 * row * task.units
        whole = task.units // LANES * LANES
        for unit in range(0, whole, LANES):
            _store_halves(target + F16 * unit, load(source + F32 * unit))
        if whole < task.units:
            rest = load_part(source + F32 * whole, task.units - whole)
            for lane in range(task.units - whole):
                _store_half(target + F16 * (whole + lane), rest, lane)


TO_HALF = Kernel("rounding to float16", _to_half, TASK)
ROUNDS = bool({"f16c", "avx512f", "fullfp16"} & processor_features())
"""Whether the processor rounds to float16 by itself."""


def to_half(value: Tensor, target: Tensor) -> bool:
    """Write `value [time batch unit]` into `target [batch time unit]` of float16 and return True, or return False
    where that has to be done otherwise."""
    plain = value.device.type == "cpu" and value.dtype == torch.float32 and target.dtype == torch.float16
    if not (plain and ROUNDS and target.is_contiguous() and value.stride(-1) == 1 and value.numel()):
        return False
    steps, batch, units = value.shape
    TO_HALF(
        1,  # beside a thread that writes to the disk, a second one would mostly be waited for
        source=value.data_ptr(),
        step_bytes=F32 * value.stride(0),
        sequence_bytes=F32 * value.stride(1),
        steps=steps,
        batch=batch,
        units=units,
        target=target.data_ptr(),
    )
    return True
