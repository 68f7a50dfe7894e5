"""Where the parts of a diagram lie, from left to right, and how the wires between them run: no two on each other."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import isotonic_regression

GAP, TRACK, APART = 16.0, 9.0, 12.0  # beside a column, between wires that run side by side, between what lies one above
Point = tuple[float, float]


@dataclass(eq=False)
class Item:
    """A part of a diagram: a box, a circle, a place where wires pass a column (no width). x and y are its middle."""

    width: float
    height: float  # with its label
    drivers: list[Item] = field(default_factory=list)
    column: int = 0
    x: float = 0.0
    y: float = 0.0
    core: float = 0.0  # the width of what wires end at

    @property
    def passes(self) -> bool:
        """Whether it is only where a wire passes."""
        return self.core == 0 and len(self.drivers) == 1

    @property
    def left(self) -> float:
        """Where wires come in."""
        return self.x - self.core / 2

    @property
    def right(self) -> float:
        """Where wires go out."""
        return self.x + self.core / 2


@dataclass(frozen=True)
class Wire:
    """One wire from a part to another: its corners, and whether it parts from others there."""

    driver: Item
    target: Item
    points: tuple[Point, ...]
    joint: Point | None


def lay_out(items: Sequence[Item], last: Sequence[Item], seed: int = 1) -> tuple[list[Wire], float, float]:
    """Set x and y of every item; return the wires, and the width and height of it all.

    `items` come after their drivers; those without drivers lie in the first column, in the order given; `last` in a
    column behind all others.
    """
    for item in items:
        item.column = 1 + max((driver.column for driver in item.drivers), default=-1)
    end = max(item.column for item in items if item not in last) + 1
    for item in last:
        item.column = end
    columns = _columns(items, end)
    _order(columns, random.Random(seed))
    _heights(columns)
    _straighten(columns)
    gaps = [_routed(left, right) for left, right in itertools.pairwise(columns)]
    x, wires = 0.0, list[Wire]()
    for number, column in enumerate(columns):
        if number:
            tracks = gaps[number - 1]
            ways = {driver: x + GAP + TRACK * k for k, driver in enumerate(tracks)}
            x += 2 * GAP + TRACK * max(0, len(tracks) - 1)
        width = max(item.width for item in column)
        for item in column:
            item.x = x + width / 2
        x += width
        if number:
            wires += _wires(column, ways)
    top = min(item.y - item.height / 2 for item in itertools.chain(*columns))
    for item in itertools.chain(*columns):
        item.y -= top
    wires = [
        replace(w, points=tuple((x, y - top) for x, y in w.points), joint=w.joint and (w.joint[0], w.joint[1] - top))
        for w in wires
    ]
    return wires, x, max(item.y + item.height / 2 for item in itertools.chain(*columns))


def _columns(items: Sequence[Item], end: int) -> list[list[Item]]:
    """Return the items by column, with a place to pass for every wire that goes on beyond a column."""
    columns: list[list[Item]] = [[] for _ in range(end + 1)]
    for item in items:
        columns[item.column].append(item)
    passing: dict[tuple[Item, int], Item] = {}
    for item in items:
        for place, driver in enumerate(item.drivers):
            last = driver
            for column in range(driver.column + 1, item.column):
                if (driver, column) not in passing:
                    passing[driver, column] = Item(0.0, 6.0, [last], column)
                    columns[column].append(passing[driver, column])
                last = passing[driver, column]
            item.drivers[place] = last
    return columns


def _order(columns: list[list[Item]], draw: random.Random) -> None:
    """Put the items of each column in an order with few crossings."""
    best, fewest = [list(column) for column in columns], float("inf")
    for trial in range(60):
        if trial:
            for column in columns[1:]:
                draw.shuffle(column)
        for _ in range(6):
            for number in range(1, len(columns)):
                place = {item: k for k, item in enumerate(columns[number - 1])}
                columns[number].sort(key=lambda item: np.mean([place[d] for d in item.drivers]))
            for number in range(len(columns) - 2, 0, -1):
                places: dict[Item, list[int]] = {}
                for k, item in enumerate(columns[number + 1]):
                    for driver in item.drivers:
                        places.setdefault(driver, []).append(k)
                columns[number].sort(key=lambda item: np.mean(places.get(item, [0])))
            crossings = _crossings(columns)
            if crossings < fewest:
                best, fewest = [list(column) for column in columns], crossings
    columns[:] = best


def _crossings(columns: list[list[Item]]) -> float:
    total = 0.0
    for left, right in itertools.pairwise(columns):
        place = {item: k for k, item in enumerate(left)}
        ends = [(place[driver], k) for k, item in enumerate(right) for driver in item.drivers]
        total += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(ends, 2))
        total += 0.01 * sum(abs(a / len(left) - b / len(right)) for a, b in ends)
    return total


def _heights(columns: list[list[Item]]) -> None:
    """Set y: each item as near to what it is connected with as the distance to its neighbours allows."""
    targets: dict[Item, list[Item]] = {}
    for item in itertools.chain(*columns):
        for driver in item.drivers:
            targets.setdefault(driver, []).append(item)
    for column in columns:
        _stack(column, [0.0] * len(column))
    for turn in range(40):
        for column in columns if turn % 2 else reversed(columns):
            wanted = []
            for item in column:
                ends = [*item.drivers, *targets.get(item, [])]
                straight = [d for d in ends if d.width == 0 or item.width == 0 or len(ends) <= 2]
                wanted.append(float(np.mean([end.y for end in (straight or ends)])))
            _stack(column, wanted)


def _stack(column: list[Item], wanted: Sequence[float]) -> None:
    apart = [0.0, *((a.height + b.height) / 2 + APART for a, b in itertools.pairwise(column))]
    offsets = np.cumsum(apart)
    for item, y in zip(column, isotonic_regression(np.array(wanted) - offsets).x + offsets, strict=True):
        item.y = round(float(y))


def _straighten(columns: list[list[Item]]) -> None:
    """Lead each wire that passes several columns through them at one height, as far as there is room for it."""
    place = {item: (column, k) for column in columns for k, item in enumerate(column)}
    targets: dict[Item, list[Item]] = {}
    for item in place:
        for driver in item.drivers:
            targets.setdefault(driver, []).append(item)

    def room(item: Item) -> tuple[float, float]:
        column, k = place[item]
        low = -np.inf if k == 0 else column[k - 1].y + (column[k - 1].height + item.height) / 2 + APART / 2
        last = k == len(column) - 1
        return low, np.inf if last else column[k + 1].y - (column[k + 1].height + item.height) / 2 - APART / 2

    for item in (item for _ in range(3) for item in place if item.passes and not item.drivers[0].passes):
        waiting: Item | None = item
        while waiting is not None:
            low, high, run = -np.inf, np.inf, list[Item]()
            while waiting is not None:
                own = room(waiting)
                if max(low, own[0]) > min(high, own[1]):
                    break
                low, high, run = max(low, own[0]), min(high, own[1]), [*run, waiting]
                waiting = next((each for each in targets[waiting] if each.passes), None)
            pins = [run[0].drivers[0].y, *(_pins(end)[each] for each in run for end in targets[each] if not end.passes)]
            y = max(pins, key=lambda y: (low <= y <= high) * (1 + pins.count(y)))
            for each in run:
                each.y = float(np.clip(y, low, high))
    for item in place:
        if item.core > 0 and item.height <= 30 and len(item.drivers) == 1:
            item.y = float(np.clip(item.drivers[0].y, *room(item)))


def _pins(item: Item) -> dict[Item, float]:
    """Return where on an item each of its wires comes in, in the order of where they come from."""
    drivers = sorted(item.drivers, key=lambda driver: driver.y)
    step = min(9.0, 22.0 / max(1, len(drivers))) if item.core else 0.0
    return {driver: item.y + step * (k - (len(drivers) - 1) / 2) for k, driver in enumerate(drivers)}


def _routed(left: list[Item], right: list[Item]) -> list[Item]:
    """Return the drivers in one gap that need a way up or down, in the order of their ways from the left."""
    ends: dict[Item, list[float]] = {item: [] for item in left}
    for item in right:
        for driver, y in _pins(item).items():
            ends[driver].append(y)
    bent = [driver for driver, ys in ends.items() if any(y != driver.y for y in ys)]

    def cost(order: Iterable[Item]) -> float:
        total = 0.0
        for (a, first), (b, second) in itertools.combinations(enumerate(order), 2):
            assert a < b
            for one, other, before in ((first, second, True), (second, first, False)):
                low, high = min([one.y, *ends[one]]), max([one.y, *ends[one]])
                if before:  # one's way lies to the left: the other's wire from the left passes it
                    total += low < other.y < high
                    total += 50 * any(abs(y - other.y) < 2 for y in ends[one])  # one's ends run over the other's start
                else:  # to the right: the other's ends pass it
                    total += sum(low < y < high for y in ends[other])
        return total

    if len(bent) <= 6:
        return list(min(itertools.permutations(bent), key=cost))
    return sorted(bent, key=lambda driver: driver.y)


def _wires(column: list[Item], ways: dict[Item, float]) -> list[Wire]:
    wires = []
    shared = [driver for item in column for driver in item.drivers]
    for item in column:
        for driver, y in _pins(item).items():
            start, end = (driver.right, driver.y), (item.left, y)
            if y == driver.y:
                points: tuple[Point, ...] = (start, end)
            else:
                points = (start, (ways[driver], driver.y), (ways[driver], y), end)
            joint = (ways[driver], driver.y) if driver in ways and shared.count(driver) > 1 else None
            wires.append(Wire(driver, item, points, joint))
    return wires
