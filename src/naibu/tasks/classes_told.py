"""What a network tells of files of sequences: their rows again, with the class and its probability behind each."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naibu.data.classes.rows import Row, Rows
from naibu.data.classes.tables import Table
from naibu.data.classes.texts import numbered_lines, read_text
from naibu.data.events import Array
from naibu.data.files import SourceFile, open_files
from naibu.errors import CorpusError
from naibu.shown import Row as Shown
from naibu.tasks.task import Predicted

COLUMNS = ("predicted", "probability")


@dataclass(frozen=True)
class ClassesTold(Predicted):
    """Classes of the rows of files, `probabilities [row class]`; `names` are those of the classes.

    each: whether the probability of every class is written too.
    """

    read: Rows
    files: tuple[Path, ...]
    names: tuple[str, ...]
    probabilities: Array
    each: bool

    def rows(self) -> list[Shown]:
        """Return file, line, predicted class and its probability of every row, and its class where the file says it."""
        return [
            {"file": row.file, "line": row.line or None, "id": row.name or None, "class": row.label, **self._of(k)}
            for k, row in enumerate(self.read.rows)
        ]

    def lines(self) -> Iterator[str]:
        """Yield the rows of a table with two columns more; lines of text with both behind them, parted by tabs; of
        series a table (CSV) of which series they are and both."""
        form = self.read.format
        if form in ("tab", "blank", "files", "trees"):
            told, named = _Places(self.read.rows), {row.file for row in self.read.rows}
            for file in self._opened():
                if file.name not in named:  # a notice, or empty: no row is of it
                    continue
                for number, line in numbered_lines(read_text(file, [])):
                    yield "\t".join([line.rstrip("\r"), *self._cells(told.at(file.name, number))])
            told.check_end()
        elif form == "column":
            told = _Places(self.read.rows)
            for file in self._opened():
                yield from self._table(Table(file, []), file, told)
            told.check_end()
        else:
            what = ["id"] if form == "points" else ["file", "line"]
            yield _csv([*what, *self._heads()], ",")
            for k, row in enumerate(self.read.rows):
                yield _csv([*([row.name] if form == "points" else [row.file, str(row.line)]), *self._cells(k)], ",")

    def _table(self, table: Table, file: SourceFile, told: _Places) -> Iterator[str]:
        if double := next((name for name in self._heads() if name in table.columns), None):
            raise CorpusError(f"it has a column {double} already; call that something else", table.name)
        if table.json:  # as it was written, numbers as numbers
            for number, line in numbered_lines(read_text(file, [])):
                yield json.dumps(json.loads(line) | self._of(told.at(file.name, number)), ensure_ascii=False)
            return
        yield _csv([*table.columns, *self._heads()], table.separator)
        for number, cells in table:
            yield _csv([*cells.values(), *self._cells(told.at(file.name, number))], table.separator)

    def _opened(self) -> Iterator[SourceFile]:
        return (file for path in self.files for file in open_files(path))

    def _heads(self) -> list[str]:
        return [*COLUMNS, *(f"p({name})" for name in self.names if self.each)]

    def _of(self, k: int) -> dict[str, Any]:
        best = int(self.probabilities[k].argmax())
        found: dict[str, Any] = {
            "predicted": self.names[best],
            "probability": round(float(self.probabilities[k, best]), 6),
        }
        more = zip(self.names, self.probabilities[k].tolist(), strict=True) if self.each else ()
        return found | {f"p({name})": round(value, 6) for name, value in more}

    def _cells(self, k: int) -> list[str]:
        return [str(value) for value in self._of(k).values()]


class _Places:
    """Rows that were read, asked for again one after the other by where they stand."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows, self._done = rows, 0

    def at(self, file: str, line: int) -> int:
        """Return the number of the row at a line, which has to be the next. Raises CorpusError where it is not: the
        file is another than the one that was read."""
        row = self._rows[self._done] if self._done < len(self._rows) else None
        if row is None or (row.file, row.line) != (file, line):
            raise CorpusError("this line was not there when the file was read: it has changed since", file, line)
        self._done += 1
        return self._done - 1

    def check_end(self) -> None:
        """Raise CorpusError where rows were read that are not there any more."""
        if self._done < len(self._rows):
            row = self._rows[self._done]
            told = "this line is not there any more: the file has changed since it was read"
            raise CorpusError(told, row.file, row.line)


def _csv(cells: Sequence[str], separator: str) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=separator, lineterminator="").writerow(cells)
    return written.getvalue()


def without_class(rows: Sequence[Row], names: tuple[str, ...]) -> list[Row]:
    """Return rows whose classes are left away where the network knows no such class."""
    return [row if row.label in names else row._replace(label=None) for row in rows]
