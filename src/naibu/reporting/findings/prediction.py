"""What was found of the next symbol: how often it is foreseen, and how often the end."""

from __future__ import annotations

import numpy as np

from naibu.probes.results import Confusion
from naibu.reporting.findings.finding import Finding, above, controlled
from naibu.reporting.numbers import share, with_interval
from naibu.reporting.words import headline, on_split


def prediction(confusion: Confusion) -> Finding:
    """Say how often the next symbol and the end are foreseen, against always saying the commonest symbol."""
    accuracy, split = headline(confusion.accuracy)
    majority = on_split(confusion.majority, split)
    usual = majority.value if majority is not None else float("nan")
    untrained = controlled(confusion.accuracy_controls.untrained, split)
    better = above(accuracy, max([x for x in (usual, untrained) if x is not None and np.isfinite(x)], default=-np.inf))
    against = f"always saying the most frequent symbol is right in {share(usual)}"
    if untrained is not None:
        against += f", the untrained network in {share(untrained)}"
    if better:
        text = (
            f"It predicts the next symbol right in {with_interval(accuracy, True)} of the places in {split} "
            f"sequences ({against})."
        )
    else:
        text = (
            f"It has not learnt to predict the next symbol: it is right in {with_interval(accuracy, True)} of the "
            f"places in {split} sequences, and {against}."
        )
    if confusion.end_recall is not None:
        text += " " + _ends(confusion, split)
    return Finding(text, better)


def _ends(confusion: Confusion, split: str) -> str:
    assert confusion.end_recall is not None
    recall = on_split(confusion.end_recall, split) or confusion.end_recall.test
    precision = controlled(confusion.end_precision, split)
    text = f"It foresees {with_interval(recall, True)} of the ends of sequence"
    if precision is not None:
        text += f", and is right in {share(precision)} of the places where it expects one"
    bare = controlled(confusion.end_recall_controls.untrained, split)
    if bare is None:
        return text + "."
    bare_precision = controlled(confusion.end_precision_controls.untrained, split)
    # A network that expects an end everywhere foresees them all, so both numbers are needed.
    as_good = bare >= recall.value and (bare_precision or 0.0) >= (precision or 0.0)
    both = share(bare) if bare_precision is None else f"{share(bare)} and {share(bare_precision)}"
    return text + (f"; but so does the untrained network ({both})." if as_good else f" (untrained: {both}).")
