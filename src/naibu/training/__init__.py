"""The one training loop."""

from __future__ import annotations

from naibu.training.train import train

__all__ = ["train"]
