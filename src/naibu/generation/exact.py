"""Exact search: which translation the network likes best of all, proved, or how far the proof got.

A word more never raises a log probability, so a prefix that could not be better than the best translation known, had
it the most favourable length, is done with. With the beam's translation as the first to beat, nearly all work is the
proof that there is none better: Stahlberg & Byrne 2019, whose depth-first search this is, with many prefixes read at
once, of several sentences where one has not enough.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from naibu.data.batch import Batch
from naibu.errors import OptionError
from naibu.generation.hypothesis import Hypothesis, Symbols, penalty
from naibu.generation.options import Budget, SearchOptions
from naibu.generation.rules import Rules
from naibu.generation.stepper import Joining

SLACK = 1e-4
"""Nats within which a translation is not called better: sums differ so much between a batch of one and of many."""
LONGER = 1.15
"""By what the longest length looked at is multiplied once all shorter translations are decided."""


USUAL = Budget()


@dataclass(frozen=True)
class Proof:
    """What is known of the best translation of a sentence."""

    best: Hypothesis  # the best known: where it is decided, of all that are allowed
    decided: bool
    longest: int  # of all translations of up to so many words none is better than `best`
    open: float  # the probability of all translations not looked at that might be better; 0 where it is decided
    prefixes: int  # read by the network, the cost of the proof
    seconds: float


@torch.no_grad()
def exact(
    stepper: Joining,
    batch: Batch,
    options: SearchOptions,
    known: Sequence[Hypothesis],
    *,
    budget: Budget = USUAL,
    prefixes: Sequence[Symbols] | None = None,
    longest: Sequence[int] | None = None,
    at_once: int = 256,
) -> list[Proof]:
    """Return the best translation of each sentence, the `known` ones being the first to beat, and whether it is proved.

    What is allowed is what `options` allow, but for the beam: the longest length bounds the proof of a normalised
    score, whose prefixes stay open until even at that length they could not win; the shorter it is, the less there is
    to prove. Where the score is normalised translations are decided by length, the short ones first.

    longest: of each sentence, the symbols of translations that are looked at, where that is less than is allowed.

    Raises OptionError for coverage: a score that looks at attention is not decided by log probabilities.
    """
    if options.coverage:
        raise OptionError(f"--coverage {options.coverage:g}: exact search has no bound for it; leave it out")
    lengths = next(iter(batch.streams.values())).lengths.tolist()
    rules, state = Rules(stepper.marks, options, lengths, prefixes), stepper.begin(batch)
    if longest is not None:
        rules.longest = torch.minimum(rules.longest, torch.tensor(longest))
    searches = [_Search(best, options, rules.most(k)) for k, best in enumerate(known)]
    begin_mark, nothing = np.array([stepper.marks.begin]), list[Symbols]([()] * len(known))
    for k, search in enumerate(searches):
        search.add(_Open(state, nothing, np.zeros(1), np.array([k]), begin_mark, first=True))
    while taken := _taken(searches, budget, at_once):
        begin = time.perf_counter()
        _read(stepper, rules, searches, taken)
        spent = (time.perf_counter() - begin) / sum(len(part.total) for _, part in taken)
        for k, part in taken:
            searches[k].seconds += spent * len(part.total)
    return [search.proof() for search in searches]


@dataclass
class _Open:
    """Prefixes of a sentence that came of one step, the best last; their last symbol is still to be read."""

    state: Any  # after that step
    before: list[Symbols]  # what its rows had read
    total: npt.NDArray[np.float64]  # log probability, rising, [prefix]
    row: npt.NDArray[Any]  # of the state, int [prefix]
    symbol: npt.NDArray[Any]  # the last, int [prefix]
    first: bool = False  # the symbol is the mark of the beginning

    def best(self, count: int) -> _Open:
        """Take the best prefixes out and return them."""
        at = len(self.total) - count
        part = replace(self, total=self.total[at:], row=self.row[at:], symbol=self.symbol[at:])
        self.total, self.row, self.symbol = self.total[:at], self.row[:at], self.symbol[:at]
        return part

    def written(self) -> list[Symbols]:
        """Return the prefixes."""
        if self.first:
            return [() for _ in self.row]
        rows = zip(self.row.tolist(), self.symbol.tolist(), strict=True)
        return [(*self.before[row], symbol) for row, symbol in rows]


class _Search:
    """The search of one sentence: T is the length of a translation with its end, `most` the longest that is allowed."""

    def __init__(self, best: Hypothesis, options: SearchOptions, most: int) -> None:
        self.best, self.prefixes, self.seconds = best, 0, 0.0
        self.decided, self.given_up = False, False
        self.penalties = np.concatenate([[1.0], penalty(options, np.arange(1, most + 1))])
        self._most, self._settled, self._rest = most, 0, 0.0
        # Only where scores are normalised are short lengths less work than long ones.
        self._limit = min(most, len(best.symbols) + 1) if options.alpha else most
        self._stack: list[_Open] = []
        self._later: list[_Open] = []  # prefixes that could win beyond the limit alone

    def floor(self, longest: int) -> float:
        """Return the log probability that a prefix must have more of to win at a length."""
        return float(self.best.score * self.penalties[longest])

    def add(self, part: _Open) -> None:
        """Put prefixes on top of those that are open."""
        self._stack.append(part)

    def take(self, count: int) -> list[_Open]:
        """Return up to so many prefixes that could win, the best of what came last; none once all is decided."""
        found = list[_Open]()
        while not self.decided:
            if not self._stack:
                if found:  # what comes of these is not known yet
                    break
                self._go_on()
                continue
            part = self._stack[-1]
            alive = len(part.total) - int(np.searchsorted(part.total, self.floor(self._limit), "right"))
            if not alive:
                self._stack.pop()
                if len(part.total) and part.total[-1] > self.floor(self._most):
                    self._later.append(part)
                continue
            if count <= 0:
                break
            found.append(part.best(min(alive, count)))
            count -= len(found[-1].total)
            self.prefixes += len(found[-1].total)
        return found

    def _go_on(self) -> None:
        """Let longer translations in, or be done."""
        self._settled = self._limit
        if self._limit == self._most or not self._later:
            self._settled, self.decided, self._later = self._most, True, []
        else:
            self._limit = min(self._most, max(self._limit + 1, int(self._limit * LONGER)))
            self._stack, self._later = self._later, []

    def found(self, written: list[Symbols], ends: npt.NDArray[np.float64]) -> None:
        """Look at whole translations with these log probabilities."""
        lengths = np.array([len(symbols) + 1 for symbols in written])
        gain = ends - self.best.score * self.penalties[lengths]
        scores = np.where(gain > SLACK, ends / self.penalties[lengths], -np.inf)
        k = int(scores.argmax())
        if scores[k] > -np.inf:
            self.best = Hypothesis(float(scores[k]), float(ends[k]), written[k], len(written[k]) + 1 == self._most)

    def give_up(self) -> None:
        """Leave what is open, and free its memory."""
        floor, parts = self.floor(self._most), (*self._stack, *self._later)
        self._rest += float(sum(np.exp(part.total[part.total > floor]).sum() for part in parts))
        self._stack, self._later, self.given_up = [], [], True

    def proof(self) -> Proof:
        """Return what is known now."""
        return Proof(self.best, self.decided, self._settled - 1, self._rest, self.prefixes, self.seconds)


def _taken(searches: list[_Search], budget: Budget, at_once: int) -> list[tuple[int, _Open]]:
    """Return prefixes that are read next, with the numbers of their sentences: of the first that are not done."""
    taken, count = list[tuple[int, _Open]](), at_once
    for k, search in enumerate(searches):
        if search.decided or search.given_up:
            continue
        left = budget.proof_prefixes - search.prefixes if search.seconds < budget.proof_seconds else 0
        parts = search.take(min(left, count))
        if not parts and not search.decided:
            search.give_up()
        taken += [(k, part) for part in parts]
        count -= sum(len(part.total) for part in parts)
        if not count:
            break
    return taken


def _read(stepper: Joining, rules: Rules, searches: list[_Search], taken: list[tuple[int, _Open]]) -> None:
    """Read prefixes, and hand what comes of them to their searches; those of a sentence stand together."""
    state = stepper.join([(part.state, torch.from_numpy(part.row)) for _, part in taken])
    last = torch.from_numpy(np.concatenate([part.symbol for _, part in taken]))
    before = np.concatenate([part.total for _, part in taken])
    written = [symbols for _, part in taken for symbols in part.written()]
    sentence = np.repeat([k for k, _ in taken], [len(part.total) for _, part in taken])
    log_p, state = stepper.step(last, state)
    lengths = torch.tensor([len(symbols) for symbols in written])
    rules.apply(log_p, torch.from_numpy(sentence), lengths, rules.aligned(written))
    end = rules.marks.end
    ends = before + log_p[:, end].double().numpy()
    log_p[:, end] = -torch.inf
    there = np.unique(sentence)
    edges = np.searchsorted(sentence, [*there, len(searches)])
    for k, (first, stop) in zip(there, itertools.pairwise(edges), strict=True):
        searches[k].found(written[first:stop], ends[first:stop])
    floor = np.array([searches[k].floor(rules.most(k)) for k in there]).repeat(np.diff(edges))
    rows, symbols = (log_p > torch.from_numpy(floor - before).float()[:, None]).nonzero(as_tuple=True)
    row, symbol = rows.numpy().astype(np.int32), symbols.numpy().astype(np.int32)
    total = before[row] + log_p[rows, symbols].double().numpy()
    for k, (first, stop) in zip(there, itertools.pairwise(np.searchsorted(row, edges)), strict=True):
        order = first + total[first:stop].argsort()
        searches[k].add(_Open(state, written, total[order], row[order], symbol[order]))
