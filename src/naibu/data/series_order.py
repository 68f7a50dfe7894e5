"""Which windows of series are read when: any origin of the training part, every one once an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from naibu.data.batch import Batch
from naibu.data.examples import Array
from naibu.data.order import Piece
from naibu.data.series import SeriesSource, SeriesWindows, batch_of

JUDGED = 256
"""Windows side by side where nothing is learnt."""


@dataclass
class WindowOrder:
    """Windows at origins in random order, every one once an epoch; what is judged are `examples`, evenly chosen.

    origins: int64 [origin 2]. batch: windows in a batch. truncation: longer windows are several pieces.
    """

    examples: SeriesWindows
    origins: Array
    batch: int
    truncation: int
    _kept: tuple[Array, Batch] | None = field(default=None, init=False, repr=False)

    @property
    def source(self) -> SeriesSource:
        """The series."""
        return self.examples.source

    def read(self, piece: Piece) -> Batch:
        """Return a piece, of which `which` are numbers of origins; the last is kept, for the next may go on."""
        if self._kept is None or self._kept[0] is not piece.which:
            self._kept = piece.which, batch_of(self.source, self.origins[piece.which], self.examples.span[0])
        return self._kept[1].cut(piece.start, piece.stop)

    def pieces(self, seed: int, epoch: int) -> Sequence[Piece]:
        """Return all origins in random order, so many at a time; those that are left over are not read."""
        drawn = np.random.default_rng((seed, epoch)).permutation(len(self.origins))
        size = min(self.batch, len(drawn))
        whole = [drawn[start : start + size] for start in range(0, len(drawn) - size + 1, size)] if size else []
        return [piece for which in whole for piece in self._cut(which, self.truncation)]

    def beginning(self, steps: int) -> Sequence[Piece]:
        """Return examples spread evenly over all of them, of about so many steps."""
        count = len(self.origins)
        many = max(1, min(count, -(-steps // self.source.window)))
        chosen = np.unique(np.arange(many) * count // many) if count else np.zeros(0, np.int64)
        groups = [chosen[start : start + JUDGED] for start in range(0, len(chosen), JUDGED)]
        return [piece for which in groups for piece in self._cut(which, self.source.window)]

    def _cut(self, which: Array, steps: int) -> list[Piece]:
        window = self.source.window
        return [Piece(which, start, min(window, start + steps)) for start in range(0, window, steps)]
