"""Running text: one long line of symbols, larger than memory where need be, and passages of it as examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from naibu.data.events import Array
from naibu.data.examples import Column, Examples
from naibu.data.levels import END, Level
from naibu.data.python_text import LABELS as PYTHON_LABELS
from naibu.data.python_text import is_python, python_labels
from naibu.data.text import COLUMNS, NEAR, Before, at_first, labels_of_piece, passage_ends
from naibu.data.vocabulary import Vocabulary
from naibu.errors import OptionError

if TYPE_CHECKING:
    from naibu.data.batch import Batch

PIECE = 2**22
"""Symbols that are looked at in one piece."""


@dataclass(frozen=True)
class Source:
    """Everything that was read, symbol by symbol.

    numbers: [token], in memory or mapped from a file, numbers in the level's table; every document begins with a line
        end of its own, which is read and never predicted. starts: int64 [document + 1], where documents begin, and the
        end. names: of the documents. level: what a symbol is. vocabulary: the symbols that the network knows, and
        ids: int32 [table], their numbers.
    """

    numbers: Array
    starts: Array
    names: tuple[str, ...]
    level: Level
    vocabulary: Vocabulary
    ids: Array

    def text(self, begin: int, end: int) -> str:
        """Return what symbols of one document say, line ends and all."""
        return self.level.spell(self.numbers[begin:end], begins=True)

    def counts(self, ranges: Array) -> Array:
        """Return how often each entry of the table is predicted in ranges, int64 [table]."""
        found = np.zeros(len(self.level.table), np.int64)
        for begin, end in ranges:
            for at in range(begin + 1, end, PIECE):
                piece = self.numbers[at : min(end, at + PIECE)]
                found += np.bincount(piece, minlength=len(found))
        return found

    def known(self, counts: Array) -> int:
        """Return how many of counted symbols [table] the network knows, line ends left out."""
        end = np.arange(len(counts)) == self.level.number(END)
        return int(counts[(self.ids != self.vocabulary.unknown) & ~end].sum())


class Text(Examples):
    """A part of a text: ranges of symbols, each within a document, cut into passages that are its examples.

    A range of n symbols has n - 1 steps: each symbol but the last is read, each but the first predicted. A passage ends
    at a line end where it can, after `longest` steps at most.
    """

    def __init__(self, source: Source, ranges: Array, longest: int, spans: Array | None = None) -> None:
        self.source, self.longest = source, longest
        self.ranges = np.asarray(ranges, np.int64).reshape(-1, 2)
        if spans is not None:
            self.spans = spans

    def __repr__(self) -> str:
        return f"Text({len(self):,} passages of {self.steps:,} symbols)"

    def __len__(self) -> int:
        return len(self.spans)

    @cached_property
    def spans(self) -> Array:
        """int64 [passage 2]: the first symbol that is read and the one after the last."""
        found = [np.zeros((0, 2), np.int64)]
        end = self.source.level.number(END)
        for begin, stop in self.ranges:
            line_ends = [np.zeros(0, np.int64)]
            for at in range(begin, stop, PIECE):
                line_ends.append(at - begin + np.flatnonzero(self.source.numbers[at : min(stop, at + PIECE)] == end))
            # What follows a line end begins a passage, so that the line end is its first symbol.
            cuts = passage_ends(int(stop - begin - 1), np.concatenate(line_ends)[1:] - 1, self.longest + 1)
            found.append(begin + np.stack([np.concatenate([[0], cuts[:-1]]), cuts], 1))
        spans: Array = np.concatenate(found)
        return spans[spans[:, 1] > spans[:, 0]]

    @property
    def steps(self) -> int:
        """How many symbols are predicted."""
        return int(np.maximum(self.ranges[:, 1] - self.ranges[:, 0] - 1, 0).sum())

    @property
    def singled_out(self) -> str | None:
        """The end of a line, among words; a letter like others among characters."""
        return END if self.source.level.name == "word" else None

    @cached_property
    def characters(self) -> int:
        """How many characters are predicted, line ends among them; subwords in bytes count as they are written."""
        return sum(len(text) for text in self._pieces())

    @cached_property
    def words(self) -> int:
        """How many words are predicted, as blanks part them, and line ends."""
        return sum(len(text.split()) + text.count("\n") for text in self._pieces())

    def _pieces(self) -> Iterator[str]:
        level = self.source.level
        for begin, end in self.ranges:
            fresh = True
            for at in range(begin + 1, end, PIECE):
                numbers = self.source.numbers[at : min(end, at + PIECE)]
                yield level.spell(numbers, begins=fresh)
                fresh = numbers[-1] == level.number(END)

    def lengths_of(self, stream: str) -> Array:
        """Return the steps of every passage, int64 [passage]."""
        lengths: Array = self.spans[:, 1] - self.spans[:, 0]
        return lengths

    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return the symbol that is read at every step."""
        ids = self.source.ids[self.source.numbers[self._where]]
        return {"symbol": Column(ids, self.source.vocabulary.symbols)}

    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the labels that any text has, and those of Python where documents of it are here."""
        return ("position", *COLUMNS, *(PYTHON_LABELS if self._python else ()))

    def label(self, name: str, stream: str = "input") -> Column:
        """Return a label of every step, as it is after the symbol that is read there.

        Raises OptionError for a label that there is not.
        """
        if name not in self.labels(stream):
            raise OptionError(f"label {name!r} does not exist here: there are {', '.join(self.labels(stream))}")
        if name == "position":
            lengths = self.lengths
            first = np.repeat(np.cumsum(lengths) - lengths, lengths)
            return Column((np.arange(int(lengths.sum())) - first).astype(np.int32))
        values = self._found[name]
        return Column(values if np.isnan(values).any() else values.astype(np.int32))

    def places_of(self, stream: str) -> Array:
        """Return which symbol of the source each step reads, int64 [step]."""
        return self._where

    def subset(self, which: Array, /) -> Text:
        """Return the chosen passages."""
        return Text(self.source, self.ranges, self.longest, self.spans[which])

    def batch(self, which: Array) -> Batch:
        """Return passages side by side: what is read, and what comes after it."""
        import torch

        from naibu.data.batch import Batch, Stream

        spans = self.spans[which]
        lengths = spans[:, 1] - spans[:, 0]
        time = np.arange(int(lengths.max(initial=0)) + 1)[:, None]
        there = time <= lengths
        found = np.full(there.shape, -1, np.int64)
        found[there] = self.source.ids[self.source.numbers[(spans[:, 0] + time)[there]]]
        x = torch.from_numpy(np.where(time < lengths, found, 0)[:-1])
        target = torch.from_numpy(np.where(time <= lengths, found, -1)[1:])
        return Batch({"input": Stream(x, torch.from_numpy(lengths))}, target)

    def before(self, which: Array) -> Iterator[tuple[Array, Batch]]:
        """Yield what stands before passages in their documents, up to half as long as a passage may be."""
        import torch

        from naibu.data.batch import Batch, Stream

        begins = self.spans[which, 0]
        first = self.source.starts[np.searchsorted(self.source.starts, begins, side="right") - 1]
        lengths = np.minimum(begins - first, self.longest // 2)
        for length in np.unique(lengths[lengths > 0]):
            rows = np.flatnonzero(lengths == length)
            where = begins[rows] - length + np.arange(length)[:, None]
            x = torch.from_numpy(self.source.ids[self.source.numbers[where]].astype(np.int64))
            nothing = torch.full_like(x, -1)
            yield rows, Batch({"input": Stream(x, torch.full((len(rows),), int(length)))}, nothing)

    def classes(self) -> tuple[str, ...]:
        """Return the symbols."""
        return self.source.vocabulary.symbols

    def symbols_of(self, passage: int) -> list[str]:
        """Return what is read in a passage, symbol by symbol, unknown ones as they were written."""
        begin, end = self.spans[passage]
        table = self.source.level.table
        return [table[number] for number in self.source.numbers[begin:end].tolist()]

    def text(self, passage: int) -> str:
        """Return what is predicted in a passage, as it was written."""
        begin, end = self.spans[passage]
        return self.source.text(int(begin) + 1, int(end) + 1)

    @cached_property
    def _where(self) -> Array:
        lengths = self.lengths
        first = np.repeat(self.spans[:, 0] - np.cumsum(lengths) + lengths, lengths)
        where: Array = first + np.arange(int(lengths.sum()))
        return where

    @cached_property
    def _documents(self) -> Array:
        return np.searchsorted(self.source.starts, self.spans[:, 0], side="right") - 1

    @cached_property
    def _python(self) -> bool:
        return any(is_python(self.source.names[document]) for document in np.unique(self._documents))

    @cached_property
    def _found(self) -> dict[str, Array]:
        """Every label of every step, float32 [token]; a document is read from its beginning as far as is asked."""
        names = self.labels("input")[1:]
        found = {name: np.full(len(self._where), np.nan, np.float32) for name in names}
        steps, lengths = np.repeat(self._documents, self.lengths), self.lengths
        for document in np.unique(self._documents):
            here = np.flatnonzero(steps == document)
            first, end = (int(place) for place in self.source.starts[document : document + 2])
            # A little more than is asked for, since some labels look ahead.
            last = min(end, int(self.spans[self._documents == document, 1].max()) + NEAR + 1)
            asked = self._where[here] - first
            labels = self._labels_of(document, first, last, asked)
            for name, values in labels.items():
                found[name][here] = values
        assert len(steps) == int(lengths.sum())
        return found

    def _labels_of(self, document: int, first: int, last: int, asked: Array) -> dict[str, Array]:
        """Return the labels after the symbols `asked` of a document, numbered from its beginning.

        They are taken piece by piece, from the beginning on; of the line end before a document nothing is known but
        how far the next one is.
        """
        order, known, done = np.argsort(asked, kind="stable"), Before(), 0
        found = {key: np.zeros(len(asked), np.float32) for key in COLUMNS}
        ends = np.full(len(asked), -1, np.int64)  # the last character of each symbol asked for
        pieces = self._spelt(first, last)
        spelt, ahead = next(pieces), next(pieces, None)
        found["to_line_end"][:] = at_first("to_line_end", spelt[0])
        for begin in range(first, last, PIECE):
            letters, lengths = spelt
            sums = np.cumsum(lengths) - 1
            low, high = np.searchsorted(asked[order], (begin - first, begin - first + len(lengths)))
            chosen = order[low:high]
            within = sums[asked[chosen] - (begin - first)]
            ends[chosen] = np.where(within < 0, -1, done + within)
            chosen, within = chosen[within >= 0], within[within >= 0]
            for key, values in labels_of_piece(letters, ahead[0][: NEAR + 1] if ahead else letters[:0], done, known):
                found[key][chosen] = values[within]
            done += len(letters)
            if ahead:
                spelt, ahead = ahead, next(pieces, None)
        if self._python:
            found |= self._python_labels(document, ends)
        return found

    def _spelt(self, first: int, last: int) -> Iterator[tuple[Array, Array]]:
        """Yield the characters of symbols, piece by piece, and how many of them each symbol is."""
        level, before = self.source.level, True
        for begin in range(first, last, PIECE):
            piece = self.source.numbers[begin : min(last, begin + PIECE)]
            text, lengths = level.spell_each(piece[1:] if begin == first else piece, begins=before)
            if begin == first:  # the line end before the document
                lengths = np.concatenate([[0], lengths])
            before = bool(piece[-1] == level.number(END))
            yield np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32), lengths

    def _python_labels(self, document: int, ends: Array) -> dict[str, Array]:
        """Return the labels of Python after characters `ends` of a document; NaN where it is none."""
        found = {key: np.full(len(ends), np.nan, np.float32) for key in PYTHON_LABELS}
        if not is_python(self.source.names[document]):
            return found
        first, last = (int(place) for place in self.source.starts[document : document + 2])
        spelt = (letters.tobytes().decode("utf-32-le") for letters, _ in self._spelt(first, last))
        marked = python_labels("".join(spelt))
        for row, key in enumerate(PYTHON_LABELS) if marked is not None else ():
            assert marked is not None
            found[key][:] = np.where(ends < 0, 0, marked[row, ends])
        return found
