"""What one file of tagged text holds, token by token, whatever its format; and which format that is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from naibu.errors import CorpusError, OptionError

FormatName = Literal["conllu", "columns", "spans"]
LONGEST = 10_000
"""Tokens of a sentence, at most: more are a file without empty lines."""
_FEATURES = ("feats", "misc")
"""Columns of CoNLL-U whose values are pairs, `Number=Sing|Person=3`."""
_NOTHING = "_"


@dataclass(frozen=True)
class TokenTable:
    """The tokens of a file in reading order.

    name: how errors call the file. columns: their names. rows: a cell for each column, of every token. lines: where
    each token stands, from 1 (of spans, its record). starts: the first token of each sentence, and the end.
    documents: of each sentence, the number of its document. header: the line that names the columns, 0 for none.
    """

    name: str
    format: FormatName
    columns: tuple[str, ...]
    rows: list[Sequence[str]]
    lines: list[int]
    starts: list[int]
    documents: list[int]
    header: int = 0

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.columns)}

    def has(self, name: str) -> bool:
        """Return whether there is a column of a name, or a key of that name in a column of pairs."""
        try:
            self.column(name)
        except OptionError:
            return False
        return True

    def column(self, name: str) -> list[str]:
        """Return the values of a column, one a token; of `feats:Number`, or of `Number` alone, those of a key in a
        column of pairs, `_` where a token has none. Raises OptionError that lists what there is."""
        if name in self._places:
            place = self._places[name]
            return [row[place] for row in self.rows]
        kind, _, key = name.rpartition(":")
        for pairs in (kind,) if kind else _FEATURES:
            if pairs in _FEATURES and pairs in self._places:
                found = self._values(self._places[pairs], key)
                if any(value != _NOTHING for value in found):
                    return found
        raise OptionError(f"--column {name}: {self.name} has the columns {', '.join(self.columns)}{self._keys()}")

    def _values(self, place: int, key: str) -> list[str]:
        found = re.compile(rf"(?:^|\|){re.escape(key)}=([^|]*)")
        matches = (found.search(row[place]) for row in self.rows)
        return [_NOTHING if match is None else match[1] or _NOTHING for match in matches]

    def _keys(self) -> str:
        if "feats" not in self._places:
            return ""
        cells = {row[self._places["feats"]] for row in self.rows}
        keys = sorted({pair.partition("=")[0] for cell in cells for pair in cell.split("|")} - {_NOTHING})
        return f", and in feats {', '.join(keys)}" if keys else ""


class Gathering:
    """Gathers the tokens of a file, sentence by sentence."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[Sequence[str]] = []
        self.lines: list[int] = []
        self.starts: list[int] = [0]
        self.documents: list[int] = []
        self._document = 0

    def add(self, row: Sequence[str], line: int) -> None:
        """Add a token. Raises CorpusError where the sentence has become too long to be one."""
        self.rows.append(row)
        self.lines.append(line)
        if len(self.rows) - self.starts[-1] > LONGEST:
            raise CorpusError(
                f"a sentence of more than {LONGEST:,} tokens; sentences end at empty lines", self.name, line
            )

    def end_sentence(self) -> None:
        """End the sentence, if it has a token."""
        if len(self.rows) > self.starts[-1]:
            self.starts.append(len(self.rows))
            self.documents.append(self._document)

    def begin_document(self, number: int | None = None) -> None:
        """Let what follows be of another document, the next or the one of a number."""
        self.end_sentence()
        self._document = self._document + 1 if number is None else number

    def table(self, format: FormatName, columns: tuple[str, ...], header: int = 0) -> TokenTable:
        """Return the table. Raises CorpusError where there is no token."""
        self.end_sentence()
        if not self.rows:
            raise CorpusError("no token: it is empty", self.name)
        return TokenTable(self.name, format, columns, self.rows, self.lines, self.starts, self.documents, header)
