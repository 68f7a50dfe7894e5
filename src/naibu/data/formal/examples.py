"""One part of the words of a formal language, each drawn again whenever it is read, as its number says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from naibu.data.examples import Array, Column, Examples
from naibu.data.formal.language import Language, Sample
from naibu.errors import OptionError

if TYPE_CHECKING:
    from naibu.data.batch import Batch

EMPTY = "_"
"""What is read while an answer is told."""
PLACES = ("reading", "position", "steps_left")
"""Labels that the words of every language have."""


class Blocks(NamedTuple):
    """Where words come from: block k has `rows` words of length `lengths[k]`, drawn from the seed (*seed, k)."""

    language: Language
    lengths: Array  # int64 [block]
    rows: int
    seed: tuple[int, ...]

    def drawn(self, block: int) -> tuple[Array, Array]:
        """Return words and answers of a block, int64 [row symbol] each; the same whenever it is asked for."""
        rng = np.random.default_rng((*self.seed, block))
        words = self.language.draw(rng, self.rows, int(self.lengths[block]))
        return words, self.language.answer(words)

    def sample(self, block: int) -> Sample:
        """Return a block with its labels."""
        words, answers = self.drawn(block)
        return Sample(words, answers, self.language.labels(words, answers))


class FormalExamples(Examples):
    """Words with their answers, of which nothing is kept: example n is row n % rows of block n // rows."""

    def __init__(self, blocks: Blocks, which: Array | None = None) -> None:
        """which: the numbers of the examples, int64 [example]; all of them where not given."""
        self.blocks = blocks
        self.which = np.arange(len(blocks.lengths) * blocks.rows) if which is None else which

    def __len__(self) -> int:
        return len(self.which)

    def __repr__(self) -> str:
        return f"FormalExamples({len(self):,} words of {self.blocks.language.name})"

    @property
    def word_lengths(self) -> Array:
        """The length of every word, without its answer, int64 [example]."""
        return np.asarray(self.blocks.lengths[self.which // self.blocks.rows])

    def lengths_of(self, stream: str) -> Array:
        """Return the steps of every example, its answer included, int64 [example]."""
        steps = np.array([self.blocks.language.steps(int(length)) for length in self.blocks.lengths], np.int64)
        return np.asarray(steps[self.which // self.blocks.rows])

    def classes(self) -> tuple[str, ...]:
        """Return the symbols of answers."""
        return self.blocks.language.answers

    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return the symbol that is read at every step."""
        return {"symbol": Column(self._columns["symbol"], (*self.blocks.language.symbols, EMPTY))}

    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the labels of the language, and those of all words."""
        language = self.blocks.language
        length = next(length for length in range(language.shortest, 100) if language.fits(length))
        own = language.sample(np.random.default_rng(0), 1, length).labels
        return (*own, *PLACES)

    def label(self, name: str, stream: str = "input") -> Column:
        """Return a label of every step: one of the language's, `reading`, 1 at the steps of the word and 0 at those of
        the answer, `position` from 0, of the word or of its answer, `steps_left` of the same. Raises OptionError."""
        if name not in self.labels(stream):
            raise OptionError(f"label {name!r} does not exist here: there are {', '.join(self.labels(stream))}")
        return Column(self._columns[name])

    def subset(self, which: Array, /) -> FormalExamples:
        """Return the chosen examples."""
        return FormalExamples(self.blocks, self.which[np.asarray(which)])

    def batch(self, which: Array) -> Batch:
        """Return the chosen examples side by side; answers are to be told behind the word, or beside it."""
        import torch

        from naibu.data.batch import Batch, Stream

        numbers, language = self.which[np.asarray(which)], self.blocks.language
        steps = self.subset(which).lengths
        x = np.zeros((len(numbers), int(steps.max(initial=0))), np.int64)
        target = np.full_like(x, -1)
        blocks = numbers // self.blocks.rows
        for block in np.unique(blocks).tolist():
            columns = np.flatnonzero(blocks == block)
            words, answers = (part[numbers[columns] % self.blocks.rows] for part in self.blocks.drawn(block))
            length, end = words.shape[1], language.steps(words.shape[1])
            x[columns, :length], x[columns, length:end] = words, len(language.symbols)
            target[columns, end - answers.shape[1] : end] = answers
        read, told = (torch.from_numpy(np.ascontiguousarray(part.T)) for part in (x, target))
        return Batch({"input": Stream(read, torch.from_numpy(steps))}, told)

    def word(self, example: int) -> tuple[list[str], list[str]]:
        """Return a word and its answer as they are written."""
        block, row = divmod(int(self.which[example]), self.blocks.rows)
        words, answers = self.blocks.drawn(block)
        language = self.blocks.language
        told = [language.answers[code] for code in answers[row].tolist() if code >= 0]
        return [language.symbols[code] for code in words[row].tolist()], told

    @cached_property
    def _columns(self) -> dict[str, Array]:
        """What is read at every step, `symbol`, and every label, int32 [step]."""
        language, found = self.blocks.language, defaultdict[str, list[Array]](list)
        for sample, row in self._each():
            word = sample.words[row]
            answer = language.steps(len(word)) - len(word)
            found["symbol"].append(np.concatenate([word, np.full(answer, len(language.symbols))]))
            for name, values in sample.labels.items():
                found[name].append(values[row])
            for name in PLACES:
                found[name].append(_place(name, len(word), answer))
        names = ("symbol", *self.labels("input"))
        return {name: np.concatenate(found[name] or [np.zeros(0)]).astype(np.int32) for name in names}

    def _each(self) -> Iterator[tuple[Sample, int]]:
        """Yield the block and row of every example."""
        last, sample = -1, None
        for number in self.which.tolist():
            block, row = divmod(number, self.blocks.rows)
            if block != last or sample is None:
                last, sample = block, self.blocks.sample(block)
            yield sample, row


def _place(name: str, word: int, answer: int) -> Array:
    """Return a label of one word that is known of its length alone."""
    if name == "reading":
        return np.repeat([1, 0], [word, answer])
    found = np.concatenate([np.arange(word), np.arange(answer)])
    return found if name == "position" else np.repeat([word - 1, answer - 1], [word, answer]) - found
