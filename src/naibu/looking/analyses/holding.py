"""What becomes of the network when a unit is held still: whether it depends on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from naibu.interventions.results import Effect, Holding
from naibu.looking.analysis import Analysis, Numbers
from naibu.looking.numbers import scored, value
from naibu.probes.results import Score, Scores
from naibu.reporting.finding import Finding, high, low
from naibu.reporting.markup import Markup, figure, folded
from naibu.reporting.numbers import MISSING, number, share, with_interval
from naibu.reporting.score_table import Scored, Text, score_table
from naibu.reporting.section import Pen, Section, split_of, where
from naibu.reporting.words import label_name, on_split, signal_name

READING = (
    "That a unit follows a label does not show that the network uses it. So the unit is held still: at every step its "
    "value is replaced by its mean on training sequences, and everything else goes on as before. If the network "
    "depends on the unit, it now predicts worse. The control is the same treatment of units drawn at random: only harm "
    "beyond theirs counts. For an LSTM two more experiments hold whole gates open or shut."
)

CHIEF = {"end_recall": "ends foreseen", "loss": "loss"}
ONE = (("before", "before"), ("unit_held", "held"))
OTHERS = {"end_precision": "precision of ends", "accuracy": "accuracy"}


def cause(holding: Holding) -> Finding:
    """Say whether holding the unit still harms prediction more than holding random units does."""
    if not holding.of("before") or not holding.of("held"):
        return Finding("The intervention was not made.", False)
    name, split = measured(holding)
    before, held = (effect_of(holding.of(kind)[0], name, split) for kind in ("before", "held"))
    if before is None or held is None:
        return Finding("The intervention could not be scored.", False)
    by_ends = name == "end_recall"
    drawn = random_values(holding, name, split)
    who = f"unit {holding.unit} of the {signal_name(holding.signal, holding.layer)}"
    numbers = _ends_held(before, held) if by_ends else _loss_held(before, held)
    instead = _instead(drawn, by_ends)
    if matters_more(before, held, drawn, fewer_is_worse=by_ends):
        text = f"The network uses it: with {who} held still at its mean, it {numbers}; {instead}."
        return Finding(text + (_loss_aside(holding, split) if by_ends else ""), True)
    if by_ends and (dear := costs(holding, holding.of("held")[0], split)):
        return Finding(f"The network uses it: with {who} held still at its mean, it {numbers}, but {dear}.", True)
    reason = _why_not(before, held, drawn, by_ends)
    text = f"That the network depends on {who} is not shown: held still at its mean, it {numbers}, but {instead}"
    return Finding(f"{text}: {reason}.", False)


def measured(holding: Holding) -> tuple[str, str]:
    """Return by what an intervention is judged: the ends foreseen where there are any, else the loss; and the split."""
    chief = [*holding.of("before"), *holding.of("held")]
    split = "unseen" if all(effect.loss.unseen is not None for effect in chief) else "test"
    ends = [effect_of(effect, "end_recall", split) for effect in chief]
    there = all(score is not None and np.isfinite(score.value) for score in ends)
    return ("end_recall" if there else "loss"), split


def of_unit(holding: Holding, unit: int) -> Holding | None:
    """Return the same intervention as one on another unit that was held too, None where it was not."""
    if unit == holding.unit:
        return holding
    held = [replace(effect, kind="held") for effect in holding.of("named") if effect.units == (unit,)]
    rest = [e for e in holding.effects if e.kind not in ("held", "named") and (e.kind, e.units) != ("random", (unit,))]
    return replace(holding, unit=unit, effects=(*rest, *held)) if held else None


def chosen(holding: Holding) -> str:
    """Say who chose the unit: the label that it follows best, or whoever asked for it; "" where it is not known."""
    if any(effect.labels for effect in holding.of("held")):
        return f"that follows the {label_name(holding.label)} best"
    return "that was asked for" if holding.of("named") else ""


def random_values(holding: Holding, name: str, split: str) -> list[float]:
    """Return what each random draw came to."""
    found = [effect_of(effect, name, split) for effect in holding.of("random")]
    return [score.value for score in found if score is not None and np.isfinite(score.value)]


def costs(holding: Holding, effect: Effect, split: str) -> str:
    """Say how much more loss an intervention brings than any random unit does, "" where it does not."""
    change = on_split(effect.loss_change, split)
    random = _random_changes(holding, split, but=effect.units)
    if change is None or not random or not change.low > max(0.0, *random):
        return ""
    return f"its loss rises by {with_interval(change)}, of {len(random)} random units by at most {number(max(random))}"


def _random_changes(holding: Holding, split: str, but: Sequence[int] = ()) -> list[float]:
    """Return what each random unit costs; a unit that was drawn at random is no control of itself."""
    found = [on_split(e.loss_change, split) for e in holding.of("random") if tuple(e.units) != tuple(but)]
    return [score.value for score in found if score is not None]


def _named(holding: Holding, split: str) -> Markup:
    """Return the table of all named units held, each against the dearest of the random ones."""
    effects = [*holding.of("held"), *holding.of("named")]
    random = _random_changes(holding, split)
    dearest = max(random, default=None)
    used = ["yes" if costs(holding, effect, split) else "not shown" for effect in effects]
    return score_table(
        f"Every unit named on this page held still: the loss it costs; of {len(random)} random units the dearest costs "
        f"{number(dearest)}",
        Text("named for", [", ".join(map(label_name, effect.labels)) or MISSING for effect in effects]),
        Text("unit", [", ".join(map(str, effect.units)) for effect in effects]),
        Scored("loss added", [effect.loss_change for effect in effects], both=True),
        Text("needed", used),
    )


def _instead(drawn: Sequence[float], by_ends: bool) -> str:
    if not drawn:
        return "no random unit was tried"
    write, worst = (share, min(drawn)) if by_ends else (number, max(drawn))
    middle = write(float(np.mean(drawn)))
    return f"holding a random unit instead leaves it at {middle} (worst of {len(drawn)}: {write(worst)})"


def _why_not(before: Score, held: Score, drawn: Sequence[float], by_ends: bool) -> str:
    if not drawn:
        return "there is nothing to compare with"
    if _unchanged(before, held):
        return "next to nothing changes"
    better = held.value > before.value if by_ends else held.value < before.value
    return "it predicts no worse" if better else "a random unit can matter as much"


def matters_more(start: Score, after: Score, drawn: Sequence[float], *, fewer_is_worse: bool) -> bool:
    """Return whether the held unit's harm is beyond its interval, and more than that of every random unit."""
    if not drawn or _unchanged(start, after):
        return False
    if fewer_is_worse:
        return after.value < start.value and after.value < min(drawn)
    return after.value > start.value and after.value > max(drawn)


def _unchanged(start: Score, after: Score) -> bool:
    return low(after) <= start.value <= high(after)


def _ends_held(start: Score, after: Score) -> str:
    return f"foresees {with_interval(after, True)} of the ends of sequence instead of {share(start.value)}"


def _loss_held(start: Score, after: Score) -> str:
    return f"predicts with a loss of {with_interval(after)} instead of {number(start.value)}"


def _loss_aside(holding: Holding, split: str) -> str:
    before, held = (effect_of(holding.of(kind)[0], "loss", split) for kind in ("before", "held"))
    if before is None or held is None:
        return ""
    return f" Its loss goes from {number(before.value)} to {number(held.value)}."


def effect_of(effect: Effect, name: str, split: str) -> Score | None:
    """Return an intervention's score by one measure on one split."""
    scores: Scores | None = getattr(effect, name)
    return on_split(scores, split)


def held(holding: Holding, pen: Pen) -> Section:
    """Return the section on the intervention."""
    from naibu.reporting.plots.holding import plot_holding

    split = split_of(effect.loss for effect in holding.effects)
    with_ends = any(effect.end_recall is not None for effect in holding.effects)
    says = cause(holding).text
    rows = len({effect.kind for effect in holding.effects if effect.kind != "gates"}) + len(holding.of("gates"))
    panels = [
        pen(partial(plot_holding, holding, statistic=s, split=split), f"{title}. {says}", (3.7, 1.0 + 0.42 * rows))
        for s, title in (("end_recall", "Ends of sequence foreseen"), ("loss", "Loss"))
        if with_ends or s != "end_recall"
    ]
    caption = (
        f"Prediction on {where(split)} sequences with unit {holding.unit} of the "
        f"{signal_name(holding.signal, holding.layer)} held at {number(holding.value)}. Each ring is one draw "
        "of random units; lines are 95 % intervals."
    )
    chief = [effect for effect in holding.effects if effect.kind != "random"]
    chief = [effect for effect in chief if effect.kind != "named"]
    tables = [_named(holding, split)] if holding.of("named") else []
    tables.append(_table(chief, CHIEF, "Prediction before, and with units or gates held"))
    if holding.by:
        tables.append(_at_values(holding))
    if holding.of("random"):
        random = _table(holding.of("random"), CHIEF, "The controls: random units held at their own means")
        tables.append(folded("Each random draw", random))
    every = _table(list(holding.effects), OTHERS, "The same interventions by two more measures")
    tables.append(folded("Precision and accuracy", every))
    title = " ".join(filter(None, ("Does the network use the unit", chosen(holding))))
    return Section(f"{title}?", READING, (figure(panels, caption),), tuple(tables))


def _at_values(holding: Holding) -> Markup:
    """Return the table of one measure at the steps of each value of a label, with what holding the unit adds."""
    found = holding.by_values()
    others = [[value for value in each.others if np.isfinite(value)] for each in found]
    return score_table(
        f"{found[0].title} on test sequences, at the steps of each {label_name(holding.by)}",
        Text(label_name(holding.by), [each.value for each in found]),
        Scored("as trained", [each.before for each in found]),
        Scored("change with the unit held", [each.change for each in found]),
        Text("of random units, least", [number(min(some)) if some else MISSING for some in others]),
        Text("most", [number(max(some)) if some else MISSING for some in others]),
    )


def _table(effects: list[Effect], names: Mapping[str, str], caption: str) -> Markup:
    scores = {name: [getattr(effect, field) for effect in effects] for field, name in names.items()}
    return score_table(
        caption,
        Text("what was held", ["nothing" if effect.kind == "before" else effect.what for effect in effects]),
        [
            Scored(name, column, share=name != "loss", both=True)
            for name, column in scores.items()
            if any(score is not None for score in column)
        ],
    )


def _numbers(found: Holding) -> Numbers:
    def of(kind: str, measure: str, split: str) -> list[float | None]:
        return [value(getattr(effect, measure), split) for effect in found.of(kind)]

    def on(measure: str, split: str) -> Numbers:
        one = {name: next(iter(of(kind, measure, split)), None) for name, kind in ONE}
        return {**one, "random_held": of("random", measure, split)}

    ends, loss = ({**on(measure, "test"), "unseen": on(measure, "unseen")} for measure in ("end_recall", "loss"))
    measures = {"end_recall": ends, "ed_recall": ends, "loss": loss}  # ed_recall: its name before version 2
    named = {
        label: {"unit": effect.units[0], **scored("loss_added", effect.loss_change)}
        for effect in (*found.of("held"), *found.of("named"))
        for label in effect.labels
        if effect.loss_change is not None
    }
    return {"unit": found.unit, "signal": found.signal, "label": found.label, **measures, "named": named}


def _scores(found: Holding) -> dict[str, Scores | None]:
    return {each.name: each.scores for effect in found.of("before")[:1] for each in effect.measured}


def _lines(found: Holding) -> dict[str, str]:
    if not found.of("before") or not found.of("held"):
        return {}
    name, split = measured(found)
    write = share if name == "end_recall" else number
    before, held = (effect_of(found.of(kind)[0], name, split) for kind in ("before", "held"))
    drawn = random_values(found, name, split)
    random = f"; random {write(sum(drawn) / len(drawn))}" if drawn else ""
    what = "" if name == "end_recall" else "loss "
    text = f"{what}{write(before.value if before else None)} → {write(held.value if held else None)}{random}"
    who = f"unit {found.unit} of the {signal_name(found.signal, found.layer)}"
    return {f"unit held: before → held, {split}": f"{text} ({who})"}


HOLDING = Analysis(
    "holding",
    "the intervention",
    Holding,
    held,
    cause,
    numbers=_numbers,
    scores=_scores,
    lines=_lines,
    command="naibu intervene {run}",
)
