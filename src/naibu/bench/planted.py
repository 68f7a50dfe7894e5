"""A recording on disk of a network that never was, of any size, whose units hold what was planted in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from naibu.recording import Recording
from naibu.recording.files import Manifest
from naibu.recording.index import FIXED, INPUT, LABEL, OUTCOME
from naibu.recording.writer import DiskSink, Finished

LAYER = "lstm.0"
CELL, GATE = (LAYER, "cell"), (LAYER, "forget_gate")
DEPTH, INSIDE = "depth", "inside:X"
MEAN_LENGTH, SHORTEST, LONGEST = 45, 5, 250  # of sequences with their brackets; log-normal between the ends
FACTORS = 40  # slow movements that units share, as those of a trained network do
SYMBOLS = 160
SHARD_ROWS = 25_000
SCORED = 4  # training rows for one test row


def planted(folder: Path, rows: int, units: int, seed: int = 1) -> Recording:
    """Write a recording with at least so many training rows, and a quarter as many test rows; return it opened.

    Sequences are walks of a depth (label `depth`; `inside:X` where it is 3 or more), 45 symbols long in the mean,
    log-normal. Cell, float16: every unit mixes 40 slow factors, eight of which drift with depth or inside, and has
    noise of its own, so that each label is known to many units a little, and well to all together; unit 3 counts
    depth. Forget gate: the same, squashed, most of it near 1. `predicted` and `loss` are drawn. It is written by
    shards of whole sequences, whatever its size. What it cannot tell: how fast a solver is on a given network's
    units, whose likeness to each other decides it.
    """
    draw = np.random.default_rng(seed)
    mixing = draw.normal(size=(FACTORS, units)).astype(np.float32) * draw.gamma(0.5, 1.0, units).astype(np.float32)
    kinds = {name: np.dtype(kind).name for name, kind in FIXED.items()}
    kinds |= {INPUT + "symbol": "int32", OUTCOME + "predicted": "int32", OUTCOME + "loss": "float32"}
    kinds |= {LABEL + DEPTH: "float32", LABEL + INSIDE: "int32"}
    names = {INPUT + "symbol": ("ST", "ED", *(f"s{k}" for k in range(2, SYMBOLS)))}
    manifest = Manifest("float16", {CELL: units, GATE: units}, kinds, f"planted {rows} {units} {seed}")
    sink = DiskSink(folder, manifest, names)
    begun = 0
    for split, wanted in ((0, rows), (2, -(-rows // SCORED))):
        while wanted > 0:
            columns = _columns(draw, min(SHARD_ROWS, wanted), begun, split)
            values = _values(draw, columns, mixing)
            sink.write(lambda values=values: Finished(values, {}, {}), columns, {})  # type: ignore[misc]
            begun = int(columns["sequence"][-1]) + 1
            wanted -= len(columns["sequence"])
    return sink.close()


def _columns(draw: np.random.Generator, rows: int, begun: int, split: int) -> dict[str, np.ndarray]:
    """Return the columns of some whole sequences of at least so many rows, numbered from `begun`."""
    spread = 0.6
    lengths = np.exp(draw.normal(np.log(MEAN_LENGTH) - spread**2 / 2, spread, rows // SHORTEST + 1))
    lengths = np.clip(lengths.astype(np.int64), SHORTEST, LONGEST)
    lengths = lengths[: int(np.searchsorted(np.cumsum(lengths), rows)) + 1]
    starts, tokens = np.cumsum(lengths) - lengths, int(lengths.sum())
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(tokens) - starts[sequence]
    walk = np.cumsum(np.where(position == 0, 0, draw.choice([-1, 1], tokens)))
    depth = np.abs(walk - walk[starts[sequence]])
    symbol = 2 + (draw.zipf(1.4, tokens) + 7 * (depth % 3)) % (SYMBOLS - 2)
    symbol[starts], symbol[starts + lengths - 1] = 0, 1
    following = np.append(symbol[1:], 0)
    loss = draw.exponential(size=tokens)
    loss[starts + lengths - 1] = np.nan
    predicted = np.where(draw.random(tokens) < 0.6, following, draw.permutation(following))
    found = {
        "sequence": sequence + begun,
        "position": position,
        "split": np.full(tokens, split),
        "seen": np.zeros(tokens, bool),
        INPUT + "symbol": symbol,
        OUTCOME + "predicted": predicted,
        OUTCOME + "loss": loss.astype(np.float32),
        LABEL + DEPTH: depth.astype(np.float32),
        LABEL + INSIDE: (depth >= 3),
    }
    numbers = {name: np.float32 if column.dtype == np.float32 else np.int32 for name, column in found.items()}
    return {name: column.astype(FIXED.get(name, numbers[name])) for name, column in found.items()}


def _values(
    draw: np.random.Generator, columns: dict[str, np.ndarray], mixing: np.ndarray
) -> dict[tuple[str, str], np.ndarray]:
    """Return cell and forget gate [token unit], float16."""
    depth, inside = columns[f"label.{DEPTH}"], columns[f"label.{INSIDE}"]
    tokens, units = len(depth), mixing.shape[1]
    noise = draw.standard_normal((FACTORS, tokens), np.float32)
    factors = lfilter([np.sqrt(1 - 0.9**2)], [1, -0.9], noise, axis=1).astype(np.float32).T
    factors[:, :4] += 0.25 * depth[:, None]
    factors[:, 4:8] += 1.0 * inside[:, None]
    cell = factors @ mixing / np.float32(np.sqrt(FACTORS))
    cell += 0.3 * draw.standard_normal((tokens, units), np.float32)
    if units > 3:
        cell[:, 3] = 0.3 * depth + 0.3 * noise[0]
    gate = 1 / (1 + np.exp(-2 - 2 * cell))
    return {CELL: cell.astype(np.float16), GATE: gate.astype(np.float16)}
