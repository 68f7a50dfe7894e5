"""Estimators in the manner of scikit-learn: `fit`, `predict`, `get_params`; for pipelines and cross-validation."""

from naibu.sklearn.classifier import LSTMClassifier as LSTMClassifier

__all__ = ["LSTMClassifier"]
