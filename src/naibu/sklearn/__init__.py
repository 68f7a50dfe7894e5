"""Estimators in the manner of scikit-learn: `fit`, `predict`, `get_params`; for pipelines and cross-validation."""

from naibu.sklearn.classifier import LSTMClassifier as LSTMClassifier
from naibu.sklearn.forecaster import LSTMForecaster as LSTMForecaster
from naibu.sklearn.tagger import LSTMTagger as LSTMTagger

__all__ = ["LSTMClassifier", "LSTMForecaster", "LSTMTagger"]
