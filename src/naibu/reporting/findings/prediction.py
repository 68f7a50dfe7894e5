"""What was found of the network's answers: how often they are right, and how often one looked at by itself is told."""

from __future__ import annotations

import numpy as np

from naibu.probes.results import Confusion
from naibu.reporting.findings.finding import Finding, above, controlled
from naibu.reporting.numbers import share, with_interval
from naibu.reporting.words import headline, on_split, outcome_name


def prediction(confusion: Confusion) -> Finding:
    """Say how often the network is right, against always giving the commonest answer, and how often it tells ends."""
    accuracy, split = headline(confusion.accuracy)
    majority = on_split(confusion.majority, split)
    usual = majority.value if majority is not None else float("nan")
    untrained = controlled(confusion.accuracy_controls.untrained, split)
    better = above(accuracy, max([x for x in (usual, untrained) if x is not None and np.isfinite(x)], default=-np.inf))
    text = "Its" if better else "It has not learnt to predict: its"
    text += f" most probable answer is right in {with_interval(accuracy, True)} of the places in {split} sequences"
    against = f"always giving the most frequent answer is right in {share(usual)}"
    if untrained is not None:
        against += f", the untrained network in {share(untrained)}"
    return Finding(f"{text} ({against}).{_singled_out(confusion, split)}", better)


def _singled_out(confusion: Confusion, split: str) -> str:
    if confusion.end is None or confusion.end_recall is None:
        return ""
    recall = on_split(confusion.end_recall, split) or confusion.end_recall.test
    precision = controlled(confusion.end_precision, split)
    text = f" It foresees {with_interval(recall, True)} of the {outcome_name(confusion.end)}"
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
