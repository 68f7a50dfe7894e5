"""The section on what was trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from naibu.reporting.content import Subject
from naibu.reporting.markup import Markup, element, figure, joined, paragraph, table
from naibu.reporting.markup import command as command_line
from naibu.reporting.numbers import count, duration, number
from naibu.reporting.section import Pen, Section
from naibu.reporting.words import visible

FALLING = 0.01
"""The share by which the loss falls at the last validation from which on a training is called short."""
LOSS = "The loss is what training makes smaller."
CATEGORICAL = (
    "The loss is the mean of −log p, where p is the probability it gave to the right answer; e to the power of the "
    "loss is the perplexity: the network is as unsure as if it had to choose among so many equally likely answers."
)


def trained(subject: Subject, pen: Pen) -> Section:
    """Return the section on data and training."""
    short = cut_short(subject.metrics, subject.commands.get("longer", ""))
    figures: list[Markup] = []
    if subject.example:
        words = (visible(symbol) for symbol in subject.example.split(" "))
        example = element("p", element("code", " ".join(words)), class_="example")
        figures.append(joined(paragraph("One sequence as the network reads it:"), example))
    if subject.metrics:
        from naibu.reporting.plots.prediction import plot_learning_curve

        caption = _curve(subject.metrics, subject.categorical)
        panel = pen(partial(plot_learning_curve, subject.metrics), caption, (3.7, 2.5))
        figures.append(figure([panel], caption))
    pair = [table(["data", "found"], subject.found, "What was found in the data")] if subject.found else []
    if subject.training:
        pair.append(table(["training", "value"], _settings(subject.training), "The network and its training"))
    tables = [element("div", *pair, class_="pair")] if pair else []
    tables.append(command_line(subject.commands.get("train")))
    return Section(
        "What was trained",
        f"The network is {subject.about}. {CATEGORICAL if subject.categorical else LOSS}",
        tuple(figures),
        tuple(tables),
        says=" ".join(filter(None, [f"It read {subject.reads}." * bool(subject.reads), *subject.notes, short])),
        key="train",
        command=subject.commands.get("record"),
    )


def still_falling(metrics: Sequence[Mapping[str, Any]]) -> float:
    """Return the share by which the loss fell at the last validation, 0 where that is not worth going on for.

    A fall of a hundredth or more to the best so far counts: less than that the schedule's end brings by itself.
    """
    losses = [line["validation_loss"] for line in metrics if line.get("validation_loss") is not None]
    if len(losses) < 2 or not losses[-1] <= min(losses) or not losses[-2] > 0:
        return 0.0
    fall = float(1 - losses[-1] / losses[-2])
    return fall if fall >= FALLING else 0.0


def cut_short(metrics: Sequence[Mapping[str, Any]], longer: str = "") -> str:
    """Say that training ended while validation was still getting better, and the command that goes on; "" where not."""
    fall = still_falling(metrics)
    if not fall:
        return ""
    judged = sum(line.get("validation_loss") is not None for line in metrics)
    more = f" This goes on, and may find more: {longer}" * bool(longer)
    return (
        f"It was cut short: the loss on validation sequences was still falling, by {fall:.1%} at the last of "
        f"{judged} validations.{more}"
    )


def _curve(metrics: Sequence[Mapping[str, Any]], categorical: bool) -> str:
    losses = [(line["validation_loss"], line["step"]) for line in metrics if line.get("validation_loss") is not None]
    losses = [pair for pair in losses if math.isfinite(pair[0])]
    if not losses:
        return f"The loss while it was trained, up to step {count(metrics[-1]['step'])}."
    best, step = min(losses)
    perplexity = f" (perplexity {number(math.exp(min(best, 700)))})" if categorical else ""
    return (
        f"The loss while it was trained. On sequences kept aside for validation it fell from {number(losses[0][0])} to "
        f"{number(best)}{perplexity} at step {count(step)}, whose weights are used from here on."
    )


def _settings(training: Mapping[str, str | int | float]) -> list[tuple[str, str]]:
    return [(key.replace("_", " "), _setting(key, value)) for key, value in training.items()]


def _setting(key: str, value: str | int | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if key == "seconds":
        return duration(value)
    return count(value) if key.endswith("_per_second") or isinstance(value, int) else f"{value:.4g}"
