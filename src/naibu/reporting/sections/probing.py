"""What many units know together: regression, and few units with L1."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from naibu.probes.results import L1Path, L1Row, Regression
from naibu.reporting.content import NetworkPart
from naibu.reporting.findings import few_units
from naibu.reporting.markup import Markup, element, figure, folded, joined, score_cell, table
from naibu.reporting.numbers import count, number, with_interval
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
from naibu.reporting.words import MODEL_NAMES, headline, label_name, on_split, signal_name

REGRESSION = (
    "How much of the label can be read from all units of a signal together, by adding them up with fixed weights? "
    "R² is "
    "the share of the label's variance that this predicts: 1 is exact, 0 no better than always saying the mean, and "
    "below "
    "0 worse. Beside all units stands the Lasso, which makes do with fewer units at a small price, and the best single "
    "unit. “Any rising curve” bends the sum, or one unit, in whatever rising way fits best: where that is better than "
    "the straight line, the label is in there, but not in equal steps. A model of an untrained network is a strong "
    "control: its units, too, remember something of what was read."
)
L1 = (
    "How few units suffice to tell the two apart? A logistic regression, which weighs the units and says yes or no, "
    "pays "
    "for every weight (an L1 penalty): the smaller C, the dearer a weight, and the fewer units have one. Accuracy "
    "is the "
    "share of places told right; compare it with always giving the commoner answer. The penalty also shrinks the "
    "weights "
    "of the units that stay, so those units are fitted again without it: that is what they hold."
)

ONE_UNIT = ("single", "monotone")


def regressed(part: NetworkPart, regressions: Sequence[Regression], pen: Pen, key: str = "regression") -> Section:
    """Return the section on linear models, and rising curves, of a label."""
    from naibu.reporting.plots.probing import plot_curve, plot_regression

    label = label_name(regressions[0].label)
    scores = [m.r2 for r in regressions for m in r.models]
    split = split_of(scores)
    says = _says(regressions, label)
    size = (4.4, 1.2 + 0.27 * len(scores))
    panels = [pen(partial(plot_regression, regressions, split=split), says, size)]
    bent = next((r for r in regressions if any(m.name == "monotone" and m.curve is not None for m in r.models)), None)
    if bent is not None:
        text = f"The rising curve of the {label} along the best unit of the {signal_name(bent.signal)}."
        panels.append(pen(partial(plot_curve, bent), text, (3.2, 2.5)))
    where = "unseen" if split == "unseen" else "all test"
    caption = (
        f"R² on {where} sequences. Lines: 95 % intervals. Marks: what the controls reach; one below the axis is "
        "drawn at its end."
    )
    if bent is not None:
        caption += (
            f" Right: the rising curve along the best unit of the {signal_name(bent.signal)}, fitted on training rows; "
            "a straight one would mean equal steps."
        )
    return Section(
        key,
        f"What all units together know of the {label}",
        REGRESSION,
        says,
        (figure(panels, caption),),
        (
            _models(regressions, "r2", f"R² of models of the {label}"),
            labelled_note(regressions[0].fitted),
            folded("The same as r", _models(regressions, "r", f"r of prediction and {label}")),
        ),
        command_for(part, key, "regression", "report"),
    )


def _models(regressions: Sequence[Regression], statistic: str, caption: str) -> Markup:
    found = [
        (r, m, m.r2, m.r2_controls) if statistic == "r2" else (r, m, m.r, m.r_controls)
        for r in regressions
        for m in r.models
    ]
    unseen, split = has_unseen([f[2] for f in found]), split_of([f[2] for f in found])
    fields = control_fields([f[3] for f in found])
    bent = statistic == "r2" and any(m.gain is not None for _, m, _, _ in found)
    rows = [
        [
            signal_name(r.signal),
            MODEL_NAMES.get(m.name, m.name),
            f"unit {m.units[0]}" if m.name in ONE_UNIT and len(m.units) else f"{len(m.units)} of {r.of}",
            *score_cells(scores, unseen),
            *([score_cell(on_split(m.gain, split))] if bent else []),
            *control_cells(controls, fields, split),
        ]
        for r, m, scores, controls in found
    ]
    more = ["more than the straight line" + (" (unseen)" if split == "unseen" else "")] if bent else []
    head = ["signal", "model", "units used", *score_heads(unseen), *more, *control_heads(fields, split)]
    return table(head, rows, caption, names=2)


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


def sparse(part: NetworkPart, path: L1Path, pen: Pen) -> Section:
    """Return the section on few units telling a label's values apart."""
    from naibu.reporting.plots.probing import plot_l1_path

    label = label_name(path.label)
    scores = [row.accuracy for row in path.strengths]
    split = split_of(scores)
    says = few_units(path) if path.strengths else "No strength was tried."
    where = "unseen" if split == "unseen" else "all test"
    caption = (
        f"Accuracy on {where} sequences against the number of units with a weight, with 95 % intervals; further "
        "left, fewer units."
    )
    panel = pen(partial(plot_l1_path, path, split=split), says, (3.7, 2.8))
    spread = "brought to the same spread before the penalty" if path.standardised else "penalised as they are"
    more = f"Units were {spread}. C multiplies a sum over {count(path.n)} training symbols: it means less on fewer."
    return Section(
        "l1",
        f"Few units: {label} or not",
        L1,
        says,
        (figure([panel], caption),),
        (_path(path, split), labelled_note(path.fitted, more), folded("Which units have a weight", _units(path))),
        command_for(part, "l1", "report"),
    )


def _path(path: L1Path, split: str) -> Markup:
    scores = [row.accuracy for row in path.strengths]
    unseen = has_unseen(scores)
    fields = control_fields([row.controls for row in path.strengths])
    again = any(row.refitted is not None for row in path.strengths)
    rows = [
        [
            f"{row.strength:.3g}",
            f"{row.nonzero} of {path.of}",
            *score_cells(row.accuracy, unseen, as_share=True),
            *([score_cell(on_split(row.refitted, split), True)] if again else []),
            *(_with_units(row, field, split) for field in fields),
        ]
        for row in path.strengths
    ]
    last = ["–", "always the commoner value", *score_cells(path.majority, unseen, as_share=True), *("" for _ in fields)]
    last += [""] * again
    return table(
        [
            "C",
            "units with a weight",
            *score_heads(unseen),
            *(["the same units, fitted again"] if again else []),
            *control_heads(fields, split),
        ],
        [*rows, last],
        "Logistic regression with an L1 penalty",
        names=2,
    )


def _with_units(row: L1Row, field: str, split: str) -> Markup:
    cell = control_cells(row.controls, [field], split, as_share=True)[0]
    used = {"untrained": row.untrained_nonzero, "random_label": row.random_nonzero}.get(field)
    return cell if used is None else joined(cell, " ", element("small", f"with {used} units"))


def _units(path: L1Path) -> Markup:
    rows = []
    for row in path.strengths:
        by_weight = sorted(zip(row.units.tolist(), row.weights.tolist(), strict=True), key=lambda pair: -abs(pair[1]))
        named = ", ".join(f"{unit} ({number(weight)})" for unit, weight in by_weight[:30])
        more = f" and {len(by_weight) - 30} more" if len(by_weight) > 30 else ""
        rows.append([f"{row.strength:.3g}", element("span", (named or "none") + more, class_="units")])
    return table(
        ["C", "unit (weight), largest first"], rows, f"Weights point to: {label_name(path.label)} = {path.values[1]}"
    )
