"""The learning rate of each update."""

from __future__ import annotations

import math

from naibu.config import TrainingConfig

FLOOR = 0.02
"""Share of the learning rate that is left at the last step."""
CYCLE_RISE, CYCLE_FLOOR = 0.3, 0.001
"""Share of the steps over which a cycle rises; share of the learning rate that it leaves at the last step."""


def learning_rate(config: TrainingConfig, step: int, steps: int, worse: int = 0, start: float = 0.0) -> float:
    """Return the learning rate of `step` (0 is the first) of `steps`: a linear rise from `start`, then the decay.

    worse: how many validations so far did not give the best loss.

    Source: of the one cycle Smith 2018, with a cosine for his two lines down, and without his cycle of momentum.
    """
    cycle = config.decay == "one-cycle"
    warmup, floor = (round(CYCLE_RISE * steps), CYCLE_FLOOR) if cycle else (config.warmup, FLOOR)
    first = start / config.learning_rate
    rise = first + (1 - first) * min(1.0, (step + 1) / (warmup + 1))
    done, past = step / max(1, steps), max(0, step - warmup) / max(1, steps - warmup)
    falls = {
        "linear": 1 - done,
        "cosine": (1 + math.cos(math.pi * done)) / 2,
        "one-cycle": (1 + math.cos(math.pi * past)) / 2,
        "plateau": 0.25**worse,
        "none": 1.0,
    }
    return config.learning_rate * rise * max(floor, falls[config.decay])
