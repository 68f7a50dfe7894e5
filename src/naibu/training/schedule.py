"""The learning rate of each update."""

from __future__ import annotations

import math

from naibu.config import TrainingConfig

FLOOR = 0.02
"""Share of the learning rate that is left at the last step."""


def learning_rate(config: TrainingConfig, step: int, steps: int, worse: int = 0) -> float:
    """Return the learning rate of `step` (0 is the first) of `steps`: a linear rise, then the decay.

    worse: how many validations so far did not give the best loss.
    """
    rise = min(1.0, (step + 1) / (config.warmup + 1))
    done = step / max(1, steps)
    falls = {"linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2, "plateau": 0.25**worse, "none": 1.0}
    return config.learning_rate * rise * max(FLOOR, falls[config.decay])
