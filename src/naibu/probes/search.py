"""The cells people look for: of every label the one unit that tells it best, among all units and signals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import rankdata

from naibu.errors import OptionError
from naibu.probes import codes
from naibu.probes.correlation import in_memory
from naibu.probes.detector import auc_scores
from naibu.probes.found import Best, Found, Search
from naibu.probes.resampling import Resampler
from naibu.probes.results import Controls, Scores
from naibu.probes.scoring import Scorer
from naibu.probes.source import Key, Source, gather, run_name
from naibu.probes.target import (
    Target,
    choose_keys,
    numeric,
    position_prediction,
    random_target,
    same_tokens,
    some_sequences,
    two_valued,
)
from naibu.probes.threads import one_thread

MOST_SEARCHED = 100_000
PERMUTATIONS = 99
UNITS, ROWS = 64, 4096  # in one product


@one_thread
def search(
    recording: Source,
    labels: Sequence[str] | None = None,
    *,
    untrained: Source | None = None,
    keys: tuple[Key, ...] | None = None,
    permutations: int = PERMUTATIONS,
    resamples: int = 1000,
    seed: int = 1,
) -> Search:
    """Of every label the unit and signal that tell it best, chosen on training rows and scored on test rows.

    A label of two values is told by the area under the ROC curve: the probability that the unit is higher (or
    lower, as on training rows) at a place where the label holds than at one where it does not, a tie counting
    half; .5 knows nothing, 1 tells always. Any other number is told by Spearman's r. Both come from mid-ranks of
    values rounded to float16: exact for a recording in float16, and for one in float32 off by at most half the
    share of pairs that the rounding makes equal. All units are searched on at most 100,000 training rows (whole
    sequences).

    `p` is corrected for the units searched, by the greatest statistic: the label tracks of whole sequences are put in
    random order and laid end to end over the same rows, which keeps their values and runs and takes them away from
    what was read, and p says how often the best of all units then does as well. Units are alike and tokens hang
    together, so that dividing by the number of units, or counting tokens as trials, would not be right; this asks of
    neither. A unit that knows no more than the position in the sequence passes it too, see that control. It is not
    corrected for the number of labels, and is never below 1 / (permutations + 1).

    How it can mislead: a unit may only know the symbol just read; `symbol` says what the label's mean after each
    symbol type gives, a table fitted on training rows, and the random label how well a unit can know symbols; a small
    p says that the unit knows something, not that it knows the label, see the test score; nearness to a counter raises
    the rank correlation though nothing is counted; the AUC ignores how rare the label is, so that .95 may still mean
    many false alarms.
    labels: all of the recording when not given; those that are categorical or do not vary are named in `skipped`.
    Controls: the same search on an untrained network, the position alone, the symbol alone, a random label per symbol
    type. Source:
    Karpathy, Johnson & Fei-Fei 2015 (cells found by eye there); Hewitt & Liang 2019.
    """
    keys = choose_keys(recording, keys)
    same_tokens(recording, untrained)
    if permutations < 1:
        raise OptionError(f"permutations {permutations}: must be at least 1")
    targets, skipped = _targets(recording, labels, seed)
    resampler, found = Resampler(resamples, seed), dict[str, Found]()
    for group in _alike(targets):
        rows = some_sequences(group[0], group[0].train, MOST_SEARCHED, seed)
        draws = _draws(np.asarray(group[0].index.sequence)[rows], permutations, seed)
        randoms = {target.name: random_target(target, seed) for target in group}
        there = [*group, *(random for random in randoms.values() if random is not None)]
        statistics, greatest = _of_all(recording, keys, there, rows, draws, len(group))
        bests = _bests(recording, keys, there, statistics, resampler, len(group))
        bare = _untrained(untrained, keys, group, rows, resampler)
        for k, target in enumerate(group):
            best = _leading(bests[target.name])
            random = randoms[target.name]
            controls = Controls(
                None if bare is None else bare[target.name].scores,
                _scores(position_prediction(target)[target.test], target, resampler),
                None if random is None else _leading(bests[random.name]).scores,
            )
            symbol = _scores(_symbol_prediction(target)[target.test], target, resampler)
            reached = np.count_nonzero(greatest[k] >= _strength(best, target) - 1e-6)
            found[target.name] = Found(
                target.name, _statistic(target), target.names, _share(target), best, tuple(bests[target.name]),
                None if bare is None else bare[target.name], controls,
                symbol, (1 + int(reached)) / (permutations + 1), target.rows,
            )  # fmt: skip
    tokens = max((int(some_sequences(t, t.train, MOST_SEARCHED, seed).sum()) for t in targets), default=0)
    searched = sum(recording.units(key) for key in keys)
    in_order = tuple(found[target.name] for target in targets)
    return Search(run_name(recording), searched, permutations, tokens, in_order, tuple(skipped))


def _targets(source: Source, labels: Sequence[str] | None, seed: int) -> tuple[list[Target], list[str]]:
    """The labels as targets, and those that cannot be searched with the reason; one asked for by name is an error."""
    targets, skipped = list[Target](), list[str]()
    for name in source.index.label_names if labels is None else labels:
        found = source.index.label(name)
        values = np.asarray(found.values, np.float64)
        distinct = np.unique(values[~np.isnan(values)] if found.names is None else values[values >= 0])
        try:
            targets.append((two_valued if len(distinct) == 2 else numeric)(source, name, seed))
        except OptionError:
            if labels is not None:
                raise
            skipped.append(f"{name} (it {'is categorical' if found.names is not None else 'does not vary'})")
    return targets, skipped


def _symbol_prediction(target: Target) -> np.ndarray:
    """The label's mean after each symbol type over the training rows, looked up for every token, float64 [token]."""
    symbol = np.asarray(target.index.symbol) + 1  # -1: not known
    y = target.values[target.train]
    n = np.bincount(symbol[target.train], minlength=int(symbol.max()) + 1)
    total = np.bincount(symbol[target.train], y, len(n))
    return np.asarray(np.where(n > 0, total / np.maximum(n, 1), y.mean())[symbol])


def _alike(targets: Iterable[Target]) -> list[list[Target]]:
    """Targets that are defined on the same rows together: their ranks are made once."""
    groups: dict[bytes, list[Target]] = {}
    for target in targets:
        masks = np.packbits(target.train).tobytes() + np.packbits(target.test).tobytes()
        groups.setdefault(masks, []).append(target)
    return list(groups.values())


def _draws(sequence: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """int32 [permutation row]: the rows of whole sequences in random order, end to end."""
    starts = np.flatnonzero(np.diff(sequence, prepend=sequence[0] - 1))
    parts = np.split(np.arange(len(sequence), dtype=np.int32), starts[1:])
    draw = np.random.default_rng((seed, 23))
    out = np.empty((permutations, len(sequence)), np.int32)
    for row in out:
        row[:] = np.concatenate([parts[k] for k in draw.permutation(len(parts))])
    return out


def _of_all(
    source: Source, keys: Iterable[Key], targets: Sequence[Target], rows: np.ndarray, draws: np.ndarray, drawn: int
) -> tuple[dict[Key, np.ndarray], np.ndarray]:
    """The signed statistic of every unit for every target, [target unit] per key, on the marked rows.

    Area under the ROC curve less a half, or Spearman's r: both are products of the unit's centred mid-ranks with
    weights of the label. And, for the first `drawn` targets, the greatest size that any unit reaches with the label
    rows in the order of each draw, [target draw]; the mid-ranks are rounded to a 65,534th of their range there.
    """
    weights = np.stack([_weights(target, rows) for target in targets])
    binary = np.array([target.names is not None for target in targets])
    total = weights.shape[1]
    statistics: dict[Key, np.ndarray] = {}
    greatest = np.zeros((drawn, len(draws)))
    for group in in_memory(source, keys, total):
        blocks = gather(source, dict.fromkeys(group), rows, np.float16)
        spreads, ranks = {}, {}
        for key, block in blocks.items():
            statistics[key], spreads[key] = np.zeros((len(targets), block.shape[1])), np.ones(block.shape[1])
            ranks[key] = block.view(np.int16)  # the ranks take the place of the values
            for a in range(0, block.shape[1], UNITS):
                some = slice(a, a + UNITS)
                centred = np.stack([_centred(code) for code in codes.columns(block, some)])
                spread = np.sqrt(np.einsum("ut,ut->u", centred, centred))
                spreads[key][some] = np.where(spread > 0, spread, np.inf)
                statistics[key][:, some] = weights @ centred.T / np.where(binary[:, None], 1.0, spreads[key][some])
                ranks[key][:, some] = np.rint(centred.T * (65_534 / total))
        if drawn and len(draws):
            divide = {key: np.where(binary[:drawn, None], 1.0, spreads[key]) for key in group}
            np.maximum(greatest, _greatest(ranks, weights[:drawn], draws, divide), out=greatest)
    return statistics, greatest


def _greatest(
    ranks: dict[Key, np.ndarray], weights: np.ndarray, draws: np.ndarray, divide: dict[Key, np.ndarray]
) -> np.ndarray:
    """The greatest size of the statistic over units, [target draw], with the label's rows as drawn."""
    total, (labels, count) = weights.shape[1], (len(weights), len(draws))
    scaled = (weights * (total / 65_534)).astype(np.float32)
    sums = {key: np.zeros((labels * count, block.shape[1]), np.float32) for key, block in ranks.items()}
    for a in range(0, total, ROWS):
        laid = scaled[:, draws[:, a : a + ROWS]].reshape(labels * count, -1)  # label and draw, row
        for key, block in ranks.items():
            sums[key] += laid @ block[a : a + ROWS].astype(np.float32)
    out = np.zeros((labels, count))
    for key, found in sums.items():
        sizes = np.abs(found.reshape(labels, count, -1)) / divide[key][:, None]
        np.maximum(out, sizes.max(axis=-1), out=out)
    return out


def _weights(target: Target, rows: np.ndarray) -> np.ndarray:
    """float64 [row], such that the product with centred mid-ranks is the statistic (times their spread, for r)."""
    y = target.values[rows]
    if target.names is None:
        centred = rankdata(y) - (len(y) + 1) / 2
        return np.asarray(centred / max(float(np.sqrt(centred @ centred)), 1e-300))
    into = float(y.sum())
    return np.asarray((y - y.mean()) / max(into * (len(y) - into), 1.0))


def _centred(code: np.ndarray) -> np.ndarray:
    """Mid-ranks of one unit's codes less their mean, float64 [row]."""
    midranks = codes.midranks(codes.counts(code)) - (len(code) + 1) / 2
    return np.asarray(codes.by_code(midranks)[code])


def _bests(
    source: Source,
    keys: Sequence[Key],
    targets: Sequence[Target],
    statistics: dict[Key, np.ndarray],
    resampler: Resampler,
    whole: int,
) -> dict[str, list[Best]]:
    """Of every target the best unit of every signal, of those after the first `whole` of all; scored on test rows."""
    units = {key: [int(unit) for unit in np.abs(statistics[key]).argmax(axis=1)] for key in keys}
    columns = gather(source, dict(units), targets[0].test, np.float16)
    found = {}
    for k, target in enumerate(targets):
        bests, sizes = [], [abs(float(statistics[key][k, units[key][k]])) for key in keys]
        for key in keys if k < whole else [keys[int(np.argmax(sizes))]]:
            signed = float(statistics[key][k, units[key][k]])
            x = columns[key][:, k].astype(np.float64) * (1 if signed >= 0 else -1)
            value = abs(signed) + (0.5 if target.names is not None else 0.0)
            bests.append(Best(*key, units[key][k], signed >= 0, value, _scores(x, target, resampler)))
        found[target.name] = bests
    return found


def _untrained(
    source: Source | None, keys: Sequence[Key], targets: Sequence[Target], rows: np.ndarray, resampler: Resampler
) -> dict[str, Best] | None:
    if source is None:
        return None
    statistics, _ = _of_all(source, keys, targets, rows, np.zeros((0, 0), np.int32), 0)
    bests = _bests(source, keys, targets, statistics, resampler, 0)
    return {name: _leading(some) for name, some in bests.items()}


def _scores(x: np.ndarray, target: Target, resampler: Resampler) -> Scores:
    x = x.astype(np.float16)
    return auc_scores(x, target, resampler) if target.names is not None else Scorer(target, resampler).spearman(x)


def _leading(bests: Sequence[Best]) -> Best:
    return max(bests, key=lambda best: best.train)


def _strength(best: Best, target: Target) -> float:
    return best.train - (0.5 if target.names is not None else 0.0)


def _statistic(target: Target) -> str:
    return "spearman" if target.names is None else "auc"


def _share(target: Target) -> float | None:
    return None if target.names is None else float(target.values[target.test].mean())
