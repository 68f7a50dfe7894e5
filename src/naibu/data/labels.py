"""Labels of one's own, from a file of columns beside the symbols."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from naibu.data.examples import Column
from naibu.data.files import read_file, text_of
from naibu.data.forms import END_SYMBOL, START_SYMBOL
from naibu.data.sequences import Sequences
from naibu.data.vocabulary import escape, unescape
from naibu.errors import CorpusError

_NONE = frozenset(("", "_"))
_BUILT_IN = ("depth", "part_of_speech", "position")


def read_labels(path: str | Path, corpus: Sequences) -> dict[str, Column]:
    """The labels in a file of columns, one value for every token of the corpus.

    path: UTF-8, tab-separated: a header `symbol<TAB>name...`, then one symbol a line with its values, a blank
        line between sequences. Symbols are those of the form, before rare ones become `<unk>`, with line ends,
        tabs and backslashes written as in vocabulary.txt. ST and ED may be left out; they have no value then.
        An empty value or `_` is none.
    corpus: all sequences in reading order, those later left out for their length included.

    A column of numbers is numeric (NaN for none), any other categorical (-1 for none, codes in the order of
    first appearance). Raises CorpusError with the line where a symbol is not the corpus's.
    """
    lines = text_of(read_file(path), str(path)).split("\n")
    header = lines[0].split("\t")
    names = _checked_header(header, corpus, path)
    columns: list[list[str]] = [[] for _ in names]
    line = 1
    for s in range(len(corpus)):
        while line < len(lines) and not lines[line]:
            line += 1
        for symbol in corpus.text(s):
            fields = lines[line].split("\t") if line < len(lines) else [""]
            if fields != [""] and len(fields) != len(header):
                message = f"{len(fields)} columns where the header has {len(header)}"
                raise CorpusError(message, path, line + 1)
            if fields != [""] and unescape(fields[0]) == symbol:
                line += 1
            elif symbol in (START_SYMBOL, END_SYMBOL):
                fields = [""] * len(header)
            else:
                found = "the sequence ends" if fields == [""] else f"{fields[0]!r} stands"
                message = f"{found} where sequence {s + 1} of the corpus has {escape(symbol)!r}"
                raise CorpusError(message, path, line + 1)
            for column, value in zip(columns, fields[1:], strict=True):
                column.append(value)
        if line < len(lines) and lines[line]:
            message = f"{lines[line].split(chr(9))[0]!r} stands where sequence {s + 1} of the corpus has ended"
            raise CorpusError(message, path, line + 1)
    while line < len(lines):
        if lines[line]:
            raise CorpusError(f"more sequences than the corpus, which has {len(corpus)}", path, line + 1)
        line += 1
    return {name: column_of(name, column, path) for name, column in zip(names, columns, strict=True)}


def _checked_header(header: list[str], corpus: Sequences, path: str | Path) -> list[str]:
    names = header[1:]
    if header[0] != "symbol" or not names:
        raise CorpusError("the first line has to be `symbol`, a tab and the names of the labels", path, 1)
    for number, name in enumerate(names):
        if not name or name in names[:number] or name in _BUILT_IN or name in corpus.label_names:
            raise CorpusError(f"the label name {name!r} is empty, there twice, or one of Naibu's own", path, 1)
    return names


def column_of(name: str, column: list[str], path: str | Path) -> Column:
    """Return values as they were typed as a column; an empty one and `_` are none.

    Raises CorpusError for a number that cannot be kept.
    """
    try:
        numbers = np.array([float("nan") if value in _NONE else float(value) for value in column])
        if (np.abs(numbers) > np.finfo(np.float32).max).any():
            raise CorpusError(f"the label {name!r} has a number beyond 3.4e38, which cannot be kept", path)
        return Column(numbers.astype(np.float32))
    except ValueError:
        codes: dict[str, int] = {}
        values = [-1 if value in _NONE else codes.setdefault(value, len(codes)) for value in column]
        return Column(np.array(values, np.int32), tuple(codes))
