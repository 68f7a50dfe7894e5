"""One part of the sequences with classes: symbols or numbers at every step, one class at the last."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from naibu.data.events import Array, ranges
from naibu.data.examples import Column, Examples
from naibu.data.levels import Level
from naibu.data.text import Before, labels_of_piece
from naibu.data.vocabulary import Vocabulary
from naibu.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from naibu.data.batch import Batch

NESTED = ("inside_quotes", "bracket_depth", "inside_brackets")
"""Labels of texts besides those of all sequences, as running text has them."""
FEW = 12
"""Classes up to which it is a label of its own, recorded without being asked for, whether a sequence is of each."""


def of_class(name: str, names: tuple[str, ...]) -> str:
    """Return the label that is 1 in sequences of a class: `class_NAME`, or of many classes `class:NAME`, which is
    recorded where it is asked for."""
    return f"class{'_' if len(names) <= FEW else ':'}{name}"


class ClassExamples(Examples):
    """Sequences end to end, `starts [example + 1]`, with the codes of their classes, int32 [example], -1 for none."""

    def __init__(self, starts: Array, codes: Array, names: tuple[str, ...], known: Array | None = None) -> None:
        """names: of the classes. known: which examples occur in training too, none where not given."""
        self.starts, self.codes, self.names, self._known = starts, codes, names, known

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} examples of {len(self.names)} classes)"

    def lengths_of(self, stream: str) -> Array:
        """Return the steps of every example, int64 [example]."""
        return np.diff(self.starts)

    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes."""
        return self.names

    def seen(self) -> Array:
        """Return whether each example occurs in training too, bool [example]."""
        return super().seen() if self._known is None else self._known

    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the labels that any sequence has, and whether it is of a class, for each of them."""
        return ("position", "steps_left", "class", *(of_class(name, self.names) for name in self.names))

    def label(self, name: str, stream: str = "input") -> Column:
        """Return a label of every step: `position` from 0, `steps_left` until the last, the `class` of the sequence,
        and `class_NAME`, 1 at all steps of one that is of it. Raises OptionError for a label that there is not."""
        lengths = self.lengths
        position = np.arange(int(lengths.sum())) - np.repeat(self.starts[:-1] - self.starts[0], lengths)
        if name == "position":
            return Column(position.astype(np.int32))
        if name == "steps_left":
            return Column((np.repeat(lengths, lengths) - 1 - position).astype(np.int32))
        codes = np.repeat(self.codes, lengths).astype(np.int32)
        if name == "class":
            return Column(codes, self.names)
        for code, one in enumerate(self.names):
            if name == of_class(one, self.names):
                return Column((codes == code).astype(np.int32))
        raise OptionError(f"label {name!r} does not exist here: there are {', '.join(self.labels(stream))}")

    def batch(self, which: Array) -> Batch:
        """Return the chosen examples side by side; the class is to be told at the last step of each."""
        import torch  # what opens data only to describe them needs no framework

        from naibu.data.batch import Batch, Stream

        chosen = np.asarray(which)
        lengths = (self.starts[1:] - self.starts[:-1])[chosen]
        time = np.arange(int(lengths.max(initial=0)))[:, None]
        target = np.where(time == lengths - 1, self.codes[chosen], -1).astype(np.int64)
        x = self._values(np.where(time < lengths, self.starts[:-1][chosen] + time, -1))
        return Batch({"input": Stream(x, torch.from_numpy(lengths))}, torch.from_numpy(target))

    def _chosen(self, which: Array) -> tuple[Array, Array, Array, Array | None]:
        """Return rows of the steps of chosen examples, their starts, codes, and which are known from training."""
        chosen = np.asarray(which)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        lengths = (self.starts[1:] - self.starts[:-1])[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        known = None if self._known is None else self._known[chosen]
        return ranges(self.starts[:-1][chosen], lengths), starts, self.codes[chosen], known

    @abstractmethod
    def subset(self, which: Array, /) -> Self: ...

    @abstractmethod
    def _values(self, places: Array) -> Tensor:
        """Return what is read at places [time batch]; 0 where one is -1."""


class TextExamples(ClassExamples):
    """Texts: `numbers [token]` in the level's table, `ids [table]` the vocabulary's number of each entry."""

    def __init__(
        self,
        numbers: Array,
        starts: Array,
        codes: Array,
        names: tuple[str, ...],
        level: Level,
        vocabulary: Vocabulary,
        ids: Array,
        known: Array | None = None,
    ) -> None:
        super().__init__(starts, codes, names, known)
        self.numbers, self.level, self.vocabulary, self.ids = numbers, level, vocabulary, ids

    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return the symbol that is read at every step."""
        return {"symbol": Column(self.ids[self.numbers], self.vocabulary.symbols)}

    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the labels of any sequence, and those of quotes and brackets."""
        return (*NESTED, *super().labels(stream))

    def label(self, name: str, stream: str = "input") -> Column:
        """Return a label of every step, as it is after the symbol that is read there."""
        return Column(self._nested[name]) if name in NESTED else super().label(name, stream)

    def subset(self, which: Array, /) -> TextExamples:
        """Return the chosen examples."""
        rows, starts, codes, known = self._chosen(which)
        return TextExamples(self.numbers[rows], starts, codes, self.names, self.level, self.vocabulary, self.ids, known)

    def numbered_by(self, vocabulary: Vocabulary, ids: Array) -> TextExamples:
        """Return the same texts in which symbols have other numbers."""
        return TextExamples(self.numbers, self.starts, self.codes, self.names, self.level, vocabulary, ids, self._known)

    def symbols_of(self, example: int) -> list[str]:
        """Return the symbols of a text as they were written, its end included."""
        numbers = self.numbers[self.starts[example] : self.starts[example + 1]]
        table = self.level.table
        return [table[number] for number in numbers.tolist()]

    def text(self, example: int) -> str:
        """Return a text as it is read."""
        return self.level.spell(self.numbers[self.starts[example] : self.starts[example + 1]], begins=True).strip("\n")

    def _values(self, places: Array) -> Tensor:
        import torch

        ids = self.ids[self.numbers[places]] if len(self.numbers) else np.zeros(places.shape)
        return torch.from_numpy(np.where(places < 0, 0, ids).astype(np.int64))

    @cached_property
    def _nested(self) -> dict[str, Array]:
        """Return the labels of quotes and brackets, int32 [token], each text read by itself."""
        found = {name: np.zeros(len(self.numbers), np.int32) for name in NESTED}
        for begin, end in zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True):
            text, lengths = self.level.spell_each(self.numbers[begin:end], begins=True)
            letters = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
            ends = np.cumsum(lengths) - 1
            for name, values in labels_of_piece(letters, letters[:0], 0, Before()):
                if name in found:
                    found[name][begin:end] = np.where(ends < 0, 0, values[np.maximum(ends, 0)])
        return found


class NumberExamples(ClassExamples):
    """Series: `values [step feature]`, float32, as a network reads them, with the names of the features."""

    def __init__(
        self,
        values: Array,
        starts: Array,
        codes: Array,
        names: tuple[str, ...],
        features: tuple[str, ...],
        known: Array | None = None,
    ) -> None:
        super().__init__(starts, codes, names, known)
        self.values, self.features = values, features

    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return the numbers that are read at every step."""
        return {name: Column(self.values[:, number]) for number, name in enumerate(self.features)}

    def subset(self, which: Array, /) -> NumberExamples:
        """Return the chosen examples."""
        rows, starts, codes, known = self._chosen(which)
        return NumberExamples(self.values[rows], starts, codes, self.names, self.features, known)

    def series(self, example: int) -> Array:
        """Return what is read of an example, float32 [step feature]."""
        found: Array = self.values[self.starts[example] : self.starts[example + 1]]
        return found

    def _values(self, places: Array) -> Tensor:
        import torch

        there = places >= 0
        found = np.zeros((*places.shape, len(self.features)), np.float32)
        found[there] = self.values[places[there]]
        return torch.from_numpy(found)
