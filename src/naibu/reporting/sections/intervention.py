"""What becomes of the network when a unit is held still."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from naibu.interventions.results import Effect, Holding
from naibu.reporting.findings.intervention import cause
from naibu.reporting.markup import Safe, figure, folded
from naibu.reporting.numbers import number
from naibu.reporting.sections.section import Pen, Scored, Section, Text, score_table, split_of, where
from naibu.reporting.words import signal_name

READING = (
    "That a unit follows a label does not show that the network uses it. So the unit is held still: at every step its "
    "value is replaced by its mean on training sequences, and everything else goes on as before. If the network "
    "depends on the unit, it now predicts worse. The control is the same treatment of units drawn at random: only harm "
    "beyond theirs counts. For an LSTM two more experiments hold whole gates open or shut."
)

CHIEF = {"end_recall": "ends foreseen", "loss": "loss"}
OTHERS = {"end_precision": "precision of ends", "accuracy": "accuracy"}


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
        f"Prediction on {where(split)} sequences with unit {holding.unit} of the {signal_name(holding.signal)} held at "
        f"{number(holding.value)}. Each ring is one draw of random units; lines are 95 % intervals."
    )
    chief = [effect for effect in holding.effects if effect.kind != "random"]
    tables = [_table(chief, CHIEF, "Prediction before, and with units or gates held")]
    if holding.of("random"):
        random = _table(holding.of("random"), CHIEF, "The controls: random units held at their own means")
        tables.append(folded("Each random draw", random))
    every = _table(list(holding.effects), OTHERS, "The same interventions by two more measures")
    tables.append(folded("Precision and accuracy", every))
    return Section("Does the network use the unit?", READING, (figure(panels, caption),), tuple(tables))


def _table(effects: list[Effect], names: Mapping[str, str], caption: str) -> Safe:
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
