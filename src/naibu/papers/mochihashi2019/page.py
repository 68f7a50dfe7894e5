"""The page of the study: what a cell does and what came out of every claim; then the questions, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from naibu.looking.report import part_of
from naibu.papers.mochihashi2019.findings import findings, in_short
from naibu.papers.mochihashi2019.learning import FALLING, ORDER, unready
from naibu.papers.mochihashi2019.lines import row_name
from naibu.papers.mochihashi2019.networks import FORMS, Network
from naibu.papers.mochihashi2019.questions import TABLES, Table
from naibu.papers.mochihashi2019.study import Study
from naibu.papers.mochihashi2019.study_tables import HEAD, applying, cells
from naibu.papers.runner import Reproduced
from naibu.reporting.content import Part
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
HALVES = (
    "In this quick version each network was trained a second time, with half the steps. A number decides nothing, for "
    f"the document or against it, unless the network foresees more than a table of {ORDER} symbols does, its loss lies "
    f"less than {FALLING:.0%} below that of the half, and the verdict on the half is the same."
)
WIDER = "body { max-width: 80rem; }"
LONG = 6
"""Rows from which a table is folded."""


def write(study: Study, rows: Sequence[Reproduced], extra: dict[str, Markup], path: Path, made: str, more: str) -> None:
    """Write the page, whole or not at all; `extra` is what spans several networks, by the title of its table.

    `more` says what this version leaves to a longer one, and how that is typed.
    """
    write_text(path, sealed_page(render(study, rows, extra, made, more)))


def render(study: Study, rows: Sequence[Reproduced], extra: dict[str, Markup], made: str, more: str) -> str:
    """Return the page; equal results give an equal page."""
    shown = {n: part_of(study.places(n), _id(n.name)) for n in _drawn(study)}
    kept = [about for about in TABLES if applying(rows, about.title) or about.title in extra]
    main = joined(
        _opening(study, rows, shown, more),
        folded(
            "How this was made, and how numbers are judged",
            paragraph(LEAD.format(corpus=study.title)),
            *_reading(study),
        ),
        element(
            "nav",
            element("h2", "Contents"),
            element("ol", *(element("li", element("a", t.title, href=f"#{_anchor(t)}")) for t in kept)),
            aria_label="Contents",
        ),
        *(_table(about, rows, shown, extra.get(about.title)) for about in kept),
        element(
            "footer",
            paragraph(f"{TITLE}, made {made}. Everything about one network: `naibu report {study.out}`."),
        ),
    )
    return document(TITLE, main, rules=WIDER)


def _opening(study: Study, rows: Sequence[Reproduced], shown: Mapping[Network, Part], more: str) -> Markup:
    """Return the first screen: what the clearest cell does, its picture, and what came out of every claim."""
    seen = [(unready(study, network), network, part) for network, part in shown.items() if part.opening]
    best = max(seen, key=lambda one: (not one[0], one[2].opening.strength if one[2].opening else 0.0), default=None)
    found = [
        element("li", finding.text, class_="present" if finding.present else "absent") for finding in findings(rows)
    ]
    return element(
        "header",
        paragraph(f"{TITLE}, on {study.title}", "eyebrow"),
        *([element("h1", "No unit was asked about.")] if best is None else _cell(*best)),
        element("h2", f"Of what the document says, {in_short(rows)}."),
        element("ul", *found, class_="findings"),
        *([paragraph(more)] if more else []),
        class_="opening",
    )


def _cell(said: str, network: Network, part: Part) -> list[Markup]:
    """Return what the best cell of a network does, the proof and its picture.

    `said` is the verdict where the network decides nothing of the document yet.
    """
    if part.opening is None:
        return []
    read = f", which read {part.subject.reads}" if part.subject.reads else ""
    wanting = f" It decides nothing of the document yet: {said}." if said else ""
    return [
        element("h1", part.opening.sentence),
        paragraph(f"{part.opening.proof} ({capital(row_name(network))}{read}.{wanting})", "proof"),
        element("div", Markup(part.opening.figures[0]), class_="panels"),
    ]


def _reading(study: Study) -> list[Markup]:
    return [paragraph(READING), *([paragraph(HALVES)] if study.size.halved else [])]


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


def _table(about: Table, rows: Sequence[Reproduced], shown: Mapping[Network, Part], more: Markup | None) -> Markup:
    own = [cells(row) for row in applying(rows, about.title)]
    body = [table(HEAD, own, about.title)] if own else []
    if len(own) >= LONG:
        body = [folded(f"All {len(own)} numbers", *body)]
    return element(
        "section",
        element("h2", about.title, id=_anchor(about), class_="network"),
        paragraph(joined(element("strong", "The document: "), about.says)),
        *([paragraph(about.ours)] if about.ours else []),
        *([more] if more is not None else []),
        *_plots(about, shown),
        *body,
        aria_labelledby=_anchor(about),
    )


def _plots(about: Table, shown: Mapping[Network, Part]) -> Iterator[Markup]:
    for network, part in shown.items():
        if network.type in about.types:
            yield from (_section(network, section) for section in part.sections if section.key in about.sections)


def _section(network: Network, section: Section) -> Markup:
    return element(
        "section",
        element("h3", f"{capital(row_name(network))}: {section.title}"),
        paragraph(section.says, "says"),
        *section.figures,
        folded("How to read it, and all numbers", paragraph(section.reading), *section.tables),
    )
