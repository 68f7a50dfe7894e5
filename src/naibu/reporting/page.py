"""The page: one HTML file that needs nothing else, to read on any screen and on paper."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from naibu.probes.passages import Passages
from naibu.reporting.content import Part, Report
from naibu.reporting.markup import Markup, command, element, folded, joined, paragraph
from naibu.reporting.reading import reading
from naibu.reporting.section import Section
from naibu.reporting.training import cut_short
from naibu.storage import deliver_text, sealed_page

LEAD = (
    "A recurrent network reads a sequence place by place and keeps what it needs in a list of numbers, its units. An "
    "LSTM network has two such lists: the cell, its memory, and the hidden state, what it shows of its memory to the "
    "outside. This page looks at each unit and asks what it has learnt of what it read, which nobody told it."
)
SIGNS = "A filled mark (●): found, and above its controls. A hollow mark (○): looked for, and not shown."
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
MAIN = ("depth", "label", "phrase", "search", "holding")
"""Questions that stand open on the page, in this order; the others are folded under their answer in a line."""
NEXT = (
    ("naibu colour {run} --text '...'", "colour a text of your own by any unit"),
    ("naibu intervene {run} --unit 17", "hold another unit still"),
    ("naibu probe {run} --label LABEL", "ask which unit follows another label"),
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write(report: Report, path: Path) -> None:
    """Write a report as one HTML file, whole or not at all. Raises StoredError where it cannot be written."""
    deliver_text(Path(path), sealed_page(render(report)))


def render(report: Report) -> str:
    """Return a report as HTML; equal reports give equal text."""
    main = joined(
        _opening(report),
        _found(report),
        *_questions(report),
        _words(report),
        _next(report),
        element("footer", *map(paragraph, _made(report)), command(report.command)),
    )
    return document(report.title, main)


def write_reading(found: Passages, spaced: bool, title: str, path: Path, *, own: bool) -> None:
    """Write a page of coloured text alone, with the choice of its cells. Raises StoredError as `write` does."""
    of = "Your text" if own else "Text of the test part, which took no part in training"
    text = reading(found, "text", spaced, own=own)
    main = joined(element("p", of, class_="eyebrow"), element("h1", title), text)
    deliver_text(Path(path), document(title, main))


def document(title: str, main: Markup, *, rules: str = "") -> str:
    """Return a page in this project's style, `rules` added to it; it loads nothing.

    It has one script, known by its hash, and allows no other: it switches the unit of coloured texts, and makes what
    scrolls a stop of the tab key, and nothing else.
    """
    script = Markup(files("naibu.reporting").joinpath("page.js").read_text(encoding="utf-8").strip())
    policy = f"{_POLICY}; script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
    style = files("naibu.reporting").joinpath("style.css").read_text(encoding="utf-8")
    head = joined(
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        element("title", title),
        element("style", Markup(style + rules)),
    )
    body, classes = _styled_once(main)
    head = joined(head, element("style", Markup(classes))) if classes else head
    whole = f"<body><main>{body}</main><script>{script}</script></body>"
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n{whole}</html>\n'


def _styled_once(main: str) -> tuple[str, str]:
    """Return a page's content with a class in place of each style that its drawings repeat, and the classes."""
    counts = Counter(re.findall(r'<(?!svg)[a-z]+(?: (?!class=)[\w:-]+="[^"]*")*? style="([^"]{12,})"', main))
    names = {style: f"k{number}" for number, (style, count) in enumerate(counts.most_common()) if count > 3}
    body = re.sub(
        r'(<(?!svg)[a-z]+(?: (?!class=)[\w:-]+="[^"]*")*?) style="([^"]{12,})"',
        lambda m: f'{m[1]} class="{names[m[2]]}"' if m[2] in names else m[0],
        main,
    )
    return body, "\n".join(f".{name} {{ {style} }}" for style, name in names.items())


def _opening(report: Report) -> Markup:
    """Return the first screen: the clearest finding and its proof."""
    if report.opening is None:
        return joined(element("h1", report.title), paragraph(LEAD))
    part, opening = report.opening
    link = element("a", part.subject.name, href=f"#{part.anchor}")
    trained = f" ({part.subject.training['cell']}, trained here)" if "cell" in part.subject.training else ""
    short = cut_short(part.subject.metrics, part.subject.commands.get("longer", ""))
    read = f", which read {part.subject.reads}" if part.subject.reads else ""
    return element(
        "header",
        paragraph(report.title, "eyebrow"),
        element("h1", opening.sentence),
        paragraph(opening.proof, "proof"),
        element("div", *map(Markup, opening.figures), class_="panels"),
        element("p", "The network ", link, f"{trained}{read}. ", LEAD, class_="quiet"),
        *(paragraph(aside, "quiet") for aside in (short, part.subject.differs) if aside),
        class_="opening",
    )


def _found(report: Report) -> Markup:
    """Return a line for every finding, with all that is to be said of it behind a click."""
    networks = []
    for part in report.parts:
        read = f": {part.subject.reads}" if part.subject.reads else ""
        parts = [element("h3", part.subject.name, read, id=part.anchor)]
        if part.opening is not None and report.opening is not None and part is not report.opening[0]:
            parts.append(paragraph(f"{part.opening.sentence} {part.opening.proof}"))
        items = []
        for finding in part.findings:
            more = paragraph(finding.text, "quiet")
            kind = "present" if finding.present else "absent"
            sign = element("span", "shown: " if finding.present else "not shown: ", class_="unseen")
            items.append(element("li", sign, folded(brief(finding.text), more), class_=kind))
        parts.append(element("ul", *items, class_="findings") if items else paragraph("Nothing was probed."))
        networks.append(element("section", *parts))
    signs = paragraph(f"{SIGNS} {NUMBERS}", "quiet")
    heading = element("h2", "What was found", id="found")
    return element("section", heading, element("div", *networks, class_="networks"), signs)


def brief(text: str) -> str:
    """Return the first sentence of a finding without intervals and what stands in brackets."""
    first = re.sub(r" \[[^\]]*\]", "", text)
    while (shorter := re.sub(r" ?\([^()]*\)", "", first)) != first:
        first = shorter
    first = re.split(r"(?<=[.;])\s+(?=[A-Z])|; (?!p)", first, maxsplit=1)[0].strip()
    return first.rstrip(".;") + "."


def _questions(report: Report) -> Iterator[Markup]:
    """Yield a section for every question, the networks side by side in it; all but the main ones are folded."""
    keys = list(dict.fromkeys(section.key for part in report.parts for section in part.sections))
    keys.sort(key=lambda key: MAIN.index(key) if key in MAIN else len(MAIN))
    for key in keys:
        found = [(part, section) for part in report.parts for section in part.sections if section.key == key]
        title, how = " / ".join(dict.fromkeys(section.title for _, section in found)), found[0][1].reading
        own = [_network(part, section, len(report.parts) > 1) for part, section in found]
        inside = joined(
            folded("What is measured, and how to read it", paragraph(how)) if how else Markup(""),
            element("div", *own, class_="networks"),
        )
        if key in MAIN:
            yield element("section", element("h2", title), inside)
        else:
            said = brief(found[0][1].says) if found[0][1].says else ""
            summary = element("summary", element("h2", title), element("span", said, class_="quiet"))
            yield element("section", element("details", summary, inside, class_="question"))


def _network(part: Part, section: Section, several: bool) -> Markup:
    """Return what one network says to a question: its first picture, and behind a click all the rest."""
    anchor = f"{part.anchor}-{section.key}"
    shown, rest = section.figures[:1], section.figures[1:]
    return element(
        "section",
        element("h3", part.subject.name if several else section.title, id=anchor, class_="" if several else "unseen"),
        paragraph(section.says, "says") if section.says else Markup(""),
        *shown,
        folded("More plots, the numbers and the command", *rest, *section.tables, command(section.command)),
        aria_labelledby=anchor,
    )


def _made(report: Report) -> Iterator[str]:
    """Yield when and with what the page was made, and which data its networks learnt."""
    yield f"{report.title}, made {report.made}."
    read: dict[str, list[str]] = {}
    for part in report.parts:
        read.setdefault(part.subject.corpus, []).append(part.subject.name)
    yield from (f"{', '.join(names)}: {corpus}." for corpus, names in read.items() if corpus)


def _words(report: Report) -> Markup:
    pairs = (joined(element("dt", word), element("dd", meaning)) for word, meaning in WORDS)
    parts = [folded("Words used in every table", element("dl", *pairs, class_="words"))]
    for part in report.parts:
        if part.missing:
            missing = ", ".join(part.missing)
            named = f"Not in this report of {part.subject.name}, because it was not computed or does not apply: "
            parts.append(paragraph(f"{named}{missing}.", "quiet"))
    return element("section", *parts)


def _next(report: Report) -> Markup:
    """Return what can be typed next, with these networks filled in."""
    part = report.parts[0] if report.opening is None else report.opening[0]
    lines = [(words.format(run=part.subject.commands["run"]), does) for words, does in NEXT if part.subject.commands]
    if not lines:
        return Markup("")
    items = (element("li", element("code", line), f": {does}") for line, does in lines)
    return element("section", element("h2", "What next"), element("ul", *items))
