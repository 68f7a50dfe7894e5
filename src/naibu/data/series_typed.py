"""Rows of a series that somebody typed or pasted, as a network that learnt series reads them; and back as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from naibu.data.examples import Array
from naibu.data.series import SeriesWindows
from naibu.data.series_clock import in_zone, read_stamps
from naibu.data.series_coder import SeriesCoder
from naibu.data.series_grid import NONE, Asked, Covariate, Grid, read_grid
from naibu.data.series_opening import empty_grid, extended, reopened
from naibu.data.series_table import SEPARATORS, Table, is_missing
from naibu.errors import CorpusError, OptionError

MOST = 5_000
"""Steps of a typed text, at most: more come of a time stamp with a mistake."""
TIME, SERIES = "time", "series"
"""What the columns are called that have no name of their own in the data."""


class Columns(NamedTuple):
    """What stands in a line, in order: the time where there is a calendar, the series where there are several, the
    value, covariates."""

    time: str  # "" for none
    series: str  # "" for none
    value: str
    covariates: tuple[str, ...]

    @classmethod
    def of(cls, coder: SeriesCoder, options: Mapping[str, Any]) -> Columns:
        """Return the columns that a network reads, whose coder and options these are."""
        time = "" if coder.clock.unit == "row" else options["time"] or TIME
        several = len(coder.series) > 1
        targets = [*options["target"]]
        value = "value" if several else targets[0] if len(targets) == 1 else coder.series[0]
        series = (options["id"] or SERIES) if several else ""
        return cls(time, series, value, tuple(each.name for each in coder.covariates))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of a line."""
        return tuple(name for name in (self.time, self.series, self.value, *self.covariates) if name)


def told(coder: SeriesCoder, options: Mapping[str, Any]) -> str:
    """Return how a series is typed, in words."""
    columns = Columns.of(coder, options)
    line = f"A line a step: {', '.join(columns.names)}"
    if columns.time:
        line += f" (without the {columns.time}, steps of {coder.clock.words} from {coder.clock.shown(0)} on)"
    if options["decoder"] != "direct":
        return f"{line}. A value that is left empty is forecast all the same."
    return (
        f"{line}. The {coder.horizon} steps after the last line are forecast, or those after an empty line, behind "
        "which stands what is known ahead."
    )


def typed_series(text: str, coder: SeriesCoder, options: Mapping[str, Any], name: str) -> SeriesWindows:
    """Return the window over typed rows as a network reads it that learnt with these options: see `told`.

    Values are parted by commas, semicolons, tabs or bars, else by blanks; a first line that names the columns may have
    others besides. The window is as long as those that were learnt: earlier steps are missing, of later ones earlier
    weeks are read. Raises CorpusError, with the line, for what cannot be read, steps ahead that are too many or lack
    what is known ahead, and for more than `MOST` steps.
    """
    columns = Columns.of(coder, options)
    if len({*columns.names}) < len(columns.names):
        raise OptionError(f"columns {', '.join(columns.names)}: two have one name, so that no rows can be typed")
    rows, lines, first_ahead = _rows(text, columns, name)
    series = _series(rows, lines, columns, coder, name)
    steps = _steps(rows, lines, columns, coder, options, name)
    length = int(steps[-1] - steps[0]) + 1
    if length > MOST:
        raise CorpusError(f"{length:,} steps of {coder.clock.words}: {MOST:,} are read at most", name)
    own = {column: np.array([row[column] for row in rows], object) for column in (columns.value, *columns.covariates)}
    grid = _grid(Table(name, own, lines), steps, series, coder, columns)
    if options["decoder"] == "direct":
        read = length if first_ahead is None else int(steps[first_ahead - 1] - steps[0]) + 1
        _check_ahead(length - read, coder, columns, name)
        grid = extended(grid, coder.horizon - (length - read), {})
    else:
        read = length - coder.horizon  # the window ends with the last line
    return SeriesWindows(reopened(coder, grid, options["decoder"]), np.array([[series, read]]))


def _check_ahead(ahead: int, coder: SeriesCoder, columns: Columns, name: str) -> None:
    """Raise CorpusError where there are too many steps ahead, or too few to tell what is known of them."""
    if ahead > coder.horizon:
        raise CorpusError(f"{ahead} steps after the empty line: this network tells {coder.horizon} ahead", name)
    known = [each.name for each in coder.covariates if each.known]
    if known and ahead < coder.horizon:
        raise CorpusError(
            f"{', '.join(known)} {'is' if len(known) == 1 else 'are'} known ahead: give {coder.horizon} lines after an "
            f"empty line, not {ahead}; their {columns.value} may be left empty",
            name,
        )


def as_typed(windows: SeriesWindows, number: int, options: Mapping[str, Any]) -> str:
    """Return a window as one would type it: the steps that are read, an empty line, those that are forecast.

    The autoregressive decoder, which reads the value of the step before, has a step more, and no empty line.
    """
    source, coder = windows.source, windows.source.features.coder
    columns, grid = Columns.of(coder, options), windows.source.grid
    series, origin = windows.origins[number].tolist()
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    direct = source.decoder == "direct"
    for step in range(max(0, origin - source.context - (not direct)), min(grid.steps, origin + source.horizon)):
        if step == origin and direct:
            written.write("\n")
        line = [grid.clock.shown(step)] if columns.time else []
        line += [grid.series[series]] if columns.series else []
        line.append(_number(grid.values[series, step]))
        line += [_told(each, series, step) for each in grid.covariates]
        writer.writerow(line)
    return written.getvalue()


def _rows(text: str, columns: Columns, name: str) -> tuple[list[dict[str, str]], Array, int | None]:
    """Return the cells of every line by column, the numbers of the lines, and the first row after an empty line."""
    names, found, lines, ahead = columns.names, list[dict[str, str]](), list[int](), None
    head: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            ahead = len(found) if found and ahead is None else ahead
            continue
        cells = _cells(line, names)
        if head is None and not found and columns.value in cells and not _is_number(columns.value):
            head = cells
            missing = next((each for each in names if each not in head and each != columns.time), None)
            if missing is not None:
                raise CorpusError(f"the first line names no {missing}; a line has {', '.join(names)}", name, number)
            continue
        order = head if head is not None else list(names)
        if head is None and columns.time and len(cells) == len(names) - 1:
            order = list(names[1:])
        if len(cells) != len(order):
            raise CorpusError(f"{len(cells)} values, where a line has {', '.join(order)}", name, number)
        found.append(dict(zip(order, cells, strict=True)))
        lines.append(number)
    if not found:
        raise CorpusError(f"no line with a step; a line has {', '.join(names)}", name)
    return found, np.array(lines), None if ahead is None or ahead == len(found) else ahead


def _cells(line: str, names: Sequence[str]) -> list[str]:
    separator = next((each for each in SEPARATORS if each in line), None)
    if separator is None:
        cells = line.split()
        if len(cells) == len(names) + 1 and ":" in cells[1]:  # a date and a time of day
            cells = [" ".join(cells[:2]), *cells[2:]]
        return cells
    return [each.strip() for each in next(csv.reader([line], delimiter=separator))]


def _series(rows: Sequence[Mapping[str, str]], lines: Array, columns: Columns, coder: SeriesCoder, name: str) -> int:
    """Return the number of the series that all lines are of."""
    if not columns.series:
        return 0
    for row, line in zip(rows, lines.tolist(), strict=True):
        series = row[columns.series]
        if series not in coder.series:
            some = ", ".join(coder.series[:20])
            raise CorpusError(f"{columns.series} {series}: no such series was learnt; there are {some}", name, line)
        if series != rows[0][columns.series]:
            told_first = rows[0][columns.series]
            raise CorpusError(f"{columns.series} {series}: the lines before are of {told_first}; give one", name, line)
    return coder.series.index(rows[0][columns.series])


def _steps(
    rows: Sequence[Mapping[str, str]],
    lines: Array,
    columns: Columns,
    coder: SeriesCoder,
    options: Mapping[str, Any],
    name: str,
) -> Array:
    """Return the step of each row on the clock that was learnt, int64 [row]: by its time where that is given."""
    timed = [bool(columns.time and row.get(columns.time)) for row in rows]
    if not any(timed):
        return np.arange(len(rows))
    if not all(timed):
        line = int(lines[timed.index(False)])
        raise CorpusError(f"no {columns.time}, which other lines have; give it in all lines, or in none", name, line)
    stamps, aware = read_stamps([row[columns.time] for row in rows], name, lines)
    if aware:
        stamps = in_zone(stamps, options["zone"] or "UTC")
    steps = coder.clock.steps(stamps)
    back = np.flatnonzero(np.diff(steps) < 1)
    if len(back):
        told_time = rows[int(back[0]) + 1][columns.time]
        raise CorpusError(f"{told_time} is no step after the line before", name, int(lines[int(back[0]) + 1]))
    return steps


def _grid(table: Table, steps: Array, series: int, coder: SeriesCoder, columns: Columns) -> Grid:
    """Return typed rows on the steps of a network's grid, with all of its series, the others missing."""
    known = {each.name: each.known for each in coder.covariates}
    asked = Asked(
        time=columns.time or None,
        target=(columns.value,),
        known=tuple(name for name in columns.covariates if known[name]),
        past=tuple(name for name in columns.covariates if not known[name]),
    )
    if columns.time:
        times = coder.clock.times(steps)
        table = replace(table, columns={columns.time: times, **table.columns})
    found = read_grid(table, asked, like=replace(empty_grid(coder), series=(columns.value,)))
    values = np.full((len(coder.series), found.steps), np.nan)
    values[series] = found.values[0]
    by_name = {each.name: each for each in found.covariates}
    days = found.clock.times(steps - steps[0]).astype("datetime64[D]") if columns.time else steps
    covariates = [
        _all_day(by_name[name], table.columns[name], days, found) if by_name[name].daily else by_name[name]
        for name in columns.covariates
    ]
    return replace(found, series=coder.series, values=values, covariates=tuple(covariates))


def _all_day(covariate: Covariate, texts: Array, days: Array, grid: Grid) -> Covariate:
    """Return a daily covariate that holds for a day where any of its rows names something: a text may begin within a
    day."""
    codes = {name: code for code, name in enumerate(covariate.names or ())}
    named: dict[Any, int] = {}
    for day, text in zip(days.tolist(), texts.tolist(), strict=True):
        code = covariate.usual if is_missing(text) else codes.get(text, -1)
        if code != covariate.usual:
            named.setdefault(day, code)
    steps = grid.clock.times(np.arange(grid.steps)).astype("datetime64[D]").tolist()
    values = np.array([[named.get(day, covariate.usual) for day in steps]], np.float64)
    return replace(covariate, values=values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.10g}"


def _told(covariate: Covariate, series: int, step: int) -> str:
    value = float(covariate.values[series if len(covariate.values) > 1 else 0, step])
    if covariate.names is None:
        return _number(value)
    return covariate.names[int(value)] if value >= 0 else NONE
