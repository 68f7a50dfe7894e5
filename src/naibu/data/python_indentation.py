"""Trees out of Python source by its indentation: a bracket opens where a block is indented and closes where it ends."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from naibu.data.files import with_line_ends
from naibu.data.python_source import LONGEST_CONSTANT
from naibu.data.trees import CLOSE, OPEN, WORD, Tree
from naibu.errors import CorpusError

HEADERS = frozenset(
    ("def", "class", "if", "elif", "else", "for", "while", "try", "except", "finally", "with", "match", "case")
)
"""The words that the line above a block begins with, `async` aside: the categories."""


def read_trees(source: str | bytes, *, path: str | Path | None = None) -> Iterator[Tree]:
    """The outermost blocks of a Python file, each with the line above it, in the file's order.

    source: text, or bytes in the encoding that they declare (UTF-8 without a declaration, PEP 263).
    path: named in errors.

    Brackets are the INDENT and DEDENT of Python's own tokenizer and nothing else, so that depth is the number of
    indented blocks open: `if x: return` on one line opens none, and neither does a round bracket. The category is
    the word that the line above the block begins with, one of HEADERS. Words are the tokens of the lines, those of
    the line above before its bracket; f-strings and strings longer than 20 characters are `<string>`, longer
    numbers `<number>`; comments, line ends and lines at the margin that open no block are left out. An `else` at
    the margin begins a tree of its own.

    The tokenizer sees less than the parser: a file whose lines make no sense is read all the same. Raises
    CorpusError, with the line where there is one, for one that cannot be cut into tokens and blocks.
    """
    try:
        yield from _trees(_lines(source))
    except _NotPythonError as error:
        raise CorpusError(f"not Python: {error.args[0]}", path, error.args[1]) from None
    except tokenize.TokenError as error:
        raise CorpusError(f"not Python: {error.args[0]}", path, error.args[1][0]) from None
    except SyntaxError as error:  # a dedent that fits no block, an encoding that does not exist
        raise CorpusError(f"not Python: {error.msg}", path, error.lineno or None) from None
    except (ValueError, LookupError) as error:  # bytes not of the encoding declared, or one that is none of text
        raise CorpusError(f"not Python: {error}", path) from None


class _NotPythonError(Exception):
    """What is wrong, and in which line."""


@dataclass
class _Line:
    """A logical line: where it begins, how many blocks open (1) or close (-n) before it, and its words."""

    number: int = 0
    change: int = 0
    words: list[str] = field(default_factory=list)

    def header(self) -> str | None:
        """The category of a block below this line; None where none can be."""
        if not self.words or self.words[-1] != ":":
            return None
        first = self.words[self.words[0] == "async"]
        return first if first in HEADERS else None


def _lines(source: str | bytes) -> Iterator[_Line]:
    """The logical lines; the last has no words, and closes what is still open."""
    # A lone `\r` ends a line for Python, but not for its tokenizer.
    if isinstance(source, bytes):
        tokens = tokenize.tokenize(io.BytesIO(source.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).readline)
    else:
        tokens = tokenize.generate_tokens(io.StringIO(with_line_ends(source)).readline)
    line, nested = _Line(), 0  # f-strings open: from Python 3.12 on their parts are tokens, one word here
    for kind, text, (number, _), _, _ in tokens:
        if kind in (tokenize.INDENT, tokenize.DEDENT):
            line.change += 1 if kind == tokenize.INDENT else -1
            line.number = number
        elif kind == tokenize.NEWLINE:
            yield line
            line = _Line()
        elif kind == tokenize.ERRORTOKEN and not text.isspace():
            raise _NotPythonError(f"{text!r} begins no word of the language", number)
        elif tokenize.tok_name[kind].endswith("STRING_START"):
            if not nested:
                line.words.append("<string>")
            nested += 1
        elif tokenize.tok_name[kind].endswith("STRING_END"):
            nested -= 1
        elif not nested and kind in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
            line.words.append(_word(kind, text))
    yield line


def _trees(lines: Iterator[_Line]) -> Iterator[Tree]:
    kinds, names, blocks = bytearray(), list[str](), list[str]()
    above = _Line()
    for line in lines:
        if line.change > 0:
            header = above.header()
            if header is None:
                raise _NotPythonError("unexpected indent", line.number)
            blocks.append(header)
            kinds.append(OPEN)
            names.append(header)
        for _ in range(-line.change):
            kinds.append(CLOSE)
            names.append(blocks.pop())
        if not blocks:
            if CLOSE in kinds:
                yield Tree(bytes(kinds), names)
            kinds, names = bytearray(), list[str]()
        kinds += bytes((WORD,)) * len(line.words)
        names += line.words
        above = line


def _word(kind: int, text: str) -> str:
    if kind == tokenize.STRING:
        prefix = text[: text.index(text[-1])].lower()
        return "<string>" if len(text) > LONGEST_CONSTANT or "f" in prefix else text
    return "<number>" if kind == tokenize.NUMBER and len(text) > LONGEST_CONSTANT else text
