"""A recording in memory whose units' meaning is known, for the tests of the viewer."""

from __future__ import annotations

import numpy as np

from naibu.recording import Recording
from naibu.viewer.exhibits import Exhibit

CELL, GATE = ("lstm.0", "cell"), ("lstm.0", "input_gate")
UNITS = 6
"""Of the cell: 0 the depth, 1 its negative with noise, 2 noise, 3 still, 4 whether inside, 5 slow noise."""


def planted(sequences: int = 60, seed: int = 3, *, splits: bool = True, labels: bool = True) -> Recording:
    draw = np.random.default_rng(seed)
    lengths = draw.integers(5, 40, sequences)
    total = int(lengths.sum())
    sequence = np.repeat(np.arange(sequences), lengths)
    depth = np.concatenate([np.abs(np.cumsum(draw.choice([-1, 1], n))) for n in lengths]).astype(np.float32)
    inside = (depth > 2).astype(np.int32)
    slow = np.zeros(total)
    for row in range(1, total):
        slow[row] = 0.9 * slow[row - 1] * (sequence[row] == sequence[row - 1]) + draw.normal()
    cell = np.zeros((total, UNITS), np.float32)
    cell[:, 0], cell[:, 1] = depth, -depth + draw.normal(0, 0.5, total)
    cell[:, 2], cell[:, 3], cell[:, 4] = draw.normal(size=total), 0.25, inside * 2 - 1 + draw.normal(0, 0.1, total)
    cell[:, 5] = slow
    gate = (1 / (1 + np.exp(-2 * draw.normal(size=(total, UNITS))))).astype(np.float32)
    symbol = draw.integers(0, 4, total).astype(np.int32)
    loss = draw.exponential(1, total).astype(np.float32)
    last = np.append(np.diff(sequence) != 0, True)
    loss[last] = np.nan
    return Recording.from_arrays(
        {CELL: cell.astype(np.float16), GATE: gate.astype(np.float16)},
        sequence=sequence,
        labels={"depth": depth, "inside": (inside, ("no", "yes"))} if labels else {},
        symbols=("a", "b", "<b>", "long word"),
        symbol=symbol,
        split=np.where(sequence < sequences // 2, 0, 2) if splits else None,
        predicted=np.where(last, -1, draw.integers(0, 4, total)),
        loss=loss,
    )


def exhibit(recording: Recording | None = None) -> Exhibit:
    return Exhibit("planted", planted() if recording is None else recording)
