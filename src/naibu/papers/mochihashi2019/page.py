"""The page of the study: each published figure, ours under it, the plot, and what the control says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from naibu.looking.report import part_of
from naibu.papers.mochihashi2019.line import HOLDS, NOT, PARTLY
from naibu.papers.mochihashi2019.lines import row_name
from naibu.papers.mochihashi2019.networks import FORMS, Network
from naibu.papers.mochihashi2019.questions import TABLES, Table
from naibu.papers.mochihashi2019.study import Study
from naibu.papers.mochihashi2019.study_tables import HEAD, applying, cells
from naibu.papers.runner import Reproduced
from naibu.reporting.markup import Markup, element, folded, joined, paragraph, table
from naibu.reporting.page import document
from naibu.reporting.section import Section
from naibu.reporting.words import capital
from naibu.storage import sealed_page, write_text

TITLE = "How LSTM Encodes Syntax: the study again"
LEAD = (
    "Shibata, Uchiumi and Mochihashi (COLING 2020) trained LSTM language models on five kinds of text from the Penn "
    "Treebank and looked inside them. This page asks the same of networks trained on {corpus}, in the order of "
    "the document: what it says, what was obtained, and what the same number is where there is nothing to find."
)
READING = (
    "Everything was chosen and fitted on training sequences and is scored on test sequences that do not occur in "
    "training, unless another place is named. Brackets after a number: its 95 % interval from resampling whole "
    "sentences; it does not say how another training would come out. Verdicts compare with the document's words or "
    "numbers, on other data."
)
WIDER = "body { max-width: 80rem; }"
Shown = dict[Network, tuple[Section, ...]]


def write(study: Study, rows: Sequence[Reproduced], extra: dict[str, Markup], path: Path, made: str) -> None:
    """Write the page, whole or not at all; `extra` is what spans several networks, by the title of its table."""
    write_text(path, sealed_page(render(study, rows, extra, made)))


def render(study: Study, rows: Sequence[Reproduced], extra: dict[str, Markup], made: str) -> str:
    """Return the page; equal results give an equal page."""
    shown = {n: part_of(study.places(n), _id(n.name)).sections for n in _drawn(study)}
    kept = [about for about in TABLES if applying(rows, about.title) or about.title in extra]
    main = joined(
        element("h1", TITLE),
        paragraph(f"Made {made}.", "quiet"),
        paragraph(LEAD.format(corpus=study.title)),
        paragraph(READING, "quiet"),
        _in_short(rows),
        element(
            "nav",
            element("h2", "Contents"),
            element("ol", *(element("li", element("a", t.title, href=f"#{_anchor(t)}")) for t in kept)),
            aria_label="Contents",
        ),
        *(_table(about, rows, shown, extra.get(about.title)) for about in kept),
        element("footer", paragraph(f"Everything about one network: `naibu report {study.out}`.", "quiet")),
    )
    return document(TITLE, main, rules=WIDER)


def _drawn(study: Study) -> list[Network]:
    """Return the networks whose plots are shown: of type 1 the one whose seeds are compared, else the largest.

    Of the largest, every rate of dropout.
    """
    drawn: list[Network] = []
    for kind in FORMS:
        own = study.size.of(kind)
        most = max((network.units for network in own), default=0)
        drawn += own[:1] if kind == 1 else [network for network in own if network.units == most]
    return drawn


def _anchor(about: Table) -> str:
    return _id(about.title.lower())


def _id(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)


def _in_short(rows: Sequence[Reproduced]) -> Markup:
    """Count the verdicts of all lines that the document makes a claim for."""
    own = [row for about in TABLES for row in applying(rows, about.title) if row.published]
    counted = Counter(row.verdict for row in own)
    order = (HOLDS, PARTLY, NOT)
    items = [
        element("li", f"{verdict}: {count} of {len(own)} numbers", class_="present" if verdict == HOLDS else "absent")
        for verdict, count in sorted(counted.items(), key=lambda pair: [*order, pair[0]].index(pair[0]))
    ]
    return element("section", element("h2", "In short"), element("ul", *items, class_="findings"))


def _table(about: Table, rows: Sequence[Reproduced], shown: Shown, more: Markup | None) -> Markup:
    own = [cells(row) for row in applying(rows, about.title)]
    body = [table(HEAD, own, about.title)] if own else []
    return element(
        "section",
        element("h2", about.title, id=_anchor(about), class_="network"),
        paragraph(joined(element("strong", "The document: "), about.says)),
        *body,
        *([paragraph(about.ours)] if about.ours else []),
        *([more] if more is not None else []),
        *_plots(about, shown),
        aria_labelledby=_anchor(about),
    )


def _plots(about: Table, shown: Shown) -> Iterator[Markup]:
    for network, found in shown.items():
        if network.type in about.types:
            yield from (_section(network, section) for section in found if section.key in about.sections)


def _section(network: Network, section: Section) -> Markup:
    return element(
        "section",
        element("h3", f"{capital(row_name(network))}: {section.title}"),
        paragraph(section.says, "says"),
        *section.figures,
        folded("How to read it, and all numbers", paragraph(section.reading), *section.tables),
    )
