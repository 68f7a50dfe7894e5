"""Weights laid out for the tiles: panels of a few vectors, each with all its numbers for one k side by side."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numba import carray
from torch import Tensor

from naibu.cells.kernels.compiled import Kernel, enter, record
from naibu.cells.kernels.vector import F32, LANES, integer, load_part, read_number, store, transpose, write_number

VECTORS = 4
"""Vectors of a panel at most."""


def vectors_of(size: int) -> int:
    """Return how many vectors hold so many numbers."""
    return -(-size // LANES)


@cache
def panels_of(size: int, parts: int = 1) -> Tensor:
    """Return the panels of `size` columns as rows (first vector, vectors), `[panel 2]`, in `parts` even parts
    of about as many vectors, one after the other; none has more than four vectors and they differ by one at most."""
    panels, first = [], 0
    total = vectors_of(size)
    for part in range(parts):
        end = total * (part + 1) // parts
        count = -(-(end - first) // VECTORS)
        for k in range(count):
            width = -(-(end - first) // (count - k))
            panels.append((first, width))
            first += width
    return torch.tensor(panels, dtype=torch.int64)


PACK_TASK = record("weight", "row", "columns", "depth", "panel", "panels", "packed")


def _pack(address: int) -> None:
    """packed[first * depth * LANES + (k * width + v) * LANES + lane] = weight[k, (first + v) * LANES + lane]."""
    task = carray(address, 1, PACK_TASK)[0]
    thread, threads = enter(task)
    size = task.columns
    for panel in range(thread, task.panels, threads):
        first, width = integer(task.panel, 2 * panel), integer(task.panel, 2 * panel + 1)
        start = task.packed + F32 * first * task.depth * LANES
        for k in range(task.depth):
            row = task.weight + F32 * k * task.row
            for v in range(width):
                column = (first + v) * LANES
                value = load_part(row + F32 * column, max(size - column, 0))
                store(start + F32 * (k * width + v) * LANES, value)


PACK = Kernel("packing of weights", _pack, PACK_TASK)


PACK_GATES_TASK = record("weight", "hidden", "gates", "depth", "panels", "packed")


def _pack_gates(address: int) -> None:
    """packed[((panel * depth + k) * gates + gate) * LANES + lane] = weight[gate * hidden + panel * LANES + lane, k]."""
    task = carray(address, 1, PACK_GATES_TASK)[0]
    thread, threads = enter(task)
    step = F32 * task.gates * LANES
    for panel in range(thread, task.panels, threads):
        start = task.packed + panel * task.depth * step
        units = min(LANES, task.hidden - panel * LANES)
        whole = task.depth // LANES * LANES if units == LANES else 0
        for gate in range(task.gates):
            source = task.weight + F32 * (gate * task.hidden + panel * LANES) * task.depth
            target = start + F32 * gate * LANES
            for k in range(0, whole, LANES):
                transpose(source + F32 * k, F32 * task.depth, target + k * step, step)
            for lane in range(LANES):
                for k in range(whole, task.depth):
                    number = np.float32(0)
                    if lane < units:
                        number = read_number(source + F32 * (lane * task.depth + k))
                    write_number(target + k * step + F32 * lane, number)


PACK_GATES = Kernel("packing of gates", _pack_gates, PACK_GATES_TASK)


def packed_rows(weight: Tensor, panels: Tensor, threads: int) -> Tensor:
    """Return `weight [depth columns]` in these panels, for products `row @ weight`."""
    depth, columns = weight.shape
    packed = weight.new_empty(int(panels[:, 1].sum()) * LANES * depth)
    PACK(
        threads,
        weight=weight.data_ptr(),
        row=weight.stride(0),
        columns=columns,
        depth=depth,
        panel=panels.data_ptr(),
        panels=len(panels),
        packed=packed.data_ptr(),
    )
    return packed


def packed_gates(weight: Tensor, gates: int, threads: int) -> Tensor:
    """Return `weight [gates*hidden depth]` as one panel for each vector of units, all gates of it together,
    for products `weight @ column`."""
    hidden, depth = len(weight) // gates, weight.shape[1]
    panels = vectors_of(hidden)
    packed = weight.new_empty(panels * depth * gates * LANES)
    PACK_GATES(
        threads,
        weight=weight.data_ptr(),
        hidden=hidden,
        gates=gates,
        depth=depth,
        panels=panels,
        packed=packed.data_ptr(),
    )
    return packed
