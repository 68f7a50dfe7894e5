"""Which drawings are read when, those of similar length side by side, with noise that is drawn anew in training."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from naibu.data.batch import Batch
from naibu.data.examples import Array
from naibu.data.order import ByLength, Piece
from naibu.data.strokes.examples import Strokes


class ByPoints(ByLength):
    """Drawings by their points alone: a text beside them costs next to nothing, whatever its length."""

    def beside(self) -> None:
        """Return nothing."""


class NoisyPiece(Piece):
    """A piece, and of what its noise is a function: seed, epoch, and the number of the batch."""

    drawn: tuple[int, int, int]


@dataclass
class StrokeOrder:
    """Drawings of similar length side by side, with noise that is drawn anew for every batch, from seed, epoch and the
    batch's number; what is judged has the noise of its examples."""

    examples: Strokes
    lengths: ByLength
    _kept: tuple[Array, Batch] | None = field(default=None, init=False, repr=False)

    def read(self, piece: Piece) -> Batch:
        """Return a piece; the drawings of the last one are kept, for the next may go on in them."""
        if self._kept is None or self._kept[0] is not piece.which:
            generator = np.random.default_rng(piece.drawn) if isinstance(piece, NoisyPiece) else None
            self._kept = piece.which, self.examples.noisy_batch(piece.which, generator)
        return self._kept[1].cut(piece.start, piece.stop)

    def pieces(self, seed: int, epoch: int) -> list[Piece]:
        """Return batches of similar length, cut where they are too long."""
        found, number = list[Piece](), 0
        before: Array | None = None
        for which, start, stop in self.lengths.pieces(seed, epoch):
            number += which is not before
            before = which
            piece = NoisyPiece(which, start, stop)
            piece.drawn = seed, epoch, number
            found.append(piece)
        return found

    def beginning(self, steps: int) -> list[Piece]:
        """Return the first drawings, whole ones, shortest first."""
        return self.lengths.beginning(steps)
