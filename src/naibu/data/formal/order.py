"""Words of one length side by side, so that nothing is padded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from naibu.data.batch import Batch
from naibu.data.formal.examples import FormalExamples
from naibu.data.order import JUDGED_ROWS, Piece


@dataclass(frozen=True)
class ByWordLength:
    """Batches of words of one length, every word once an epoch, in random order; none is cut."""

    examples: FormalExamples
    batch_size: int

    def read(self, piece: Piece) -> Batch:
        """Return a batch."""
        return self.examples.batch(piece.which)

    def pieces(self, seed: int, epoch: int) -> list[Piece]:
        """Return batches in random order; words of a block, which are drawn together, stay together."""
        rng, rows = np.random.default_rng((seed, epoch)), self.examples.blocks.rows
        lengths, steps = self.examples.word_lengths, self.examples.lengths
        place = rng.permutation(int(self.examples.which.max(initial=0)) // rows + 1)
        order = np.lexsort((place[self.examples.which // rows], lengths))
        cuts = np.flatnonzero(np.diff(lengths[order])) + 1
        found = list[Piece]()
        for some in np.split(order, cuts):
            for start in range(0, len(some), self.batch_size):
                which = some[start : start + self.batch_size]
                found.append(Piece(which, 0, int(steps[which[0]])))
        return [found[number] for number in rng.permutation(len(found))]

    def beginning(self, steps: int) -> list[Piece]:
        """Return the first examples, shortest first."""
        lengths = self.examples.lengths
        within = int(np.searchsorted(np.cumsum(lengths), steps)) + 1
        order = np.argsort(lengths[:within], kind="stable")
        parts = (order[start : start + JUDGED_ROWS] for start in range(0, len(order), JUDGED_ROWS))
        return [Piece(which, 0, int(lengths[which].max())) for which in parts]
