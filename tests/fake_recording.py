"""A recording in memory with units whose meaning is known, for the tests of the probes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from naibu.errors import OptionError

Key = tuple[str, str]


class FakeLabel(NamedTuple):
    values: np.ndarray
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class FakeIndex:
    sequence: np.ndarray
    position: np.ndarray
    symbol: np.ndarray
    symbols: tuple[str, ...]
    split: np.ndarray
    seen: np.ndarray
    predicted: np.ndarray | None
    loss: np.ndarray | None
    labels: dict[str, FakeLabel]

    @property
    def gold(self) -> np.ndarray | None:
        """The next symbol, -1 at the end of a sequence."""
        if self.predicted is None:
            return None
        inner = np.append(np.diff(self.sequence) == 0, False)
        return np.where(inner, np.append(self.symbol[1:], 0), -1)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.symbols

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(self.labels)

    def label(self, name: str, /) -> FakeLabel:
        if name not in self.labels:
            raise OptionError(f"label {name!r} does not exist; there are {', '.join(self.labels)}")
        return self.labels[name]


@dataclass(frozen=True)
class FakeShard:
    start: int
    stop: int
    arrays: dict[Key, np.ndarray]

    def __getitem__(self, key: Key, /) -> np.ndarray:
        return self.arrays[key][self.start : self.stop]


@dataclass(frozen=True)
class FakeRecording:
    index: FakeIndex
    arrays: dict[Key, np.ndarray]
    pieces: int = 3
    path: Path | None = field(default=Path("recordings/fake"))

    @property
    def undefined(self) -> dict[str, int]:
        return {}

    @property
    def tokens(self) -> int:
        return len(self.index.symbol)

    def keys(self) -> tuple[Key, ...]:
        return tuple(self.arrays)

    def units(self, key: Key, /) -> int:
        return int(self.arrays[key].shape[1])

    def shards(self) -> Iterator[FakeShard]:
        starts = np.flatnonzero(self.index.position == 0)
        bounds = [*starts[:: max(1, len(starts) // self.pieces)], self.tokens]
        for start, stop in pairwise(bounds):
            yield FakeShard(int(start), int(stop), self.arrays)

    def with_labels(self, **labels: FakeLabel) -> FakeRecording:
        return replace(self, index=replace(self.index, labels=self.index.labels | labels))

    def with_index(self, **columns: object) -> FakeRecording:
        return replace(self, index=replace(self.index, **columns))  # type: ignore[arg-type]


def fake_recording(
    sequences: int = 120,
    units: int = 12,
    *,
    types: int = 30,
    seed: int = 0,
    dtype: type = np.float16,
    knows: bool = True,
) -> FakeRecording:
    """Random walks of depth; units 3 and 5 of the cell know depth and inside (not so if `knows` is False)."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(8, 40, sequences)
    starts = np.append(0, np.cumsum(lengths))
    tokens = int(starts[-1])
    sequence = np.repeat(np.arange(sequences), lengths)
    position = np.arange(tokens) - starts[:-1][sequence]
    steps = np.where(position == 0, 0, draw.choice([-1, 1], tokens))
    walk = np.cumsum(steps)
    depth = np.abs(walk - walk[starts[:-1]][sequence]).astype(np.float64)
    inside = (depth > np.median(depth)).astype(np.float64)
    symbol = draw.integers(2, types, tokens).astype(np.int32)
    symbol[starts[:-1]], symbol[starts[1:] - 1] = 0, 1
    undefined = depth.copy()
    undefined[draw.random(tokens) < 0.1] = np.nan
    network = np.random.default_rng(seed + (0 if knows else 1000))
    cell = network.normal(size=(tokens, units))
    cell[:, 0] = 0.25
    if knows:
        cell[:, 3] = -0.3 * depth + 0.2 * network.normal(size=tokens) + 2
        cell[:, 5] = 1.5 * inside + 0.3 * network.normal(size=tokens)
        cell[:, 6] = 0.5 * inside + 0.2 * cell[:, 3]
    gate = network.beta(2.0, 0.5, size=(tokens, units))
    predicted = np.append(symbol[1:], 0).astype(np.int32)
    wrong = draw.random(tokens) < 0.3
    predicted[wrong] = draw.integers(0, types, int(wrong.sum()))
    loss = draw.exponential(size=tokens).astype(np.float32)
    loss[starts[1:] - 1] = np.nan
    split = np.where(np.arange(sequences) % 3 == 2, 2, 0).astype(np.int8)[sequence]
    seen = (np.arange(sequences) % 2 == 0)[sequence] & (split == 2)
    labels = {
        "depth": FakeLabel(depth), "inside:X": FakeLabel(inside), "gaps": FakeLabel(undefined),
        "part_of_speech": FakeLabel((symbol % 3 - 1).astype(np.int32), ("N", "V")),
        "kind": FakeLabel((symbol % 3).astype(np.int32), ("a", "b", "c")),
    }  # fmt: skip
    names = ("ST", "ED", *(f"s{k}" for k in range(2, types)))
    index = FakeIndex(sequence, position.astype(np.int32), symbol, names, split, seen, predicted, loss, labels)
    arrays = {
        ("lstm.0", "cell"): cell.astype(dtype),
        ("lstm.0", "hidden"): np.tanh(cell).astype(dtype),
        ("lstm.0", "forget_gate"): gate.astype(dtype),
    }
    return FakeRecording(index, arrays)
