"""Which unit follows a label, and which tells inside from outside."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from naibu.probes.results import Controls, Correlation, Overlap, Scores, SignalCorrelation, Trajectories
from naibu.reporting.content import NetworkPart
from naibu.reporting.findings import following, telling_apart
from naibu.reporting.markup import Markup, figure, folded, paragraph, table
from naibu.reporting.numbers import number, with_interval
from naibu.reporting.sections.section import (
    Pen,
    Section,
    command_for,
    control_cells,
    control_fields,
    control_heads,
    has_unseen,
    labelled_note,
    score_cells,
    score_heads,
    split_of,
)
from naibu.reporting.words import capital, headline, label_name, leading, of_signal, ordered, rank, signal_name

FOLLOWS = (
    "For every unit, r says how closely its value rises in step with this number: 1 or −1 on a straight line, 0 "
    "when they "
    "are unrelated. The unit with the largest |r| on training sequences is taken, and scored on test sequences, which "
    "took no part in the choice. The controls show what the best unit of the same network before training reaches, "
    "what "
    "the position in the sequence alone gives, and how well the best unit follows a number drawn at random for each "
    "symbol (only remembering symbols could help there)."
)
PHRASE = (
    "The same question for one kind of phrase: the depth counts only open phrases of this kind, and other brackets "
    "do not "
    "matter. To follow it a unit must tell this phrase from the others."
)
APART = (
    "Can one unit alone tell whether a place is inside the phrase? Two histograms of the unit's value are drawn, "
    "one of "
    "the places inside and one of those outside, each adding up to 1. The overlap is the area they share: 0 if the "
    "unit's "
    "value always tells, 1 if it never does. The unit with the smallest overlap on training sequences is scored on "
    "test "
    "sequences. “Knew nothing” is the overlap of the same unit with labels shifted along the text."
)
SMALL = (3.05, 2.3)  # inches; three stand side by side on a wide screen, one on a phone
MEANINGS = {
    "depth": "The depth at a place is how many brackets are open there.",
    "bracket_depth": "The bracket depth at a place is how many brackets of the text are open there.",
    "line_position": "The line position is how many symbols of the line have been read.",
    "position": "The position is how many symbols of the sequence have been read.",
}
AT_ONCE = 3  # trajectories shown before the rest is folded away


def follows(part: NetworkPart, correlation: Correlation, pen: Pen, key: str = "depth") -> Section:
    """Return the section on the units that follow a label, with their course over some sequences."""
    label = label_name(correlation.label)
    figures = [_ranked(correlation, pen), _associations(correlation, pen)]
    if key == "depth":
        figures += _courses(part.trajectories, correlation, pen)
    tables = (
        _table(correlation, "pearson", f"r of the best unit of each signal with the {label}"),
        labelled_note(correlation.fitted),
        folded(
            "The same by rank (Spearman)",
            paragraph(
                "Rank correlation asks only that the unit rises whenever the label does, not on a straight line."
            ),
            _table(correlation, "spearman", f"Rank correlation of the best unit of each signal with the {label}"),
        ),
    )
    return Section(
        key,
        f"Which unit follows the {label}",
        f"{_defined(correlation.label)} {FOLLOWS}" if key == "depth" else PHRASE,
        following(correlation).text,
        tuple(figures),
        tables,
        command_for(part, key, "depth", "report"),
    )


def _defined(label: str) -> str:
    return MEANINGS.get(label, f"The {label_name(label)} is a number known for each place.")


def _ranked(correlation: Correlation, pen: Pen) -> Markup:
    from naibu.reporting.plots.units import plot_correlation

    label = label_name(correlation.label)
    panels, signals = [], ordered(correlation)
    for layer in dict.fromkeys(s.layer for s in signals):
        here = [s for s in signals if s.layer == layer]
        chief = [s for s in here if s.signal in ("cell", "hidden")]
        groups = ([chief] if chief else []) + [[s] for s in here if s not in chief]
        for group in groups:
            names = " and ".join(f"the {signal_name(s.signal)}, best unit {s.pearson_unit}" for s in group)
            text = f"|r| of every unit with the {label}, largest first: {names}; layer {layer}."
            panels.append(pen(partial(plot_correlation, correlation, signals=group), text, SMALL))
    best = leading(correlation)
    close = sum(abs(float(r)) >= 0.9 for r in best.train_pearson)
    caption = (
        f"Every unit of every signal by |r| with the {label} on training sequences, largest first. In the "
        f"{signal_name(best.signal)}, {close or 'none'} of {len(best.train_pearson)} units "
        f"{'reaches' if close == 1 else 'reach'} 0.9. "
        "Grey lines: the best untrained unit, and position alone."
    )
    return figure(panels, caption)


def _associations(correlation: Correlation, pen: Pen) -> Markup:
    from naibu.reporting.plots.units import plot_association

    label = label_name(correlation.label)
    found = [s for s in (of_signal(correlation, "cell"), of_signal(correlation, "hidden")) if s is not None]
    found = found or [leading(correlation)]
    panels, says = [], []
    for s in found:
        score, split = headline(s.pearson)
        way = (
            "follows" if abs(score.value) >= 0.9 else "follows in part" if abs(score.value) >= 0.5 else "hardly follows"
        )
        who = f"unit {s.pearson_unit} of the {signal_name(s.signal)}"
        says.append(f"{who} {way} the {label}: r\u00a0=\u00a0{with_interval(score)} ({split})")
        panels.append(
            pen(partial(plot_association, s, label=correlation.label), f"Value against {label}: {says[-1]}.", SMALL)
        )
    caption = (
        f"The value of the best units at each {label}, on test sequences; the darker, the more places "
        "(logarithmic), the line is the mean. "
    )
    return figure(panels, caption + capital("; ".join(says)) + ".")


def _courses(all_found: Sequence[Trajectories], correlation: Correlation, pen: Pen) -> list[Markup]:
    from naibu.reporting.plots.units import plot_trajectory

    shown: list[Markup] = []
    more: list[Markup] = []
    for k, found in enumerate(all_found):
        falling = _falls(correlation, found)
        for place, course in enumerate(found.sequences):
            length = len(course.symbols)
            size = (min(12.0, max(3.05, 1.3 + 0.115 * length)) if length <= 60 else 7.6, 2.3 if length <= 60 else 1.9)
            where = "that also occurs in training" if course.seen else "not seen in training"
            unit = f"Unit {found.units[0]} of the {signal_name(found.signal)}"
            text = f"{unit} over {length} symbols of a test sequence {where}."
            panel = pen(
                partial(plot_trajectory, found, sequence=place, falling=falling),
                text,
                size,
                wide=size[0] > 3.7,
            )
            (shown if place < (AT_ONCE if k == 0 else 1) else more).append(panel)
    if not shown:
        return []
    units = " and ".join(f"unit {t.units[0]} of the {signal_name(t.signal)}" for t in all_found)
    caption = (
        f"The course of {units}, symbol by symbol (coloured), and the {label_name(correlation.label)} (grey steps, "
        "right-hand "
        "axis, turned over where the unit falls as it rises). Sequences drawn at random; they illustrate and prove "
        "nothing."
    )
    rest = [folded(f"{len(more)} more courses", figure(more, caption))] if more else []
    return [figure(shown, caption), *rest]


def _falls(correlation: Correlation, found: Trajectories) -> bool:
    for s in correlation.signals:
        if (s.layer, s.signal) == (found.layer, found.signal) and found.units:
            return bool(s.train_pearson[found.units[0]] < 0)
    return False


def _table(correlation: Correlation, statistic: str, caption: str) -> Markup:
    def chosen(s: SignalCorrelation) -> tuple[int, Scores, Controls]:
        if statistic == "pearson":
            return s.pearson_unit, s.pearson, s.pearson_controls
        return s.spearman_unit, s.spearman, s.spearman_controls

    found = [(s, *chosen(s)) for s in ordered(correlation)]
    layers = len({s.layer for s in correlation.signals}) > 1
    unseen, split = has_unseen([f[2] for f in found]), split_of([f[2] for f in found])
    fields = control_fields([f[3] for f in found])
    head = ["signal", *(["layer"] if layers else []), "unit", *score_heads(unseen), *control_heads(fields, split)]
    rows = [
        [
            signal_name(s.signal),
            *([s.layer] if layers else []),
            str(unit),
            *score_cells(scores, unseen),
            *control_cells(controls, fields, split),
        ]
        for s, unit, scores, controls in found
    ]
    return table(head, rows, caption)


# ---------------------------------------------------------------- overlap


def tells_apart(part: NetworkPart, overlap: Overlap, pen: Pen) -> Section:
    """Return the section on the overlap of two histograms of one unit."""
    from naibu.reporting.plots.units import plot_overlap

    label = label_name(overlap.label)
    chief = [s for s in overlap.signals if s.signal in ("cell", "hidden")]
    best = overlap.best()
    shown = sorted({id(s): s for s in (*chief, best)}.values(), key=lambda s: rank(s.signal))
    panels, says = [], []
    for s in shown:
        score, split = headline(s.overlap)
        says.append(f"unit {s.unit} of the {signal_name(s.signal)}: {with_interval(score)} ({split})")
        text = (
            f"Histograms of unit {s.unit} of the {signal_name(s.signal)}, {label} and not; overlap "
            f"{with_interval(score)}."
        )
        panels.append(pen(partial(plot_overlap, s, label=overlap.label, values=overlap.values), text, SMALL))
    caption = (
        f"The values of one unit {label} and elsewhere, on test sequences; the area both share is filled. Overlap of "
        f"{'; '.join(says)}. The bins hold about equally many training places each, so the axis is stretched where "
        "values are dense."
    )
    return Section(
        "overlap",
        f"One unit: {label} or not",
        APART,
        telling_apart(overlap).text,
        (figure(panels, caption),),
        (_overlaps(overlap), labelled_note(overlap.fitted)),
        command_for(part, "overlap", "report"),
    )


def _overlaps(overlap: Overlap) -> Markup:
    signals = sorted(overlap.signals, key=lambda s: (s.layer, rank(s.signal)))
    layers = len({s.layer for s in signals}) > 1
    unseen, split = has_unseen([s.overlap for s in signals]), split_of([s.overlap for s in signals])
    fields = control_fields([s.controls for s in signals])
    head = [
        "signal",
        *(["layer"] if layers else []),
        "unit",
        *score_heads(unseen),
        "if it knew nothing",
        *control_heads(fields, split),
    ]
    rows = [
        [
            signal_name(s.signal),
            *([s.layer] if layers else []),
            str(s.unit),
            *score_cells(s.overlap, unseen),
            number(s.no_information),
            *control_cells(s.controls, fields, split),
        ]
        for s in signals
    ]
    return table(head, rows, "Overlap of the best unit of each signal (0: told apart always, 1: never)")
