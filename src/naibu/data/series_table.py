"""Tables of anybody's: CSV, Parquet, data frames of pandas or polars; columns of text or numbers, with their lines."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from naibu.data.examples import Array
from naibu.data.files import read_file, text_of
from naibu.errors import CorpusError, OptionError

NOTHING = frozenset({"", "na", "n/a", "nan", "nat", "null", "none", "?", "-", "<na>"})
"""How a missing value is written, in any case of letters."""
SEPARATORS = ",;\t|"
TIME_NAMES = ("time", "date_time", "datetime", "timestamp", "date", "ds", "period", "month", "year", "")
"""What a column of time stamps is called where nobody says which it is, the likeliest first."""


@dataclass(frozen=True)
class Table:
    """Columns by name, all of equal length.

    name: of the file, for errors. columns: strings or numbers, [row]. lines: the line of the file that each row ends
    at, from 1, or None for a frame.
    """

    name: str
    columns: dict[str, Array]
    lines: Array | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def column(self, name: str, option: str) -> Array:
        """Return a column; `option` is where the user named it. Raises OptionError listing those there are."""
        if name not in self.columns:
            there = [*self.columns]
            more = f" and {len(there) - 20} more" if len(there) > 20 else ""
            raise OptionError(f"{option} {name}: no such column in {self.name}; it has {', '.join(there[:20])}{more}")
        return self.columns[name]

    def line(self, row: int) -> int | None:
        """Return the line of a row, None in a frame."""
        return None if self.lines is None else int(self.lines[row])

    def numbers(self, name: str, option: str) -> Array:
        """Return a column of numbers, float64 [row], NaN where missing.

        Raises CorpusError with the line for text, or an infinite number, in it.
        """
        values = self.column(name, option)
        if values.dtype.kind in "iufb":
            found = values.astype(np.float64)
        else:
            try:
                found = values.astype(np.float64)
            except (ValueError, TypeError):
                found = np.array([_number(each) for each in values], np.float64)
                texts = np.array([is_missing(each) for each in values], bool)
                self._refuse(name, values, np.isnan(found) & ~texts, "is no number")
        self._refuse(name, values, np.isinf(found), "is infinite")
        return found

    def is_numeric(self, name: str) -> bool:
        """Return whether a column holds numbers alone, and at least one."""
        values = self.columns[name]
        if values.dtype.kind in "iufb":
            return bool(np.any(~np.isnan(values.astype(np.float64))))
        if values.dtype.kind == "M":
            return False
        some = 0
        for each in values:
            if not is_missing(each):
                if np.isnan(_number(each)):
                    return False
                some += 1
        return some > 0

    def _refuse(self, name: str, values: Array, wrong: Array, what: str) -> None:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            line = self.line(row)
            place = f"row {row + 1}: " if line is None else ""
            told = f"{place}{str(values[row])!r} in the column {name} {what}; mend it, or leave it empty if missing"
            raise CorpusError(told, self.name, line)


def is_missing(value: Any) -> bool:
    """Return whether a value stands for none."""
    return value is None or (str(value).strip().lower() in NOTHING)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def read_table(source: str | Path | Any) -> Table:
    """Return the table of a CSV file (.gz too), a Parquet file where pyarrow is there, or a data frame; a table itself.

    Raises CorpusError for a file that is no such table, has no row, or rows of other lengths than its head.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, str | Path):
        path = Path(source)
        if path.is_dir():
            raise CorpusError("is a folder; give the name of a table, CSV or Parquet", path)
        return _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _csv(path)
    return _frame(source)


def _csv(path: Path) -> Table:
    if not path.exists():
        raise CorpusError("there is no such file", path)
    text = text_of(read_file(path), str(path))
    head = text[: text.find("\n")] if "\n" in text else text
    separator = max(SEPARATORS, key=lambda each: (head.count(each), -SEPARATORS.index(each)))
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        for row in reader:
            if row and (len(row) > 1 or row[0].strip()):
                if len(row) != len(names):
                    told = f"{len(row)} values, but the head names {len(names)} columns"
                    raise CorpusError(told, path, reader.line_num)
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise CorpusError(f"cannot be read as CSV: {error}", path, reader.line_num) from None
    if not rows:
        raise CorpusError("no rows: the first line names the columns, a row follows for each time", path)
    columns = {name: np.array(values, object) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    _refuse_twins(names, path)
    return Table(str(path), columns, np.array(lines))


def _refuse_twins(names: Sequence[str], path: Path) -> None:
    twin = next((name for name in names if names.count(name) > 1), None)
    if twin is not None:
        raise CorpusError(f"two columns are called {twin!r}: two series of the same name; rename one", path, 1)


def _parquet(path: Path) -> Table:
    if not path.exists():
        raise CorpusError("there is no such file", path)
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise CorpusError("reading Parquet needs pyarrow (pip install pyarrow); or write it as CSV", path) from None
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise CorpusError(f"cannot be read as Parquet: {str(error).partition(chr(10))[0]}", path) from None
    columns = {str(name): np.asarray(table[name].to_numpy()) for name in table.column_names}
    if not len(table):
        raise CorpusError("no rows", path)
    return Table(str(path), columns)


def _frame(frame: Any) -> Table:
    """Return a data frame of pandas or polars, whichever it is, as a table."""
    if not hasattr(frame, "columns"):
        raise OptionError(f"{type(frame).__name__}: give the name of a file, or a data frame of pandas or polars")
    names = [str(name) for name in frame.columns]
    columns = {str(name): np.asarray(frame[name].to_numpy()) for name in frame.columns}
    index = getattr(frame, "index", None)
    if index is not None and getattr(getattr(index, "dtype", None), "kind", "") == "M":
        columns = {str(index.name or "time"): np.asarray(index.to_numpy()), **columns}
    elif index is not None and hasattr(index, "to_timestamp"):
        columns = {str(index.name or "time"): np.asarray(index.to_timestamp().to_numpy()), **columns}
    if not names or not len(frame):
        raise CorpusError("no rows", "the data frame")
    _refuse_twins(names, Path("the data frame"))
    return Table("the data frame", columns)


def time_column(table: Table, asked: str | None) -> str | None:
    """Return the name of the column of time stamps: the one asked for, else the one that looks like it, else None."""
    if asked is not None:
        table.column(asked, "--time")
        return asked
    for name in table.columns:
        if table.columns[name].dtype.kind == "M":
            return name
    lower = {name.lower(): name for name in table.columns}
    return next((lower[name] for name in TIME_NAMES if name in lower), None)
