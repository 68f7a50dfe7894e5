"""What becomes of the network when a unit is held still."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from naibu.interventions.results import Effect, Holding
from naibu.reporting.content import NetworkPart
from naibu.reporting.findings import cause
from naibu.reporting.markup import Markup, figure, folded, table
from naibu.reporting.numbers import number
from naibu.reporting.sections.section import Pen, Section, command_for, has_unseen, score_cells, score_heads, split_of
from naibu.reporting.words import signal_name

READING = (
    "That a unit follows a label does not show that the network uses it. So the unit is held still: at every step its "
    "value is replaced by its mean on training sequences, and everything else goes on as before. If the network "
    "depends "
    "on the unit, it now predicts worse. The control is the same treatment of units drawn at random: only harm beyond "
    "theirs counts. For an LSTM two more experiments hold whole gates open or shut."
)

CHIEF = {"end_recall": "ends foreseen", "loss": "loss"}
OTHERS = {"end_precision": "precision of ends", "accuracy": "accuracy"}


def held(part: NetworkPart, holding: Holding, pen: Pen) -> Section:
    """Return the section on the intervention."""
    from naibu.reporting.plots.holding import plot_holding

    split = split_of([effect.loss for effect in holding.effects])
    with_ends = any(effect.end_recall is not None for effect in holding.effects)
    says = cause(holding).text
    rows = len({effect.kind for effect in holding.effects if effect.kind != "gates"}) + len(holding.of("gates"))
    panels = [
        pen(partial(plot_holding, holding, statistic=s, split=split), f"{title}. {says}", (3.7, 1.0 + 0.42 * rows))
        for s, title in (("end_recall", "Ends of sequence foreseen"), ("loss", "Loss"))
        if with_ends or s != "end_recall"
    ]
    where = "unseen" if split == "unseen" else "all test"
    caption = (
        f"Prediction on {where} sequences with unit {holding.unit} of the {signal_name(holding.signal)} held at "
        f"{number(holding.value)}. Each ring is one draw of random units; lines are 95 % intervals."
    )
    chief = [effect for effect in holding.effects if effect.kind != "random"]
    tables = [_table(chief, CHIEF, "Prediction before, and with units or gates held")]
    if holding.of("random"):
        random = _table(holding.of("random"), CHIEF, "The controls: random units held at their own means")
        tables.append(folded("Each random draw", random))
    every = _table(list(holding.effects), OTHERS, "The same interventions by two more measures")
    tables.append(folded("Precision and accuracy", every))
    return Section(
        "holding",
        "Does the network use the unit?",
        READING,
        says,
        (figure(panels, caption),),
        tuple(tables),
        command_for(part, "holding", "report"),
    )


def _table(effects: list[Effect], names: Mapping[str, str], caption: str) -> Markup:
    there = [field for field in names if any(getattr(effect, field) is not None for effect in effects)]
    unseen = has_unseen([effect.loss for effect in effects])
    heads = [f"{names[field]}, {head}" for field in there for head in score_heads(unseen)]
    rows = []
    for effect in effects:
        cells = [cell for f in there for cell in score_cells(getattr(effect, f), unseen, as_share=f != "loss")]
        rows.append(["nothing" if effect.kind == "before" else effect.what, *cells])
    return table(["what was held", *heads], rows, caption)
