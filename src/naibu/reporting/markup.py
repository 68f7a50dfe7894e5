"""Pieces of HTML: whatever is not Markup already is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup as Markup
from markupsafe import escape

from naibu.probes.results import Score
from naibu.reporting.numbers import scored

LONG = 26  # characters above which a row's name is broken over lines
Cell = str  # Markup goes in as it is, any other text is escaped


def joined(*parts: str) -> Markup:
    """Return the parts, each escaped where needed, one after the other."""
    return Markup("").join(parts)


def element(tag: str, *inside: str, **attributes: str) -> Markup:
    """Return an element; an attribute's trailing underscore is dropped (`class_`)."""
    named = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(str(v))}"' for key, v in attributes.items())
    return Markup(f"<{tag}{named}>{joined(*inside)}</{tag}>")


def paragraph(text: str, class_: str | None = None) -> Markup:
    """Return a paragraph; `backquoted` words become code."""
    body = text if isinstance(text, Markup) else _code(text)
    return element("p", body, class_=class_) if class_ else element("p", body)


def score_cell(score: Score | None, as_share: bool = False) -> Markup:
    """Return a score for a table: the value, and its interval smaller beside it."""
    value, interval = scored(score, as_share)
    return joined(value, " ", element("small", interval)) if interval else escape(value)


def table(head: Sequence[Cell], rows: Iterable[Sequence[Cell]], caption: str, names: int = 1) -> Markup:
    """Return a table in a box that scrolls on its own where the screen is narrow.

    The first `names` columns name the row; the others are numbers.
    """
    top = element("tr", *(element("th", cell, scope="col") for cell in head))
    body = [
        element("tr", *(_row_name(c) if k < names else element("td", c) for k, c in enumerate(row))) for row in rows
    ]
    inside = element(
        "table", element("caption", element("span", caption)), element("thead", top), element("tbody", *body)
    )
    # Where the box scrolls, the page's script makes it a stop of the tab key, and it needs a name then.
    return element("div", inside, class_="scroll", role="region", aria_label=caption)


def _row_name(cell: Cell) -> Markup:
    return element("th", cell, scope="row", class_="long") if len(cell) > LONG else element("th", cell, scope="row")


def folded(summary: str, *inside: str) -> Markup:
    """Return what is shown only when its summary is opened (and in print)."""
    return element("details", element("summary", summary), *inside)


def figure(panels: Sequence[Markup], caption: str) -> Markup:
    """Return drawings side by side, as many as fit, over one caption."""
    return element("figure", element("div", *panels, class_="panels"), element("figcaption", caption))


def command(line: str | None) -> Markup:
    """Return the line of code that makes a part, nothing where it is not known."""
    return Markup("") if not line else element("p", "Made by ", element("code", line), class_="command")


def _code(text: str) -> Markup:
    return joined(*(element("code", part) if k % 2 else part for k, part in enumerate(text.split("`"))))
