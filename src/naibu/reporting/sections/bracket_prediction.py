"""Opening and closing brackets as next symbols."""

from __future__ import annotations

from functools import partial

from naibu.probes.bracket_results import BracketPrediction
from naibu.reporting.content import NetworkPart
from naibu.reporting.findings import closings
from naibu.reporting.markup import Markup, figure, folded, paragraph, score_cell, table
from naibu.reporting.numbers import count
from naibu.reporting.sections.section import (
    Pen,
    Section,
    command_for,
    fitted_note,
    has_unseen,
    score_cells,
    score_heads,
    split_of,
)
from naibu.reporting.words import on_split, shortened

READING = (
    "Is a closing bracket foreseen better than an opening one? Recall is the share of the places where a symbol of the "
    "kind came and was thought the most probable one. Which bracket closes is fixed by what is open, while which one "
    "opens is the writer's choice, so closing brackets are easier for anybody; the question is how much better the "
    "network is than a table of the last two symbols, which remembers nothing else. A bracket around a single word or "
    "part of speech closes right after it opens; the line “closing, after another closing” leaves those out. “Right "
    "kind” is the share of places where at least a symbol of that kind was thought the most probable."
)
NAMES = {
    "open": "opening",
    "close": "closing",
    "later close": "closing, after another closing",
    "word": "word",
    "end": "end of sequence",
}


def brackets_predicted(part: NetworkPart, found: BracketPrediction, pen: Pen) -> Section:
    """Return the section on opening and closing brackets as next symbols."""
    from naibu.reporting.plots.bracket_prediction import plot_categories

    split = split_of([k.recall for k in found.kinds])
    says = closings(found).text
    figures = []
    if found.categories:
        where = "unseen" if split == "unseen" else "all test"
        caption = (
            f"Recall of both brackets of the commonest categories on {where} sequences, with 95 % intervals; diamonds: "
            "the table of the last two symbols."
        )
        size = (4.6, 1.2 + 0.27 * len(found.categories))
        figures.append(figure([pen(partial(plot_categories, found, split=split), caption, size)], caption))
    note = (
        f"{fitted_note(found.fitted)} The table of two symbols, the commonest symbols and the choice of categories "
        "come from the recorded training symbols only: a table of more text would reach more."
    )
    tables = [_kinds(found, split), paragraph(note, "quiet"), _differences(found, split)]
    if found.categories:
        tables.append(folded("Recall of each category", _categories(found)))
    return Section(
        "bracket_prediction",
        "Which brackets it foresees",
        READING,
        says,
        tuple(figures),
        tuple(tables),
        command_for(part, "bracket_prediction", "confusion", "report"),
    )


def _kinds(found: BracketPrediction, split: str) -> Markup:
    unseen = has_unseen([k.recall for k in found.kinds])
    rows = []
    for k in found.kinds:
        controls = [score_cell(on_split(s, split), True) for s in (k.ngram, k.majority, k.untrained)]
        kind = score_cell(on_split(k.foreseen, split), True)
        losses = [score_cell(on_split(s, split)) for s in (k.loss, k.untrained_loss)]
        recall = score_cells(k.recall, unseen, as_share=True)
        rows.append([NAMES[k.kind], count(k.recall.test.n), count(k.types), *recall, kind, *controls, *losses])
    where = " (unseen)" if split == "unseen" else ""
    head = ["next symbol", "places", "different symbols", *(f"recall: {name}" for name in score_heads(unseen))]
    head += [f"{name}{where}" for name in ("right kind", "last 2 symbols alone", "commonest of its kind")]
    head += [f"{name}{where}" for name in ("untrained network", "loss", "loss, untrained")]
    return table(head, rows, "Recall and loss of the next symbol, by its kind")


def _differences(found: BracketPrediction, split: str) -> Markup:
    unseen = has_unseen([d.scores for d in found.differences])
    rows = []
    for d in found.differences:
        as_share = d.statistic == "recall"
        controls = [score_cell(on_split(s, split), as_share) for s in (d.ngram, d.untrained)]
        name = f"{d.statistic}: opening less {NAMES[d.minus]}"
        rows.append([name, *score_cells(d.scores, unseen, as_share=as_share), *controls])
    where = " (unseen)" if split == "unseen" else ""
    head = ["difference", *score_heads(unseen), f"last 2 symbols alone{where}", f"untrained network{where}"]
    return table(head, rows, "Opening less closing brackets, resampled together")


def _categories(found: BracketPrediction) -> Markup:
    rows = [
        [
            shortened(c.category, 40) or "all alike",
            *(cell for n in (c.open.test.n, c.close.test.n) for cell in (count(n),)),
            *(score_cell(s.test, True) for s in (c.open, c.close, c.open_ngram, c.close_ngram)),
        ]
        for c in found.categories
    ]
    head = ["category", "openings", "closings", "recall: opening", "recall: closing"]
    head += ["last 2 symbols alone: opening", "last 2 symbols alone: closing"]
    return table(head, rows, "Both brackets of each category, on all test sequences")
