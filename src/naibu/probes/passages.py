"""Passages of held-out text with the values of named cells at every symbol, to be coloured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naibu.errors import OptionError
from naibu.probes.found import Best, Search
from naibu.probes.result import Result
from naibu.probes.results import Row
from naibu.probes.source import Index, Key, Source, gather, run_name
from naibu.probes.target import choose_keys, divide

SYMBOLS = 2500  # in all passages together
LONGEST = 1200  # in one, where there are shorter ones
FULL = 127  # the int8 of a value as large as the cell's scale


@dataclass(frozen=True)
class NamedCell:
    """One unit of one signal, and the label it was named for ("" for one that somebody asked for)."""

    layer: str
    signal: str
    unit: int
    label: str
    statistic: str  # "auc", "spearman", or "" where nothing was searched
    score: float  # on test rows; nan where nothing was searched
    rises: bool  # whether it is higher where the label holds, or is larger

    @property
    def signed(self) -> bool:
        """Whether its values have a sign; a gate's lie between 0 and 1."""
        return not self.signal.endswith("_gate")


@dataclass(frozen=True)
class Passage:
    """Consecutive symbols of one sequence, and each cell's value after each of them was read."""

    sequence: int
    seen: bool  # the sequence also occurs in training
    symbols: tuple[str, ...]
    values: np.ndarray  # int8 [cell symbol], in 127ths of the cell's scale
    holds: np.ndarray  # int8 [cell symbol]: 1 where the cell's label of two values holds, 0 where not, -1 for others


@dataclass(frozen=True)
class Passages(Result):
    """Text to be coloured by named cells."""

    run: str
    cells: tuple[NamedCell, ...]
    scales: np.ndarray  # float64 [cell]: the size that the darkest colour stands for
    passages: tuple[Passage, ...]

    def rows(self) -> list[Row]:
        """One row per passage and cell: the value's mean and extremes."""
        return [
            {
                "run": self.run,
                "split": "test",
                "layer": cell.layer,
                "signal": cell.signal,
                "unit": cell.unit,
                "label": cell.label,
                "sequence": passage.sequence,
                "symbols": len(passage.symbols),
                **{name: float(of(values)) for name, of in (("mean", np.mean), ("low", np.min), ("high", np.max))},
            }
            for passage in self.passages
            for cell, values in zip(self.cells, passage.values * (self.scales[:, None] / FULL), strict=True)
        ]


def named_cells(search: Search) -> list[NamedCell]:
    """The cells that a search found, the label told best first: of each the best of all and, beside it, of the cell."""
    cells = []
    for found in search.ordered():
        of_cell = found.of("cell") or found.of("hidden")
        for best in (found.best, of_cell):
            if best is not None and (best is found.best or best != found.best):
                cell = _named(best, found.label, found.statistic)
                if cell not in cells:
                    cells.append(cell)
    return cells


def _named(best: Best, label: str, statistic: str) -> NamedCell:
    score = best.scores.unseen or best.scores.test
    return NamedCell(best.layer, best.signal, best.unit, label, statistic, score.value, best.rises)


def passages(
    recording: Source, cells: Sequence[NamedCell], *, symbols: int = SYMBOLS, longest: int = LONGEST, seed: int = 1
) -> Passages:
    """Passages of test sequences with the values of named cells.

    Sequences in which most of the cells' labels of two values change are taken first, unseen ones before others,
    then at random: by the labels alone, whatever the network does. They illustrate and prove nothing. A longer
    sequence than `longest` symbols is cut at its end. The darkest colour stands for the largest size in the passages
    (1 for gates); values are kept in 127ths of it.
    OptionError for a unit or signal that the recording does not have, or where there are no cells.
    """
    _check(recording, cells)
    index = recording.index
    holds = list({cell.label: _holds(index, cell) for cell in cells}.values())
    rows, numbers = _chosen(index, holds, symbols, longest, seed)
    return cut_out(recording, cells, rows, numbers)


def cut_out(recording: Source, cells: Sequence[NamedCell], rows: np.ndarray, numbers: Sequence[int]) -> Passages:
    """The marked rows [token] of the sequences `numbers`, in that order, as passages; errors as in `passages`."""
    _check(recording, cells)
    index = recording.index
    values = _values(recording, cells, rows)
    signed = np.array([cell.signed for cell in cells])
    largest = np.abs(values).max(axis=1, initial=0.0)
    scales = np.where(signed & (largest > 0), largest, 1.0)
    small = np.rint(values / scales[:, None] * FULL).clip(-FULL, FULL).astype(np.int8)
    holds = {cell.label: _holds(index, cell)[rows] for cell in cells}
    marked = np.stack([holds[cell.label] for cell in cells])
    sequence, symbol = np.asarray(index.sequence)[rows], np.asarray(index.symbol)[rows]
    seen = np.asarray(index.seen)[rows]
    out = []
    for number in numbers:
        here = np.flatnonzero(sequence == number)
        spelled = tuple(index.symbols[k] if 0 <= k < len(index.symbols) else str(k) for k in symbol[here])
        out.append(Passage(int(number), bool(seen[here[0]]), spelled, small[:, here], marked[:, here]))
    return Passages(run_name(recording), tuple(cells), scales, tuple(out))


def _check(recording: Source, cells: Sequence[NamedCell]) -> None:
    if not cells:
        raise OptionError("no cells were given: name at least one unit")
    choose_keys(recording, tuple((cell.layer, cell.signal) for cell in cells))
    for cell in cells:
        width = recording.units((cell.layer, cell.signal))
        if not 0 <= cell.unit < width:
            where = f"{cell.layer}/{cell.signal}"
            raise OptionError(f"unit {cell.unit} of {where} does not exist; it has units 0 to {width - 1}")


def _holds(index: Index, cell: NamedCell) -> np.ndarray:
    """int8 [token]: 1 where the cell's label of two values has the greater, 0 where the smaller, -1 for any other."""
    nothing = np.full(len(np.asarray(index.symbol)), -1, np.int8)
    if cell.label not in index.label_names or cell.statistic == "spearman":
        return nothing
    found = index.label(cell.label)
    values = np.asarray(found.values, np.float64)
    there = ~np.isnan(values) if found.names is None else values >= 0
    distinct = np.unique(values[there])
    # In a short text a label of two values may have only one of them.
    if len(distinct) > 2 or (len(distinct) < 2 and not cell.statistic):
        return nothing
    greater = values == distinct[1] if len(distinct) == 2 else values > 0
    return np.where(there, greater, nothing).astype(np.int8)


def _chosen(
    index: Index, holds: Sequence[np.ndarray], symbols: int, longest: int, seed: int
) -> tuple[np.ndarray, list[int]]:
    """The rows to show, bool [token], and the numbers of their sequences in the order chosen."""
    _, test, unseen, _ = divide(index, seed)
    sequence = np.asarray(index.sequence)
    numbers, first, lengths = np.unique(sequence, return_index=True, return_counts=True)
    shown = np.minimum(lengths, longest)
    draw = np.random.default_rng((seed, len(numbers))).random(len(numbers))
    changing = np.zeros(len(numbers), int)
    for held in holds:
        for k, (a, n) in enumerate(zip(first, shown, strict=True)):
            changing[k] += len(np.unique(held[a : a + n])) > 1
    order = [k for k in np.lexsort((draw, -changing, ~unseen[first])) if test[first[k]]]
    rows, chosen, left = np.zeros(len(sequence), bool), list[int](), symbols
    for k in order:
        if shown[k] <= left or not chosen:
            rows[first[k] : first[k] + shown[k]] = True
            chosen.append(int(numbers[k]))
            left -= int(shown[k])
        if left < symbols // 10:
            break
    return rows, chosen


def _values(recording: Source, cells: Sequence[NamedCell], rows: np.ndarray) -> np.ndarray:
    """The cells' values on the marked rows, float64 [cell row]."""
    units: dict[Key, list[int]] = {}
    for cell in cells:
        units.setdefault((cell.layer, cell.signal), []).append(cell.unit)
    found = gather(recording, dict(units), rows, np.float32)
    columns = {key: iter(found[key].T) for key in units}
    return np.stack([next(columns[cell.layer, cell.signal]) for cell in cells]).astype(np.float64)
