"""The one training loop."""

from __future__ import annotations

from naibu.training.seeds import train_seeds
from naibu.training.train import train

__all__ = ["train", "train_seeds"]
