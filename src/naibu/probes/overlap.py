"""Histogram overlap: how well one unit alone tells the two values of a label apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naibu.probes import codes, resampling
from naibu.probes.correlation import MOST_RANKED, in_memory
from naibu.probes.resampling import Resampler
from naibu.probes.results import Controls, Overlap, Scores, SignalOverlap
from naibu.probes.scoring import Scorer, cell_counts
from naibu.probes.source import Key, Source, gather, run_name
from naibu.probes.target import (
    Target,
    choose_keys,
    position_prediction,
    random_target,
    same_tokens,
    some_sequences,
    two_valued,
)
from naibu.probes.threads import one_thread

BINS = 60
SHIFTS = 20


@one_thread
def overlap(
    recording: Source,
    label: str,
    *,
    untrained: Source | None = None,
    keys: tuple[Key, ...] | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> Overlap:
    """Overlap of two histograms of one unit: where a two-valued label holds, and where it does not.

    The sum over 60 bins of the smaller of the two normalised histograms: 0 when one unit tells all, 1 when it
    tells nothing; half of it is the error of the best histogram rule where both values are equally frequent.
    The bins' edges are quantiles of the unit on training rows (values rounded to float16; fewer bins where one
    value holds several quantiles); of each signal the unit with the smallest overlap on training rows is taken
    (on at most 200,000, whole sequences) and scored on test rows.

    How it can mislead: it ignores how frequent the two values are; with few tokens two samples of one
    distribution overlap less than 1, so `no_information` gives the overlap of the same unit on the same rows
    with the labels rotated against the tokens by a random distance (mean of 20), which keeps the runs of both.
    Controls: the same search on an untrained network, the label's mean at each position as if it were a unit,
    and a random label per symbol type. Source: document A (Shibata, Uchiumi & Mochihashi 2020), inside VP:
    0.12. OptionError for a label without exactly two values.
    """
    keys = choose_keys(recording, keys)
    same_tokens(recording, untrained)
    target = two_valued(recording, label, seed)
    assert target.names is not None
    random = random_target(target, seed)
    resampler = Resampler(resamples, seed)
    found = _search_and_score(recording, [target] if random is None else [target, random], keys, resampler, seed)
    bare = None if untrained is None else _search_and_score(untrained, [target], keys, resampler, seed)[0]
    position = _position(target, Scorer(target, resampler))
    signals = []
    for key in keys:
        mine = found[0][key]
        controls = Controls(
            None if bare is None else bare[key].scores, position, found[1][key].scores if len(found) > 1 else None
        )
        y = target.values[target.test]
        counts = _histograms(mine.column, y, mine.edges)
        nothing = _no_information(mine.column, y, mine.edges, seed)
        signals.append(SignalOverlap(*key, mine.train, mine.unit, mine.scores, controls, nothing, mine.edges, counts))
    chosen = int(np.count_nonzero(some_sequences(target.index, target.train, MOST_RANKED, seed)))
    return Overlap(run_name(recording), label, target.names, target.rows, chosen, tuple(signals))


@dataclass(frozen=True)
class _Found:
    train: np.ndarray  # [unit]
    unit: int
    edges: np.ndarray
    column: np.ndarray  # float64 [test row]
    scores: Scores


def _search_and_score(
    source: Source, targets: Sequence[Target], keys: Sequence[Key], resampler: Resampler, seed: int
) -> list[dict[Key, _Found]]:
    rows = some_sequences(targets[0].index, targets[0].train, MOST_RANKED, seed)
    y = np.stack([t.values[rows] for t in targets])
    chosen: dict[Key, list[tuple[np.ndarray, int, np.ndarray]]] = {}
    for group in in_memory(source, keys, y.shape[1]):
        for key, block in gather(source, dict.fromkeys(group), rows, np.float16).items():
            chosen[key] = overlap_of_all(block, y)
    units = {key: [unit for _, unit, _ in chosen[key]] for key in keys}
    columns = gather(source, dict(units), targets[0].test, np.float16)
    out = []
    for k, target in enumerate(targets):
        scorer = Scorer(target, resampler)
        of = {}
        for key in keys:
            train, unit, edges = chosen[key][k]
            x = columns[key][:, k].astype(np.float64)
            of[key] = _Found(train, unit, edges, x, scorer.overlap(x, edges))
        out.append(of)
    return out


def overlap_of_all(block: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, int, np.ndarray]]:
    """Per label of y [label row], values 0 and 1: the overlap of every unit of [row unit], the best, its edges."""
    units = block.shape[1]
    values = np.ones((len(y), units))
    edges: list[np.ndarray] = []
    for a in range(0, units, 32):
        for k, code in enumerate(codes.columns(block, slice(a, a + 32))):
            count, one = codes.tables(code, y)
            edges.append(codes.quantile_edges(count, BINS))
            both = codes.in_bins(np.concatenate([count - one, one]), edges[-1])
            values[:, a + k] = resampling.overlap(both.reshape(2, len(y), -1).transpose(1, 0, 2).reshape(len(y), -1))
    best = values.argmin(axis=1)
    return [(values[k], int(u), edges[u]) for k, u in enumerate(best)]


def _histograms(x: np.ndarray, y: np.ndarray, edges: np.ndarray) -> np.ndarray:
    cell = np.searchsorted(edges[1:-1], x, side="right") + (len(edges) - 1) * (y == 1)
    counts = cell_counts(np.zeros(len(x), np.int64), cell, 2 * (len(edges) - 1))
    return counts.astype(np.int64).reshape(2, -1)  # value bin


def _no_information(x: np.ndarray, y: np.ndarray, edges: np.ndarray, seed: int) -> float:
    draw = np.random.default_rng((seed, len(y)))
    shifts = draw.integers(1, len(y), SHIFTS)
    rotated = [resampling.overlap(_histograms(x, np.roll(y, d), edges).ravel()) for d in shifts]
    return float(np.mean(rotated))


def _position(target: Target, scorer: Scorer) -> Scores:
    prediction = position_prediction(target).astype(np.float16)
    code = codes.columns(prediction[target.train][:, None], slice(1))[0]
    edges = codes.quantile_edges(codes.counts(code), BINS)
    return scorer.overlap(prediction[target.test].astype(np.float64), edges)
