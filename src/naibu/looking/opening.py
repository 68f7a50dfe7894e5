"""The first screen of a page: what was found in one network, in a sentence, and the proof of it."""

from __future__ import annotations

from functools import partial

import numpy as np

from naibu.interventions.results import Holding
from naibu.looking.analyses.following import COUNTS, DEPTH, LABEL, Followed
from naibu.looking.analyses.holding import HOLDING, costs, effect_of, matters_more, measured, of_unit, random_values
from naibu.looking.analysis import Results
from naibu.probes.results import Score, SignalCorrelation, Trajectories
from naibu.reporting.content import Opening, Subject
from naibu.reporting.finding import CLOSE
from naibu.reporting.numbers import number, share
from naibu.reporting.section import Pen
from naibu.reporting.words import headline, label_name, leading, signal_name

COUNTED = {"depth": "the open brackets", "bracket_depth": "the open brackets"}


def opening_of(subject: Subject, results: Results, pen: Pen) -> Opening | None:
    """Return the finding of a network and its proof, None where no unit was asked about."""
    followed = DEPTH.found(results, subject) or LABEL.found(results, subject)
    if followed is None:
        return None
    signal, holding = leading(followed.correlation), HOLDING.found(results, subject)
    if holding is not None:
        same = (holding.layer, holding.signal) == (signal.layer, signal.signal)
        holding = of_unit(holding, signal.pearson_unit) if same else None
    score, split = headline(signal.pearson)
    sentence = _sentence(followed.correlation.label, signal, score)
    proof, proved = _proof(holding)
    label, on = label_name(followed.correlation.label), "test sequences"
    on = "sequences that do not occur in training" if split == "unseen" else on
    proof = f"r\u00a0=\u00a0{number(score.value)} with the {label} on {on}. {proof}"
    figures = [_course(followed, signal, pen)]
    if holding is not None and holding.of("before") and holding.of("held"):
        from naibu.reporting.plots.holding import plot_proof

        name, split = measured(holding)
        figures.append(pen(partial(plot_proof, holding, statistic=name, split=split), proof, (3.6, 2.3)))
    strength = abs(score.value) + proved if np.isfinite(score.value) else -1.0
    return Opening(sentence, proof, tuple(each for each in figures if each is not None), strength)


def _sentence(label: str, signal: SignalCorrelation, score: Score) -> str:
    who, r = f"Unit {signal.pearson_unit} of the {signal_name(signal.signal, signal.layer)}", score.value
    if not abs(r) >= CLOSE:
        return f"No single unit follows the {label_name(label)}; the best is unit {signal.pearson_unit}."
    if abs(r) >= COUNTS and label in COUNTED:
        return f"{who} counts {COUNTED[label]}{'' if r > 0 else ', falling by a step with each'}."
    return f"{who} follows the {label_name(label)}{'' if r > 0 else ', falling as it rises'}."


def _proof(holding: Holding | None) -> tuple[str, bool]:
    """Return what holding the unit shows, and whether the network needs it."""
    if holding is None or not holding.of("before") or not holding.of("held"):
        return "Whether the network needs it was not tried.", False
    name, split = measured(holding)
    before, after = (effect_of(holding.of(kind)[0], name, split) for kind in ("before", "held"))
    drawn = random_values(holding, name, split)
    if before is None or after is None or not drawn:
        return "Whether the network needs it could not be scored.", False
    by_ends = name == "end_recall"
    write = share if by_ends else number
    what = "of the ends of sequence it foresees" if by_ends else "its loss goes from"
    others = f"hold {len(drawn)} other units, drawn at random, one at a time: {write(float(np.mean(drawn)))}"
    if len(drawn) > 1:
        others += f" (worst {write(min(drawn) if by_ends else max(drawn))})"
    needed = matters_more(before, after, drawn, fewer_is_worse=by_ends)
    change = (
        f"{write(after.value)} instead of {write(before.value)}"
        if by_ends
        else (f"{write(before.value)} to {write(after.value)}")
    )
    if not needed and by_ends and (dear := costs(holding, holding.of("held")[0], split)):
        return f"Hold it still at its mean, and {dear}.", True
    if needed:
        return f"Hold it still at its mean, and {what} {change}; {others}.", True
    return f"The network does not depend on it alone: held still, {what} {change}; {others}.", False


def _course(followed: Followed, signal: SignalCorrelation, pen: Pen) -> str | None:
    """Return the plot of the unit over one real sequence, unseen and not too long where there is such a one."""
    found = next(
        (each for each in followed.courses if (each.signal, each.units[:1]) == (signal.signal, (signal.pearson_unit,))),
        None,
    )
    if found is None or not found.sequences:
        return None
    from naibu.reporting.plots.units import plot_trajectory

    place = min(range(len(found.sequences)), key=lambda k: _unfit(found, k))
    falling = bool(signal.train_pearson[signal.pearson_unit] < 0)
    text = f"Unit {signal.pearson_unit} over a test sequence, on the steps of the {label_name(found.label)}."
    return pen(partial(plot_trajectory, found, sequence=place, falling=falling), text, (6.2, 2.5))


def _unfit(found: Trajectories, place: int) -> tuple[bool, int]:
    course = found.sequences[place]
    return course.seen, abs(len(course.symbols) - 40)
