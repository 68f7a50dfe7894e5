"""Text that somebody gives, read as a network's corpus was and numbered by the network's own vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from naibu.data import files, lisp, penn, python_indentation, python_source, text
from naibu.data.categories import frequent_categories
from naibu.data.events import Events, Gatherer
from naibu.data.forms import form_named
from naibu.data.sequences import Sequences, Source
from naibu.data.trees import WORD, Document, Tree
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

    given: plain text for the reader "text"; trees, source code or S-expressions for the others, a sequence each.
    name: the file's, for errors, or NAME; what was not a file may be Python, and then has its labels in the form
        `characters`.
    options: those with which the network's corpus was opened: form, function_tags, traces.
    most: end the first sequence of a plain text after so many symbols, ST included, the rest being a second one
        without ST; its labels are then still those of the whole text. 0: all of it is one.
    Symbols that the network does not know become `<unk>`. Raises CorpusError for what cannot be read or is empty,
    OptionError for a symbol where the form has no `<unk>`.
    """
    form = form_named(options["form"], trees=reader != "text")
    events = _events(given, name, reader, options)
    if not len(events):
        raise CorpusError(_EMPTY[reader], name)
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


_EMPTY = {
    "text": "empty; give at least one symbol",
    "penn": "no tree in brackets; this network reads trees, (S (NP (N a)) (VP (V b))) for example",
    "lisp": "no list; this network reads S-expressions, (define x 1) for example",
    "python": "no function definition; this network reads functions, 'def f(x): return x' for example",
    "indentation": "no indented block; this network reads blocks with the line above them, on lines of their own",
}


def _events(given: str | bytes, name: str, reader: str, options: Mapping[str, Any]) -> Events:
    source = files.text_of(given, name) if isinstance(given, bytes) else given
    if reader == "text":
        return text.read_text([("typed.py" if name == NAME else name, source)], options["form"], 0)
    gatherer = Gatherer()
    gatherer.add(Document(name, _trees(source, name, reader, options)))
    return gatherer.events()


def _trees(source: str, name: str, reader: str, options: Mapping[str, Any]) -> list[Tree]:
    if reader == "python":
        return list(python_source.read_trees(source, path=name))
    if reader == "indentation":
        return list(python_indentation.read_trees(source, path=name))
    if reader == "lisp":
        return list(lisp.read_trees(source, path=name, dialect=None))
    return list(penn.read_trees(source, path=name, function_tags=options["function_tags"], traces=options["traces"]))
