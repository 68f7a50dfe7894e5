"""How the cost of a layer grows with the steps of a sequence, and with the number of signals that are kept."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch

from naibu.bench.sizes import CELLS, Row, Sizes, with_progress
from naibu.cells.layers import GRU, LSTM, RNN, Recurrent
from naibu.progress import Report, silent

STEPS = (32, 64, 128, 256, 512)
KEPT = (0, 1, 3, 7)
"""Numbers of signals, at most as many as a cell has; the last of its signals first."""
SECONDS = 8.0
_LAYERS: dict[str, type[Recurrent]] = {"lstm": LSTM, "gru": GRU, "rnn": RNN}


def measure(sizes: Sizes, progress: Report = silent) -> Iterator[Row]:
    """Yield the milliseconds of a call for each number of steps, and for each number of signals kept.

    200 hidden units and 32 sequences unless others are asked for. The rows of one question are measured in the
    same rounds: `varied` is `steps` (inference, recording all signals, training) or `signals` (inference at the
    usual number of steps). `exponent` is the slope of log time over log steps, by least squares over all rows of
    the mode: 1 is linear. `to_first` is the time over that of the question's first row: with nothing kept, for
    the signals.
    """
    hidden, batch = sizes.hidden or (200,), sizes.batch or (32,)
    cells = sizes.cells or (CELLS[:1] if sizes.quick else CELLS)
    jobs = itertools.product(hidden, batch, cells, (_by_steps, _by_signals))
    for units, side, cell, question in with_progress(jobs, lambda _: 1.0, progress):
        torch.manual_seed(1)
        yield from question(sizes, cell, units, side)


def _by_steps(sizes: Sizes, cell: str, hidden: int, batch: int) -> list[Row]:
    rows: list[Row] = []
    layer = _LAYERS[cell](hidden, hidden)
    for mode in ("inference", "recording", "training"):
        calls = {f"{steps}": _call(layer, batch, steps, mode, layer.cell_type.signals) for steps in STEPS}
        found = sizes.rounds(calls, SECONDS)
        seconds = [found.seconds[f"{steps}"] for steps in STEPS]
        exponent = float(np.polyfit(np.log(STEPS), np.log(seconds), 1)[0])
        kept = {"inference": 0, "training": 0, "recording": len(layer.cell_type.signals)}[mode]
        rows += [
            _row(cell, hidden, batch, steps, mode, kept, "steps")
            | {"ms": 1000 * each, "to_first": each / seconds[0], "exponent": exponent, "load": found.load}
            for steps, each in zip(STEPS, seconds, strict=True)
        ]
    return rows


def _by_signals(sizes: Sizes, cell: str, hidden: int, batch: int) -> list[Row]:
    layer, steps = _LAYERS[cell](hidden, hidden), sizes.steps_of(hidden)
    signals = layer.cell_type.signals
    counts = sorted({min(count, len(signals)) for count in KEPT})
    calls = {f"{n}": _call(layer, batch, steps, "recording", signals[len(signals) - n :]) for n in counts}
    found = sizes.rounds(calls, SECONDS)
    return [
        _row(cell, hidden, batch, steps, "recording" if n else "inference", n, "signals")
        | {"ms": 1000 * found.seconds[f"{n}"], "to_first": found.ratio(f"{counts[0]}", f"{n}"), "load": found.load}
        for n in counts
    ]


def _row(cell: str, hidden: int, batch: int, steps: int, mode: str, signals: int, varied: str) -> Row:
    row: Row = {"cell": cell, "hidden": hidden, "batch": batch, "steps": steps, "mode": mode}
    return row | {"signals": signals, "varied": varied, "threads": torch.get_num_threads()}


def _call(layer: Recurrent, batch: int, steps: int, mode: str, keep: tuple[str, ...]) -> Callable[[], object]:
    x = torch.randn(steps, batch, layer.input_size, requires_grad=mode == "training")
    if mode == "training":
        return lambda: torch.autograd.grad(layer(x)[0].sum(), [x, *layer.parameters()])

    @torch.no_grad()
    def quietly() -> object:
        return layer.signals(x, keep=keep) if mode == "recording" and keep else layer(x)

    return quietly
