"""Texts with spans in JSON: a record a line, or a list of records, cut into characters or words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from naibu.data.span_schemes import Span, tags_of
from naibu.data.token_table import Gathering, TokenTable
from naibu.errors import CorpusError

UnitName = Literal["character", "word"]
SPANS = ("entities", "spans", "labels", "label")
KINDS = ("type", "label", "kind", "tag")
DOCUMENTS = ("curid", "document", "doc_id", "title")
"""Keys of a record: of its spans, of what kind a span is, of the document that it is from."""
TAG = "entity"
"""What the column of tags is called."""
_WORD = re.compile(r"\w+|[^\w\s]")
BLANK = 0.05
"""The share of blanks among the characters of a text from which on it is cut into words."""


class Record(NamedTuple):
    """A text with its spans."""

    line: int
    value: dict[str, Any]
    text: str
    spans: list[Span] | None  # of characters; None where it has no key for them
    document: str | None


def read_spans(text: str, name: str, level: UnitName | None = None) -> TokenTable:
    """Return the tokens of records, each a sentence: columns `character` or `word` and, where there are spans, `entity`
    with IOB2 tags.

    level: what a token is; when not given characters where less than one in twenty is a blank. A record has `text`,
    and `entities` (`spans`, `labels`), each `{"span": [from, to], "type": kind}`, `{"start": from, "end": to, "label":
    kind}` or `[from, to, kind]`, in characters; records of the same `curid` (`document`, `doc_id`, `title`) are of one
    document. Raises CorpusError with the line for what is no such record, and for spans that overlap, are outside of
    the text, or begin or end within a word.
    """
    records = list(records_of(text, name))
    level = level or level_of(records)
    tagged = any(record.spans is not None for record in records)
    found, numbers = Gathering(name), dict[str, int]()
    for place, record in enumerate(records):
        key = f"record {place}" if record.document is None else f"document {record.document}"
        found.begin_document(numbers.setdefault(key, len(numbers)))
        pieces = pieces_of(record.text, level)
        tags = tags_of(_on_tokens(record, pieces, name), len(pieces), "IOB2")
        for (begin, end), tag in zip(pieces, tags, strict=True):
            piece = record.text[begin:end]
            found.add((piece, tag) if tagged else (piece,), record.line)
    return found.table("spans", (level, TAG) if tagged else (level,))


def level_of(records: Sequence[Record]) -> UnitName:
    """Return what suits records: words where their texts have blanks."""
    letters = sum(len(record.text) for record in records)
    blanks = sum(record.text.count(" ") for record in records)
    return "word" if blanks >= BLANK * max(1, letters) else "character"


def pieces_of(text: str, level: UnitName) -> list[tuple[int, int]]:
    """Return where the tokens of a text begin and end: its characters, or its words and signs."""
    if level == "character":
        return [(place, place + 1) for place in range(len(text))]
    return [found.span() for found in _WORD.finditer(text)]


def records_of(text: str, name: str) -> Iterator[Record]:
    """Yield the records of a text in JSON, one after the other. Raises CorpusError with the line."""
    decoder, place, line = json.JSONDecoder(), 0, 1
    listed = text.lstrip()[:1] == "["
    blank = re.compile(r"[\s,]*" if listed else r"\s*")
    place = text.index("[") + 1 if listed else 0
    line += text.count("\n", 0, place)
    while True:
        begin = blank.match(text, place).end()  # type: ignore[union-attr]  # it matches nothing at least
        line += text.count("\n", place, begin)
        if begin == len(text) or (listed and text[begin] == "]"):
            return
        try:
            value, place = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"not JSON: {error}".partition(": line")[0], name, line) from None
        yield _record(value, name, line)
        line += text.count("\n", begin, place)


def _record(value: Any, name: str, line: int) -> Record:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise CorpusError('no record of a text with spans: {"text": ..., "entities": [...]}', name, line)
    key = next((each for each in SPANS if each in value), None)
    listed = None if key is None else value[key]
    if listed is not None and not isinstance(listed, list):
        raise CorpusError(f"{key} is no list of spans", name, line)
    spans = None if listed is None else sorted(_span(each, value["text"], name, line) for each in listed)
    for before, after in zip(spans or (), (spans or ())[1:], strict=False):
        if after.start < before.stop:
            told = f"the spans {before.start} to {before.stop} and {after.start} to {after.stop} overlap"
            raise CorpusError(f"{told}; each token has one tag", name, line)
    document = next((str(value[each]) for each in DOCUMENTS if each in value), None)
    return Record(line, value, value["text"], spans, document)


def _span(value: Any, text: str, name: str, line: int) -> Span:
    """Return a span. Raises CorpusError where it is none, or outside of the text."""
    try:
        if isinstance(value, dict):
            begin, end = value["span"] if "span" in value else (value["start"], value["end"])
            kind = next(value[each] for each in KINDS if each in value)
        else:
            begin, end, kind = value
        if type(begin) is not int or type(end) is not int or not isinstance(kind, str) or not kind:
            raise ValueError
    except (KeyError, TypeError, ValueError, StopIteration):
        raise CorpusError(f"no span: {json.dumps(value, ensure_ascii=False)[:80]}", name, line) from None
    if not 0 <= begin < end <= len(text):
        raise CorpusError(f"the span {begin} to {end} is not within the {len(text)} characters", name, line)
    return Span(begin, end, kind)


def _on_tokens(record: Record, pieces: list[tuple[int, int]], name: str) -> list[Span]:
    """Return spans in tokens. Raises CorpusError where one begins or ends within a token."""
    begins, ends = ({piece[side]: place for place, piece in enumerate(pieces)} for side in (0, 1))
    found = list[Span]()
    for start, stop, kind in record.spans or ():
        if start not in begins or stop not in ends:
            told = f"{record.text[start:stop]!r} begins or ends within a word"
            raise CorpusError(f"{told}; take --level character", name, record.line)
        found.append(Span(begins[start], ends[stop] + 1, kind))
    return found
