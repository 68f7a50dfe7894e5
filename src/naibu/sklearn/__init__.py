"""Estimators in the manner of scikit-learn: `fit`, `predict`, `get_params`; for pipelines and cross-validation."""

from naibu.sklearn.forecaster import LSTMForecaster as LSTMForecaster

__all__ = ["LSTMForecaster"]
