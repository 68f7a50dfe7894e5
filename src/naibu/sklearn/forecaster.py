"""The forecaster of series as an estimator of scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from naibu.config import CellName, DistributionName, SeriesConfig
from naibu.data.examples import Array
from naibu.data.series import DecoderName, SeriesData
from naibu.data.series_opening import extended, open_series, reopened
from naibu.generation.forecasts import LEVELS, Forecasts, forecast
from naibu.models.forecaster import Forecaster
from naibu.sklearn.learning import learnt
from naibu.tasks.series import Series, SeriesTraining


class LSTMForecaster(BaseEstimator):  # type: ignore[misc]
    """Forecasts of a series, or several, by a recurrent network, as `naibu train series` makes them.

    y is an array `[time]` or `[time series]`, or a Series or data frame of pandas or polars; an index of time stamps
    gives the calendar, else `every` and `start` do. NaN is a missing value. X are covariates that are known ahead,
    `[time feature]`, and those of the steps to come when it predicts.

    horizon, context: steps ahead, and read before; 0 chooses. cell, units, layers, dropout, distribution: of the
    network, see `SeriesConfig`. decoder: direct, or autoregressive, which draws paths. steps: updates, 0 for as many as
    suit the data. random_state: of weights, batches and dropout; an int repeats a training to the bit.
    """

    def __init__(
        self,
        horizon: int = 0,
        context: int = 0,
        cell: CellName = "lstm",
        units: int = 64,
        layers: int = 1,
        dropout: float = 0.2,
        distribution: DistributionName = "student",
        decoder: DecoderName = "direct",
        every: str | None = None,
        start: str | None = None,
        steps: int = 0,
        learning_rate: float = 3e-3,
        random_state: Any = None,
    ) -> None:
        self.horizon = horizon
        self.context = context
        self.cell = cell
        self.units = units
        self.layers = layers
        self.dropout = dropout
        self.distribution = distribution
        self.decoder = decoder
        self.every = every
        self.start = start
        self.steps = steps
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, y: Any, X: Any = None) -> Self:  # noqa: N803  # as scikit-learn calls it
        """Learn series; return the estimator. Raises CorpusError for those that cannot be learnt, a ValueError else."""
        known = [] if X is None else [f"x{k}" for k in range(np.atleast_2d(np.asarray(X).T).shape[0])]
        frame = _Frame(y, X)
        data = open_series(
            frame, target=frame.targets, known=known, horizon=self.horizon, context=self.context, decoder=self.decoder,
            every=self.every, start=self.start, validation=0.0, test=0.0,
        )  # fmt: skip
        self._learn(data, int(check_random_state(self.random_state).randint(2**31 - 1)))
        return self

    def predict(self, X: Any = None) -> Array:  # noqa: N803
        """Return the medians of the steps that follow, `[ahead]`, or `[ahead series]` of several series."""
        return self._shaped(self._forecast(X).median)

    def predict_interval(self, X: Any = None, coverage: float = 0.8) -> tuple[Array, Array]:  # noqa: N803
        """Return both ends of the central interval, shaped as `predict`. Raises ValueError for a coverage but .6 .8 .95
        and the like, of which the ends are kept."""
        ends = [round(0.5 - coverage / 2, 6), round(0.5 + coverage / 2, 6)]
        if not {*ends} <= {*LEVELS}:
            kept = ", ".join(f"{1 - 2 * level:g}" for level in LEVELS if level < 0.5)
            raise ValueError(f"coverage={coverage}: must be one of {kept}")
        found = self._forecast(X)
        low, high = (self._shaped(found.quantile(level)) for level in ends)
        return low, high

    def _learn(self, data: SeriesData, seed: int) -> None:
        task = Series()
        shape = SeriesConfig(
            self.cell, self.units, self.layers, dropout=self.dropout, distribution=self.distribution
        )  # fmt: skip
        asked = SeriesTraining(steps=self.steps or None, learning_rate=self.learning_rate, seed=seed)
        model, training = task.configured(data, shape, asked)
        network = learnt(task, data.train, data.sizes, model, training)
        assert isinstance(network, Forecaster)
        self.model_ = network
        self.source_, self.one_ = data.source, len(data.source.grid.series) == 1

    def _forecast(self, X: Any) -> Forecasts:  # noqa: N803
        check_is_fitted(self)
        coder, grid = self.source_.features.coder, self.source_.grid
        later = None if X is None else np.asarray(X, np.float64).reshape(len(X), -1)
        if (later is None) != (not grid.covariates):
            raise ValueError("X: give what is known ahead where it was given to fit, and nothing where it was not")
        if later is not None and later.shape != (coder.horizon, len(grid.covariates)):
            raise ValueError(f"X has shape {later.shape}: must be {(coder.horizon, len(grid.covariates))}")
        columns = {} if later is None else {f"x{k}": column for k, column in enumerate(later.T)}
        source = reopened(coder, extended(grid, coder.horizon, columns), self.source_.decoder)
        origins = np.stack([np.arange(len(grid.series)), np.full(len(grid.series), grid.steps)], 1)
        return forecast(self.model_, source, origins)

    def _shaped(self, values: Array) -> Array:
        return np.asarray(values[0] if self.one_ else values.T)


class _Frame:
    """Series and covariates side by side, with as much of a data frame as is asked for."""

    def __init__(self, y: Any, X: Any) -> None:  # noqa: N803
        values = np.asarray(y, np.float64)
        if values.ndim not in (1, 2):
            raise ValueError(f"y has shape {values.shape}: must be [time] or [time series]")
        values = values.reshape(len(values), -1)
        names = [str(name) for name in getattr(y, "columns", [])] or [f"y{k}" for k in range(values.shape[1])]
        self._columns: dict[str, Array] = dict(zip(names, values.T, strict=True))
        self.targets = tuple(names)
        if X is not None:
            beside = np.asarray(X, np.float64).reshape(len(X), -1)
            if len(beside) != len(values):
                raise ValueError(f"X has {len(beside)} steps and y {len(values)}")
            self._columns |= {f"x{k}": column for k, column in enumerate(beside.T)}
        index = getattr(y, "index", None)
        if not callable(index) and getattr(getattr(index, "dtype", None), "kind", "") == "M":
            self._columns["time"] = np.asarray(index.to_numpy())  # type: ignore[union-attr]
        self.columns = list(self._columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __getitem__(self, name: str) -> _Column:
        return _Column(self._columns[name])


class _Column:
    def __init__(self, values: Array) -> None:
        self._values = values

    def to_numpy(self) -> Array:
        """Return the values."""
        return self._values
