"""Files of tagged text: read whatever their format is, and written back with a column more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from naibu.data import files
from naibu.data.columns import read_columns
from naibu.data.conllu import GLOBAL, is_conllu, read_conllu
from naibu.data.span_records import UnitName, pieces_of, read_spans, records_of
from naibu.data.span_schemes import SchemeName, spans_of
from naibu.data.token_table import FormatName, TokenTable
from naibu.errors import CorpusError

_RECORDS = re.compile(r'\s*(\{\s*"|\[\s*[{\]])')
"""How a file of records begins."""


def read_tables(
    path: Path,
    *,
    columns: Sequence[str] = (),
    asked: Sequence[str] = (),
    level: UnitName | None = None,
    short: bool = False,
) -> list[TokenTable]:
    """Return the tokens of a file, or of each file in a folder or an archive; see `read_columns`, `read_spans`.

    Raises CorpusError, with file and line, for what cannot be read.
    """
    return [table for _, table in read_texts(path, columns=columns, asked=asked, level=level, short=short)]


def read_texts(
    path: Path,
    *,
    columns: Sequence[str] = (),
    asked: Sequence[str] = (),
    level: UnitName | None = None,
    short: bool = False,
) -> list[tuple[str, TokenTable]]:
    """Return the text and the tokens of each file behind a path; see `read_tables`."""
    found = list[tuple[str, TokenTable]]()
    for file in files.open_files(path):
        text = files.text_of(file.read(), file.name)
        found.append((text, _read(text, file.name, columns, asked, level, short)))
    if not found:
        raise CorpusError("no file is in it", path)
    return found


def format_of(text: str) -> FormatName:
    """Return the format of a file, from its content."""
    if _RECORDS.match(text):
        return "spans"
    return "conllu" if is_conllu(text) else "columns"


def _read(
    text: str, name: str, columns: Sequence[str], asked: Sequence[str], level: UnitName | None, short: bool
) -> TokenTable:
    match format_of(text):
        case "spans":
            return read_spans(text, name, level)
        case "conllu":
            return read_conllu(text, name)
        case "columns":
            return read_columns(text, name, columns, asked, short=short)


def with_column(text: str, table: TokenTable, name: str, tags: Sequence[str], scheme: SchemeName | None) -> str:
    """Return the text of a file with a column more, called by a name where the format has names.

    table: what was read of it. tags: one a token, of which those of records with spans mark spans in a scheme. CoNLL-U
    becomes CoNLL-U Plus, whose first line names the columns; records get a key more, spans like their own.
    """
    if table.format == "spans":
        return _records_with(text, table, name, tags, scheme or "IOB2")
    given = dict(zip(table.lines, tags, strict=True))
    lines = text.split("\n")
    if table.format == "conllu":
        return "\n".join(_conllu_with(lines, given, table.columns, name))
    separator = "\t" if "\t" in lines[table.lines[0] - 1] else " "
    if table.header:
        given[table.header] = name
    return "\n".join(
        f"{line.rstrip()}{separator}{given[number]}" if number in given else line
        for number, line in enumerate(lines, 1)
    )


def _conllu_with(lines: list[str], given: dict[int, str], columns: tuple[str, ...], name: str) -> Iterator[str]:
    yield f"{GLOBAL} {' '.join((*columns, f'predicted:{name}')).upper()}"
    for number, line in enumerate(lines, 1):
        if line.startswith(GLOBAL):
            continue
        row = line and line.count("\t") == len(columns) - 1 and not line.startswith("#")
        yield f"{line}\t{given.get(number, '_')}" if row else line


def _records_with(text: str, table: TokenTable, name: str, tags: Sequence[str], scheme: SchemeName) -> str:
    listed, level = text.lstrip().startswith("["), table.columns[0]
    records, sentences = list(records_of(text, table.name)), iter(pairwise(table.starts))
    for record in records:
        pieces = pieces_of(record.text, "character" if level == "character" else "word")
        begin, end = next(sentences) if pieces else (0, 0)
        found = spans_of(tags[begin:end], scheme).found
        places = [(pieces[span.start][0], pieces[span.stop - 1][1], span.kind) for span in found]
        record.value[name] = [
            {"name": record.text[first:last], "span": [first, last], "type": kind} for first, last, kind in places
        ]
    if listed:
        return json.dumps([record.value for record in records], ensure_ascii=False, indent=1) + "\n"
    return "".join(json.dumps(record.value, ensure_ascii=False) + "\n" for record in records)
