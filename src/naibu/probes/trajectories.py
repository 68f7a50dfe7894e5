"""Chosen units while sentences are read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from naibu.errors import OptionError
from naibu.probes.results import Trajectories, Trajectory
from naibu.probes.source import Key, Source, gather, run_name
from naibu.probes.target import choose_keys, divide

BETWEEN = (0.4, 0.8)  # quantiles of the lengths of the sequences shown
MOST_SYMBOLS = 120


def trajectories(
    recording: Source,
    key: Key,
    units: Sequence[int],
    *,
    label: str,
    sequences: int = 8,
    seed: int = 1,
) -> Trajectories:
    """The values of chosen units over some test sequences, with their symbols and a label, step by step.

    Sequences are drawn among the unseen test sequences, or all of them where there are fewer unseen than
    asked, with a length between the 40 and 80 % quantiles, longer ones than 120 symbols only where there are no
    others. They illustrate and prove nothing: eight sentences are no sample. Source: document A, type 1.
    OptionError for a unit, key or label the recording does not have.
    """
    choose_keys(recording, (key,))
    width = recording.units(key)
    for unit in units:
        if not 0 <= unit < width:
            raise OptionError(f"unit {unit} of {'/'.join(key)} does not exist; it has units 0 to {width - 1}")
    index = recording.index
    found = index.label(label)
    _, test, unseen, _ = divide(index, seed)
    sequence = np.asarray(index.sequence)
    chosen = _choose(sequence, test, unseen, sequences, seed)
    rows = np.isin(sequence, chosen) & test
    values = gather(recording, {key: tuple(units)}, rows)[key].astype(np.float32)
    numbers, first = np.unique(sequence[rows], return_index=True)
    bounds = [*first, len(values)]
    symbol = [symbol_name(index.symbols, int(k)) for k in np.asarray(index.symbol)[rows]]
    y = np.asarray(found.values, np.float64)[rows]
    fresh = unseen[rows]
    out = [
        Trajectory(int(number), not bool(fresh[a]), tuple(symbol[a:b]), y[a:b], values[a:b])
        for number, a, b in zip(numbers, bounds[:-1], bounds[1:], strict=True)
    ]
    names = found.names or ()
    return Trajectories(run_name(recording), *key, tuple(int(u) for u in units), label, names, tuple(out))


def symbol_name(symbols: tuple[str, ...], number: int) -> str:
    """The name of a symbol, its number where it has none; "" where what was read is no symbol."""
    return "" if number < 0 else symbols[number] if number < len(symbols) else str(number)


def _choose(sequence: np.ndarray, test: np.ndarray, unseen: np.ndarray, wanted: int, seed: int) -> np.ndarray:
    numbers, lengths = np.unique(sequence[unseen], return_counts=True)
    if len(numbers) < wanted:
        numbers, lengths = np.unique(sequence[test], return_counts=True)
    low, high = np.quantile(lengths, BETWEEN)
    medium = (lengths >= low) & (lengths <= high)
    short = medium & (lengths <= MOST_SYMBOLS)
    medium = short if np.count_nonzero(short) >= wanted else medium
    if np.count_nonzero(medium) < wanted:
        medium = np.argsort(np.argsort(np.abs(lengths - np.median(lengths)), kind="stable")) < wanted
    draw = np.random.default_rng((seed, len(numbers)))
    return np.asarray(draw.permutation(numbers[medium])[:wanted])
