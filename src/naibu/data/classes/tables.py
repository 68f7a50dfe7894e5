"""Tables of rows by the names of their columns: CSV, TSV and JSON lines, with the line of the file each stands in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from naibu.data.classes.texts import read_text
from naibu.data.files import SourceFile
from naibu.errors import CorpusError

LARGEST_CELL = 2**24
"""Characters of the largest cell that is read."""
_LINES = (".jsonl", ".ndjson", ".json")


class _Cells(dict[str, str]):
    """The cells of a line of JSON by column; one that is asked for and not there is an error with its place."""

    def __init__(self, cells: Mapping[str, str], name: str, line: int) -> None:
        super().__init__(cells)
        self._name, self._line = name, line

    def __missing__(self, column: str) -> str:
        raise CorpusError(f"no {column!r} in this line; every line has to have it", self._name, self._line)


class Table:
    """A table whose rows are read when asked for: `columns`, and an iterator over (line, cells by column)."""

    def __init__(self, file: SourceFile, notes: list[tuple[str, str]]) -> None:
        self.name = file.name
        self._text = read_text(file, notes)
        self.json = file.extension in _LINES or self._text.lstrip()[:1] == "{"
        self.separator = "" if self.json else _separator(self._text)
        first = next(self._cells(), None) if self.json else next(self._split(), (1, []))
        if first is None or not first[1]:
            raise CorpusError("an empty table", self.name)
        self.columns = tuple(first[1])
        double = next((name for number, name in enumerate(self.columns) if name in self.columns[:number]), None)
        if double is not None:
            raise CorpusError(f"two columns are called {double!r}", self.name, 1)

    def require(self, columns: Sequence[tuple[str, str]]) -> None:
        """Raise CorpusError for the first (option, column) whose column is not there, with those that are."""
        for option, column in columns:
            if column not in self.columns:
                raise CorpusError(f"{option} {column}: no such column; there are {', '.join(self.columns)}", self.name)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        if self.json:
            yield from self._cells()
            return
        rows = self._split()
        next(rows)
        for line, cells in rows:
            if len(cells) != len(self.columns):
                raise CorpusError(f"{len(cells)} cells, where the head has {len(self.columns)}", self.name, line)
            yield line, dict(zip(self.columns, cells, strict=True))

    def _cells(self) -> Iterator[tuple[int, dict[str, str]]]:
        for number, line in enumerate(self._text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except ValueError as error:
                raise CorpusError(f"not JSON: {error}", self.name, number) from None
            if not isinstance(found, dict):
                raise CorpusError("not a JSON object with a value for each column", self.name, number)
            cells = {key: "" if value is None else str(value) for key, value in found.items()}
            yield number, _Cells(cells, self.name, number)

    def _split(self) -> Iterator[tuple[int, list[str]]]:
        """Yield rows of cells with the line on which each begins; a cell in quotes may run over several."""
        before = csv.field_size_limit(LARGEST_CELL)
        reader, begins = csv.reader(io.StringIO(self._text), delimiter=self.separator, strict=True), 1
        try:
            for cells in reader:
                if cells and (len(cells) > 1 or cells[0].strip()):
                    yield begins, cells
                begins = reader.line_num + 1
        except csv.Error as error:
            raise CorpusError(f"not a table ({error})", self.name, begins) from None
        finally:
            csv.field_size_limit(before)


def is_table(name: str) -> bool:
    """Return whether a file is a table by its name."""
    return Path(name.lower().removesuffix(".gz")).suffix in (".csv", ".tsv", *_LINES)


def _separator(text: str) -> str:
    """Return what parts the cells of the head: a tab, a semicolon or a comma, whichever it has most of."""
    head = text.lstrip("\ufeff").partition("\n")[0]
    return max("\t;,", key=lambda each: (head.count(each), each == ","))
