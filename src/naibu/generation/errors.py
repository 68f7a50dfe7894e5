"""Why a translation went wrong: the search did not find what the network likes best, or the network likes the wrong.

Document E compares P(y*|x), that of the reference, with P(ŷ|x), that of the translation found: where the first is
larger the search is at fault, else the network. Exact search adds the translation that the network likes best of all.
What is compared is what the search ranks by, ln P divided by the length penalty; with alpha 0 it is P itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from naibu.data.parallel import Pairs, Sentences, source_batch
from naibu.data.parallel_coder import ParallelCoder
from naibu.generation.exact import SLACK, Proof, exact
from naibu.generation.forced import forced
from naibu.generation.hypothesis import Hypothesis, Symbols, penalty
from naibu.generation.options import Budget, SearchOptions
from naibu.generation.stepper import Joining
from naibu.generation.translating import Translated, translate
from naibu.progress import Report, silent

Verdict = Literal["search error", "model error", "both fine", "undecided"]
Fault = Literal["search", "network", "none"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
TOGETHER = 64
"""Sentences that are proved side by side."""


@dataclass(frozen=True)
class Judged:
    """One sentence: what was found, what the reference is worth to the network, and what it likes best of all."""

    number: int  # of the sentence
    found: Hypothesis
    reference: Hypothesis
    writable: bool  # the reference has no unknown symbol and is not too long or short: a search may find it
    same: bool  # what was found is the reference
    proof: Proof
    options: SearchOptions

    @property
    def fault(self) -> Fault:
        """Which is at fault by document E's table; none where the translation is the reference.

        A reference that no search may find is not the search's fault.
        """
        if self.same:
            return "none"
        return "search" if self.writable and self.beats(self.reference) else "network"

    @property
    def verdict(self) -> Verdict:
        """What is proved.

        search error: the network likes another translation better than the one found, the reference or what exact
        search found. model error: it likes none better, and the one found is not the reference. both fine: it is the
        reference. undecided: the budget did not suffice to say.
        """
        if self.fault == "search" or self.beats(self.proof.best):
            return "search error"
        if not self.proof.decided:
            return "undecided"
        return "both fine" if self.same else "model error"

    def beats(self, other: Hypothesis) -> bool:
        """Return whether another translation is liked better than the one found, by more than sums differ."""
        return better(other, self.found, self.options)


def better(one: Hypothesis, other: Hypothesis, options: SearchOptions) -> bool:
    """Return whether one translation scores higher than another, by more than sums may differ."""
    length = len(one.symbols) + 1
    return bool(one.score - other.score > SLACK / penalty(options, length))


@dataclass(frozen=True)
class Width:
    """What a beam of one width finds, the best translation of every pair."""

    options: SearchOptions
    best: list[Translated]
    seconds: float

    @property
    def empty(self) -> float:
        """The share of sentences whose best translation is empty."""
        return sum(not each.found.symbols for each in self.best) / len(self.best)

    def missed(self, judged: Sequence[Judged]) -> float:
        """Return the share of search errors among the sentences whose best translation is proved; nan of none."""
        pairs = zip(judged, self.best, strict=True)
        decided = [(each.proof.best, found.found) for each, found in pairs if each.proof.decided]
        errors = sum(better(best, found, self.options) for best, found in decided)
        return errors / len(decided) if decided else float("nan")


def sweep(
    stepper: Joining,
    coder: ParallelCoder,
    pairs: Pairs,
    options: SearchOptions,
    widths: Sequence[int],
    *,
    progress: Report = silent,
) -> list[Width]:
    """Return what beams of several widths find."""
    found = []
    for width in widths:
        way = replace(options, beam=width)
        translated = translate(stepper, coder, pairs.source, pairs.which.tolist(), way, progress=progress)
        found.append(Width(way, [best[0] for best in translated.best], translated.seconds))
    return found


def judge(
    stepper: Joining,
    coder: ParallelCoder,
    pairs: Pairs,
    found: Sequence[Hypothesis],
    options: SearchOptions,
    budget: Budget,
    *,
    others: Sequence[Sequence[Hypothesis]] = (),
    progress: Report = silent,
) -> list[Judged]:
    """Return what is proved of every pair, whose translations by a search with these options were `found`.

    others: more translations of all pairs, which the proof begins with where they are better, as it does with the
    references. Where the score is normalised it looks at translations up to `budget.proof_longer` symbols longer than
    all of these, as `proof.longest` says. Raises OptionError for scores that have no bound.
    """
    which = pairs.which.tolist()
    judged: list[Judged | None] = [None] * len(which)
    done = 0
    for rows in _alike(pairs.source, which):
        given = [reference_of(pairs.target, which[k]) for k in rows]
        batch = source_batch(pairs.source, np.array([which[k] for k in rows]))
        lengths = next(iter(batch.streams.values())).lengths.tolist()
        read = [each.hypothesis(y, options) for each, y in zip(forced(stepper, batch, given), given, strict=True)]
        able = [_writable(y, stepper, options, length) for y, length in zip(given, lengths, strict=True)]
        there = [
            [found[k], *(each[k] for each in others), *([y] if may else [])]
            for k, y, may in zip(rows, read, able, strict=True)
        ]
        longest = [max(len(each.symbols) for each in some) + budget.proof_longer for some in there]
        proofs = exact(
            stepper,
            batch,
            options,
            [max(some) for some in there],
            budget=budget,
            longest=longest if options.alpha else None,
        )
        for k, y, may, proof in zip(rows, read, able, proofs, strict=True):
            same = coder.spell(found[k].symbols) == pairs.target.text(which[k])
            judged[k] = Judged(which[k], found[k], y, may, same, proof, options)
        done += len(rows)
        progress(done, len(which), "")
    return [each for each in judged if each is not None]


def reference_of(target: Sentences, number: int) -> Symbols:
    """Return a sentence in the network's symbols, unknown ones as `<unk>`."""
    return tuple(target.known(np.array([number])).tolist())


def _writable(symbols: Symbols, stepper: Joining, options: SearchOptions, length: int) -> bool:
    fits = options.fewest(length) <= len(symbols) <= options.longest(length)
    return fits and not set(symbols) & set(stepper.marks.never) and not _repeats(symbols, options.no_repeat)


def _repeats(symbols: Symbols, n: int) -> bool:
    runs = [symbols[k : k + n] for k in range(len(symbols) - n + 1)] if n else []
    return len(set(runs)) < len(runs)


def _alike(sentences: Sentences, which: Sequence[int]) -> Iterator[list[int]]:
    """Yield places in `which` of sentences of like length, the longest first."""
    order = np.argsort(-sentences.lengths[np.asarray(which, np.int64)], kind="stable").tolist()
    for begin in range(0, len(order), TOGETHER):
        yield order[begin : begin + TOGETHER]
