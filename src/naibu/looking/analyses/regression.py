"""What all units of a signal together know of a label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from naibu import probes
from naibu.looking.analysis import CHIEF, Analysis, Ask, Numbers, Probed, Results
from naibu.looking.labels import called, of_depth
from naibu.looking.numbers import value
from naibu.probes.results import Regression
from naibu.probes.source import Key
from naibu.reporting.content import Subject
from naibu.reporting.markup import Markup, figure, folded
from naibu.reporting.numbers import with_interval
from naibu.reporting.score_table import Scored, Text, control_columns, score_table
from naibu.reporting.section import Pen, Section, labelled_note, split_of, where
from naibu.reporting.terminal import on_both
from naibu.reporting.words import MODEL_NAMES, headline, label_name, on_split, signal_name

COMPARED = ("cell", "hidden", "update", "candidate")
"""Signals of the uppermost layer whose regressions stand side by side, where the cell has them."""
READING = (
    "How much of the label can be read from all units of a signal together, by adding them up with fixed weights? R² "
    "is the share of the label's variance that this predicts: 1 is exact, 0 no better than always saying the mean, and "
    "below 0 worse. Beside all units stands the Lasso, which makes do with fewer units at a small price, and the best "
    "single unit. “Any rising curve” bends the sum, or one unit, in whatever rising way fits best: where that is "
    "better than the straight line, the label is in there, but not in equal steps. A model of an untrained network is "
    "a strong control: its units, too, remember something of what was read."
)
ONE_UNIT = ("single", "monotone")


class Regressed(NamedTuple):
    """Regressions of one label, the cell's first."""

    of_signals: tuple[Regression, ...]


def _of_main(probed: Probed) -> Iterator[Ask]:
    for key in probed.keys(COMPARED) if probed.main is not None else ():
        yield _ask(probed, f"regression-{key[1]}", str(probed.main), key)


def _of_phrase(probed: Probed) -> Iterator[Ask]:
    for key in probed.keys(CHIEF)[:1] if probed.phrase is not None else ():
        yield _ask(probed, "regression-phrase", str(probed.phrase), key)


def _ask(probed: Probed, name: str, label: str, key: Key) -> Ask:
    make = partial(probes.regression, probed.recording, label, key, untrained=probed.control)
    return Ask(name, make, long=True)


def _read(names: tuple[str, ...], results: Results, subject: Subject) -> Regressed | None:
    found = tuple(each for name in names if (each := results.get(Regression, name)) is not None)
    return Regressed(found) if found else None


def regressed(found: Regressed, pen: Pen) -> Section:
    """Return the section on linear models, and rising curves, of a label."""
    from naibu.reporting.plots.probing import plot_curve, plot_regression

    regressions = found.of_signals
    label = label_name(regressions[0].label)
    scores = [m.r2 for r in regressions for m in r.models]
    split = split_of(scores)
    says = _says(regressions, label)
    panels = [pen(partial(plot_regression, regressions, split=split), says, (4.4, 1.2 + 0.27 * len(scores)))]
    caption = (
        f"R² on {where(split)} sequences. Lines: 95 % intervals. Marks: what the controls reach; one below the axis is "
        "drawn at its end."
    )
    bent = next((r for r in regressions if any(m.name == "monotone" and m.curve is not None for m in r.models)), None)
    if bent is not None:
        along = f"along the best unit of the {signal_name(bent.signal, bent.layer)}"
        panels.append(pen(partial(plot_curve, bent), f"The rising curve of the {label} {along}.", (3.2, 2.5)))
        caption += f" Right: the rising curve {along}, fitted on training rows; a straight one would mean equal steps."
    tables = (
        _models(regressions, "r2", f"R² of models of the {label}"),
        labelled_note(regressions[0].fitted),
        folded("The same as r", _models(regressions, "r", f"r of prediction and {label}")),
    )
    title = f"What all units together know of the {label}"
    return Section(title, READING, (figure(panels, caption),), tables, says)


def _models(regressions: Sequence[Regression], statistic: str, caption: str) -> Markup:
    found = [(r, m) for r in regressions for m in r.models]
    used = [
        f"unit {m.units[0]}" if m.name in ONE_UNIT and len(m.units) else f"{len(m.units)} of {r.of}" for r, m in found
    ]
    bent = statistic == "r2" and any(m.gain is not None for _, m in found)
    return score_table(
        caption,
        Text("signal", [signal_name(r.signal, r.layer) for r, _ in found]),
        Text("model", [MODEL_NAMES.get(m.name, m.name) for _, m in found]),
        Text("units used", used),
        Scored("", [getattr(m, statistic) for _, m in found], both=True),
        [Scored("more than the straight line", [m.gain for _, m in found])] if bent else [],
        control_columns([getattr(m, f"{statistic}_controls") for _, m in found]),
        names=2,
    )


def _says(regressions: Sequence[Regression], label: str) -> str:
    parts = []
    for r in regressions:
        for m in r.models:
            if m.name == "linear":
                score, split = headline(m.r2)
                parts.append(
                    f"all units of the {signal_name(r.signal, r.layer)} give "
                    f"R²\u00a0=\u00a0{with_interval(score)} ({split})"
                )
    if not parts:
        return f"Linear models of the {label}."
    return f"The {label} as a weighted sum of units: {'; '.join(parts)}." + _bends(regressions, label)


def _bends(regressions: Sequence[Regression], label: str) -> str:
    """Say whether the first signal's best unit goes with the label in a straight line or in a bent one."""
    for m in regressions[0].models:
        if m.name == "monotone" and m.gain is not None and len(m.units):
            score, split = headline(m.r2)
            gain = on_split(m.gain, split)
            if gain is None:
                continue
            by_line = [int(other.units[0]) for other in regressions[0].models if other.name == "single"]
            who = f"unit {m.units[0]} of the {signal_name(regressions[0].signal, regressions[0].layer)}"
            who += "" if int(m.units[0]) in by_line else ", the best by rank,"
            numbers = f"R²\u00a0=\u00a0{with_interval(score)}, {with_interval(gain)} above the straight line through it"
            if gain.low > 0:
                return f" Along {who} it goes in a line that bends: a rising curve gives {numbers} ({split})."
            return f" That it bends along {who} is not shown: a rising curve gives {numbers} ({split})."
    return ""


def _numbers(found: Regressed) -> Numbers:
    signals = {
        regression.signal: {
            m.name: {"r2_test": value(m.r2), "r2_unseen": value(m.r2, "unseen"), "units": len(m.units)}
            for m in regression.models
        }
        for regression in found.of_signals
    }
    return {"label": found.of_signals[0].label, "signals": signals}


def _lines(found: Regressed) -> dict[str, str]:
    values = [
        f"{on_both(model.r2)} ({signal_name(regression.signal, regression.layer)})"
        for regression in found.of_signals
        for model in regression.models
        if model.name == "linear"
    ]
    return {f"{called(found.of_signals[0].label)} from all units, R², test / unseen": ", ".join(values)}


REGRESSION = Analysis(
    "regression",
    "linear models of the main label",
    Regressed,
    regressed,
    asks=_of_main,
    read=partial(_read, tuple(f"regression-{signal}" for signal in COMPARED)),
    numbers=_numbers,
    lines=_lines,
)
REGRESSION_PHRASE = Analysis(
    "regression-phrase",
    "models of the depth of a phrase",
    Regressed,
    regressed,
    asks=_of_phrase,
    read=partial(_read, ("regression-phrase",)),
    numbers=_numbers,
    suits=lambda subject: of_depth(subject.asks),
)
