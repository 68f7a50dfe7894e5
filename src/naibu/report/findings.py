"""What was found, in plain sentences computed from the results; where nothing was found they say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naibu.interventions.results import Effect, Holding
from naibu.probes.found import Found, Search
from naibu.probes.results import Confusion, Correlation, L1Path, L1Row, Overlap, Score, Scores, SignalCorrelation
from naibu.report.content import NetworkPart
from naibu.report.numbers import number, share, with_interval
from naibu.report.words import capital, headline, label_name, leading, of_signal, on_split, signal_name

CLOSE = 0.9  # |r| from which a unit is said to follow the label
COUNTS = 0.99  # r from which a unit that follows the depth is said to count
TELLS = 0.95  # AUC from which a unit is said to tell a label
APART = 0.25  # overlap up to which a unit is said to tell two values apart
ENOUGH = 0.99  # accuracy asked of few units


@dataclass(frozen=True)
class Finding:
    """One sentence or two, and whether they report something found (True) or its absence."""

    text: str
    present: bool


def findings(part: NetworkPart) -> list[Finding]:
    """Return the findings for one network, each computed from a result the part has."""
    found: list[Finding] = []
    if part.confusion is not None:
        found.append(prediction(part.confusion))
    if part.depth is not None:
        found.append(following(part.depth))
    if part.phrase is not None:
        found.append(following(part.phrase))
    if part.overlap is not None:
        found.append(telling_apart(part.overlap, part.l1))
    if part.search is not None:
        found.append(naming(part.search))
    if part.holding is not None:
        found.append(cause(part.holding))
    return found


def prediction(confusion: Confusion) -> Finding:
    """Say how often the next symbol and the end are foreseen, against always saying the commonest symbol."""
    accuracy, split = headline(confusion.accuracy)
    majority = on_split(confusion.majority, split)
    usual = majority.value if majority is not None else float("nan")
    untrained = _controlled(confusion.accuracy_controls.untrained, split)
    better = _above(accuracy, max([x for x in (usual, untrained) if x is not None and np.isfinite(x)], default=-np.inf))
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


def naming(search: Search) -> Finding:
    """Say which label one unit tells best, and how many labels are told better than by an untrained network."""
    if not search.found:
        return Finding("No label was searched.", False)
    told = [found for found in search.found if found.statistic == "auc"] or list(search.found)
    best = max(told, key=lambda found: found.best.train)
    score, split = headline(best.best.scores)
    area = best.statistic == "auc"
    sure = score.value >= (TELLS if area else CLOSE)
    text = (
        f"Of the labels searched, {label_name(best.label)} is told best by one unit, {best.best.unit} of the "
        f"{signal_name(best.best.signal)}{'' if sure else ', though not surely'}: the "
        f"{'AUC' if area else 'rank correlation'} is {with_interval(score)} ({split})."
    )
    if any(found.untrained is not None for found in search.found):
        beyond = sum(_beyond(found) for found in search.found)
        how_many = f"{beyond or 'None'} of {len(search.found)} labels {'is' if beyond == 1 else 'are'}"
        text += (
            f" {how_many} told better than by the best unit of the untrained network (the intervals do not touch) and "
            "than the symbol just read tells them."
        )
    return Finding(text, sure)


def _beyond(found: Found) -> bool:
    score, split = headline(found.best.scores)
    bare, symbol = on_split(found.controls.untrained, split), on_split(found.symbol, split)
    return bare is not None and symbol is not None and score.low > max(bare.high, symbol.value)


def _ends(confusion: Confusion, split: str) -> str:
    assert confusion.end_recall is not None
    recall = on_split(confusion.end_recall, split) or confusion.end_recall.test
    precision = _controlled(confusion.end_precision, split)
    text = f"It foresees {with_interval(recall, True)} of the ends of sequence"
    if precision is not None:
        text += f", and is right in {share(precision)} of the places where it expects one"
    bare = _controlled(confusion.end_recall_controls.untrained, split)
    if bare is None:
        return text + "."
    bare_precision = _controlled(confusion.end_precision_controls.untrained, split)
    # A network that expects an end everywhere foresees them all, so both numbers are needed.
    as_good = bare >= recall.value and (bare_precision or 0.0) >= (precision or 0.0)
    both = share(bare) if bare_precision is None else f"{share(bare)} and {share(bare_precision)}"
    return text + (f"; but so does the untrained network ({both})." if as_good else f" (untrained: {both}).")


def following(correlation: Correlation) -> Finding:
    """Say whether a single unit follows a label, against the hidden state and the controls."""
    best = leading(correlation)
    score, split = headline(best.pearson)
    r = abs(score.value)
    controls = best.pearson_controls
    known = {
        "of the untrained network": _controlled(controls.untrained, split),
        "from the position in the sequence alone": _controlled(controls.position, split),
    }
    who = f"unit {best.pearson_unit} of the {signal_name(best.signal)}{_layer(correlation, best)}"
    numbers = f"r\u00a0=\u00a0{with_interval(score)}"
    beside = _beside(correlation, best, split, known)
    if not r >= CLOSE:
        how = "partly" if r >= 0.5 else "hardly"
        text = f"No unit follows the {_told(correlation.label)} closely: the best, {who}, does so {how}"
        return Finding(f"{text} ({numbers}; {beside}).", False)
    as_good = [name for name, value in known.items() if value is not None and abs(value) >= _nearest_zero(score)]
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
    untrained = _controlled(best.controls.untrained, split)
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
    score, split = headline(row.accuracy)
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
    enough = [row for row in path.strengths if headline(row.accuracy)[0].value >= ENOUGH]
    if enough:
        return min(enough, key=lambda row: row.nonzero)
    return max(path.strengths, key=lambda row: headline(row.accuracy)[0].value)


# ---------------------------------------------------------------- intervention


def cause(holding: Holding) -> Finding:
    """Say whether holding the unit still harms prediction more than holding random units does."""
    if not holding.of("before") or not holding.of("held"):
        return Finding("The intervention was not made.", False)
    name, split = measured(holding)
    before, held = (_effect(holding.of(kind)[0], name, split) for kind in ("before", "held"))
    if before is None or held is None:
        return Finding("The intervention could not be scored.", False)
    by_ends = name == "end_recall"
    drawn = random_values(holding, name, split)
    who = f"unit {holding.unit} of the {signal_name(holding.signal)}"
    numbers = _ends_held(before, held) if by_ends else _loss_held(before, held)
    instead = _instead(drawn, by_ends)
    if matters_more(before, held, drawn, fewer_is_worse=by_ends):
        text = f"The network uses it: with {who} held still at its mean, it {numbers}; {instead}."
        return Finding(text + (_loss_aside(holding, split) if by_ends else ""), True)
    reason = _why_not(before, held, drawn, by_ends)
    text = f"That the network depends on {who} is not shown: held still at its mean, it {numbers}, but {instead}"
    return Finding(f"{text}: {reason}.", False)


def measured(holding: Holding) -> tuple[str, str]:
    """Return by what an intervention is judged: the ends foreseen where there are any, else the loss; and the split."""
    chief = [*holding.of("before"), *holding.of("held")]
    split = "unseen" if all(effect.loss.unseen is not None for effect in chief) else "test"
    ends = [_effect(effect, "end_recall", split) for effect in chief]
    there = all(score is not None and np.isfinite(score.value) for score in ends)
    return ("end_recall" if there else "loss"), split


def random_values(holding: Holding, name: str, split: str) -> list[float]:
    """Return what each random draw came to."""
    found = [_effect(effect, name, split) for effect in holding.of("random")]
    return [score.value for score in found if score is not None and np.isfinite(score.value)]


def _instead(drawn: Sequence[float], by_ends: bool) -> str:
    if not drawn:
        return "no random unit was tried"
    write, worst = (share, min(drawn)) if by_ends else (number, max(drawn))
    middle = write(float(np.mean(drawn)))
    return f"holding a random unit instead leaves it at {middle} (worst of {len(drawn)}: {write(worst)})"


def _why_not(before: Score, held: Score, drawn: Sequence[float], by_ends: bool) -> str:
    if not drawn:
        return "there is nothing to compare with"
    if _unchanged(before, held):
        return "next to nothing changes"
    better = held.value > before.value if by_ends else held.value < before.value
    return "it predicts no worse" if better else "a random unit can matter as much"


def matters_more(start: Score, after: Score, drawn: Sequence[float], *, fewer_is_worse: bool) -> bool:
    """Return whether the held unit's harm is beyond its interval, and more than that of every random unit."""
    if not drawn or _unchanged(start, after):
        return False
    if fewer_is_worse:
        return after.value < start.value and after.value < min(drawn)
    return after.value > start.value and after.value > max(drawn)


def _unchanged(start: Score, after: Score) -> bool:
    low, high = (after.low, after.high) if np.isfinite(after.low) else (after.value, after.value)
    return low <= start.value <= high


def _ends_held(start: Score, after: Score) -> str:
    return f"foresees {with_interval(after, True)} of the ends of sequence instead of {share(start.value)}"


def _loss_held(start: Score, after: Score) -> str:
    return f"predicts with a loss of {with_interval(after)} instead of {number(start.value)}"


def _loss_aside(holding: Holding, split: str) -> str:
    before, held = (_effect(holding.of(kind)[0], "loss", split) for kind in ("before", "held"))
    return (
        "" if before is None or held is None else f" Its loss goes from {number(before.value)} to {number(held.value)}."
    )


def _effect(effect: Effect, name: str, split: str) -> Score | None:
    scores: Scores | None = getattr(effect, name)
    return on_split(scores, split)


# ---------------------------------------------------------------- small words


def _controlled(scores: Scores | None, split: str) -> float | None:
    score = on_split(scores, split)
    return None if score is None or not np.isfinite(score.value) else score.value


def _above(score: Score, other: float) -> bool:
    return (score.low if np.isfinite(score.low) else score.value) > other


def _nearest_zero(score: Score) -> float:
    """Return the end of the interval nearer to 0, in absolute value; the value where there is no interval."""
    ends = [abs(x) for x in (score.low, score.high) if np.isfinite(x)]
    return min(ends, default=abs(score.value))


def _layer(correlation: Correlation, signal: SignalCorrelation) -> str:
    return f" (layer {signal.layer})" if len({s.layer for s in correlation.signals}) > 1 else ""
