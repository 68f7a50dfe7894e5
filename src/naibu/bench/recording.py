"""What recording costs: all signals of a layer, written to disk, against the layer's own forward pass."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from naibu.bench.rounds import interleaved
from naibu.recording import record

SIZES = ((100, 32, 64), (200, 32, 64), (1000, 32, 35))
LSTM_SIGNALS = ("input_gate", "forget_gate", "candidate", "output_gate", "update", "cell", "hidden")
CALLS = 16
"""Batches in one recording, so that opening a folder is shared as in real use."""


def measure(folder: Path | None = None) -> list[dict[str, Any]]:
    """Return a row per size: how many times its own forward pass a layer takes when everything is recorded.

    `ratio_to_forward` is (forward + recover + write, files flushed to the disk) / forward; 1 is free.
    """
    rows: list[dict[str, Any]] = []
    for hidden, batch, steps in SIZES:
        layer = nn.LSTM(hidden, hidden).eval()
        batches = [torch.randn(steps, batch, hidden) for _ in range(CALLS)]
        place = Path(tempfile.mkdtemp(dir=folder))

        def forward(layer: nn.LSTM = layer, batches: list[torch.Tensor] = batches) -> None:
            with torch.no_grad():
                for x in batches:
                    layer(x)

        def recorded(
            where: Path | None, layer: nn.LSTM = layer, batches: list[torch.Tensor] = batches
        ) -> None:
            if where is not None:
                shutil.rmtree(where, ignore_errors=True)
            record(layer, batches, keep=LSTM_SIGNALS, out=where)
            if where is not None:
                _flush(where)

        target = place / "recording"
        found = interleaved({"forward": forward, "disk": lambda: recorded(target), "memory": lambda: recorded(None)}, rounds=7)
        shutil.rmtree(place)
        row: dict[str, Any] = {"hidden": hidden, "batch": batch, "steps": steps, "signals": len(LSTM_SIGNALS)}
        row |= {"ratio_to_forward_disk": 1 / found.ratio("disk", "forward"), "ratio_to_forward_memory": 1 / found.ratio("memory", "forward")}
        rows.append({**row, "forward_ms": 1000 * found.seconds["forward"] / CALLS, "load": found.load})
    return rows


def _flush(folder: Path) -> None:
    """Wait until every file of the folder has reached the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
