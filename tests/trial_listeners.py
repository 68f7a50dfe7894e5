"""What tests of on-line learners share: a listener that remembers, and gradients by differences."""

from __future__ import annotations

from typing import Any

import numpy as np


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.sequences, self.numbers = 0, list[int]()

    def trained(self, sequences: int) -> None:
        self.sequences += sequences

    def finished(self, trial: Any) -> None:
        self.numbers.append(trial.number)

    def traced(self, number: int, trace: Any) -> None:
        raise AssertionError


def slopes(error: Any, w: np.ndarray) -> np.ndarray:
    """The gradient by central differences."""
    found = np.zeros_like(w)
    for place in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[place] = 1e-6
        found[place] = (error(w + step) - error(w - step)) / 2e-6
    return found
