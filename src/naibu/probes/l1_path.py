"""A two-valued label from few units of one signal: the path of L1-regularised logistic regressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from naibu.errors import OptionError
from naibu.probes.l1_logistic import Problem, Solution, refit, solve_path
from naibu.probes.regression import linear_predictions
from naibu.probes.resampling import Resampler
from naibu.probes.results import Controls, L1Path, L1Row, Scores
from naibu.probes.scoring import Scorer
from naibu.probes.source import Key, Source, blocks, run_name
from naibu.probes.target import (
    Target,
    choose_keys,
    position_prediction,
    random_target,
    same_tokens,
    some_sequences,
    two_valued,
)
from naibu.probes.threads import one_thread_if_narrow

MOST_ROWS = 400_000
KEPT_BYTES = 2_000_000_000  # of training rows in memory, as float16
WIDE_BYTES = 400_000_000  # below this they are kept as float32
DEFAULT_STRENGTHS = 18
DECADES = 3
MOST_REFITTED = 150  # units; with more the penalty takes little from any


class Line(NamedTuple):
    """A linear score of raw units; the second value of a label is said where it is above 0."""

    weights: np.ndarray  # float64 [unit]
    intercept: float


@one_thread_if_narrow
def l1_path(
    recording: Source,
    label: str,
    key: Key,
    *,
    strengths: Sequence[float] | None = None,
    standardise: bool = True,
    untrained: Source | None = None,
    most_rows: int = MOST_ROWS,
    resamples: int = 1000,
    seed: int = 1,
) -> L1Path:
    """Accuracy and number of non-zero weights of logistic regression with L1, along strengths C.

    Minimises |w|_1 + C * sum over n training tokens of log(1 + exp(-y (xw + b))), as scikit-learn writes it, b not
    penalised, to a duality gap of 1e-5 of the objective. Units are brought to deviation 1 first, so that the penalty
    asks the same of a unit that counts 0, 1, 2 and of one that reaches 20; `standardise=False` leaves them raw, as
    document A did. C multiplies a sum, so the same C is weaker on fewer tokens: compare C * n between data sets; n is
    in the result. At most `most_rows` training tokens are used (whole sequences drawn with the seed, fewer where they
    would need over 2 GB as float16, to which they are rounded above 0.4 GB). Default strengths: 18, evenly on the
    logarithm, up to a thousand times the C at which the first weight leaves 0. Scored on test rows.

    A strong penalty also shrinks the weights of the units that it keeps, so its accuracy can be that of the commoner
    value though one kept unit tells all. `refitted` is the accuracy of the same units (up to 150) fitted again without
    L1, on the same training rows (the relaxed Lasso of Meinshausen 2007, at its end).

    How it can mislead: accuracy must be held against the `majority` rate; few weights at high accuracy say that
    the label can be read off, not that the network does so; which of alike units is kept is chance; on raw units
    the penalty falls harder on those that move little. Controls: the more frequent value at each position, at every
    strength; the untrained network and a random label per symbol type at the middle strength, with their numbers of
    non-zero weights. Source: document A, inside VP: C .003 ... .00001, accuracy .9996 ... .87, 134 ... 12 of 1000
    units, on training rows, n not given. OptionError for a label without two values, or C not above 0.
    """
    choose_keys(recording, (key,))
    same_tokens(recording, untrained)
    target = two_valued(recording, label, seed)
    assert target.names is not None
    random = random_target(target, seed)
    units = recording.units(key)
    rows = some_sequences(target.index, target.train, min(most_rows, KEPT_BYTES // (2 * units)), seed)
    resampler = Resampler(resamples, seed)
    x = units_by_rows(recording, key, rows)
    problem = Problem(x, target.values[rows], standardise=standardise)
    path = solve_path(problem, _strengths(strengths, problem))
    again = [_refitted(problem, solution) for solution in path]
    scores = _accuracy(recording, key, [*path, *(fit for fit in again if fit is not None)], target, resampler)
    of_refits = iter(scores[len(path) :])
    middle = path[(len(path) - 1) // 2].strength
    by_symbol, symbol_score = _at_one(recording, key, x, random, rows, middle, standardise, resampler)
    del x, problem
    bare, bare_score = None, None
    if untrained is not None:
        x = units_by_rows(untrained, key, rows)
        bare, bare_score = _at_one(untrained, key, x, target, rows, middle, standardise, resampler)
    scorer = Scorer(target, resampler)
    position = scorer.accuracy((position_prediction(target) > 0.5)[target.test].astype(np.float64))
    more_frequent = float(target.values[target.train].mean() > 0.5)
    majority = scorer.accuracy(np.full(len(scorer.y), more_frequent))
    out = []
    for solution, score, fit in zip(path, scores[: len(path)], again, strict=True):
        here = solution.strength == middle
        controls = Controls(bare_score if here else None, position, symbol_score if here else None)
        counts = (_nonzero(bare) if here else None, _nonzero(by_symbol) if here else None)
        out.append(_row(solution, score, None if fit is None else next(of_refits), controls, counts))
    n = int(np.count_nonzero(rows))
    return L1Path(
        run_name(recording), *key, label, target.names, target.rows, n, units, majority, tuple(out), standardise
    )  # fmt: skip


def units_by_rows(source: Source, key: Key, rows: np.ndarray) -> np.ndarray:
    """The marked rows of a signal in memory as [unit row], float32 if small, else float16."""
    place = np.cumsum(rows) - 1
    count, units = int(place[-1]) + 1, source.units(key)
    out = np.zeros((units, count), np.float32 if count * units * 4 <= WIDE_BYTES else np.float16)
    for block in blocks(source, (key,), rows):
        out[:, place[block.rows]] = block[key].T
    return out


def _strengths(asked: Sequence[float] | None, problem: Problem) -> np.ndarray:
    if asked is None:
        steps = np.linspace(0, DECADES, DEFAULT_STRENGTHS + 1)[1:]
        return np.asarray(problem.entering_strength() * 10**steps)
    if not len(asked) or not all(c > 0 and np.isfinite(c) for c in asked):
        raise OptionError(f"strengths are {list(asked)}; each C must be a number above 0")
    return np.unique(np.asarray(asked, np.float64))


def _refitted(problem: Problem, solution: Solution) -> Line | None:
    units = np.flatnonzero(solution.weights)
    return Line(*refit(problem, units)) if 0 < len(units) <= MOST_REFITTED else None


def _accuracy(
    source: Source, key: Key, lines: Sequence[Solution | Line], target: Target, resampler: Resampler
) -> list[Scores]:
    weights = np.stack([line.weights for line in lines], axis=1)
    z = linear_predictions(source, key, weights, target.test) + np.array([line.intercept for line in lines])
    scorer = Scorer(target, resampler)
    return [scorer.accuracy((column > 0).astype(np.float64)) for column in z.T]


def _at_one(
    source: Source,
    key: Key,
    x: np.ndarray,
    target: Target | None,
    rows: np.ndarray,
    strength: float,
    standardise: bool,
    resampler: Resampler,
) -> tuple[Solution | None, Scores | None]:
    if target is None:
        return None, None
    solution = solve_path(Problem(x, target.values[rows], standardise=standardise), np.array([strength]))[0]
    return solution, _accuracy(source, key, [solution], target, resampler)[0]


def _nonzero(solution: Solution | None) -> int | None:
    return None if solution is None else int(np.count_nonzero(solution.weights))


def _row(
    s: Solution, accuracy: Scores, refitted: Scores | None, controls: Controls, counts: tuple[int | None, int | None]
) -> L1Row:
    units = np.flatnonzero(s.weights)
    return L1Row(
        s.strength, s.objective, s.gap, s.passes, units, s.weights[units], s.intercept, accuracy, controls,
        *counts, refitted,
    )  # fmt: skip
