"""The cells people look for: of every label the unit that tells it best, and text coloured by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from naibu.looking.analysis import Analysis, Ask, Numbers, Probed, Results
from naibu.looking.numbers import scored, value
from naibu.probes.found import Found, Search
from naibu.probes.passages import Passages, named_cells, passages
from naibu.probes.results import Correlation, Overlap
from naibu.probes.search import search
from naibu.probes.source import Key
from naibu.reporting.content import Subject
from naibu.reporting.finding import CLOSE, Finding, controlled
from naibu.reporting.markup import Markup
from naibu.reporting.numbers import count, number, share, with_interval
from naibu.reporting.reading import reading
from naibu.reporting.score_table import Scored, Text, layer_column, score_table
from naibu.reporting.section import Pen, Section, labelled_note
from naibu.reporting.words import headline, label_name, leading, on_split, signal_name

READING = (
    "Of everything that is known of each place, which single unit of which signal tells it best? A label that holds or "
    "does not is scored by the AUC, the probability that the unit is higher, or lower, where it holds than where it "
    "does not: .5 knows nothing, 1 tells always. A number is scored by the rank correlation: 1 if the unit rises "
    "whenever the number does, 0 when they are unrelated. The unit is chosen on training sequences among all units of "
    "all signals and scored on test sequences; a label that has a section of its own keeps the unit of that section. "
    "p is how often the best of all units would do as well if the label belonged to other sequences; it is corrected "
    "for the number of units, not for the number of labels."
)
MORE = (
    "“Symbol alone” is what the label's mean after each symbol gives, a table fitted on training sequences: a unit "
    "below it need know no more than the symbol just read. The random label is drawn once per symbol type; it says how "
    "well a unit can know symbols. The text below is of test sequences, taken because most labels change in them, "
    "whatever the network does there; it illustrates and proves nothing. The colour behind a symbol is the unit's "
    "value after that symbol was read; where the unit's label holds the text is underlined."
)
TELLS = 0.95  # AUC from which a unit is said to tell a label


class Named(NamedTuple):
    """The named cells, and text with their values where what is read are symbols."""

    search: Search
    passages: Passages | None
    spaced: bool  # whether symbols stand apart


def _asks(probed: Probed) -> Iterator[Ask]:
    yield Ask("search", lambda: search(probed.recording, untrained=probed.control, named=_named(probed)), reads=True)
    if probed.recording.index.symbols:
        yield Ask("passages", lambda: _passages(probed), reads=True)


def _named(probed: Probed) -> dict[str, dict[Key, int]]:
    """Return the units that stand for a label in a section of its own, by signal, the one spoken of there first."""
    chosen = {}
    for name in ("depth", "label", "phrase"):
        if (found := probed.results.get(Correlation, name)) is not None:
            spoken = leading(found)
            signals = sorted(found.signals, key=lambda each: each is not spoken)
            chosen[found.label] = {(each.layer, each.signal): each.pearson_unit for each in signals}
    if (told := probed.results.get(Overlap, "overlap")) is not None:
        best = told.best()
        chosen[told.label] = {
            (each.layer, each.signal): each.unit for each in sorted(told.signals, key=lambda each: each is not best)
        }
    return chosen


def _passages(probed: Probed) -> Passages:
    found = probed.needed(Search, "search")
    cells = named_cells(found)
    if not cells:
        return Passages(found.run, (), np.zeros(0), ())
    return passages(probed.recording, cells, seed=probed.subject.seed)


def _read(results: Results, subject: Subject) -> Named | None:
    found = results.get(Search, "search")
    return None if found is None else Named(found, results.get(Passages, "passages"), subject.spaced)


def naming(search: Search) -> Finding:
    """Say which label one unit tells best, and how many labels are told better than by an untrained network."""
    if not search.found:
        return Finding("No label was searched.", False)
    best = search.ordered()[0]
    score, split = headline(best.best.scores)
    area = best.statistic == "auc"
    sure = score.value >= (TELLS if area else CLOSE)
    text = (
        f"Of the labels searched, {label_name(best.label)} is told best by one unit, {best.best.unit} of the "
        f"{signal_name(best.best.signal, best.best.layer)}{'' if sure else ', though not surely'}: the "
        f"{'AUC' if area else 'rank correlation'} is {with_interval(score)} ({split}; {_controls(best, split)})."
    )
    bare = _controlled(best, split)
    if bare is not None and not score.low > bare:
        text += f" That training made it so is not shown: what needs no training reaches {number(bare)}."
    if any(found.untrained is not None for found in search.found):
        beyond = sum(_beyond(found) for found in search.found)
        how_many = f"{beyond or 'None'} of {len(search.found)} labels {'is' if beyond == 1 else 'are'}"
        text += (
            f" {how_many} told better than by the best unit of the untrained network (the intervals do not touch) and "
            "than the symbol just read tells them."
        )
    return Finding(text, sure and (bare is None or score.low > bare))


def _controls(found: Found, split: str) -> str:
    controls = {"best of the untrained network": found.controls.untrained, "symbol alone": found.symbol}
    values = {name: controlled(scores, split) for name, scores in controls.items()}
    said = [f"{name}: {number(value)}" for name, value in values.items() if value is not None]
    return "; ".join([*said, f"p = {number(found.p)}, corrected for the units searched"])


def _controlled(found: Found, split: str) -> float | None:
    """Return the greater of what the untrained network and the symbol alone reach."""
    values = (controlled(scores, split) for scores in (found.controls.untrained, found.symbol))
    return max((value for value in values if value is not None), default=None)


def _beyond(found: Found) -> bool:
    score, split = headline(found.best.scores)
    bare, symbol = on_split(found.controls.untrained, split), on_split(found.symbol, split)
    return bare is not None and symbol is not None and score.low > max(bare.high, symbol.value)


def searched(named: Named, pen: Pen) -> Section:
    """Return the section on the named cells."""
    search, text = named.search, named.passages
    texts = () if text is None or not text.cells else (reading(text, f"{pen.name}-text", named.spaced),)
    return Section(
        "The cells people look for",
        f"{READING} {MORE}" if texts else READING,
        texts,
        (_table(search.found), labelled_note(search.found[0].fitted, _skipped(search))) if search.found else (),
    )


def _skipped(search: Search) -> str:
    text = f"Chosen among {count(search.searched)} units; p from {search.permutations} permutations."
    return text + (f" Not searched: {', '.join(search.skipped)}." if search.skipped else "")


def _table(found: Sequence[Found]) -> Markup:
    return score_table(
        "For every label the unit that tells it best",
        Text("label", [label_name(f.label) for f in found]),
        Text("measure", ["AUC" if f.statistic == "auc" else "rank correlation" for f in found]),
        Text("holds in", [share(f.share) for f in found]),
        layer_column([f.best.layer for f in found]),
        Text("unit", [str(f.best.unit) for f in found]),
        Text("signal", [signal_name(f.best.signal, f.best.layer) for f in found]),
        Scored("", [f.best.scores for f in found], both=True),
        Text("p", [number(f.p) for f in found]),
        Scored("best untrained", [f.controls.untrained for f in found]),
        Scored("symbol alone", [f.symbol for f in found]),
        Scored("position alone", [f.controls.position for f in found]),
        Scored("random label", [f.controls.random_label for f in found]),
    )


def _numbers(found: Named) -> Numbers:
    return {
        f.label: {
            "layer": f.best.layer,
            "signal": f.best.signal,
            "unit": f.best.unit,
            **scored(f.statistic, f.best.scores),
            "untrained": value(f.controls.untrained),
            "symbol": value(f.symbol),
            "p": f.p,
        }
        for f in found.search.found
    }


SEARCH = Analysis(
    "search",
    "the cells people look for",
    Named,
    searched,
    lambda found: naming(found.search),
    _asks,
    read=_read,
    numbers=_numbers,
)
