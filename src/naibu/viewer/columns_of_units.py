"""The values of single units over a whole recording, kept for the next question as far as memory allows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np

from naibu.errors import OptionError
from naibu.recording.index import Array
from naibu.recording.recording import Recording
from naibu.recording.store import Key

KEPT = 96 * 2**20
"""Bytes of columns that are kept, of all recordings together."""
PIECE = 32 * 2**20
"""Bytes of values that are read in one go."""


class UnitColumns:
    """Values `[token]` of chosen units; those that were asked for last are kept."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept, self._lock, self._size = kept, Lock(), 0
        self._found: OrderedDict[tuple[int, Key, int], Array] = OrderedDict()

    def of(self, recording: Recording, key: Key, units: Sequence[int]) -> list[Array]:
        """Return the values of units of one layer and signal, as they are stored, `[token]` each.

        Raises OptionError for a unit that is not there.
        """
        count = recording.units(key)
        for unit in units:
            if not 0 <= unit < count:
                raise OptionError(f"unit {unit}: {'/'.join(key)} has units 0 to {count - 1}")
        with self._lock:
            there = {unit: found for unit in units if (found := self._take(recording, key, unit)) is not None}
            missing = [unit for unit in dict.fromkeys(units) if unit not in there]
            if missing:
                for unit, column in zip(missing, _read(recording, key, missing), strict=True):
                    there[unit] = column
                    self._keep((id(recording), key, unit), column)
        return [there[unit] for unit in units]

    def _take(self, recording: Recording, key: Key, unit: int) -> Array | None:
        name = (id(recording), key, unit)
        found = self._found.get(name)
        if found is not None:
            self._found.move_to_end(name)
        return found

    def _keep(self, name: tuple[int, Key, int], column: Array) -> None:
        if column.nbytes > self._kept:
            return
        self._found[name] = column
        self._size += column.nbytes
        while self._size > self._kept:
            _, gone = self._found.popitem(last=False)
            self._size -= gone.nbytes


def _read(recording: Recording, key: Key, units: Sequence[int]) -> list[Array]:
    """Return the values of units in one pass, each in an array of its own."""
    dtype = recording[key].dtype
    found = [np.empty(recording.tokens, dtype) for _ in units]
    for shard in recording.shards():
        values = shard[key]
        rows = max(1, PIECE // (values.shape[1] * dtype.itemsize))
        for start in range(0, len(values), rows):
            piece = values[start : start + rows]
            at = slice(shard.start + start, shard.start + start + len(piece))
            for column, unit in zip(found, units, strict=True):
                column[at] = piece[:, unit]
    return found
