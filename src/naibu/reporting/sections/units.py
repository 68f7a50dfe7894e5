"""Which unit follows a label, and which tells its two values apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from naibu.probes.results import Correlation, Overlap, Trajectories
from naibu.reporting.markup import Safe, figure, folded, paragraph
from naibu.reporting.numbers import number, with_interval
from naibu.reporting.sections.section import (
    Pen,
    Scored,
    Section,
    Text,
    control_columns,
    labelled_note,
    layer_column,
    score_table,
)
from naibu.reporting.words import capital, headline, label_name, leading, of_signal, ordered, rank, signal_name

FOLLOWS = (
    "For every unit, r says how closely its value rises in step with this number: 1 or −1 on a straight line, 0 when "
    "they are unrelated. The unit with the largest |r| on training sequences is taken, and scored on test sequences, "
    "which took no part in the choice. The controls show what the best unit of the same network before training "
    "reaches, what the position in the sequence alone gives, and how well the best unit follows a number drawn at "
    "random for each symbol (only remembering symbols could help there)."
)
PHRASE = (
    "The same question for one kind of phrase: the depth counts only open phrases of this kind, and other brackets do "
    "not matter. To follow it a unit must tell this phrase from the others."
)
APART = (
    "Can one unit alone tell the two values of a label apart, such as yes and no? Two histograms of the unit's value "
    "are drawn, one of the places with each, each adding up to 1. The overlap is the area they share: 0 if the unit's "
    "value always tells, 1 if it never does. The unit with the smallest overlap on training sequences is scored on "
    "test sequences. “Knew nothing” is the overlap of the same unit with labels shifted along the sequences."
)
SMALL = (3.05, 2.3)  # inches; three stand side by side on a wide screen, one on a phone
MEANINGS = {
    "depth": "The depth at a place is how many brackets are open there.",
    "bracket_depth": "The bracket depth at a place is how many brackets of the text are open there.",
    "line_position": "The line position is how many symbols of the line have been read.",
}
AT_ONCE = 3  # trajectories shown before the rest is folded away


def follows(correlation: Correlation, courses: Sequence[Trajectories], pen: Pen) -> Section:
    """Return the section on the units that follow a label, with their course over some sequences."""
    label = label_name(correlation.label)
    figures = [_ranked(correlation, pen), _associations(correlation, pen), *_courses(courses, correlation, pen)]
    by_rank = "Rank correlation asks only that the unit rises whenever the label does, not on a straight line."
    tables = (
        _table(correlation, "pearson", f"r of the best unit of each signal with the {label}"),
        labelled_note(correlation.fitted),
        folded(
            "The same by rank (Spearman)",
            paragraph(by_rank),
            _table(correlation, "spearman", f"Rank correlation of the best unit of each signal with the {label}"),
        ),
    )
    return Section(f"Which unit follows the {label}", _reading(correlation.label), tuple(figures), tables)


def _reading(label: str) -> str:
    if label.startswith("depth:"):
        return PHRASE
    return f"{MEANINGS.get(label, f'The {label_name(label)} is a number known for each place.')} {FOLLOWS}"


def _ranked(correlation: Correlation, pen: Pen) -> Safe:
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
        f"{'reaches' if close == 1 else 'reach'} 0.9. Grey lines: the best untrained unit, and position alone."
    )
    return figure(panels, caption)


def _associations(correlation: Correlation, pen: Pen) -> Safe:
    from naibu.reporting.plots.units import plot_association

    label = label_name(correlation.label)
    found = [s for s in (of_signal(correlation, "cell"), of_signal(correlation, "hidden")) if s is not None]
    panels, says = [], []
    for s in found or [leading(correlation)]:
        score, split = headline(s.pearson)
        r = abs(score.value)
        way = "follows" if r >= 0.9 else "follows in part" if r >= 0.5 else "hardly follows"
        who = f"unit {s.pearson_unit} of the {signal_name(s.signal)}"
        says.append(f"{who} {way} the {label}: r\u00a0=\u00a0{with_interval(score)} ({split})")
        draw = partial(plot_association, s, label=correlation.label)
        panels.append(pen(draw, f"Value against {label}: {says[-1]}.", SMALL))
    caption = (
        f"The value of the best units at each {label}, on test sequences; the darker, the more places "
        "(logarithmic), the line is the mean. "
    )
    return figure(panels, caption + capital("; ".join(says)) + ".")


def _courses(all_found: Sequence[Trajectories], correlation: Correlation, pen: Pen) -> list[Safe]:
    from naibu.reporting.plots.units import plot_trajectory

    shown: list[Safe] = []
    more: list[Safe] = []
    for k, found in enumerate(all_found):
        falling = _falls(correlation, found)
        for place, course in enumerate(found.sequences):
            length = len(course.symbols)
            size = (min(12.0, max(3.05, 1.3 + 0.115 * length)) if length <= 60 else 7.6, 2.3 if length <= 60 else 1.9)
            where = "that also occurs in training" if course.seen else "not seen in training"
            unit = f"Unit {found.units[0]} of the {signal_name(found.signal)}"
            text = f"{unit} over {length} places of a test sequence {where}."
            draw = partial(plot_trajectory, found, sequence=place, falling=falling)
            panel = pen(draw, text, size, wide=size[0] > 3.7)
            (shown if place < (AT_ONCE if k == 0 else 1) else more).append(panel)
    if not shown:
        return []
    units = " and ".join(f"unit {t.units[0]} of the {signal_name(t.signal)}" for t in all_found)
    caption = (
        f"The course of {units}, place by place (coloured), and the {label_name(correlation.label)} (grey steps, "
        "right-hand axis, turned over where the unit falls as it rises). Sequences drawn at random; they illustrate "
        "and prove nothing."
    )
    rest = [folded(f"{len(more)} more courses", figure(more, caption))] if more else []
    return [figure(shown, caption), *rest]


def _falls(correlation: Correlation, found: Trajectories) -> bool:
    for s in correlation.signals:
        if (s.layer, s.signal) == (found.layer, found.signal) and found.units:
            return bool(s.train_pearson[found.units[0]] < 0)
    return False


def _table(correlation: Correlation, statistic: str, caption: str) -> Safe:
    signals = ordered(correlation)
    return score_table(
        caption,
        Text("signal", [signal_name(s.signal) for s in signals]),
        layer_column([s.layer for s in signals]),
        Text("unit", [str(getattr(s, f"{statistic}_unit")) for s in signals]),
        Scored("", [getattr(s, statistic) for s in signals], both=True),
        control_columns([getattr(s, f"{statistic}_controls") for s in signals]),
    )


# ---------------------------------------------------------------- overlap


def tells_apart(overlap: Overlap, pen: Pen) -> Section:
    """Return the section on the overlap of two histograms of one unit."""
    from naibu.reporting.plots.units import plot_overlap

    label = label_name(overlap.label)
    chief = [s for s in overlap.signals if s.signal in ("cell", "hidden")]
    shown = sorted({id(s): s for s in (*chief, overlap.best())}.values(), key=lambda s: rank(s.signal))
    panels, says = [], []
    for s in shown:
        score, split = headline(s.overlap)
        unit = f"unit {s.unit} of the {signal_name(s.signal)}"
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
        Text("signal", [signal_name(s.signal) for s in signals]),
        layer_column([s.layer for s in signals]),
        Text("unit", [str(s.unit) for s in signals]),
        Scored("", [s.overlap for s in signals], both=True),
        Text("if it knew nothing", [number(s.no_information) for s in signals]),
        control_columns([s.controls for s in signals]),
    )
    tables = (every, labelled_note(overlap.fitted))
    return Section(f"One unit: {label} or not", APART, (figure(panels, caption),), tables)
