"""What our probes compute and how a peer does the same, from a recording on disk to weights or scores.

Each contender takes the folder, how many training rows, and (a peer) our answer, where strengths are found, and a
tolerance; it runs in a process of its own (`apart`). scikit-learn gets the rows as a float32 array in memory, read from
the same files within its time; it copies them to float64 where it needs that.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from naibu import probes
from naibu.bench.planted import CELL, DEPTH, GATE, INSIDE
from naibu.probes.correlation import pearson_of_all
from naibu.probes.gram import grams
from naibu.probes.l1_logistic import Problem, solve_path
from naibu.probes.l1_path import units_by_rows
from naibu.probes.overlap import BINS, overlap_of_all
from naibu.probes.regression import PATH, PATH_LENGTH, lasso, least_squares, linear_predictions
from naibu.probes.source import gather
from naibu.probes.target import Target, numeric, two_valued
from naibu.recording import Recording

STRENGTHS = 6
"""Of the L1 path, evenly on the logarithm, up to a thousand times the C at which the first weight leaves 0."""
INTERCEPT = 100.0
"""liblinear penalises the intercept over this like a weight; at 1 its objective stays 10 % above ours at a small C."""
AT_MOST = 10_000  # rounds of a solver of scikit-learn


@dataclass(frozen=True)
class Answer:
    """What a contender found: weights and intercepts at strengths, or some numbers."""

    weights: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))  # [model unit]
    intercepts: np.ndarray = field(default_factory=lambda: np.zeros(0))
    strengths: np.ndarray = field(default_factory=lambda: np.zeros(0))
    numbers: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Task:
    """The rows that all contenders fit on."""

    recording: Recording
    target: Target
    rows: np.ndarray  # bool [token]

    @classmethod
    def of(cls, folder: Path, most: int, label: str) -> Task:
        """Return the first `most` training rows, and a label."""
        recording = Recording.open(folder)
        target = (two_valued if label == INSIDE else numeric)(recording, label, 1)
        return cls(recording, target, target.train & (np.cumsum(target.train) <= most))

    @property
    def y(self) -> np.ndarray:
        """The label on these rows, float64 [row]."""
        return np.asarray(self.target.values[self.rows])

    def x(self) -> np.ndarray:
        """The cell on these rows, float32 [row unit]."""
        return gather(self.recording, {CELL: None}, self.rows, np.float32)[CELL]


def l1_ours(folder: Path, most: int) -> Answer:
    """The path of `l1_path`, six strengths, without scores and controls."""
    task = Task.of(folder, most, INSIDE)
    problem = Problem(units_by_rows(task.recording, CELL, task.rows), task.y)
    steps = np.linspace(0, 3, STRENGTHS + 1)[1:]
    path = solve_path(problem, problem.entering_strength() * 10**steps)
    weights, intercepts = np.stack([s.weights for s in path]), np.array([s.intercept for s in path])
    return Answer(weights, intercepts, np.array([s.strength for s in path]))


def liblinear(folder: Path, most: int, ours: Answer, tolerance: float) -> Answer:
    """scikit-learn's liblinear, one fit a strength; its penalty on the intercept is made small, see INTERCEPT."""
    return _sklearn_l1(folder, most, ours, tolerance, "liblinear")


def saga(folder: Path, most: int, ours: Answer, tolerance: float) -> Answer:
    """scikit-learn's saga, each strength begun from the weights of the one before."""
    return _sklearn_l1(folder, most, ours, tolerance, "saga")


def _sklearn_l1(folder: Path, most: int, ours: Answer, tolerance: float, solver: str) -> Answer:
    from sklearn.linear_model import LogisticRegression

    task = Task.of(folder, most, INSIDE)
    x, y = task.x(), task.y
    model = LogisticRegression(solver=solver, tol=tolerance, max_iter=AT_MOST, random_state=1)
    # How L1 is asked for changed in scikit-learn 1.8.
    model.set_params(**({"l1_ratio": 1.0} if model.get_params()["penalty"] == "deprecated" else {"penalty": "l1"}))
    model.set_params(**({"warm_start": True} if solver == "saga" else {"intercept_scaling": INTERCEPT}))
    weights, intercepts = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it does not converge its objective says so
        for strength in ours.strengths:
            model.set_params(C=float(strength)).fit(x, y)
            weights.append(model.coef_[0].copy())
            intercepts.append(float(model.intercept_[0]))
    return Answer(np.stack(weights), np.array(intercepts), ours.strengths)


def linear_ours(folder: Path, most: int) -> Answer:
    """Least squares as in `regression`, from sums of products."""
    task = Task.of(folder, most, DEPTH)
    gram, _ = grams(task.recording, CELL, [task.target.values], task.rows, np.zeros_like(task.rows))
    weights = least_squares(gram, 0)
    return Answer(weights[None], np.array([gram.intercept(0, weights)]), np.zeros(1))


def linear_sklearn(folder: Path, most: int, ours: Answer, tolerance: float) -> Answer:
    """scikit-learn's LinearRegression."""
    from sklearn.linear_model import LinearRegression

    task = Task.of(folder, most, DEPTH)
    model = LinearRegression(copy_X=False).fit(task.x(), task.y)
    return Answer(model.coef_[None], np.array([float(model.intercept_)]), np.zeros(1))


def lasso_ours(folder: Path, most: int) -> Answer:
    """The Lasso path of `regression`, 30 strengths, from sums of products."""
    task = Task.of(folder, most, DEPTH)
    gram, _ = grams(task.recording, CELL, [task.target.values], task.rows, np.zeros_like(task.rows))
    alphas = float(np.abs(gram.with_label(0)).max()) * np.geomspace(1, PATH_LENGTH, PATH)
    weights = lasso(gram, 0, alphas)
    return Answer(weights, np.array([gram.intercept(0, w) for w in weights]), alphas)


def lasso_sklearn(folder: Path, most: int, ours: Answer, tolerance: float) -> Answer:
    """scikit-learn's lasso_path on centred rows; it has no intercept of its own."""
    from sklearn.linear_model import lasso_path

    task = Task.of(folder, most, DEPTH)
    x, y = task.x(), task.y
    middle, level = x.mean(axis=0, dtype=np.float64), float(y.mean())
    x -= middle.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it does not converge its objective says so
        _, found, _ = lasso_path(
            np.asfortranarray(x), (y - level).astype(np.float32), alphas=ours.strengths, tol=tolerance
        )
    return Answer(found.T, level - found.T @ middle, ours.strengths)


def correlation_ours(folder: Path, most: int) -> Answer:
    """Pearson's r of every unit with the label."""
    task = Task.of(folder, most, DEPTH)
    return Answer(numbers=pearson_of_all(task.recording, [task.target.values], [CELL], task.rows)[CELL][0])


def correlation_numpy(folder: Path, most: int, ours: Answer, tolerance: float) -> Answer:
    """The same from numpy's corrcoef, which correlates the units with each other as well."""
    task = Task.of(folder, most, DEPTH)
    with np.errstate(invalid="ignore"):
        return Answer(numbers=np.nan_to_num(np.corrcoef(task.x(), task.y, rowvar=False)[-1, :-1]))


def overlap_ours(folder: Path, most: int) -> Answer:
    """Overlap of the two histograms of every unit, 60 bins between quantiles."""
    task = Task.of(folder, most, INSIDE)
    block = gather(task.recording, {CELL: None}, task.rows, np.float16)[CELL]
    return Answer(numbers=overlap_of_all(block, task.y[None])[0][0])


def overlap_numpy(folder: Path, most: int, ours: Answer, tolerance: float) -> Answer:
    """The same from numpy's quantile and histogram, unit by unit; its quantiles lie between values."""
    task = Task.of(folder, most, INSIDE)
    x, holds = task.x(), task.y == 1
    found = np.ones(x.shape[1])
    for unit, values in enumerate(x.T):
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
        if len(edges) > 1:
            shares = [np.histogram(values[part], edges)[0] / np.count_nonzero(part) for part in (holds, ~holds)]
            found[unit] = np.minimum(*shares).sum()
    return Answer(numbers=found)


def distributions_ours(folder: Path, most: int) -> Answer:
    """The histogram of a gate on test rows, and the beta distribution fitted on training rows, at most 200,000."""
    fit = probes.distributions(Recording.open(folder), keys=(GATE,), resamples=2).signals[0].beta
    assert fit is not None
    return Answer(numbers=np.array([fit.a.value, fit.b.value]))


def distributions_scipy(folder: Path, most: int, ours: Answer, tolerance: float) -> Answer:
    """The same from numpy's histogram and scipy.stats.beta.fit with the range fixed."""
    from scipy.stats import beta

    recording = Recording.open(folder)
    split = np.asarray(recording.index.split)
    test, train = (gather(recording, {GATE: None}, split == code, np.float32)[GATE] for code in (2, 0))
    np.histogram(test, 200, (0, 1))
    a, b, _, _ = beta.fit(np.clip(train, 2.0**-12, 1 - 2.0**-12), floc=0, fscale=1)
    return Answer(numbers=np.array([a, b]))


def confusion_ours(folder: Path, most: int) -> Answer:
    """Confusion matrix of the next symbol on test rows, and accuracy; all of them."""
    found = probes.confusion(Recording.open(folder), resamples=2)
    return Answer(numbers=np.array([found.accuracy.test.value]))


def confusion_sklearn(folder: Path, most: int, ours: Answer, tolerance: float) -> Answer:
    """The same from sklearn.metrics."""
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score

    index = Recording.open(folder).index
    inner = np.append(np.diff(index.sequence) == 0, False) & (np.asarray(index.split) == 2)
    assert index.predicted is not None
    gold, said = np.append(index.symbol[1:], 0)[inner], np.asarray(index.predicted)[inner]
    confusion_matrix(gold, said)
    recall_score(gold, said, average=None, zero_division=0)
    precision_score(gold, said, average=None, zero_division=0)
    return Answer(numbers=np.array([accuracy_score(gold, said)]))


def logistic_objectives(folder: Path, most: int, answers: list[Answer]) -> np.ndarray:
    """|w|_1 + C * sum of log(1 + exp(-y (xw + b))), b not penalised, [answer strength], in float64."""
    task = Task.of(folder, most, INSIDE)
    z, signs = _predictions(task, answers), 2 * task.y - 1
    losses = np.logaddexp(0, -signs[:, None] * z).sum(axis=0).reshape(len(answers), -1)
    sizes = np.stack([np.abs(a.weights).sum(axis=1) for a in answers])
    return np.asarray(sizes + np.stack([a.strengths for a in answers]) * losses)


def squared_objectives(folder: Path, most: int, answers: list[Answer]) -> np.ndarray:
    """|y - xw - b|^2 / 2n + alpha |w|_1, [answer strength], in float64."""
    task = Task.of(folder, most, DEPTH)
    errors = ((task.y[:, None] - _predictions(task, answers)) ** 2).mean(axis=0).reshape(len(answers), -1) / 2
    sizes = np.stack([np.abs(a.weights).sum(axis=1) for a in answers])
    return np.asarray(errors + np.stack([a.strengths for a in answers]) * sizes)


def _predictions(task: Task, answers: list[Answer]) -> np.ndarray:
    weights = np.concatenate([a.weights for a in answers]).T.astype(np.float64)
    found = linear_predictions(task.recording, CELL, weights, task.rows)
    return np.asarray(found + np.concatenate([a.intercepts for a in answers]))
