"""Which unit tells the two values of a label apart."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from naibu import probes
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed
from naibu.looking.labels import called
from naibu.looking.numbers import scored
from naibu.probes.results import Overlap
from naibu.reporting.finding import Finding, controlled
from naibu.reporting.markup import figure
from naibu.reporting.numbers import number, with_interval
from naibu.reporting.score_table import Scored, Text, control_columns, layer_column, score_table
from naibu.reporting.section import Pen, Section, labelled_note
from naibu.reporting.terminal import on_both
from naibu.reporting.words import capital, headline, label_name, rank, signal_name

READING = (
    "Can one unit alone tell the two values of a label apart, such as yes and no? Two histograms of the unit's value "
    "are drawn, one of the places with each, each adding up to 1. The overlap is the area they share: 0 if the unit's "
    "value always tells, 1 if it never does. The unit with the smallest overlap on training sequences is scored on "
    "test sequences. “Knew nothing” is the overlap of the same unit with labels shifted along the sequences."
)
SMALL = (3.05, 2.3)  # inches; three stand side by side on a wide screen, one on a phone
APART = 0.25  # overlap up to which a unit is said to tell two values apart


def _asks(probed: Probed) -> Iterator[Ask]:
    if (label := probed.two_valued) is not None:
        yield Ask("overlap", lambda: probes.overlap(probed.recording, label, untrained=probed.control))


def telling_apart(overlap: Overlap) -> Finding:
    """Say whether one unit tells the two values of a label apart."""
    best = overlap.best()
    score, split = headline(best.overlap)
    untrained = controlled(best.controls.untrained, split)
    nothing = [x for x in (best.no_information, untrained) if x is not None and np.isfinite(x)]
    who = f"unit {best.unit} of the {signal_name(best.signal, best.layer)}"
    where, parted = _where(overlap.label, overlap.values), apart(overlap.label, overlap.values)
    bare = "" if untrained is None else f"; {number(untrained)} in the untrained network"
    numbers = (
        f"its values {where} and elsewhere overlap by {with_interval(score)}, where 0 is told apart always and 1 never"
        f" ({number(best.no_information)} if the unit knew nothing{bare})"
    )
    if not score.high < min(nothing, default=1.0):
        return Finding(f"No single unit tells {parted}: of the best, {who}, {numbers}.", False)
    if score.value <= APART:
        return Finding(f"{capital(who)} alone tells {parted}: {numbers}.", True)
    return Finding(f"A single unit tells {parted} only in part: of the best, {who}, {numbers}.", False)


def _where(label: str, values: tuple[str, str]) -> str:
    name = label_name(label)
    return name if name.startswith("inside") else f"where {name} is {values[1]}"


def apart(label: str, values: tuple[str, str]) -> str:
    """Return in words what is told from what, where a label takes the second of two values."""
    where = _where(label, values)
    return f"what is {where} from what is not" if where.startswith("inside") else f"places {where} from all others"


def tells_apart(overlap: Overlap, pen: Pen) -> Section:
    """Return the section on the overlap of two histograms of one unit."""
    from naibu.reporting.plots.units import plot_overlap

    label = label_name(overlap.label)
    chief = [s for s in overlap.signals if s.signal in ("cell", "hidden")]
    shown = sorted({id(s): s for s in (*chief, overlap.best())}.values(), key=lambda s: rank(s.signal))
    panels, says = [], []
    for s in shown:
        score, split = headline(s.overlap)
        unit = f"unit {s.unit} of the {signal_name(s.signal, s.layer)}"
        says.append(f"{unit}: {with_interval(score)} ({split})")
        draw = partial(plot_overlap, s, label=overlap.label, values=overlap.values)
        panels.append(pen(draw, f"Histograms of {unit}, {label} and not; overlap {with_interval(score)}.", SMALL))
    caption = (
        f"The values of one unit {label} and elsewhere, on test sequences; the area both share is filled. Overlap of "
        f"{'; '.join(says)}. The bins hold about equally many training places each, so the axis is stretched where "
        "values are dense."
    )
    signals = sorted(overlap.signals, key=lambda s: (s.layer, rank(s.signal)))
    every = score_table(
        "Overlap of the best unit of each signal (0: told apart always, 1: never)",
        Text("signal", [signal_name(s.signal, s.layer) for s in signals]),
        layer_column([s.layer for s in signals]),
        Text("unit", [str(s.unit) for s in signals]),
        Scored("", [s.overlap for s in signals], both=True),
        Text("if it knew nothing", [number(s.no_information) for s in signals]),
        control_columns([s.controls for s in signals]),
    )
    tables = (every, labelled_note(overlap.fitted))
    return Section(f"One unit: {label} or not", READING, (figure(panels, caption),), tables)


def _numbers(found: Overlap) -> Numbers:
    best = found.best()
    where = {"layer": best.layer, "signal": best.signal, "unit": best.unit}
    return {"label": found.label, "best": {**where, **scored("overlap", best.overlap)}}


def _lines(found: Overlap) -> dict[str, str]:
    best = found.best()
    unit = f"unit {best.unit} of the {signal_name(best.signal, best.layer)}, {label_name(found.label)}"
    return {f"{called(found.label)} or not, overlap, test / unseen": f"{on_both(best.overlap)} ({unit})"}


OVERLAP = Analysis(
    "overlap",
    "one unit telling two values of a label apart",
    Overlap,
    tells_apart,
    telling_apart,
    _asks,
    numbers=_numbers,
    lines=_lines,
)
