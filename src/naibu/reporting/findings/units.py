"""What was found of single units, and of a few together: following a label, telling its two values apart."""

from __future__ import annotations

import numpy as np

from naibu.probes.results import Correlation, L1Path, L1Row, Overlap, SignalCorrelation
from naibu.reporting.findings.finding import CLOSE, Finding, above, controlled, nearest_zero
from naibu.reporting.numbers import number, share, with_interval
from naibu.reporting.words import capital, headline, label_name, leading, of_signal, on_split, signal_name

COUNTS = 0.99  # r from which a unit that follows the depth is said to count
APART = 0.25  # overlap up to which a unit is said to tell two values apart
ENOUGH = 0.99  # accuracy asked of few units


def following(correlation: Correlation) -> Finding:
    """Say whether a single unit follows a label, against the hidden state and the controls."""
    best = leading(correlation)
    score, split = headline(best.pearson)
    r = abs(score.value)
    controls = best.pearson_controls
    known = {
        "of the untrained network": controlled(controls.untrained, split),
        "from the position in the sequence alone": controlled(controls.position, split),
    }
    who = f"unit {best.pearson_unit} of the {signal_name(best.signal)}{_layer(correlation, best)}"
    numbers = f"r\u00a0=\u00a0{with_interval(score)}"
    beside = _beside(correlation, best, split, known)
    if not r >= CLOSE:
        how = "partly" if r >= 0.5 else "hardly"
        text = f"No unit follows the {_told(correlation.label)} closely: the best, {who}, does so {how}"
        return Finding(f"{text} ({numbers}; {beside}).", False)
    as_good = [name for name, value in known.items() if value is not None and abs(value) >= nearest_zero(score)]
    text = f"{capital(who)} {_way(correlation.label, score.value)}: {numbers} on {split} sequences ({beside})."
    if as_good:
        return Finding(text + f" But the value {as_good[0]} is as high, so this is no sign of learning.", False)
    return Finding(text, True)


def _way(label: str, r: float) -> str:
    """Say how a unit goes with a label: a straight line at the depth is what a counter would show."""
    if abs(r) >= COUNTS and label in ("depth", "bracket_depth"):
        return f"counts the nesting, {'rising' if r > 0 else 'falling'} in step with the {label_name(label)}"
    return f"follows the {_told(label)}" if r > 0 else f"falls as the {_told(label)} rises"


def _told(label: str) -> str:
    """Return a label's name, with what it means where the name alone does not say so."""
    kind, _, category = label.partition(":")
    meaning = f" (how many {category} brackets are open)" if kind == "depth" and category else ""
    return label_name(label) + meaning


def _beside(correlation: Correlation, best: SignalCorrelation, split: str, known: dict[str, float | None]) -> str:
    parts = []
    other = of_signal(correlation, "hidden" if best.signal == "cell" else "cell")
    if other is not None and other is not best:
        score = on_split(other.pearson, split)
        parts.append(f"best unit of the {signal_name(other.signal)}: {number(score.value if score else None)}")
    parts += [f"{name}: {number(value)}" for name, value in known.items() if value is not None]
    return "; ".join(parts) or "no control was made"


def telling_apart(overlap: Overlap) -> Finding:
    """Say whether one unit tells the two values of a label apart."""
    best = overlap.best()
    score, split = headline(best.overlap)
    untrained = controlled(best.controls.untrained, split)
    nothing = [x for x in (best.no_information, untrained) if x is not None and np.isfinite(x)]
    who = f"unit {best.unit} of the {signal_name(best.signal)}"
    where, apart = _where(overlap.label, overlap.values), _apart(overlap.label, overlap.values)
    bare = "" if untrained is None else f"; {number(untrained)} in the untrained network"
    numbers = (
        f"its values {where} and elsewhere overlap by {with_interval(score)}, where 0 is told apart always and 1 never"
        f" ({number(best.no_information)} if the unit knew nothing{bare})"
    )
    if not score.high < min(nothing, default=1.0):
        return Finding(f"No single unit tells {apart}: of the best, {who}, {numbers}.", False)
    if score.value <= APART:
        return Finding(f"{capital(who)} alone tells {apart}: {numbers}.", True)
    return Finding(f"A single unit tells {apart} only in part: of the best, {who}, {numbers}.", False)


def _where(label: str, values: tuple[str, str]) -> str:
    name = label_name(label)
    return name if name.startswith("inside") else f"where {name} is {values[1]}"


def _apart(label: str, values: tuple[str, str]) -> str:
    where = _where(label, values)
    return f"what is {where} from what is not" if where.startswith("inside") else f"places {where} from all others"


def few_units(path: L1Path) -> Finding:
    """Say how few units of a signal suffice to tell a label's two values apart, against the commoner answer."""
    if not path.strengths:
        return Finding("That a few units tell a label's values apart is not shown: no strength was tried.", False)
    row = fewest(path)
    score, split = headline(row.of_units)
    usual = controlled(path.majority, split)
    untrained = controlled(row.controls.untrained, split)
    found = above(score, max([x for x in (usual, untrained) if x is not None], default=-np.inf))
    bare = "" if untrained is None else f"; the untrained network with as high a price: {share(untrained)}"
    numbers = f"in {with_interval(score, True)} of the places in {split} sequences"
    numbers += f" (always saying the commoner answer: {share(usual)}{bare})"
    one = row.nonzero == 1
    who = f"{row.nonzero} unit{'' if one else 's'} of the {path.of} of the {signal_name(path.signal)}"
    apart = _apart(path.label, path.values)
    if found:
        return Finding(f"Together, {who} tell{'s' if one else ''} {apart}: right {numbers}.", True)
    text = f"That a few units together tell {apart} is not shown: {who} {'is' if one else 'are'} right {numbers}."
    return Finding(text, False)


def fewest(path: L1Path) -> L1Row:
    """Return the row with the fewest units at 99 % accuracy or more, or the most accurate one."""
    enough = [row for row in path.strengths if headline(row.of_units)[0].value >= ENOUGH]
    if enough:
        return min(enough, key=lambda row: row.nonzero)
    return max(path.strengths, key=lambda row: headline(row.of_units)[0].value)


def _layer(correlation: Correlation, signal: SignalCorrelation) -> str:
    return f" (layer {signal.layer})" if len({s.layer for s in correlation.signals}) > 1 else ""
