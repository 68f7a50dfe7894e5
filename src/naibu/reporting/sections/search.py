"""The named cells: which unit tells each label best, and held-out text coloured by them."""

from __future__ import annotations

from collections.abc import Sequence

from naibu.probes.found import Found, Search
from naibu.probes.passages import Passages
from naibu.reporting.markup import Safe
from naibu.reporting.numbers import count, number, share
from naibu.reporting.reading import reading
from naibu.reporting.sections.section import Pen, Scored, Section, Text, labelled_note, layer_column, score_table
from naibu.reporting.words import label_name, signal_name

READING = (
    "Of everything that is known of each place, which single unit of which signal tells it best? A label that holds or "
    "does not is scored by the AUC, the probability that the unit is higher, or lower, where it holds than where it "
    "does not: .5 knows nothing, 1 tells always. A number is scored by the rank correlation: 1 if the unit rises "
    "whenever the number does, 0 when they are unrelated. The unit is chosen on training sequences among all units of "
    "all signals and scored on test sequences. p is how often the best of all units would do as well if the label "
    "belonged to other sequences; it is corrected for the number of units, not for the number of labels."
)
MORE = (
    "“Symbol alone” is what the label's mean after each symbol gives, a table fitted on training sequences: a unit "
    "below it need know no more than the symbol just read. The random label is drawn once per symbol type; it says how "
    "well a unit can know symbols. The text below is of test sequences, taken because most labels change in them, "
    "whatever the network does there; it illustrates and proves nothing. The colour behind a symbol is the unit's "
    "value after that symbol was read; where the unit's label holds the text is underlined."
)


def searched(search: Search, passages: Passages | None, spaced: bool, pen: Pen) -> Section:
    """Return the section on the named cells; `spaced` says whether symbols stand apart."""
    texts = () if passages is None or not passages.cells else (reading(passages, f"{pen.name}-text", spaced),)
    return Section(
        "The cells people look for",
        f"{READING} {MORE}" if texts else READING,
        texts,
        (_table(search.found), labelled_note(search.found[0].fitted, _skipped(search))) if search.found else (),
        switched=bool(texts),
    )


def _skipped(search: Search) -> str:
    text = f"Chosen among {count(search.searched)} units; p from {search.permutations} permutations."
    return text + (f" Not searched: {', '.join(search.skipped)}." if search.skipped else "")


def _table(found: Sequence[Found]) -> Safe:
    return score_table(
        "For every label the unit that tells it best",
        Text("label", [label_name(f.label) for f in found]),
        Text("measure", ["AUC" if f.statistic == "auc" else "rank correlation" for f in found]),
        Text("holds in", [share(f.share) for f in found]),
        layer_column([f.best.layer for f in found]),
        Text("unit", [str(f.best.unit) for f in found]),
        Text("signal", [signal_name(f.best.signal) for f in found]),
        Scored("", [f.best.scores for f in found], both=True),
        Text("p", [number(f.p) for f in found]),
        Scored("best untrained", [f.controls.untrained for f in found]),
        Scored("symbol alone", [f.symbol for f in found]),
        Scored("position alone", [f.controls.position for f in found]),
        Scored("random label", [f.controls.random_label for f in found]),
    )
