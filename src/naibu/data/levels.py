"""What a symbol of running text is: a character, a word, or a piece of a word; and how symbols are text again."""

from __future__ import annotations

import io
import re
import sys
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from naibu.data.events import Array
from naibu.data.text import words_of
from naibu.errors import OptionError
from naibu.storage import digest_of

LevelName = Literal["character", "word", "subword"]
SplitName = Literal["spaces", "reader"]
SubwordName = Literal["unigram", "bpe"]
END = "</s>"
"""How the end of a line is called where symbols are words or pieces of them; among characters it is a line end."""
BLANK = "\u2581"
"""What stands for the blank before a word in the symbols of a subword model, as sentencepiece writes it."""
SUBWORD_LINE = 10_000
"""Characters after which a line is cut at a blank where subwords are found."""
_UNSPACED = re.compile(r"[.,;:!?)\]}’'”%…]")


class Level(ABC):
    """One way to cut text into symbols. Its table grows while text is read, so that nothing read is lost.

    `table` are the symbols by number. A text of lines and its symbols are the same thing: `spell` gives it back, at the
    level of words with one blank between them.
    """

    name: ClassVar[LevelName]
    end: ClassVar[str] = END

    @property
    @abstractmethod
    def table(self) -> Sequence[str]:
        """The symbols, by number."""

    @property
    def key(self) -> str:
        """What says how text is cut."""
        return self.name

    @abstractmethod
    def fresh(self) -> Level:
        """Return the same level with the table that nothing read leaves."""

    @abstractmethod
    def begin_with(self, table: Sequence[str]) -> None:
        """Take a table over. Raises ValueError where it is none."""

    @abstractmethod
    def take(self, table: Sequence[str]) -> Array:
        """Return the numbers of the symbols of another table; new ones get one."""

    @abstractmethod
    def read(self, text: str) -> Array:
        """Return the numbers of a text that ends at a line end or at the end of a document; new symbols get one."""

    @abstractmethod
    def spelling(self, symbol: str) -> str:
        """Return what a symbol adds to a text, with the blank before it."""

    @abstractmethod
    def number(self, symbol: str) -> int:
        """Return the number of a symbol, -1 where it never came; END is the end of a line at every level."""

    def spell(self, numbers: Array, *, begins: bool) -> str:
        """Return the text of numbers; `begins`: at the beginning of a line, where no blank stands before a word."""
        return self.join((self.table[number] for number in numbers), begins=begins)

    def join(self, symbols: Iterable[str], *, begins: bool) -> str:
        """Return the text of symbols; see `spell`."""
        text = "".join(map(self.spelling, symbols)).replace("\n ", "\n")
        return text.removeprefix(" ") if begins else text

    def spell_each(self, numbers: Array, *, begins: bool) -> tuple[str, Array]:
        """Return the text of numbers, and how many characters each of them is, int64 [token]."""
        lengths = self._lengths[numbers]
        after = np.concatenate([[begins], numbers[:-1] == self.number(END)])
        lengths = lengths - (after & self._blank[numbers])
        return self.spell(numbers, begins=begins), lengths

    @cached_property
    def _lengths(self) -> Array:
        return np.array([len(self.spelling(symbol)) for symbol in self.table], np.int64)

    @cached_property
    def _blank(self) -> Array:
        return np.array([self.spelling(symbol).startswith(" ") for symbol in self.table], bool)


class Characters(Level):
    """Every character is a symbol."""

    name = "character"
    end = "\n"

    def __init__(self) -> None:
        self._table: list[str] = []
        self._numbers = np.full(sys.maxunicode + 1, -1, np.int32)
        self.read("\n")

    @property
    def table(self) -> list[str]:
        """The characters, as they came."""
        return self._table

    def fresh(self) -> Characters:
        """Return a level that has read nothing."""
        return Characters()

    def begin_with(self, table: Sequence[str]) -> None:
        """Take a table over."""
        self._table = list(table)
        letters = np.array([ord(letter) for letter in table])  # TypeError where one is no letter
        self._numbers[:] = -1
        self._numbers[letters] = np.arange(len(table))

    def take(self, table: Sequence[str]) -> Array:
        """Return the numbers of characters."""
        return self.read("".join(table))

    def read(self, text: str) -> Array:
        """Return the numbers of characters."""
        letters = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
        numbers = self._numbers[letters]
        if (numbers < 0).any():
            new, first = np.unique(letters[numbers < 0], return_index=True)
            for letter in new[np.argsort(first)].tolist():
                self._numbers[letter] = len(self._table)
                self._table.append(chr(letter))
            numbers = self._numbers[letters]
        return numbers

    def number(self, symbol: str) -> int:
        """Return the number of a character, -1 where it never came."""
        return int(self._numbers[ord("\n" if symbol == END else symbol)])

    def spelling(self, symbol: str) -> str:
        """Return the character."""
        return symbol

    def join(self, symbols: Iterable[str], *, begins: bool) -> str:
        """Return the text."""
        return "".join(symbols)

    @cached_property
    def _blank(self) -> Array:
        return np.zeros(len(self.table), bool)


class Words(Level):
    """What stands between blanks is a symbol, and the end of a line; or words as the reader of plain text has them."""

    name = "word"

    def __init__(self, split: SplitName = "spaces") -> None:
        self.split = split
        self._numbers: dict[str, int] = {END: 0}
        self._table: list[str] = []

    @property
    def key(self) -> str:
        """What says how text is cut."""
        return f"{self.name} {self.split}"

    @property
    def table(self) -> list[str]:
        """The words, as they came."""
        if len(self._table) != len(self._numbers):
            self._table = list(self._numbers)
        return self._table

    def fresh(self) -> Words:
        """Return a level that has read nothing."""
        return Words(self.split)

    def begin_with(self, table: Sequence[str]) -> None:
        """Take a table over."""
        self._numbers, self._table = {str(word): number for number, word in enumerate(table)}, []

    def take(self, table: Sequence[str]) -> Array:
        """Return the numbers of words."""
        return np.array([self._numbers.setdefault(word, len(self._numbers)) for word in table], np.uint32)

    def read(self, text: str) -> Array:
        """Return the numbers of words and line ends; a blank line is a line end too."""
        words: list[str] = []
        if self.split == "reader":
            found, order, _ = words_of(text)
            words = [END if found[at] == "\n" else found[at] for at in order]
        else:
            lines = text.split("\n")
            for line in lines[:-1]:
                words += line.split()
                words.append(END)
            words += lines[-1].split()
        numbers = self._numbers
        return np.array([numbers.setdefault(word, len(numbers)) for word in words], np.uint32)

    def number(self, symbol: str) -> int:
        """Return the number of a word, -1 where it never came."""
        return self._numbers.get(symbol, -1)

    def spell(self, numbers: Array, *, begins: bool) -> str:
        """Return the text of numbers."""
        table = self.table
        return self.join([table[number] for number in numbers.tolist()], begins=begins)

    def spelling(self, symbol: str) -> str:
        """Return the word with a blank before it; punctuation that the reader cut off has none."""
        if symbol == END:
            return "\n"
        unspaced = self.split == "reader" and _UNSPACED.fullmatch(symbol)
        return symbol if unspaced else f" {symbol}"


class Subwords(Level):
    """Pieces of words, by a model of sentencepiece; spacing is kept, and what it cannot spell is in bytes."""

    name = "subword"

    def __init__(self, model: bytes) -> None:
        from sentencepiece import SentencePieceProcessor

        self.model = model
        self._processor: Any = SentencePieceProcessor(model_proto=model)

    @cached_property
    def table(self) -> list[str]:
        """The pieces."""
        return [self._processor.id_to_piece(k) for k in range(self._processor.get_piece_size())]

    @property
    def key(self) -> str:
        """What says how text is cut."""
        return f"{self.name} {digest_of(self.model)}"

    def fresh(self) -> Subwords:
        """Return the same."""
        return self

    def begin_with(self, table: Sequence[str]) -> None:
        """Check that a table is the model's."""
        if list(table) != self.table:
            raise ValueError("pieces of another subword model")

    def take(self, table: Sequence[str]) -> Array:
        """Return the same numbers."""
        self.begin_with(table)
        return np.arange(len(table), dtype=np.uint32)

    @cached_property
    def _end(self) -> int:
        return int(self._processor.piece_to_id(END))

    def number(self, symbol: str) -> int:
        """Return the number of a piece, -1 where it is none."""
        found = int(self._processor.piece_to_id(symbol))
        return found if found != self._processor.unk_id() or symbol == self.table[found] else -1

    def read(self, text: str) -> Array:
        """Return the numbers of pieces and line ends."""
        lines = text.split("\n")
        found: list[int] = []
        for pieces in self._processor.encode(lines):
            found += pieces
            found.append(self._end)
        return np.array(found[:-1], np.uint32)

    def spelling(self, symbol: str) -> str:
        """Return what the piece adds to a text; bytes of a character, one by one, cannot be shown."""
        return "\n" if symbol == END else symbol.replace(BLANK, " ")

    def join(self, symbols: Iterable[str], *, begins: bool) -> str:
        """Return the text, with characters that are spelt in bytes put together."""
        text = super().join(symbols, begins=begins)
        return _BYTES.sub(_decoded, text)

    def spell_each(self, numbers: Array, *, begins: bool) -> tuple[str, Array]:
        """Return the text and the characters of each piece; a byte counts as the characters it is written with."""
        text = super().join((self.table[number] for number in numbers), begins=begins)
        lengths = self._lengths[numbers]
        after = np.concatenate([[begins], numbers[:-1] == self._end])
        return text, lengths - (after & self._blank[numbers])


_BYTES = re.compile(r"(?:<0x[0-9A-F]{2}>)+")


def _decoded(found: re.Match[str]) -> str:
    return bytes(int(each, 16) for each in re.findall(r"0x(..)", found[0])).decode("utf-8", "replace")


def subword_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines from which subwords are found: those with a letter, cut at a blank where they are long."""
    for line in lines:
        yield from (piece for piece in textwrap.wrap(line, SUBWORD_LINE, break_on_hyphens=False) if piece)


def train_subwords(lines: Iterable[str], size: int, seed: int = 1, kind: SubwordName = "unigram") -> bytes:
    """Return a sentencepiece model of at most `size` pieces, trained on lines; blanks and letters stay as they are.

    Source: Kudo 2018, the unigram model; "bpe", pairs joined by frequency, is Sennrich et al. 2016. Raises OptionError
    where sentencepiece is missing, or the size too small.
    """
    try:
        import sentencepiece
    except ImportError:
        raise OptionError(
            "--level subword: needs sentencepiece, an extra: pip install -c constraints.txt '.[text]'"
        ) from None
    sentencepiece.set_random_generator_seed(seed)
    written = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=written,
            vocab_size=size,
            hard_vocab_limit=False,
            model_type=kind,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            byte_fallback=True,
            character_coverage=0.9999,
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            user_defined_symbols=[END],
            input_sentence_size=1_000_000,
            shuffle_input_sentence=True,
            max_sentence_length=100_000,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        reason = str(error).strip().rpartition("] ")[2].partition("\n")[0]
        raise OptionError(f"--vocabulary {size}: no subwords of so many pieces here ({reason})") from None
    return written.getvalue()
