"""What turns a text into a network's symbols and back: the level, the vocabulary, and the subword model if any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from naibu.data.events import Array
from naibu.data.forms import UNKNOWN_WORD
from naibu.data.levels import Characters, Level, Subwords, Words
from naibu.data.running_text import Source, Text
from naibu.data.text_reading import encoded, read_documents
from naibu.data.vocabulary import Vocabulary
from naibu.errors import CorpusError, OptionError
from naibu.storage import open_regular, written_beside

NAME = "--text"
MODEL = "subwords.model"
LARGEST = 2**26
"""Bytes of a subword model that are read."""


@dataclass(frozen=True)
class TextCoder:
    """The vocabulary of a network of running text, and how text is cut into its symbols.

    level: fresh, for a table of its own grows with all that it reads. longest: steps of a passage at most.
    """

    vocabulary: Vocabulary
    level: Level
    longest: int

    def save(self, folder: Path, side: str = "") -> None:
        """Write `vocabulary.txt`, and `subwords.model` where symbols are pieces of words; of one of several texts, with
        its `side` before both names."""
        with written_beside(folder / f"{side}vocabulary.txt") as beside:
            self.vocabulary.save(beside)
        if isinstance(self.level, Subwords):
            with written_beside(folder / f"{side}{MODEL}") as beside:
                beside.write_bytes(self.level.model)

    @classmethod
    def load(cls, folder: Path, options: Mapping[str, Any], side: str = "") -> Self:
        """Return the coder of a run, or of a `side` of it. Raises CorpusError where a part is missing or damaged."""
        vocabulary = Vocabulary.load(folder / f"{side}vocabulary.txt")
        level: Level = Characters()
        if options["level"] == "word":
            level = Words(options["split"])
        elif options["level"] == "subword":
            try:
                with open_regular(folder / f"{side}{MODEL}") as file:
                    level = Subwords(file.read(LARGEST))
            except (OSError, RuntimeError) as error:
                raise CorpusError(f"cannot be read as a subword model: {error}", folder / f"{side}{MODEL}") from None
        return cls(vocabulary, level, options["longest"])

    @property
    def end(self) -> int:
        """The number of the end of a line, which is what stands before a text begins."""
        return self.vocabulary.index[self.level.end]

    def encode(self, typed: str | bytes, *, name: str = NAME, ends: bool = False) -> Text:
        """Return a text that somebody gives, in passages; its last symbol is predicted, not read, or where it `ends` a
        line end after it.

        Raises CorpusError where it has no symbol.
        """
        text = typed.decode("utf-8") if isinstance(typed, bytes) else typed
        if not text:
            raise CorpusError("no text: it is empty", name)
        level = self.level.fresh()
        found = encoded([(name, text + "\n" * ends)], level)
        if len(found.numbers) < 2 + ends:
            raise CorpusError("no text: it has no symbol", name)
        ids = numbers_of(level, self.vocabulary)
        source = Source(found.numbers, found.starts, found.names, level, self.vocabulary, ids)
        return Text(source, found.starts.reshape(1, 2), self.longest)

    def read(self, files: Sequence[str | Path], beside: Path | None = None) -> Text:
        """Return files of text, each read from its beginning. Raises CorpusError where none of it is known."""
        level = self.level.fresh()
        found = read_documents([Path(each) for each in files], level, most=None, folder=beside)
        ids = numbers_of(level, self.vocabulary)
        source = Source(found.numbers, found.starts, found.names, level, self.vocabulary, ids)
        text = Text(source, np.stack([found.starts[:-1], found.starts[1:]], 1), self.longest)
        if not source.known(source.counts(text.ranges)):
            raise CorpusError("none of its symbols is known to the network", files[0])
        return text

    def ids(self, text: str) -> Array:
        """Return the numbers of the symbols of a text, int64 [token]; those that are unknown are `<unk>`."""
        level = self.level.fresh()
        numbers = level.read(text)
        ids: Array = numbers_of(level, self.vocabulary)[numbers].astype(np.int64)
        return ids

    def unknown(self, text: str) -> list[str]:
        """Return the symbols of a text that the network does not know, in the order in which they come."""
        level = self.level.fresh()
        index = self.vocabulary.index
        numbers = level.read(text)
        table = [*level.table]
        return [table[number] for number in dict.fromkeys(numbers.tolist()) if table[number] not in index]

    def spell(self, ids: Sequence[int] | Array, *, begins: bool = True) -> str:
        """Return the text that numbers stand for; `begins`: at the beginning of a line."""
        return self.level.join(self.vocabulary.decode(ids), begins=begins)


def numbers_of(level: Level, vocabulary: Vocabulary) -> Array:
    """Return the vocabulary's number of every entry of a level's table, int32 [table]; `<unk>` for those not in it.

    Raises OptionError for an entry that is unknown where there is no `<unk>`.
    """
    index, unknown = vocabulary.index, vocabulary.unknown
    missing = next((symbol for symbol in level.table if symbol not in index), None) if unknown is None else None
    if missing is not None:
        raise OptionError(f"the symbol {missing!r} is not in the vocabulary")
    return np.array([index.get(symbol, unknown) for symbol in level.table], np.int32)


def vocabulary_of(level: Level, counts: Array, limit: int) -> Vocabulary:
    """Return the symbols to be known: `<unk>`, the end of a line, then the most frequent, ties as they came.

    counts: int64 [table], in training. limit: of symbols, those two included.
    """
    if isinstance(level, Subwords):
        return Vocabulary(tuple(level.table))
    counts = counts.copy()
    table = list(level.table)
    first = [UNKNOWN_WORD, level.end]
    for symbol in first:  # a text prepared by others may hold <unk> itself: it is the same symbol
        if (number := level.number(symbol) if len(symbol) == 1 or level.name == "word" else -1) >= 0:
            counts[number] = 0
    order = np.argsort(-counts, kind="stable")
    known = order[counts[order] > 0][: max(0, limit - len(first))]
    return Vocabulary((*first, *(table[number] for number in known.tolist())))
