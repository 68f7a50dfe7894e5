"""Our layers against torch's, its cell in a loop, onnxruntime and JAX: running, recording, training."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator

import torch

from naibu.bench.limits import layer_flops
from naibu.bench.peak import Peak
from naibu.bench.peers import Contest
from naibu.bench.rounds import Measured
from naibu.bench.sizes import CELLS, Row, Sizes, at_limit, with_progress
from naibu.progress import Report, silent

MODES = ("inference", "recording", "training")
SECONDS = 5.0
"""For each cell and size, for running and recording, and again for training."""
_PEERS = {"inference": ("loop", "onnxruntime", "jax"), "recording": ("jax_recording",), "training": ("loop", "jax")}


def measure(sizes: Sizes, peak: Peak, progress: Report = silent) -> Iterator[Row]:
    """Yield a row for each cell, size and mode: how fast our layer is against torch's of the same kind.

    One layer, one direction, as many inputs as hidden units, float32, from a state of zeros. Modes: `inference`
    without gradients; `recording`, inference that keeps every signal of the cell; `training`, forward and backward
    of the sum of the outputs to the input and all parameters. `ratio_to_torch` is torch's time over ours, above 1
    faster; torch records nothing, so recording is set against its inference. `ratio_to_limit` is the time that
    the products alone would take (`limits.py`) at the peak of the same rounds, over ours. `peers` are as fast as
    torch times so many.
    """
    jobs = itertools.product(sizes.of_hidden(), sizes.of_batch(), sizes.cells or CELLS)
    for hidden, batch, cell in with_progress(jobs, lambda job: _cost(sizes, *job), progress):
        yield from _rows(sizes, peak, cell, hidden, batch)


def _cost(sizes: Sizes, hidden: int, batch: int, cell: str) -> float:
    flops = layer_flops(cell, hidden, batch, sizes.steps_of(hidden), training=True)
    return SECONDS * (0.25 if sizes.quick else 1) + 20 * flops / 1e11


def _rows(sizes: Sizes, peak: Peak, cell: str, hidden: int, batch: int) -> list[Row]:
    torch.manual_seed(1)
    steps = sizes.steps_of(hidden)
    contest = Contest(cell, hidden, batch, steps)
    rows = []
    for calls, modes in ((contest.forward(), MODES[:2]), (contest.training(), MODES[2:])):
        contest.check(calls)
        found = sizes.rounds({**calls, "peak": peak.call}, SECONDS)
        for mode in modes:
            flops = layer_flops(cell, hidden, batch, steps, training=mode == "training")
            row: Row = {"cell": cell, "hidden": hidden, "batch": batch, "steps": steps, "mode": mode}
            rows.append(row | _figures(found, peak, "recording" if mode == "recording" else "naibu", flops, mode))
    return rows


def _figures(found: Measured, peak: Peak, contender: str, flops: float, mode: str) -> Row:
    return {
        "ratio_to_torch": found.ratio(contender, "torch"),
        "ratio_to_limit": at_limit(found, peak, contender, flops),
        "load": found.load,
        "ms": 1000 * found.seconds[contender],
        "torch_ms": 1000 * found.seconds["torch"],
        "torch_to_limit": at_limit(found, peak, "torch", flops),
        "spread": found.spread[contender],
        "gflops": peak.flops / found.seconds["peak"] / 1e9,
        "threads": torch.get_num_threads(),
        "peers": _peers(found, _PEERS[mode]),
    }


def _peers(found: Measured, names: Collection[str]) -> dict[str, float]:
    return {name.removesuffix("_recording"): found.ratio(name, "torch") for name in names if name in found.seconds}
