"""Where a network that translates looks in the source as it tells each part of a translation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from naibu import probes
from naibu.data.sentence_labels import LABELS
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed
from naibu.looking.numbers import scored, value
from naibu.probes.attention import Attention, Looking
from naibu.recording import Recording
from naibu.recording.alignment import ATTENTION
from naibu.reporting.finding import Finding, high, low
from naibu.reporting.markup import figure
from naibu.reporting.numbers import share, with_interval
from naibu.reporting.score_table import Scored, Text, score_table
from naibu.reporting.section import Pen, Section
from naibu.reporting.words import headline

READING = (
    "As each symbol of a translation is told, attention shares 1 out over the places of the source. The mean place is "
    "0 where all of it lies on the first symbol and 1 where it lies on the last. Where both languages say things in "
    "one order the line climbs along the diagonal; where one says first what the other says last, it does not. What "
    "stands at a place is what the encoder made of it and its neighbours, so that this is a hint of what a symbol was "
    "told from and no proof: at the last symbol, often a full stop, all of the sentence has been read."
)


def _asks(probed: Probed) -> Iterator[Ask]:
    if isinstance(probed.recording, Recording) and ATTENTION in probed.recording.keys() and probed.recording.beside:
        control = probed.control if isinstance(probed.control, Recording) else None
        stream = next(iter(probed.recording.beside))
        make = partial(probes.attention, probed.recording, label_of(probed), untrained=control, source=stream)
        yield Ask("attention", make)


def label_of(probed: Probed) -> str | None:
    """Return the first label of one's own with names, or of 0 and 1; None where there is none."""
    index = probed.recording.index
    for name in index.label_names:
        column = index.label(name)
        if name not in LABELS and (column.names is not None or len(probed.values(name)) == 2):
            return str(name)
    return None


def looks(found: Attention) -> Finding:
    """Say where the network looks, and which symbols it tells from elsewhere than others at the same part."""
    every = found.groups[0]
    score, split = headline(every.place)
    text = f"On average it looks at {share(score.value)} of the way through the source ({split} sequences)"
    pair = _apart(found.groups[1:])
    if pair is None:
        return Finding(f"{text}.", len(found.groups) == 1)
    late, early, part = pair
    text += (
        f"; in the same fifth of the translation, number {part + 1}, it looks nearer to the end of the source for "
        f"{late.group} ({with_interval(late.course[part], True)}) than for {early.group} "
        f"({with_interval(early.course[part], True)})."
    )
    return Finding(text, True)


def _apart(groups: tuple[Looking, ...]) -> tuple[Looking, Looking, int] | None:
    """Return the two groups, and the part, whose intervals lie farthest apart; None where all of them meet."""
    found, most = None, 0.0
    for one in groups:
        for other in groups:
            for part, (a, b) in enumerate(zip(one.course, other.course, strict=True)):
                gap = low(a) - high(b)
                if np.isfinite(gap) and min(a.sequences, b.sequences) > 1 and gap > most:
                    found, most = (one, other, part), gap
    return found


def course(found: Attention, pen: Pen) -> Section:
    """Return the section on where attention goes."""
    from naibu.reporting.plots.attention import plot_attention_course

    caption = (
        "Mean place in the source against the place in the translation, with 95 % intervals; dotted, the same order on "
        "both sides; dashed, the network before training."
    )
    panel = pen(partial(plot_attention_course, found), f"{caption} {looks(found).text}", (4.6, 3.2))
    rows = found.groups
    table = score_table(
        "Where it looks as it tells symbols, of the whole translation; 0 the first symbol of the source, 1 the last",
        Text("symbols", [group.group for group in rows]),
        Scored("mean place", [group.place for group in rows], both=True),
        Scored("on the last symbol", [group.final.test for group in rows], share=True),
        Scored("on the end of the source", [group.end.test for group in rows], share=True),
        Scored("control: untrained network", [None if g.untrained is None else g.untrained.test for g in rows]),
    )
    return Section("Where it looks in the source", READING, (figure([panel], caption),), (table,))


def _numbers(found: Attention) -> Numbers:
    return {
        group.group: {
            **scored("place", group.place),
            "final": value(group.final),
            "end": value(group.end),
            "untrained": value(group.untrained),
            "course": [None if np.isnan(score.value) else score.value for score in group.course],
        }
        for group in found.groups
    } | ({} if found.label is None else {"label": found.label})


ATTENDING = Analysis("attention", "where it looks in the source", Attention, course, looks, _asks, numbers=_numbers)
"""Asked of networks that attend; symbols are parted by the first label of one's own that has names, or is 0 and 1."""
