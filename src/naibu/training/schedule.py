"""The learning rate at each step."""

from __future__ import annotations

import math

from naibu.config import TrainingConfig

FLOOR = 0.02
"""Share of the learning rate that is left at the last step."""


def learning_rate(config: TrainingConfig, step: int, steps: int) -> float:
    """Return the learning rate of `step` (0 is the first) of `steps`: a linear rise, then the decay."""
    rise = min(1.0, (step + 1) / (config.warmup + 1))
    done = step / max(1, steps)
    fall = {"linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2, "none": 1.0}[config.decay]
    return config.learning_rate * rise * max(FLOOR, fall)
