"""What many units know together: regression, and few units with L1."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from naibu.probes.results import L1Path, Regression
from naibu.reporting.findings.units import few_units
from naibu.reporting.markup import Safe, element, figure, folded, table
from naibu.reporting.numbers import count, number, with_interval
from naibu.reporting.sections.section import (
    Pen,
    Scored,
    Section,
    Text,
    control_columns,
    labelled_note,
    score_table,
    split_of,
    where,
)
from naibu.reporting.words import MODEL_NAMES, headline, label_name, on_split, signal_name

REGRESSION = (
    "How much of the label can be read from all units of a signal together, by adding them up with fixed weights? R² "
    "is the share of the label's variance that this predicts: 1 is exact, 0 no better than always saying the mean, and "
    "below 0 worse. Beside all units stands the Lasso, which makes do with fewer units at a small price, and the best "
    "single unit. “Any rising curve” bends the sum, or one unit, in whatever rising way fits best: where that is "
    "better than the straight line, the label is in there, but not in equal steps. A model of an untrained network is "
    "a strong control: its units, too, remember something of what was read."
)
L1 = (
    "How few units suffice to tell the two apart? A logistic regression, which weighs the units and says yes or no, "
    "pays for every weight (an L1 penalty): the smaller C, the dearer a weight, and the fewer units have one. Accuracy "
    "is the share of places told right; compare it with always giving the commoner answer. The penalty also shrinks "
    "the weights of the units that stay, so those units are fitted again without it: that is what they hold."
)

ONE_UNIT = ("single", "monotone")


def regressed(regressions: Sequence[Regression], pen: Pen) -> Section:
    """Return the section on linear models, and rising curves, of a label."""
    from naibu.reporting.plots.probing import plot_curve, plot_regression

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
        along = f"along the best unit of the {signal_name(bent.signal)}"
        panels.append(pen(partial(plot_curve, bent), f"The rising curve of the {label} {along}.", (3.2, 2.5)))
        caption += (
            f" Right: the rising curve {along}, fitted on training rows; a straight one would mean equal steps."
        )
    tables = (
        _models(regressions, "r2", f"R² of models of the {label}"),
        labelled_note(regressions[0].fitted),
        folded("The same as r", _models(regressions, "r", f"r of prediction and {label}")),
    )
    title = f"What all units together know of the {label}"
    return Section(title, REGRESSION, (figure(panels, caption),), tables, says)


def _models(regressions: Sequence[Regression], statistic: str, caption: str) -> Safe:
    found = [(r, m) for r in regressions for m in r.models]
    used = [
        f"unit {m.units[0]}" if m.name in ONE_UNIT and len(m.units) else f"{len(m.units)} of {r.of}" for r, m in found
    ]
    bent = statistic == "r2" and any(m.gain is not None for _, m in found)
    return score_table(
        caption,
        Text("signal", [signal_name(r.signal) for r, _ in found]),
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
                    f"all units of the {signal_name(r.signal)} give R²\u00a0=\u00a0{with_interval(score)} ({split})"
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
            who = f"unit {m.units[0]} of the {signal_name(regressions[0].signal)}"
            numbers = f"R²\u00a0=\u00a0{with_interval(score)}, {with_interval(gain)} above the straight line through it"
            if gain.low > 0:
                return f" Along {who} it goes in a line that bends: a rising curve gives {numbers} ({split})."
            return f" That it bends along {who} is not shown: a rising curve gives {numbers} ({split})."
    return ""


def sparse(path: L1Path, pen: Pen) -> Section:
    """Return the section on few units telling a label's values apart."""
    from naibu.reporting.plots.probing import plot_l1_path

    label = label_name(path.label)
    split = split_of(row.accuracy for row in path.strengths)
    caption = (
        f"Accuracy on {where(split)} sequences against the number of units with a weight, with 95 % intervals; further "
        "left, fewer units."
    )
    panel = pen(partial(plot_l1_path, path, split=split), few_units(path).text, (3.7, 2.8))
    spread = "brought to the same spread before the penalty" if path.standardised else "penalised as they are"
    more = f"Units were {spread}. C multiplies a sum over {count(path.n)} training places: it means less on fewer."
    tables = (_path(path), labelled_note(path.fitted, more), folded("Which units have a weight", _units(path)))
    return Section(f"Few units: {label} or not", L1, (figure([panel], caption),), tables)


def _path(path: L1Path) -> Safe:
    rows = path.strengths
    controls = control_columns([row.controls for row in rows], share=True)
    again = Scored("the same units, fitted again", [*(row.refitted for row in rows), None], share=True)
    return score_table(
        "Logistic regression with an L1 penalty",
        Text("C", [*(f"{row.strength:.3g}" for row in rows), "–"]),
        Text("units with a weight", [*(f"{row.nonzero} of {path.of}" for row in rows), "always the commoner value"]),
        Scored("", [*(row.accuracy for row in rows), path.majority], share=True, both=True),
        [again] if any(row.refitted is not None for row in rows) else [],
        [Scored(column.head, [*column.cells, None], share=True) for column in controls],
        _units_of("untrained network", [row.untrained_nonzero for row in rows]),
        _units_of("random label", [row.random_nonzero for row in rows]),
        names=2,
    )


def _units_of(control: str, used: Sequence[int | None]) -> list[Text]:
    return [Text(f"its units: {control}", [*map(count, used), "–"])] if any(n is not None for n in used) else []


def _units(path: L1Path) -> Safe:
    rows = []
    for row in path.strengths:
        by_weight = sorted(zip(row.units.tolist(), row.weights.tolist(), strict=True), key=lambda pair: -abs(pair[1]))
        named = ", ".join(f"{unit} ({number(weight)})" for unit, weight in by_weight[:30])
        more = f" and {len(by_weight) - 30} more" if len(by_weight) > 30 else ""
        rows.append([f"{row.strength:.3g}", element("span", (named or "none") + more, class_="units")])
    caption = f"Weights point to: {label_name(path.label)} = {path.values[1]}"
    return table(["C", "unit (weight), largest first"], rows, caption)
