"""Word types, each once, along principal components of their own (unique-PCA)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from naibu.data.forms import UNKNOWN_WORD
from naibu.errors import OptionError
from naibu.probes.components import COMPONENTS, FEWEST, frequent
from naibu.probes.components_results import Pair, UniqueComponents
from naibu.probes.part_of_speech import LABEL
from naibu.probes.principal import Axes, axes_of, principal_axes, projected
from naibu.probes.results import Score
from naibu.probes.source import Key, Source, run_name
from naibu.probes.target import Target, choose_keys, same_tokens
from naibu.probes.threads import one_thread_if_narrow

USUAL_PAIRS = (("NN", "NNS"), ("VBP", "VBZ"), ("VB", "VBD"))
"""Number of nouns, number of verbs, and a third: base form and past."""
LEAST = 5  # training tokens from which a word type is taken
KEPT = 10  # coordinates of each word type that are kept
FEWEST_TYPES = 10  # of each name, for a pair to be scored
MOST_WORDS = 1000  # most frequent word types that are kept


@one_thread_if_narrow
def unique_components(
    recording: Source,
    key: Key,
    *,
    label: str = LABEL,
    pairs: Sequence[tuple[str, str]] | None = None,
    least: int = LEAST,
    untrained: Source | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> UniqueComponents:
    """Mean vectors of word types along their own principal components, and pairs of names that come apart there.

    First the 50 principal components of all training tokens with a part of speech; then one mean vector in these for
    each word type with `least` training tokens or more, its part of speech the most frequent; then principal
    components of these vectors, each type counting once. For each pair (NN and NNS, VBP and VBZ, VB and VBD where
    the recording has them, else its two most frequent) the component that parts the two best on half of the word
    types, drawn with the seed, is scored on the other half: how often a word of the second lies beyond one of the
    first (area under the curve; 1/2 is chance). Intervals resample word types; n counts them.

    How it can mislead: a type's mean holds the contexts it came in as well as the word; rare types are noisier, and
    noise spreads too; of a type with two parts of speech only one is told; the means are of training tokens, so it
    is the word types that are held out, not the sentences. <unk> is left out. Source: document A, unique-PCA: number
    of verbs and plural nouns come apart (a plot). OptionError for an unknown key, label or name, or too few types.
    """
    choose_keys(recording, (key,))
    same_tokens(recording, untrained)
    target, tags = frequent(recording, label, seed)
    types, tag, count = types_taken(recording, target, len(tags), least)
    wanted = _pairs(tags, tag, pairs)
    axes, first = _type_axes(recording, key, target, types)
    coordinates = axes.coordinates(first)
    bare = None
    if untrained is not None:
        other, vectors = _type_axes(untrained, key, target, types)
        bare = other.coordinates(vectors)
    words = [recording.index.symbols[k] for k in types]
    found = [_pair(coordinates, bare, words, tags, tag, pair, resamples, seed) for pair in wanted]
    most = np.sort(np.argsort(-count, kind="stable")[:MOST_WORDS])
    kept = coordinates[most, : min(KEPT, coordinates.shape[1])]
    return UniqueComponents(
        run_name(recording), *key, label, target.rows, min(COMPONENTS, recording.units(key)), least, len(types),
        axes.share, tags, tuple(recording.index.symbols[k] for k in types[most]), tag[most], count[most],
        np.round(kept, 4), tuple(found),
    )  # fmt: skip


def types_taken(source: Source, target: Target, tags: int, least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Symbol numbers of the word types taken, their most frequent tag, and their training tokens.

    OptionError for fewer than 20 of them.
    """
    symbol = np.asarray(source.index.symbol).astype(np.int64)[target.train]
    code = target.values[target.train].astype(np.int64)
    known = symbol >= 0
    pairs, n = np.unique(symbol[known] * tags + code[known], return_counts=True)
    table = np.zeros((len(source.index.symbols), tags), np.int64)
    table[pairs // tags, pairs % tags] = n
    count = table.sum(axis=1)
    unknown = np.array([name == UNKNOWN_WORD for name in source.index.symbols])
    types = np.flatnonzero((count >= least) & ~unknown)
    if len(types) < FEWEST:
        raise OptionError(
            f"{len(types)} word types occur {least} times on training rows, {FEWEST} are needed; record more, or ask "
            "for fewer occurrences (least)"
        )
    return types, table[types].argmax(axis=1), count[types]


def _type_axes(source: Source, key: Key, target: Target, types: np.ndarray) -> tuple[Axes, np.ndarray]:
    """Principal components of the types' mean vectors, and these vectors [type first component]."""
    axes = principal_axes(source, key, target.train, COMPONENTS)
    place = np.full(len(source.index.symbols) + 1, -1)
    place[types] = np.arange(len(types))
    symbol = np.asarray(source.index.symbol)
    sums, n = np.zeros((len(types), len(axes.variance))), np.zeros(len(types))
    for rows, z in projected(source, key, axes, target.train):
        at = place[symbol[rows]]
        np.add.at(sums, at[at >= 0], z[at >= 0])
        n += np.bincount(at[at >= 0], minlength=len(types))
    means = sums / n[:, None]
    centre = means.mean(axis=0)
    covariance = (means - centre).T @ (means - centre) / len(means)
    return axes_of(centre, covariance, COMPONENTS), means


def _pairs(tags: tuple[str, ...], tag: np.ndarray, asked: Sequence[tuple[str, str]] | None) -> list[tuple[str, str]]:
    count = np.bincount(tag, minlength=len(tags))
    enough = {name for name, n in zip(tags, count, strict=True) if n >= FEWEST_TYPES}
    for pair in asked or ():
        for name in pair:
            if name not in enough:
                raise OptionError(
                    f"{name!r} is the most frequent name of fewer than {FEWEST_TYPES} word types; of more are "
                    f"{', '.join(sorted(enough)) or 'none'}"
                )
    if asked is not None:
        return list(asked)
    usual = [pair for pair in USUAL_PAIRS if set(pair) <= enough]
    most = [tags[k] for k in np.argsort(-count, kind="stable")[:2]]
    return usual or ([(most[0], most[1])] if set(most) <= enough and len(most) == 2 else [])


def _pair(
    coordinates: np.ndarray, bare: np.ndarray | None, words: Sequence[str], tags: tuple[str, ...], tag: np.ndarray,
    pair: tuple[str, str], resamples: int, seed: int,
) -> Pair:  # fmt: skip
    first, second = (np.flatnonzero(tag == tags.index(name)) for name in pair)
    draw = np.random.default_rng((seed, len(first), len(second)))
    first, second = draw.permutation(first), draw.permutation(second)
    a, b = len(first) // 2, len(second) // 2
    chosen = np.concatenate([first[:a], second[:b]])
    scored = np.sort(np.concatenate([first[a:], second[b:]]))
    above = tag == tags.index(pair[1])
    component, sign = best_component(coordinates[chosen], above[chosen])
    along = sign * coordinates[scored, component]
    score = auc_score(along, above[scored], resamples, seed)
    before = None
    if bare is not None:
        other, turned = best_component(bare[chosen], above[chosen])
        before = auc_score(turned * bare[scored, other], above[scored], resamples, seed)
    names = tuple(words[k] for k in scored)
    return Pair(pair, component, score, before, (a, b), names, above[scored], np.round(along, 4))


def best_component(x: np.ndarray, above: np.ndarray) -> tuple[int, float]:
    """The column of x [type component] that parts two kinds best, and the sign that puts those marked `above` above."""
    area = np.array([auc(column, above) for column in x.T])
    component = int(np.abs(area - 0.5).argmax())
    return component, 1.0 if area[component] >= 0.5 else -1.0


def auc_score(x: np.ndarray, above: np.ndarray, resamples: int, seed: int) -> Score:
    """The area under the curve with the interval from resampling word types."""
    draw = np.random.default_rng((seed, len(x)))
    areas = []
    for _ in range(resamples):
        some = draw.integers(0, len(x), len(x))
        if 0 < np.count_nonzero(above[some]) < len(some):
            areas.append(auc(x[some], above[some]))
    low, high = np.percentile(areas, (2.5, 97.5)) if areas else (np.nan, np.nan)
    return Score(auc(x, above), float(low), float(high), len(x), len(x))


def auc(x: np.ndarray, above: np.ndarray) -> float:
    """How often a value marked `above` is larger than one that is not, ties counting half."""
    n, m = int(np.count_nonzero(above)), int(np.count_nonzero(~above))
    return float((rankdata(x)[above].sum() - n * (n + 1) / 2) / (n * m)) if n and m else float("nan")
