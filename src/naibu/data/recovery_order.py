"""Which windows of series with gaps are read when, and what is taken from them: anew each time in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naibu.data.batch import Batch
from naibu.data.examples import Array
from naibu.data.order import Piece
from naibu.data.recovery import RecoveryWindows, as_batch, taken
from naibu.data.recovery_reading import Seen
from naibu.data.recovery_removal import drawn_anew

JUDGED = 256
"""Windows side by side where nothing is learnt."""
TOGETHER = 4
"""Times of a batch in training, as far as there are as many series: each is drawn once for all its series."""


class Drawn(Piece):
    """A piece whose windows are moved, and from which values are taken, by a draw of its own."""


@dataclass(frozen=True)
class RecoveryOrder:
    """Every window once an epoch, in random order, moved by up to half the distance between windows, and with other
    values taken away each time; what is judged are the examples as they are.

    batch: windows in a batch. What is drawn for a piece is a function of the seed and of the numbers of its examples.
    """

    examples: RecoveryWindows
    batch: int
    seed: int

    def read(self, piece: Piece) -> Batch:
        """Return a piece: drawn anew in training, else as it is."""
        if not isinstance(piece, Drawn):
            return self.examples.batch(piece.which)
        generator = np.random.default_rng([self.seed, *piece.which.tolist()])
        own, (_, stop) = self.examples.own[piece.which], self.examples.span
        source = self.examples.source
        window = source.coder.window
        parts: list[tuple[Array, Array]] = []
        for begin in np.unique(own[:, 1]):
            series = own[own[:, 1] == begin, 0]
            moved = begin - window // 4 + generator.integers(self.examples.stride) - self.examples.stride // 2
            first = int(np.clip(moved, 0, max(0, stop - window)))
            span = max(0, first - window // 2), min(stop, first + window + window // 2)
            gone = drawn_anew(~np.isnan(source.level[:, slice(*span)]), source.grid.clock, generator)
            seen = Seen(source, *span, gone)
            time = np.broadcast_to(first + np.arange(window)[:, None], (window, len(series)))
            parts.append((seen.read(series, time), taken(seen, series, time)))
        return as_batch(*(np.concatenate(each, 1) for each in zip(*parts, strict=True)))

    def pieces(self, seed: int, epoch: int) -> Sequence[Piece]:
        """Return all windows in random order, those of one time some at once; what is left over is not read."""
        generator = np.random.default_rng((seed, epoch))
        begins, number = self.examples.own[:, 1], np.arange(len(self.examples))
        groups: list[Array] = []
        for begin in np.unique(begins):
            here = generator.permutation(number[begins == begin])
            size = max(1, self.batch // TOGETHER)
            groups += [here[start : start + size] for start in range(0, len(here), size)]
        generator.shuffle(groups)
        drawn = np.concatenate(groups) if groups else number
        size, window = min(self.batch, len(drawn)), self.examples.source.coder.window
        starts = range(0, len(drawn) - size + 1, size) if size else range(0)
        return [Drawn(drawn[start : start + size], 0, window) for start in starts]

    def beginning(self, steps: int) -> Sequence[Piece]:
        """Return examples spread evenly over all of them, of about so many steps."""
        window, count = self.examples.source.coder.window, len(self.examples)
        many = max(1, min(count, -(-steps // window)))
        chosen = np.unique(np.arange(many) * count // many) if count else np.zeros(0, np.int64)
        return [Piece(chosen[start : start + JUDGED], 0, window) for start in range(0, len(chosen), JUDGED)]
