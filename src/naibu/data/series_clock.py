"""Time stamps and the even steps that they are put on: reading them, finding the step, and what the calendar says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from naibu.data.examples import Array
from naibu.errors import CorpusError, OptionError

UnitName = Literal["second", "month", "row"]
DAY, WEEK = 86_400, 604_800
"""Seconds."""
ROUND = (1, 5, 10, 15, 20, 30, 60, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY, WEEK)
"""Steps in seconds that are taken where the most frequent one would leave more than half of the steps empty."""
FULL = 0.5
"""Share of the steps that have a row, of those a step has to leave at least."""
WORDS = {"s": 1, "sec": 1, "min": 60, "t": 60, "h": 3600, "d": DAY, "w": WEEK}
MONTHS = {"month": 1, "mo": 1, "quarter": 3, "q": 3, "year": 12, "y": 12}
UNITS = {1: "second", 60: "minute", 3600: "hour", DAY: "day", WEEK: "week"}


@dataclass(frozen=True)
class Clock:
    """Even steps of time: step 0 is at `start`, each has `count` units.

    unit: "second"; "month", for months, quarters and years, which are not equally long; or "row" where there are no
        time stamps, and nothing is known of the calendar.
    start: seconds since 1970, months since 1970, or 0.
    zone: the time zone that stamps with an offset were put into, "" where they have none.
    """

    unit: UnitName
    count: int
    start: int
    zone: str = ""

    @property
    def words(self) -> str:
        """The length of a step for people: 5 minutes."""
        if self.unit == "second":
            size = max(size for size in UNITS if self.count % size == 0)
            many, name = self.count // size, UNITS[size]
        else:
            many, name = self.count, self.unit
            if name == "month" and many in (3, 12):
                many, name = 1, {3: "quarter", 12: "year"}[many]
        return f"{many} {name}{'' if many == 1 else 's'}"

    def times(self, steps: Array) -> Array:
        """Return when steps begin, datetime64[s] of the same shape, in local time. Only where there is a calendar."""
        steps = np.asarray(steps, np.int64)
        if self.unit == "month":
            months = (self.start + self.count * steps).astype("datetime64[M]")
            return months.astype("datetime64[s]")
        found: Array = (self.start + self.count * steps).astype("datetime64[s]")
        return found

    def steps(self, stamps: Array) -> Array:
        """Return in which step stamps (seconds since 1970, or rows) lie, int64 of the same shape."""
        stamps = np.asarray(stamps, np.int64)
        values = months_of(stamps) if self.unit == "month" else stamps
        return (values - self.start) // self.count

    def shown(self, step: int) -> str:
        """Return when a step begins, as it stands in files."""
        if self.unit == "row":
            return str(step)
        text = str(self.times(np.array(step)))
        if self.unit == "month":
            return text[:10]
        return text.replace("T", " ") if self.count % DAY or self.start % DAY else text[:10]

    def per(self, seconds: int) -> int:
        """Return how many steps so many seconds have, 0 where they are no whole number of steps, or fewer than two."""
        fits = self.unit == "second" and seconds % self.count == 0 and seconds // self.count > 1
        return seconds // self.count if fits else 0

    def seasons(self) -> dict[str, int]:
        """Return the spans after which things come again, in steps, the shortest first: day, week, year."""
        if self.unit == "month":
            return {"year": 12 // self.count} if 12 % self.count == 0 and self.count < 12 else {}
        found = {"day": self.per(DAY), "week": self.per(WEEK)}
        if self.unit == "second" and self.count == WEEK:
            found["year"] = 52
        return {name: steps for name, steps in found.items() if steps}

    def slots(self) -> int:
        """Return how many steps a week has, or a year of months; 1 where there is no such season."""
        return max([1, *self.seasons().values()])


def months_of(seconds: Array) -> Array:
    """Return the month that seconds since 1970 lie in, months since 1970."""
    months: Array = np.asarray(seconds, np.int64).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    return months


def weekday(days: Array) -> Array:
    """Return 0 for Monday to 6 for Sunday, int64, of datetime64[D]."""
    return np.asarray((days.astype(np.int64) + 3) % 7)


def read_stamps(texts: Sequence[Any] | Array, name: str, lines: Array | None = None) -> tuple[Array, bool]:
    """Return time stamps as seconds since 1970, int64 [row], and whether they have offsets from UTC.

    ISO 8601 in any precision, 1949-01 and 1949 too, dates with slashes in the order year, month, day, and seconds or
    milliseconds since 1970. Stamps without an offset stay the local time they are. Raises CorpusError with the line for
    one that cannot be read, and for some with and some without an offset.
    """
    values = np.asarray(texts)
    if values.dtype.kind == "M":
        return values.astype("datetime64[s]").astype(np.int64), False
    if values.dtype.kind in "iuf" and len(values) and np.all(np.abs(values) > 1e8):
        size = 1000 if np.abs(values).max() > 1e11 else 1
        return (values.astype(np.int64) // size), True
    found, aware = np.empty(len(values), np.int64), np.empty(len(values), bool)
    kept: dict[str, tuple[int, bool]] = {}
    for row, text in enumerate(map(str, values)):
        if text not in kept:
            try:
                kept[text] = _read(text.strip())
            except ValueError:
                line = None if lines is None else int(lines[row])
                told = f"{text!r} cannot be read as a time: write 2016-12-31 23:00, with +01:00 behind it where need be"
                raise CorpusError(told, name, line) from None
        found[row], aware[row] = kept[text]
    if len(aware) and aware.any() != aware.all():
        row = int(np.flatnonzero(aware != aware[0])[0])
        line = None if lines is None else int(lines[row])
        raise CorpusError(f"{values[row]}: some time stamps have an offset from UTC and some have not", name, line)
    return found, bool(aware.any())


def _read(text: str) -> tuple[int, bool]:
    if re.fullmatch(r"\d{4}", text):
        text += "-01-01"
    elif re.fullmatch(r"\d{4}[-/]\d{1,2}", text):
        year, month = re.split("[-/]", text)
        text = f"{year}-{int(month):02d}-01"
    elif quarter := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text):
        text = f"{quarter[1]}-{3 * int(quarter[2]) - 2:02d}-01"
    elif re.fullmatch(r"-?\d{9,10}(\.0*)?", text):
        return int(text.partition(".")[0]), True
    elif re.fullmatch(r"-?\d{12,13}(\.0*)?", text):
        return int(text.partition(".")[0]) // 1000, True
    elif re.match(r"\d{4}/", text):
        text = text.replace("/", "-")
    when = datetime.fromisoformat(text)
    aware = when.tzinfo is not None
    when = when if aware else when.replace(tzinfo=timezone.utc)  # noqa: UP017  # seconds as if it were UTC
    return int(when.timestamp() // 1), aware


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone. Raises OptionError where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise OptionError(f"--zone {name}: there is no such time zone; write it as in Europe/Berlin or UTC") from None


def in_zone(seconds: Array, name: str) -> Array:
    """Return UTC seconds as seconds of the zone's wall clock."""
    zone = zone_of(name)
    distinct, places = np.unique(seconds // 900, return_inverse=True)  # offsets change at quarters of an hour
    utc = timezone.utc  # noqa: UP017
    offsets = [
        int((datetime.fromtimestamp(int(quarter) * 900, utc).astimezone(zone).utcoffset() or _ZERO).total_seconds())
        for quarter in distinct
    ]
    return np.asarray(seconds + np.array(offsets, np.int64)[places], np.int64)


_ZERO = datetime.min - datetime.min


def twice(seconds: Array, name: str) -> Array:
    """Return which wall-clock seconds come twice in a zone, when clocks are put back, bool of the same shape."""
    zone = zone_of(name)
    distinct, places = np.unique(seconds, return_inverse=True)
    found = np.zeros(len(distinct), bool)
    for number, each in enumerate(distinct):
        when = datetime.fromtimestamp(int(each), timezone.utc).replace(tzinfo=zone)  # noqa: UP017
        first, second = when.replace(fold=0).utcoffset(), when.replace(fold=1).utcoffset()
        found[number] = first is not None and second is not None and first > second
    return np.asarray(found[places])


def step_asked(text: str) -> tuple[UnitName, int]:
    """Return unit and count of a step as somebody types it: 5min, 1h, day, month. Raises OptionError for others."""
    match = re.fullmatch(r"\s*(\d*)\s*([A-Za-z]+)\s*", text)
    if match:
        many, word = int(match[1] or 1), match[2].lower()
        for table, unit in ((MONTHS, "month"), (WORDS, "second")):
            short = word if word in table else word.removesuffix("s")
            short = {"hour": "h", "day": "d", "week": "w", "minute": "min", "second": "s"}.get(short, short)
            if short in table and many:
                return ("month" if unit == "month" else "second"), many * table[short]
    raise OptionError(f"--every {text}: must be a step as in 5min, 1h, day, week, month, quarter or year")


def clock_of(stamps: Array, every: str | None, zone: str = "") -> tuple[Clock, str]:
    """Return the even steps that stamps (seconds since 1970, any order) lie on, and how they were found in words.

    The step is the most frequent distance between neighbours; where that would leave more than half of the steps empty
    it is the next rounder one that does not.
    """
    distinct = np.unique(stamps)
    if every is not None:
        unit, count = step_asked(every)
        return _begun(unit, count, distinct, zone), "as asked for"
    if len(distinct) < 2:
        return _begun("second", DAY, distinct, zone), "one stamp alone"
    months = months_of(distinct)
    within = distinct - months.astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    apart = np.diff(distinct)
    if (np.all(within == within[0]) and np.median(apart) >= 28 * DAY) or np.median(apart) > 27 * DAY:
        steps, counts = np.unique(np.diff(np.unique(months)), return_counts=True)
        count = int(steps[counts.argmax()]) if len(steps) else 1
        return _begun("month", count, distinct, zone), "the most frequent distance"
    sizes, counts = np.unique(apart, return_counts=True)
    usual = int(sizes[counts.argmax()])
    for size in (usual, *(size for size in ROUND if size > usual)):
        clock = _begun("second", size, distinct, zone)
        places = np.unique(clock.steps(distinct))
        gaps = np.diff(places)
        if len(places) >= FULL * (1 + gaps[gaps <= 50].sum()):  # where nothing is for long, no step would help
            return clock, "the most frequent distance" if size == usual else f"rounder than {usual} s, too fine here"
    return _begun("second", usual, distinct, zone), "the most frequent distance"


def _begun(unit: UnitName, count: int, distinct: Array, zone: str) -> Clock:
    """Return a clock whose steps begin where most stamps lie, and its first at the first of them."""
    values = np.unique(months_of(distinct)) if unit == "month" else distinct
    rests, counts = np.unique(values % count, return_counts=True)
    rest = int(rests[counts.argmax()]) if counts.max() > FULL * len(values) else 0
    return Clock(unit, count, int((values[0] - rest) // count * count + rest), zone)
