"""How the threads share out a layer, chosen by its sizes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch

from naibu.cells.kernels.steps import Steps
from naibu.cells.kernels.vector import F32, LANES

SECOND_CACHE = 1 << 20
"""Bytes of a core's own cache: weights that fit are read by each thread for its own rows."""
TOGETHER = 1 << 23
"""Bytes of a layer's weights up to which the input's product and the state's are one sum: more, and the last cache
would be read through at every step for the input's part too (measured: 500 units gain by it, 1000 lose)."""
ALONE = 1 << 21
"""Multiplications of a layer below which a second thread costs more than it brings."""
ROWS_AHEAD = 512
"""Rows whose input's products are made before the steps that need them."""
DIRECT_ROWS = 8
"""Rows of a whole call up to which laying out the weights does not pay."""
FIRST_CACHE = 1 << 16
"""Bytes of a thread's weights above which reading them is what a step of few sequences waits for."""
FIXED_STEPS = 32
"""Steps from which on it pays to lay out the weights in less room."""


@dataclass(frozen=True)
class Plan:
    """What one call of a kernel is told."""

    threads: int
    by_units: bool  # threads share out the units and meet after every step; else they share out the rows
    chunk: int  # steps whose input's products are made before those steps; 0: together with the state's
    direct: bool = False  # weights are read as they lie, and not laid out in panels
    fixed: bool = False  # the state's weights are laid out in three quarters of the room, see `fixed_point`


def plan(steps: Steps, hidden: int, inputs: int, gates: int = 4) -> Plan:
    """Return how a layer of this size is best computed on this many threads of torch's."""
    return _plan(steps.count, steps.batch, steps.rows, hidden, inputs, gates, torch.get_num_threads())


@lru_cache(maxsize=256)
def _plan(count: int, batch: int, rows: int, hidden: int, inputs: int, gates: int, threads: int) -> Plan:
    if rows * hidden * gates * (hidden + inputs) < ALONE:
        threads = 1
    recurrent, ahead = F32 * hidden * hidden * gates, F32 * hidden * inputs * gates
    by_units = threads > 1 and (batch < 4 * threads or recurrent > SECOND_CACHE)
    if by_units:
        threads = min(threads, -(-hidden // LANES))
    direct = rows <= DIRECT_ROWS
    together = recurrent + ahead <= TOGETHER and batch >= DIRECT_ROWS and not direct
    chunk = 0 if together else min(count, max(4, ROWS_AHEAD // batch))
    own = recurrent // threads
    few = batch < (DIRECT_ROWS if own > SECOND_CACHE else 3)
    fixed = not together and not direct and few and count >= FIXED_STEPS and own > FIRST_CACHE
    return Plan(threads, by_units, chunk, direct, fixed)
