"""The named cells: which unit tells each label best, and held-out text coloured by them."""

from __future__ import annotations

from naibu.probes.found import Found, Search
from naibu.probes.passages import Passages
from naibu.probes.results import Scores
from naibu.reporting.content import NetworkPart
from naibu.reporting.findings import naming
from naibu.reporting.markup import Markup, score_cell, table
from naibu.reporting.numbers import count, number, share
from naibu.reporting.reading import reading
from naibu.reporting.sections.section import (
    Section,
    command_for,
    has_unseen,
    labelled_note,
    score_cells,
    score_heads,
    split_of,
)
from naibu.reporting.words import label_name, on_split, signal_name

READING = (
    "Of everything that is known of each place, which single unit of which signal tells it best? A label that holds "
    "or does not (inside a string) is scored by the AUC, the probability that the unit is higher, or lower, where it "
    "holds than where it does not: .5 knows nothing, 1 tells always. A number (the line position) is scored by the "
    "rank correlation: 1 if the unit rises whenever the number does, 0 when they are unrelated. The unit is chosen on "
    "training sequences among all units of all signals and scored on test sequences. p is how often the best of all "
    "units would do as well if the label belonged to other sequences; it is corrected for the number of units, not "
    "for the number of labels."
)
MORE = (
    "“Symbol alone” is what the label's mean after each symbol gives, a table fitted on training sequences: a unit "
    "below it need know no more than the symbol just read. The random label is drawn once per symbol type; it says "
    "how well a unit can know symbols. The text below is of test sequences, taken because most labels change in them, "
    "whatever the network does there; it illustrates and proves nothing. The colour behind a symbol is the unit's "
    "value after that symbol was read; where the unit's label holds the text is underlined."
)


def searched(part: NetworkPart, search: Search, passages: Passages | None, name: str) -> Section:
    """Return the section on the named cells; `name` begins every id in it."""
    texts = () if passages is None or not passages.cells else (reading(passages, f"{name}-text", part.form),)
    return Section(
        "search",
        "The cells people look for",
        f"{READING} {MORE}" if texts else READING,
        naming(search).text,
        texts,
        (_table(search), labelled_note(search.found[0].fitted, _skipped(search))) if search.found else (),
        command_for(part, "search", "depth", "report"),
    )


def _skipped(search: Search) -> str:
    text = f"Chosen among {count(search.searched)} units; p from {search.permutations} permutations."
    return text + (f" Not searched: {', '.join(search.skipped)}." if search.skipped else "")


def _controls(found: Found) -> tuple[Scores | None, ...]:
    return found.controls.untrained, found.symbol, found.controls.position, found.controls.random_label


def _table(search: Search) -> Markup:
    scores = [found.best.scores for found in search.found]
    unseen, split = has_unseen(scores), split_of(scores)
    layers = len({found.best.layer for found in search.found}) > 1
    where = " (unseen)" if split == "unseen" else ""
    head = ["label", "measure", "holds in", *(["layer"] if layers else []), "unit", "signal", *score_heads(unseen)]
    head += ["p", f"best untrained{where}", f"symbol alone{where}", f"position alone{where}"]
    head += [f"random label{where}"]
    rows = [
        [
            label_name(found.label),
            "AUC" if found.statistic == "auc" else "rank correlation",
            share(found.share),
            *([found.best.layer] if layers else []),
            str(found.best.unit),
            signal_name(found.best.signal),
            *score_cells(found.best.scores, unseen),
            number(found.p),
            *(
                score_cell(on_split(control, split))
                for control in (
                    found.controls.untrained,
                    found.symbol,
                    found.controls.position,
                    found.controls.random_label,
                )
            ),
        ]
        for found in search.found
    ]
    return table(head, rows, "For every label the unit that tells it best")
