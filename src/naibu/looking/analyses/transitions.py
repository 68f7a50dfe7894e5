"""What the network itself says of tags that follow each other: the scores of its conditional random field."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from naibu import probes
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed
from naibu.probes.transitions import BEGIN, END, Transitions
from naibu.reporting.finding import Finding
from naibu.reporting.markup import figure, folded, table
from naibu.reporting.numbers import number
from naibu.reporting.section import Pen, Section

READING = (
    "The tags of a sentence are told together: to what the words say of each tag a score is added for every pair of "
    "tags that follow each other. Only differences between scores count. What may not be, a span that goes on without "
    "having begun, is forbidden and grey."
)


def _asks(probed: Probed) -> Iterator[Ask]:
    if probed.run is not None:
        yield Ask("transitions", partial(probes.transitions, probed.run))


def _extremes(found: Transitions) -> tuple[tuple[str, str, float], tuple[str, str, float]] | None:
    """Return the pair of tags with the highest score and that with the lowest, beginnings and ends left out."""
    scores = found.scores[1:, :-1]
    if np.isnan(scores).all():
        return None
    places = [np.unravel_index(int(pick(scores)), scores.shape) for pick in (np.nanargmax, np.nanargmin)]
    high, low = ((found.after[row], found.after[column], float(scores[row, column])) for row, column in places)
    return high, low


def following(found: Transitions) -> Finding:
    """Say which tags follow each other most readily, and which least."""
    extremes = _extremes(found)
    if extremes is None:
        return Finding("Nothing is said of tags that follow each other.", False)
    (before, after, high), (first, then, low) = extremes
    return Finding(
        f"Of tags that follow each other {after} behind {before} has the highest score ({number(high)}), {then} behind "
        f"{first} the lowest ({number(low)}).",
        True,
    )


def follows(found: Transitions, pen: Pen) -> Section:
    """Return the section on tags that follow each other."""
    from naibu.reporting.plots.transitions import plot_transitions

    size = min(7.0, 2.2 + 0.2 * len(found.after))
    caption = f"A row is a tag, or {BEGIN}, a column what follows it, or {END}: blue is added, vermillion taken away."
    panel = pen(partial(plot_transitions, found), caption, (size, size), wide=size > 4.5)
    rows = [[str(row["before"]), str(row["after"]), number(float(row["score"] or 0))] for row in found.rows()]
    every = folded("All scores", table(["tag", "follows", "score"], rows, "The score of each pair"))
    return Section("Which tags follow each other", READING, (figure([panel], caption),), (every,))


def _numbers(found: Transitions) -> Numbers:
    extremes = _extremes(found)
    return {} if extremes is None else {"highest": list(extremes[0]), "lowest": list(extremes[1])}


TRANSITIONS = Analysis(
    "transitions",
    "which tags follow each other",
    Transitions,
    follows,
    following,
    _asks,
    numbers=_numbers,
    suits=lambda subject: subject.transitions,
)
