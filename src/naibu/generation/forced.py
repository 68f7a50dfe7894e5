"""Translations that are given: how likely each symbol is, and where the network looked for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch

from naibu.data.batch import Batch
from naibu.generation.hypothesis import Hypothesis, Symbols, penalty
from naibu.generation.options import SearchOptions
from naibu.generation.stepper import Attending, Stepper


class Read(NamedTuple):
    """A given translation as the network reads it; a step is a symbol, and the last the end."""

    log_p: npt.NDArray[np.float64]  # ln p of each symbol after those before it, [step]
    attention: npt.NDArray[np.float32] | None  # weights on places of the source, [step source]

    def hypothesis(self, symbols: Symbols, options: SearchOptions) -> Hypothesis:
        """Return it as a search would have found it, ranked without coverage."""
        total = float(self.log_p.sum())
        return Hypothesis(float(total / penalty(options, len(self.log_p))), total, symbols)


@torch.no_grad()
def forced(stepper: Stepper, batch: Batch, given: Sequence[Symbols], *, attention: bool = False) -> list[Read]:
    """Return how the network reads the translation given of each sentence; with `attention` also where it looks."""
    lengths = next(iter(batch.streams.values())).lengths.tolist()
    rows, last = torch.arange(len(given)), torch.full((len(given),), stepper.marks.begin)
    steps = torch.tensor([len(symbols) + 1 for symbols in given])
    targets = torch.full((int(steps.max()), len(given)), stepper.marks.end)
    for k, symbols in enumerate(given):
        targets[: len(symbols), k] = torch.tensor(symbols, dtype=torch.int64)
    log_p = torch.zeros(targets.shape, dtype=torch.float64)
    looked = torch.zeros(*targets.shape, max(lengths, default=0)) if attention else None
    state = stepper.begin(batch)
    for step, target in enumerate(targets):
        found, state = stepper.step(last, state)
        last = target[rows]
        log_p[step, rows] = found.gather(1, last[:, None])[:, 0].double()
        if looked is not None:
            weights = cast(Attending, stepper).attention(state)
            looked[step, rows, : weights.shape[1]] = weights
        kept = (steps[rows] > step + 1).nonzero()[:, 0]
        if len(kept) < len(rows):
            rows, last = rows[kept], last[kept]
            state = stepper.pick(state, kept) if len(kept) else state
    return [
        Read(log_p[:n, k].numpy(), None if looked is None else looked[:n, k, : lengths[k]].numpy())
        for k, n in enumerate(steps.tolist())
    ]
