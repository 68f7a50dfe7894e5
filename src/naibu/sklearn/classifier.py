"""The classifier of sequences as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from naibu.config import ClassesConfig, PoolingName
from naibu.config.shared import CellName
from naibu.data.classes.opening import ClassData, data_of_rows
from naibu.data.classes.rows import Row, Rows
from naibu.data.events import Array
from naibu.models.classifier import Classifier
from naibu.sklearn.learning import learnt
from naibu.tasks.classes import Classes, ClassesTraining
from naibu.tasks.classes_scores import probabilities

NAMES = "X"
"""What the data are called in errors."""


class LSTMClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Tells the class of a sequence by a recurrent network that reads it both ways, as `naibu train classes` does.

    X are texts (a list or an array of strings), or series: a list of arrays `[time]` or `[time channel]`, of different
    lengths as may be, an array `[example time channel]`, or `[example time]`, each row one series of one channel. NaN
    is a missing value.

    cell, units, layers, pooling, dropout: of the network, see `ClassesConfig`; units 0 and dropout None choose. steps:
    updates, 0 for as many as suit the data. random_state: of weights, batches and dropout; an int repeats a training to
    the bit with as many threads.

    After `fit` there are `classes_` and, of arrays with two axes, `n_features_in_`, the steps that `predict` expects.
    """

    def __init__(
        self,
        cell: CellName = "lstm",
        units: int = 0,
        layers: int = 1,
        pooling: PoolingName = "mean-max",
        dropout: float | None = None,
        steps: int = 0,
        learning_rate: float = 3e-3,
        random_state: Any = None,
    ) -> None:
        self.cell = cell
        self.units = units
        self.layers = layers
        self.pooling = pooling
        self.dropout = dropout
        self.steps = steps
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803  # as scikit-learn calls it
        """Learn sequences and their classes; return the estimator. Raises ValueError for fewer than two classes."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        values = self._values(X, reset=True)
        y = column_or_1d(y, warn=True)
        assert_all_finite(y)
        check_classification_targets(y)
        if len(values) != len(y):
            raise ValueError(f"X has {len(values)} sequences and y {len(y)} classes")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class alone, {self.classes_[0]!r}: there is nothing to tell apart")
        rows = [
            Row(value, str(code), f"{NAMES}[{k}]", 0)
            for k, (value, code) in enumerate(zip(values, codes.tolist(), strict=True))
        ]
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._learn(data_of_rows(Rows(_kind(values), "points", rows, _channels(values))), seed)
        return self

    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """Return the probability of every class, `[example class]`, in the order of `classes_`."""
        check_is_fitted(self)
        values = self._values(X, reset=False)
        rows = [Row(value, None, f"{NAMES}[{k}]", 0) for k, value in enumerate(values)]
        examples = self.coder_.examples(Rows(_kind(values), "points", rows, _channels(values)), classless=True)
        return probabilities(self.model_, examples)

    def predict(self, X: Any) -> Array:  # noqa: N803
        """Return the likeliest class of each sequence."""
        told = self.predict_proba(X)
        found: Array = self.classes_[told.argmax(-1)]
        return found

    def _learn(self, data: ClassData, seed: int) -> None:
        task = Classes()
        shape = ClassesConfig(self.cell, self.units, self.layers, dropout=self.dropout, pooling=self.pooling)
        asked = ClassesTraining(steps=self.steps or None, learning_rate=self.learning_rate, seed=seed)
        model, training = task.configured(data, shape, asked)
        network = learnt(task, data.train, data.sizes, model, training)
        assert isinstance(network, Classifier)
        self.model_, self.coder_ = network, data.coder

    def _values(self, X: Any, *, reset: bool) -> list[Any]:  # noqa: N803
        """Return texts, or series float64 [time channel]."""
        if getattr(X, "ndim", 0) == 1 and len(X) and all(isinstance(each, str) for each in X):
            return [str(each) for each in X]
        if isinstance(X, Sequence) and not isinstance(X, str) and len(X):
            if all(isinstance(each, str) for each in X):
                return list(X)
            if np.ndim(X[0]) == 2 or (np.ndim(X[0]) and len({np.shape(each) for each in X}) > 1):
                return [_series(each, k) for k, each in enumerate(X)]
        if getattr(X, "ndim", 0) == 3:
            return [_series(each, k) for k, each in enumerate(np.asarray(X))]
        X = validate_data(self, X, reset=reset, ensure_all_finite="allow-nan", dtype=np.float64)
        return [row[:, None] for row in X]

    def __sklearn_tags__(self) -> Any:
        """Say that missing values are read, and that it is no estimator of single numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _series(value: Any, k: int) -> Array:
    found = np.asarray(value, np.float64)
    if found.ndim not in (1, 2) or not len(found):
        raise ValueError(f"X[{k}]: must be a series [time] or [time channel], not of the shape {found.shape}")
    return found if found.ndim == 2 else found[:, None]


def _kind(values: Sequence[Any]) -> Any:
    return "text" if values and isinstance(values[0], str) else "numbers"


def _channels(values: Sequence[Any]) -> tuple[str, ...]:
    if _kind(values) == "text":
        return ()
    counts = {value.shape[1] for value in values}
    if len(counts) > 1:
        raise ValueError(f"X: series have {' and '.join(map(str, sorted(counts)))} channels; all need as many")
    return tuple(f"channel_{number}" for number in range(1, counts.pop() + 1))
