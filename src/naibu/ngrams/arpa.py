"""ARPA files: the n-gram models that programs exchange, base-10 logarithms as text, order by order.

Read are those of other programs too: tabs or blanks, no backoff where it is 0, -99 for a probability of 0, `<UNK>`,
lines before the head, n-grams in any order, beginnings of n-grams that are not listed themselves.
"""

from __future__ import annotations

import gzip
import math
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from itertools import compress, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from naibu.data.events import Array
from naibu.data.files import read_file
from naibu.data.forms import UNKNOWN_WORD
from naibu.data.levels import END
from naibu.data.vocabulary import Vocabulary
from naibu.errors import CorpusError, OptionError
from naibu.memory import check_memory
from naibu.ngrams.tables import Table, find
from naibu.storage import delivered, open_regular

BEGIN = "<s>"
NEVER = -99.0
"""The logarithm of 0."""
HEAD = b"\\data\\"
FOREIGN = 4096
"""Bytes among which the head begins, where it is asked whether a file is one."""
AT_ONCE = 2**17
_COUNT = re.compile(rb"ngram\s+(\d{1,3})\s*=\s*(\d{1,18})")
_BLANK = re.compile(r"<U\+([0-9A-F]{4,6})>")


def is_arpa(path: Path) -> bool:
    """Return whether a file is an ARPA by its name, `.arpa` or `.arpa.gz`, or has its head near the beginning."""
    if path.name.lower().removesuffix(".gz").endswith(".arpa"):
        return True
    try:
        with open_regular(path) as file:
            unpacked = gzip.GzipFile(fileobj=file) if path.name.endswith(".gz") else file
            return any(line.strip() == HEAD for line in unpacked.read(FOREIGN).split(b"\n"))
    except (OSError, EOFError, zlib.error):
        return False


def write(path: Path, vocabulary: Vocabulary, tables: Sequence[Table], across: bool) -> None:
    """Write tables as ARPA; see `NGramModel.save_arpa`."""
    if BEGIN in vocabulary.index:
        raise OptionError(f"the text has the symbol {BEGIN}, which in ARPA is the beginning of a line; take it out")
    words = np.array([*(_written(symbol) for symbol in vocabulary.symbols), BEGIN], object)
    more = [f"{NEVER:g}\t{END}\t0\n"] if across else []  # which other programs miss
    there = [np.flatnonzero(~np.isnan(table.log_p)) for table in tables]
    opener = gzip.open if path.name.endswith(".gz") else open
    with delivered(path) as beside, opener(beside, "wt", encoding="utf-8", newline="\n") as file:
        file.write("\\data\\\n")
        file.writelines(f"ngram {n}={len(each) + len(more) * (n == 1)}\n" for n, each in enumerate(there, 1))
        grams = words
        for n, (table, numbers) in enumerate(zip(tables, there, strict=True), 1):
            if n > 1:
                before, last = np.divmod(table.keys, len(words))
                grams = grams[before] + " " + words[last]
            file.write(f"\n\\{n}-grams:\n")
            line = "%.12g\t%s\t%.12g\n" if n < len(tables) else "%.12g\t%s\n"
            for at in range(0, len(numbers), AT_ONCE):
                some = numbers[at : at + AT_ONCE]
                columns = (_log10(table.log_p[some]), grams[some], _log10(table.backoff[some]))
                rows = zip(*(each.tolist() for each in columns[: line.count("%")]), strict=True)
                file.writelines(map(line.__mod__, rows))
            file.writelines(more if n == 1 else ())
        file.write("\n\\end\\\n")


def _log10(values: Array) -> Array:
    return np.where(np.isneginf(values), NEVER, values / math.log(10))


def _written(symbol: str) -> str:
    return "".join(f"<U+{ord(letter):04X}>" if letter.isspace() else letter for letter in symbol)


class _Fields(NamedTuple):
    """The n-grams of one order as they stand, a list each: their lines, and what these have; 0 for no backoff."""

    lines: list[int]
    log_p: list[bytes]
    symbols: list[list[bytes]]
    backoff: list[bytes]

    def only(self, there: list[bool]) -> _Fields:
        """Return some of them."""
        symbols = [list(compress(column, there)) for column in self.symbols]
        log_p, backoff = (list(compress(column, there)) for column in (self.log_p, self.backoff))
        return _Fields(list(compress(self.lines, there)), log_p, symbols, backoff)


class _Rows(NamedTuple):
    """The n-grams of one order in numbers: symbols int64 [n gram], base e, and their lines."""

    symbols: Array
    log_p: Array
    backoff: Array
    lines: list[int]


class _File:
    """The lines of a file, and errors that name them."""

    def __init__(self, path: Path) -> None:
        data = read_file(path)
        check_memory(12 * len(data), f"reading {path}")
        self.path, self.lines = path, data.removeprefix(b"\xef\xbb\xbf").split(b"\n")

    def error(self, message: str, line: int | None = None) -> CorpusError:
        """Return an error at a line, numbered from 0."""
        return CorpusError(message, self.path, None if line is None else line + 1)

    def head(self) -> tuple[int, list[int]]:
        """Return the line after the head, and how many n-grams of each order it says there are."""
        begin = next((at for at, line in enumerate(self.lines) if line.strip() == HEAD), None)
        if begin is None:
            raise self.error("no ARPA file: it has no line \\data\\")
        counts, at = list[int](), begin + 1
        while at < len(self.lines) and not (line := self.lines[at].strip()).startswith(b"\\"):
            found = _COUNT.fullmatch(line)
            if line and (found is None or int(found[1]) != len(counts) + 1):
                raise self.error(f"{_shown(line)}: the head needs 'ngram {len(counts) + 1}=COUNT' here", at)
            if found:
                counts.append(int(found[2]))
            at += 1
        if not counts:
            raise self.error("the head says of no order how many n-grams there are: 'ngram 1=COUNT' is needed", begin)
        return at, counts

    def sections(self) -> Iterator[_Fields]:
        """Yield what stands in the file of each order."""
        at, counts = self.head()
        marks = [k for k in range(at, len(self.lines)) if self.lines[k].startswith(b"\\")]
        wanted = [*(f"\\{n}-grams:".encode() for n in range(1, len(counts) + 1)), b"\\end\\"]
        for k, want in enumerate(wanted):
            if k == len(marks):
                raise self.error(f"ends before {want.decode()}: it is torn, or no whole ARPA file")
            if self.lines[marks[k]].strip() != want:
                raise self.error(f"{_shown(self.lines[marks[k]])}: {want.decode()} is needed here", marks[k])
        for n, ((begin, end), count) in enumerate(zip(pairwise(marks[: len(wanted)]), counts, strict=True), 1):
            lines = self.lines[begin + 1 : end]
            sizes = [len(line.split()) for line in lines]
            there = [k for k, size in enumerate(sizes) if size]
            if len(there) != count:
                raise self.error(f"the head says {count:,} {n}-grams, and there are {len(there):,}", begin)
            for k in there:
                if not n < sizes[k] <= n + 2:
                    told = f"{sizes[k]} fields; a {n}-gram has its logarithm, {n} symbols and a backoff"
                    raise self.error(told, begin + 1 + k)
            fields = b"\n".join([lines[k] if sizes[k] == n + 2 else lines[k] + b" 0" for k in there]).split()
            log_p, *symbols, backoff = (fields[column :: n + 2] for column in range(n + 2))
            yield _Fields([begin + 1 + k for k in there], log_p, symbols, backoff)


def read(path: Path) -> tuple[Vocabulary, tuple[Table, ...], bool]:
    """Return the vocabulary of an ARPA file, its tables, and whether n-grams go on across lines; see `NGramModel`.

    Raises CorpusError, with the line where there is one, for a file that is none.
    """
    file, parts = _File(path), list[_Rows]()
    symbols, index, across = tuple[str, ...](), dict[bytes, int](), False
    for n, fields in enumerate(file.sections()):
        if n == 0:
            symbols, index, across = _symbols(file, fields)
            fields = fields.only([word in index for word in fields.symbols[0]])  # of characters, without </s>
        parts.append(_parsed(file, fields, index))
    return Vocabulary(symbols), _tables(file, parts, len(symbols) + 1), across


def _symbols(file: _File, fields: _Fields) -> tuple[tuple[str, ...], dict[bytes, int], bool]:
    """Return the symbols that are told, the number of each as it is written, and whether they are characters."""
    names = dict[str, bytes]()
    for at, word in zip(fields.lines, fields.symbols[0], strict=True):
        try:
            name = word.decode()
        except UnicodeDecodeError:
            raise file.error("not UTF-8; convert it, as with iconv -f latin1 -t utf-8", at) from None
        if name in names:
            raise file.error(f"the 1-gram {name!r} is there twice", at)
        names[name] = word
    begin = names.pop(BEGIN, BEGIN.encode())
    if UNKNOWN_WORD not in names:
        names = {UNKNOWN_WORD if name == "<UNK>" else name: word for name, word in names.items()}
        names.setdefault(UNKNOWN_WORD, UNKNOWN_WORD.encode())
    across = _written("\n") in names and all(len(_read(name)) == 1 for name in names if name not in (UNKNOWN_WORD, END))
    if across:
        names = {_read(name): word for name, word in names.items() if name != END}
    elif END not in names:
        raise file.error(f"no {END} among its 1-grams: it cannot tell the end of a line")
    index = {word: number for number, word in enumerate([*names.values(), begin])}
    return tuple(names), index, across


def _read(written: str) -> str:
    """Return the symbol that `_written` wrote."""
    found = _BLANK.fullmatch(written)
    letter = chr(int(found[1], 16)) if found and int(found[1], 16) <= sys.maxunicode else ""
    return letter if letter.isspace() else written


def _parsed(file: _File, fields: _Fields, index: dict[bytes, int]) -> _Rows:
    try:
        symbols = np.array([[index[word] for word in column] for column in fields.symbols], np.int64)
        log_p, backoff = (np.array([float(each) for each in column]) for column in (fields.log_p, fields.backoff))
    except (KeyError, ValueError):
        raise _first_wrong(file, fields, index) from None
    bad = np.flatnonzero(~(log_p <= 1e-6) | ~(backoff < np.inf))
    if len(bad):
        at = fields.lines[int(bad[0])]
        said = _shown(b" ".join(file.lines[at].split()))
        raise file.error(f"{said}: a logarithm of a probability is 0 or less, a backoff a number", at)
    log_p, backoff = (np.where(each <= NEVER, -np.inf, each * math.log(10)) for each in (log_p, backoff))
    return _Rows(symbols, log_p, backoff, fields.lines)


def _first_wrong(file: _File, fields: _Fields, index: dict[bytes, int]) -> CorpusError:
    for at, log_p, backoff, *words in zip(fields.lines, fields.log_p, fields.backoff, *fields.symbols, strict=True):
        for word in words:
            if word not in index:
                return file.error(f"{_shown(word)}: not among the 1-grams", at)
        for number in (log_p, backoff):
            try:
                float(number)
            except ValueError:
                return file.error(f"{_shown(number)}: must be a number", at)
    raise AssertionError("something is wrong")


def _tables(file: _File, parts: list[_Rows], size: int) -> tuple[Table, ...]:
    """Return tables in which what longer n-grams begin with stands too, NaN where it is not listed itself."""
    tables, numbers = list[Table](), [np.zeros(len(part.lines), np.int64) for part in parts]
    for n, part in enumerate(parts):  # numbers: of the first n symbols, part by part from this one on
        keys = [before * size + each.symbols[n] for before, each in zip(numbers, parts[n:], strict=True)]
        known = np.arange(size) if n == 0 else np.unique(np.concatenate(keys))
        if not len(known):
            break
        here, log_p, backoff = find(known, keys[0]), np.full(len(known), np.nan), np.zeros(len(known))
        if len(np.unique(here)) < len(here):
            order = np.argsort(here, kind="stable")
            twice = order[1:][here[order[1:]] == here[order[:-1]]].min()
            raise file.error(f"this {n + 1}-gram is there twice", part.lines[int(twice)])
        log_p[here], backoff[here] = part.log_p, part.backoff
        tables.append(Table(known, log_p, backoff))
        numbers = [find(known, each) for each in keys[1:]]
    tables[0].log_p[np.isnan(tables[0].log_p)] = -np.inf
    return tuple(tables)


def _shown(text: bytes) -> str:
    said = text.strip().decode("utf-8", "replace")
    return repr(said if len(said) <= 60 else f"{said[:57]}...")
