"""What becomes of the network under interventions, which `naibu intervene` makes."""

from __future__ import annotations

from typing import Any

from naibu.interventions.results import Holding
from naibu.interventions.ternary_results import Ternary
from naibu.looking.analysis import Analysis, Numbers
from naibu.looking.numbers import scored, value
from naibu.reporting.findings.intervention import cause, measured, random_values
from naibu.reporting.findings.rounding import rounding
from naibu.reporting.numbers import number, share
from naibu.reporting.sections.intervention import held
from naibu.reporting.sections.ternary import rounded
from naibu.reporting.words import on_split


def _of_holding(found: Holding) -> Numbers:
    def by_kind(name: str) -> dict[str, Any]:
        before, held = (value(getattr(found.of(kind)[0], name)) for kind in ("before", "held"))
        random = [value(getattr(effect, name)) for effect in found.of("random")]
        return {"before": before, "unit_held": held, "random_held": random}

    measures = {"ed_recall": by_kind("end_recall"), "loss": by_kind("loss")}
    return {"unit": found.unit, "signal": found.signal, "label": found.label, **measures}


def _held(found: Holding) -> dict[str, str]:
    if not found.of("before") or not found.of("held"):
        return {}
    name, split = measured(found)
    write = share if name == "end_recall" else number
    before, held = (on_split(getattr(found.of(kind)[0], name), split) for kind in ("before", "held"))
    drawn = random_values(found, name, split)
    random = f"; random {write(sum(drawn) / len(drawn))}" if drawn else ""
    what = "" if name == "end_recall" else "loss "
    text = f"{what}{write(before.value if before else None)} → {write(held.value if held else None)}{random}"
    return {"unit held: before → held": text}


HOLDING = Analysis(
    "holding",
    "the intervention",
    Holding,
    held,
    cause,
    numbers=_of_holding,
    lines=_held,
    command="naibu intervene {run}",
)


def _of_ternary(found: Ternary) -> Numbers:
    changed = (r for r in found.roundings if r.relative_change is not None)
    return {r.kind: scored("loss_added_share", r.relative_change) for r in changed if r.relative_change is not None}


TERNARY = Analysis(
    "ternary",
    "the update rounded to three levels",
    Ternary,
    rounded,
    rounding,
    numbers=_of_ternary,
    command="naibu intervene {run} --ternary",
)
