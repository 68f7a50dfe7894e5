"""Series as examples: each reads so many steps of one series, and is asked for those that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from naibu.data.examples import Array, Column, Data, Examples
from naibu.data.series_features import CODES, Features
from naibu.data.series_grid import Grid
from naibu.data.series_labels import SeriesLabels
from naibu.errors import OptionError

if TYPE_CHECKING:
    from naibu.data.batch import Batch

DecoderName = Literal["direct", "autoregressive"]


@dataclass(frozen=True)
class SeriesSource:
    """Series on a grid, what is read of them, and how forecasts are made.

    parts: the first steps of the validation part and of the test part.
    """

    grid: Grid
    features: Features
    decoder: DecoderName
    parts: tuple[int, int] = (0, 0)

    @property
    def context(self) -> int:
        """Steps read before."""
        return self.features.coder.context

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return self.features.coder.horizon

    @property
    def window(self) -> int:
        """Steps of an example."""
        return self.context + self.horizon


class SeriesWindows(Examples):
    """Windows over series: `context` steps that are read, then `horizon` steps of which the values are not.

    origins: int64 [example 2], the series and the first step that is forecast. Steps before the first of a series are
    read as missing. The autoregressive decoder reads, and is asked at every step for, the next value; the direct one
    is asked for the steps after the origin, and goes on over them with the values masked.
    """

    def __init__(
        self,
        source: SeriesSource,
        origins: Array,
        learnt: Array | None = None,
        span: tuple[int, int] | None = None,
    ) -> None:
        """`learnt`: all origins of the part that may be learnt from, where those of the examples are but some. `span`:
        the first step of the part and that after its last; all of the series when not given."""
        self.span = (0, source.grid.steps) if span is None else span
        self.source, self.origins = source, np.asarray(origins, np.int64).reshape(-1, 2)
        self.learnt = self.origins if learnt is None else np.asarray(learnt, np.int64).reshape(-1, 2)
        self._labels = SeriesLabels(source.grid, source.features)

    def __len__(self) -> int:
        return len(self.origins)

    def lengths_of(self, stream: str) -> Array:
        """Return the steps of every example, int64 [example]; all have as many."""
        return np.full(len(self), self.source.window, np.int64)

    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return what is read at every step, in the data's units: the value, NaN where there is none, and covariates.

        The autoregressive decoder reads the value, and what is not known ahead, of the step before.
        """
        before = int(self.source.decoder != "direct")
        later = self._ahead() > before  # what is read there lies at or after the origin
        value = self._flat(self.source.grid.values, before=before)
        found = {"value": Column(np.where(later & (not before), np.nan, value).astype(np.float32))}
        for each in self.source.grid.covariates:
            wide = np.broadcast_to(each.values, self.source.grid.values.shape)
            values = self._flat(wide, before=0 if each.known else before)
            values = np.where(later & (not each.known), np.nan, values)
            if each.names is not None:
                found[each.name] = Column(np.nan_to_num(values, nan=-1).astype(np.int32), each.names)
            else:
                found[each.name] = Column(values.astype(np.float32))
        return found

    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the labels: of the calendar, of the series, and how far ahead a step is."""
        return self._labels.names

    def label(self, name: str, stream: str = "input") -> Column:
        """Return a label of every step. Raises OptionError that lists those that exist."""
        if name not in self._labels.names:
            raise OptionError(f"label {name!r}: there are {', '.join(self._labels.names)}")
        if name == "ahead":
            return Column(self._ahead().astype(np.float32))
        column = self._labels.of(name)
        nothing = np.nan if column.names is None else -1
        return Column(self._flat(column.values, nothing).astype(column.values.dtype), column.names)

    def subset(self, which: Array, /) -> SeriesWindows:
        """Return the chosen examples, in the order given."""
        return SeriesWindows(self.source, self.origins[which], None, self.span)

    def batch(self, which: Array) -> Batch:
        """Return the chosen examples side by side; see `Layout` for the columns. Nothing before the part is asked."""
        return batch_of(self.source, self.origins[which], self.span[0])

    def _places(self) -> tuple[Array, Array]:
        """Return the series and the step of every step of every example, int64 [token]."""
        time = np.arange(-self.source.context, self.source.horizon)
        return np.repeat(self.origins[:, 0], len(time)), (self.origins[:, 1:] + time).ravel()

    def _flat(self, values: Array, nothing: float = np.nan, before: int = 0) -> Array:
        """Return values [series step] of every step of every example, or of so many steps before each, [token]."""
        series, step = self._places()
        inside = (step >= before) & (step < values.shape[1])
        row = series if len(values) > 1 else 0
        return np.where(inside, values[row, np.clip(step - before, 0, values.shape[1] - 1)], nothing)

    def _ahead(self) -> Array:
        """Return how many steps after the last that was read each is, 0 for those that are read, int64 [token]."""
        time = np.arange(-self.source.context, self.source.horizon)
        return np.tile(np.maximum(time + 1, 0), len(self))


def batch_of(source: SeriesSource, origins: Array, first: int = 0) -> Batch:
    """Return windows around origins [batch 2] side by side; see `window_batch`."""
    import torch

    from naibu.data.batch import Batch, Stream

    x, target = window_batch(source, origins, first)
    lengths = torch.full((len(origins),), source.window)
    return Batch({"input": Stream(torch.from_numpy(x), lengths)}, torch.from_numpy(target))


def window_batch(source: SeriesSource, origins: Array, first: int = 0) -> tuple[Array, Array]:
    """Return `x [time batch column]` and `target [time batch]`, float32, of windows around origins [batch 2].

    Targets are off the base in spreads; NaN where there is none, before the step `first`, and in the direct decoder
    before the origin. What is not known ahead is read of steps before the origin alone; by the autoregressive decoder,
    which is asked for the value of the step itself, of the step before.
    """
    features, layout = source.features, source.features.layout
    context, steps = source.context, features.value.shape[1]
    direct = source.decoder == "direct"
    series = origins[:, 0]
    time = origins[:, 1] + np.arange(-context, source.horizon)[:, None]  # [time batch]
    inside = (time >= 0) & (time < steps)
    place = np.clip(time, 0, steps - 1)
    when = time if direct else time - 1
    there = inside & (when >= 0) & (when < origins[:, 1])
    when = np.clip(when, 0, steps - 1)
    x = np.zeros((*time.shape, layout.columns), np.float32)
    x[..., 0], x[..., 1] = series, features.slot[place]
    for column, (codes, known) in enumerate(zip(features.codes, features.coder.categories_known, strict=True), CODES):
        x[..., column] = codes[series, place] * inside if known else codes[series, when] * there
    base = features.base[series, place]
    x[..., layout.base] = base
    x[..., layout.base + 1] = features.coder.centre[series]
    x[..., layout.base + 2] = features.coder.spread[series]
    value = np.where(inside, features.value[series, place], np.nan)
    ahead = np.maximum(np.arange(-context, source.horizon) + 1, 0)[:, None]
    read = np.where(ahead > 0, np.nan, value) if direct else _before(source, series, time)
    x[..., layout.value] = np.nan_to_num(read)
    x[..., layout.value + 1] = ~np.isnan(read)
    x[..., layout.value + 2] = ahead / source.horizon if direct else 0
    count = len(features.anchors)
    x[..., layout.anchor : layout.anchor + count] = np.moveaxis(features.anchors[:, series, place], 0, -1)
    from_ = np.broadcast_to(origins[:, 1] - 1, time.shape) if direct else time - 1
    moving = _moving(source, series, place, from_)
    x[..., layout.anchor + count : layout.feature] = np.where(ahead[..., None] > 0, moving, 0) if direct else moving
    numbers = features.known.shape[-1]
    x[..., layout.feature : layout.feature + numbers] = features.known[series, place]
    x[..., layout.feature + numbers :] = features.past[series, when] * there[..., None]
    x[..., layout.value :] *= inside[..., None]
    asked = (time >= first) & ((ahead > 0) | (not direct))
    return x, np.where(asked, value, np.nan).astype(np.float32)


def _before(source: SeriesSource, series: Array, time: Array) -> Array:
    """Return the values one step before, `[time batch]`, NaN where missing."""
    values = source.features.value
    inside = (time >= 1) & (time <= values.shape[1])
    return np.where(inside, values[series, np.clip(time - 1, 0, values.shape[1] - 1)], np.nan)


def _moving(source: SeriesSource, series: Array, place: Array, from_: Array) -> Array:
    """Return forecasts from the last value up to `from_`: it itself, and with the change of each moving level since.

    float32 [time batch moving + 1], off the base; 0 where there is no value.
    """
    features = source.features
    from_ = np.clip(from_, -1, features.value.shape[1] - 1)
    last = np.where(from_ >= 0, features.last[series, np.maximum(from_, 0)], -1)
    there, last = last >= 0, np.maximum(last, 0)
    level = features.base[series, last] + features.value[series, last] - features.base[series, place]
    columns = [level, *(level + each[series, place] - each[series, last] for each in features.moving)]
    return np.where(there[..., None], np.stack(columns, -1), 0).astype(np.float32)


@dataclass(frozen=True, repr=False)
class SeriesData(Data):
    """Series in three parts by time."""

    source: SeriesSource
    train: SeriesWindows
    validation: SeriesWindows
    test: SeriesWindows

    @property
    def facts(self) -> dict[str, Any]:
        """What a run has to know: how many series, horizon, context."""
        return {"series": len(self.source.grid.series), "horizon": self.source.horizon, "context": self.source.context}


def origins_in(source: SeriesSource, first: int, last: int, stride: int) -> Array:
    """Return origins [example 2] whose whole horizon lies in steps `first` to `last`, every `stride` steps."""
    steps = np.arange(max(first, 0), last - source.horizon + 1, stride)
    series = np.arange(len(source.grid.series))
    return np.stack([np.tile(series, len(steps)), np.repeat(steps, len(series))], 1)


def with_enough(source: SeriesSource, origins: Array, history: float, ahead: float) -> Array:
    """Return those of some origins at which such shares of the context and of the horizon have values."""
    count = np.cumsum(np.pad(~np.isnan(source.grid.values), ((0, 0), (1, 0))), 1)
    series, step = origins.T
    steps = source.grid.steps
    end = np.minimum(step + source.horizon, steps)
    seen = count[series, step] - count[series, np.maximum(step - source.context, 0)]
    asked = count[series, end] - count[series, step]
    first = np.maximum(1, history * np.minimum(step, source.context))
    return np.asarray(origins[(seen >= first) & (asked >= max(1, ahead * source.horizon))])
