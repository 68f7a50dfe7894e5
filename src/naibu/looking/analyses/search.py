"""The cells people look for: of every label the unit that tells it best, and text coloured by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from naibu.looking.analysis import Analysis, Ask, Numbers, Probed, Results
from naibu.looking.numbers import interval, value
from naibu.probes.found import Search
from naibu.probes.passages import Passages, named_cells, passages
from naibu.probes.search import search
from naibu.reporting.content import Subject
from naibu.reporting.findings.named import naming
from naibu.reporting.sections.search import searched


class Named(NamedTuple):
    """The named cells, and text with their values where what is read are symbols."""

    search: Search
    passages: Passages | None
    spaced: bool  # whether symbols stand apart


def _asks(probed: Probed) -> Iterator[Ask]:
    yield Ask("search", lambda: search(probed.recording, untrained=probed.control), long=True)
    if probed.recording.index.symbols:
        yield Ask("passages", lambda: _passages(probed), reads=True)


def _passages(probed: Probed) -> Passages:
    found = probed.results.get(Search, "search")
    cells = [] if found is None else named_cells(found)
    if not cells:
        return Passages("" if found is None else found.run, (), np.zeros(0), ())
    return passages(probed.recording, cells, seed=probed.subject.seed)


def _read(results: Results, subject: Subject) -> Named | None:
    found = results.get(Search, "search")
    return None if found is None else Named(found, results.get(Passages, "passages"), subject.form != "characters")


def _numbers(found: Named) -> Numbers:
    return {
        f.label: {
            "layer": f.best.layer,
            "signal": f.best.signal,
            "unit": f.best.unit,
            **interval(f.statistic, f.best.scores.test),
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
    lambda found, pen: searched(found.search, found.passages, found.spaced, pen),
    lambda found: naming(found.search),
    asks=_asks,
    read=_read,
    numbers=_numbers,
)
