"""Units of two recordings of the same symbols side by side: every unit with every unit, and chosen pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from naibu.probes.resampling import pearson
from naibu.probes.same_rows import Network
from naibu.probes.source import Key, Source, blocks


def correlations(a: Source, b: Source, key: Key, rows_a: np.ndarray, rows_b: np.ndarray) -> np.ndarray:
    """Pearson's r of every unit of a with every unit of b, [unit unit]; 0 for a unit that never changes.

    `rows_a`, `rows_b` (bool [token]) mark the same positions in both. One pass, products in float32 of values taken
    relative to the first piece's mean, sums in float64.
    """
    product = np.zeros((a.units(key), b.units(key)))
    one = [np.zeros(a.units(key)), np.zeros(b.units(key))]
    two = [np.zeros(a.units(key)), np.zeros(b.units(key))]
    n = 0
    for start, pieces in _together((a, b), key, (rows_a, rows_b)):
        if start == 0:
            shift = [piece.mean(axis=0) for piece in pieces]
        x, y = (piece - mean for piece, mean in zip(pieces, shift, strict=True))
        product += x.T @ y
        for k, values in enumerate((x, y)):
            one[k] += values.sum(axis=0, dtype=np.float64)
            two[k] += np.einsum("tu,tu->u", values, values, dtype=np.float64)
        n += len(x)
    stacked = (
        np.full_like(product, n),
        *np.broadcast_arrays(one[0][:, None], one[1], two[0][:, None], two[1]),
        product,
    )
    return pearson(np.stack(stacked, axis=-1))


def pair_sums(a: Network, b: Network, key: Key, assignments: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Per assignment and test sequence the sums n, x, y, xx, yy, xy of its pairs of units: [sequence 1 + 5 * unit]."""
    number = a.test_sequence
    units = a.source.units(key)
    out = [np.zeros((int(number[-1]) + 1, 1 + 5 * units), np.float32) for _ in assignments]
    for start, (left, right) in _together((a.source, b.source), key, (a.test, b.test)):
        if start == 0:
            shift = left.mean(axis=0), right.mean(axis=0)
        of = number[start : start + len(left)]
        first = np.flatnonzero(np.append(True, np.diff(of) != 0))
        counts = np.diff(np.append(first, len(of)))[:, None].astype(np.float32)
        x, all_y = left - shift[0], right - shift[1]
        for sums, partner in zip(out, assignments, strict=True):
            y = all_y[:, partner]
            parts = [np.add.reduceat(v, first, axis=0) for v in (x, y, x * x, y * y, x * y)]
            sums[of[first]] += np.concatenate([counts, *parts], axis=1)
    return out


def _together(
    sources: Sequence[Source], key: Key, rows: Sequence[np.ndarray]
) -> Iterator[tuple[int, list[np.ndarray]]]:
    """The marked rows of several recordings side by side, float32 [row unit], with the number of the first row."""
    streams = [_pieces(source, key, marked) for source, marked in zip(sources, rows, strict=True)]
    heads = [next(stream, None) for stream in streams]
    start = 0
    while True:
        there = [head for head in heads if head is not None]
        if len(there) < len(heads):
            return
        n = min(map(len, there))
        yield start, [head[:n] for head in there]
        start += n
        rests = [head[n:] for head in there]
        heads = [rest if len(rest) else next(stream, None) for rest, stream in zip(rests, streams, strict=True)]


def _pieces(source: Source, key: Key, rows: np.ndarray) -> Iterator[np.ndarray]:
    return (block[key].astype(np.float32) for block in blocks(source, (key,), rows, size=4096))


def r_of_pairs(sums: np.ndarray) -> np.ndarray:
    """Pearson's r of each pair of units from sums [... 1 + 5 * unit]."""
    units = (sums.shape[-1] - 1) // 5
    parts = sums[..., 1:].reshape(*sums.shape[:-1], 5, units)  # ... 5 unit
    n = np.broadcast_to(sums[..., None, :1], (*sums.shape[:-1], 1, units))
    return pearson(np.moveaxis(np.concatenate([n, parts], axis=-2), -2, -1))
