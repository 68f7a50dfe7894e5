"""Opening and closing brackets as next symbols."""

from __future__ import annotations

from functools import partial

from naibu import probes
from naibu.data.forms import Form
from naibu.looking.analysis import Analysis, Numbers, asked_of, predicted
from naibu.looking.numbers import scored, value
from naibu.probes.bracket_results import BracketPrediction
from naibu.reporting.finding import Finding
from naibu.reporting.markup import Markup, figure, folded, paragraph
from naibu.reporting.numbers import count, share, with_interval
from naibu.reporting.score_table import Scored, Text, score_table
from naibu.reporting.section import Pen, Section, fitted_note, split_of, where
from naibu.reporting.words import headline, on_split, shortened

READING = (
    "To the network every symbol is a number without parts; that an opening and a closing bracket belong together is "
    "told nowhere, and to foresee the end it must know that every bracket is closed. Is a closing bracket foreseen "
    "better than an opening one? Recall is the share of the places where a symbol of the kind came and was thought the "
    "most probable one. Which bracket closes is fixed by what is open, while which one opens is the writer's choice, "
    "so closing brackets are easier for anybody; the question is how much better the network is than a table of the "
    "last two symbols, which remembers nothing else. A bracket around a single word or part of speech closes right "
    "after it opens; the line “closing, after another closing” leaves those out. “Right kind” is the share of places "
    "where at least a symbol of that kind was thought the most probable."
)
NAMES = {
    "open": "opening",
    "close": "closing",
    "later close": "closing, after another closing",
    "word": "word",
    "end": "end of sequence",
}


def closings(found: BracketPrediction) -> Finding:
    """Say whether closing brackets are foreseen better than opening ones, and better than a table of two symbols does.

    Judged by recall and by loss, for a network that always says one bracket has a full recall of it.
    """
    recall, loss = found.difference("close", "recall"), found.difference("close", "loss")
    kinds = found.of("open"), found.of("close")
    if recall is None or kinds[0] is None or kinds[1] is None:
        return Finding("Opening and closing brackets could not be compared.", False)
    score, split = headline(recall.scores)
    opening, closing = (on_split(kind.recall, split) for kind in (kinds[0], kinds[1]))
    table = on_split(recall.ngram, split)
    beside = "" if table is None else f"; by a table of the last two symbols {share(table.value)}"
    numbers = (
        f"closing ones are foreseen in {with_interval(closing, True)} of their places, opening ones in "
        f"{with_interval(opening, True)} ({split} sequences; opening less closing {with_interval(score, True)}{beside})"
    )
    dearer = None if loss is None else on_split(loss.scores, split)
    if not score.high < 0 or (dearer is not None and not dearer.low > 0):
        reason = "" if dearer is None else f"; in loss, {with_interval(dearer)}"
        return Finding(
            f"That closing brackets are predicted better than opening ones is not shown: {numbers}{reason}.", False
        )
    return _beyond_table(found, f"Closing brackets are predicted better than opening ones: {numbers}.", split)


def _beyond_table(found: BracketPrediction, text: str, split: str) -> Finding:
    later = found.of("later close") or found.of("close")
    score = None if later is None else on_split(later.recall, split)
    table = None if later is None else on_split(later.ngram, split)
    if later is None or score is None or table is None:
        return Finding(text, True)
    what = "of those that follow another closing one" if later.kind == "later close" else "of the closing ones"
    seen = f"{what} it foresees {with_interval(score, True)}, the table {share(table.value)}"
    if score.low > table.value:
        return Finding(f"{text} It knows more than the table: {seen}.", True)
    return Finding(f"{text} But that it knows more than the table is not shown: {seen}.", False)


def brackets_predicted(found: BracketPrediction, pen: Pen) -> Section:
    """Return the section on opening and closing brackets as next symbols."""
    from naibu.reporting.plots.bracket_prediction import plot_categories

    split = split_of(k.recall for k in found.kinds)
    figures = []
    if found.categories:
        caption = (
            f"Recall of both brackets of the commonest categories on {where(split)} sequences, with 95 % intervals; "
            "diamonds: the table of the last two symbols."
        )
        size = (4.6, 1.2 + 0.27 * len(found.categories))
        figures.append(figure([pen(partial(plot_categories, found, split=split), caption, size)], caption))
    note = (
        f"{fitted_note(found.fitted)} The table of two symbols, the commonest symbols and the choice of categories "
        "come from the recorded training symbols only: a table of more text would reach more."
    )
    tables = [_kinds(found), paragraph(note, "quiet"), _differences(found)]
    if found.categories:
        tables.append(folded("Recall of each category", _categories(found)))
    return Section("Which brackets it foresees", READING, tuple(figures), tuple(tables))


def _kinds(found: BracketPrediction) -> Markup:
    kinds = found.kinds
    return score_table(
        "Recall and loss of the next symbol, by its kind",
        Text("next symbol", [NAMES[k.kind] for k in kinds]),
        Text("places", [count(k.recall.test.n) for k in kinds]),
        Text("different symbols", [count(k.types) for k in kinds]),
        Scored("recall", [k.recall for k in kinds], share=True, both=True),
        Scored("right kind", [k.foreseen for k in kinds], share=True),
        Scored("last 2 symbols alone", [k.ngram for k in kinds], share=True),
        Scored("commonest of its kind", [k.majority for k in kinds], share=True),
        Scored("untrained network", [k.untrained for k in kinds], share=True),
        Scored("loss", [k.loss for k in kinds]),
        Scored("loss, untrained", [k.untrained_loss for k in kinds]),
    )


def _differences(found: BracketPrediction) -> Markup:
    share = [d.statistic == "recall" for d in found.differences]
    return score_table(
        "Opening less closing brackets, resampled together",
        Text("difference", [f"{d.statistic}: opening less {NAMES[d.minus]}" for d in found.differences]),
        Scored("", [d.scores for d in found.differences], share, both=True),
        Scored("last 2 symbols alone", [d.ngram for d in found.differences], share),
        Scored("untrained network", [d.untrained for d in found.differences], share),
    )


def _categories(found: BracketPrediction) -> Markup:
    each = found.categories
    return score_table(
        "Both brackets of each category, on all test sequences",
        Text("category", [shortened(c.category, 40) or "all alike" for c in each]),
        Text("openings", [count(c.open.test.n) for c in each]),
        Text("closings", [count(c.close.test.n) for c in each]),
        Scored("recall: opening", [c.open.test for c in each], share=True),
        Scored("recall: closing", [c.close.test for c in each], share=True),
        Scored("last 2 symbols alone: opening", [c.open_ngram.test for c in each], share=True),
        Scored("last 2 symbols alone: closing", [c.close_ngram.test for c in each], share=True),
    )


def _numbers(found: BracketPrediction) -> Numbers:
    return {k.kind: {**scored("recall", k.recall), "ngram": value(k.ngram), "loss": value(k.loss)} for k in found.kinds}


BRACKET_PREDICTION = Analysis(
    "bracket_prediction",
    "which brackets it foresees",
    BracketPrediction,
    brackets_predicted,
    closings,
    asked_of("bracket_prediction", probes.bracket_prediction, predicted),
    numbers=_numbers,
    suits=lambda subject: subject.form != "" and Form(subject.form).brackets,
)
