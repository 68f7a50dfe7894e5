"""How well the network predicts, and how often an answer that is looked at by itself is told."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from naibu import probes
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed, predicted
from naibu.looking.numbers import scored, value
from naibu.probes.results import Confusion, Controls, Rows, Scores
from naibu.reporting.finding import Finding, above, controlled
from naibu.reporting.markup import Markup, figure, folded, paragraph, table
from naibu.reporting.numbers import count, share, with_interval
from naibu.reporting.score_table import Scored, Text, control_columns, score_table
from naibu.reporting.section import Pen, Section, fitted_on
from naibu.reporting.terminal import on_both
from naibu.reporting.words import headline, on_split, outcome_name, shortened, visible

READING = (
    "At each place the most probable answer is compared with the right one. Accuracy is the share of places where they "
    "agree. Of an answer that is looked at by itself, recall is the share of its places that were told, and precision "
    "the share of places told so that were so. Each number stands beside its controls: the same network before "
    "training, and the most frequent answer at each position."
)


def _asks(probed: Probed) -> Iterator[Ask]:
    if predicted(probed):
        named = probed.subject.singled_out
        make = partial(probes.confusion, probed.recording, untrained=probed.control, singled_out=named)
        yield Ask("confusion", make)


def prediction(confusion: Confusion) -> Finding:
    """Say how often the network is right, against always giving the commonest answer, and how often it tells ends."""
    accuracy, split = headline(confusion.accuracy)
    majority = on_split(confusion.majority, split)
    usual = majority.value if majority is not None else float("nan")
    untrained = controlled(confusion.accuracy_controls.untrained, split)
    better = above(accuracy, max([x for x in (usual, untrained) if x is not None and np.isfinite(x)], default=-np.inf))
    text = "Its" if better else "It has not learnt to predict: its"
    text += f" most probable answer is right in {with_interval(accuracy, True)} of the places in {split} sequences"
    against = f"always giving the most frequent answer is right in {share(usual)}"
    if untrained is not None:
        against += f", the untrained network in {share(untrained)}"
    return Finding(f"{text} ({against}).{_singled_out(confusion, split)}", better)


def _singled_out(confusion: Confusion, split: str) -> str:
    if confusion.end is None or confusion.end_recall is None:
        return ""
    recall = on_split(confusion.end_recall, split) or confusion.end_recall.test
    precision = controlled(confusion.end_precision, split)
    text = f" It foresees {with_interval(recall, True)} of the {outcome_name(confusion.end)}"
    if precision is not None:
        text += f", and is right in {share(precision)} of the places where it expects one"
    bare = controlled(confusion.end_recall_controls.untrained, split)
    if bare is None:
        return text + "."
    bare_precision = controlled(confusion.end_precision_controls.untrained, split)
    # A network that expects an end everywhere foresees them all, so both numbers are needed.
    as_good = bare >= recall.value and (bare_precision or 0.0) >= (precision or 0.0)
    both = share(bare) if bare_precision is None else f"{share(bare)} and {share(bare_precision)}"
    return text + (f"; but so does the untrained network ({both})." if as_good else f" (untrained: {both}).")


def predicts(confusion: Confusion, pen: Pen) -> Section:
    """Return the section on the answers."""
    from naibu.reporting.plots.prediction import plot_confusion

    size = min(7.0, 2.4 + 0.19 * max(len(confusion.symbols), 6))
    caption = _matrix(confusion)
    panel = pen(partial(plot_confusion, confusion), caption, (size, size), wide=size > 4.5)
    each = folded("Recall and precision of each symbol", _each(confusion))
    tables = (_overall(confusion), paragraph(_note(confusion.fitted), "quiet"), each)
    return Section("How well it predicts", READING, (figure([panel], caption),), tables)


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


def _overall(confusion: Confusion) -> Markup:
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
        Text("measure", [line[0] for line in lines]),
        Scored("", [line[1] for line in lines], [line[3] for line in lines], both=True),
        control_columns([line[2] for line in lines], share=True),
    )


def _each(confusion: Confusion) -> Markup:
    rows = [
        [shortened(symbol, 40), count(int(came)), share(float(recall)), share(float(precision))]
        for symbol, came, recall, precision in zip(
            confusion.symbols, confusion.counts.sum(axis=1), confusion.recall, confusion.precision, strict=True
        )
    ]
    return table(["symbol", "came", "recall", "precision"], rows, "Each symbol, on all test sequences")


def _numbers(found: Confusion) -> Numbers:
    controls = {"untrained": value(found.accuracy_controls.untrained), "majority": value(found.majority)}
    return {**scored("accuracy", found.accuracy), **controls, "singled_out": found.end}


def _scores(found: Confusion) -> dict[str, Scores | None]:
    ends = {"end_recall": found.end_recall, "end_precision": found.end_precision}
    return {"loss": found.loss, "perplexity": found.perplexity, "accuracy": found.accuracy, **ends}


def _lines(found: Confusion) -> dict[str, str]:
    lines = {"perplexity, test / unseen": on_both(found.perplexity)}
    if found.end is not None:
        what = outcome_name(found.end).removesuffix(" of sequence")
        lines[f"{what} foreseen, test / unseen"] = on_both(found.end_recall, True)
    return lines


CONFUSION = Analysis(
    "confusion",
    "how well it predicts",
    Confusion,
    predicts,
    prediction,
    _asks,
    numbers=_numbers,
    scores=_scores,
    lines=_lines,
)
