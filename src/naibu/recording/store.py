"""Where the values of a recording are: on disk, in memory, or nowhere until they are computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from naibu.recording.index import Array

Key = tuple[str, str]
"""A layer and a signal: ("lstm.0", "forget_gate")."""
SHARD_BYTES = 32 * 2**20
"""About how many bytes of values, all keys together, make a shard."""


class Store(ABC):
    """Gives the values of a recording shard by shard."""

    spans: Sequence[tuple[int, int]]
    """First and last + 1 token of each shard; a shard holds whole sequences."""
    dtype: np.dtype[Any]

    @abstractmethod
    def read(self, number: int, key: Key) -> Array:
        """Return the values `[token unit]` of one key in one shard."""

    def forget(self) -> None:
        """Let go of what is held for the last shard read."""
        return


class Held(Store):
    """Values in memory."""

    def __init__(self, shards: Sequence[Mapping[Key, Array]], spans: Sequence[tuple[int, int]], dtype: Any) -> None:
        self._shards, self.spans, self.dtype = shards, spans, np.dtype(dtype)

    def read(self, number: int, key: Key) -> Array:
        """Return the values `[token unit]` of one key in one shard."""
        return self._shards[number][key]


class Live(Store):
    """Values computed again on every pass; at most one shard is held."""

    def __init__(
        self, compute: Callable[[int], Mapping[Key, Array]], spans: Sequence[tuple[int, int]], dtype: Any
    ) -> None:
        self._compute, self.spans, self.dtype = compute, spans, np.dtype(dtype)
        self._last: tuple[int, Mapping[Key, Array]] | None = None

    def read(self, number: int, key: Key) -> Array:
        """Return the values `[token unit]` of one key in one shard."""
        if self._last is None or self._last[0] != number:
            self._last = None  # before the next is computed: at most one is held
            self._last = number, self._compute(number)
        _, values = self._last
        return values[key]

    def forget(self) -> None:
        """Let go of what is held for the last shard read."""
        self._last = None


def plan_spans(starts: Array, bytes_per_token: int) -> list[tuple[int, int]]:
    """Return first and last + 1 token of each shard, whole sequences, from where sequences begin.

    A sequence that is longer than a shard makes a larger shard of its own.
    """
    most = max(1, SHARD_BYTES // max(bytes_per_token, 1))
    spans, begin = [], 0
    while begin < len(starts) - 1:
        end = int(np.searchsorted(starts, starts[begin] + most, side="right")) - 1
        end = max(end, begin + 1)
        spans.append((int(starts[begin]), int(starts[end])))
        begin = end
    return spans
