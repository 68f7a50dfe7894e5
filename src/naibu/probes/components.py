"""Tokens along the principal components of a signal: all parts of speech, or all tokens of one word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from naibu.errors import OptionError
from naibu.probes.baseline import baselines_of, categorical, told_by_symbol
from naibu.probes.components_results import Components, Points, Telling, WordTokens
from naibu.probes.part_of_speech import LABEL
from naibu.probes.principal import Axes, ClassSums, principal_axes, projected, signs_split
from naibu.probes.resampling import Resampler
from naibu.probes.results import Scores
from naibu.probes.scoring import Scorer
from naibu.probes.source import Key, Source, run_name
from naibu.probes.target import Target, choose_keys, same_tokens
from naibu.probes.threads import one_thread_if_narrow

COMPONENTS = 50
FEWEST = 20  # training rows of a name from which it is told apart
SHOWN_TAGS = 8
SHOWN_EACH = 40  # tokens drawn of each name
SHOWN_TOKENS = 400  # drawn of one word
USUAL_WORD = "that"


@one_thread_if_narrow
def components(
    recording: Source,
    key: Key,
    *,
    label: str = LABEL,
    components: int = COMPONENTS,
    untrained: Source | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> Components:
    """Words along the first principal components of a signal, and how well these tell the parts of speech apart.

    Components are of training rows with a part of speech, raw units. A linear discriminant (one covariance for all
    classes) says the part of speech of test rows from all components, from the first two, and from the first two
    components of the signs split: coordinates and their negatives side by side, exponentiated (`signs_split`), as the
    source does to show negative values; they are divided by the first component's deviation before, which the source
    does not say, for without it a few large values are all that is seen. Names with fewer than 20 training rows are
    left out; of the 8 most frequent with a letter in them 40 test tokens each are kept to be drawn.

    How it can mislead: components hold what varies most, not what matters; a cloud of its own may be one frequent
    word; two dimensions hide what the third shows. That parts of speech lie apart follows already from each word
    having one: the 1-gram says how far. Even so the exponential favours large values. Source: document A,
    "parts of speech can be told apart, though it is somewhat hard to see" (no number). OptionError for an unknown key
    or label, or other tokens in `untrained`.
    """
    choose_keys(recording, (key,))
    same_tokens(recording, untrained)
    target, classes = frequent(recording, label, seed)
    resampler = Resampler(resamples, seed)
    maps = _Maps(recording, key, target, components)
    bare = None if untrained is None else _Maps(untrained, key, target, components).scores(untrained, resampler)
    telling = tuple(
        Telling(name, dimensions, scores, None if bare is None else bare[k][2])
        for k, (name, dimensions, scores) in enumerate(maps.scores(recording, resampler))
    )
    count = np.bincount(target.values[target.train].astype(np.int64), minlength=len(classes))
    lettered = [k for k in np.argsort(-count, kind="stable") if any(c.isalpha() for c in classes[k])]
    shown = np.array(lettered[:SHOWN_TAGS], np.int64)
    rows = _drawn(target, shown, SHOWN_EACH, seed)
    points = _points(recording, key, maps, target, shown, rows)
    return Components(
        run_name(recording), *key, label, target.rows, recording.units(key), maps.axes.share, classes,
        told_by_symbol(target), telling, baselines_of(target, True, resampler), tuple(classes[k] for k in shown),
        points,
    )  # fmt: skip


@one_thread_if_narrow
def word_tokens(
    recording: Source,
    key: Key,
    word: str | None = None,
    *,
    label: str = LABEL,
    untrained: Source | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> WordTokens:
    """All tokens of one word along principal components of their own, told apart by part of speech.

    `word` is `that`, or where that does not vary the most frequent word whose second part of speech has a tenth of
    its tokens. Components and a linear discriminant of them (at most 50, and at most a fifth of the training rows) are
    fitted on the word's training rows and scored on its test rows.

    How it can mislead: the word is always the same, so whatever tells the tokens apart comes from what was read
    before; but two symbols may be enough for that, see the 2-gram and 3-gram; with few tokens, and an interval as wide
    as here, little can be said. What follows a word, which often decides its part of speech, has not been read yet.
    Source: document A ("that" has the functions of "this", "if" and "which"). OptionError for a word that does not
    occur, or not with two parts of speech on both training and test rows.
    """
    choose_keys(recording, (key,))
    same_tokens(recording, untrained)
    word = word if word is not None else usual_word(recording, label)
    target, tags = of_word(recording, label, word, seed)
    rows = target.rows
    most = max(2, min(COMPONENTS, rows.train_tokens // 5))
    resampler = Resampler(resamples, seed)
    maps = _Maps(recording, key, target, most)
    bare = None if untrained is None else _Maps(untrained, key, target, most).scores(untrained, resampler)
    found = maps.scores(recording, resampler)[:2]
    telling = tuple(Telling(n, d, s, None if bare is None else bare[k][2]) for k, (n, d, s) in enumerate(found))
    y = target.values[target.test]
    said = maps.said(recording, target.test)[0]
    counts = [
        np.bincount(target.values[part].astype(np.int64), minlength=len(tags)) for part in (target.train, target.test)
    ]
    right = np.bincount(y[said == y].astype(np.int64), minlength=len(tags))
    recall = np.where(counts[1] > 0, right / np.maximum(counts[1], 1), np.nan)
    shown = np.arange(len(tags))
    drawn = _drawn(target, shown, SHOWN_TOKENS // max(2, len(tags)), seed)
    points = replace(_points(recording, key, maps, target, shown, drawn, 2), split=np.zeros((0, 2)))
    return WordTokens(
        run_name(recording), *key, label, word, rows, maps.axes.share, tags, counts[0], counts[1], recall,
        told_by_symbol(target), telling, baselines_of(target, True, resampler), points,
    )  # fmt: skip


def frequent(source: Source, label: str, seed: int) -> tuple[Target, tuple[str, ...]]:
    """The target of a categorical label with the names that have 20 training rows or more, renumbered."""
    target = categorical(source, label, seed)
    names = source.index.label(label).names or ()
    count = np.bincount(target.values[target.train].astype(np.int64), minlength=len(names))
    kept = [name for name, n in zip(names, count, strict=True) if n >= FEWEST]
    if len(kept) < 2:
        raise OptionError(f"label {label!r} has fewer than two values with {FEWEST} training rows; record more")
    return replace(categorical(source, label, seed, [(name,) for name in kept]), names=None), tuple(kept)


def usual_word(source: Source, label: str) -> str:
    """`that` where it has two parts of speech, else the most frequent word that has, OptionError without one."""
    index = source.index
    found = index.label(label)
    tag, symbol = np.asarray(found.values).astype(np.int64), np.asarray(index.symbol).astype(np.int64)
    there = (tag >= 0) & (symbol >= 0)
    pairs, n = np.unique(symbol[there] * len(found.names or ()) + tag[there], return_counts=True)
    of = pairs // max(1, len(found.names or ()))
    total = np.bincount(of, n, minlength=len(index.symbols))
    first = np.zeros(len(total))
    np.maximum.at(first, of, n)
    varied = np.flatnonzero((first <= 0.9 * total) & (total >= 2 * FEWEST))
    varied = np.array([k for k in varied if not index.symbols[k].startswith("<unk")], np.int64)
    if not len(varied):
        raise OptionError(f"no word of this recording has two values of {label!r} often enough; name one")
    usual = [k for k in varied if index.symbols[k] == USUAL_WORD]
    return index.symbols[usual[0] if usual else int(varied[total[varied].argmax()])]


def of_word(source: Source, label: str, word: str, seed: int) -> tuple[Target, tuple[str, ...]]:
    """The target of a categorical label on one word's rows, names renumbered by frequency in training rows."""
    index = source.index
    if word not in index.symbols:
        raise OptionError(f"the word {word!r} is not among the symbols of this recording")
    here = np.asarray(index.symbol) == index.symbols.index(word)
    names = source.index.label(label).names or ()
    target = categorical(source, label, seed)
    count = np.bincount(target.values[target.train & here].astype(np.int64), minlength=len(names))
    # A name that never occurs with this word in training cannot be said, so its test rows are left out.
    kept = [names[k] for k in np.argsort(-count, kind="stable") if count[k]]
    if len(kept) < 2:
        raise OptionError(f"the word {word!r} has fewer than two values of {label!r} on training rows; choose another")
    target = categorical(source, label, seed, [(name,) for name in kept])
    parts = target.train & here, target.test & here, target.unseen & here
    if len(np.unique(target.values[parts[1]])) < 2:
        raise OptionError(f"the word {word!r} has fewer than two values of {label!r} on test rows; choose another")
    return replace(target, names=None, train=parts[0], test=parts[1], unseen=parts[2]), tuple(kept)


class _Maps:
    """Components of one signal, the plane of their split signs, and discriminants in each."""

    names = ("components", "plane", "signs split")

    def __init__(self, source: Source, key: Key, target: Target, components: int) -> None:
        self.key, self.target = key, target
        self.axes: Axes = principal_axes(source, key, target.train, components)
        width = len(self.axes.variance)
        self.scale = float(np.sqrt(self.axes.variance[0])) or 1.0
        classes = int(target.values[target.train].max()) + 1
        sums = ClassSums(classes, 3 * width)
        for rows, z in projected(source, key, self.axes, target.train):
            sums.add(np.concatenate([z, signs_split(z / self.scale)], axis=1), target.values[rows].astype(np.int64))
        plain, split = sums.part(slice(width)), sums.part(slice(width, None))
        self.split_axes = split.axes(2)
        plane = split.through(self.split_axes.directions)
        self.discriminants = [plain.discriminant(), plain.part(slice(2)).discriminant(), plane.discriminant()]
        self.dimensions = (width, min(2, width), 2)

    def said(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """The class that each discriminant says of the marked rows, float64 [discriminant row]."""
        found = []
        for _, z in projected(source, self.key, self.axes, rows):
            features = (z, z[:, :2], signs_split(z / self.scale) @ self.split_axes.directions)
            found.append(
                np.stack([(x @ w + b).argmax(axis=1) for x, (w, b) in zip(features, self.discriminants, strict=True)])
            )
        return np.concatenate(found, axis=1).astype(np.float64)

    def scores(self, source: Source, resampler: Resampler) -> list[tuple[str, int, Scores]]:
        """Name, dimensions and accuracy on test rows of each discriminant."""
        scorer = Scorer(self.target, resampler)
        said = self.said(source, self.target.test)
        return [(n, d, scorer.accuracy(x)) for n, d, x in zip(self.names, self.dimensions, said, strict=True)]


def _drawn(target: Target, shown: np.ndarray, each: int, seed: int) -> np.ndarray:
    """Marks at most `each` test rows of every class shown, drawn with the seed; bool [token]."""
    out = np.zeros(len(target.values), bool)
    for k in shown:
        there = np.flatnonzero(target.test & (target.values == k))
        out[np.random.default_rng((seed, int(k))).permutation(there)[:each]] = True
    return out


def _points(
    source: Source, key: Key, maps: _Maps, target: Target, shown: np.ndarray, rows: np.ndarray, most: int = COMPONENTS
) -> Points:
    found: Iterator[tuple[np.ndarray, np.ndarray]] = projected(source, key, maps.axes, rows)
    z = np.concatenate([z for _, z in found])
    place = {int(k): n for n, k in enumerate(shown)}
    tag = np.array([place[int(k)] for k in target.values[rows]], np.int64)
    names = source.index.symbols
    symbols = tuple(names[s] if 0 <= s < len(names) else str(s) for s in np.asarray(source.index.symbol)[rows])
    split = maps.split_axes.coordinates(signs_split(z / maps.scale))
    return Points(symbols, tag, np.round(z[:, :most], 4), np.round(split, 4), maps.scale)
