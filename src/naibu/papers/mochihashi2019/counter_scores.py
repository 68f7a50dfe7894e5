"""What a counting network holds possible at each step, and up to which length that is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from naibu.data.formal.counted import Counted
from naibu.papers.mochihashi2019.counter_training import Counter

POSSIBLE = 0.25
"""A symbol is held possible where its probability is above this: halfway to one of two that are equally likely."""
SIDE_BY_SIDE = 128


@dataclass(frozen=True, eq=False)
class Predicted:
    """What a network says of strings, step by step."""

    likeliest: NDArray[np.int64]  # [time string]: the most probable symbol
    possible: NDArray[np.int64]  # [time string]: bit s is set where symbol s is held possible; 0 after the end
    missed: NDArray[np.float32]  # [time string]: -log of the probability of what followed, nats; 0 after the end


@torch.no_grad()
def predict(model: Counter, strings: Counted) -> Predicted:
    """Return what the network says of strings it reads side by side on our kernels."""
    model.eval()
    likeliest, possible, missed = [], [], []
    weight = 2 ** torch.arange(strings.legal.shape[2])
    for first in range(0, strings.ids.shape[1], SIDE_BY_SIDE):
        part = slice(first, first + SIDE_BY_SIDE)
        there = torch.from_numpy(strings.there[:, part])
        log = model(torch.from_numpy(strings.ids[:, part])).log_softmax(-1)
        followed = torch.from_numpy(strings.target[:, part]).clamp(min=0)[..., None]
        likeliest.append(log.argmax(-1).numpy())
        possible.append((((log.exp() > POSSIBLE) * weight).sum(-1) * there).numpy())
        missed.append((-log.gather(-1, followed)[..., 0] * there).numpy())
    return Predicted(*(np.concatenate(parts, 1) for parts in (likeliest, possible, missed)))


def right(strings: Counted, likeliest: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return of which strings every determined symbol and the end is the most probable one, bool [string].

    What is not determined is not judged: after an a, anything may be said. Of brackets, where hardly anything is
    determined, a network that always says ED is nearly right by this; take `legal` for them.
    """
    wrong = strings.determined & (likeliest != strings.target)
    return np.asarray(~wrong.any(0))


def legal(strings: Counted, likeliest: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return in which strings the most probable symbol may follow at every step, bool [string]; `right` and more."""
    allowed = np.take_along_axis(strings.legal, likeliest[..., None], -1)[..., 0]
    return np.asarray((allowed | ~strings.there).all(0))


def up_to(good: NDArray[np.bool_]) -> int:
    """Return how many strings from the first on are good without a gap."""
    return int(np.argmin(good)) if not good.all() else len(good)


def perplexity(strings: Counted, predicted: Predicted) -> float:
    """Return exp of the mean cross-entropy over the determined symbols; 1 is perfect.

    What may be one of two is left out: its perplexity cannot be below 2 and says nothing of counting. Most determined
    symbols are like the one before, so that 1.01 can be a network that never finds an end: see `ends_found`.
    """
    missed: Any = predicted.missed[strings.determined].astype(np.float64)
    return float(np.exp(min(700.0, missed.mean())))


def ends_found(strings: Counted, predicted: Predicted) -> float:
    """Return the recall of ED: of what share of the strings it is the most probable symbol where it has to be.

    A network that says ED too early in a string is not punished by it.
    """
    end = strings.target == strings.legal.shape[2] - 1
    return float((predicted.likeliest[end] == strings.target[end]).mean())
