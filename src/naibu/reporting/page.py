"""The page: one HTML file that needs nothing else, to read on any screen and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from naibu.probes.passages import Passages
from naibu.reporting.content import NetworkPart, Report
from naibu.reporting.findings import findings
from naibu.reporting.markup import Markup, command, element, joined, paragraph
from naibu.reporting.reading import reading, script, script_policy
from naibu.reporting.sections.bracket_prediction import brackets_predicted
from naibu.reporting.sections.components import along_components, one_word
from naibu.reporting.sections.distributions import distributed
from naibu.reporting.sections.intervention import held
from naibu.reporting.sections.part_of_speech import parts_of_speech
from naibu.reporting.sections.probing import regressed, sparse
from naibu.reporting.sections.search import searched
from naibu.reporting.sections.section import Pen, Section
from naibu.reporting.sections.ternary import rounded
from naibu.reporting.sections.timescales import kept
from naibu.reporting.sections.training import predicts, trained
from naibu.reporting.sections.units import follows, tells_apart
from naibu.reporting.sections.word_types import word_types
from naibu.reporting.words import FORMS
from naibu.storage import write_text

LEAD = (
    "A recurrent network reads one symbol after another and keeps what it needs in a list of numbers, its units. An "
    "LSTM "
    "network has two such lists: the cell, its memory, and the hidden state, what it shows of its memory to the "
    "outside. "
    "This page looks at each unit and asks what it has learnt about the structure of the text, which nobody told it."
)
BRACKETS = (
    "The brackets after a number are its 95 % interval: where it would lie with other sequences of the same kind. "
    "Numbers are of test sequences, which took no part in training; “unseen” are those whose symbols do not occur "
    "in this "
    "order in the training part either. r is the correlation: 1 on a straight line, 0 unrelated."
)
WORDS = (
    ("unit", "one number inside the network, with a value of its own after every symbol"),
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
        "all test sequences, and those of them that do not also occur, symbol for symbol, in the training part",
    ),
    (
        "control",
        "the same number where there is nothing to find; a result counts only as far as it exceeds its controls",
    ),
    ("–", "not defined, or not computed"),
)
OPTIONAL = {
    "confusion": "how well it predicts",
    "bracket_prediction": "which brackets it foresees",
    "depth": "which unit follows the depth",
    "phrase": "which unit follows the depth of a phrase",
    "overlap": "one unit telling inside from outside",
    "distributions": "how the values are distributed",
    "regression": "linear models of the depth",
    "phrase_regression": "models of the depth of a phrase",
    "l1": "few units telling inside from outside",
    "part_of_speech": "one part of speech told from another",
    "components": "words along principal components",
    "unique_components": "each word once along principal components",
    "word_tokens": "one word with several functions",
    "search": "the cells people look for",
    "timescales": "how long units keep what they hold",
    "holding": "the intervention",
    "ternary": "the update rounded to three levels",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write(report: Report, path: Path) -> None:
    """Write a report as one HTML file, whole or not at all. Raises StoredError where it cannot be written."""
    write_text(Path(path), render(report))


def render(report: Report) -> str:
    """Return a report as HTML; equal reports give equal text."""
    pages = [(f"network-{k + 1}", part, sections(part, f"network-{k + 1}")) for k, part in enumerate(report.parts)]
    explained: set[str] = set()
    main = joined(
        element("h1", report.title),
        paragraph(f"Made {report.made}.", "quiet"),
        paragraph(LEAD),
        _found(report),
        _contents(pages),
        _words(),
        *(_network(name, part, found, explained) for name, part, found in pages),
        element("footer", paragraph(f"{report.title}, made {report.made}."), command(report.command)),
    )
    switched = any(
        part.search is not None and part.passages is not None and part.passages.cells for part in report.parts
    )
    return document(report.title, main, switched=switched)


def write_reading(found: Passages, form: str, title: str, path: Path) -> None:
    """Write a page of coloured text alone, with the choice of its cells. Raises StoredError as `write` does."""
    main = joined(element("h1", title), reading(found, "text", form))
    write_text(Path(path), document(title, main, switched=True))


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


def sections(part: NetworkPart, name: str) -> list[Section]:
    """Return the sections of a network that there are results for; `name` begins every id in them."""
    return list(_sections(part, name))


def _sections(part: NetworkPart, name: str) -> Iterator[Section]:
    def pen(key: str) -> Pen:
        return Pen(f"{name}-{key}-figure")

    yield trained(part, pen("train"))
    if part.confusion is not None:
        yield predicts(part, part.confusion, pen("confusion"))
    if part.bracket_prediction is not None:
        yield brackets_predicted(part, part.bracket_prediction, pen("bracket_prediction"))
    if part.depth is not None:
        yield follows(part, part.depth, pen("depth"))
    if part.phrase is not None:
        yield follows(part, part.phrase, pen("phrase"), "phrase")
    if part.overlap is not None:
        yield tells_apart(part, part.overlap, pen("overlap"))
    if part.search is not None:
        yield searched(part, part.search, part.passages, f"{name}-search")
    if part.l1 is not None:
        yield sparse(part, part.l1, pen("l1"))
    if part.regression:
        yield regressed(part, part.regression, pen("regression"))
    if part.phrase_regression is not None:
        yield regressed(part, (part.phrase_regression,), pen("phrase_regression"), "phrase_regression")
    if part.part_of_speech is not None:
        yield parts_of_speech(part, part.part_of_speech, pen("part_of_speech"))
    if part.components is not None:
        yield along_components(part, part.components, pen("components"))
    if part.unique_components is not None:
        yield word_types(part, part.unique_components, pen("unique_components"))
    if part.word_tokens is not None:
        yield one_word(part, part.word_tokens, part.neighbours, pen("word_tokens"))
    if part.distributions is not None:
        yield distributed(part, part.distributions, pen("distributions"))
    if part.timescales is not None:
        yield kept(part, part.timescales, pen("timescales"))
    if part.holding is not None:
        yield held(part, part.holding, pen("holding"))
    if part.ternary is not None:
        yield rounded(part, part.ternary, pen("ternary"))


def _found(report: Report) -> Markup:
    parts: list[str] = [element("h2", "What we found", id="found"), paragraph(BRACKETS, "quiet")]
    for k, part in enumerate(report.parts):
        form = f": {FORMS[part.form]}" if part.form in FORMS else ""
        link = element("a", part.name, href=f"#network-{k + 1}")
        parts.append(element("h4", link, form))
        items = [element("li", f.text, class_="present" if f.present else "absent") for f in findings(part)]
        parts.append(element("ul", *items, class_="findings") if items else paragraph("Nothing was probed."))
    return element("section", *parts)


def _contents(pages: list[tuple[str, NetworkPart, list[Section]]]) -> Markup:
    items = []
    for name, part, found in pages:
        inner = [element("li", element("a", s.title, href=f"#{name}-{s.key}")) for s in found]
        items.append(element("li", element("a", element("strong", part.name), href=f"#{name}"), element("ol", *inner)))
    return element("nav", element("h2", "Contents"), element("ol", *items), aria_label="Contents")


def _words() -> Markup:
    pairs = (joined(element("dt", word), element("dd", meaning)) for word, meaning in WORDS)
    return joined(element("h2", "Words used in every table"), element("dl", *pairs, class_="words"))


def _network(name: str, part: NetworkPart, found: list[Section], explained: set[str]) -> Markup:
    parts: list[str] = [element("h2", f"The network {part.name}", id=name, class_="network")]
    for section in found:
        parts.append(_section(name, section, explained))
    there = {section.key for section in found}
    missing = [words for key, words in OPTIONAL.items() if key not in there]
    if missing:
        parts.append(
            paragraph(
                f"Not in this report, because it was not computed or does not apply: {', '.join(missing)}.", "quiet"
            )
        )
    return element("section", *parts, aria_labelledby=name)


def _section(name: str, section: Section, explained: set[str]) -> Markup:
    anchor = f"{name}-{section.key}"
    if section.key in explained:
        reading = Markup("")
    else:
        reading = paragraph(section.reading)
        explained.add(section.key)
    return element(
        "section",
        element("h3", section.title, id=anchor),
        reading,
        paragraph(section.says, "says"),
        *section.figures,
        *section.tables,
        command(section.command),
        aria_labelledby=anchor,
    )
