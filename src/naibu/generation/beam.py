"""Beam search over a batch of sentences, which never finds less than the greedy path, nor stops before it may."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor

from naibu.data.batch import Batch
from naibu.generation.hypothesis import Finished, Hypothesis, Symbols, coverage, penalty
from naibu.generation.largest import largest
from naibu.generation.options import SearchOptions
from naibu.generation.rules import Rules
from naibu.generation.stepper import Attending, Stepper


class _Rows(NamedTuple):
    """The prefixes that are still written, those of a sentence together."""

    sentence: Tensor  # [row], rising
    total: Tensor  # log probability so far, float64 [row]
    written: Tensor  # symbols [row step]
    greedy: Tensor  # bool [row]: the likeliest symbol was taken at each step
    outside: Tensor  # bool [row]: the beam has lost this one; it goes on as the greedy path alone
    attended: Tensor | None  # attention summed over steps, [row source]

    def pick(self, rows: Tensor) -> _Rows:
        return _Rows(*(None if part is None else part[rows] for part in self))  # type: ignore[arg-type]


@torch.no_grad()
def beam(
    stepper: Stepper,
    batch: Batch,
    options: SearchOptions,
    *,
    n_best: int = 1,
    prefixes: Sequence[Symbols] | None = None,
    same: Callable[[Symbols], Hashable] | None = None,
) -> list[list[Hypothesis]]:
    """Return up to `n_best` translations of each sentence, the best first; with a beam of 1 that is greedy search.

    At each step the best `options.beam` of all prefixes one symbol longer are kept; those of them that end are
    finished, the others go on. An end that is not among them is not a translation found: if every prefix's end counted,
    the empty sentence would be found, which is likelier than most. The greedy path is followed to its end also where
    the beam loses it, so that no beam finds less. A prefix is left where even as it stands, at the longest length,
    it would not be better than the `n_best` finished ones; so nothing is lost by ending early, though scores may rise
    with every word. Sentences that are done leave the batch.

    prefixes: symbols with which translations have to begin. same: what makes two translations the same one, their
    symbols if not given.
    """
    lengths = next(iter(batch.streams.values())).lengths
    rules = Rules(stepper.marks, options, lengths.tolist(), prefixes)
    longest = torch.from_numpy(penalty(options, rules.longest.numpy() + 1.0))
    count = len(lengths)
    found = [Finished(n_best, same) for _ in range(count)]
    floor = torch.full((count,), -torch.inf, dtype=torch.float64)
    state, last = stepper.begin(batch), torch.full((count,), stepper.marks.begin)
    rows = _Rows(
        torch.arange(count),
        torch.zeros(count, dtype=torch.float64),
        torch.zeros(count, 0, dtype=torch.int64),
        torch.ones(count, dtype=torch.bool),
        torch.zeros(count, dtype=torch.bool),
        torch.zeros(count, 1) if options.coverage else None,
    )
    while len(last):
        log_p, state = stepper.step(last, state)
        rules.apply(log_p, rows.sentence, torch.full_like(rows.sentence, rows.written.shape[1]), rows.written)
        if rows.attended is not None:
            rows = rows._replace(attended=rows.attended + cast(Attending, stepper).attention(state))
        parent, symbol, rows = _extended(rows, log_p, options.beam)
        ended = symbol == stepper.marks.end
        if ended.any():
            _finish(rows.pick(ended.nonzero()[:, 0]), found, floor, rules, options, lengths)
        going = ~ended & (rows.total / longest[rows.sentence] > floor[rows.sentence])
        kept = going.nonzero()[:, 0]
        rows, last = rows.pick(kept), symbol[kept]
        rows = rows._replace(written=torch.cat((rows.written, last[:, None]), 1))
        state = stepper.pick(state, parent[kept]) if len(kept) else state
    return [each.best_first() for each in found]


def _extended(rows: _Rows, log_p: Tensor, width: int) -> tuple[Tensor, Tensor, _Rows]:
    """Return what is kept of all rows one symbol longer: which row it was, the symbol, and the rows so far.

    The best `width` of each sentence, and the greedy path where it is not among these.
    """
    best, symbols = largest(log_p, min(width, log_p.shape[1]))  # [row choice]
    totals = rows.total[:, None] + best
    sentences, place = torch.unique_consecutive(rows.sentence, return_inverse=True)
    slot = torch.arange(len(place)) - torch.searchsorted(place, place)
    slots, choices = int(slot.max()) + 1, best.shape[1]
    table = totals.new_full((len(sentences), slots, choices), -torch.inf)
    table[place, slot] = totals.masked_fill(rows.outside[:, None], -torch.inf)
    row_at = torch.zeros(len(sentences), slots, dtype=torch.int64)
    row_at[place, slot] = torch.arange(len(place))
    top, at = table.flatten(1).topk(min(width, slots * choices))  # [sentence choice]
    there = top > -torch.inf
    parent = row_at.gather(1, at // choices)[there]
    choice = (at % choices)[there]
    outside = torch.zeros(len(parent), dtype=torch.bool)
    lost = _lost(rows, parent, choice, totals) if width > 1 else parent[:0]
    if len(lost):
        parent, choice = torch.cat((parent, lost)), torch.cat((choice, torch.zeros_like(lost)))
        outside = torch.cat((outside, torch.ones_like(lost, dtype=torch.bool)))
        order = rows.sentence[parent].argsort(stable=True)
        parent, choice, outside = parent[order], choice[order], outside[order]
    kept = rows.pick(parent)
    greedy = kept.greedy & (choice == 0)
    return parent, symbols[parent, choice], kept._replace(total=totals[parent, choice], greedy=greedy, outside=outside)


def _lost(rows: _Rows, parent: Tensor, choice: Tensor, totals: Tensor) -> Tensor:
    """Return the greedy rows whose likeliest symbol was not kept."""
    kept = torch.zeros(len(rows.sentence), dtype=torch.bool)
    kept[parent[choice == 0]] = True
    return (rows.greedy & ~kept & (totals[:, 0] > -torch.inf)).nonzero()[:, 0]


def _finish(
    rows: _Rows, found: list[Finished], floor: Tensor, rules: Rules, options: SearchOptions, lengths: Tensor
) -> None:
    """Take whole translations, `rows`, among those that were found, and raise the floor of their sentences."""
    scores = rows.total.numpy() / penalty(options, rows.written.shape[1] + 1)
    if rows.attended is not None:
        scores = scores + coverage(options, rows.attended, lengths[rows.sentence]).numpy()
    cut = (rows.written.shape[1] >= rules.longest[rows.sentence]).tolist()
    written, totals = rows.written.tolist(), rows.total.tolist()
    for k, sentence in enumerate(rows.sentence.tolist()):
        found[sentence].add(Hypothesis(float(scores[k]), totals[k], tuple(written[k]), cut[k]))
        floor[sentence] = found[sentence].floor
