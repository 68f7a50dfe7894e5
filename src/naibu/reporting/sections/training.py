"""What was trained, and how well it predicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from naibu.probes.results import Confusion, Controls, Rows, Scores
from naibu.reporting.content import Subject
from naibu.reporting.markup import Safe, element, figure, folded, joined, paragraph, table
from naibu.reporting.markup import command as command_line
from naibu.reporting.numbers import count, duration, number, share
from naibu.reporting.sections.section import Pen, Scored, Section, Text, control_columns, fitted_on, score_table
from naibu.reporting.words import shortened, visible

LOSS = "The loss is what training makes smaller."
CATEGORICAL = (
    "The loss is the mean of −log p, where p is the probability it gave to the right answer; e to the power of the "
    "loss is the perplexity: the network is as unsure as if it had to choose among so many equally likely answers."
)
PREDICTS = (
    "At each place the most probable answer is compared with the right one. Accuracy is the share of places where they "
    "agree. Of an answer that is looked at by itself, recall is the share of its places that were told, and precision "
    "the share of places told so that were so. Each number stands beside its controls: the same network before "
    "training, and the most frequent answer at each position."
)


def trained(subject: Subject, pen: Pen) -> Section:
    """Return the section on data and training."""
    figures: list[Safe] = []
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
        says=" ".join([*([f"It read {subject.reads}."] if subject.reads else []), *subject.notes]),
        key="train",
        command=subject.commands.get("record"),
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


# ---------------------------------------------------------------- prediction


def predicts(confusion: Confusion, pen: Pen) -> Section:
    """Return the section on the answers."""
    from naibu.reporting.plots.prediction import plot_confusion

    size = min(7.0, 2.4 + 0.19 * max(len(confusion.symbols), 6))
    caption = _matrix(confusion)
    panel = pen(partial(plot_confusion, confusion), caption, (size, size), wide=size > 4.5)
    return Section(
        "How well it predicts",
        PREDICTS,
        (figure([panel], caption),),
        (
            _overall(confusion),
            paragraph(_note(confusion.fitted), "quiet"),
            folded("Recall and precision of each symbol", _each(confusion)),
        ),
    )


def _matrix(confusion: Confusion) -> str:
    text = (
        "Each row is what came, each field the share of its places where the column was thought most probable (on all "
        "test sequences): a dark diagonal is right prediction."
    )
    confused = _most_confused(confusion)
    if confused is not None:
        gold, guess, part = confused
        text += f" Most often mistaken: where “{gold}” came, “{guess}” was expected in {share(part)} of its places."
    return text + (f" The frame marks {confusion.end}." if confusion.end in confusion.symbols else "")


def _most_confused(confusion: Confusion) -> tuple[str, str, float] | None:
    wrong = confusion.counts.copy()
    for k in range(len(wrong)):
        wrong[k, k] = 0
    if not wrong.size or not wrong.max():
        return None
    gold, guess = divmod(int(wrong.argmax()), wrong.shape[1])
    named = [visible(confusion.symbols[k]) for k in (gold, guess)]
    return named[0], named[1], float(wrong[gold, guess] / confusion.counts[gold].sum())


def _note(rows: Rows) -> str:
    return (
        f"Scored on {count(rows.test_tokens)} test places, of which {count(rows.unseen_tokens)} lie in unseen "
        "sequences. The simple rules beside the network, the most frequent answer and the most frequent one at each "
        f"position, come from {fitted_on(rows)}."
    )


def _overall(confusion: Confusion) -> Safe:
    none = Controls()
    every: list[tuple[str, Scores | None, Controls, bool]] = [
        ("accuracy", confusion.accuracy, confusion.accuracy_controls, True),
        ("accuracy of always giving the most frequent answer", confusion.majority, none, True),
        (f"recall of {confusion.end}", confusion.end_recall, confusion.end_recall_controls, True),
        (f"precision of {confusion.end}", confusion.end_precision, confusion.end_precision_controls, True),
        ("perplexity", confusion.perplexity, none, False),
        ("loss", confusion.loss, none, False),
    ]
    lines = [line for line in every if line[1] is not None]
    return score_table(
        "Prediction",
        Text("", [line[0] for line in lines]),
        Scored("", [line[1] for line in lines], [line[3] for line in lines], both=True),
        control_columns([line[2] for line in lines], share=True),
    )


def _each(confusion: Confusion) -> Safe:
    rows = [
        [shortened(symbol, 40), count(int(came)), share(float(recall)), share(float(precision))]
        for symbol, came, recall, precision in zip(
            confusion.symbols, confusion.counts.sum(axis=1), confusion.recall, confusion.precision, strict=True
        )
    ]
    return table(["symbol", "came", "recall", "precision"], rows, "Each symbol, on all test sequences")
