"""The counter machine inside a network: what is left when its updates and forget gates are rounded to whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from naibu.data.formal.counted import Counted
from naibu.papers.mochihashi2019.counter_scores import Predicted
from naibu.papers.mochihashi2019.counter_training import Counter

Ints = NDArray[np.int64]
KEEP, UNKNOWN = 1, -1
WIDEST = 3
"""The farthest from 0 at which a machine may tell one count from another."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """A network's steps in whole numbers: what each unit forgets and adds, and the count that this alone gives."""

    forget: Ints  # [time string unit], 0 or 1
    update: Ints  # [time string unit], -1, 0 or 1
    count: Ints  # [time string unit]: forget * count + update, from 0


@torch.no_grad()
def rounded(model: Counter, strings: Counted) -> Rounded:
    """Return the network's steps on these strings, rounded."""
    _, signals = model.watched(torch.from_numpy(strings.ids), "update", "forget_gate")
    update, forget = (signals[name].round().long().numpy() for name in ("update", "forget_gate"))
    count = np.zeros_like(update)
    for step in range(len(update)):
        count[step] = update[step] + (forget[step] * count[step - 1] if step else 0)
    return Rounded(forget, update, count)


@torch.no_grad()
def whole(model: Counter, strings: Counted) -> float:
    """Return the share of steps and units whose update and forget gate are both within 0.01 of a whole number.

    Units that no machine needs count too, so that it can be below 1 in a network that counts exactly.
    """
    _, signals = model.watched(torch.from_numpy(strings.ids), "update", "forget_gate")
    near = [(value - value.round()).abs().numpy()[strings.there] < 0.01 for value in signals.values()]
    return float((near[0] & near[1]).mean())


@torch.no_grad()
def distinct_states(model: Counter, strings: Counted) -> int:
    """Return how many different hidden states there are on these strings, each unit rounded to a tenth.

    The hidden state is all that the next step and the output see of the cells. Cells that count have as many values
    as there are counts, so that their number says how long the strings are; and near a rounding edge one state may
    count as two.
    """
    _, signals = model.watched(torch.from_numpy(strings.ids), "hidden")
    tenths = (signals["hidden"].numpy()[strings.there] * 10).round().astype(np.int64)
    return len(np.unique(tenths, axis=0))


@dataclass(frozen=True)
class Move:
    """One row of a machine: reading `symbol` where the counts, cut to +-width, are `counts`, every counter does
    `forget * count + update`."""

    symbol: int
    counts: tuple[int, ...]
    forget: tuple[int, ...]
    update: tuple[int, ...]


@dataclass(frozen=True)
class Machine:
    """Counters that are set back, kept, raised or lowered by one, by the symbol read and by which of them are near 0.

    After the move, the symbol read and the new counts say which symbols are possible. Counts are seen only as far as
    +-width: with width 1 a machine tests for zero and sign and for nothing else.
    """

    units: tuple[int, ...]  # which of the network's units the counters are
    width: int
    moves: tuple[Move, ...]
    possible: tuple[tuple[int, tuple[int, ...], int], ...]  # symbol, counts after the move, bits of the symbols

    def run(self, strings: Counted) -> tuple[Ints, Ints]:
        """Return what is possible after each step as bits [time string], and the counts [time string counter].

        The machine runs on its own, from counts of 0. UNKNOWN where it has no row, and from there to the end.
        """
        moves = {(move.symbol, *move.counts): (*move.forget, *move.update) for move in self.moves}
        kept = {(symbol, *counts): bits for symbol, counts, bits in self.possible}
        many, size = strings.ids.shape[1], len(self.units)
        count, lost = np.zeros((many, size), np.int64), np.zeros(many, bool)
        bits, counts = np.full(strings.ids.shape, UNKNOWN, np.int64), np.zeros((*strings.ids.shape, size), np.int64)
        for step, (symbols, there) in enumerate(zip(strings.ids, strings.there, strict=True)):
            move, known = _look_up(moves, symbols, self._seen(count), 2 * size)
            count = move[:, :size] * count + move[:, size:]
            said, told = _look_up(kept, symbols, self._seen(count), 1)
            lost |= there & ~(known & told)
            bits[step], counts[step] = np.where(lost, UNKNOWN, said[:, 0]), count
        return np.where(strings.there, bits, 0), counts

    def _seen(self, count: Ints) -> Ints:
        return count.clip(-self.width, self.width)


def extract(of: Rounded, strings: Counted, predicted: Predicted) -> Machine | None:
    """Return the machine with the fewest counters, then the narrowest, then the fewest rows, that does what the
    network did on these strings; None where no choice of at most four units does.

    A choice of units serves if the symbol read and their counts alone decide what these units do and what the network
    holds possible. All choices are tried. It is fitted to these strings only: whether it is the network is shown by
    `agreement` on longer ones.
    """
    for size in range(1, min(4, of.count.shape[2]) + 1):
        for width in range(1, WIDEST + 1):
            found = [_fitted(of, strings, predicted, units, width) for units in combinations(range(_units(of)), size)]
            served = [machine for machine in found if machine is not None]
            if served:
                return min(served, key=lambda machine: len(machine.moves) + len(machine.possible))
    return None


def agreement(machine: Machine, strings: Counted, predicted: Predicted) -> tuple[float, int]:
    """Return the share of steps at which machine and network hold the same symbols possible, and the number of
    strings on which they do so at every step."""
    bits, _ = machine.run(strings)
    same = (bits == predicted.possible) | ~strings.there
    return float(same[strings.there].mean()), int(same.all(0).sum())


def _units(of: Rounded) -> int:
    return int(of.count.shape[2])


def _fitted(of: Rounded, strings: Counted, predicted: Predicted, units: tuple[int, ...], width: int) -> Machine | None:
    at, there = list(units), strings.there
    count = of.count[..., at]
    before = np.concatenate([np.zeros_like(count[:1]), count[:-1]]).clip(-width, width)
    symbol = strings.ids[..., None]
    keys = np.concatenate([symbol, before], -1)[there]
    done = np.concatenate([of.forget[..., at], of.update[..., at]], -1)[there]
    after = np.concatenate([symbol, count.clip(-width, width)], -1)[there]
    moves, said = _function(keys, done), _function(after, predicted.possible[there][:, None])
    if moves is None or said is None:
        return None
    size = len(units)
    rows = tuple(
        Move(key[0], key[1:], value[:size], value[size:])
        for key, value in ((tuple(row[: size + 1]), tuple(row[size + 1 :])) for row in moves)
    )
    return Machine(units, width, rows, tuple((row[0], tuple(row[1:-1]), row[-1]) for row in said))


def _function(keys: Ints, values: Ints) -> list[list[int]] | None:
    """Return the different rows (key, value), or None where one key has two values."""
    rows: Any = np.unique(np.concatenate([keys, values], 1), axis=0)
    cut = keys.shape[1]
    return None if len(np.unique(rows[:, :cut], axis=0)) < len(rows) else rows.tolist()


def _look_up(table: dict[Any, Any], symbols: Ints, seen: Ints, columns: int) -> tuple[Ints, NDArray[np.bool_]]:
    different, where = np.unique(np.concatenate([symbols[:, None], seen], 1), axis=0, return_inverse=True)
    values, known = np.zeros((len(different), columns), np.int64), np.zeros(len(different), bool)
    for row, key in enumerate(map(tuple, different.tolist())):
        if key in table:
            values[row], known[row] = table[key], True
    return values[where.reshape(-1)], known[where.reshape(-1)]
