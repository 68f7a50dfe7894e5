"""Which unit follows a label: the depth of nested text, that of a phrase, or any other number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from naibu import probes
from naibu.looking.analysis import CHIEF, Analysis, Ask, Numbers, Probed, Results
from naibu.looking.labels import called, of_depth
from naibu.looking.numbers import scored
from naibu.probes.results import Correlation, SignalCorrelation, Trajectories
from naibu.probes.source import Key
from naibu.reporting.content import Subject
from naibu.reporting.finding import CLOSE, Finding, controlled, nearest_zero
from naibu.reporting.markup import Markup, figure, folded, paragraph
from naibu.reporting.numbers import number, with_interval
from naibu.reporting.score_table import Scored, Text, control_columns, layer_column, score_table
from naibu.reporting.section import Pen, Section, labelled_note
from naibu.reporting.terminal import on_both
from naibu.reporting.words import capital, headline, label_name, leading, of_signal, on_split, ordered, signal_name

FOLLOWS = (
    "For every unit, r says how closely its value rises in step with this number: 1 or −1 on a straight line, 0 when "
    "they are unrelated. The unit with the largest |r| on training sequences is taken, and scored on test sequences, "
    "which took no part in the choice. The controls show what the best unit of the same network before training "
    "reaches, what the position in the sequence alone gives, and how well the best unit follows a number drawn at "
    "random for each symbol (only remembering symbols could help there)."
)
OF_PHRASE = (
    "The same question for one kind of phrase: the depth counts only open phrases of this kind, and other brackets do "
    "not matter. To follow it a unit must tell this phrase from the others."
)
SMALL = (3.05, 2.3)  # inches; three stand side by side on a wide screen, one on a phone
MEANINGS = {
    "depth": "The depth at a place is how many brackets are open there.",
    "bracket_depth": "The bracket depth at a place is how many brackets of the text are open there.",
    "line_position": "The line position is how many symbols of the line have been read.",
}
AT_ONCE = 2  # trajectories shown before more are folded away
MORE = 3  # of those
COUNTS = 0.99  # r from which a unit that follows the depth is said to count


class Followed(NamedTuple):
    """Every unit against a label, and the course of the best over some sequences."""

    correlation: Correlation
    courses: tuple[Trajectories, ...]


def correlation_ask(probed: Probed, name: str, label: str) -> Ask:
    """Return the correlation of every unit with a label; OptionError where it was not recorded."""
    probed.recording.index.label(label)
    return Ask(name, partial(probes.correlation, probed.recording, label, untrained=probed.control), long=True)


def _asks(name: str, label_of: Callable[[Probed], str | None], probed: Probed) -> Iterator[Ask]:
    label = label_of(probed)
    if label is None:
        return
    yield correlation_ask(probed, name, label)
    for key in probed.keys(CHIEF) if label == probed.main else ():
        yield Ask(f"trajectories-{key[1]}", partial(_course, probed, name, key), reads=True)


def _course(probed: Probed, name: str, key: Key) -> Trajectories:
    correlation = probed.needed(Correlation, name)
    return probes.trajectories(probed.recording, key, [best_unit(correlation, key)], label=correlation.label)


def best_unit(correlation: Correlation, key: Key) -> int:
    """Return the unit of one signal that follows the label best on training sequences."""
    return next(found.pearson_unit for found in correlation.signals if (found.layer, found.signal) == key)


def main_correlation(results: Results) -> Correlation | None:
    """Return the correlation of every unit with the main label, None where there is none."""
    return next((found for name in (DEPTH.name, LABEL.name) if (found := results.get(Correlation, name))), None)


def _read(name: str, results: Results, subject: Subject) -> Followed | None:
    found = results.get(Correlation, name)
    if found is None:
        return None
    courses = (results.get(Trajectories, f"trajectories-{signal}") for signal in CHIEF)
    return Followed(found, tuple(each for each in courses if each is not None and each.label == found.label))


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
    who = f"unit {best.pearson_unit} of the {signal_name(best.signal, best.layer)}{_layer(correlation, best)}"
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
    return Finding(text + _next(best), True)


def _next(best: SignalCorrelation) -> str:
    """Name the unit of the same signal that comes second on training sequences, which may be another counter."""
    order = np.argsort(-np.abs(best.train_pearson), kind="stable")
    others = [int(unit) for unit in order if unit != best.pearson_unit and np.isfinite(best.train_pearson[unit])]
    if not others:
        return ""
    r, mine = (float(best.train_pearson[unit]) for unit in (others[0], best.pearson_unit))
    if abs(r) < CLOSE:
        return f" The next of its units, {others[0]}, reaches no more than {number(r)} in training."
    ways = [f"{unit} {'rises' if way > 0 else 'falls'}" for unit, way in ((best.pearson_unit, mine), (others[0], r))]
    close = int(np.count_nonzero(np.abs(best.train_pearson) >= CLOSE))
    return f" It is not alone: {ways[0]}, {ways[1]} ({number(r)} in training); {close} units reach {CLOSE} there."


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
        parts.append(
            f"best unit of the {signal_name(other.signal, other.layer)}: {number(score.value if score else None)}"
        )
    parts += [f"{name}: {number(value)}" for name, value in known.items() if value is not None]
    return "; ".join(parts) or "no control was made"


def _layer(correlation: Correlation, signal: SignalCorrelation) -> str:
    return f" (layer {signal.layer})" if len({s.layer for s in correlation.signals}) > 1 else ""


def follows(found: Followed, pen: Pen) -> Section:
    """Return the section on the units that follow a label, with their course over some sequences."""
    correlation = found.correlation
    label = label_name(correlation.label)
    courses = _courses(found, pen)
    figures = [*courses[:1], _associations(correlation, pen), _ranked(correlation, pen), *courses[1:]]
    by_rank = (
        "Rank correlation asks only that the unit rises whenever the label does, not on a straight line. The unit is "
        "here the best by rank, which may be another."
    )
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
        return OF_PHRASE
    return f"{MEANINGS.get(label, f'The {label_name(label)} is a number known for each place.')} {FOLLOWS}"


def _ranked(correlation: Correlation, pen: Pen) -> Markup:
    from naibu.reporting.plots.units import plot_correlation

    label = label_name(correlation.label)
    panels, signals = [], ordered(correlation)
    for layer in dict.fromkeys(s.layer for s in signals):
        here = [s for s in signals if s.layer == layer]
        chief = [s for s in here if s.signal in ("cell", "hidden")]
        groups = ([chief] if chief else []) + [[s] for s in here if s not in chief]
        for group in groups:
            names = " and ".join(f"the {signal_name(s.signal, s.layer)}, best unit {s.pearson_unit}" for s in group)
            text = f"|r| of every unit with the {label}, largest first: {names}; layer {layer}."
            panels.append(pen(partial(plot_correlation, correlation, signals=group), text, SMALL))
    best = leading(correlation)
    close = sum(abs(float(r)) >= 0.9 for r in best.train_pearson)
    caption = (
        f"Every unit of every signal by |r| with the {label} on training sequences, largest first. In the "
        f"{signal_name(best.signal, best.layer)}, {close or 'none'} of {len(best.train_pearson)} units "
        f"{'reaches' if close == 1 else 'reach'} 0.9. Grey lines: the best untrained unit, and position alone."
    )
    return figure(panels, caption)


def _associations(correlation: Correlation, pen: Pen) -> Markup:
    from naibu.reporting.plots.units import plot_association

    label = label_name(correlation.label)
    found = [s for s in (of_signal(correlation, "cell"), of_signal(correlation, "hidden")) if s is not None]
    panels, says = [], []
    for s in found or [leading(correlation)]:
        score, split = headline(s.pearson)
        r = abs(score.value)
        way = "follows" if r >= 0.9 else "follows in part" if r >= 0.5 else "hardly follows"
        who = f"unit {s.pearson_unit} of the {signal_name(s.signal, s.layer)}"
        says.append(f"{who} {way} the {label}: r\u00a0=\u00a0{with_interval(score)} ({split})")
        draw = partial(plot_association, s, label=correlation.label)
        panels.append(pen(draw, f"Value against {label}: {says[-1]}.", SMALL))
    caption = (
        f"The value of the best units at each {label}, on test sequences; the darker, the more places "
        "(logarithmic), the line is the mean. "
    )
    return figure(panels, caption + capital("; ".join(says)) + ".")


def _courses(followed: Followed, pen: Pen) -> list[Markup]:
    from naibu.reporting.plots.units import plot_trajectory

    shown: list[Markup] = []
    more: list[Markup] = []
    for k, found in enumerate(followed.courses):
        falling = _falls(followed.correlation, found)
        for place, course in enumerate(found.sequences[: AT_ONCE + MORE if k == 0 else 2]):
            length = len(course.symbols)
            size = (min(12.0, max(3.05, 1.3 + 0.115 * length)) if length <= 60 else 7.6, 2.3 if length <= 60 else 1.9)
            where = "that also occurs in training" if course.seen else "not seen in training"
            unit = f"Unit {found.units[0]} of the {signal_name(found.signal, found.layer)}"
            text = f"{unit} over {length} places of a test sequence {where}."
            draw = partial(plot_trajectory, found, sequence=place, falling=falling)
            panel = pen(draw, text, size, wide=size[0] > 3.7)
            (shown if k == 0 and place < AT_ONCE else more).append(panel)
    if not shown:
        return []
    all_of = "All that were drawn are in trajectories-SIGNAL.csv beside the results."
    units = " and ".join(f"unit {t.units[0]} of the {signal_name(t.signal, t.layer)}" for t in followed.courses)
    caption = (
        f"The course of {units}, place by place (coloured), and the {label_name(followed.correlation.label)} (grey "
        "steps, right-hand axis, turned over where the unit falls as it rises). Sequences drawn at random; they "
        "illustrate and prove nothing."
    )
    rest = [folded(f"{len(more)} more courses", figure(more, f"{caption} {all_of}"))] if more else []
    return [figure(shown, caption), *rest]


def _falls(correlation: Correlation, found: Trajectories) -> bool:
    for s in correlation.signals:
        if (s.layer, s.signal) == (found.layer, found.signal) and found.units:
            return bool(s.train_pearson[found.units[0]] < 0)
    return False


def _table(correlation: Correlation, statistic: str, caption: str) -> Markup:
    signals = ordered(correlation)
    return score_table(
        caption,
        Text("signal", [signal_name(s.signal, s.layer) for s in signals]),
        layer_column([s.layer for s in signals]),
        Text("unit", [str(getattr(s, f"{statistic}_unit")) for s in signals]),
        Scored("", [getattr(s, statistic) for s in signals], both=True),
        control_columns([getattr(s, f"{statistic}_controls") for s in signals]),
    )


def _numbers(found: Followed) -> Numbers:
    signals = {
        s.signal: {"unit": s.pearson_unit, **scored("r", s.pearson), "layer": s.layer}
        for s in found.correlation.signals
    }
    return {"label": found.correlation.label, "signals": signals}


def _lines(found: Followed) -> dict[str, str]:
    correlation, label = found.correlation, found.correlation.label
    best = leading(correlation)
    text = f"{on_both(best.pearson)} (unit {best.pearson_unit} of the {signal_name(best.signal, best.layer)})"
    if called(label) == "depth" != label_name(label):
        text = f"{label_name(label)}: {text}"
    other = of_signal(correlation, "hidden")
    if other is not None and other is not best:
        text += f"; hidden state {on_both(other.pearson)}"
    return {f"best unit with the {called(label)}, r, test / unseen": text}


def _of_a_label(
    name: str, title: str, label_of: Callable[[Probed], str | None], suits: Callable[[Subject], bool]
) -> Analysis[Followed]:
    return Analysis(
        name,
        title,
        Followed,
        follows,
        lambda found: following(found.correlation),
        partial(_asks, name, label_of),
        read=partial(_read, name),
        numbers=_numbers,
        lines=_lines,
        suits=suits,
    )


DEPTH = _of_a_label("depth", "which unit follows the depth", lambda p: p.main, lambda s: of_depth(s.asks))
PHRASE = _of_a_label("phrase", "which unit follows the depth of a phrase", lambda p: p.phrase, DEPTH.suits)
LABEL = _of_a_label("label", "which unit follows a label", lambda p: p.main, lambda s: not of_depth(s.asks))
