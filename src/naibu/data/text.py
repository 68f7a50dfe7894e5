"""Plain text as passages of words or of characters, with labels that need no tree."""

from __future__ import annotations

import re
import sys
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from naibu.data.events import START, Array, Events
from naibu.data.trees import WORD
from naibu.errors import OptionError

LONGEST = {"characters": 1000, "words": 400}
COLUMNS = {
    "line_position": np.int32,
    "inside_quotes": np.int8,
    "bracket_depth": np.int32,
    "inside_brackets": np.int8,
    "indentation": np.int16,
    "to_line_end": np.int8,
}
"""The labels that any text has, and the type in which each is held."""
PIECE = 2**20
"""Characters that are labelled at a time."""
NEAR = 20
"""Characters before a line's end from which on `to_line_end` counts down."""

# `<unk>` and the like, as prepared corpora write them, are words. U+0301 stands for every mark, see _one_mark.
_WORDS = re.compile(
    r"\n|<[\w\u0301]+>|[^\W\d][\w\u0301]*(?:['’][^\W\d][\w\u0301]*)*|\d[\d\u0301]*(?:[.,]\d[\d\u0301]*)*|[^\w\s]\u0301*"
)
_JOINERS = "\u00ad\u200c\u200d"
"""Soft hyphen, zero-width non-joiner and joiner, which stand inside words as marks do."""


def read_text(documents: Iterable[tuple[str, str]], form: str, longest: int) -> Events:
    """Passages of text as events: ST, then words or characters, line ends included.

    documents: names and texts. form: `words` or `characters`. A combining mark (category M) goes on with the word
        before it, and so do a soft hyphen and the zero-width joiner and non-joiner.
    longest: the most symbols in a passage, ST included; a passage ends at a line end where it can. 0: a
        document is one passage.

    The columns, all counted over the document: `line_position` (characters since the line began),
    `inside_quotes` (1 inside double quotes, straight or typographic; a blank line ends them, because a quote
    that runs over several paragraphs is opened again in each), `bracket_depth` (of ( [ and {, never below 0),
    `inside_brackets` (1 where it is above 0), `indentation` (blanks read at the beginning of the line) and
    `to_line_end` (characters still to come before the line ends, 20 for more; it looks ahead, so that a network
    can only guess it).
    """
    if longest == 1 or longest < 0:
        raise OptionError(f"longest {longest} is too short for a passage: give at least 2, or 0 for no limit")
    codes: dict[str, int] = {}
    kinds, names, lengths, origins, document_names = [], [], [], [], list[str]()
    columns: dict[str, list[Array]] = {name: [] for name in COLUMNS}
    for name, text in documents:
        letters = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
        symbols, tokens, ends = words_of(text) if form == "words" else _characters(letters)
        if not len(tokens):
            continue
        tokens = np.array([codes.setdefault(symbol, len(codes)) for symbol in symbols], np.int32)[tokens]
        line_end = np.flatnonzero(letters[ends] == ord("\n"))
        cuts = passage_ends(len(tokens), line_end, longest)
        # Before the first token of each passage goes ST, which sees what the document has shown so far.
        fronts = np.concatenate([[0], cuts[:-1]])
        kinds.append(np.insert(np.full(len(tokens), WORD, np.int8), fronts, START))
        names.append(np.insert(tokens, fronts, 0))
        lengths.append(np.diff(cuts, prepend=0) + 1)
        origins.append(np.full(len(cuts), len(document_names), np.int32))
        for label, shown in _labels(letters, ends).items():
            before = np.where(fronts > 0, shown[fronts - 1], at_first(label, letters))
            columns[label].append(np.insert(shown, fronts, before.astype(COLUMNS[label])))
        document_names.append(name)
    return Events(
        kinds=np.concatenate([np.zeros(0, np.int8), *kinds]),
        names=np.concatenate([np.zeros(0, np.int32), *names]),
        starts=np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *lengths]))]).astype(np.int64),
        documents=np.concatenate([np.zeros(0, np.int32), *origins]),
        table=tuple(codes),
        document_names=tuple(document_names),
        columns={name: np.concatenate([np.zeros(0, COLUMNS[name]), *parts]) for name, parts in columns.items()},
    )


def words_of(text: str) -> tuple[list[str], Array, Array]:
    """The different words and the number of each token among them; where in the text each token ends."""
    different: dict[str, int] = {}
    tokens, ends = array("q"), array("q")
    for match in _WORDS.finditer(_one_mark(text)):
        tokens.append(different.setdefault(text[match.start() : match.end()], len(different)))
        ends.append(match.end() - 1)
    return list(different), np.array(tokens, np.int64), np.array(ends, np.int64)


def _one_mark(text: str) -> str:
    """The text with one and the same mark in place of each, since `re` has no class for marks."""
    marks = [letter for letter in set(text) if unicodedata.category(letter)[0] == "M" or letter in _JOINERS]
    return text.translate(dict.fromkeys(map(ord, marks), "\u0301")) if marks else text


def _characters(letters: Array) -> tuple[list[str], Array, Array]:
    # Numbered as they come, so that ties of frequency are broken by first appearance.
    first = np.full(sys.maxunicode + 1, len(letters), np.int64)
    for begin in range(0, len(letters), PIECE)[::-1]:
        piece = letters[begin : begin + PIECE]
        first[piece[::-1]] = np.arange(begin, begin + len(piece))[::-1]
    different = np.argsort(first, kind="stable")[: int((first < len(letters)).sum())]
    rank = np.zeros(sys.maxunicode + 1, np.int32)
    rank[different] = np.arange(len(different))
    return [chr(letter) for letter in different], rank[letters], np.arange(len(letters), dtype=np.int32)


def passage_ends(tokens: int, line_ends: Array, longest: int) -> Array:
    """int64: after how many tokens each passage ends: at the last of the line ends within `longest` - 1, if any is."""
    room = longest - 1 if longest else tokens
    cuts: list[int] = []
    start = 0
    while tokens - start > room:
        last = np.searchsorted(line_ends, start + room) - 1
        cut = int(line_ends[last]) + 1 if last >= 0 else 0
        start = cut if cut > start else start + room
        cuts.append(start)
    return np.array([*cuts, tokens], np.int64)


@dataclass
class Before:
    """What is known of a document where a piece of it begins."""

    line: int = -1  # where the line end before the line stands
    said: int = -1  # the first place in the line that is not blank; -1: none so far
    newline: bool = False  # whether a line ends just before
    straight: int = 0  # quotes since the last blank line
    curved: int = 0
    brackets: int = 0


def _labels(letters: Array, ends: Array) -> dict[str, Array]:
    """Each label after the characters `ends`; piece by piece, for all of it at once takes much memory."""
    found = {name: np.empty(len(ends), kind) for name, kind in COLUMNS.items()}
    known, begun = Before(), 0
    for begin in range(0, len(letters), PIECE):
        stop = min(begin + PIECE, len(letters))
        done = int(np.searchsorted(ends, stop))
        labels = labels_of_piece(letters[begin:stop], letters[stop : stop + NEAR + 1], begin, known)
        for name, values in labels:
            found[name][begun:done] = values[ends[begun:done] - begin]
        begun = done
    return found


def labels_of_piece(letters: Array, after: Array, begin: int, known: Before) -> Iterator[tuple[str, Array]]:
    """Each label after every character of a piece that begins at a place, and what is known behind it."""
    place = np.arange(begin, begin + len(letters), dtype=np.int64)
    newline = letters == ord("\n")
    blank = newline & np.concatenate([[known.newline], newline[:-1]])
    straight = _counted(letters, '"', "", blank, known.straight)
    curved = _never_below_zero(_step(letters, "“„", "”"), blank, known.curved)
    brackets = _never_below_zero(_step(letters, "([{", ")]}"), np.zeros(len(letters), bool), known.brackets)
    yield "inside_quotes", (straight % 2 > 0) | (curved > 0)
    yield "bracket_depth", brackets
    yield "inside_brackets", brackets > 0
    to_end = _next(np.concatenate([newline, after == ord("\n")]))[1 : len(letters) + 1] - (place - begin) - 1
    yield "to_line_end", np.minimum(to_end, NEAR)
    line = np.maximum(np.maximum.accumulate(np.where(newline, place, -1)), known.line)
    yield "line_position", place - line
    loud = ~((letters == ord(" ")) | (letters == ord("\t")))
    said = begin + _next(loud)  # the first that is not blank from each on, the end of the piece where there is none
    first = np.where(line >= begin, said[np.maximum(line - begin + 1, 0)], said[0] if known.said < 0 else known.said)
    indentation = np.minimum(place - line, first - line - 1)
    yield "indentation", np.minimum(indentation, np.iinfo(np.int16).max)
    known.said = int(first[-1]) if int(first[-1]) < begin + len(letters) else -1
    known.line, known.newline = int(line[-1]), bool(newline[-1])
    known.straight, known.curved, known.brackets = int(straight[-1]), int(curved[-1]), int(brackets[-1])


def at_first(label: str, letters: Array) -> int:
    """A label before the first character of a document."""
    return int(_next(letters[:NEAR] == ord("\n"))[0]) if label == "to_line_end" else 0


def _next(marked: Array) -> Array:
    """int32 [letter + 1]: the first marked place from each on, the end where there is none."""
    places = np.append(np.where(marked, np.arange(len(marked), dtype=np.int32), len(marked)), np.int32(len(marked)))
    first: Array = np.minimum.accumulate(places[::-1])[::-1]
    return first


def _step(letters: Array, opening: str, closing: str) -> Array:
    found = np.zeros(len(letters), np.int8)
    for some, step in ((opening, 1), (closing, -1)):
        for letter in some:
            found[letters == ord(letter)] = step
    return found


def _counted(letters: Array, opening: str, closing: str, restart: Array, before: int) -> Array:
    """The running count of characters, from what was counted before, and from 0 again at each restart."""
    total = before + np.cumsum(_step(letters, opening, closing), dtype=np.int64)
    since_restart: Array = total - total[_since(restart)] * (np.cumsum(restart) > 0)
    return since_restart


def _since(restart: Array) -> Array:
    last: Array = np.maximum.accumulate(np.where(restart, np.arange(len(restart), dtype=np.int64), 0))
    return last


def _never_below_zero(step: Array, restart: Array, before: int) -> Array:
    """The running sum where a step below zero is not taken, from the sum before, from 0 again at each restart."""
    total = before + np.cumsum(step, dtype=np.int64)
    total = total - total[_since(restart)] * (np.cumsum(restart) > 0)
    # Each stretch lies below all before it, so that one running minimum serves all of them.
    below = np.cumsum(restart, dtype=np.int64) * (2 * len(step) + 2 + before)
    lowest = np.minimum.accumulate(total - below) + below
    clipped: Array = total - np.minimum(lowest, 0)
    return clipped
