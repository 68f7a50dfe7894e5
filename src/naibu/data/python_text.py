"""Labels of Python source read as text, character by character, by Python's own tokenizer."""

from __future__ import annotations

import io
import keyword
import tokenize
import warnings

import numpy as np

from naibu.data.events import Array
from naibu.data.python_source import EXTENSIONS

LABELS = ("inside_string", "inside_docstring", "inside_comment", "inside_keyword", "inside_condition", "block_depth")
_STRING, _DOCSTRING, _COMMENT, _KEYWORD, _CONDITION, _BLOCK = range(len(LABELS))
_ASKING = frozenset(("if", "elif", "while"))
_LAYOUT = frozenset((tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT))
_DEEPEST = 127


def is_python(document: str) -> bool:
    """Whether a document's name is that of Python source."""
    return document.lower().endswith(EXTENSIONS)


def python_labels(source: str) -> Array | None:
    """The labels after each character of a Python file, int8 [label character]; None where it is not Python.

    `inside_string` is 1 from the opening quote on (the prefix is outside) and 0 again after the last closing quote,
    as `inside_quotes` counts; `inside_docstring` the same for a string that begins a statement;
    `inside_comment` from # to the last character of the line; `inside_keyword` on the letters of a keyword;
    `inside_condition` from the last letter of an if, elif or while that begins a statement to the character before
    its colon; `block_depth` counts the indented blocks open, from the first character of a line that is not blank.

    How they can mislead: they are taken from the whole file, so that a reader of characters cannot know some of them
    yet: that `re` begins `return`, or that two quotes begin three. What stands in the braces of an f-string counts
    as string.
    """
    marker = _Marker(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for token in tokenize.generate_tokens(io.StringIO(source).readline):
                marker.read(token)
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return None
    return marker.end()


class _Marker:
    """Marks the stretch of each token as the tokens come, in the order of the file."""

    def __init__(self, source: str) -> None:
        self.found = np.zeros((len(LABELS), len(source)), np.int8)
        lengths = [len(line) + 1 for line in source.split("\n")]
        self._starts = [0, *np.cumsum(lengths).tolist()]
        self._fresh = True  # the next token begins a statement
        self._asked: int | None = None  # where the condition under way began
        self._brackets = 0
        self._open: list[tuple[int, bool]] = []  # f-strings: where the quote stands, whether a statement of its own
        self._blocks = 0
        self._written = 0  # up to where the depth of blocks is marked

    def read(self, token: tokenize.TokenInfo) -> None:
        """Mark what one token says."""
        start, stop = (self._starts[row - 1] + column for row, column in (token.start, token.end))
        name = tokenize.tok_name[token.type]
        if name in ("INDENT", "DEDENT"):
            self._block_to(stop)
            self._blocks += 1 if name == "INDENT" else -1
        elif name == "COMMENT":
            self.found[_COMMENT, start:stop] = 1
        elif name == "STRING":
            self._string(start + _prefix(token.string), stop, self._fresh)
        elif name in ("FSTRING_START", "TSTRING_START"):  # from Python 3.12 and 3.14 on; one STRING before
            self._open.append((start + _prefix(token.string), self._fresh))
        elif name in ("FSTRING_END", "TSTRING_END"):
            begin, alone = self._open.pop()
            self._string(begin, stop, alone)
        elif name == "NAME" and not self._open:
            self._word(token.string, start, stop)
        elif name == "OP" and not self._open:
            self._operator(token.string, start)
        if token.type not in _LAYOUT:
            self._fresh = name == "OP" and token.string == ";"
        elif name == "NEWLINE":
            self._fresh = True

    def end(self) -> Array:
        """Return all labels, after the last token."""
        self._block_to(self.found.shape[1])
        return self.found

    def _block_to(self, stop: int) -> None:
        self.found[_BLOCK, self._written : stop] = min(self._blocks, _DEEPEST)
        self._written = max(self._written, stop)

    def _string(self, quote: int, stop: int, alone: bool) -> None:
        if self._open:  # inside the braces of another, which marks all of it
            return
        self.found[_STRING, quote : stop - 1] = 1
        if alone:
            self.found[_DOCSTRING, quote : stop - 1] = 1

    def _word(self, word: str, start: int, stop: int) -> None:
        if keyword.iskeyword(word):
            self.found[_KEYWORD, start:stop] = 1
            if word in _ASKING and self._fresh:
                self._asked, self._brackets = stop - 1, 0

    def _operator(self, sign: str, start: int) -> None:
        self._brackets += (sign in "([{") - (sign in ")]}")
        if sign == ":" and self._brackets == 0 and self._asked is not None:
            self.found[_CONDITION, self._asked : start] = 1
            self._asked = None


def _prefix(literal: str) -> int:
    return next(place for place, letter in enumerate(literal) if letter in "\"'")
