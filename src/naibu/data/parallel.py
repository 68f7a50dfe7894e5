"""Pairs of sentences: a source that is read whole, and a target that is told symbol by symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from naibu.data.events import Array, ranges
from naibu.data.examples import Column, Examples
from naibu.data.levels import Level
from naibu.data.sentence_labels import LABELS, labels_of
from naibu.data.vocabulary import Vocabulary
from naibu.errors import OptionError

if TYPE_CHECKING:
    from naibu.data.batch import Batch

STREAMS = ("source", "target")
UNKNOWN, END = 0, 1
"""Numbers, in every vocabulary of pairs, of what is unknown and of the end of a sentence, which begins a target too."""


@dataclass(frozen=True)
class Sentences:
    """Sentences of one language end to end.

    numbers: [token], numbers in the level's table. starts: int64 [sentence + 1]. level: what a symbol is. vocabulary:
    the symbols that the network knows; ids: int32 [table], their numbers.
    """

    numbers: Array
    starts: Array
    level: Level
    vocabulary: Vocabulary
    ids: Array

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Array:
        """The symbols of every sentence, without its end, int64 [sentence]."""
        return np.diff(self.starts)

    def text(self, sentence: int) -> str:
        """Return a sentence as it was written; at the level of words with one blank between them."""
        return self.level.spell(self.numbers[self.starts[sentence] : self.starts[sentence + 1]], begins=True)

    def symbols_of(self, sentence: int) -> list[str]:
        """Return the symbols of a sentence, unknown ones as they were written."""
        table = self.level.table
        return [table[number] for number in self.numbers[self.starts[sentence] : self.starts[sentence + 1]].tolist()]

    def known(self, which: Array) -> Array:
        """Return the vocabulary's numbers of chosen sentences, end to end, int32 [token]."""
        return self.ids[self.numbers[ranges(self.starts[which], self.lengths[which])]]


class Pairs(Examples):
    """Some pairs of sentences, as examples with the streams `source` and `target`.

    The source is its symbols and the end of the sentence; the target reads the end of a sentence, which stands for its
    beginning, and its symbols, and each is asked for the next: its symbols and the end. So both have one step more than
    symbols. `which` are numbers of sentences, the same on both sides, int64 [example]; `seen` says of each whether
    the pair occurs in training; `left_out` counts pairs that were read and are not here, for a side of theirs is empty.
    """

    streams = STREAMS

    def __init__(
        self, source: Sentences, target: Sentences, which: Array, seen: Array | None = None, left_out: int = 0
    ) -> None:
        self.sides = {"source": source, "target": target}
        self.which = np.asarray(which, np.int64)
        self._seen = np.zeros(len(self.which), bool) if seen is None else seen
        self.left_out = left_out
        self._labels: dict[str, dict[str, Array]] = {}

    def __repr__(self) -> str:
        return f"Pairs({len(self):,} pairs of {self.lengths_of('source').sum():,} and {self.lengths.sum():,} steps)"

    def __len__(self) -> int:
        return len(self.which)

    @property
    def source(self) -> Sentences:
        """All sentences of the source, those of other examples too."""
        return self.sides["source"]

    @property
    def target(self) -> Sentences:
        """All sentences of the target, those of other examples too."""
        return self.sides["target"]

    @property
    def singled_out(self) -> str | None:
        """The end of a sentence."""
        return self.target.level.end if self.target.level.name != "character" else None

    def lengths_of(self, stream: str) -> Array:
        """Return the steps of every example, int64 [example]: its symbols and one."""
        return self.sides[stream].lengths[self.which] + 1

    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return the symbol that is read at every step."""
        side, there = self.sides[stream], self._symbols_at(stream)
        ids = np.full(len(there), END, np.int32)
        ids[there] = side.known(self.which)
        return {"symbol": Column(ids, side.vocabulary.symbols)}

    def places_of(self, stream: str) -> Array:
        """Return which symbol of all sentences of a side each step reads, int64 [step]; -1 is the end of a sentence."""
        side, there = self.sides[stream], self._symbols_at(stream)
        found = np.full(len(there), -1, np.int64)
        found[there] = ranges(side.starts[self.which], side.lengths[self.which])
        return found

    def _symbols_at(self, stream: str) -> Array:
        """Return at which steps a symbol is read, and not the end of a sentence, bool [step]."""
        steps = self.lengths_of(stream)
        there = np.ones(int(steps.sum()), bool)
        there[np.cumsum(steps) - (1 if stream == "source" else steps)] = False
        return there

    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the names of what every sentence has by itself; see `sentence_labels`."""
        return LABELS

    def label(self, name: str, stream: str = "target") -> Column:
        """Return a label of every step, as it is after the symbol that is read there.

        Raises OptionError for a label that there is not.
        """
        if name not in LABELS:
            raise OptionError(f"label {name!r} does not exist here: there are {', '.join(LABELS)}")
        if stream not in self._labels:
            side = self.sides[stream]
            sentences = [side.numbers[side.starts[k] : side.starts[k + 1]] for k in self.which]
            self._labels[stream] = labels_of(side.level, sentences, first=stream == "target")
        return Column(self._labels[stream][name])

    def subset(self, which: Array, /) -> Pairs:
        """Return the chosen pairs, in the order given."""
        return Pairs(self.source, self.target, self.which[which], self._seen[which])

    def batch(self, which: Array) -> Batch:
        """Return the chosen pairs side by side, every symbol of them; padding is symbol 0."""
        import torch

        from naibu.data.batch import Batch, Stream

        sentences = self.which[which]
        source, source_lengths = padded(self.source, sentences)
        told, lengths = padded(self.target, sentences)
        there = np.arange(len(told))[:, None] < lengths
        read = np.where(there, np.concatenate([np.full((1, len(sentences)), END), told[:-1]]), 0)
        streams = {
            "source": Stream(torch.from_numpy(source), torch.from_numpy(source_lengths)),
            "target": Stream(torch.from_numpy(read), torch.from_numpy(lengths)),
        }
        return Batch(streams, torch.from_numpy(np.where(there, told, -1)))

    def classes(self) -> tuple[str, ...]:
        """Return the symbols of the target: the next one is predicted."""
        return self.target.vocabulary.symbols

    def seen(self) -> Array:
        """Return whether each pair occurs in training too, bool [example]."""
        return self._seen


def source_batch(source: Sentences, which: Array) -> Batch:
    """Return chosen sentences as sources of which nothing is told yet."""
    import torch

    from naibu.data.batch import Batch, Stream

    ids, lengths = padded(source, which)
    nothing = torch.zeros(0, len(which), dtype=torch.int64)
    streams = {
        "source": Stream(torch.from_numpy(ids), torch.from_numpy(lengths)),
        "target": Stream(nothing, torch.zeros(len(which), dtype=torch.int64)),
    }
    return Batch(streams, nothing)


def padded(side: Sentences, which: Array) -> tuple[Array, Array]:
    """Return sentences with their ends as int64 [time sentence], 0 behind each, and their steps, int64 [sentence]."""
    lengths = side.lengths[which]
    time = np.arange(int(lengths.max(initial=0)) + 1)[:, None]
    inside = time < lengths
    found = np.where(time == lengths, END, 0).astype(np.int64)
    found[inside] = side.ids[side.numbers[(side.starts[which] + time)[inside]]]
    return found, (lengths + 1).astype(np.int64)
