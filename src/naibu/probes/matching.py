"""Which networks find the same units: those that differ in their seed only, matched one to one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np
from scipy.optimize import linear_sum_assignment

from naibu.errors import OptionError
from naibu.probes.correlation import pearson_of_all
from naibu.probes.matching_results import LabelMatch, Matches, Matching, Pair
from naibu.probes.resampling import Resampler, Statistic
from naibu.probes.results import Score, Scores
from naibu.probes.same_rows import Network, same_rows
from naibu.probes.scoring import Scorer
from naibu.probes.source import Key, Source, gather, run_name
from naibu.probes.target import Target, choose_keys, count_rows, numeric, same_tokens
from naibu.probes.threads import one_thread
from naibu.probes.unit_pairs import correlations, pair_sums, r_of_pairs

LEVELS = (0.7, 0.9)
AT_ONCE = 100  # resamples


@one_thread
def matching(
    recordings: Sequence[Source],
    key: Key = ("lstm.0", "cell"),
    *,
    label: str | None = None,
    untrained: Sequence[Source] | None = None,
    names: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> Matching:
    """The units of several networks matched one to one by |r|, for every two networks.

    `recordings` are of the same test symbols, by networks of the same size that differ in seed only. Every unit of
    one network is correlated with every unit of the other, position by position; the assignment with the largest sum
    of |r| is chosen on training rows and scored on test rows: the median |r| of matched units, and the shares of
    units above .7 and .9. A look records another sample of training sequences for each seed; then the assignment is
    chosen on a random half of the test sequences and scored on the other half (`fitted.fitted_on` says which).
    Controls: the same search and score on `untrained`, the networks before training, of the same seeds in the same
    order; and a random one-to-one assignment, which shows how alike any two units are. With a numeric `label`, the
    unit that follows it best in each network (chosen on the same rows): its partner, whether that is the other
    network's best unit too, their r, and the r with the unit most like it, which the assignment may have given away.

    How it can mislead: a high |r| may come from the symbols alone, which both networks read, hence the untrained
    ones; two networks may hold the same in directions that are no units, and then nothing matches; units alike
    within a network are exchanged at will, so "the other's best unit too" can fail where both follow the label.
    |r| is not turned by its sign, so it is above 0 by chance: with few positions look at the random assignment. The
    intervals are of other sentences, not of other seeds, and the pairs of some networks are not independent.
    Document A looks at one network of each size; this asks whether its units are those of another.

    OptionError: fewer than two recordings; other test symbols, sequences or units (naming which differs); a key or
    label that is not there. Memory: units x units, and test sequences x units, for two networks at a time.
    """
    names = _named(recordings, names)
    for source in recordings:
        choose_keys(source, (key,))
        if source.units(key) != recordings[0].units(key):
            raise OptionError(
                f"{names[list(recordings).index(source)]}: has {source.units(key)} units in {'/'.join(key)}, "
                f"{names[0]} has {recordings[0].units(key)}; only networks of one size are matched"
            )
    networks, fitted_on = same_rows(recordings, names, seed)
    bare = _untrained(recordings, untrained, networks, names)
    resampler = Resampler(resamples, seed)
    trained, labelled = _all_pairs(networks, key, label, resampler, seed)
    controls, bare_labelled = ([], []) if bare is None else _all_pairs(bare, key, label, resampler, seed)
    pairs = [
        Pair(names[a], names[b], trained[k], controls[k] if controls else None)
        for k, (a, b) in enumerate(combinations(range(len(names)), 2))
    ]
    first = networks[0]
    rows = count_rows(first.source.index, first.fit, first.test, first.unseen, fitted_on)
    return Matching(
        run_name(recordings[0]), *key, tuple(names), label, rows, tuple(pairs), tuple(labelled), tuple(bare_labelled)
    )


def _named(recordings: Sequence[Source], names: Sequence[str] | None) -> list[str]:
    if len(recordings) < 2:
        raise OptionError(f"{len(recordings)} recording: two or more are needed to match units")
    if names is not None and len(names) != len(recordings):
        raise OptionError(f"names: {len(names)} for {len(recordings)} recordings")
    found = list(names) if names is not None else [run_name(source) for source in recordings]
    alike = len(set(found)) < len(found)
    return [f"{name} {k}".strip() for k, name in enumerate(found, 1)] if alike else found


def _untrained(
    recordings: Sequence[Source], untrained: Sequence[Source] | None, networks: Sequence[Network], names: Sequence[str]
) -> list[Network] | None:
    if untrained is None:
        return None
    if len(untrained) != len(recordings):
        raise OptionError(f"untrained: {len(untrained)} recordings for {len(recordings)} trained ones; give one each")
    for trained, bare, name in zip(recordings, untrained, names, strict=True):
        try:
            same_tokens(trained, bare)
        except OptionError as error:
            raise OptionError(f"{name}: {error}") from None
    return [replace(network, source=bare) for bare, network in zip(untrained, networks, strict=True)]


# ---------------------------------------------------------------- two networks


def _all_pairs(
    networks: Sequence[Network], key: Key, label: str | None, resampler: Resampler, seed: int
) -> tuple[list[Matches], list[LabelMatch]]:
    best = [] if label is None else [_best(network, label, key, resampler, seed) for network in networks]
    pairs: list[Matches] = []
    labelled: list[LabelMatch] = []
    for a, b in combinations(range(len(networks)), 2):
        r, found = _matched(networks[a], networks[b], key, resampler, seed)
        pairs.append(found)
        if best:
            labelled += _label_matches((networks[a], networks[b]), (best[a], best[b]), key, r, found.partner, resampler)
    return pairs, labelled


def _matched(a: Network, b: Network, key: Key, resampler: Resampler, seed: int) -> tuple[np.ndarray, Matches]:
    """Every unit of a with every unit of b, r on the rows chosen on, [unit unit], and the one-to-one assignment."""
    r = correlations(a.source, b.source, key, a.fit, b.fit)
    partner = linear_sum_assignment(np.abs(r), maximize=True)[1]
    random = np.random.default_rng((seed, 41)).permutation(len(partner))
    sums, drawn = pair_sums(a, b, key, [partner, random])
    unseen = a.unseen_sequences
    parts = [(sums, drawn)] + ([(sums[unseen], drawn[unseen])] if unseen.any() else [])
    statistics: list[Statistic] = [median, *(partial(share_above, level=level) for level in LEVELS)]
    found = [[*_scores(mine, statistics, resampler), *_scores(other, [median], resampler)] for mine, other in parts]
    chosen = np.abs(r)[np.arange(len(r)), partner]
    of_units = r_of_pairs(sums.sum(axis=0, dtype=np.float64))
    return r, Matches(partner.astype(np.int64), chosen, of_units, *map(_both, zip(*found, strict=True)))


def median(r: np.ndarray) -> np.ndarray:
    """The median of |r| over units, [... unit] -> [...]."""
    return np.asarray(np.median(np.abs(r), axis=-1))


def share_above(r: np.ndarray, level: float) -> np.ndarray:
    """The share of units with |r| above a level, [... unit] -> [...]."""
    return np.asarray((np.abs(r) > level).mean(axis=-1))


def _scores(sums: np.ndarray, statistics: Sequence[Statistic], resampler: Resampler) -> list[Score]:
    """Statistics of the r of all pairs of units, with intervals, from sums [sequence 1 + 5 * unit]."""
    whole = r_of_pairs(sums.sum(axis=0, dtype=np.float64))
    n = int(sums[:, 0].sum(dtype=np.float64))
    if len(sums) < 2:
        return [Score(float(of(whole)), np.nan, np.nan, n, len(sums)) for of in statistics]
    counts = resampler.counts(len(sums))
    parts: list[list[np.ndarray]] = []
    for a in range(0, len(counts), AT_ONCE):
        r = r_of_pairs((counts[a : a + AT_ONCE].astype(np.float32) @ sums).astype(np.float64))
        parts.append([of(r) for of in statistics])
    drawn = np.concatenate(parts, axis=1)  # statistic resample
    ends = np.percentile(drawn, (2.5, 97.5), axis=1).T
    return [
        Score(float(of(whole)), float(low), float(high), n, len(sums))
        for of, (low, high) in zip(statistics, ends, strict=True)
    ]


def _both(scores: Sequence[Score]) -> Scores:
    return Scores(scores[0], scores[1] if len(scores) > 1 else None)


# ---------------------------------------------------------------- the unit of a label


@dataclass(frozen=True)
class _Best:
    unit: int
    follows: Scores


def _best(network: Network, label: str, key: Key, resampler: Resampler, seed: int) -> _Best:
    """The unit that follows a label best on the rows chosen on, and its r with the label on test rows."""
    source = network.source
    values = numeric(source, label, seed).values
    defined = ~np.isnan(values)
    fit, test = network.fit & defined, network.test & defined
    if np.ptp(values[fit]) == 0 or np.ptp(values[test]) == 0:
        raise OptionError(f"label {label!r} does not vary on the rows that all recordings share; choose another")
    unit = int(np.abs(pearson_of_all(source, [values], [key], fit)[key][0]).argmax())
    target = Target(label, values, None, source.index, fit, test, network.unseen & defined, "")
    return _Best(unit, Scorer(target, resampler).pearson(gather(source, {key: [unit]}, test)[key][:, 0]))


def _label_matches(
    pair: tuple[Network, Network],
    best: tuple[_Best, _Best],
    key: Key,
    r: np.ndarray,
    partner_of: np.ndarray,
    resampler: Resampler,
) -> Iterator[LabelMatch]:
    """The best unit of the first network in the second, and that of the second in the first."""
    for (a, b), (mine, other), table, partners in (
        (pair, best, r, partner_of),
        (pair[::-1], best[::-1], r.T, np.argsort(partner_of)),
    ):
        partner, nearest = int(partners[mine.unit]), int(np.abs(table[mine.unit]).argmax())
        x = gather(a.source, {key: [mine.unit]}, a.test)[key][:, 0]
        y = gather(b.source, {key: [partner, nearest]}, b.test)[key]
        scores = [_alike(a, x, column, resampler) for column in y.T]
        yield LabelMatch(
            a.name, b.name, mine.unit, mine.follows, partner, other.unit, scores[0], nearest, scores[1]
        )  # fmt: skip


def _alike(network: Network, x: np.ndarray, y: np.ndarray, resampler: Resampler) -> Scores:
    """Pearson's r of two columns [test row]."""
    values = np.zeros(network.source.tokens)
    values[network.test] = y
    target = Target("", values, None, network.source.index, network.fit, network.test, network.unseen, "")
    return Scorer(target, resampler).pearson(x)
