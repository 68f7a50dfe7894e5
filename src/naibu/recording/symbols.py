"""Which symbols a layer read, where that can be known: from the embeddings that were called before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from naibu.recording.index import Array

LAST = 8
"""Embeddings' calls that are remembered."""


class Embeddings:
    """What the embeddings of a module were called with lately, against which the input of a layer is held."""

    def __init__(self, module: nn.Module) -> None:
        self._parts = [part for part in module.modules() if isinstance(part, nn.Embedding)]
        self._last: deque[_Embedded] = deque(maxlen=LAST)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear the embeddings within the block."""
        with ExitStack() as stack:
            for part in self._parts:
                stack.callback(part.register_forward_hook(self._hear, with_kwargs=True).remove)
            yield
            self._last.clear()

    def _hear(self, part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], vectors: Tensor) -> None:
        ids = args[0] if args else kwargs["input"]
        if ids.dim() in (1, 2):
            self._last.append(_Embedded(ids.detach(), vectors.detach()))

    def read_by(self, x: Tensor) -> Array | None:
        """Return the symbols `[time batch]` of what a layer read, `x [time batch input]`, -1 where they are not known.

        They are known where x holds the very vectors that an embedding returned, in whatever order, beside other
        features or between other steps; a vector of zeros is no symbol's there. None where no step is known: that an
        embedding ran before the layer says nothing of what the layer read.
        """
        for embedded in reversed(self._last):
            if (found := embedded.read_by(x)) is not None:
                return found
        return None


class _Embedded:
    """One call of an embedding: `ids [...]`, `vectors [... size]`."""

    def __init__(self, ids: Tensor, vectors: Tensor) -> None:
        self.ids, self.vectors = ids, vectors
        self._table: _Table | None = None

    def read_by(self, x: Tensor) -> Array | None:
        """Return the symbols of what a layer read; None where none is known."""
        ids, vectors = self.ids, self.vectors
        for some, rows in ((ids.t(), vectors.transpose(0, 1)), (ids, vectors)) if ids.dim() == 2 else ():
            if rows.shape == x.shape and rows.data_ptr() == x.data_ptr() and rows.stride() == x.stride():
                return _array(some)
        size, width = x.shape[-1], vectors.shape[-1]
        if width > size or x.dtype != vectors.dtype or not (x.numel() and vectors.numel()):
            return None
        if self._table is None:
            self._table = _Table(ids.flatten(), vectors.reshape(-1, width))
        found = self._table.of(x[..., :width])
        return self._table.of(x[..., size - width :]) if found is None and width < size else found


class _Table:
    """The symbols of vectors, found again by a checksum of their bits and then compared."""

    def __init__(self, ids: Tensor, vectors: Tensor) -> None:
        self._factors = torch.randint(1, 2**31, vectors.shape[1:], generator=torch.Generator().manual_seed(1)) * 2 + 1
        sums, order = self._sums(vectors).sort()
        self._sums_there, self._ids, self._vectors = sums, ids[order], vectors[order]

    def of(self, x: Tensor) -> Array | None:
        """Return the symbols `[time batch]` of `x [time batch size]`; None where none is known."""
        rows = x.flatten(0, 1)
        at = torch.searchsorted(self._sums_there, self._sums(rows)).clamp_max(len(self._ids) - 1)
        known = (self._vectors[at] == rows).all(-1) & (rows != 0).any(-1)
        found = torch.where(known, self._ids[at], -1)
        return _array(found.view(x.shape[:2])) if known.any() else None

    def _sums(self, rows: Tensor) -> Tensor:
        bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}[rows.element_size()]
        return (rows.contiguous().view(bits).to(torch.int64) * self._factors.to(rows.device)).sum(-1)


def _array(ids: Tensor) -> Array:
    found: Array = ids.detach().to(torch.int64).cpu().numpy()
    return found
