"""n-grams: the next symbol of running text from the last few alone, counted and smoothed."""

from __future__ import annotations

from naibu.ngrams.kneser_ney import train
from naibu.ngrams.model import NGramModel

__all__ = ["NGramModel", "train"]
