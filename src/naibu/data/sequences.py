"""Sequences of symbols with their labels: one split of a corpus, in columns."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from naibu.data.events import START, Array, Events, depth, innermost, ranges
from naibu.data.examples import Column, Examples
from naibu.data.forms import END_SYMBOL, Form
from naibu.data.python_text import LABELS as PYTHON_LABELS
from naibu.data.python_text import is_python, python_labels
from naibu.data.vocabulary import Vocabulary
from naibu.errors import OptionError

if TYPE_CHECKING:
    from naibu.data.batch import Batch

_KEPT_LABELS = 4
_LISTED = 12


@dataclass(frozen=True, eq=False)
class Sequence:
    """One sequence: its symbols as the network sees them, their numbers, and the document it comes from."""

    symbols: tuple[str, ...]
    ids: Array
    document: str
    _split: Sequences = field(repr=False)

    def __len__(self) -> int:
        return len(self.symbols)

    def label(self, name: str) -> Column:
        """The label of each symbol; OptionError listing those that exist."""
        return self._split.label(name)


@dataclass(frozen=True)
class Source:
    """What the splits of a corpus share: the events of all sentences, the form, and how it is numbered."""

    events: Events
    form: Form
    vocabulary: Vocabulary
    numbers: Array
    """int32 [key]: the vocabulary's number of every key of the form."""
    categories: Array
    """int32: the categories of the corpus as codes of the table, most frequent first."""
    _tokenized: dict[int, Array | None] = field(default_factory=dict, repr=False)

    @cached_property
    def python(self) -> bool:
        """Whether this is Python source read as characters, so that its tokenizer can say more of it."""
        return self.form.name == "characters" and any(map(is_python, self.events.document_names))

    def python_labels(self, document: int) -> Array | None:
        """What `python_labels` says of one document, int8 [label event], ST included; read once, None if it cannot."""
        if document not in self._tokenized:
            self._tokenized[document] = self._python_labels(document)
        return self._tokenized[document]

    def _python_labels(self, document: int) -> Array | None:
        events = self.events
        if not is_python(events.document_names[document]):
            return None
        first, last = np.searchsorted(events.documents, [document, document + 1])
        here = slice(int(events.starts[first]), int(events.starts[last]))
        starts = events.kinds[here] == START
        found = python_labels("".join(events.table[name] for name in events.names[here][~starts]))
        if found is None:
            return None
        # Before the first letter of a passage stands ST, which sees what the document has shown so far.
        shown = np.concatenate([np.zeros((len(found), 1), np.int8), found], axis=1)
        labels: Array = shown[:, np.cumsum(~starts)]
        return labels


class Sequences(Examples):
    """One split of a corpus: many sequences end to end, in reading order.

    ids: int32 [token], numbers of the vocabulary; ST first, and in forms of sentences ED last, in each.
    starts: int64 [sequence + 1]; sequence s is ids[starts[s]:starts[s + 1]].
    documents: int32 [sequence], index into document_names.
    sentences: int64 [sequence], the number of each in the whole corpus, in reading order.
    """

    def __init__(
        self, source: Source, sentences: Array, own: Mapping[str, Column] | None = None, seen: Array | None = None
    ) -> None:
        """own: further labels, [token] of these sequences. seen: which occur in training, none where not given."""
        events, form = source.events, source.form
        self._source = source
        self._own = dict(own or {})
        self._seen = seen
        self._labels: OrderedDict[str, Column] = OrderedDict()
        self.sentences = np.asarray(sentences, np.int64)
        self.vocabulary = source.vocabulary
        self.document_names = events.document_names
        self.documents = events.documents[self.sentences]
        selected = form.select(self._kinds)
        inside = np.concatenate([[0], np.cumsum(selected)])
        self.starts = inside[np.concatenate([[0], np.cumsum(events.lengths[self.sentences])])].astype(np.int64)
        self._selected = np.flatnonzero(selected)
        self.ids = source.numbers[self.keys].astype(np.int32)

    def __len__(self) -> int:
        return len(self.sentences)

    def __repr__(self) -> str:
        return f"Sequences({len(self)} sequences, {self.tokens} tokens, form {self._source.form.name})"

    def __getitem__(self, s: int) -> Sequence:
        if not -len(self) <= s < len(self):
            raise IndexError(f"sequence {s} of {len(self)}")
        s %= len(self)
        ids = self.ids[self.starts[s] : self.starts[s + 1]]
        symbols = tuple(self.vocabulary.decode(ids))
        return Sequence(symbols, ids, self.document_names[self.documents[s]], self.subset(np.array([s])))

    def numbered_by(self, source: Source) -> Sequences:
        """The same sequences, as another source of the same events numbers them."""
        return Sequences(source, self.sentences, self._own, self._seen)

    @property
    def source(self) -> Source:
        """What it shares with the other splits."""
        return self._source

    @property
    def own(self) -> Mapping[str, Column]:
        """The labels that were given, [token] of these sequences."""
        return self._own

    @property
    def lengths(self) -> Array:
        """int64 [sequence], in tokens."""
        return np.diff(self.starts)

    @property
    def tokens(self) -> int:
        """The number of tokens in all."""
        return len(self.ids)

    def lengths_of(self, stream: str) -> Array:
        """int64 [sequence], in tokens."""
        return self.lengths

    def inputs(self, stream: str) -> dict[str, Column]:
        """The symbols, as the vocabulary names them."""
        return {"symbol": Column(self.ids, self.vocabulary.symbols)}

    def labels(self, stream: str) -> tuple[str, ...]:
        """The labels that can be asked for, `label_names`."""
        return self.label_names

    @property
    def singled_out(self) -> str | None:
        """The end of a sentence, where the form has one."""
        return END_SYMBOL if END_SYMBOL in self.vocabulary.index else None

    def classes(self) -> tuple[str, ...]:
        """The symbols: the next one is predicted."""
        return self.vocabulary.symbols

    def seen(self) -> Array:
        """bool [sequence]: whether the same symbols occur in training; False where that is not known."""
        return super().seen() if self._seen is None else self._seen

    def batch(self, which: Array) -> Batch:
        """The chosen sequences side by side, every symbol of them; to be predicted at each is the next, -1 at the last.

        Padding is symbol 0.
        """
        import torch  # what opens a corpus only to describe it needs no framework

        from naibu.data.batch import Batch, Stream
        from naibu.data.batches import pad

        ids, lengths = pad(self, which)
        later = np.arange(1, len(ids) + 1)[:, None] < lengths
        target = np.where(later, np.concatenate([ids[1:], ids[:1] * 0]), -1)
        return Batch({"input": Stream(torch.from_numpy(ids), torch.from_numpy(lengths))}, torch.from_numpy(target))

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels that can be asked for; of `depth:X` and `inside:X` the frequent categories come first."""
        events, form = self._source.events, self._source.form
        names = ["position", *events.columns, *(PYTHON_LABELS if self._source.python else ()), *self._own]
        if len(self._source.categories):
            names = ["depth", *(["part_of_speech"] if form.words else []), *names]
            categories = [events.table[code] for code in self._source.categories]
            names += [f"depth:{name}" for name in categories] + [f"inside:{name}" for name in categories]
        return tuple(names)

    def label(self, name: str, stream: str = "input") -> Column:
        """A label of every token, made from the events of the split.

        name: `depth` (brackets open), `depth:X` (brackets X open), `inside:X` (1 where any is), `part_of_speech`
            (the innermost open bracket, on words), `position` (0 at the first symbol), what the text reader
            counts, what `python_labels` says of Python read as characters (NaN in other files), or a column of
            one's own. Raises OptionError listing those that exist.
        """
        if name in self._labels:
            self._labels.move_to_end(name)
            return self._labels[name]
        found = self._label(name)
        found.values.flags.writeable = False
        self._labels[name] = found
        if len(self._labels) > _KEPT_LABELS:
            self._labels.popitem(last=False)
        return found

    def subset(self, sequences: Array) -> Sequences:
        """The chosen sequences, in the order given."""
        chosen = np.asarray(sequences)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        tokens = ranges(self.starts[chosen], self.lengths[chosen]) if self._own else np.zeros(0, np.int64)
        own = {name: Column(label.values[tokens], label.names) for name, label in self._own.items()}
        return Sequences(self._source, self.sentences[chosen], own, None if self._seen is None else self._seen[chosen])

    def text(self, s: int) -> list[str]:
        """The symbols of a sequence as they were before rare ones became `<unk>`."""
        table = self._source.events.table
        keys = self.keys[self.starts[s] : self.starts[s + 1]]
        return [self._source.form.spell(int(key), table) for key in keys]

    @cached_property
    def _where(self) -> Array:
        events = self._source.events
        return ranges(events.starts[self.sentences], events.lengths[self.sentences])

    @cached_property
    def _kinds(self) -> Array:
        return self._source.events.kinds[self._where]

    @cached_property
    def _names(self) -> Array:
        return self._source.events.names[self._where]

    @property
    def events(self) -> tuple[Array, Array]:
        """Kinds and names, [event], of everything in these sequences, whether the form shows it or not."""
        return self._kinds, self._names

    @property
    def keys(self) -> Array:
        """int64 [token]: each symbol before the vocabulary's limit, see Form."""
        chosen = self._selected
        return self._source.form.keys(self._kinds[chosen], self._names[chosen], len(self._source.events.table))

    def _label(self, name: str) -> Column:
        events = self._source.events
        if name in self._own:
            return self._own[name]
        if name == "position":
            positions = np.arange(self.tokens) - np.repeat(self.starts[:-1], self.lengths)
            return Column(positions.astype(np.int32), None)
        if name in events.columns:
            return Column(events.columns[name][self._where[self._selected]].astype(np.int32), None)
        if name in PYTHON_LABELS and self._source.python:
            return self._python_label(PYTHON_LABELS.index(name))
        if len(self._source.categories):
            if name == "depth":
                return Column(depth(self._kinds)[self._selected], None)
            if name == "part_of_speech" and self._source.form.words:
                return self._part_of_speech()
            measure, _, category = name.partition(":")
            if measure in ("depth", "inside") and (code := self._category(category)) is not None:
                values = depth(self._kinds, self._names == code)[self._selected]
                return Column(values if measure == "depth" else (values > 0).astype(np.int32), None)
        names = self.label_names
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        raise OptionError(f"label {name!r} does not exist here: there are {', '.join(names[:_LISTED])}{more}")

    def _python_label(self, number: int) -> Column:
        """A label of Python's tokenizer, which reads a whole file: that of every document with a sequence here."""
        events = self._source.events
        values = np.full(self.tokens, np.nan, np.float32)
        for document in np.unique(self.documents):
            found = self._source.python_labels(int(document))
            if found is None:
                continue
            first = events.starts[np.searchsorted(events.documents, document)]
            for s in np.flatnonzero(self.documents == document):
                begin = int(events.starts[self.sentences[s]] - first)
                here = slice(int(self.starts[s]), int(self.starts[s + 1]))
                values[here] = found[number, begin : begin + here.stop - here.start]
        return Column(values if np.isnan(values).any() else values.astype(np.int32), None)

    def _category(self, name: str) -> int | None:
        table = self._source.events.table
        return next((int(code) for code in self._source.categories if table[code] == name), None)

    def _part_of_speech(self) -> Column:
        categories = self._source.categories
        codes = np.full(len(self._source.events.table) + 1, -1, np.int32)
        codes[categories] = np.arange(len(categories))
        # -1, for what is no word, reads the last entry of the table of codes, which is -1 again.
        values = codes[innermost(self._kinds, self._names)[self._selected]]
        return Column(values, tuple(self._source.events.table[code] for code in categories))
