"""What was trained, and how well it predicts."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from naibu.probes.results import Confusion, Controls, Rows, Scores
from naibu.reporting.content import NetworkPart
from naibu.reporting.findings import prediction
from naibu.reporting.markup import Markup, element, figure, folded, joined, paragraph, table
from naibu.reporting.markup import command as command_line
from naibu.reporting.numbers import count, duration, number, share
from naibu.reporting.sections.section import (
    Pen,
    Section,
    command_for,
    control_cells,
    control_fields,
    control_heads,
    has_unseen,
    score_cells,
    score_heads,
    split_of,
)
from naibu.reporting.words import FORMS, article, shortened, visible

TRAINED = (
    "The network is a language model: it reads a sequence symbol by symbol, and after each is asked which symbol comes "
    "next. To it every symbol is a number without parts; that an opening and a closing bracket belong together is told "
    "nowhere. The loss is the mean of −log p, where p is the probability it gave to the symbol that came; e to the "
    "power "
    "of the loss is the perplexity: the network is as unsure as if it had to choose among so many equally likely "
    "symbols."
)
PREDICTS = (
    "After each symbol the most probable next symbol is compared with the one that came. Accuracy is the share of "
    "places "
    "where they agree. For the symbol that ends a sequence, recall is the share of ends that were foreseen, and "
    "precision "
    "the share of foreseen ends that were ends: to foresee the end it must know that every bracket is closed. Each "
    "number "
    "stands beside its controls: the same network before training, and the most frequent symbol at each position."
)


def trained(part: NetworkPart, pen: Pen) -> Section:
    """Return the section on corpus and training."""
    example = element("p", element("code", " ".join(visible(s) for s in part.example.split(" "))), class_="example")
    words = f"It read {FORMS[part.form]}." if part.form in FORMS else f"It read the form {part.form}."
    if part.category is not None:
        words += f" The phrase looked at is {article(part.category)}"
        words += (
            f"; {share(part.inside_share)} of the training symbols lie inside one."
            if part.inside_share is not None
            else "."
        )
    figures: list[Markup] = [joined(paragraph("One sequence as the network reads it:"), example)]
    if part.metrics:
        from naibu.reporting.plots.prediction import plot_learning_curve

        caption = _curve(part.metrics)
        panel = pen(partial(plot_learning_curve, part.metrics), caption, (3.7, 2.5))
        figures.append(figure([panel], caption))
    pair: list[Markup] = []
    if part.corpus:
        pair.append(table(["corpus", "found"], part.corpus, "What was found in the corpus"))
    if part.training:
        rows = [(key.replace("_", " "), _setting(key, value)) for key, value in part.training.items()]
        pair.append(table(["training", "value"], rows, "The network and its training"))
    tables = [element("div", *pair, class_="pair")] if pair else []
    tables.append(command_line(part.commands.get("train")))
    return Section(
        "train", "What was trained", TRAINED, words, tuple(figures), tuple(tables), part.commands.get("record")
    )


def _curve(metrics: list[dict[str, Any]]) -> str:
    losses = [(line["validation_loss"], line["step"]) for line in metrics if line.get("validation_loss") is not None]
    losses = [pair for pair in losses if math.isfinite(pair[0])]
    if not losses:
        return f"The loss while it was trained, up to step {count(metrics[-1]['step'])}."
    best, step = min(losses)
    return (
        f"The loss while it was trained. On sequences kept aside for validation it fell from {number(losses[0][0])} to "
        f"{number(best)} (perplexity {number(math.exp(min(best, 700)))}) at step {count(step)}, whose weights are "
        "used from here on."
    )


def _setting(key: str, value: str | int | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if key == "seconds":
        return duration(value)
    if key in ("tokens_per_second", "symbols_per_second") or isinstance(value, int):
        return count(value)
    return f"{value:.4g}"


# ---------------------------------------------------------------- prediction


def predicts(part: NetworkPart, confusion: Confusion, pen: Pen) -> Section:
    """Return the section on the next symbol."""
    from naibu.reporting.plots.prediction import plot_confusion

    size = min(7.0, 2.4 + 0.19 * max(len(confusion.symbols), 6))
    caption = _matrix(confusion)
    panel = pen(partial(plot_confusion, confusion), caption, (size, size), wide=size > 4.5)
    return Section(
        "confusion",
        "How well it predicts",
        PREDICTS,
        prediction(confusion).text,
        (figure([panel], caption),),
        (
            _overall(confusion),
            paragraph(_note(confusion.fitted), "quiet"),
            folded("Recall and precision of each symbol", _each(confusion)),
        ),
        command_for(part, "confusion", "report"),
    )


def _matrix(confusion: Confusion) -> str:
    text = (
        "Each row is a symbol that came, each field the share of its places where the column's symbol was thought most "
        "probable (on all test sequences): a dark diagonal is right prediction."
    )
    confused = _most_confused(confusion)
    if confused is not None:
        gold, guess, part = confused
        text += f" Most often mistaken: where “{gold}” came, “{guess}” was expected in {share(part)} of its places."
    return text + (
        f" The frame marks {confusion.end}, the end of a sequence." if confusion.end in confusion.symbols else ""
    )


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
    where = "training sequences" if rows.fitted_on == "train" else rows.fitted_on
    return (
        f"Scored on {count(rows.test_tokens)} test symbols, of which {count(rows.unseen_tokens)} lie in unseen "
        "sequences. "
        "The simple rules beside the network, the most frequent symbol and the most frequent one at each position, "
        f"come from {where}."
    )


def _overall(confusion: Confusion) -> Markup:
    none = Controls()
    end = confusion.end or "end"
    lines: list[tuple[str, Scores | None, Controls, bool]] = [
        ("accuracy", confusion.accuracy, confusion.accuracy_controls, True),
        ("accuracy of always saying the most frequent symbol", confusion.majority, none, True),
        (f"recall of {end}", confusion.end_recall, confusion.end_recall_controls, True),
        (f"precision of {end}", confusion.end_precision, confusion.end_precision_controls, True),
        ("perplexity", confusion.perplexity, none, False),
        ("loss", confusion.loss, none, False),
    ]
    lines = [line for line in lines if line[1] is not None]
    unseen = has_unseen([line[1] for line in lines])
    split = split_of([line[1] for line in lines])
    fields = control_fields([line[2] for line in lines])
    rows = [
        [name, *score_cells(scores, unseen, as_share), *control_cells(controls, fields, split, as_share)]
        for name, scores, controls, as_share in lines
    ]
    return table(["", *score_heads(unseen), *control_heads(fields, split)], rows, "Prediction of the next symbol")


def _each(confusion: Confusion) -> Markup:
    rows = [
        [
            shortened(symbol, 40),
            count(int(confusion.counts[k].sum())),
            share(float(confusion.recall[k])),
            share(float(confusion.precision[k])),
        ]
        for k, symbol in enumerate(confusion.symbols)
    ]
    return table(["symbol", "came", "recall", "precision"], rows, "Each symbol, on all test sequences")
