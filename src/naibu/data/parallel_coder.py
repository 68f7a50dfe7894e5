"""What turns sentences of two languages into a network's symbols and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from naibu.data.events import Array
from naibu.data.levels import Level
from naibu.data.parallel import STREAMS, Pairs, Sentences
from naibu.data.parallel_reading import Lines, read_pairs
from naibu.data.text_coder import TextCoder, numbers_of
from naibu.errors import CorpusError

Where = Callable[[int], tuple[str | Path, int]]
"""From the place of a line among others to its file and its number there, from 1."""


@dataclass(frozen=True)
class ParallelCoder:
    """The vocabularies of a network that translates, and how text is cut into their symbols."""

    source: TextCoder
    target: TextCoder

    def save(self, folder: Path) -> None:
        """Write `source-vocabulary.txt`, `target-vocabulary.txt`, and the subword models where there are any."""
        self.source.save(folder, "source-")
        self.target.save(folder, "target-")

    @classmethod
    def load(cls, folder: Path, options: Mapping[str, Any]) -> Self:
        """Return the coder of a run. Raises CorpusError where a part is missing or damaged."""
        one = {"split": "spaces", **options}
        return cls(TextCoder.load(folder, one, "source-"), TextCoder.load(folder, one, "target-"))

    def read(self, files: Sequence[Path]) -> Pairs:
        """Return the pairs in other files.

        Raises CorpusError and OptionError as `read_pairs`, and for a line longer than the network is to read.
        """
        lines = read_pairs(files, "test files")
        source, target = (
            self.encode(text, side, partial(lines.named, side))
            for text, side in ((lines.source, "source"), (lines.target, "target"))
        )
        which = np.flatnonzero(with_both(lines))
        check_longest(lines, source, target, which, self.source.longest)
        if not len(which):
            raise CorpusError("no pair of lines of which neither is empty", files[0])
        return Pairs(source, target, which, left_out=len(lines.source) - len(which))

    def encode(self, lines: Sequence[str], side: str = "source", where: Where | None = None) -> Sentences:
        """Return lines as sentences of one side; `where` names them in errors. Raises CorpusError as `cut`."""
        coder = self.source if side == "source" else self.target
        level = coder.level.fresh()
        numbers, starts = cut(lines, level, where or (lambda place: ("lines", place + 1)))
        return Sentences(numbers, starts, level, coder.vocabulary, numbers_of(level, coder.vocabulary))

    def spell(self, ids: Sequence[int] | Array) -> str:
        """Return the line that numbers of the target's symbols stand for, without the end of the sentence."""
        return self.target.spell([number for number in ids if number != self.target.end])


def with_both(lines: Lines) -> Array:
    """Return which pairs have something on both sides, bool [pair]."""
    both = (bool(source.strip()) and bool(target.strip()) for source, target in zip(*lines[:2], strict=True))
    return np.fromiter(both, bool, len(lines.source))


def cut(lines: Sequence[str], level: Level, where: Where) -> tuple[Array, Array]:
    """Return lines as numbers in a level's table, end to end, and where each begins, int64 [line + 1].

    Raises CorpusError where the mark of a sentence's end stands in a line, or an end of a line.
    """
    marked = level.read("".join(line + "\n" for line in lines))
    end = level.number("</s>")
    ends = np.flatnonzero(marked == end)
    if len(ends) != len(lines):
        place = next(k for k, line in enumerate(lines) if int((level.read(line + "\n") == end).sum()) > 1)
        if "\n" in lines[place]:
            raise CorpusError("a line end in the middle of a line; give each sentence by itself", *where(place))
        file, line = where(place)
        message = f"line {line} has {level.end}, which marks where a sentence ends; take it out of the text"
        raise CorpusError(message, file)
    starts = np.concatenate([[0], ends + 1 - np.arange(1, len(ends) + 1)]).astype(np.int64)
    return np.delete(marked, ends), starts


def check_longest(lines: Lines, source: Sentences, target: Sentences, which: Array, longest: int) -> None:
    """Raise CorpusError for the first of chosen pairs that has more than `longest` symbols on a side."""
    for side, sentences in zip(STREAMS, (source, target), strict=True):
        for number in which[sentences.lengths[which] > longest][:1].tolist():
            message = f"{sentences.lengths[number]:,} symbols, more than --longest {longest:,}; split it in sentences"
            raise CorpusError(message, *lines.named(side, number))
