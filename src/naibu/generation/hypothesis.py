"""What searches find, and by what it is ranked."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naibu.generation.options import SearchOptions

Symbols = tuple[int, ...]


@dataclass(frozen=True, order=True)
class Hypothesis:
    """A whole translation; better ones are greater."""

    score: float  # what it is ranked by
    log_probability: float = field(compare=False)  # ln P(y|x) of all its symbols and the end, nats
    symbols: Symbols = field(compare=False)  # without beginning and end
    cut: bool = field(compare=False, default=False)  # ended because it was as long as is allowed


def penalty(options: SearchOptions, length: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return what log probabilities of translations are divided by; `length` counts words and the end, at least 1.

    Source: document E, T^alpha; Wu et al. 2016 (GNMT), equation 14.
    """
    length = np.asarray(length, np.float64)
    base = length if options.penalty == "power" else (5 + length) / 6
    return np.asarray(base**options.alpha)


def coverage(options: SearchOptions, attended: Tensor, lengths: Tensor) -> Tensor:
    """Return the coverage part of scores, `[row]`, 0 at best.

    `attended [row source]` are weights summed over steps; `lengths [row]` are those of the sources.

    Source: Wu et al. 2016, equation 14; a word that got nothing counts as one that got 1e-9.
    """
    there = torch.arange(attended.shape[1]) < lengths[:, None]
    parts = attended.double().clamp(1e-9, 1).log()
    return options.coverage * parts.masked_fill(~there, 0).sum(1)


class Finished:
    """The best `keep` whole translations of one sentence, those that are the `same` being one."""

    def __init__(self, keep: int, same: Callable[[Symbols], Hashable] | None = None) -> None:
        self._keep, self._same = keep, same
        self._found: dict[Hashable, Hypothesis] = {}
        self.floor = -np.inf
        """What a translation must be better than to matter."""

    def add(self, found: Hypothesis) -> None:
        """Keep a translation if it is among the best."""
        if found.score <= self.floor:
            return
        key = found.symbols if self._same is None else self._same(found.symbols)
        if key not in self._found or self._found[key].score < found.score:
            self._found[key] = found
        if len(self._found) > self._keep:
            del self._found[min(self._found, key=lambda key: self._found[key].score)]
        if len(self._found) == self._keep:
            self.floor = min(each.score for each in self._found.values())

    def best_first(self) -> list[Hypothesis]:
        """Return what was kept, the best first."""
        return sorted(self._found.values(), reverse=True)
