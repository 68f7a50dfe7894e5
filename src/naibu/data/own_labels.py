"""Labels of one's own for texts and for either side of translations, from files of columns beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from naibu.data.events import Array
from naibu.data.examples import Column, Data, Examples
from naibu.data.files import read_file, text_of
from naibu.data.labels import column_of
from naibu.data.levels import END
from naibu.data.parallel import Pairs
from naibu.data.running_text import Text
from naibu.data.vocabulary import escape, unescape
from naibu.errors import CorpusError, OptionError
from naibu.storage import digest_of_file

if TYPE_CHECKING:
    from naibu.data.batch import Batch

PARTS = ("train", "validation", "test")
KINDS = ("symbol", "word")
"""What a line of a file is about, which its header says: a symbol of the level, or a word, as blanks part them."""


@dataclass(frozen=True)
class Line:
    """A line of a text: its symbols one after the other, and which word each lies in.

    word: int64 [symbol], the word of the line that the symbol's last letter lies in, -1 where that is a blank or the
        end of the line. ends: whether the last symbol is the end of the line, which a file may leave out.
    """

    symbols: list[str]
    words: list[str]
    word: Array
    ends: bool


def labelled(data: Data, files: Sequence[str | Path]) -> Data:
    """Return data whose steps have, besides their own labels, those in files of columns.

    files: `FILE`, or of a network that translates `source:FILE` or `target:FILE`; several of one stream stand one after
        the other, and together they have a line for every symbol of all that was read: of the text to learn, then of
        the validation files, then of the test files, as the options had them. A file is in UTF-8 with tabs: a header,
        `symbol<TAB>name...` or `word<TAB>name...`, then a line for each symbol, or for each word as blanks part them,
        with its values, and an empty line between lines of the text. Symbols are those of the level, before rare ones
        become `<unk>`, with line ends, tabs and backslashes as in vocabulary.txt; the end of a line may be left out. A
        word's value is that of each symbol whose last letter is in it. An empty value or `_` is none, and so is that
        of the end of a sentence that a translation reads first.

    A column of numbers is numeric (NaN for none), any other categorical. Raises CorpusError with the line where a file
    does not have the symbols of the text, OptionError for data that has no such labels, and for a stream that it has
    not.
    """
    own: dict[str, dict[str, Column]] = {}
    digest = ""
    for stream, paths in _by_stream(data, files).items():
        own[stream] = _read(paths, data.test, stream)
        digest += stream + "".join(map(digest_of_file, paths))
    parts: dict[str, Any] = {
        part: Labelled(examples, {name: _of_steps(examples, name, columns) for name, columns in own.items()}, digest)
        for part, examples in ((part, getattr(data, part)) for part in PARTS)
    }
    return replace(data, **parts)


class Labelled(Examples):
    """Examples with labels besides their own; in all else they are those examples.

    own: stream -> name -> column [step] of all examples. digest: of the files that they come from.
    """

    def __init__(self, examples: Examples, own: Mapping[str, Mapping[str, Column]], digest: str) -> None:
        self.examples, self.own, self.digest = examples, own, digest
        self.streams = examples.streams

    def __len__(self) -> int:
        return len(self.examples)

    def __repr__(self) -> str:
        return f"Labelled({self.examples!r})"

    @property
    def singled_out(self) -> str | None:
        """The class that the examples single out."""
        return self.examples.singled_out

    @property
    def made_from(self) -> str:
        """The checksums of the files."""
        return self.digest

    def lengths_of(self, stream: str) -> Array:
        """Return the steps of every example, int64 [example]."""
        return self.examples.lengths_of(stream)

    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return what is read at every step."""
        return self.examples.inputs(stream)

    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the names of the examples' labels, then those of one's own."""
        return (*self.examples.labels(stream), *self.own.get(stream, ()))

    def label(self, name: str, stream: str = "input") -> Column:
        """Return a label of every step. Raises OptionError as the examples do."""
        found = self.own.get(stream, {}).get(name)
        return self.examples.label(name, stream) if found is None else found

    def subset(self, which: Array, /) -> Labelled:
        """Return the chosen examples with their labels."""
        numbers = np.arange(len(self))[which]
        own = {
            stream: {name: _chosen(column, self.lengths_of(stream), numbers) for name, column in columns.items()}
            for stream, columns in self.own.items()
        }
        return Labelled(self.examples.subset(which), own, self.digest)

    def batch(self, which: Array) -> Batch:
        """Return the chosen examples side by side."""
        return self.examples.batch(which)

    def before(self, which: Array) -> Iterator[tuple[Array, Batch]]:
        """Yield what stands before the chosen examples."""
        return self.examples.before(which)

    def classes(self) -> tuple[str, ...] | None:
        """Return the classes that are predicted."""
        return self.examples.classes()

    def seen(self) -> Array:
        """Return whether each example occurs in training too."""
        return self.examples.seen()


def _chosen(column: Column, lengths: Array, numbers: Array) -> Column:
    starts = np.cumsum(lengths) - lengths
    steps = [np.arange(starts[k], starts[k] + lengths[k]) for k in numbers]
    return column._replace(values=column.values[np.concatenate([np.zeros(0, np.int64), *steps])])


def _by_stream(data: Data, files: Sequence[str | Path]) -> dict[str, list[Path]]:
    """Return the files of each stream, in the order given."""
    if not isinstance(data.test, Text | Pairs):
        raise OptionError(
            f"--labels {files[0]}: is for networks of text and of translation; this one learnt {data.task}"
            + ("; trees take their labels as they are read: naibu train trees --labels FILE" * (data.task == "trees"))
        )
    found: dict[str, list[Path]] = {}
    streams = data.test.streams
    for each in map(str, files):
        stream, colon, path = each.partition(":")
        if len(streams) == 1:
            stream, path = streams[0], each
        elif not colon or stream not in streams:
            ways = " or ".join(f"{name}:{each}" for name in streams)
            raise OptionError(f"--labels {each}: say which side it labels, {ways}")
        found.setdefault(stream, []).append(Path(path))
    return found


def _read(paths: Sequence[Path], examples: Examples, stream: str) -> dict[str, Column]:
    """Return the columns of a stream's files, a value for every symbol of all that was read."""
    lines = lines_of(examples, stream)
    taken = examples.labels(stream)
    names: list[str] = []
    columns: list[list[str]] = []
    kind = ""
    for place, path in enumerate(paths):
        rows = text_of(read_file(path), str(path)).split("\n")
        found = _header(rows[0].rstrip("\r").split("\t"), taken, path)
        if place and found != (kind, names):
            message = f"the header is {' '.join((found[0], *found[1]))}, that of {paths[0]} {' '.join((kind, *names))}"
            raise CorpusError(message, path, 1)
        kind, names = found
        columns = columns or [[] for _ in names]
        _match(rows, kind, lines, columns, path, last=place == len(paths) - 1)
    return {name: column_of(name, column, paths[0]) for name, column in zip(names, columns, strict=True)}


def _header(header: list[str], taken: Sequence[str], path: Path) -> tuple[str, list[str]]:
    names = header[1:]
    if header[0] not in KINDS or not names:
        message = "the first line has to be `symbol` or `word`, a tab and the names of the labels, with tabs between"
        raise CorpusError(message, path, 1)
    for number, name in enumerate(names):
        if not name or name in names[:number] or name in taken:
            raise CorpusError(f"the label name {name!r} is empty, there twice, or one of Naibu's own", path, 1)
        if ":" in name:
            raise CorpusError(f"the label name {name!r} has a colon, which parts names of Naibu's own", path, 1)
    return header[0], names


def _match(
    rows: Sequence[str], kind: str, lines: Iterator[Line], columns: list[list[str]], path: Path, *, last: bool
) -> None:
    """Put the values of a file's rows in the columns, line of the text after line; a file that is not the last ends
    where its rows do. Raises CorpusError where a row is not what the text has."""
    at = _after_empty(rows, 1)
    while at < len(rows) or last:
        line = next(lines, None)
        if line is None:
            if at < len(rows):
                raise CorpusError(f"{rows[at].split(chr(9))[0]!r} stands where the text has ended", path, at + 1)
            return
        begin = at
        values, at = _values(rows, at, kind, line, len(columns), path)
        if begin < at < len(rows) and rows[at].rstrip("\r"):
            message = f"{rows[at].split(chr(9))[0]!r} stands where a line of the text has ended: an empty line has to"
            raise CorpusError(message, path, at + 1)
        at = _after_empty(rows, at)
        which = range(len(line.symbols)) if kind == "symbol" else line.word.tolist()
        for number, column in enumerate(columns):
            column.extend("" if place < 0 else values[place][number] for place in which)


def _values(rows: Sequence[str], at: int, kind: str, line: Line, width: int, path: Path) -> tuple[list[list[str]], int]:
    """Return the values of every symbol, or word, of a line of the text from row `at` on, and the row after them."""
    wanted, values = line.symbols if kind == "symbol" else line.words, list[list[str]]()
    for place, symbol in enumerate(wanted):
        fields = rows[at].rstrip("\r").split("\t") if at < len(rows) else [""]
        if fields != [""] and len(fields) != width + 1:
            raise CorpusError(f"{len(fields)} columns where the header has {width + 1}", path, at + 1)
        if fields != [""] and unescape(fields[0]) == symbol:
            values.append(fields[1:])
            at += 1
        elif kind == "symbol" and line.ends and place == len(wanted) - 1:  # the end of a line may be left out
            values.append([""] * width)
        else:
            within = "line" if _after_empty(rows, at) < len(rows) else "file"
            stands = f"{fields[0]!r} stands" if fields != [""] else f"the {within} ends"
            raise CorpusError(
                f"{stands} where the text has the {kind} {escape(symbol)!r}", path, min(at + 1, len(rows))
            )
    return values, at


def _after_empty(rows: Sequence[str], at: int) -> int:
    while at < len(rows) and not rows[at].rstrip("\r"):
        at += 1
    return at


def lines_of(examples: Examples, stream: str) -> Iterator[Line]:
    """Yield the lines of all that was read of a stream of texts or translations, those of other parts too; together
    their symbols are those that `places_of` of the examples numbers."""
    parts: Iterator[tuple[Array, bool]]
    if isinstance(examples, Pairs):
        side = examples.sides[stream]
        table, level = side.level.table, side.level
        ranges = zip(side.starts[:-1].tolist(), side.starts[1:].tolist(), strict=True)
        parts = ((side.numbers[begin:end], False) for begin, end in ranges)
    else:
        assert isinstance(examples, Text)
        table, level = examples.source.level.table, examples.source.level
        parts = _cut_at_ends(examples.source.numbers, level.number(END))
    for numbers, ends in parts:
        text, lengths = level.spell_each(numbers[: len(numbers) - ends], begins=True)
        word = _words_in(text)[np.cumsum(lengths) - 1] if len(lengths) else np.zeros(0, np.int64)
        words = [level.join([each], begins=True) for each in text.split()]  # letters in bytes as they are written
        word = np.concatenate([word, np.full(int(ends), -1)])
        yield Line([table[k] for k in numbers.tolist()], words, word, ends)


def _cut_at_ends(numbers: Array, end: int) -> Iterator[tuple[Array, bool]]:
    """Yield the symbols of every line of a text with its end, and whether it has one."""
    piece, begin = 2**22, 0
    for at in range(0, len(numbers), piece):
        for stop in (at + np.flatnonzero(numbers[at : at + piece] == end)).tolist():
            yield numbers[begin : stop + 1], True
            begin = stop + 1
    if begin < len(numbers):
        yield numbers[begin:], False


def _words_in(text: str) -> Array:
    """Return which word each letter of a text is in, int64 [letter], -1 at blanks."""
    blank = np.fromiter((letter.isspace() for letter in text), bool, len(text))
    begins = ~blank & np.concatenate([[True], blank[:-1]])
    return np.where(blank, -1, np.cumsum(begins) - 1)


def _of_steps(examples: Examples, stream: str, columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return columns [symbol] as columns [step] of some examples."""
    assert isinstance(examples, Text | Pairs)
    places, found = examples.places_of(stream), dict[str, Column]()
    for name, column in columns.items():
        none = np.nan if column.names is None else -1
        values = np.append(column.values, np.asarray([none], column.values.dtype))
        found[name] = column._replace(values=values[places])
    return found
