"""The same brackets predicted by two networks that read the same sentences in different forms."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from naibu.errors import OptionError
from naibu.probes.bracket_prediction import CLOSE, OPEN, Differences, Places
from naibu.probes.bracket_results import BracketComparison, ComparedKind
from naibu.probes.resampling import Resampler
from naibu.probes.source import Source, run_name
from naibu.probes.threads import one_thread


@one_thread
def compare(a: Source, b: Source, *, resamples: int = 1000, seed: int = 1) -> BracketComparison:
    """Recall and loss of the same brackets in two networks, and b less a, on the sentences that both recordings have.

    A sentence is known by its brackets in order (their names included), so a recording of brackets alone and one
    with words between them meet. Only test sentences are taken, and only what is in both; of several with equal
    brackets the first meets the first, and so on. The k-th bracket of one is the k-th of the other. Sentences are
    resampled for both networks together. Unseen are those that neither network met in training in its own form.

    How it can mislead: the networks differ in more than their form: size, training time, number of symbols. With words
    the network has read them, which tells much of what comes, but it also has to tell brackets from some
    thousand words, which brackets alone never asks: that makes its opening brackets look worse and closings of
    part-of-speech brackets certain. Sentences with a bracket rare enough to be unknown in one form only are left out.
    Where equal bracket strings meet, the words read need not be those of the same sentence; without words this changes
    nothing. One training run each: the interval covers other sentences, not other runs. Source: document A, type 4 is
    better than type 2 (a plot). OptionError where no sentence is in both, or without predictions or brackets.
    """
    places, other = Places(a, seed), Places(b, seed)
    mine, others, sizes = _matched(places, other)
    kinds = np.where(places.kind[mine] == OPEN, "open", "close")
    later = (kinds == "close") & (places.last_bracket()[mine] == CLOSE)
    unseen = places.unseen[mine] & other.unseen[others]
    score = Differences(places.sequence[mine], unseen, Resampler(resamples, seed))
    hits = places.hits(a)[mine], other.hits(b)[others]
    losses = places.losses(a, mine), other.losses(b, others)
    masks = {"open": kinds == "open", "close": kinds == "close", "later close": later, "all": np.ones(len(mine), bool)}
    found = []
    for kind, mask in masks.items():
        if not mask.any():
            continue
        first, second = losses
        both = None if first is None or second is None else (score.mean(first, mask), score.mean(second, mask))
        found.append(
            ComparedKind(
                kind, int(mask.sum()), (score.mean(hits[0], mask), score.mean(hits[1], mask)),
                score.gain(hits[1], hits[0], mask), both,
                None if first is None or second is None else score.gain(second, first, mask),
            )
        )  # fmt: skip
    sentences = places.sequence[mine]
    return BracketComparison(
        run_name(a), run_name(b), len(np.unique(sentences)), len(np.unique(sentences[unseen])), sizes, tuple(found)
    )


def _matched(a: Places, b: Places) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Rows of both recordings whose next symbols are the same bracket of the same sentence, in a's order."""
    mine, others = _by_brackets(a), _by_brackets(b)
    pairs = [
        pair
        for brackets, rows in mine.items()
        for pair in zip(rows, others.get(brackets, ()), strict=False)
        if len(pair[0])
    ]
    if not pairs:
        raise OptionError(
            "no test sentence has the same brackets in both recordings; compare two forms of one corpus with the same "
            "test part and the same options, such as tagged and tagged+words"
        )
    pairs.sort(key=lambda pair: int(pair[0][0]))
    sizes = sum(map(len, mine.values())), sum(map(len, others.values()))
    return np.concatenate([p for p, _ in pairs]), np.concatenate([q for _, q in pairs]), sizes


def _by_brackets(places: Places) -> dict[tuple[str, ...], list[np.ndarray]]:
    """The rows before each bracket of every test sentence, by the sentence's brackets in order."""
    rows = np.flatnonzero(places.test)
    found: dict[tuple[str, ...], list[np.ndarray]] = defaultdict(list)
    for part in np.split(rows, np.flatnonzero(np.diff(places.sequence[rows])) + 1):
        before = part[(places.kind[part] == OPEN) | (places.kind[part] == CLOSE)]
        found[tuple(places.symbols[k] for k in places.gold[before])].append(before)
    return found
