"""Text that somebody gives, read as a network's corpus was and numbered by the network's own vocabulary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from naibu.data import files, lisp, penn, python_indentation, python_source, text
from naibu.data.categories import frequent_categories
from naibu.data.events import Events, Gatherer
from naibu.data.forms import END_SYMBOL, START_SYMBOL, Form, form_named
from naibu.data.sequences import Sequences, Source
from naibu.data.trees import CLOSE, OPEN, WORD, Document, Tree
from naibu.data.vocabulary import Vocabulary
from naibu.errors import CorpusError
from naibu.storage import written_beside

NAME = "--text"


@dataclass(frozen=True)
class TreeCoder:
    """What reads and numbers a text as a network's corpus was: the vocabulary, the reader, the options of opening."""

    vocabulary: Vocabulary
    reader: str
    options: Mapping[str, Any]

    def save(self, folder: Path) -> None:
        """Write `vocabulary.txt`; reader and options are the run's own."""
        with written_beside(folder / "vocabulary.txt") as beside:
            self.vocabulary.save(beside)

    @classmethod
    def load(cls, folder: Path, reader: str, options: Mapping[str, Any]) -> Self:
        """Return the coder of a run. Raises CorpusError where its vocabulary is missing or damaged."""
        return cls(Vocabulary.load(folder / "vocabulary.txt"), reader, options)

    def encode(self, typed: str | bytes, *, name: str = NAME, most: int = 0) -> Sequences:
        """Sequences of a text that somebody gives; see `read_typed`."""
        return read_typed(
            typed, name=name, reader=self.reader, options=self.options, vocabulary=self.vocabulary, most=most
        )


def read_typed(
    given: str | bytes,
    *,
    name: str = NAME,
    reader: str,
    options: Mapping[str, Any],
    vocabulary: Vocabulary,
    most: int = 0,
) -> Sequences:
    """Sequences of a text that is no corpus, with the labels that its form has.

    given: plain text for the reader "text"; trees, source code or S-expressions for the others, a sequence each; or
        what the form shows of them, as in `LOOKS`.
    name: the file's, for errors, or NAME; what was not a file may be Python, and then has its labels in the form
        `characters`.
    options: those with which the network's corpus was opened: form, function_tags, traces.
    most: end the first sequence of a plain text after so many symbols, ST included, the rest being a second one
        without ST; its labels are then still those of the whole text. 0: all of it is one.
    Symbols that the network does not know become `<unk>`. Raises CorpusError for what cannot be read or is empty,
    OptionError for a symbol where the form has no `<unk>`.
    """
    form = form_named(options["form"], trees=reader != "text")
    events = _events(given, name, reader, options, form)
    if not len(events):
        raise CorpusError(_EMPTY[reader] + _or_shown(form), name)
    if form.words and not (events.kinds == WORD).any():
        raise CorpusError(f"no words, which this network's form {form.name!r} shows", name)
    if reader == "text" and 0 < most < len(events.kinds):
        starts = np.array([0, most, len(events.kinds)], np.int64)
        events = replace(events, starts=starts, documents=np.zeros(2, np.int32))
    size = len(events.table)
    shown = form.select(events.kinds)
    keys = np.unique(form.keys(events.kinds[shown], events.names[shown], size))
    numbers = np.zeros(3 * size + 2, np.int32)
    numbers[keys] = vocabulary.encode(form.spell(int(key), events.table) for key in keys)
    categories = frequent_categories(events) if form.trees else np.zeros(0, np.int64)
    return Sequences(Source(events, form, vocabulary, numbers, categories), np.arange(len(events)))


LOOKS = {
    "brackets": "( ( ) ( ( ) ) )",
    "tagged": "(S (NP NP) (VP VP) S)",
    "brackets+words": "( ( John ) ( ran ) )",
    "tagged+words": "(S (NP John NP) (VP ran VP) S)",
    "words": "John ran",
}
"""What a sequence looks like in each form of trees."""


def as_shown(given: str, form: Form, reader: str) -> list[Tree]:
    """Trees of a text that is written as a form shows them, as in `LOOKS`; none where it is not, or is not closed.

    Words without brackets, a line each, are trees of the form `words` for treebanks alone: elsewhere they are code.
    """
    if form.name == "words":
        marks = (START_SYMBOL, END_SYMBOL)
        lines = [[w.removeprefix("\\") for w in line.split() if w not in marks] for line in given.splitlines()]
        plain = reader == "penn" and not any(word.startswith("(") for line in lines for word in line)
        return [Tree(bytes([WORD] * len(line)), line) for line in lines if line] if plain else []
    trees, kinds, names, opened = list[Tree](), bytearray(), list[str](), list[str]()
    for symbol in re.findall(r"[()]|[^\s()]+", given) if form.name == "brackets" else given.split():
        if symbol in (START_SYMBOL, END_SYMBOL) and not opened:
            continue
        if opened and symbol == f"{opened[-1]})":
            kind, name = CLOSE, opened.pop()
        elif symbol == "(" if not form.tagged else re.fullmatch(r"\([^()]+", symbol):
            kind, name = OPEN, symbol[1:]
            opened.append(name)
        elif opened and form.words and (symbol.startswith("\\") or not {"(", ")"} & {symbol[0], symbol[-1]}):
            kind, name = WORD, symbol.removeprefix("\\")
        else:
            return []
        kinds.append(kind)
        names.append(name)
        if not opened:
            trees.append(Tree(bytes(kinds), names))
            kinds, names = bytearray(), []
    return [] if opened else trees


def _or_shown(form: Form) -> str:
    return f"; or give what the form {form.name} shows of one, {LOOKS[form.name]} for example" if form.trees else ""


_EMPTY = {
    "text": "empty; give at least one symbol",
    "penn": "no tree in brackets; this network reads trees, (S (NP (N a)) (VP (V b))) for example",
    "lisp": "no list; this network reads S-expressions, (define x 1) for example",
    "python": "no function definition; this network reads functions, 'def f(x): return x' for example",
    "indentation": "no indented block; this network reads blocks with the line above them, on lines of their own",
}


def _events(given: str | bytes, name: str, reader: str, options: Mapping[str, Any], form: Form) -> Events:
    source = files.text_of(given, name) if isinstance(given, bytes) else given
    if reader == "text":
        return text.read_text([("typed.py" if name == NAME else name, source)], options["form"], 0)
    gatherer = Gatherer()
    try:
        gatherer.add(Document(name, as_shown(source, form, reader) or _trees(source, name, reader, options)))
    except CorpusError as error:
        raise CorpusError(f"{error}{_or_shown(form)}") from None
    return gatherer.events()


def _trees(source: str, name: str, reader: str, options: Mapping[str, Any]) -> list[Tree]:
    if reader == "python":
        return list(python_source.read_trees(source, path=name))
    if reader == "indentation":
        return list(python_indentation.read_trees(source, path=name))
    if reader == "lisp":
        return list(lisp.read_trees(source, path=name, dialect=None))
    return list(penn.read_trees(source, path=name, function_tags=options["function_tags"], traces=options["traces"]))
