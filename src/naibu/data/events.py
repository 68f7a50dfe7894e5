"""A whole corpus as columns of events: what every form and every label is made from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from naibu.data.trees import CLOSE, OPEN, WORD, Document

Array = np.ndarray[Any, Any]

# Kinds of event beside OPEN, CLOSE and WORD: the marks around a sentence.
START, END = 3, 4


@dataclass(frozen=True)
class Events:
    """The sentences of a corpus end to end.

    kinds: int8 [event], OPEN, CLOSE, WORD, START or END.
    names: int32 [event], index into `table`: the category or the word (0 for START and END).
    starts: int64 [sentence + 1]. documents: int32 [sentence], index into `document_names`.
    columns: further numbers for each event that no tree gives, such as `line_position` of text.
    skipped_files: names of files that could not be used, with the reason.
    left_out: how many things of each kind a reader left out of the files it used, see penn.read_trees.
    """

    kinds: Array
    names: Array
    starts: Array
    documents: Array
    table: tuple[str, ...]
    document_names: tuple[str, ...]
    columns: Mapping[str, Array] = field(default_factory=dict)
    skipped_files: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Array:
        """int64 [sentence], in events."""
        return np.diff(self.starts)


class Gatherer:
    """Collects documents, one at a time, into Events; names become numbers as they come."""

    def __init__(self) -> None:
        self._codes: defaultdict[str, int] = defaultdict()
        self._codes.default_factory = self._codes.__len__
        self._kinds: list[Array] = []
        self._names: list[Array] = []
        self._lengths: list[int] = []
        self._documents: list[int] = []
        self.document_names: list[str] = []
        self.skipped_files: list[str] = []
        self.left_out: Counter[str] = Counter()

    def add(self, document: Document) -> None:
        """Append a document's trees, with the marks around each."""
        kinds, names = bytearray(), list[int]()
        code = self._codes.__getitem__
        number = len(self.document_names)
        for tree in document.trees:
            kinds.append(START)
            kinds += bytes(tree.kinds)
            kinds.append(END)
            names.append(0)
            names += map(code, tree.names)
            names.append(0)
            self._lengths.append(len(tree) + 2)
            self._documents.append(number)
        if kinds:
            self.document_names.append(document.name)
            self._kinds.append(np.frombuffer(bytes(kinds), np.int8))
            self._names.append(np.array(names, np.int32))

    def events(self) -> Events:
        """Everything gathered so far."""
        starts = np.zeros(len(self._lengths) + 1, np.int64)
        np.cumsum(self._lengths, out=starts[1:])
        return Events(
            kinds=np.concatenate([np.zeros(0, np.int8), *self._kinds]),
            names=np.concatenate([np.zeros(0, np.int32), *self._names]),
            starts=starts,
            documents=np.array(self._documents, np.int32),
            table=tuple(self._codes),
            document_names=tuple(self.document_names),
            skipped_files=tuple(self.skipped_files),
            left_out=self.left_out,
        )


def join(first: Events, second: Events) -> Events:
    """Two corpora as one, the second's names numbered as in the first's table."""
    codes: defaultdict[str, int] = defaultdict(None, {name: number for number, name in enumerate(first.table)})
    codes.default_factory = codes.__len__
    renumber = np.array([codes[name] for name in second.table] or [0], np.int32)
    return Events(
        kinds=np.concatenate([first.kinds, second.kinds]),
        # ST and ED have no name: theirs stays 0.
        names=np.concatenate([first.names, np.where(second.kinds < START, renumber[second.names], 0)]),
        starts=np.concatenate([first.starts, second.starts[1:] + first.starts[-1]]),
        documents=np.concatenate([first.documents, second.documents + np.int32(len(first.document_names))]),
        table=tuple(codes),
        document_names=first.document_names + second.document_names,
        columns={name: np.concatenate([column, second.columns[name]]) for name, column in first.columns.items()},
        skipped_files=first.skipped_files + second.skipped_files,
        left_out=Counter(first.left_out) + Counter(second.left_out),
    )


def ranges(starts: Array, lengths: Array) -> Array:
    """int64 indices of many stretches one after the other: start, start + 1, ... for each."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(total)


def depth(kinds: Array, counted: Array | None = None) -> Array:
    """int32 [event]: brackets open after the event; only those where `counted` is true, if given.

    Every sentence opens and closes equally often, so one running sum serves all of them.
    """
    step = np.zeros(len(kinds), np.int32)
    step[kinds == OPEN] = 1
    step[kinds == CLOSE] = -1
    if counted is not None:
        step *= counted
    return np.cumsum(step, dtype=np.int32)


def innermost(kinds: Array, names: Array) -> Array:
    """int32 [event]: for each WORD the category of the innermost open bracket, -1 elsewhere and without one."""
    level = depth(kinds)
    relevant = np.flatnonzero(((kinds == OPEN) | (kinds == WORD)) & (level > 0))
    # Within one level, the bracket that a word lies in is the last one opened before it.
    order = relevant[np.argsort(level[relevant], kind="stable")]
    opened = np.where(kinds[order] == OPEN, np.arange(len(order)), 0)
    mother = order[np.maximum.accumulate(opened)] if len(order) else order
    found = np.full(len(kinds), -1, np.int32)
    is_word = kinds[order] == WORD
    found[order[is_word]] = names[mother[is_word]]
    return found


def spans(kinds: Array) -> tuple[Array, Array]:
    """Indices of every OPEN, in order, and of the CLOSE that belongs to each."""
    brackets = np.flatnonzero((kinds == OPEN) | (kinds == CLOSE))
    level = depth(kinds)[brackets] + (kinds[brackets] == CLOSE)
    # Within one level OPEN and CLOSE alternate, so that partners become neighbours.
    order = brackets[np.argsort(level, kind="stable")]
    opens, closes = order[0::2], order[1::2]
    reading = np.argsort(opens, kind="stable")
    return opens[reading], closes[reading]


def inside_counts(kinds: Array, names: Array, selected: Array, categories: int) -> tuple[Array, Array]:
    """For each category the number of selected events inside it, and whether it ever holds another node.

    selected: bool [event]. Nodes inside a node of the same category are counted once.
    """
    opens, closes = spans(kinds)
    counts, phrase = np.zeros(categories, np.int64), np.zeros(categories, bool)
    if not len(opens):
        return counts, phrase
    before = np.concatenate([[0], np.cumsum(selected)])
    opened = np.concatenate([[0], np.cumsum(kinds == OPEN)])
    category = names[opens].astype(np.int64)
    phrase[category[opened[closes] - opened[opens] > 1]] = True
    order = np.argsort(category, kind="stable")
    category, opens, closes = category[order], opens[order], closes[order]
    offset = category * (len(kinds) + 1)  # one running maximum for all: categories lie above each other
    furthest = np.maximum.accumulate(closes + offset)
    outermost = np.ones(len(opens), bool)
    outermost[1:] = furthest[:-1] < (opens + offset)[1:]
    size = before[closes] - before[opens]
    counts += np.bincount(category, np.where(outermost, size, 0), categories).astype(np.int64)
    return counts, phrase
