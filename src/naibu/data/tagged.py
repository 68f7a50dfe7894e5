"""Tagged text in numbers: all tokens of some files, and the sentences of a part of them as examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from naibu.data.conllu import tree_labels
from naibu.data.examples import Array, Column, Examples
from naibu.data.tag_coder import TagCoder
from naibu.data.token_table import TokenTable
from naibu.errors import OptionError

if TYPE_CHECKING:
    from naibu.data.batch import Batch

FEW = 200
"""Different values up to which a column is a label without being named."""
NUMBERS = ("id", "head")
"""Columns that say which word of the sentence is meant: no label."""
PARTS_OF_SPEECH = ("xpos", "pos", "upos")
"""Columns that are the label `part_of_speech`, the first that there is."""
BEGUN, PLACE = "entity_begun", "entity_place"
TREE = ("tree_depth", "inside_subject")


@dataclass(frozen=True)
class Source:
    """All tokens of some files, in numbers.

    forms: the different words. form: int32 [token]. x: int32 [token column], as `TagCoder.tables`. letters: int32
    [form letter]. tags: int32 [token], -1 where one is unknown. starts: int64 [sentence + 1]. documents: int64
    [sentence].
    """

    tables: tuple[TokenTable, ...]
    coder: TagCoder
    forms: tuple[str, ...]
    form: Array
    x: Array
    letters: Array
    tags: Array
    starts: Array
    documents: Array
    stray: tuple[int, ...]

    @classmethod
    def of(cls, tables: Sequence[TokenTable], coder: TagCoder, *, repair: bool = True, tagged: bool = True) -> Source:
        """Return tables end to end; without tags where they are not `tagged`. Raises as `encode` and `targets` do."""
        coded = [coder.encode(table) for table in tables]
        told = [coder.targets(table, repair=repair) if tagged else None for table in tables]
        forms: dict[str, int] = {}
        moved = [np.array([forms.setdefault(word, len(forms)) for word in each.forms], np.int32) for each in coded]
        letters = np.zeros((len(forms), coded[0].letters.shape[1]), np.int32)
        for numbers, each in zip(moved, coded, strict=True):
            letters[numbers] = each.letters
        tokens = np.cumsum([0, *(len(table.rows) for table in tables)])
        starts = [np.array(table.starts[:-1]) + first for table, first in zip(tables, tokens, strict=False)]
        return cls(
            tables=tuple(tables),
            coder=coder,
            forms=tuple(forms),
            form=np.concatenate([numbers[each.form] for numbers, each in zip(moved, coded, strict=True)]),
            x=np.concatenate([each.x for each in coded]),
            letters=letters,
            tags=np.concatenate([
                np.full(len(table.rows), -1, np.int32) if each is None else each.tags
                for table, each in zip(tables, told, strict=True)
            ]),
            starts=np.concatenate([*starts, tokens[-1:]]).astype(np.int64),
            documents=documents_of(tables),
            stray=tuple(first + place for first, each in zip(tokens.tolist(), told, strict=False) if each is not None
                        for place in each.stray),
        )  # fmt: skip

    def gold(self, tokens: Array) -> list[str]:
        """Return the tags of tokens, int [token], as the training files have them, be they known or not."""
        tags = [tag for table in self.tables for tag in self.coder.gold(table)]
        return [tags[token] for token in tokens.tolist()]

    def column(self, name: str) -> list[str]:
        """Return the values of a column of the files, one a token. Raises OptionError where there is none."""
        return [value for table in self.tables for value in table.column(name)]

    @cached_property
    def labels(self) -> dict[str, Callable[[], Column]]:
        """What is known of every token, by name, made when it is asked for."""
        found: dict[str, Callable[[], Column]] = {}
        for name in self._columns():
            found[name] = lambda name=name: _categories(self.column(name))  # type: ignore[misc]
        parts = next((name for name in PARTS_OF_SPEECH if name in found), None)
        if parts is not None:
            found["part_of_speech"] = found[parts]
        if self.coder.scheme is not None:
            place = self._entity_place
            found |= {BEGUN: lambda: Column((place > 0).astype(np.int32)), PLACE: lambda: Column(place)}
        if self._in_all("head") and self._in_all("deprel"):
            for number, name in enumerate(TREE):
                found[name] = lambda number=number: Column(self._tree[number])  # type: ignore[misc]
        return found

    def _columns(self) -> Iterator[str]:
        """Yield the columns that all files have and that have few different values."""
        for name in self.tables[0].columns:
            read = name in (self.coder.word, *NUMBERS)
            if not read and self._in_all(name) and 1 < len(set(self.column(name))) <= FEW:
                yield name

    def _in_all(self, name: str) -> bool:
        return all(name in table.columns for table in self.tables)

    @cached_property
    def _entity_place(self) -> Array:
        """How many tokens of an entity have been read, it and those before it counted, int32 [token]; 0 outside."""
        names = self.coder.tags
        begins = np.array([name[:2] in ("B-", "S-") for name in names] + [False])[self.tags]
        inside = np.array([name != "O" for name in names] + [False])[self.tags]
        count = np.arange(1, len(self.tags) + 1)
        since = np.maximum.accumulate(np.where(begins | ~inside, count, 0))
        return np.where(inside, count - since + 1, 0).astype(np.int32)

    @cached_property
    def _tree(self) -> tuple[Array, Array]:
        return tree_labels(self.column("head"), self.column("deprel"), self.starts)


class Tagged(Examples):
    """Some sentences, each an example: words are read, a tag is told of each."""

    def __init__(self, source: Source, which: Array, known: frozenset[bytes] = frozenset()) -> None:
        """which: numbers of the sentences. known: the sentences of training, to say which occur there too."""
        self.source, self.which, self._known = source, np.asarray(which, np.int64), known

    def __repr__(self) -> str:
        return f"Tagged({len(self):,} sentences of {int(self.lengths.sum()):,} tokens)"

    def __len__(self) -> int:
        return len(self.which)

    def lengths_of(self, stream: str) -> Array:
        """Return the tokens of every sentence, int64 [example]."""
        lengths: Array = self.source.starts[self.which + 1] - self.source.starts[self.which]
        return lengths

    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return the words as they stand in the files."""
        return {"symbol": Column(self.source.form[self.tokens], self.source.forms)}

    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the names of what is known of every token: its place, columns with few values, entities, trees."""
        return ("position", *self.source.labels)

    def label(self, name: str, stream: str = "input") -> Column:
        """Return a label of every token; any column of the files is one, and any key of `feats`.

        Raises OptionError that lists those there are.
        """
        if name == "position":
            lengths = self.lengths
            return Column((np.arange(len(self.tokens)) - np.repeat(np.cumsum(lengths) - lengths, lengths)).astype(
                np.int32))  # fmt: skip
        if name in self.source.labels:
            found = self.source.labels[name]()
        else:
            try:
                found = _categories(self.source.column(name))
            except OptionError:
                listed = ", ".join((*self.labels(stream), *self.source.tables[0].columns))
                raise OptionError(f"label {name!r} does not exist here: there are {listed}") from None
        return Column(found.values[self.tokens], found.names)

    def subset(self, which: Array, /) -> Tagged:
        """Return the chosen sentences."""
        return Tagged(self.source, self.which[which], self._known)

    def batch(self, which: Array) -> Batch:
        """Return sentences side by side: what is read of each token, [time batch column], and its tag.

        The columns are the number of the word among the different words, those of `TagCoder.tables`, and its letters.
        """
        import torch

        from naibu.data.batch import Batch, Stream

        source = self.source
        starts = source.starts[self.which[which]]
        lengths = source.starts[self.which[which] + 1] - starts
        time = np.arange(int(lengths.max(initial=0)))[:, None]
        there = time < lengths  # [time batch]
        token = (starts + time)[there]
        form = source.form[token]
        x = np.zeros((*there.shape, 1 + source.x.shape[1] + source.letters.shape[1]), np.int64)
        x[there] = np.concatenate([form[:, None], source.x[token], source.letters[form]], 1)
        target = np.full(there.shape, -1, np.int64)
        target[there] = source.tags[token]
        stream = Stream(torch.from_numpy(x), torch.from_numpy(lengths))
        return Batch({"input": stream}, torch.from_numpy(target))

    def classes(self) -> tuple[str, ...]:
        """Return the tags."""
        return self.source.coder.tags

    def seen(self) -> Array:
        """Return whether each sentence occurs in training too, word for word."""
        return np.array([words in self._known for words in self.words()], bool)

    def words(self) -> Iterator[bytes]:
        """Yield what stands for the words of each sentence, equal for equal ones."""
        for sentence in self.which.tolist():
            yield self.source.form[self.source.starts[sentence] : self.source.starts[sentence + 1]].tobytes()

    def symbols_of(self, sentence: int) -> list[str]:
        """Return the words of a sentence."""
        begin, end = self.source.starts[self.which[sentence] : self.which[sentence] + 2]
        return [self.source.forms[number] for number in self.source.form[begin:end].tolist()]

    def text(self, sentence: int) -> str:
        """Return a sentence: its words with blanks between them, its characters without."""
        return ("" if self.source.coder.pairs else " ").join(self.symbols_of(sentence))

    @cached_property
    def tokens(self) -> Array:
        """The place of every token, int64 [token]."""
        lengths = self.lengths
        first = np.repeat(self.source.starts[self.which] - np.cumsum(lengths) + lengths, lengths)
        tokens: Array = first + np.arange(int(lengths.sum()))
        return tokens


def documents_of(tables: Sequence[TokenTable]) -> Array:
    """Return the number of the document of each sentence of tables end to end, int64 [sentence]."""
    found, first = list[Array](), 0
    for table in tables:
        found.append(np.array(table.documents, np.int64) + first)
        first += max(table.documents) + 1
    return np.concatenate(found)


def _categories(values: Sequence[str]) -> Column:
    names = [name for name, _ in Counter(values).most_common()]
    numbers = {name: number for number, name in enumerate(names)}
    return Column(np.array([numbers[value] for value in values], np.int32), tuple(names))
