"""Trees with a class on every node, as the Stanford Sentiment Treebank: whole sentences, and the phrases in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from naibu.data.classes.rows import Row
from naibu.data.classes.texts import numbered_lines, read_text
from naibu.data.files import SourceFile
from naibu.errors import CorpusError

_TOKEN = re.compile(r"\(\s*([^\s()]+)|([^\s()]+)|(\))")
LEAF = re.compile(r"\(\s*\d+\s+")
"""How a line of such trees begins."""
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}


def tree_rows(file: SourceFile, notes: list[tuple[str, str]], *, phrases: bool) -> Iterator[Row]:
    """Yield a row for each tree, its words with blanks between them, and with `phrases` for each node below its root.

    A tree is a line, `(3 (2 It) (4 (4 (2 's) ...`. Rows of one tree are a group. Raises CorpusError with the line for
    brackets that do not match.
    """
    for tree, (number, line) in enumerate(numbered_lines(read_text(file, notes))):
        open_at, words, done = list[tuple[str, int]](), list[str](), False
        for token in _TOKEN.finditer(line):
            if done:
                raise CorpusError("more than one tree in a line", file.name, number)
            if token[1]:
                open_at.append((token[1], len(words)))
            elif token[2]:
                words.append(_BRACKETS.get(token[2], token[2]))
            elif not open_at:
                raise CorpusError("a `)` too many", file.name, number)
            else:
                label, start = open_at.pop()
                done = not open_at
                if done or phrases:
                    if start == len(words):
                        raise CorpusError("a node without words", file.name, number)
                    yield Row(" ".join(words[start:]), label, file.name, number, tree, done)
        if not done:
            raise CorpusError("a `)` is missing", file.name, number)
