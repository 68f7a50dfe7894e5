"""What matching the units of several networks showed, in sentences computed from the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from naibu.probes.matching_results import LabelMatch, Matches, Matching
from naibu.probes.results import Scores
from naibu.reporting.finding import high, low
from naibu.reporting.numbers import number, share, with_interval
from naibu.reporting.words import label_name, on_split, signal_name

Of = Callable[[Matches], Scores]


def says(found: Matching) -> str:
    """Return what was found: how alike matched units are, against the networks before training, and the label's unit.

    The ranges are over pairs of networks; each number's interval is in the table.
    """
    split = "unseen" if all(pair.trained.median.unseen is not None for pair in found.pairs) else "test"
    signal = signal_name(found.signal, found.layer)
    units = len(found.pairs[0].trained.partner)
    among = (
        f"{len(found.networks)} networks that differ in their seed only ({len(found.pairs)} pairs, {split} sequences)"
    )
    text = (
        f"Among {among}, the {units} units of the {signal} matched one to one have a median |r| of "
        f"{_range(found, lambda m: m.median, split)}, and {_range(found, lambda m: m.above_9, split, as_share=True)} "
        f"of them lie above .9; a random assignment has {_range(found, lambda m: m.random, split)}"
    )
    verdict = _verdict(found, split)
    return ". ".join(part for part in (text, verdict, _of_label(found, split)) if part) + "."


def _verdict(found: Matching, split: str) -> str:
    """Compare with the networks before training, each pair with itself, by whether intervals touch."""
    both = [
        (on_split(p.trained.median, split), on_split(p.untrained.median, split))
        for p in found.pairs
        if p.untrained is not None
    ]
    there = [(mine, bare) for mine, bare in both if mine is not None and bare is not None]
    if not there:
        return "The networks before training were not compared"
    above = sum(low(mine) > high(bare) for mine, bare in there)
    below = sum(high(mine) < low(bare) for mine, bare in there)
    numbers = f"before training the same matching gives {_span([bare.value for _, bare in there], False)}"
    if above == len(there):
        return f"Training made units alike: {numbers}, and every pair of trained networks is above its own"
    if below == len(there):
        return (
            f"That training makes units alike across seeds is not shown: {numbers}, and every pair of trained networks "
            "is below its own, so seeds lead networks apart"
        )
    return (
        f"That training makes units alike across seeds is not shown: {numbers}, and only {above} of {len(there)} rose"
    )


def _of_label(found: Matching, split: str) -> str:
    if not found.labelled or found.label is None:
        return ""
    label = label_name(found.label)
    kept = [(m, score) for m in found.labelled if (score := on_split(m.nearest_r, split)) is not None]
    least, weakest = min(kept, key=lambda pair: abs(pair[1].value))
    text = (
        f"The unit that follows the {label} best in one network has a unit like it in every other: the "
        f"nearest has |r| of {_span([abs(score.value) for _, score in kept], False)} (the lowest, {least.network} in "
        f"{least.other}, r = {with_interval(weakest)}{_before(found.labelled_untrained, split)})"
    )
    if abs(weakest.value) < 0.9:
        text = text.replace("has a unit like it in every other", "does not always have a unit like it in another", 1)
    same = sum(m.same for m in found.labelled)
    units = len(found.pairs[0].trained.partner)
    return (
        f"{text}. In the one-to-one assignment its partner is the other network's best unit in {same} of "
        f"{len(found.labelled)} cases (by chance 1 in {units})"
    )


def _before(labelled: Sequence[LabelMatch], split: str) -> str:
    values = [abs(score.value) for m in labelled if (score := on_split(m.nearest_r, split)) is not None]
    return f"; before training {_span(values, False)}" if values else ""


def _range(found: Matching, of: Of, split: str, *, as_share: bool = False) -> str:
    values = [score.value for p in found.pairs if (score := on_split(of(p.trained), split)) is not None]
    return _span(values, as_share)


def _span(values: Sequence[float], as_share: bool) -> str:
    write = share if as_share else number
    low, high = write(min(values)), write(max(values))
    return low if low == high else f"{low} to {high}"
