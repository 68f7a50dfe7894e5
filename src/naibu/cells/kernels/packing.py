"""Weights laid out for the tiles: panels of a few vectors, each with all its numbers for one k side by side."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from numba import njit
from torch import Tensor

from naibu.cells.kernels.compiled import turns, wait
from naibu.cells.kernels.vector import F32, LANES, integer, load_part, store, transpose, transpose_part

VECTORS = 4
"""Vectors of a panel at most."""
HALF, QUARTER = LANES // 2, LANES // 4


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
    return torch.tensor(panels, dtype=torch.int64, device="cpu")


@njit
def pack_rows_panel(weight: int, columns: int, depth: int, panels: int, panel: int, packed: int) -> None:
    """packed[(first * depth + k * width + v) * LANES + lane] = weight[k, (first + v) * LANES + lane], 0 beyond."""
    first, width = integer(panels, 2 * panel), integer(panels, 2 * panel + 1)
    start = packed + F32 * first * depth * LANES
    for k in range(depth):
        row = weight + F32 * k * columns
        for v in range(width):
            column = (first + v) * LANES
            value = load_part(row + F32 * column, max(columns - column, 0))
            store(start + F32 * (k * width + v) * LANES, value)


@njit
def _pack_vector(weight: int, rows: int, depth: int, target: int, step: int) -> None:
    """target[k * step + lane] = weight[lane, k] of at most `LANES` rows of weights, 0 beyond; the step in bytes."""
    for k in range(0, depth, LANES):
        columns = min(LANES, depth - k)
        if rows >= LANES and columns == LANES:
            transpose(weight + F32 * k, F32 * depth, target + k * step, step)
        else:
            transpose_part(LANES, weight + F32 * k, F32 * depth, 0, rows, columns, target + k * step, step)


@njit
def pack_panel(weight: int, hidden: int, gates: int, depth: int, panel: int, packed: int) -> None:
    """packed[(k * gates + gate) * LANES + lane] = weight[gate * hidden + panel * LANES + lane, k], 0 beyond."""
    for gate in range(gates):
        source = weight + F32 * (gate * hidden + panel * LANES) * depth
        _pack_vector(source, hidden - panel * LANES, depth, packed + F32 * gate * LANES, F32 * gates * LANES)


@njit
def pack_columns_panel(weight: int, rows: int, depth: int, panels: int, panel: int, packed: int) -> None:
    """packed[(first * depth + k * width + v) * LANES + lane] = weight[(first + v) * LANES + lane, k], 0 beyond."""
    first, width = integer(panels, 2 * panel), integer(panels, 2 * panel + 1)
    start = packed + F32 * first * depth * LANES
    for v in range(width):
        row = (first + v) * LANES
        _pack_vector(weight + F32 * row * depth, rows - row, depth, start + F32 * v * LANES, F32 * width * LANES)


@njit
def narrow(units: int) -> int:
    """Return how many vectors hold four gates of the units of a panel: fewer than four where it has few units."""
    return 1 if 4 * units <= LANES else 2 if 2 * units <= LANES else 4


@njit
def pack_narrow_panel(weight: int, hidden: int, depth: int, panel: int, width: int, packed: int) -> None:
    """The last panel of four gates in `width` vectors for each k, gates side by side without lanes between them:
    packed[(k * 4 + gate) * each + unit] = weight[gate * hidden + panel * LANES + unit, k], each = width * LANES / 4."""
    units, apart, step = hidden - panel * LANES, F32 * hidden * depth, F32 * width * LANES
    for v in range(width):  # vectors of all gates, or of the first two and the last two
        first = weight + F32 * (v * 2 * hidden + panel * LANES) * depth
        for k in range(0, depth, LANES):
            source, target, columns = first + F32 * k, packed + k * step + v * F32 * LANES, min(LANES, depth - k)
            if width == 1:
                transpose_part(QUARTER, source, F32 * depth, apart, units, columns, target, step)
            else:
                transpose_part(HALF, source, F32 * depth, apart, units, columns, target, step)


@njit
def pack_state_rows(task: Any, depth: int, units: tuple[int, int], thread: int, threads: int) -> None:
    """Pack `w_hh [depth hidden]` for the products `row @ w_hh` of a backward pass, before any thread goes on: each
    thread the panels of its own units, or else threads take turns at them."""
    first, end, every = turns(task, units, thread, threads)
    for panel in range(first, end, every):
        pack_rows_panel(task.w_hh, task.hidden, depth, task.panel, panel, task.packed)
    if not task.by_units:
        wait(task, threads)


@njit
def pack_panels(task: Any, thread: int, threads: int) -> None:
    """Pack the `weight [depth columns]` of a product's record, or the one that lies `across`; threads take turns at the
    panels."""
    for panel in range(thread, task.panels, threads):
        if task.across:
            pack_columns_panel(task.weight, task.columns, task.depth, task.panel, panel, task.packed)
        else:
            pack_rows_panel(task.weight, task.columns, task.depth, task.panel, panel, task.packed)
