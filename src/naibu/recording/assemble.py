"""From what a network returned batch by batch to the rows of a shard in reading order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from naibu.cells.kernels.half import to_half
from naibu.errors import OptionError
from naibu.recording.index import Array
from naibu.recording.store import Key
from naibu.recording.writer import Finished

DTYPES = {"float16": torch.float16, "float32": torch.float32}
_LARGEST = torch.finfo(torch.float16).max
_INFINITE = 0x7C00
"""The bits of infinity in float16, without the sign."""
_UNBOUNDED = ("cell", "hidden", "candidate", "update", "normaliser", "stabiliser")
"""Signals that some cell does not bound."""


class Staging:
    """The values of one shard in the order in which they were computed, already in the type to be stored.

    `units` are the units of each key, `rows` how many `put` will bring, padding included; more are made room for.
    """

    def __init__(self, units: Mapping[Key, int], rows: int, dtype: str) -> None:
        self._values = {key: torch.empty(rows, count, dtype=DTYPES[dtype]) for key, count in units.items()}
        self._filled = 0

    def put(self, values: Mapping[Key, Tensor]) -> int:
        """Take values `[time batch unit]` of every key; return the row of step 0 of sequence 0.

        Step t of sequence b is `b * time + t` rows further on.
        """
        first = self._filled
        steps, batch = values[next(iter(self._values))].shape[:2] if self._values else (0, 0)
        self._filled = first + steps * batch
        for key, rows in self._values.items():
            if self._filled > len(rows):
                grown = rows.new_empty(max(self._filled, 2 * len(rows)), rows.shape[1])
                grown[:first] = rows[:first]
                rows = self._values[key] = grown
            target = rows[first : self._filled].view(batch, steps, rows.shape[1])
            if not to_half(values[key], target):
                target.copy_(values[key].transpose(0, 1))
        return first

    def finish(self, order: Array) -> Finished:
        """Return the rows `order [token]` of every key."""
        rows = torch.from_numpy(np.ascontiguousarray(order, np.int64))
        in_order = len(order) == self._filled and bool((np.diff(order, prepend=-1) == 1).all())
        found: dict[Key, Array] = {}
        clipped: dict[Key, int] = {}
        undefined: dict[Key, int] = {}
        for key in list(self._values):
            values = self._values.pop(key)
            values = values[: self._filled] if in_order else values.index_select(0, rows)
            found[key] = values.numpy()
            if key[1] in _UNBOUNDED and _beyond(found[key]):
                if values.dtype == torch.float16 and (count := int(np.isinf(found[key]).sum())):
                    clipped[key] = count
                    values.clamp_(-_LARGEST, _LARGEST)
                if count := int(np.isnan(found[key]).sum()):
                    undefined[key] = count
        return Finished(found, clipped, undefined)


def _beyond(values: Array) -> bool:
    """Return whether some value is not finite; of float16 from its bits: a hundred times as fast as asking torch."""
    if values.dtype != np.float16:
        return not bool(np.isfinite(values).all())
    return bool(values.size) and int((values.view(np.uint16) & 0x7FFF).max()) >= _INFINITE


def check_dtype(dtype: str) -> None:
    """Raise OptionError for a type in which values are not stored."""
    if dtype not in DTYPES:
        raise OptionError(f"dtype={dtype!r}: must be 'float16' or 'float32'")


def fingerprint(module: nn.Module, parts: Iterable[object]) -> str:
    """Return a hash of a module's weights and of arrays, tensors and texts."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in module.state_dict().items():
        digest.update(name.encode())
        if isinstance(value, Tensor):
            digest.update(bytes_of(value))
    for part in parts:
        digest.update(bytes_of(part))
    return digest.hexdigest()


def bytes_of(value: object) -> memoryview | bytes:
    """Return the bytes of an array, a tensor, or the text of anything else, for hashing."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        return value.contiguous().flatten().view(torch.uint8).numpy().data if value.numel() else b""
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value).reshape(-1).view(np.uint8).data if value.size else b""
    return value if isinstance(value, memoryview) else repr(value).encode() + b"\0"
