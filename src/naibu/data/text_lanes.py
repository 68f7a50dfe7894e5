"""Running text read side by side at several places, each going on where it was."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from naibu.data.batch import Batch, Stream
from naibu.data.events import Array
from naibu.data.order import Piece, window_lengths
from naibu.data.running_text import Text

LANE, WHOLE = 1_000, 4_000
"""Steps of a lane at least where nothing is learnt, so that little is read without a past, and where all of a text is
scored, so that next to nothing is."""


@dataclass(frozen=True)
class TextLanes:
    """A text cut into lanes of equal length that lie side by side; each window goes on from the state before it.

    lanes: side by side, at most; fewer where a lane would be shorter than a window. truncation: steps of a window,
    which `variable` draws anew for each, see `window_lengths`. Each
    epoch the first lane begins elsewhere, at a place that seed and epoch say, and the text goes round; what is left at
    its end, fewer symbols than lanes, is not read in that epoch. Nothing of the text is held in memory.
    """

    text: Text
    lanes: int
    truncation: int
    variable: bool = False

    def read(self, piece: Piece) -> Batch:
        """Return a window: `which` of a piece says where each lane begins."""
        places = (piece.which[None, :] + np.arange(piece.start, piece.stop + 1)[:, None]) % self._steps
        # The symbol that is read stands at the place, the predicted one behind it; ranges lie end to end.
        range_of = np.searchsorted(self._ends, places[:-1], side="right")
        read = places[:-1] + self._shift[range_of]
        source = self.text.source
        both = source.ids[source.numbers[np.stack([read, read + 1])]].astype(np.int64)
        x, target = torch.from_numpy(both)
        return Batch({"input": Stream(x, torch.full((len(piece.which),), len(x)))}, target)

    def pieces(self, seed: int, epoch: int) -> list[Piece]:
        """Return windows over all lanes."""
        generator = np.random.default_rng((seed, epoch))
        begin, length = int(generator.integers(self._steps)) if epoch else 0, self._steps // self._count
        cuts = window_lengths(length, self.truncation, self.variable, generator)
        return self._pieces(begin + length * np.arange(self._count), cuts)

    def beginning(self, steps: int) -> list[Piece]:
        """Return windows over so much of the text, all over it, in as few lanes as that allows of a useful length: a
        beginning alone may be harder or easier than the rest."""
        steps = min(steps, self._steps)
        most = 64 if self.lanes > 1 else 1
        count = max(1, min(most, steps // (LANE if steps < self._steps else WHOLE)))
        return self._pieces(self._steps // count * np.arange(count), window_lengths(steps // count, self.truncation))

    def _pieces(self, begins: Array, cuts: list[tuple[int, int]]) -> list[Piece]:
        return [Piece(begins % self._steps, *cut) for cut in cuts]

    @cached_property
    def _sizes(self) -> Array:
        return self.text.ranges[:, 1] - self.text.ranges[:, 0] - 1

    @cached_property
    def _ends(self) -> Array:
        return np.cumsum(self._sizes)

    @cached_property
    def _shift(self) -> Array:
        """What is to be added to a place in the text so that it is one among the symbols, int64 [range]."""
        shift: Array = self.text.ranges[:, 0] - (self._ends - self._sizes)
        return shift

    @property
    def _steps(self) -> int:
        return self.text.steps

    @property
    def _count(self) -> int:
        return max(1, min(self.lanes, self._steps // self.truncation))
