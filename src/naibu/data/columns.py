"""Tokens in columns, as CoNLL-2000, CoNLL-2003 and TSV have them: a line a token, an empty line after a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from naibu.data.token_table import Gathering, TokenTable
from naibu.errors import CorpusError

DOCUMENT = "-DOCSTART-"
"""What begins a document in CoNLL-2003."""


def read_columns(
    text: str, name: str, columns: Sequence[str] = (), asked: Sequence[str] = (), *, short: bool = False
) -> TokenTable:
    """Return the tokens of a text in columns, which are parted by tabs where its first line has one, else by blanks.

    columns: the names of the columns, which the first line may say too; without any it names them where it has all
    names of `asked`, else they are numbers from 1. short: columns may be missing behind those `asked` for.

    Raises CorpusError with the line for one that has another number of columns than the first, or than there are names.
    """
    found, header, width, names = Gathering(name), 0, 0, tuple(columns)
    separator: str | None = None
    wanted = {each for each in asked if not each.isdigit()}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            found.end_sentence()
            continue
        if not width:
            separator = "\t" if "\t" in line else None
        cells = line.split(separator)
        if cells[0] == DOCUMENT:
            found.begin_document()
            continue
        if not width:
            width = len(cells)
            named = tuple(cell.strip() for cell in cells)
            if named == names or (not names and wanted and wanted <= set(named) and len(set(named)) == width):
                names, header = named, number
                continue
            if short and set(asked) <= set(names[:width]):
                names = names[:width]
            names = names or tuple(str(place) for place in range(1, width + 1))
            if len(names) != width:
                told = f"{width} columns, where there are {len(names)} names: {', '.join(names)}"
                raise CorpusError(f"{told}; name as many with --columns", name, number)
        if len(cells) != width:
            raise CorpusError(f"{len(cells)} columns, where the lines before have {width}", name, number)
        found.add(cells, number)
    return found.table("columns", names, header)
