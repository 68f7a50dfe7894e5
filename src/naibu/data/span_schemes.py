"""Tags that mark spans: IOB1, IOB2 and BIOES told apart, read and written.

A tag is O, outside, or a letter, a hyphen and what kind of span it is in: B-NP. In IOB2 B begins every span and I goes
on with it; in IOB1 B begins only a span that follows another of its kind, others begin with I; in BIOES E ends a span
of several tokens and S is one of a single token (L and U of BILOU are read as E and S).
Source: Ramshaw & Marcus 1995 (IOB1); Ratnaparkhi 1998 (IOB2); Ratinov & Roth 2009 (BILOU).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

SchemeName = Literal["IOB1", "IOB2", "BIOES"]
OUTSIDE = "O"
LETTERS = {"IOB1": "BI", "IOB2": "BI", "BIOES": "BIES"}
"""What may stand before the kind of a span."""
_TAG = re.compile(r"([BIESLU])-(.+)")
_SAME = {"L": "E", "U": "S"}


class Span(NamedTuple):
    """A span of tokens of one kind."""

    start: int
    stop: int
    kind: str


class Spans(NamedTuple):
    """The spans of a sentence, and the tokens at which one had no beginning and was given one."""

    found: list[Span]
    stray: list[int]


def are_spans(tags: Iterable[str]) -> bool:
    """Return whether different tags mark spans: each is O or a letter and a kind, and there is a span."""
    known = set(tags)
    return known != {OUTSIDE} and all(tag == OUTSIDE or _TAG.fullmatch(tag) for tag in known)


def scheme_of(sentences: Iterable[Sequence[str]]) -> SchemeName:
    """Return how the spans of sentences are marked.

    BIOES where there is an E or an S; IOB1 where every B follows a span of its own kind, as nowhere in IOB2, in which
    the first span of a sentence begins with one.
    """
    begun = False
    for tags in sentences:
        before = ""
        for tag in tags:
            if tag[:2] in ("E-", "S-", "L-", "U-"):
                return "BIOES"
            if tag[:2] == "B-":
                begun = begun or before != tag[2:]
            before = tag[2:]
    return "IOB2" if begun else "IOB1"


def spans_of(tags: Sequence[str], scheme: SchemeName = "IOB2") -> Spans:
    """Return the spans that tags mark.

    A span begins at a B or S, and at an I or E that goes on with nothing: its kind is not that of the token before, or
    the span before has ended. Outside of IOB1 such a token is `stray`. This is how conlleval (Tjong Kim Sang &
    Buchholz 2000) reads IOB1 and IOB2.
    """
    found, stray = list[Span](), list[int]()
    start, kind = -1, ""
    for place, tag in enumerate(tags):
        letter, mine = ("", "") if tag == OUTSIDE else (_SAME.get(tag[0], tag[0]), tag[2:])
        goes_on = start >= 0 and letter in ("I", "E") and mine == kind
        if start >= 0 and not goes_on:
            found.append(Span(start, place, kind))
            start = -1
        if letter and not goes_on:
            start, kind = place, mine
            if scheme != "IOB1" and letter in ("I", "E"):
                stray.append(place)
        if letter in ("E", "S"):
            found.append(Span(start, place + 1, kind))
            start = -1
    if start >= 0:
        found.append(Span(start, len(tags), kind))
    return Spans(found, stray)


def tags_of(spans: Iterable[Span], length: int, scheme: SchemeName) -> list[str]:
    """Return the tags of a sentence of some length that mark spans, which lie one after the other."""
    tags, before = [OUTSIDE] * length, Span(0, 0, "")
    for span in spans:
        size = span.stop - span.start
        if scheme == "BIOES":
            letters = "S" if size == 1 else "B" + "I" * (size - 2) + "E"
        else:
            follows = before.stop == span.start and before.kind == span.kind
            letters = ("B" if scheme == "IOB2" or follows else "I") + "I" * (size - 1)
        tags[span.start : span.stop] = [f"{letter}-{span.kind}" for letter in letters]
        before = span
    return tags


def tags_of_kinds(kinds: Sequence[str], scheme: SchemeName) -> tuple[str, ...]:
    """Return all tags of a scheme in the order of their numbers: O, then letter by letter those of each kind."""
    return (OUTSIDE, *(f"{letter}-{kind}" for kind in kinds for letter in LETTERS[scheme]))
