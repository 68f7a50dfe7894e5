"""Tables of points: rows with an id and a time, that are series of one class each; movement computed where asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import numpy as np

from naibu.data.classes import motion
from naibu.data.classes.rows import Asked, Row, Rows
from naibu.data.classes.tables import Table
from naibu.data.events import Array
from naibu.errors import CorpusError

LATITUDE, LONGITUDE = ("latitude", "lat"), ("longitude", "lon", "lng", "long")
MISSING = ("", "?", "nan", "na", "null", "none")
FORMATS = ("%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S")
"""How time stamps may be written besides as ISO 8601 and as seconds."""


class _Point(NamedTuple):
    line: int
    seconds: float
    cells: dict[str, str]


class Plan(NamedTuple):
    """What is read of a table of points: columns as they are, and features of movement from two more."""

    columns: tuple[str, ...]
    features: tuple[str, ...]
    places: tuple[str, str] | None

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of what is read at every step."""
        return self.columns + motion.channels_of(self.features)


def read_points(table: Table, asked: Asked, notes: list[tuple[str, str]], *, class_known: bool = False) -> Rows:
    """Return a table of points as series, one for each id, in the order of their times.

    Points of one id at one time are one, the first; how many those are, and how many stood out of order, is noted.
    Raises CorpusError with the line for what is no number, no time, and for an id with two classes.
    """
    assert asked.id is not None
    own = [("--id", asked.id), *(("--time", each) for each in (asked.time,) if each)]
    there = [] if class_known or asked.class_ is None else [("--class", asked.class_)]
    table.require([*own, *there])
    plan, points = None, defaultdict[str, list[_Point]](list)
    for line, cells in table:
        plan = plan or _plan(table, asked, cells)
        seconds = _seconds(cells[asked.time], table.name, line) if asked.time else float(len(points[cells[asked.id]]))
        points[cells[asked.id]].append(_Point(line, seconds, cells))
    if plan is None:
        raise CorpusError("a table without rows", table.name)
    rows, double, moved = list[Row](), 0, 0
    for name, some in points.items():
        times = np.array([point.seconds for point in some])
        moved += int((np.diff(times) < 0).sum())
        _, first = np.unique(times, return_index=True)
        double += len(some) - len(first)
        kept = [some[number] for number in first.tolist()]
        label, values = _label(kept, asked, table.name), _values(kept, plan, table.name)
        rows.append(Row(values, label, table.name, kept[0].line, name=name))
    for number, what in (
        (double, "points left out: their id has a point at the same time"),
        (moved, "places at which points stood out of the order of time; they are sorted"),
    ):
        if number:
            notes.append(("points", f"{number:,} {what}"))
    if plan.features:
        notes.append(("computed", ", ".join(motion.channels_of(plan.features))))
    return Rows("numbers", "points", rows, plan.channels, notes)


def _plan(table: Table, asked: Asked, first: dict[str, str]) -> Plan:
    """Return which columns are read, and what is computed: what is asked for, else movement where there are places, and
    all columns of numbers but the places, id, time and class."""
    places = _places(table.columns)
    own = {asked.id, asked.time, asked.class_}
    if asked.features:
        columns = tuple(name for name in asked.features if name in table.columns)
        features = tuple(name for name in asked.features if name not in columns and name in motion.FEATURES)
        for name in asked.features:
            if name not in columns and name not in features:
                known = ", ".join((*table.columns, *motion.FEATURES))
                raise CorpusError(
                    f"--features {name}: no such column, and nothing that is computed; there are {known}", table.name
                )
    else:
        aside = own | set(places or ())
        columns = tuple(name for name in table.columns if name not in aside and _is_number(first[name]))
        features = tuple(motion.FEATURES) if places and asked.time else ()
    if features and (places is None or asked.time is None):
        raise CorpusError(f"--features {features[0]}: needs columns latitude and longitude, and --time", table.name)
    if not columns and not features:
        raise CorpusError("no column of numbers is left to read; name some with --features", table.name)
    return Plan(columns, features, places)


def _places(columns: Sequence[str]) -> tuple[str, str] | None:
    found = [next((name for name in columns if name.strip().lower() in names), None) for names in (LATITUDE, LONGITUDE)]
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def _label(points: Sequence[_Point], asked: Asked, name: str) -> str | None:
    if asked.class_ is None:
        return None
    labels = {point.cells.get(asked.class_, "") for point in points} - {""}
    if len(labels) > 1:
        one, other = sorted(labels)[:2]
        line = next(point.line for point in points if point.cells[asked.class_] == other)
        raise CorpusError(
            f"{asked.id} {points[0].cells[asked.id or '']!r} is of two classes, {one} and {other}; a series has one",
            name,
            line,
        )
    return labels.pop() if labels else None


def _values(points: Sequence[_Point], plan: Plan, name: str) -> Array:
    parts = [_column(points, column, name) for column in plan.columns]
    found = np.stack(parts, 1) if parts else np.zeros((len(points), 0))
    if not plan.features:
        return found
    assert plan.places is not None
    latitude, longitude = (_column(points, place, name, whole=True) for place in plan.places)
    distance, bearing = motion.great_circle(latitude, longitude)
    seconds = np.array([point.seconds for point in points])
    return np.concatenate([found, motion.moving(distance, bearing, seconds, plan.features)], axis=1)


def _column(points: Sequence[_Point], column: str, name: str, *, whole: bool = False) -> Array:
    return np.array([number_of(point.cells[column], column, name, point.line, whole=whole) for point in points])


def number_of(cell: str, column: str, name: str, line: int, *, whole: bool = False) -> float:
    """Return a cell as a number, NaN where it is empty; CorpusError for text, infinity, or, if `whole`, nothing."""
    if cell.strip().lower() in MISSING and not whole:
        return float("nan")
    try:
        found = float(cell)
    except ValueError:
        found = float("inf")
    if not np.isfinite(found):
        raise CorpusError(f"column {column}: {cell!r} is no number", name, line)
    return found


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.strip().lower() in MISSING
    return True


def _seconds(cell: str, name: str, line: int) -> float:
    """Return a time in seconds: a number of them, or a time stamp, of which one without a zone is taken for UTC."""
    try:
        return number_of(cell, "", name, line, whole=True)
    except CorpusError:
        pass
    for read in _readers():
        try:
            found: datetime = read(cell.strip())
        except ValueError:
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    raise CorpusError(f"{cell!r} is no time: neither seconds nor as 2024-05-31T12:00:00", name, line)


def _readers() -> Iterator[Callable[[str], datetime]]:
    yield datetime.fromisoformat
    yield from (partial(_strptime, form) for form in FORMATS)


def _strptime(form: str, text: str) -> datetime:
    return datetime.strptime(text, form)
