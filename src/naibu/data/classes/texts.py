"""Texts of files, in UTF-8, or in Latin-1 where that is what a file must be; and their lines with their numbers."""

from __future__ import annotations

from collections.abc import Iterator

from naibu.data.files import SourceFile, is_binary, text_of, with_line_ends
from naibu.errors import CorpusError

FOREIGN = 0.02
"""Bytes beyond ASCII of a text that is taken for Latin-1, at most: texts in other encodings have many of them."""


def read_text(file: SourceFile, notes: list[tuple[str, str]]) -> str:
    r"""Return the text of a file, with `\n` at line ends.

    A file that is no UTF-8 is read as Latin-1, and a note says so, where hardly any of its bytes are beyond ASCII and
    none of them is a control character there; as Western texts are, and Japanese ones in Shift-JIS or EUC are not.
    Raises CorpusError with the line for any other.
    """
    data = file.read()
    try:
        return text_of(data, file.name)
    except CorpusError as error:
        foreign = [byte for byte in data if byte >= 0x80]
        if is_binary(data) or not foreign or len(foreign) > FOREIGN * len(data) or min(foreign) < 0xA0:
            raise
        notes.append(("encoding", f"{file.name} is no UTF-8 (line {error.line}), and was read as Latin-1"))
        return with_line_ends(data.decode("latin-1"))


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text that are not blank, with their numbers from 1."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line
