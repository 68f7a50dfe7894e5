"""What of a sequence is seen: its columns and the values of chosen units over some steps, as JSON, binary or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from naibu.errors import OptionError
from naibu.recording.index import SPLITS, Array
from naibu.recording.recording import Recording
from naibu.recording.store import Key
from naibu.viewer.exhibits import Exhibit
from naibu.viewer.numbers import plain

LONGEST = 2_000
"""Steps of one window, at most."""
LARGEST = 2**22
"""Values of one window, at most."""


class Window(NamedTuple):
    """Steps `start` to `stop` of one sequence."""

    sequence: int
    start: int
    stop: int
    first: int  # row of the first step
    length: int  # of the whole sequence

    @property
    def rows(self) -> slice:
        """The rows of the recording."""
        return slice(self.first, self.first + self.stop - self.start)


def window(exhibit: Exhibit, sequence: int, start: int = 0, stop: int | None = None) -> Window:
    """Return some steps of a sequence, LONGEST at most. Raises OptionError where there is no such sequence or step."""
    first, last = exhibit.sequences.span(sequence)
    length = last - first
    if not 0 <= start < max(1, length):
        raise OptionError(f"step {start}: sequence {sequence} has steps 0 to {length - 1}")
    end = min(length, start + LONGEST) if stop is None else min(stop, length, start + LONGEST)
    return Window(sequence, start, max(start, end), first + start, length)


def columns(recording: Recording, seen: Window) -> dict[str, Any]:
    """Return every column of the index over some steps, as plain values: codes where there are names, the names beside
    them, None for NaN."""
    index, rows = recording.index, seen.rows
    found: dict[str, Any] = {
        "sequence": seen.sequence,
        "start": seen.start,
        "stop": seen.stop,
        "length": seen.length,
        "row": seen.first,
        "number": int(index.sequence[seen.first]) if seen.stop > seen.start else seen.sequence,
        "split": SPLITS[int(index.split[seen.first])] if seen.stop > seen.start else "",
        "seen": bool(index.seen[seen.first]) if seen.stop > seen.start else False,
    }
    kinds = (("inputs", index.input_names, index.input), ("labels", index.label_names, index.label))
    for kind, names, of in kinds:
        found[kind] = {name: _column(of(name).values[rows], of(name).names) for name in names}
    found["outcomes"] = {}
    for name in index.outcome_names:
        column = index.outcome(name)
        spelled = column.names or (index.classes if name in ("gold", "predicted") else None)
        found["outcomes"][name] = _column(column.values[rows], spelled or None)
    return found


def _column(values: Array, names: Sequence[str] | None) -> dict[str, Any]:
    """Return values as plain ones; of a categorical column only the names that occur, and codes of these."""
    values = np.asarray(values)
    if names is not None:
        codes, places = np.unique(values, return_inverse=True)
        spelled = [names[code] if 0 <= code < len(names) else None for code in codes.tolist()]
        return {"codes": places.tolist(), "names": spelled, "values": codes.tolist()}
    if values.dtype.kind == "f":
        return {"numbers": [plain(value) for value in values.tolist()]}
    return {"numbers": values.tolist()}


def values(recording: Recording, key: Key, units: Sequence[int] | None, seen: Window) -> Array:
    """Return values float16 `[step unit]` of chosen units, of all where None.

    Beyond the range of float16 they are its ends. Raises OptionError for a unit that is not there, and a window that is
    too large.
    """
    count = recording.units(key)
    for unit in units or ():
        if not 0 <= unit < count:
            raise OptionError(f"unit {unit}: {'/'.join(key)} has units 0 to {count - 1}")
    size = (seen.stop - seen.start) * (count if units is None else len(units))
    if size > LARGEST:
        raise OptionError(f"{size:,} values: must be {LARGEST:,} at most; ask for fewer steps or units")
    found = recording[key][seen.rows] if units is None else recording[key][seen.rows, list(units)]
    return halves(found)


def halves(found: Array) -> Array:
    """Return values as little-endian float16, those beyond its range as its ends."""
    most = np.finfo(np.float16).max
    return np.clip(found, -most, most).astype("<f2") if found.dtype != np.float16 else found.astype("<f2", copy=False)


def text_of(recording: Recording, seen: Window) -> list[str]:
    """Return what was read at some steps, in words: the symbol, or the numbers."""
    index, rows = recording.index, seen.rows
    if index.symbols:
        return [index.symbols[code] if 0 <= code < len(index.symbols) else "?" for code in index.symbol[rows].tolist()]
    parts = [_said(_column(column.values[rows], column.names)) for column in map(index.input, index.input_names)]
    steps = range(seen.stop - seen.start)
    return [" ".join(part[step] for part in parts) or str(seen.start + step) for step in steps]


def _said(column: dict[str, Any]) -> list[str]:
    """Return values in words: names, and numbers to four digits."""
    return [each if isinstance(each, str) else "–" if each is None else f"{each:.4g}" for each in _spelled(column)]


def table(recording: Recording, seen: Window, chosen: Iterable[tuple[Key, int]]) -> Iterator[list[Any]]:
    """Yield a header, then a row for each step: what was read, labels, outcomes, and the values of chosen units."""
    told = columns(recording, seen)
    chosen = list(chosen)
    series = [values(recording, key, [unit], seen)[:, 0].astype(np.float64).tolist() for key, unit in chosen]
    names, parts = ["step", "read"], [range(seen.start, seen.stop), text_of(recording, seen)]
    for kind in ("labels", "outcomes"):
        for name, column in told[kind].items():
            names.append(name)
            parts.append(_spelled(column))
    yield [*names, *(f"{layer}/{signal}:{unit}" for (layer, signal), unit in chosen)]
    for row in zip(*parts, *series, strict=True):
        yield list(row)


def _spelled(column: dict[str, Any]) -> list[Any]:
    if "codes" in column:
        return [column["names"][code] for code in column["codes"]]
    numbers: list[Any] = column["numbers"]
    return numbers


def as_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as CSV; a text that a spreadsheet would take for a formula has an apostrophe before it."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    for row in rows:
        writer.writerow(
            [
                "'" + value if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
                for value in row
            ]
        )
    return written.getvalue()
