"""The symbols that a network knows, numbered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from naibu.data.events import Array
from naibu.data.forms import UNKNOWN_CLOSE, UNKNOWN_OPEN, UNKNOWN_WORD, Form
from naibu.data.trees import CLOSE, OPEN, WORD
from naibu.errors import CorpusError, OptionError
from naibu.shown import Row, Shown, some
from naibu.storage import MOST, open_regular

SMALLEST = 10
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, repr=False)
class Vocabulary(Shown):
    """Symbols in the order of their numbers: the marks, the unknown ones, then by falling frequency."""

    symbols: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.symbols)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} symbols: {some(self.symbols)})"

    def rows(self) -> list[Row]:
        """Return a row for each symbol: number, symbol."""
        return [{"number": number, "symbol": symbol} for number, symbol in enumerate(self.symbols)]

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each symbol."""
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    @property
    def unknown(self) -> int | None:
        """The number of `<unk>`, None in forms without words."""
        return self.index.get(UNKNOWN_WORD)

    @property
    def unknown_ids(self) -> tuple[int, ...]:
        """The numbers of `<unk>`, `(<unk>` and `<unk>)`, as far as the form has them."""
        found = (self.index.get(symbol) for symbol in (UNKNOWN_WORD, UNKNOWN_OPEN, UNKNOWN_CLOSE))
        return tuple(number for number in found if number is not None)

    def encode(self, symbols: Iterable[str]) -> Array:
        """int32 numbers of symbols; unknown ones become `<unk>`, keeping the direction of a bracket.

        Raises OptionError for a symbol that is unknown in a form that has no unknown ones.
        """
        return np.array([self._number(symbol) for symbol in symbols], np.int32)

    def decode(self, numbers: Sequence[int] | Array) -> list[str]:
        """The symbols of numbers."""
        return [self.symbols[number] for number in numbers]

    def save(self, path: str | Path) -> None:
        """Write one symbol a line, with line ends, tabs and backslashes written `\\n`, `\\r`, `\\t`, `\\\\`."""
        text = "".join(escape(symbol) + "\n" for symbol in self.symbols)
        Path(path).write_text(text, encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """The vocabulary that `save` wrote; CorpusError for a file that is missing or no vocabulary."""
        try:
            with open_regular(path) as file:
                lines = file.read(MOST).decode("utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise CorpusError(f"cannot be read as a vocabulary: {error}", path) from None
        symbols = tuple(unescape(line) for line in lines[:-1])
        if not symbols or lines[-1]:
            raise CorpusError("no vocabulary: one symbol a line, each line ended", path)
        if len(set(symbols)) < len(symbols):
            double = next(number for number, symbol in enumerate(symbols) if symbol in symbols[:number])
            raise CorpusError(f"the symbol {symbols[double]!r} is there twice", path, double + 1)
        return cls(symbols)

    def _number(self, symbol: str) -> int:
        found = self.index.get(symbol)
        if found is None and symbol.startswith("("):
            found = self.index.get(UNKNOWN_OPEN)
        if found is None and symbol.endswith(")"):
            found = self.index.get(UNKNOWN_CLOSE)
        if found is None:
            found = self.unknown
        if found is None:
            shown = " ".join(self.symbols[:8])
            raise OptionError(f"the symbol {symbol!r} is not in the vocabulary, which begins with {shown}")
        return found


def build(keys: Array, form: Form, table: Sequence[str], limit: int) -> tuple[Vocabulary, Array]:
    """The vocabulary of training symbols, and int32 [key] the number of every key that the corpus can have.

    keys: int64 [token], the training tokens in reading order. limit: the most symbols, marks and unknown
    ones included; the most frequent stay, of equally frequent ones those that come first.
    """
    if limit < SMALLEST:
        raise OptionError(f"vocabulary {limit} is too small: give at least {SMALLEST} symbols")
    size = len(table)
    counts = np.bincount(keys, minlength=3 * size + 2)
    first = np.full(len(counts), len(keys), np.int64)
    first[keys[::-1]] = np.arange(len(keys))[::-1]
    marks, unknown = form.marks(), form.unknown()
    symbols = [*marks, *unknown.values()]
    counts[3 * size :] = 0
    # A corpus prepared by others may hold `<unk>` itself: it is the same symbol.
    literal = 2 * size + table.index(UNKNOWN_WORD) if UNKNOWN_WORD in table else None
    if literal is not None:
        counts[literal] = 0
    known = np.flatnonzero(counts)
    known = known[np.lexsort((first[known], -counts[known]))][: limit - len(symbols)]
    numbers = np.zeros(3 * size + 2, np.int32)
    for kind in (OPEN, CLOSE, WORD):
        numbers[kind * size : (kind + 1) * size] = symbols.index(unknown[kind]) if kind in unknown else -1
    numbers[known] = np.arange(len(symbols), len(symbols) + len(known))
    numbers[3 * size :] = range(len(marks)) if len(marks) == 2 else 0
    symbols += [form.spell(int(key), table) for key in known]
    return Vocabulary(tuple(symbols)), numbers


def numbered(symbols: Sequence[str], form: Form, table: Sequence[str]) -> tuple[Vocabulary, Array]:
    """The vocabulary of given symbols, and int32 [key] the number of every key that the corpus can have in it.

    -1 for a key that is neither among the symbols nor has an unknown one. Raises OptionError where the form's own
    symbols are missing: they are those of another form.
    """
    found, unknown = Vocabulary(tuple(symbols)), form.unknown()
    for own in (*form.marks(), *unknown.values()):
        if own not in found.index:
            raise OptionError(f"form {form.name!r} has the symbol {own!r}, which is not among those given")
    size = len(table)
    numbers = np.zeros(3 * size + 2, np.int32)
    for key in range(3 * size):
        stands_in = found.index.get(unknown.get(key // size, ""), -1)
        numbers[key] = found.index.get(form.spell(key, table), stands_in)
    numbers[3 * size :] = [found.index.get(form.spell(key, table), 0) for key in (3 * size, 3 * size + 1)]
    return found, numbers


def escape(symbol: str) -> str:
    """The symbol on one line of a file, without tabs."""
    return "".join(_ESCAPES.get(letter, letter) for letter in symbol)


def unescape(line: str) -> str:
    """The symbol that `escape` wrote."""
    if "\\" not in line:
        return line
    parts = line.split("\\\\")
    return "\\".join(part.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t") for part in parts)
