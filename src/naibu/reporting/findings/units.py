"""What was found of single units, and of a few together: following a label, telling its two values apart."""

from __future__ import annotations

import numpy as np

from naibu.probes.results import Correlation, L1Path, L1Row, Overlap, SignalCorrelation
from naibu.reporting.findings.finding import CLOSE, Finding, controlled, nearest_zero
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


def telling_apart(overlap: Overlap, l1: L1Path | None = None) -> Finding:
    """Say whether one unit tells inside from outside, and how few units do so together."""
    best = overlap.best()
    score, split = headline(best.overlap)
    label = label_name(overlap.label)
    where = label if label.startswith("inside") else f"whether {label} is {overlap.values[1]}"
    untrained = controlled(best.controls.untrained, split)
    nothing = [x for x in (best.no_information, untrained) if x is not None and np.isfinite(x)]
    who = f"unit {best.unit} of the {signal_name(best.signal)}"
    numbers = (
        f"its values {where} and elsewhere overlap by {with_interval(score)}, where 0 is told apart always and 1 never"
        f" ({_nothing(best.no_information, untrained)})"
    )
    useless = not score.high < min(nothing, default=1.0)
    if useless:
        text = f"No single unit tells what is {where} from what is not: of the best, {who}, {numbers}."
    elif score.value <= APART:
        text = f"{capital(who)} alone tells what is {where} from what is not: {numbers}."
    else:
        text = f"A single unit tells what is {where} from what is not only in part: of the best, {who}, {numbers}."
    return Finding(
        text + (" " + few_units(l1) if l1 is not None and l1.strengths else ""), not useless and score.value <= APART
    )


def _nothing(shuffled: float, untrained: float | None) -> str:
    text = f"{number(shuffled)} if the unit knew nothing"
    return text if untrained is None else f"{text}; {number(untrained)} in the untrained network"


def few_units(path: L1Path) -> str:
    """Say how many units of a signal suffice to tell a label's values apart."""
    row = fewest(path)
    score, split = headline(row.of_units)
    majority = on_split(path.majority, split)
    units = "1 unit" if row.nonzero == 1 else f"{row.nonzero} units"
    usual = share(majority.value if majority else None)
    text = (
        f"Together, {units} of the {path.of} of the {signal_name(path.signal)} tell it right in "
        f"{with_interval(score, True)} of the places in {split} sequences"
    )
    return f"{text} (always saying the commoner answer: {usual})."


def fewest(path: L1Path) -> L1Row:
    """Return the row with the fewest units at 99 % accuracy or more, or the most accurate one."""
    enough = [row for row in path.strengths if headline(row.of_units)[0].value >= ENOUGH]
    if enough:
        return min(enough, key=lambda row: row.nonzero)
    return max(path.strengths, key=lambda row: headline(row.of_units)[0].value)


def _layer(correlation: Correlation, signal: SignalCorrelation) -> str:
    return f" (layer {signal.layer})" if len({s.layer for s in correlation.signals}) > 1 else ""
