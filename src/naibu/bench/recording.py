"""What recording costs: all signals of a layer against its own forward pass; a unit watched in a step of training."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from naibu.bench.rounds import interleaved
from naibu.cells.lstm import LSTMCell
from naibu.recording import record
from naibu.recording.watching import watch

SIZES = ((100, 32, 64), (200, 32, 64), (1000, 32, 35))
CALLS = 16
"""Batches in one recording, so that opening a folder is shared as in real use."""


def measure(folder: Path | None = None) -> list[dict[str, Any]]:
    """Return a row per size: how many times its own forward pass a layer takes when everything is recorded.

    `ratio_to_forward_disk` is (forward + recover + write, files flushed to the disk) / forward; `ratio_watched` steps
    of training with one unit watched / without; 1 is free.
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        return [_row(Path(place) / "recording", *size) for size in SIZES]


def _row(target: Path, hidden: int, batch: int, steps: int) -> dict[str, Any]:
    layer = nn.LSTM(hidden, hidden).eval()
    batches = [torch.randn(steps, batch, hidden) for _ in range(CALLS)]

    def forward() -> None:
        with torch.no_grad():
            for x in batches:
                layer(x)

    def on_disk() -> None:
        shutil.rmtree(target, ignore_errors=True)
        record(layer, batches, keep=LSTMCell.signals, out=target)
        _flush(target)

    def in_memory() -> None:
        record(layer, batches, keep=LSTMCell.signals)

    trained = nn.LSTM(hidden, hidden)
    optimiser = torch.optim.Adam(trained.parameters())

    def training() -> None:
        for x in batches:
            optimiser.zero_grad()
            trained(x)[0].square().mean().backward()
            optimiser.step()

    def watched() -> None:
        with watch(trained, {("lstm.0", "cell"): [0]}):
            training()

    found = interleaved({"forward": forward, "disk": on_disk, "memory": in_memory}, rounds=7)
    steps_of = interleaved({"training": training, "watched": watched}, rounds=7)
    row: dict[str, Any] = {"hidden": hidden, "batch": batch, "steps": steps, "signals": len(LSTMCell.signals)}
    row |= {f"ratio_to_forward_{way}": 1 / found.ratio(way, "forward") for way in ("disk", "memory")}
    row["ratio_watched"] = 1 / steps_of.ratio("watched", "training")
    return {**row, "forward_ms": 1000 * found.seconds["forward"] / CALLS, "load": found.load}


def _flush(folder: Path) -> None:
    """Wait until every file of the folder has reached the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
