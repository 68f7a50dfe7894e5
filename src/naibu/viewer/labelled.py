"""Which label every unit follows best, how well, and what chance alone would give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from naibu.data.examples import Column
from naibu.recording.index import Array
from naibu.recording.recording import Recording

if TYPE_CHECKING:
    from naibu.viewer.sample import Sample, Spans, Values

DRAWS = 5
"""How often the labels are laid over other sequences, to see what chance gives."""
CLASSES = 12
"""Classes of a categorical label that are asked about, the most frequent ones."""
NORMAL = 1.96
"""Standard errors of a 95 % interval."""
POSITION = "position"
YES = ("yes", "true", "1", "inside")
"""Names of the class that stands for a label of two."""


class Labelled(NamedTuple):
    """How the units of one layer and signal follow labels.

    names: of the labels; a class of a categorical one is NAME=CLASS. best: the number of each unit's label, chosen on
    the first part of the sample, -1 for a unit that does not move. r, low, high: Pearson's r with it on the second
    part, and its 95 % interval, from whole sequences (linearised, on Fisher's scale); NaN where that part cannot tell.
    chance: the largest |r| that any unit of this signal has with labels of other sequences, `[label]`, on the first
    part; NaN where that is one sequence. all_r: of every unit with every label on the first part, `[label unit]`.
    """

    names: tuple[str, ...]
    best: Array
    r: Array
    low: Array
    high: Array
    chance: Array
    all_r: Array


def labelled(recording: Recording, values: Values, sample: Sample, mean: Array) -> Labelled | None:
    """Return how units follow labels; None where the recording has no label that varies."""
    if not sample.first or not sample.second:
        return None
    targets = [each for each in _targets(recording, sample.first) if _varies(each.over(sample.first))]
    if all(each.name == POSITION for each in targets):
        return None
    y = np.stack([target.over(sample.first) for target in targets])
    alone = len(sample.first) == 1  # then there are no labels of others
    draws = np.concatenate([y if alone else _elsewhere(y, sample.first, seed) for seed in range(DRAWS)])
    sums = _Products(np.concatenate([y, draws]), values.x.shape[1])
    middle = mean.astype(np.float32)
    for x, _ in values.pieces(0, y.shape[1]):
        sums.add(np.nan_to_num(x - middle))
    found = sums.r()
    r, drawn = found[: len(y)], found[len(y) :].reshape(DRAWS, len(y), -1)
    labels = np.array([target.name != POSITION for target in targets])
    strength = np.where(labels[:, None], np.abs(r), -1.0)
    best = np.where(strength.max(axis=0) > 0, strength.argmax(axis=0), -1)
    names = tuple(target.name for target in targets)
    scored = _scored(values, sample.second, best, targets, middle)
    chance = np.full(len(y), np.nan) if alone else np.abs(drawn).max(axis=(0, 2))
    return Labelled(names, best, *scored, chance, r)


class _Target(NamedTuple):
    """A label, or one class of a categorical one, as numbers."""

    name: str
    column: Column
    code: int | None  # of the class; None for a numeric label

    def over(self, spans: Spans) -> Array:
        """Return the values over some rows, float64; NaN where the label is not defined."""
        values = np.concatenate([np.asarray(self.column.values[a:b]) for a, b in spans]).astype(np.float64)
        return values if self.code is None else np.where(values >= 0, values == self.code, np.nan)


def _targets(recording: Recording, spans: Spans) -> Iterator[_Target]:
    """Yield every label, of a categorical one the more frequent classes over some rows, and the position."""
    for name in recording.index.label_names:
        column = recording.index.label(name)
        if column.names is None:
            yield _Target(name, column, None)
            continue
        codes = np.concatenate([np.asarray(column.values[a:b]) for a, b in spans])
        counts = np.bincount(codes[codes >= 0], minlength=len(column.names))
        there = np.flatnonzero(counts)
        if len(there) == 2:  # one says it all
            one = next((k for k in there.tolist() if column.names[k].lower() in YES), int(there[-1]))
            yield _Target(name if column.names[one].lower() in YES else f"{name}={column.names[one]}", column, one)
            continue
        for code in np.argsort(-counts, kind="stable")[: min(CLASSES, len(there))].tolist():
            yield _Target(f"{name}={column.names[code]}", column, code)
    yield _Target(POSITION, Column(recording.index.position), None)


def _elsewhere(y: Array, spans: Spans, seed: int) -> Array:
    """Return labels `[label row]` of other sequences, laid end to end over the same rows: those that stand some further
    on, so that of few sequences, too, none keeps its own; two or more are needed."""
    lengths = [stop - start for start, stop in spans]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    further = int(np.random.default_rng((seed, 37)).integers(1, len(spans)))
    order = np.roll(np.arange(len(spans)), -further)
    rows = np.concatenate([np.arange(starts[k], starts[k + 1]) for k in order])
    return y[:, rows]


def _varies(values: Array) -> bool:
    there = values[~np.isnan(values)]
    return len(there) > 0 and bool((there != there[0]).any())


class _Products:
    """Sums from which Pearson's r of every unit with every label comes, each over the rows where the label is there."""

    def __init__(self, y: Array, units: int) -> None:
        self._there = (~np.isnan(y)).astype(np.float32)
        self._n = np.maximum(1.0, self._there.sum(axis=1))
        centred = y - (np.nansum(y, axis=1) / self._n)[:, None]
        self._y = np.nan_to_num(centred).astype(np.float32)
        self._yy = (self._y.astype(np.float64) ** 2).sum(axis=1)
        self._same = bool(self._there.all())
        self._done = 0
        self._xy, self._x, self._xx = (np.zeros((len(y), units)) for _ in range(3))

    def add(self, x: Array) -> None:
        """Take values `[row unit]`, about centred."""
        rows = slice(self._done, self._done + len(x))
        self._done += len(x)
        self._xy += self._y[:, rows] @ x
        there = self._there[:1, rows] if self._same else self._there[:, rows]
        self._x += there @ x
        self._xx += there @ (x * x)

    def r(self) -> Array:
        """Return Pearson's r, `[label unit]`; 0 where something does not move."""
        n = self._n[:, None]
        spread = np.maximum(0.0, self._xx - self._x**2 / n)
        below = np.sqrt(spread * self._yy[:, None])
        return np.where(below > 1e-9, self._xy / np.where(below > 1e-9, below, 1.0), 0.0)


def _scored(
    values: Values, spans: Spans, best: Array, targets: Sequence[_Target], middle: Array
) -> tuple[Array, Array, Array]:
    """Return r of every unit with its label on the second part, and the ends of its interval.

    Sums are made for groups of whole sequences; r is a smooth function of them, so that its variance over sequences is
    that of its first-order terms.
    """
    units, used = len(best), [k for k in range(len(targets)) if (best == k).any()]
    r, low, high = (np.full(units, np.nan) for _ in range(3))
    if not used:
        return r, low, high
    y = np.zeros((len(targets), sum(b - a for a, b in spans)))
    for k in used:
        y[k] = targets[k].over(spans)
        y[k] -= np.nanmean(y[k]) if _varies(y[k]) else 0.0
    begins = np.concatenate([[0], np.cumsum([b - a for a, b in spans])[:-1]]).astype(np.int64)
    moments = _Moments(begins, y.astype(np.float32), best)
    done, first = 0, len(values.x) - y.shape[1]
    for x, _ in values.pieces(first):
        moments.add(np.nan_to_num(x - middle), done)
        done += len(x)
    moving = best >= 0
    r[moving], low[moving], high[moving] = (part[moving] for part in moments.interval())
    return r, low, high


class _Moments:
    """n, x, y, xy, xx, yy summed over each group of whole sequences, `[group unit]`."""

    MOST = 200
    """Groups of sequences: enough for a variance, few enough for any number of units."""

    def __init__(self, begins: Array, y: Array, best: Array) -> None:
        """`begins [sequence]` are rows; `y [label row]` the labels, of which each unit has `best [unit]`."""
        self._begins, self._groups = begins, min(self.MOST, len(begins))
        self._there, self._y, self._best = ~np.isnan(y), np.nan_to_num(y), best
        self._sums = np.zeros((6, self._groups, len(best)))

    def add(self, x: Array, done: int) -> None:
        """Take values `[row unit]`, about centred, the first of them row `done`."""
        number = np.searchsorted(self._begins, np.arange(done, done + len(x)), side="right") - 1
        group = number * self._groups // len(self._begins)
        at = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
        rows = slice(done, done + len(x))
        for label in np.unique(self._best[self._best >= 0]).tolist():
            units = np.flatnonzero(self._best == label)
            y, there = self._y[label, rows, None], self._there[label, rows, None]
            some = x[:, units] * there
            for k, part in enumerate((there.astype(np.float32), some, y, some * y, some * some, y * y)):
                self._sums[k][np.ix_(group[at], units)] += np.add.reduceat(part, at)

    def interval(self) -> tuple[Array, Array, Array]:
        """Return r, and low and high end of its 95 % interval, `[unit]` each; NaN where something does not move."""
        with np.errstate(invalid="ignore", divide="ignore"):
            n, x, y, xy, xx, yy = self._sums.sum(axis=1)
            mx, my = x / n, y / n
            sx, sy = np.sqrt(xx / n - mx**2), np.sqrt(yy / n - my**2)
            r = (xy / n - mx * my) / (sx * sy)
            gn, gx, gy, gxy, gxx, gyy = self._sums
            # Sums over a group of the products of standardised values.
            u = (gxy - mx * gy - my * gx + mx * my * gn) / (sx * sy)
            v = (gxx - 2 * mx * gx + mx**2 * gn) / sx**2 + (gyy - 2 * my * gy + my**2 * gn) / sy**2
            influence = (u - r * v / 2) / n
            groups = self._groups
            error = np.sqrt((influence**2).sum(axis=0) * groups / max(1, groups - 1))
            r = np.clip(np.where((sx > 1e-9) & (sy > 1e-9), r, np.nan), -1, 1)
            z, half = np.arctanh(np.clip(r, -0.999999, 0.999999)), NORMAL * error / np.maximum(1e-6, 1 - r**2)
            if groups < 2:
                return r, np.full_like(r, np.nan), np.full_like(r, np.nan)
            return r, np.tanh(z - half), np.tanh(z + half)
