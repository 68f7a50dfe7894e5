"""Drawings whose text is known, as examples with two streams: the text, and the points that write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from naibu.data.events import ranges
from naibu.data.examples import Array, Column
from naibu.data.strokes.coder import WritingCoder
from naibu.data.strokes.examples import Strokes, StrokeSource
from naibu.errors import OptionError

if TYPE_CHECKING:
    from naibu.data.batch import Batch

OF_TEXT = ("place", "places_left")
OF_POINTS = ("place", "character")


@dataclass(frozen=True)
class Texts:
    """The texts of all drawings of a source, end to end.

    ids: int32 [character], numbers of the coder's characters. starts: int64 [drawing + 1]. places: int32 [point], which
    character of its text each point is of; None where that is not known.
    """

    ids: Array
    starts: Array
    places: Array | None


class Written(Strokes):
    """Some of the drawings with their texts, as examples with the streams `text` and `input`."""

    streams = ("text", "input")

    def __init__(self, source: StrokeSource, which: Array, texts: Texts) -> None:
        """which: numbers of the drawings, int64 [example]."""
        super().__init__(source, which)
        self.texts = texts

    @property
    def coder(self) -> WritingCoder:
        """The coder of the source."""
        assert isinstance(self.source.coder, WritingCoder)
        return self.source.coder

    def text(self, example: int) -> str:
        """Return the text of an example."""
        begin, end = self.texts.starts[self.which[example] : self.which[example] + 2]
        return "".join(self.coder.characters[number] for number in self.texts.ids[begin:end].tolist())

    def lengths_of(self, stream: str) -> Array:
        """Return the characters, or the points, of every drawing, int64 [example]."""
        if stream != "text":
            return super().lengths_of(stream)
        lengths: Array = np.diff(self.texts.starts)[self.which]
        return lengths

    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return the characters of the texts; or what is read of points, see `Strokes`."""
        if stream != "text":
            return super().inputs(stream)
        return {"symbol": Column(self._characters(), tuple(self.coder.characters))}

    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the labels: of characters their place; of points those of all strokes, and where it is known the place
        of the character that is written and the character itself."""
        if stream == "text":
            return OF_TEXT
        return super().labels(stream) + (OF_POINTS if self.texts.places is not None else ())

    def label(self, name: str, stream: str = "input") -> Column:
        """Return a label of every step, as it is after what is read there.

        place: of the character, from 0; at the first step of a drawing, where no point has been read, none. character:
        that which the point that was read is of. Raises OptionError that lists those that exist.
        """
        if name not in self.labels(stream):
            raise OptionError(f"label {name!r} does not exist here: there are {', '.join(self.labels(stream))}")
        if stream == "text":
            lengths = self.lengths_of("text")
            begins = np.repeat(np.cumsum(lengths) - lengths, lengths)
            place = np.arange(len(begins)) - begins
            left = np.repeat(lengths, lengths) - 1 - place
            return Column((place if name == "place" else left).astype(np.int32))
        if name not in OF_POINTS:
            return super().label(name, stream)
        assert self.texts.places is not None
        rows, starts = self._flat()
        place = np.roll(self.texts.places[rows], 1)
        place[starts[:-1]] = -1
        if name == "place":
            return Column(np.where(place < 0, np.nan, place).astype(np.float32))
        first = np.repeat(self.texts.starts[self.which], self.lengths)
        codes = np.where(place < 0, -1, self.texts.ids[np.minimum(first + place, len(self.texts.ids) - 1)])
        return Column(codes.astype(np.int32), tuple(self.coder.characters))

    def subset(self, which: Array, /) -> Written:
        """Return the chosen drawings, in the order given."""
        return Written(self.source, self.which[which], self.texts)

    def noisy_batch(self, which: Array, generator: np.random.Generator | None) -> Batch:
        """Return drawings side by side with their texts; see `Strokes.noisy_batch`."""
        import torch  # what opens data only to describe them needs no framework

        from naibu.data.batch import Stream

        batch = super().noisy_batch(which, generator)
        lengths = self.lengths_of("text")[which]
        ids = np.zeros((int(lengths.max(initial=0)), len(which)), np.int64)
        there = np.arange(len(ids))[:, None] < lengths
        ids.T[there.T] = self.texts.ids[ranges(self.texts.starts[self.which[which]], lengths)]
        text = Stream(torch.from_numpy(ids), torch.from_numpy(lengths))
        return batch._replace(streams={"text": text, **batch.streams})

    def _characters(self) -> Array:
        found: Array = self.texts.ids[ranges(self.texts.starts[self.which], self.lengths_of("text"))]
        return found
