"""What stands beside a classifier: logistic regression on the same training part, and the largest class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from naibu.data.classes.examples import ClassExamples, NumberExamples, TextExamples
from naibu.data.events import Array

STRENGTHS = (1.0, 10.0, 100.0)
"""C of logistic regression that are tried."""
GRAMS = 3
"""Symbols of the longest n-grams."""
POINTS = (10, 50)
"""Points at which series are read that are tried."""
FOLDS = 5
ITERATIONS = 1_000
"""Steps of logistic regression at most; its tolerance is scikit-learn's own, for with ten times that names were told
worse by two points."""

Features = Callable[[ClassExamples], Any]
"""What turns examples into rows of features, fitted on training examples."""


@dataclass(frozen=True)
class Beside:
    """A simple way: what it is called, its settings in words, and what it says of every example, [example class]."""

    name: str
    settings: str
    probabilities: Array


def simple_ways(train: ClassExamples, validation: ClassExamples, scored: ClassExamples) -> Iterator[Beside]:
    """Yield the largest class of training, and logistic regression: of texts on single symbols and on n-grams up to 3
    (tf-idf, sublinear), of series on their numbers at 10 or 50 places in equal distances.

    What is chosen, C and places, is what tells the validation part best, or where there is none the training part in
    five parts, each told from the others; then it is fitted on the training part alone.
    """
    counts = np.bincount(train.codes, minlength=len(train.names))
    shares = np.tile(counts / counts.sum(), (len(scored), 1))
    yield Beside("largest_class", train.names[int(counts.argmax())], shares)
    if isinstance(train, TextExamples):
        name = f"{train.level.name}s"
        yield _chosen(name, [("", grams_to(1, train))], train, validation, scored)
        yield _chosen("ngrams", [(f"to {GRAMS}", grams_to(GRAMS, train))], train, validation, scored)
    else:
        assert isinstance(train, NumberExamples)
        ways = [(f"{points} points", points_of(points, train)) for points in POINTS]
        yield _chosen("points", ways, train, validation, scored)


def grams_to(longest: int, train: ClassExamples) -> Features:
    """Return what gives texts the weights of their n-grams, tf-idf fitted on training texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    def cut(symbols: list[str]) -> list[tuple[str, ...]]:
        return [tuple(symbols[i : i + n]) for n in range(1, longest + 1) for i in range(len(symbols) - n + 1)]

    bag = TfidfVectorizer(analyzer=cut, sublinear_tf=True)
    bag.fit(_symbols(train))
    return lambda examples: bag.transform(_symbols(examples))


def points_of(points: int, train: ClassExamples) -> Features:
    """Return what gives series their numbers at places in equal distances, each scaled as in training."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(_resampled(train, points))
    return lambda examples: scaler.transform(_resampled(examples, points))


def _symbols(examples: ClassExamples) -> list[list[str]]:
    assert isinstance(examples, TextExamples)
    return [examples.symbols_of(k)[:-1] for k in range(len(examples))]  # without the end, which all have


def _resampled(examples: ClassExamples, points: int) -> Array:
    """Return [example channel*point], a channel after the other, marks of what is missing among them; changes are left
    out, which follow from the numbers."""
    assert isinstance(examples, NumberExamples)
    channels = [k for k, name in enumerate(examples.features) if not name.startswith("change of ")]
    found = np.zeros((len(examples), points * len(channels)))
    for k in range(len(examples)):
        series = examples.series(k)[:, channels]
        places = np.linspace(0, len(series) - 1, points)
        found[k] = np.concatenate([np.interp(places, np.arange(len(series)), channel) for channel in series.T])
    return found


def _chosen(
    name: str,
    ways: list[tuple[str, Features]],
    train: ClassExamples,
    validation: ClassExamples,
    scored: ClassExamples,
) -> Beside:
    tried: list[tuple[float, float, str, Features, Any, Any]] = []
    for said, features in ways:
        x, unseen = features(train), features(validation) if len(validation) else None
        for strength in STRENGTHS:
            fitted = None if unseen is None else _fitted(x, train.codes, strength)
            if fitted is None:
                right = _in_turn(x, train.codes, strength)
            else:
                right = float(fitted.score(unseen, validation.codes))
            tried.append((right, strength, said, features, x, fitted))
    _, strength, said, features, x, fitted = max(tried, key=lambda each: each[0])
    fitted = _fitted(x, train.codes, strength) if fitted is None else fitted
    probabilities = np.zeros((len(scored), len(train.names)))
    probabilities[:, fitted.classes_] = fitted.predict_proba(features(scored))
    return Beside(name, ", ".join(filter(None, (said, f"C {strength:g}"))), probabilities)


def _fitted(x: Any, y: Array, strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=ITERATIONS).fit(x, y)


def _in_turn(x: Any, y: Array, strength: float) -> float:
    """Return the share of training examples told right from the others of it, in equal parts; 0 where a class has one
    example alone."""
    from sklearn.model_selection import StratifiedKFold

    folds = min(FOLDS, int(np.bincount(y)[np.unique(y)].min()))
    if folds < 2:
        return 0.0
    split = StratifiedKFold(folds, shuffle=True, random_state=1).split(np.zeros(len(y)), y)
    return float(np.mean([_fitted(x[some], y[some], strength).score(x[rest], y[rest]) for some, rest in split]))
