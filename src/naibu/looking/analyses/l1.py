"""How few units of a signal suffice to tell the two values of a label apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from naibu import probes
from naibu.looking.analyses.overlap import apart
from naibu.looking.analysis import CHIEF, Analysis, Ask, Numbers, Probed
from naibu.looking.labels import called
from naibu.looking.numbers import scored, value
from naibu.probes.results import L1Path, L1Row
from naibu.reporting.finding import Finding, above, controlled, low
from naibu.reporting.markup import Markup, element, figure, folded, table
from naibu.reporting.numbers import count, number, share, with_interval
from naibu.reporting.score_table import Scored, Text, control_columns, score_table
from naibu.reporting.section import Pen, Section, labelled_note, split_of, where
from naibu.reporting.terminal import on_both
from naibu.reporting.words import headline, label_name, signal_name

READING = (
    "How few units suffice to tell the two apart? A logistic regression, which weighs the units and says yes or no, "
    "pays for every weight (an L1 penalty): the smaller C, the dearer a weight, and the fewer units have one. Accuracy "
    "is the share of places told right; compare it with always giving the commoner answer. The penalty also shrinks "
    "the weights of the units that stay, so those units are fitted again without it: that is what they hold."
)


def _asks(probed: Probed) -> Iterator[Ask]:
    if (label := probed.two_valued) is not None:
        for key in probed.keys(CHIEF)[:1]:
            make = partial(probes.l1_path, probed.recording, label, key, untrained=probed.control)
            yield Ask("l1", make, long=True)


def few_units(path: L1Path) -> Finding:
    """Say how few units of a signal suffice to tell a label's two values apart, against the commoner answer."""
    if not path.strengths:
        return Finding("That a few units tell a label's values apart is not shown: no strength was tried.", False)
    row, most = fewest(path), most_accurate(path)
    score, split = headline(row.of_units)
    usual = controlled(path.majority, split)
    untrained = controlled(row.controls.untrained, split)
    found = above(score, max([x for x in (usual, untrained) if x is not None], default=-np.inf))
    bare = "" if untrained is None else f"; the untrained network with as high a price: {share(untrained)}"
    best = "" if most is row else f"; the best, {most.nonzero} units: {share(headline(most.of_units)[0].value)}"
    numbers = f"in {with_interval(score, True)} of the places in {split} sequences"
    numbers += f" (always saying the commoner answer: {share(usual)}{bare}{best})"
    one = row.nonzero == 1
    who = f"{row.nonzero} unit{'' if one else 's'} of the {path.of} of the {signal_name(path.signal, path.layer)}"
    parted = apart(path.label, path.values)
    if found:
        return Finding(f"Together, {who} tell{'s' if one else ''} {parted}: right {numbers}.", True)
    text = f"That a few units together tell {parted} is not shown: {who} {'is' if one else 'are'} right {numbers}."
    return Finding(text, False)


def most_accurate(path: L1Path) -> L1Row:
    """Return the row whose units are most accurate, of equal ones that with the fewest."""
    return max(path.strengths, key=lambda row: (headline(row.of_units)[0].value, -row.nonzero))


def fewest(path: L1Path) -> L1Row:
    """Return the row with the fewest units whose accuracy lies within the interval of the best, or above."""
    least = low(headline(most_accurate(path).of_units)[0])
    enough = [row for row in path.strengths if headline(row.of_units)[0].value >= least]
    return min(enough, key=lambda row: (row.nonzero, -headline(row.of_units)[0].value))


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
    return Section(f"Few units: {label} or not", READING, (figure([panel], caption),), tables)


def _path(path: L1Path) -> Markup:
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


def _units(path: L1Path) -> Markup:
    rows = []
    for row in path.strengths:
        by_weight = sorted(zip(row.units.tolist(), row.weights.tolist(), strict=True), key=lambda pair: -abs(pair[1]))
        named = ", ".join(f"{unit} ({number(weight)})" for unit, weight in by_weight[:30])
        more = f" and {len(by_weight) - 30} more" if len(by_weight) > 30 else ""
        rows.append([f"{row.strength:.3g}", element("span", (named or "none") + more, class_="units")])
    caption = f"Weights point to: {label_name(path.label)} = {path.values[1]}"
    return table(["C", "unit (weight), largest first"], rows, caption)


def _numbers(found: L1Path) -> Numbers:
    strengths = [
        {
            "strength": row.strength,
            "accuracy_test": value(row.accuracy),
            "accuracy_unseen": value(row.accuracy, "unseen"),
            "majority": value(found.majority),
            "refitted_test": value(row.refitted),
            "refitted_unseen": value(row.refitted, "unseen"),
            "nonzero": row.nonzero,
            "units": row.units.tolist(),
        }
        for row in found.strengths
    ]
    few = {}
    for name, row in (("fewest", fewest(found)), ("most_accurate", most_accurate(found))) if found.strengths else ():
        few[name] = {"nonzero": row.nonzero, **scored("accuracy", row.of_units)}
    return {"label": found.label, **few, "strengths": strengths}


def _lines(found: L1Path) -> dict[str, str]:
    if not found.strengths:
        return {}
    row = fewest(found)
    most = most_accurate(found)
    text = f"{row.nonzero} of {found.of} units: {on_both(row.of_units, True)}"
    text += "" if most is row else f"; the best, {most.nonzero}: {on_both(most.of_units, True)}"
    return {f"{called(found.label)} or not, few units, test / unseen": text}


L1 = Analysis(
    "l1",
    "few units telling two values of a label apart",
    L1Path,
    sparse,
    few_units,
    _asks,
    numbers=_numbers,
    lines=_lines,
)
