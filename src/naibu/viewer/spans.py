"""Where in a whole recording units do what they do in a span: conditions on signals, of one step or of many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from naibu.errors import OptionError
from naibu.recording.index import Array
from naibu.recording.recording import Recording
from naibu.recording.store import Key
from naibu.viewer.columns_of_units import UnitColumns
from naibu.viewer.exhibits import Exhibit, named_key
from naibu.viewer.numbers import some_of

Side = Literal["above", "below"]
By = Literal["value", "quantile", "sign"]
MOST_CONDITIONS = 24
FARTHEST = 10_000
"""Steps that a condition may reach before or after the place that is found."""
RANKED = 200_000
"""Steps from which a quantile is taken, evenly apart."""


@dataclass(frozen=True)
class Condition:
    """That one unit is above or below something at every step from `start` to `stop`, relative to the place found.

    by: the threshold is a `value`, the share of all steps below it (`quantile`), or 0 (`sign`). off: it is what stands
    around a span, and holds too where the sequence has not begun or has ended.
    """

    key: Key
    unit: int
    side: Side
    by: By = "value"
    value: float = 0.0
    start: int = 0
    stop: int = 1
    off: bool = False

    @classmethod
    def read(cls, typed: Mapping[str, Any], recording: Recording) -> Condition:
        """Return the condition that plain values say. Raises OptionError that says what is wrong with them."""
        unknown = typed.keys() - {"key", "unit", "side", "by", "value", "start", "stop", "off"}
        if unknown:
            raise OptionError(f"condition: {sorted(unknown)[0]!r} is not known")
        key, unit = named_key(str(typed.get("key", "")), recording), _whole(typed, "unit", -1)
        if not 0 <= unit < recording.units(key):
            raise OptionError(f"condition: unit {unit}: {'/'.join(key)} has units 0 to {recording.units(key) - 1}")
        side, by = typed.get("side", "above"), typed.get("by", "value")
        if side not in ("above", "below") or by not in ("value", "quantile", "sign"):
            raise OptionError(f"condition: {side} by {by}: must be above or below, by value, quantile or sign")
        value = typed.get("value", 0.0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise OptionError(f"condition: value {value!r}: must be a number")
        if by == "quantile" and not 0 <= value <= 1:
            raise OptionError(f"condition: quantile {value:g}: must be from 0 to 1")
        start, stop = _whole(typed, "start", 0), _whole(typed, "stop", 1)
        if not -FARTHEST <= start < stop <= FARTHEST:
            raise OptionError(f"condition: steps {start} to {stop}: must ascend, within {FARTHEST:,} of the place")
        return cls(key, unit, side, by, float(value), start, stop, bool(typed.get("off", False)))


class Found(NamedTuple):
    """The places where all conditions hold."""

    rows: Array  # int64, of the first step of each place, ascending
    places: Array  # int64, the first row of each run of neighbouring ones
    thresholds: tuple[float, ...]  # of each condition, as a value


def read_conditions(typed: Any, recording: Recording) -> tuple[Condition, ...]:
    """Return conditions from plain values. Raises OptionError where there is none, or too many, or one is wrong."""
    if not isinstance(typed, list) or not 1 <= len(typed) <= MOST_CONDITIONS:
        raise OptionError(f"conditions: give 1 to {MOST_CONDITIONS} of them")
    if not all(isinstance(each, dict) for each in typed):
        raise OptionError("conditions: each is a table of key, unit, side, by, value, start, stop, off")
    return tuple(Condition.read(each, recording) for each in typed)


def search(exhibit: Exhibit, conditions: Sequence[Condition], columns: UnitColumns) -> Found:
    """Return every place of the whole recording at which all conditions hold; a place lies within one sequence."""
    recording, table = exhibit.recording, exhibit.sequences
    wanted: dict[Key, list[int]] = {}
    for each in conditions:
        wanted.setdefault(each.key, []).append(each.unit)
    values = {
        (key, unit): column
        for key, units in wanted.items()
        for unit, column in zip(units, columns.of(recording, key, units), strict=True)
    }
    thresholds = tuple(_threshold(each, values[each.key, each.unit]) for each in conditions)
    found = list(_places(table.starts, table.groups(), conditions, values, thresholds))
    rows = np.concatenate(found) if found else np.zeros(0, np.int64)
    new = np.diff(rows, prepend=-2) != 1
    begins = np.isin(rows, table.starts[:-1])  # a run ends with its sequence
    return Found(rows, rows[new | begins], thresholds)


def _places(
    starts: Array,
    groups: Iterator[tuple[int, int]],
    conditions: Sequence[Condition],
    values: Mapping[tuple[Key, int], Array],
    thresholds: Sequence[float],
) -> Iterator[Array]:
    for first, last in groups:
        begin, end = int(starts[first]), int(starts[last])
        bounds = starts[first : last + 1] - begin
        lengths = np.diff(bounds)
        low, high = np.repeat(bounds[:-1], lengths), np.repeat(bounds[1:], lengths)
        holds = np.ones(end - begin, bool)
        for each, threshold in zip(conditions, thresholds, strict=True):
            column = values[each.key, each.unit][begin:end]
            bound = np.float64(threshold)  # of float16 and a plain number numpy would compare the rounded ones
            here = column > bound if each.side == "above" else column < bound
            holds &= _throughout(here, each, low, high)
        yield np.flatnonzero(holds) + begin


def _throughout(here: Array, condition: Condition, low: Array, high: Array) -> Array:
    """Return whether something holds at every step of a condition around each row; sequences are rows low to high."""
    if (condition.start, condition.stop) == (0, 1):
        return here
    count = np.concatenate([[0], np.cumsum(here, dtype=np.int32)])
    row = np.arange(len(here))
    first = np.clip(row + condition.start, low, high)
    last = np.clip(row + condition.stop, low, high)
    needed = last - first if condition.off else condition.stop - condition.start
    found: Array = count[last] - count[first] == needed
    return found


def _threshold(condition: Condition, column: Array) -> float:
    if condition.by == "sign":
        return 0.0
    if condition.by == "value":
        return condition.value
    some = some_of(column, RANKED).astype(np.float32)
    return float(np.nanquantile(some, condition.value)) if len(some) else 0.0


class Alike(NamedTuple):
    """A unit that is higher, or lower, throughout a span than around it."""

    unit: int
    side: Side
    threshold: float  # halfway between what it is within and around
    margin: float  # how far it is from it within, in standard deviations of the unit


def units_in_span(
    recording: Recording, key: Key, span: tuple[int, int], around: tuple[int, int], deviation: Array, most: int = 12
) -> list[Alike]:
    """Return the units that a span sets apart, the clearest first.

    `span` are rows, `around` the rows of the span and its whiskers. A unit is set apart where its lowest value within
    is above its highest around, or the other way round; without whiskers none is. `deviation [unit]` is how much its
    values usually differ.
    """
    values = np.asarray(recording[key][around[0] : around[1]], np.float32)
    inside = slice(span[0] - around[0], span[1] - around[0])
    within, outside = values[inside], np.concatenate([values[: inside.start], values[inside.stop :]])
    if not len(outside):
        return []
    found = []
    usual = np.where(deviation > 0, deviation, np.inf)
    for side, sign in (("above", 1.0), ("below", -1.0)):
        least, most_around = (sign * within).min(axis=0), (sign * outside).max(axis=0)
        margin = (least - most_around) / 2 / usual
        for unit in np.flatnonzero(margin > 0).tolist():
            threshold = sign * (least[unit] + most_around[unit]) / 2
            found.append(Alike(unit, side, float(threshold), float(margin[unit])))  # type: ignore[arg-type]
    return sorted(found, key=lambda each: -each.margin)[:most]


def _whole(typed: Mapping[str, Any], name: str, usual: int) -> int:
    value = typed.get(name, usual)
    if type(value) is not int:
        raise OptionError(f"condition: {name} {value!r}: must be a whole number")
    return value
