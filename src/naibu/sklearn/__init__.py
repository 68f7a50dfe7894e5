"""Estimators in the manner of scikit-learn: `fit`, `predict`, `get_params`; for pipelines and cross-validation."""

from naibu.sklearn.tagger import LSTMTagger as LSTMTagger

__all__ = ["LSTMTagger"]
