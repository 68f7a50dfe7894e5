"""A numeric label from all units of one signal: least squares, Lasso, the best single unit, and rising curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naibu.probes.feature_sign import feature_sign
from naibu.probes.gram import Gram, grams
from naibu.probes.monotone import NAMES as RISING
from naibu.probes.monotone import gain, rising
from naibu.probes.resampling import Resampler
from naibu.probes.results import Controls, Curve, LinearModel, Regression, Scores
from naibu.probes.scoring import Scorer
from naibu.probes.source import Key, Source, blocks, run_name
from naibu.probes.target import Target, choose_keys, numeric, position_prediction, random_target, same_tokens
from naibu.probes.threads import one_thread_if_narrow

SPARSER_WITHIN = 0.01  # of R2
PATH = 30
PATH_LENGTH = 1e-4  # smallest alpha over largest
FLOOR = 1e-9  # of the largest variance, added to all: nearly equal units have one solution
LINEAR = ("linear", "lasso", "single")
NAMES = (*LINEAR, *RISING)


@one_thread_if_narrow
def regression(
    recording: Source,
    label: str,
    key: Key,
    *,
    untrained: Source | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> Regression:
    """A numeric label predicted from one signal by least squares, Lasso, the best single unit, and rising curves.

    Fitted on training rows from sums of products, on raw units (nothing is standardised), scored on test rows.
    Lasso minimises |y - Xw - b|^2 / 2n + alpha |w|_1; alpha is the largest of a path of 30 whose R2 on a held-out
    fifth of the training sequences is within 0.01 of the best there; then it is fitted on all of them. The
    single unit is the one with the largest |Pearson r| on training rows, with its least-squares line. `monotone` is
    the isotonic curve of the label along the unit with the largest |Spearman r| on training rows (at most 200,000),
    rising or falling by its sign; `monotone of all` that along the least-squares prediction. Their `gain` is R2 less
    that of the straight line through the same unit or prediction: above 0, the relation bends.

    How it can mislead: a high R2 of all units says that the label can be read off linearly, not that the
    network uses it; an untrained recurrent network of this width reaches a high one too, see the control. As
    units are raw, the penalty falls harder on units that move little. Which of several alike units Lasso keeps
    is chance. R2 depends on how much the label varies in these sentences. A gain may come from a saturated end or from
    a label that cannot fall below 0 as well as from a counter with unequal steps; and a rising curve on held-out rows
    can be worse than a line. Controls: as in `correlation`. Source: document A (linear, Lasso and single unit
    compared; VP depth from raw text is monotone, not linear). OptionError as in `correlation`.
    """
    choose_keys(recording, (key,))
    same_tokens(recording, untrained)
    target = numeric(recording, label, seed)
    random = random_target(target, seed)
    resampler = Resampler(resamples, seed)
    targets = [target] if random is None else [target, random]
    found = _fit_and_score(recording, key, targets, resampler, seed)
    bare = None if untrained is None else _fit_and_score(untrained, key, [target], resampler, seed)[0]
    prediction, scorer = position_prediction(target)[target.test], Scorer(target, resampler)
    position = scorer.r2(prediction), scorer.pearson(prediction)
    models = []
    for k, name in enumerate(NAMES):
        mine = found[0].models[k]
        r2, r = (
            Controls(
                None if bare is None else bare.models[k].scores[j],
                position[j],
                found[1].models[k].scores[j] if len(found) > 1 else None,
            )
            for j in (0, 1)
        )
        units = np.flatnonzero(mine.weights)
        models.append(
            LinearModel(
                name,
                units,
                mine.weights[units],
                mine.intercept,
                mine.alpha,
                mine.scores[0],
                r2,
                mine.scores[1],
                r,
                mine.curve,
                mine.gain,
            )
        )
    path = found[0].path
    return Regression(
        run_name(recording), *key, label, target.rows, recording.units(key), tuple(models),
        path.alphas, path.nonzero, path.held_r2,
    )  # fmt: skip


@dataclass(frozen=True)
class _Path:
    alphas: np.ndarray
    nonzero: np.ndarray
    held_r2: np.ndarray
    chosen: int


@dataclass(frozen=True)
class _Model:
    weights: np.ndarray  # [unit]
    intercept: float
    alpha: float | None
    scores: tuple[Scores, Scores]  # R2, r
    curve: Curve | None = None
    gain: Scores | None = None


@dataclass(frozen=True)
class _Found:
    models: tuple[_Model, ...]
    path: _Path


def _fit_and_score(
    source: Source, key: Key, targets: Sequence[Target], resampler: Resampler, seed: int
) -> list[_Found]:
    """Per target the models and their scores; the passes over the rows serve all targets."""
    train, test = targets[0].train, targets[0].test
    fit, held = grams(source, key, [t.values for t in targets], train, _fifth(targets[0], seed))
    whole = fit + held
    fitted, paths = [], []
    for k in range(len(targets)):
        path = lasso_path_held_out(fit, held if held.n else fit, k)
        alpha = float(path.alphas[path.chosen])
        weights = (least_squares(whole, k), lasso(whole, k, path.alphas[: path.chosen + 1])[-1], single(whole, k))
        fitted.append([(w, whole.intercept(k, w), a) for w, a in zip(weights, (None, alpha, None), strict=True)])
        paths.append(path)
    columns = np.stack([w for models in fitted for w, _, _ in models], axis=1)  # unit (target model)
    predicted = linear_predictions(source, key, columns, test)
    curves = rising(source, key, targets, whole, [models[0][0] for models in fitted], seed)
    out = []
    for k, target in enumerate(targets):
        scorer, models = Scorer(target, resampler), []
        for j, (weights_, intercept, alpha_) in enumerate(fitted[k]):
            y = predicted[:, k * len(LINEAR) + j] + intercept
            models.append(_Model(weights_, intercept, alpha_, (scorer.r2(y), scorer.pearson(y))))
        for c in curves[k]:
            scores = scorer.r2(c.prediction), scorer.pearson(c.prediction)
            models.append(_Model(c.weights, c.intercept, None, scores, c.curve, gain(scorer, c)))
        out.append(_Found(tuple(models), paths[k]))
    return out


def _fifth(target: Target, seed: int) -> np.ndarray:
    """Marks a fifth of the training sequences, drawn with the seed; bool [token]."""
    sequence = np.asarray(target.index.sequence)
    numbers = np.unique(sequence[target.train])
    held = np.random.default_rng((seed, 5)).permutation(numbers)[: len(numbers) // 5]
    return np.isin(sequence, held)


def linear_predictions(source: Source, key: Key, weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Units times `weights` [unit model] on the marked rows, [row model], in one pass."""
    place = np.cumsum(rows) - 1
    out = np.zeros((int(place[-1]) + 1, weights.shape[1]))
    for block in blocks(source, (key,), rows):
        out[place[block.rows]] = block[key].astype(np.float64) @ weights
    return out


def least_squares(gram: Gram, k: int) -> np.ndarray:
    """Weights of the least squares fit; directions with less than 1e-9 of the largest variance are left out."""
    values, vectors = np.linalg.eigh(gram.covariance())
    kept = values > 1e-9 * max(float(values[-1]), 1e-300)
    return np.asarray(vectors[:, kept] @ ((vectors[:, kept].T @ gram.with_label(k)) / values[kept]))


def single(gram: Gram, k: int) -> np.ndarray:
    """Weights of the line through the unit with the largest |r|; zero elsewhere."""
    variance = np.diag(gram.covariance())
    r = np.abs(gram.with_label(k)) / np.sqrt(np.where(variance > 0, variance, np.inf))
    return gram.line(k, int(r.argmax()))


def lasso(gram: Gram, k: int, alphas: np.ndarray) -> np.ndarray:
    """Lasso weights along descending `alphas`, [alpha unit], from the sums alone, each solved to the end."""
    products, label = gram.covariance(), gram.with_label(k)
    products[np.diag_indices(len(label))] += FLOOR * max(float(products.diagonal().max()), 1e-300)
    path = [np.zeros(len(label))]
    for alpha in alphas:
        path.append(feature_sign(products, products @ path[-1] - label, path[-1], float(alpha)))
    return np.stack(path[1:])


def lasso_path_held_out(fit: Gram, held: Gram, k: int) -> _Path:
    """The Lasso path on `fit`, its R2 on `held`, and the sparsest within 0.01 of the best."""
    largest = max(float(np.abs(fit.with_label(k)).max()), 1e-12)
    alphas = largest * np.geomspace(1, PATH_LENGTH, PATH)
    weights = lasso(fit, k, alphas)
    errors = [held.squared_error(k, w, fit.intercept(k, w)) for w in weights]
    r2 = 1 - np.array(errors) / max(held.n * held.variance(k), 1e-300)
    chosen = int(np.flatnonzero(r2 >= r2.max() - SPARSER_WITHIN)[0])
    return _Path(alphas, np.count_nonzero(weights, axis=1), r2, chosen)
