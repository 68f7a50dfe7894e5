"""The page: one HTML file that needs nothing else, to read on any screen and on paper."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from naibu.probes.passages import Passages
from naibu.reporting.content import Part, Report
from naibu.reporting.markup import Markup, command, element, joined, paragraph
from naibu.reporting.reading import reading, script, script_policy
from naibu.reporting.section import Section
from naibu.storage import deliver_text, sealed_page

LEAD = (
    "A recurrent network reads a sequence place by place and keeps what it needs in a list of numbers, its units. An "
    "LSTM network has two such lists: the cell, its memory, and the hidden state, what it shows of its memory to the "
    "outside. This page looks at each unit and asks what it has learnt of what it read, which nobody told it."
)
NUMBERS = (
    "After a number, [low, high] is its 95 % interval: where it would lie with other sequences of the same kind. "
    "Numbers are of test sequences, which took no part in training; “unseen” are those that do not also occur, place "
    "for place, in the training part. r is the correlation: 1 on a straight line, 0 unrelated."
)
WORDS = (
    ("place", "one step of a sequence: a symbol of a text, an hour of a series"),
    ("unit", "one number inside the network, with a value of its own after every place"),
    (
        "cell, hidden state",
        "the LSTM's memory, and what it shows of it; a GRU or Elman network has a hidden state only",
    ),
    ("gate", "a number between 0 and 1 for each unit, that says how much is kept, taken in or shown"),
    (
        "[low, high]",
        "the 95 % interval, from drawing whole test sequences again 1,000 times; it does not say how another "
        "training run would come out",
    ),
    (
        "all test, unseen",
        "all test sequences, and those of them that do not also occur, place for place, in the training part",
    ),
    (
        "control",
        "the same number where there is nothing to find; a result counts only as far as it exceeds its controls",
    ),
    ("–", "not defined, or not computed"),
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write(report: Report, path: Path) -> None:
    """Write a report as one HTML file, whole or not at all. Raises StoredError where it cannot be written."""
    deliver_text(Path(path), sealed_page(render(report)))


def render(report: Report) -> str:
    """Return a report as HTML; equal reports give equal text."""
    explained: set[str] = set()
    main = joined(
        element("h1", report.title),
        paragraph(f"Made {report.made}.", "quiet"),
        paragraph(LEAD),
        _found(report),
        _contents(report),
        _words(),
        *(_network(part, explained) for part in report.parts),
        element("footer", paragraph(f"{report.title}, made {report.made}."), command(report.command)),
    )
    return document(report.title, main, switched=any(s.switched for part in report.parts for s in part.sections))


def write_reading(found: Passages, form: str, title: str, path: Path) -> None:
    """Write a page of coloured text alone, with the choice of its cells. Raises StoredError as `write` does."""
    main = joined(element("h1", title), reading(found, "text", form != "characters"))
    deliver_text(Path(path), document(title, main, switched=True))


def document(title: str, main: Markup, *, switched: bool = False, rules: str = "") -> str:
    """Return a page in this project's style, `rules` added to it; it loads nothing.

    Only a `switched` one has a script, and allows that one alone.
    """
    policy, last = (_POLICY + script_policy(), element("script", script())) if switched else (_POLICY, Markup(""))
    style = files("naibu.reporting").joinpath("style.css").read_text(encoding="utf-8")
    head = joined(
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        element("title", title),
        element("style", Markup(style + rules)),
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body><main>{main}</main>{last}</body></html>\n'


def _found(report: Report) -> Markup:
    parts: list[str] = [element("h2", "What we found", id="found"), paragraph(NUMBERS, "quiet")]
    for part in report.parts:
        link = element("a", part.subject.name, href=f"#{part.anchor}")
        read = f": {part.subject.reads}" if part.subject.reads else ""
        parts.append(element("h4", link, read))
        items = [element("li", f.text, class_="present" if f.present else "absent") for f in part.findings]
        parts.append(element("ul", *items, class_="findings") if items else paragraph("Nothing was probed."))
    return element("section", *parts)


def _contents(report: Report) -> Markup:
    items = []
    for part in report.parts:
        inner = [element("li", element("a", s.title, href=f"#{part.anchor}-{s.key}")) for s in part.sections]
        link = element("a", element("strong", part.subject.name), href=f"#{part.anchor}")
        items.append(element("li", link, element("ol", *inner)))
    return element("nav", element("h2", "Contents"), element("ol", *items), aria_label="Contents")


def _words() -> Markup:
    pairs = (joined(element("dt", word), element("dd", meaning)) for word, meaning in WORDS)
    return joined(element("h2", "Words used in every table"), element("dl", *pairs, class_="words"))


def _network(part: Part, explained: set[str]) -> Markup:
    parts = [element("h2", f"The network {part.subject.name}", id=part.anchor, class_="network")]
    parts += [_section(f"{part.anchor}-{section.key}", section, explained) for section in part.sections]
    if part.missing:
        missing = ", ".join(part.missing)
        parts.append(
            paragraph(f"Not in this report, because it was not computed or does not apply: {missing}.", "quiet")
        )
    return element("section", *parts, aria_labelledby=part.anchor)


def _section(anchor: str, section: Section, explained: set[str]) -> Markup:
    reading = Markup("") if section.reading in explained else paragraph(section.reading)
    explained.add(section.reading)
    return element(
        "section",
        element("h3", section.title, id=anchor),
        reading,
        paragraph(section.says, "says") if section.says else Markup(""),
        *section.figures,
        *section.tables,
        command(section.command),
        aria_labelledby=anchor,
    )
