"""Sampling: one symbol drawn after another, none taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from naibu.data.batch import Batch
from naibu.generation.hypothesis import Hypothesis, Symbols, penalty
from naibu.generation.options import SearchOptions
from naibu.generation.rules import Rules
from naibu.generation.sampling import Sampling
from naibu.generation.stepper import Stepper

Choose = Callable[[Tensor, Tensor, int], Tensor]
"""From log probabilities [row vocabulary], the rows' numbers and the step to the symbols [row]."""


def sample(
    stepper: Stepper,
    batch: Batch,
    options: SearchOptions,
    sampling: Sampling,
    *,
    seeds: Sequence[int],
    count: int = 1,
    prefixes: Sequence[Symbols] | None = None,
) -> list[list[Hypothesis]]:
    """Return `count` translations of each sentence as they were drawn, equal ones among them.

    Each sentence has a seed of its own, so that what is drawn for it does not depend on those beside it. Log
    probabilities are the network's, whatever temperature and limits they were drawn with; ranked without coverage.
    """
    lengths = next(iter(batch.streams.values())).lengths.tolist()
    most = max(options.longest(n) for n in lengths) + max((len(each) for each in prefixes or ()), default=0) + 1
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    drawn = torch.cat([torch.rand(most, count, generator=each) for each in generators], 1)  # [step row]

    def choose(log_p: Tensor, rows: Tensor, step: int) -> Tensor:
        return sampling.choose(log_p, drawn[step, rows])

    found = _written(stepper, batch, options, prefixes, count, choose)
    return [found[k : k + count] for k in range(0, len(found), count)]


@torch.no_grad()
def _written(
    stepper: Stepper,
    batch: Batch,
    options: SearchOptions,
    prefixes: Sequence[Symbols] | None,
    count: int,
    choose: Choose,
) -> list[Hypothesis]:
    """Return what is written, `count` rows for each sentence, those of a sentence together."""
    lengths = next(iter(batch.streams.values())).lengths
    rules = Rules(stepper.marks, options, lengths.tolist(), prefixes)
    sentence = torch.arange(len(lengths)).repeat_interleave(count)
    rows, last = torch.arange(len(sentence)), torch.full((len(sentence),), stepper.marks.begin)
    state = stepper.pick(stepper.begin(batch), sentence) if count > 1 else stepper.begin(batch)
    total, written = torch.zeros(len(rows), dtype=torch.float64), torch.zeros(len(rows), 0, dtype=torch.int64)
    found: list[Hypothesis | None] = [None] * len(rows)
    while len(rows):
        log_p, state = stepper.step(last, state)
        step = written.shape[1]
        rules.apply(log_p, sentence[rows], torch.full_like(rows, step), written)
        last = choose(log_p, rows, step)
        total = total + log_p.gather(1, last[:, None])[:, 0]
        going = last != stepper.marks.end
        for k in (~going).nonzero()[:, 0].tolist():
            row, ln_p = int(rows[k]), float(total[k])
            score = float(ln_p / penalty(options, step + 1))
            cut = step >= int(rules.longest[sentence[row]])
            found[row] = Hypothesis(score, ln_p, tuple(written[k].tolist()), cut)
        kept = going.nonzero()[:, 0]
        rows, last, total = rows[kept], last[kept], total[kept]
        written = torch.cat((written[kept], last[:, None]), 1)
        state = stepper.pick(state, kept) if len(kept) and not going.all() else state
    return [each for each in found if each is not None]
