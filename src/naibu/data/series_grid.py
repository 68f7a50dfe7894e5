"""Series on even steps: a table's rows put on them, missing ones as NaN, covariates beside; what was found is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from naibu.data.examples import Array
from naibu.data.series_clock import DAY, Clock, clock_of, in_zone, read_stamps, step_asked, twice
from naibu.data.series_table import Table, is_missing, read_table, time_column
from naibu.errors import CorpusError, OptionError

NONE = "none"
"""The category of a row that has none."""
MOST_STEPS = 50_000_000
"""Values of a grid, at most: a stamp in the year 1 is a mistake and not two thousand years of nothing."""


@dataclass(frozen=True)
class Asked:
    """Which columns of a table are what; names as in the table's head.

    known: covariates that are known ahead, past: those known only afterwards. id: the column that names the series of a
    row, in a long table. every, start: the step, and when the first row is, where there are no time stamps.
    """

    time: str | None = None
    target: tuple[str, ...] = ()
    id: str | None = None
    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    every: str | None = None
    start: str | None = None
    zone: str | None = None


@dataclass(frozen=True)
class Covariate:
    """Something beside the series at every step.

    values: float64 [series step], or [1 step] where it is the same for all; NaN where missing; codes of `names`, -1
        where missing, where it is categorical.
    daily: it was named at the first step of its days alone, and holds for all of each. usual: the code of an ordinary
        day, of such a covariate.
    """

    name: str
    values: Array
    known: bool
    names: tuple[str, ...] | None = None
    daily: bool = False
    usual: int = -1


@dataclass(frozen=True)
class Grid:
    """Series on the even steps of a clock.

    values: float64 [series step], NaN where missing. found: what was found, rows of a name and a text.
    """

    name: str
    clock: Clock
    series: tuple[str, ...]
    values: Array
    covariates: tuple[Covariate, ...] = ()
    found: tuple[tuple[str, str], ...] = field(default=())

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return int(self.values.shape[1])


def read_grid(source: Any, asked: Asked, *, like: Grid | None = None, ahead: bool = False) -> Grid:
    """Return the series of a file or data frame on even steps.

    Rows of one time stamp are one: the first of them counts for covariates, and for the series where they agree, else
    their mean. Several stamps within a step count as their mean. Order does not matter. Stamps with offsets from UTC
    are put into `asked.zone`, or stay in UTC; those without are local time, in which a day always has its 24 hours.
    like: another grid, whose clock, series and categories are taken. ahead: the series need not be there, but a row for
    every step.

    Raises CorpusError with the line of what cannot be read, OptionError for a column that is not there.
    """
    table = read_table(source)
    found: list[tuple[str, str]] = [("rows", f"{len(table):,}")]
    time = time_column(table, asked.time)
    targets = () if ahead and like is not None else _targets(table, asked, time, found)
    clock, stamps = _clock(table, asked, time, like, found)
    places = clock.steps(stamps)
    ids, names = _ids(table, asked, targets, like)
    first, last = int(places.min()), int(places.max())
    if (last - first + 1) * len(names) > MOST_STEPS:
        told = f"from {clock.shown(first)} to {clock.shown(last)} are {last - first + 1:,} steps of {clock.words}: "
        raise CorpusError(told + "mend a time stamp that is far from the others, or say --every", table.name)
    clock = replace(clock, start=clock.start + first * clock.count)
    rows = _Rows(table, places - first, stamps, ids, last - first + 1, len(names))
    if targets and asked.id is None:
        values = np.stack([rows.mean(table.numbers(name, "--target")) for name in targets])
        values = values.reshape(len(targets), -1)
    elif targets:
        values = rows.mean(table.numbers(targets[0], "--target"))
    else:
        values = np.full((len(names), rows.steps), np.nan)
    covariates = [_covariate(table, rows, name, clock, asked, like, found) for name in (*asked.known, *asked.past)]
    if ahead:
        _refuse_gaps(rows, clock, table)
    else:
        _say(rows, values, clock, names, table, asked, time, targets, found)
    return Grid(table.name, clock, names, values, tuple(covariates), tuple(found))


def _targets(table: Table, asked: Asked, time: str | None, found: list[tuple[str, str]]) -> tuple[str, ...]:
    """Return the columns that are forecast: those asked for, or all columns of numbers where there are no others."""
    if asked.id is not None:
        table.column(asked.id, "--id")
    given = tuple(name for each in asked.target for name in ([each] if each in table.columns else each.split(",")))
    for name in given:
        table.column(name, "--target")
    taken = {time, asked.id, *asked.known, *asked.past}
    others = [name for name in table.columns if name not in taken]
    if not given:
        given = tuple(name for name in others if table.is_numeric(name))
        if len(given) > 1 and (len(given) < len(others) or asked.id is not None or asked.known or asked.past):
            raise OptionError(f"--target: say which column is forecast, one or more of {', '.join(given[:20])}")
        if not given:
            told = f"no column of numbers to forecast; it has {', '.join([*table.columns][:20])}"
            raise CorpusError(told, table.name)
    twin = next((name for name in given if given.count(name) > 1 or name in taken), None)
    if twin is not None:
        raise OptionError(f"--target {twin}: named twice; a column is forecast, or known, or the time, or the id")
    if asked.id is not None and len(given) > 1:
        raise OptionError(f"--id {asked.id}: a long table has one --target, not {len(given)} ({', '.join(given)})")
    left = [name for name in others if name not in given]
    if left:
        found.append(("not read", ", ".join(left)))
    return given


def _clock(
    table: Table, asked: Asked, time: str | None, like: Grid | None, found: list[tuple[str, str]]
) -> tuple[Clock, Array]:
    """Return the clock, and every row's stamp, int64 [row]."""
    if time is None:
        if asked.id is not None:
            raise OptionError(f"--id {asked.id}: a long table needs time stamps; say which column with --time")
        if (asked.start is None) != (asked.every is None):
            raise OptionError("--start and --every: give both, for a table without time stamps, or neither")
        if asked.start is None or asked.every is None:
            found.append(("time", "no column of time stamps: rows are steps, without a calendar (--start, --every)"))
            return Clock("row", 1, 0), np.arange(len(table))
        unit, count = step_asked(asked.every)
        begun, _ = read_stamps([asked.start], "--start")
        start = (
            int(begun[0])
            if unit == "second"
            else int(begun.astype("datetime64[s]").astype("datetime64[M]")[0].astype(int))
        )
        clock = Clock(unit, count, start)
        found.append(("time", f"rows are steps of {clock.words} from {clock.shown(0)} on"))
        return clock, np.asarray(clock.times(np.arange(len(table))).astype(np.int64))
    stamps, aware = read_stamps(table.columns[time], table.name, table.lines)
    zone = asked.zone or ("UTC" if aware else "")
    doubled = np.zeros(len(stamps), bool)
    if aware:
        stamps = in_zone(stamps, zone)
    elif asked.zone:
        doubled = twice(stamps, asked.zone)
    back = int(np.sum(np.diff(stamps) < 0)) if asked.id is None else 0
    if back:
        found.append(("out of order", f"{back:,} rows come before their time; put in order"))
    if like is not None:
        return like.clock, stamps
    clock, how = clock_of(stamps, asked.every, zone)
    found.append(("time", f"{time}, steps of {clock.words} ({how})" + (f", in {zone}" if zone else ", local time")))
    elsewhere = int(np.sum(stamps % DAY != 0)) if clock.unit == "month" or clock.count % DAY == 0 else 0
    if aware and not asked.zone and elsewhere:
        told = f"none is given: stamps are put into UTC, where {elsewhere:,} of {len(stamps):,} are no midnights"
        found.append(("zone", f"{told}; days and months are those of UTC, not of the place; say --zone"))
    if doubled.any():
        told = f"{int(doubled.sum())} rows at hours that come twice, as clocks are put back in {asked.zone}"
        found.append(("daylight saving", told))
    return clock, stamps


def _ids(table: Table, asked: Asked, targets: Sequence[str], like: Grid | None) -> tuple[Array | None, tuple[str, ...]]:
    """Return the number of the series of each row, int64 [row], None where rows are of all, and the series' names."""
    if asked.id is None:
        return None, like.series if like is not None else tuple(targets)
    values = table.column(asked.id, "--id").astype(str)
    missing = np.flatnonzero([is_missing(each) for each in values])
    if len(missing):
        raise CorpusError(
            f"the column {asked.id} is empty: no series is named", table.name, table.line(int(missing[0]))
        )
    if like is None:
        names, codes = np.unique(values, return_inverse=True)
        return codes.astype(np.int64), tuple(map(str, names))
    place = {name: number for number, name in enumerate(like.series)}
    for row, each in enumerate(values):
        if each not in place:
            told = f"{asked.id} {each}: no series of that name was learnt; there are {', '.join(like.series[:20])}"
            raise CorpusError(told, table.name, table.line(row))
    return np.array([place[each] for each in values], np.int64), like.series


class _Rows:
    """Which rows of a table lie in which step of which series."""

    def __init__(self, table: Table, places: Array, stamps: Array, ids: Array | None, steps: int, series: int) -> None:
        self.table, self.steps, self.series, self.long = table, steps, series if ids is not None else 1, ids is not None
        self.cell = places if ids is None else ids * steps + places
        self.order = np.lexsort((np.arange(len(stamps)), stamps, self.cell))
        cells = self.cell[self.order]
        new = np.append(True, np.diff(cells) != 0)
        self.begins, self.cells = np.flatnonzero(new), cells[new]
        same = np.append(False, (np.diff(cells) == 0) & (np.diff(stamps[self.order]) == 0))
        self.surplus, self.twins = int(same.sum()), int(np.sum(same & ~np.append(False, same[:-1])))

    def mean(self, values: Array) -> Array:
        """Return the mean of a column in each step, NaN where there is none, float64 [series step] or [1 step]."""
        sorted_ = values[self.order]
        there = ~np.isnan(sorted_)
        total = np.add.reduceat(np.where(there, sorted_, 0.0), self.begins)
        count = np.add.reduceat(there.astype(np.float64), self.begins)
        first = np.maximum.reduceat(np.where(there, sorted_, -np.inf), self.begins)  # exact where all are equal
        least = np.minimum.reduceat(np.where(there, sorted_, np.inf), self.begins)
        with np.errstate(invalid="ignore"):
            mean = np.where(count == 0, np.nan, np.where(first == least, first, total / np.maximum(count, 1)))
        return self._put(mean, np.nan)

    def first(self, values: Array, nothing: float) -> Array:
        """Return the first row's value in each step."""
        return self._put(values[self.order][self.begins].astype(np.float64), nothing)

    def differing(self, values: Array) -> int:
        """Return in how many steps rows have different values."""
        sorted_ = values[self.order]
        low = np.fmin.reduceat(sorted_, self.begins)
        return int(np.sum(np.fmax.reduceat(sorted_, self.begins) > low))

    def _put(self, values: Array, nothing: float) -> Array:
        out = np.full(self.series * self.steps, nothing)
        out[self.cells] = values
        return out.reshape(self.series, self.steps)


def _covariate(
    table: Table,
    rows: _Rows,
    name: str,
    clock: Clock,
    asked: Asked,
    like: Grid | None,
    found: list[tuple[str, str]],
) -> Covariate:
    """Return one covariate on the steps; categorical where it was so in `like`, or is no column of numbers."""
    known = name in asked.known
    before = None if like is None else next(each for each in like.covariates if each.name == name)
    values = table.column(name, "--known" if known else "--past")
    if before.names is None if before is not None else table.is_numeric(name):
        return Covariate(name, rows.first(table.numbers(name, "--known"), np.nan), known)
    texts = np.array([NONE if is_missing(each) else str(each).strip() for each in values])
    names = before.names if before is not None and before.names else tuple(map(str, np.unique(texts)))
    place = {each: code for code, each in enumerate(names)}
    codes = rows.first(np.array([place.get(each, -1) for each in texts], np.float64), -1)
    usual = before.usual if before is not None and before.usual >= 0 else _usual_code(codes, names)
    daily = before.daily if before is not None else _is_daily(codes, usual, clock)
    if not daily:
        return Covariate(name, codes, known, names)
    if before is None:
        found.append((name, "stands at the first step of its days alone; taken to hold for all of each"))
    return Covariate(name, _all_day(codes, usual, clock), known, names, True, usual)


def _usual_code(codes: Array, names: Sequence[str]) -> int:
    """Return the code of what is usual: of no name where there is one, else the most frequent; -1 without any."""
    if NONE in names:
        return names.index(NONE)
    there = codes[codes >= 0].astype(np.int64)
    return int(np.bincount(there).argmax()) if len(there) else -1


def _is_daily(codes: Array, usual: int, clock: Clock) -> bool:
    """Return whether what is not usual is named at the first step of days alone."""
    if not clock.per(DAY):
        return False
    special = (codes >= 0) & (codes != usual)
    seconds = clock.times(np.arange(codes.shape[1])).astype(np.int64) % DAY
    return bool(special.any() and not special[:, seconds >= clock.count].any())


def _all_day(codes: Array, usual: int, clock: Clock) -> Array:
    """Return codes of which that of a day's first step holds for the day; what is usual where that is missing."""
    times = clock.times(np.arange(codes.shape[1]))
    days = times.astype("datetime64[D]").astype(np.int64)
    days -= days[0]
    first = times.astype(np.int64) % DAY < clock.count
    table = np.full((len(codes), int(days[-1]) + 1), float(usual))
    for row in range(len(codes)):
        named = first & (codes[row] >= 0)
        table[row, days[named]] = codes[row, named]
    return np.asarray(table[:, days])


def _refuse_gaps(rows: _Rows, clock: Clock, table: Table) -> None:
    """Raise CorpusError where a step between the first row and the last has none."""
    gaps = np.setdiff1d(np.arange(rows.steps), rows.cells % rows.steps)
    if len(gaps):
        told = f"has a gap at {clock.shown(int(gaps[0]))}: a row for every {clock.words} is needed"
        raise CorpusError(told, table.name)


def _say(
    rows: _Rows,
    values: Array,
    clock: Clock,
    names: Sequence[str],
    table: Table,
    asked: Asked,
    time: str | None,
    targets: Sequence[str],
    found: list[tuple[str, str]],
) -> None:
    """Say what was found of the series. Raises CorpusError where there is nothing to learn."""
    if values.shape[1] < 2:
        raise CorpusError("one step of time alone: a series needs many", table.name)
    if np.isnan(values).all():
        raise CorpusError(f"all values of {', '.join(targets[:20])} are missing", table.name)
    if rows.surplus:
        differ = sum(rows.differing(table.numbers(name, "--target")) for name in targets)
        how = f"{differ:,} of the steps have different values, their mean is taken" if differ else "values agree"
        kept = "; the first row counts for covariates" if asked.known or asked.past else ""
        found.append(("same time stamp", f"{rows.surplus:,} surplus rows at {rows.twins:,} stamps; {how}{kept}"))
    if len(names) > 1:
        found.append(("series", f"{len(names):,}, one network with a vector for each"))
    found.append(("from, to", f"{clock.shown(0)}, {clock.shown(values.shape[1] - 1)}; {values.shape[1]:,} steps"))
    missing = np.isnan(values)
    if missing.any():
        gone = np.concatenate([np.zeros((len(values), 1), bool), missing, np.zeros((len(values), 1), bool)], 1)
        edges = np.diff(gone.astype(np.int8), axis=1)
        lengths = np.argwhere(edges == -1)[:, 1] - np.argwhere(edges == 1)[:, 1]
        told = (
            f"{int(missing.sum()):,} of {missing.size:,} steps, in {len(lengths):,} gaps, the longest {lengths.max():,}"
        )
        found.append(("missing", told + "; masked, never filled"))


def check_counts(grid: Grid) -> None:
    """Raise OptionError where a value is no count, which a negative binomial would tell as another number."""
    for series, row in zip(grid.series, grid.values, strict=True):
        for step in np.flatnonzero((row < 0) | (row != np.round(row)) & ~np.isnan(row))[:1].tolist():
            raise OptionError(
                f"--distribution negative-binomial: tells counts, 0, 1, 2 and so on; {series} is {row[step]:g} at "
                f"{grid.clock.shown(step)}; take student, gaussian or quantiles"
            )
