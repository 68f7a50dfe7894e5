"""What the test of number agreement showed, in sentences computed from the result."""

from __future__ import annotations

from naibu.interventions.agreement_results import CHANCE, Agreement, Condition, Held, NumberUnit
from naibu.probes.results import Score
from naibu.reporting.finding import high, low
from naibu.reporting.numbers import number, share, with_interval
from naibu.reporting.words import signal_name

FOLLOWS = 0.5  # |r| from which a unit is said to follow the subject's number


def says(found: Agreement) -> str:
    """Return what was found: agreement with and without nouns of another number in between, and the unit held.

    Agreement is said to be shown where the interval of incongruent sentences is above both chance and the untrained
    network: congruent ones can be right by the last noun alone.
    """
    parts = [_agreeing(found), _moving(found)]
    if found.number_unit is not None:
        parts.append(_unit(found.number_unit))
    return " ".join(part for part in parts if part)


def _agreeing(found: Agreement) -> str:
    hard, easy, alone = found.of("incongruent"), found.of("congruent"), found.of("none", 0)
    judged = hard or alone
    if judged is None:
        return "No sentence was scored."
    made = f"{found.sentences:,} sentences made of {found.nouns} nouns, intervals by {found.resampled}"
    numbers = f"with nouns of the other number in between the right one of {_verbs(found)} is the more probable in "
    if hard is None:
        numbers = f"with no noun in between the right one of {_verbs(found)} is the more probable in "
    numbers += f"{with_interval(judged.accuracy, True)}{_against(judged)}"
    beside = []
    if easy is not None and hard is not None:
        beside.append(f"with nouns of the same number {with_interval(easy.accuracy, True)}")
    if alone is not None and hard is not None:
        beside.append(f"with none {with_interval(alone.accuracy, True)}")
    more = f"; {', '.join(beside)}" if beside else ""
    if shown(judged):
        over = " over nouns of the other number" if hard is not None else ", where no noun stands in between"
        return f"The network agrees the verb with its subject{over}: {numbers}{more} ({made})."
    return f"That the network agrees the verb with its subject is not shown: {numbers}{more} ({made})."


def shown(condition: Condition) -> bool:
    """Return whether accuracy is above chance and above the untrained network, beyond both intervals."""
    bare = 0.0 if condition.untrained is None else high(condition.untrained)
    return low(condition.accuracy) > max(CHANCE, bare)


def _against(condition: Condition) -> str:
    known = f"chance and the more frequent form {share(condition.unigram)}, the last noun {share(condition.last_noun)}"
    return f" ({known}{'' if condition.untrained is None else f', untrained {share(condition.untrained.value)}'})"


def _verbs(found: Agreement) -> str:
    return ", ".join(found.verbs)


def _moving(found: Agreement) -> str:
    """Say whether the subject's number moves the odds, which a constant preference for one form does not hide."""
    if not found.moved:
        return ""
    told = []
    for m in found.moved:
        bare = "" if m.untrained is None else f", untrained {share(m.untrained.value)}"
        told.append(f"{m.attractors}: {with_interval(m.share, True)}{bare}")
    return (
        "Made plural, the subject raises the odds of the plural verb in this share of sentences (chance 50\u202f%), by "
        f"the nouns in between: {'; '.join(told)}."
    )


def _unit(found: NumberUnit) -> str:
    who = f"unit {found.unit} of the {signal_name(found.signal, found.layer)}"
    bare = (
        ""
        if found.untrained_r is None
        else f"; the best one of the untrained network {number(found.untrained_r.value)}"
    )
    numbers = f"r = {with_interval(found.r)} on the nouns that did not choose it{bare}"
    if abs(found.r.value) >= FOLLOWS and low(found.r) * high(found.r) > 0:
        follows = f"Before the verb, {who} follows the subject's number: {numbers}."
    else:
        follows = f"No unit is shown to follow the subject's number before the verb: of the best, {who}, {numbers}."
    before, held, random = (found.kinds(kind) for kind in ("before", "held", "random"))
    if not before or not held or not random:
        return f"{follows} It was not held still beside random units."
    start, after = _chief(before[0]), _chief(held[0])
    drawn = [_chief(effect).value for effect in random]
    numbers = (
        f"held still, {with_interval(after, True)} of the verbs are right{_where(before[0])} instead of "
        f"{share(start.value)}; random units held, one at a time, leave {share(min(drawn))} to {share(max(drawn))}"
    )
    margins = [effect.margin.value for effect in random]
    numbers += (
        f" (mean log p(right) − log p(wrong): {number(before[0].margin.value)}, held {with_interval(held[0].margin)}, "
        f"random units {number(min(margins))} to {number(max(margins))})"
    )
    if high(after) < start.value and after.value < min(drawn):
        return f"{follows} The network uses it: {numbers}."
    if high(held[0].margin) < before[0].margin.value and held[0].margin.value < min(margins):
        return f"{follows} It carries a part of the number, for the margin falls more than with any other: {numbers}."
    return f"{follows} That the network uses it is not shown: {numbers}."


def _chief(effect: Held) -> Score:
    return effect.accuracy if effect.incongruent is None else effect.incongruent


def _where(effect: Held) -> str:
    return "" if effect.incongruent is None else " over nouns of the other number"
