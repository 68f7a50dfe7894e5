"""Series with gaps as examples: each reads a window of one series, and is asked for what was taken from its middle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from naibu.data.examples import Array, Column, Data, Examples
from naibu.data.recovery_reading import Layout, RecoverySource, Seen
from naibu.data.recovery_removal import PatternName, Removal
from naibu.data.series_labels import SeriesLabels
from naibu.errors import OptionError

if TYPE_CHECKING:
    from naibu.data.batch import Batch

AT_ONCE = 256
"""Windows of which what is read is looked up at a time."""
BEFORE = 4
"""Windows before a part that are seen in it."""
KINDS = ("there", "taken away", "missing")
PATTERNS: tuple[PatternName, ...] = ("blocks", "random")
USUAL = tuple(Removal(pattern, share, seed) for seed, (share, pattern) in enumerate(product((0.1, 0.3, 0.5), PATTERNS)))
"""What is taken away in examples where nobody says what."""


class RecoveryWindows(Examples):
    """Windows over series of a part, of which values were taken away once and for all.

    own: int64 `[example 3]`, the series, the first of the steps that the example is asked for, and which of the
    removals it is of. A window reads a quarter of itself before these steps and a quarter after them. A part sees what
    stands before it, and nothing of what follows it.
    """

    def __init__(
        self, source: RecoverySource, span: tuple[int, int], removals: tuple[Removal, ...] = USUAL,
        own: Array | None = None,
    ) -> None:  # fmt: skip
        """`span`: the first step of the part and that after its last. `own`: all by default."""
        self.source, self.span, self.removals = source, span, removals
        self.stride = max(1, source.coder.window // 2)
        self.own = self._every() if own is None else np.asarray(own, np.int64).reshape(-1, 3)
        self.after = cache(self._after)

    def _every(self) -> Array:
        """Return all examples of the part; the removals take turns from series to series and from window to window."""
        begins, series = np.arange(*self.span, self.stride), np.arange(len(self.source.grid.series))
        which = (series + np.arange(len(begins))[:, None]) % max(1, len(self.removals))
        pairs = np.broadcast_arrays(series, begins[:, None], which)
        return np.stack([each.ravel() for each in pairs], 1)

    def each(self, removal: int) -> RecoveryWindows:
        """Return windows over the whole part, all of one removal."""
        own = self._every()
        own[:, 2] = removal
        return RecoveryWindows(self.source, self.span, self.removals, own)

    def gone(self, removal: int) -> Array:
        """Return what a removal takes from the part, bool `[series step]`."""
        there = ~np.isnan(self.source.level[:, slice(*self.span)])
        return self.removals[removal].of(there, self.source.grid.clock) if self.removals else np.zeros_like(there)

    def _after(self, removal: int) -> Seen:
        first = max(0, self.span[0] - BEFORE * self.source.coder.window)
        gone = np.zeros((len(self.source.level), self.span[1] - first), bool)
        gone[:, self.span[0] - first :] = self.gone(removal)
        return Seen(self.source, first, self.span[1], gone)

    def __len__(self) -> int:
        return len(self.own)

    def lengths_of(self, stream: str) -> Array:
        """Return the steps of every example, int64 `[example]`; all have as many."""
        return np.full(len(self), self.source.coder.window, np.int64)

    def time(self, which: Array) -> Array:
        """Return the steps of chosen examples, int64 `[time example]`; some may lie outside the part."""
        window = self.source.coder.window
        return np.asarray(self.own[which, 1] + np.arange(window)[:, None] - (window - self.stride) // 2)

    def asked(self, which: Array) -> Array:
        """Return which steps of chosen examples are their own, bool `[time example]`."""
        time, first = self.time(which), self.own[which, 1]
        return np.asarray((time >= first) & (time < np.minimum(first + self.stride, self.span[1])))

    def missing(self, which: Array) -> Array:
        """Return which of these are missing in the file, bool `[time example]`."""
        asked, time = self.asked(which), self.time(which)
        place = np.where(asked, time, 0)
        return np.asarray(asked & np.isnan(self.source.level[self.own[which, 0], place]))

    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return, in the data's units, the value where it is seen, the line between the last and the next, the usual
        value and, where there are neighbours, their guess; NaN outside of the part and what stands before it."""
        series, levels = np.repeat(self.own[:, 0], self.source.coder.window), self.source.coder.levels
        names = ["value", "line", "usual", *(["neighbours"] if self.source.coder.neighbours else [])]
        centre, spread = levels.centre[series], levels.spread[series]
        return {name: Column((centre + spread * self._around[name]).astype(np.float32)) for name in names}

    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the labels: of the calendar, of the series, and of the gaps."""
        names = [name for name in self._of_grid.names if name not in ("ahead", "since_gap")]
        return (*names, "gap", "to_next", "state")

    def label(self, name: str, stream: str = "input") -> Column:
        """Return a label of every step. Raises OptionError that lists those that exist.

        `gap`, `to_next`: steps since the last value that is seen and to the next, 0 where the value itself is, NaN
        where there is none. `state`: whether a value is there, taken away, or missing in the file.
        """
        if name not in self.labels(stream):
            raise OptionError(f"label {name!r}: there are {', '.join(self.labels(stream))}")
        if name == "state":
            return Column(self._around[name], KINDS)
        if name in ("gap", "to_next"):
            steps = self._around[name]
            return Column(np.where(steps < 0, np.nan, steps).astype(np.float32))
        column = self._of_grid.of(name)
        time = self.time(np.arange(len(self)))
        inside = ((time >= 0) & (time < self.source.grid.steps)).T.ravel()
        series, place = np.repeat(self.own[:, 0], len(time)), np.clip(time, 0, self.source.grid.steps - 1).T.ravel()
        nothing = np.nan if column.names is None else -1
        values = np.where(inside, column.values[series, place], nothing)
        return Column(values.astype(column.values.dtype), column.names)

    def subset(self, which: Array, /) -> RecoveryWindows:
        """Return the chosen examples, in the order given."""
        return RecoveryWindows(self.source, self.span, self.removals, self.own[which])

    def batch(self, which: Array) -> Batch:
        """Return the chosen examples side by side; see `Layout` for the columns."""
        chosen, time = self.own[which], self.time(which)
        x = np.zeros((*time.shape, Layout.of(self.source.sizes).columns), np.float32)
        target = np.full(time.shape, np.nan, np.float32)
        for removal in np.unique(chosen[:, 2]):
            rows = np.flatnonzero(chosen[:, 2] == removal)
            seen = self.after(int(removal))
            x[:, rows] = seen.read(chosen[rows, 0], time[:, rows])
            target[:, rows] = taken(seen, chosen[rows, 0], time[:, rows])
        return as_batch(x, np.where(self.asked(which), target, np.float32(np.nan)))

    @cached_property
    def _around(self) -> dict[str, Array]:
        """What stands around every step of every example, `[token]`, NaN or -1 where it is not seen; off the base in
        spreads, which is there too."""
        time = self.time(np.arange(len(self)))
        inside = (time >= 0) & (time < self.span[1])
        found = {name: np.zeros(time.shape, np.float32) for name in ("value", "line", "usual", "neighbours")}
        found |= {name: np.full(time.shape, -1, np.int32) for name in ("gap", "to_next", "state")}
        for removal in np.unique(self.own[:, 2]):
            rows = np.flatnonzero(self.own[:, 2] == removal)
            for some in np.array_split(rows, max(1, len(rows) // AT_ONCE)):
                self._put(found, some, time[:, some], inside[:, some])
        return {name: values.T.ravel() for name, values in found.items()}

    def _put(self, found: dict[str, Array], rows: Array, time: Array, inside: Array) -> None:
        """Put what stands around the steps of some examples of one removal into `found [time example]`."""
        seen, series = self.after(int(self.own[rows[0], 2])), self.own[rows, 0]
        place = np.clip(time, seen.first, self.span[1] - 1)
        inside = inside & (time == place)
        around, base = seen.around(series, place), self.source.base[series, place]
        value, level = seen.level[series, place - seen.first], self.source.level[series, place]
        found["value"][:, rows] = np.where(inside, value, np.nan)
        for name, off in (("usual", 0), ("line", around.guesses[..., 0]), ("neighbours", around.guesses[..., -2])):
            found[name][:, rows] = np.where(inside, base + off, np.nan)
        state = np.isnan(value).astype(np.int32) + np.isnan(level)
        for name, steps in (("gap", around.last), ("to_next", around.next), ("state", state)):
            found[name][:, rows] = np.where(inside, steps, -1)

    @cached_property
    def _of_grid(self) -> SeriesLabels:
        return SeriesLabels(self.source.grid, None)  # type: ignore[arg-type]  # of which only forecasts have features


def taken(seen: Seen, series: Array, time: Array) -> Array:
    """Return what was taken at steps `time [time batch]` of `series [batch]`, in spreads off the base (else NaN)."""
    source = seen.source
    inside = (time >= seen.first) & (time < seen.stop)
    place = np.clip(time, seen.first, seen.stop - 1)
    gone = inside & np.isnan(seen.level[series, place - seen.first])
    return np.where(gone, source.level[series, place] - source.base[series, place], np.nan).astype(np.float32)


def as_batch(x: Array, target: Array) -> Batch:
    """Return `x [time batch column]` and `target [time batch]` as a batch of whole windows."""
    import torch

    from naibu.data.batch import Batch, Stream

    lengths = torch.full((x.shape[1],), len(x))
    return Batch({"input": Stream(torch.from_numpy(np.ascontiguousarray(x)), lengths)}, torch.from_numpy(target))


@dataclass(frozen=True, repr=False)
class RecoveryData(Data):
    """Series with gaps in three parts by time."""

    source: RecoverySource
    train: RecoveryWindows
    validation: RecoveryWindows
    test: RecoveryWindows

    @property
    def facts(self) -> dict[str, Any]:
        """What a run has to know: how many series, how long a window is, how many neighbours a series has."""
        coder = self.source.coder
        return {"series": len(coder.levels.series), "window": coder.window, "neighbours": coder.neighbours}
