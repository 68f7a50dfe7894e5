"""What a network reads of series with gaps: what is there, what stands before and after a gap, and the neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from naibu.data.examples import Array
from naibu.data.recovery_coder import RecoveryCoder, base_of
from naibu.data.series_clock import DAY, WEEK
from naibu.data.series_grid import Grid
from naibu.memory import check_memory

OF_VALUE, OF_GAP, OF_NEIGHBOURS = 2, 4, 1
"""Columns beside the guesses: the value and whether it is there; how far the last and the next value are, whether there
are such; how much of the neighbours' weight is there. Each neighbour has two more."""
ALONE, TOGETHER = 3, 5
"""Guesses for a series alone, and for one with neighbours."""


class Layout(NamedTuple):
    """Which column of `x [time batch column]` is what.

    The series' number first; then the base in spreads from the centre, the centre and the spread, which turn what comes
    out into the data's units. All from `guess` on is read, the guesses first, each off the base in spreads: on the line
    between the last and the next value, the last, the next, and where there are neighbours theirs, and theirs moved by
    how far the series was from them at the last and the next value.
    """

    guesses: int
    features: int

    base: int = 1
    guess: int = 4

    @classmethod
    def of(cls, sizes: Mapping[str, int]) -> Self:
        """Return the layout that a network of such sizes reads."""
        return cls(sizes["guesses"], sizes["features"])

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return self.guess + self.features


class Around(NamedTuple):
    """What stands around steps of series, float32 or int64 `[time batch]`; off the base in spreads.

    last, next: steps to the last and to the next value that is there, 0 where the value itself is, -1 for none.
    guesses: `[time batch guess]`, 0 where there is nothing to guess from. weight: the share of the neighbours' weight
    that is there. each: `[time batch neighbour]`, NaN where missing.
    """

    last: Array
    next: Array
    guesses: Array
    weight: Array
    each: Array


@dataclass(frozen=True)
class RecoverySource:
    """Series on a grid with their usual values, and in what parts.

    base, level: float32 `[series step]`, in spreads from the centre; the level is NaN where a value is missing. parts:
    the first steps of the validation part and of the test part.
    """

    grid: Grid
    coder: RecoveryCoder
    base: Array
    level: Array
    parts: tuple[int, int]

    @classmethod
    def of(cls, grid: Grid, coder: RecoveryCoder, parts: tuple[int, int] = (0, 0)) -> Self:
        """Return the series as they are read; the first of the parts is what was learnt from."""
        check_memory(8 * grid.values.size * 8)
        centre, spread = coder.levels.centre[:, None], coder.levels.spread[:, None]
        base = base_of(grid.values, coder.levels, parts[0])
        base, level = (((each - centre) / spread).astype(np.float32) for each in (base, grid.values))
        return cls(grid, coder, base, level, parts)

    @cached_property
    def calendar(self) -> Array:
        """What is read of the calendar, float32 `[step feature]`: the time of day, and whether it is a weekend."""
        clock, steps = self.grid.clock, np.arange(self.grid.steps)
        columns: list[Array] = []
        if clock.per(DAY):
            angle = 2 * np.pi * (clock.times(steps).astype(np.int64) % DAY) / DAY
            columns += [part(k * angle) for k in (1, 2) for part in (np.sin, np.cos)]
        if clock.per(WEEK):
            days = clock.times(steps).astype("datetime64[D]").astype(np.int64)
            columns.append((days + 3) % 7 >= 5)
        return np.stack(columns, -1).astype(np.float32) if columns else np.zeros((len(steps), 0), np.float32)

    @property
    def sizes(self) -> dict[str, int]:
        """What a model is built from."""
        many = self.coder.neighbours
        guesses = TOGETHER if many else ALONE
        others = OF_VALUE + OF_GAP + (OF_NEIGHBOURS + 2 * many if many else 0) + 1 + self.calendar.shape[1]
        return {"series": len(self.grid.series), "guesses": guesses, "features": guesses + others}


class Seen:
    """What is seen of some steps of all series, once values are taken away.

    first, stop: the steps; nothing before or after them is seen. gone: bool `[series step]`, of these steps.
    """

    def __init__(self, source: RecoverySource, first: int, stop: int, gone: Array) -> None:
        self.source, self.first, self.stop = source, first, stop
        self.level = np.where(gone, np.float32(np.nan), source.level[:, first:stop])
        there, steps = ~np.isnan(self.level), np.arange(stop - first, dtype=np.int32)
        self.last = np.maximum.accumulate(np.where(there, steps, np.int32(-1)), 1)
        self.next = np.minimum.accumulate(np.where(there, steps, np.int32(len(steps)))[:, ::-1], 1)[:, ::-1]

    def around(self, series: Array, time: Array) -> Around:
        """Return what stands around steps `time [time batch]`, which are seen, of `series [batch]`."""
        here = time - self.first
        last, after = self.last[series, here], self.next[series, here]
        before, follows = last >= 0, after < self.stop - self.first
        last, after = np.maximum(last, 0), np.minimum(after, self.stop - self.first - 1)
        base = self.source.base[series, time]
        low, high = self.level[series, last] - base, self.level[series, after] - base
        share = ((here - last) / np.maximum(after - last, 1)).astype(np.float32)
        guesses = [_between(low, high, before, follows, share), np.nan_to_num(low), np.nan_to_num(high)]
        each = np.zeros((*time.shape, 0), np.float32)
        weight = np.zeros(time.shape, np.float32)
        if self.source.coder.neighbours:
            theirs, weight, each = self._neighbours(series, here)
            low, high = self._apart(series, last), self._apart(series, after)
            moved = theirs + _between(low, high, before & ~np.isnan(low), follows & ~np.isnan(high), share)
            guesses += [theirs, np.where(weight > 0, moved, guesses[0])]
        since, ahead = np.where(before, here - last, -1), np.where(follows, after - here, -1)
        return Around(since, ahead, np.stack(guesses, -1).astype(np.float32), weight, each)

    def read(self, series: Array, time: Array) -> Array:
        """Return `x [time batch column]`, float32, as `Layout` says; zeros read outside of what is seen."""
        source = self.source
        inside = (time >= self.first) & (time < self.stop)
        time = np.clip(time, self.first, self.stop - 1)
        around = self.around(series, time)
        value = self.off(series, time - self.first)
        base, levels = source.base[series, time], source.coder.levels
        gap = [np.where(far < 0, 1, np.log1p(np.maximum(far, 0)) / 8) for far in (around.last, around.next)]
        columns = [np.nan_to_num(value), ~np.isnan(value), *gap, around.last < 0, around.next < 0, base]
        parts = [around.guesses, np.stack(columns, -1)]
        if source.coder.neighbours:
            parts += [around.weight[..., None], np.nan_to_num(around.each), ~np.isnan(around.each)]
        parts.append(source.calendar[time])
        read = np.concatenate(parts, -1) * inside[..., None]
        told = np.broadcast_to(np.stack([series, levels.centre[series], levels.spread[series]], -1), (*time.shape, 3))
        return np.concatenate([told[..., :1], base[..., None], told[..., 1:], read], -1).astype(np.float32)

    def off(self, series: Array, here: Array) -> Array:
        """Return how far values are off their base in spreads, NaN where missing; `here` counts from the first step."""
        return np.asarray(self.level[series, here] - self.source.base[series, self.first + here])

    def _neighbours(self, series: Array, here: Array) -> tuple[Array, Array, Array]:
        """Return the neighbours' guess, the share of their weight that is there, and each of them, turned by its sign;
        `here [time batch]` counts from the first step."""
        near = self.source.coder.near
        each = self.off(near.series[series], here[..., None]) * near.sign[series].astype(np.float32)
        weight = np.where(np.isnan(each), 0, near.weight[series])
        there = weight.sum(-1)
        whole = near.weight[series].sum(-1)
        guess = (weight * np.nan_to_num(each)).sum(-1) / np.where(there > 0, there, 1)
        return guess, there / np.where(whole > 0, whole, 1), each

    def _apart(self, series: Array, here: Array) -> Array:
        """Return how far a series is from its neighbours' guess, NaN where it or all of them are missing."""
        guess, weight, _ = self._neighbours(series, here)
        return np.where(weight > 0, self.off(series, here) - guess, np.nan)


def _between(low: Array, high: Array, before: Array, after: Array, share: Array) -> Array:
    """Return what lies that share of the way between two ends; the one that there is, else 0."""
    low, high = np.where(before, low, high), np.where(after, high, low)
    return np.where(before | after, low + (high - low) * share, 0)
