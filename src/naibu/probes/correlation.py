"""Correlation of every unit with a numeric label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from naibu.probes import codes
from naibu.probes.association import association
from naibu.probes.halves import widened
from naibu.probes.resampling import Resampler
from naibu.probes.results import Controls, Correlation, Scores, SignalCorrelation
from naibu.probes.scoring import Scorer
from naibu.probes.source import Key, Source, blocks, gather, run_name
from naibu.probes.target import (
    Target,
    choose_keys,
    numeric,
    position_prediction,
    random_target,
    same_tokens,
    some_sequences,
)
from naibu.probes.threads import one_thread

MOST_RANKED = 200_000
GATHERED_BYTES = 400_000_000


@one_thread
def correlation(
    recording: Source,
    label: str,
    *,
    untrained: Source | None = None,
    keys: tuple[Key, ...] | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> Correlation:
    """Pearson and Spearman correlation of every unit of every signal with a numeric label.

    The unit of each signal is the one with the largest |r| on training rows; only its score on test rows is
    given with an interval. The search over many units therefore does not flatter the test score, though it
    does flatter the training one. The label at t is the structure after symbol t, the unit's value the state
    after symbol t. Controls: the same search and score on an untrained network (large, for any recurrent
    state knows something of its input), the label's mean at each position, and a random label per symbol type.

    How it can mislead: a unit that counts words correlates with depth, see the position control; a unit that
    counts exactly but saturates has r < 1; several units may share what none shows alone, see `regression`.
    Spearman ranks values rounded to float16, for all units on at most 200,000 training rows (whole sequences).
    Source: document A (Shibata, Uchiumi & Mochihashi 2020, How LSTM Encodes Syntax), type 1; random label:
    Hewitt & Liang 2019. OptionError for an unknown or categorical label, or other tokens in `untrained`.
    """
    keys = choose_keys(recording, keys)
    same_tokens(recording, untrained)
    target = numeric(recording, label, seed)
    random = random_target(target, seed)
    resampler = Resampler(resamples, seed)
    targets = [target] if random is None else [target, random]
    found = _search_and_score(recording, targets, keys, resampler, seed)
    bare = None if untrained is None else _search_and_score(untrained, [target], keys, resampler, seed)[0]
    prediction, scorer = position_prediction(target)[target.test], Scorer(target, resampler)
    position = scorer.pearson(prediction), scorer.spearman(prediction)

    signals = []
    for key in keys:
        mine = found[0][key]
        pearson, spearman = (
            Controls(
                None if bare is None else bare[key].scores[k],
                position[k],
                found[1][key].scores[k] if len(found) > 1 else None,
            )
            for k in (0, 1)
        )
        signals.append(
            SignalCorrelation(
                *key, *mine.train, mine.units[0], mine.scores[0], pearson, mine.units[1], mine.scores[1], spearman,
                association(mine.column, scorer.y),
            )
        )  # fmt: skip
    ranked = int(np.count_nonzero(some_sequences(target.index, target.train, MOST_RANKED, seed)))
    return Correlation(run_name(recording), label, target.rows, ranked, tuple(signals))


@dataclass(frozen=True)
class _Found:
    train: tuple[np.ndarray, np.ndarray]  # Pearson, Spearman of every unit on training rows
    units: tuple[int, int]
    scores: tuple[Scores, Scores]
    column: np.ndarray  # [test row] of the Pearson unit


def _search_and_score(
    source: Source, targets: Sequence[Target], keys: Sequence[Key], resampler: Resampler, seed: int
) -> list[dict[Key, _Found]]:
    """Per target and key: r of all units on training rows, the best units, their scores on test rows."""
    train, test = targets[0].train, targets[0].test
    pearson = pearson_of_all(source, [t.values for t in targets], keys, train)
    ranked = some_sequences(targets[0].index, train, MOST_RANKED, seed)
    spearman = spearman_of_all(source, [t.values for t in targets], keys, ranked)
    best = {key: [int(np.abs(r).argmax()) for r in (*pearson[key], *spearman[key])] for key in keys}
    columns = gather(source, dict(best), test)
    out = []
    for k, target in enumerate(targets):
        scorer, of = Scorer(target, resampler), {}
        for key in keys:
            p, s = k, k + len(targets)
            x, ranks = columns[key][:, p].astype(np.float64), columns[key][:, s]
            units = best[key][p], best[key][s]
            scores = scorer.pearson(x), scorer.spearman(ranks)
            of[key] = _Found((pearson[key][k], spearman[key][k]), units, scores, x)
        out.append(of)
    return out


def pearson_of_all(
    source: Source, values: Sequence[np.ndarray], keys: Iterable[Key], rows: np.ndarray
) -> dict[Key, np.ndarray]:
    """Pearson's r of every unit with every column of values [token], on the marked rows: [value unit] per key.

    One pass. Values are taken relative to the first block's mean, so that float32 products in a block lose
    nothing that matters; the sums over blocks are float64.
    """
    keys = tuple(keys)
    y = np.stack([v - v[rows].mean() for v in values])  # value token
    count = int(np.count_nonzero(rows))
    shift: dict[Key, np.ndarray] = {}
    sums = {key: np.zeros((len(values) + 2, source.units(key))) for key in keys}
    for block in blocks(source, keys, rows, size=4096):
        left = np.concatenate([y[:, block.rows], np.ones((1, len(block.rows)))]).astype(np.float32)
        for key in keys:
            x = widened(block[key])
            if key not in shift:
                shift[key] = x.mean(axis=0, dtype=np.float64).astype(np.float32)
            x -= shift[key]
            sums[key][:-1] += left @ x
            sums[key][-1] += np.einsum("tu,tu->u", x, x)
    yy = (y[:, rows] ** 2).sum(axis=1)[:, None]
    return {key: _r(count, s[:-2], s[-2], s[-1], yy) for key, s in sums.items()}


def _r(n: int, xy: np.ndarray, x: np.ndarray, xx: np.ndarray, yy: np.ndarray) -> np.ndarray:
    spread = xx - x * x / n
    still = spread <= 1e-7 * xx
    return np.asarray(np.where(still, 0.0, xy / np.sqrt(np.where(still, 1.0, spread) * yy)))


def spearman_of_all(
    source: Source, values: Sequence[np.ndarray], keys: Iterable[Key], rows: np.ndarray
) -> dict[Key, np.ndarray]:
    """Spearman's r of every unit with every column of values [token], on the marked rows: [value unit] per key.

    Exact mid-ranks of float16 values by counting; float32 recordings are rounded to float16 for this.
    """
    y = np.stack([rankdata(v[rows]) for v in values])
    y -= y.mean(axis=1, keepdims=True)
    yy = (y**2).sum(axis=1)
    out = {}
    for group in in_memory(source, keys, y.shape[1]):
        for key, block in gather(source, dict.fromkeys(group), rows, np.float16).items():
            r = np.zeros((len(y), block.shape[1]))
            for a in range(0, block.shape[1], 32):
                for k, code in enumerate(codes.columns(block, slice(a, a + 32))):
                    count, sums = codes.tables(code, y)
                    rank = codes.midranks(count) - (y.shape[1] + 1) / 2
                    spread = float(count @ (rank * rank))
                    r[:, a + k] = sums @ rank / np.sqrt(spread * yy) if spread > 0 else 0.0
            out[key] = r
    return out


def in_memory(source: Source, keys: Iterable[Key], rows: int) -> list[list[Key]]:
    """The keys in groups of which so many float16 rows fit in memory at a time, one pass over the shards each."""
    groups: list[list[Key]] = []
    full = GATHERED_BYTES
    for key in keys:
        size = 2 * rows * source.units(key)
        if not groups or full + size > GATHERED_BYTES:
            groups.append([])
            full = 0
        groups[-1].append(key)
        full += size
    return groups
