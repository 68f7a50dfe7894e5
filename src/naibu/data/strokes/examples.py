"""Drawings as examples: each point is read, and the next is to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from naibu.data.examples import Array, Column, Examples
from naibu.data.strokes.coder import StrokeCoder
from naibu.data.strokes.labels import LABELS, label_of
from naibu.errors import OptionError

if TYPE_CHECKING:
    from naibu.data.batch import Batch

START = (0.0, 0.0, 1.0)
"""What is read before the first point: the mean offset, the pen lifted."""
SEED = 0x57A0
NOTHING, ENDS, GOES_ON = -1.0, 1.0, 0.0


@dataclass(frozen=True)
class StrokeSource:
    """Drawings end to end.

    points: float64 [point 3], in the data's units. starts: int64 [drawing + 1]. codes: int32 [drawing], the class of
    each, None where no class is read. seen: bool [drawing], whether each occurs in training too.
    """

    points: Array
    starts: Array
    coder: StrokeCoder
    codes: Array | None
    seen: Array
    noise: Array = field(init=False, repr=False)
    """What is added to the offsets wherever they are judged or recorded, float64 [point 2]; zeros where nothing is."""

    def __post_init__(self) -> None:
        generator, most = np.random.default_rng(SEED), self.coder.noise
        object.__setattr__(self, "noise", generator.uniform(-most, most, (len(self.points), 2)))


class Strokes(Examples):
    """Some of the drawings, each an example of as many steps as it has points.

    A step reads the point before (at the first `START`) and is asked for the point. With classes, every step reads that
    of the drawing too.
    """

    def __init__(self, source: StrokeSource, which: Array) -> None:
        """which: numbers of the drawings, int64 [example]."""
        self.source, self.which = source, np.asarray(which, np.int64)

    def __repr__(self) -> str:
        return f"Strokes({len(self):,} drawings of {int(self.lengths.sum()):,} points)"

    def __len__(self) -> int:
        return len(self.which)

    def lengths_of(self, stream: str) -> Array:
        """Return the points of every drawing, int64 [example]."""
        lengths: Array = np.diff(self.source.starts)[self.which]
        return lengths

    def seen(self) -> Array:
        """Return whether each drawing occurs in training too, point for point."""
        found: Array = self.source.seen[self.which]
        return found

    def points(self, example: int) -> Array:
        """Return the points of a drawing, float64 [point 3], in the data's units."""
        begin, end = self.source.starts[self.which[example] : self.which[example] + 2]
        found: Array = self.source.points[begin:end]
        return found

    def offsets(self, noise: Array | None = None) -> Array:
        """Return all points, float64 [point 3], offsets as a network reads them, with the noise that judging adds, or
        another, `[point 2]`."""
        places, _ = self._flat()
        added = self.source.noise[places] if noise is None else noise
        points = self.source.points[places]
        return np.column_stack([self.source.coder.read(points[:, :2] + added), points[:, 2]])

    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return the offsets that are read, in the data's units, and the pen: NaN and 1 at the first step; and the
        class where one is read."""
        points, starts = self._flat_points()
        read = np.roll(points, 1, 0)
        read[starts[:-1]] = np.nan, np.nan, 1
        found = {name: Column(read[:, k].astype(np.float32)) for k, name in enumerate(("dx", "dy", "pen"))}
        return found if self.source.codes is None else found | {"class": self.label("class")}

    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the labels: of the pen and the stroke, and the class where one is read."""
        return LABELS if self.source.codes is None else (*LABELS, "class")

    def label(self, name: str, stream: str = "input") -> Column:
        """Return a label of every step, as it is after what is read there.

        pen_up: whether the pen was lifted after the point that was read. direction: of the move to it, `SECTORS`, also
        as sine and cosine. stroke: strokes that have ended; strokes_left, points_left: what is still to come.
        since_pen_up: points since the pen was lifted. x, y: the place, from the origin. Raises OptionError that lists
        those that exist.
        """
        if name not in self.labels(stream):
            raise OptionError(f"label {name!r} does not exist here: there are {', '.join(self.labels(stream))}")
        if name == "class":
            assert self.source.codes is not None
            codes = np.repeat(self.source.codes[self.which], self.lengths)
            return Column(codes, self.source.coder.classes)
        return label_of(name, *self._flat_points())

    def subset(self, which: Array, /) -> Strokes:
        """Return the chosen drawings, in the order given."""
        return Strokes(self.source, self.which[which])

    def batch(self, which: Array) -> Batch:
        """Return drawings side by side, with the noise that judging adds.

        Read are dx, dy, pen and, where there is one, the class; to be told dx, dy, pen, and of points after which the
        pen is lifted whether the drawing ends there (1), or not (0); -1 at others.
        """
        return self.noisy_batch(which, None)

    def noisy_batch(self, which: Array, generator: np.random.Generator | None) -> Batch:
        """Return drawings side by side, with noise from a generator; without one that which judging adds."""
        import torch  # what opens data only to describe them needs no framework

        from naibu.data.batch import Batch, Stream

        source = self.source
        chosen = self.which[which]
        lengths = np.diff(source.starts)[chosen]
        time = np.arange(int(lengths.max(initial=0)))[:, None]
        there = time < lengths  # [time batch]
        place = (source.starts[chosen] + time)[there]
        most = source.coder.noise
        noise = source.noise[place] if generator is None else generator.uniform(-most, most, (len(place), 2))
        pen = source.points[place, 2]
        last = place + 1 == np.broadcast_to(source.starts[chosen + 1], there.shape)[there]
        ends = np.where(pen > 0, np.where(last, ENDS, GOES_ON), NOTHING)
        target = np.full((*there.shape, 4), np.nan, np.float32)
        target[there] = np.column_stack([source.coder.read(source.points[place, :2] + noise), pen, ends])
        x = np.zeros((*there.shape, 3 if source.codes is None else 4), np.float32)
        x[:1, :, :3] = START
        x[1:, :, :3] = np.nan_to_num(target[:-1, :, :3])
        if source.codes is not None:
            x[:, :, 3] = source.codes[chosen]
        x[~there] = 0
        stream = Stream(torch.from_numpy(x), torch.from_numpy(lengths))
        return Batch({"input": stream}, torch.from_numpy(target))

    def _flat(self) -> tuple[Array, Array]:
        """Return the place of every point, int64 [point], and where the drawings begin among them."""
        lengths = self.lengths
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return np.repeat(self.source.starts[self.which] - starts[:-1], lengths) + np.arange(starts[-1]), starts

    def _flat_points(self) -> tuple[Array, Array]:
        places, starts = self._flat()
        return self.source.points[places], starts
