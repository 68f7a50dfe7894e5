"""What turns the tokens of a file into the numbers that a tagger reads, and its tags into numbers and back."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from naibu.data.examples import Array
from naibu.data.span_schemes import SchemeName, are_spans, scheme_of, spans_of, tags_of, tags_of_kinds
from naibu.data.token_table import FormatName, TokenTable
from naibu.errors import CorpusError, OptionError
from naibu.storage import MALFORMED, as_json, damaged, from_json, read_json, write_json

UNKNOWN = "<unk>"
LETTERS = 20
"""Letters of a word that are read, at most: ten from its beginning and ten from its end."""
FILE = "tags.json"
_RUN = 4
"""Signs of a word's shape, at most."""


class Coded(NamedTuple):
    """The tokens of a file in numbers."""

    forms: tuple[str, ...]  # the different words
    form: Array  # int32 [token]: which of them each token is
    x: Array  # int32 [token column]: words, shapes ...: what has a vector of its own, as `TagCoder.tables` names it
    letters: Array  # int32 [form letter]: 0 behind the end of a word; no column where letters are not read


class Targets(NamedTuple):
    """The tags of a file in numbers."""

    tags: Array  # int32 [token]: -1 for a tag that is unknown to the network
    stray: list[int]  # tokens at which a span without a beginning was given one


@dataclass(frozen=True)
class TagCoder:
    """The numbers of what a tagger reads and tells. Number 0 of words, shapes and so on is what is unknown.

    format, columns: those of the training files. word, column, features: which of these are words, tags, and read
    besides. words: lower-cased where `lowercase`. pairs: of neighbouring characters, where tokens are single
    characters; else empty, and `letters` are read. values: of each feature. tags: of all kinds of spans in the order
    of `tags_of_kinds`, or as they are. scheme: how the network marks spans, `written` how the files do; None where tags
    mark none.
    """

    format: FormatName
    columns: tuple[str, ...]
    word: str
    column: str
    features: tuple[str, ...]
    lowercase: bool
    words: tuple[str, ...]
    shapes: tuple[str, ...]
    pairs: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    letters: tuple[str, ...]
    tags: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    scheme: SchemeName | None = None
    written: SchemeName | None = None

    @classmethod
    def of(
        cls,
        tables: Sequence[TokenTable],
        chosen: Sequence[Array],
        *,
        word: str,
        column: str,
        features: Sequence[str],
        lowercase: bool,
        rare: int,
        scheme: SchemeName,
        known: Iterable[str] = (),
    ) -> Self:
        """Return the coder that training tokens ask for.

        chosen: of each table, which sentences are learnt from. rare: how often a word has to come to have a number of
        its own. known: words that have one whatever they are, those with a vector, as far as they come at all.
        """
        read, words, shapes, pairs, letters = (Counter[str]() for _ in range(5))
        values: list[Counter[str]] = [Counter() for _ in features]
        tags, kinds, marks = Counter[str](), Counter[str](), list[list[str]]()
        single = all(len(form) == 1 for table in tables for form in set(table.column(word)))
        spans = all(are_spans(table.column(column)) or not len(which)
                    for table, which in zip(tables, chosen, strict=True))  # fmt: skip
        for table, which in zip(tables, chosen, strict=True):
            forms, gold = table.column(word), table.column(column)
            others = [table.column(feature) for feature in features]
            sentences = [(table.starts[sentence], table.starts[sentence + 1]) for sentence in which.tolist()]
            for begin, end in sentences:
                read.update(forms[begin:end])
                tags.update(gold[begin:end])
                marks.append(gold[begin:end])
                pairs.update(_pairs(forms[begin:end]) if single else ())
                for counter, values_there in zip(values, others, strict=True):
                    counter.update(values_there[begin:end])
        for form, count in read.items():
            words[form.lower() if lowercase else form] += count
            shapes[shape_of(form)] += count
            for letter in () if single else form:
                letters[letter] += count
        written = scheme_of(marks) if spans else None
        if written is not None:
            kinds = Counter(span.kind for tags_there in marks for span in spans_of(tags_there, written).found)
        vectors = {each.lower() if lowercase else each for each in known}
        frequent = (each for each, count in words.most_common() if count >= rare or each in vectors)
        names = tuple(kind for kind, _ in kinds.most_common())
        return cls(
            format=tables[0].format,
            columns=tables[0].columns,
            word=word,
            column=column,
            features=tuple(features),
            lowercase=lowercase,
            words=(UNKNOWN, *(each for each in frequent if each != UNKNOWN)),
            shapes=_numbered(shapes, rare),
            pairs=_numbered(pairs, rare) if single else (),
            values=tuple(_numbered(counter, rare) for counter in values),
            letters=() if single else _numbered(letters, rare),
            tags=tags_of_kinds(names, scheme) if spans else tuple(tag for tag, _ in tags.most_common()),
            kinds=names,
            scheme=scheme if spans else None,
            written=written,
        )

    def save(self, folder: Path) -> None:
        """Write `tags.json`."""
        write_json(folder / FILE, as_json(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the coder of a run. Raises StoredError where it is missing or damaged."""
        what = "the words and tags of a network"
        try:
            found: Self = from_json(cls, read_json(folder / FILE, what, sealed=lambda _: True))
        except MALFORMED as error:
            raise damaged(folder / FILE, what, error) from None
        return found

    @property
    def tables(self) -> dict[str, tuple[str, ...]]:
        """What of a token has a vector of its own, in the order of the columns of `Coded.x`."""
        beside = {"left": self.pairs, "right": self.pairs} if self.pairs else {}
        read = {f"feature_{place}": values for place, values in enumerate(self.values)}
        return {"words": self.words, "shapes": self.shapes, **beside, **read}

    @property
    def sizes(self) -> dict[str, int]:
        """What a model is built from: how many of each there are. Letters have 0 behind the end of a word besides."""
        found = {name: len(names) for name, names in self.tables.items()}
        found |= {"letters": len(self.letters) + 1} if self.letters else {}
        return found | {"tags": len(self.tags)} | ({"kinds": len(self.kinds)} if self.kinds else {})

    def encode(self, table: TokenTable) -> Coded:
        """Return the tokens of a table in numbers. Raises OptionError where it lacks a column that is read."""
        words = table.column(self.word)
        places: dict[str, int] = {}
        form = np.array([places.setdefault(each, len(places)) for each in words], np.int32)
        forms = tuple(places)
        lower = (each.lower() for each in forms) if self.lowercase else forms
        columns = [self._number("words", lower)[form], self._number("shapes", map(shape_of, forms))[form]]
        if self.pairs:
            for side in (0, 1):
                columns.append(self._number("left", self._neighbours(table, words, side)))
        for place, feature in enumerate(self.features):
            columns.append(self._number(f"feature_{place}", table.column(feature)))
        return Coded(forms, form, np.stack(columns, 1), self._spelt(forms))

    def targets(self, table: TokenTable, *, repair: bool = True) -> Targets:
        """Return the tags of a table in numbers; spans are marked as the network marks them.

        Raises CorpusError with the line for a span without a beginning, unless it is to be repaired.
        """
        tags, stray = table.column(self.column), list[int]()
        if self.scheme is not None:
            tags, stray = _converted(table, tags, self.scheme)
            if stray and not repair:
                tag, line = table.column(self.column)[stray[0]], table.lines[stray[0]]
                told = f"{tag} goes on with a span that has not begun; --stray repair lets it begin there"
                raise CorpusError(told, table.name, line)
        numbers = {tag: number for number, tag in enumerate(self.tags)}
        found = np.array([numbers.get(tag, -1) for tag in tags], np.int32)
        return Targets(found, stray)

    def gold(self, table: TokenTable) -> list[str]:
        """Return the tags of a table, spans marked as the training files mark them."""
        tags = table.column(self.column)
        return tags if self.written is None else _converted(table, tags, self.written)[0]

    def spell(self, numbers: Array, starts: Sequence[int] | Array) -> list[str]:
        """Return the tags of numbers, int [token], as the files have them; `starts` are those of the sentences."""
        tags = [self.tags[number] for number in numbers.tolist()]
        if self.scheme is None or self.written is None:
            return tags
        found = list[str]()
        for begin, end in pairwise(np.asarray(starts).tolist()):
            found += tags_of(spans_of(tags[begin:end], self.scheme).found, end - begin, self.written)
        return found

    @cached_property
    def _index(self) -> Mapping[str, Mapping[str, int]]:
        tables = {**self.tables, "letters": self.letters}
        return {name: {each: number for number, each in enumerate(names)} for name, names in tables.items()}

    def _number(self, name: str, values: Iterable[str]) -> Array:
        index = self._index[name]
        return np.array([index.get(each, 0) for each in values], np.int32)

    def _neighbours(self, table: TokenTable, words: list[str], side: int) -> Iterator[str]:
        for begin, end in pairwise(table.starts):
            yield from _pairs(words[begin:end])[side : side + end - begin]

    def _spelt(self, forms: Sequence[str]) -> Array:
        if not self.letters:
            return np.zeros((len(forms), 0), np.int32)
        index = self._index["letters"]
        found = np.zeros((len(forms), LETTERS), np.int32)
        for row, form in enumerate(forms):
            cut = form if len(form) <= LETTERS else form[: LETTERS // 2] + form[-(LETTERS - LETTERS // 2) :]
            found[row, : len(cut)] = [index.get(letter, 0) + 1 for letter in cut]
        return found


def shape_of(word: str) -> str:
    """Return what a word looks like: X, x and d for capitals, small letters and digits, the script of other letters,
    other characters as they are; what comes several times in a row once; the first four of it."""
    found = list[str]()
    for letter in word:
        sign = _sign(letter)
        if not found or found[-1] != sign:
            found.append(sign)
            if len(found) == _RUN:
                break
    return " ".join(found)


def _sign(letter: str) -> str:
    if letter.isascii() or letter.isupper() or letter.islower():
        return "X" if letter.isupper() else "x" if letter.isalpha() else "d" if letter.isdigit() else letter
    return unicodedata.name(letter, "?").split()[0] if letter.isalnum() else letter


def _pairs(letters: Sequence[str]) -> list[str]:
    """Return the pairs of neighbours, the first with what stands before it and the last with what follows: nothing."""
    return [before + "\t" + after for before, after in pairwise(["", *letters, ""])]


def _numbered(counts: Counter[str], rare: int) -> tuple[str, ...]:
    return (UNKNOWN, *(each for each, count in counts.most_common() if count >= rare and each != UNKNOWN))


def _converted(table: TokenTable, tags: list[str], scheme: SchemeName) -> tuple[list[str], list[int]]:
    """Return the tags of a table in a scheme, and the tokens at which a span without a beginning was given one."""
    if not (are_spans(tags) or set(tags) == {"O"}):
        place = next(place for place, tag in enumerate(tags) if not are_spans([tag, "B-X"]))
        told = f"the tag {tags[place]!r} is neither O nor that of a span, as in the training files"
        raise CorpusError(told, table.name, table.lines[place])
    sentences = [tags[begin:end] for begin, end in pairwise(table.starts)]
    written, found, stray = scheme_of(sentences), list[str](), list[int]()
    for begin, sentence in zip(table.starts, sentences, strict=False):
        spans = spans_of(sentence, written)
        found += tags_of(spans.found, len(sentence), scheme)
        stray += [begin + place for place in spans.stray]
    return found, stray


def choose_column(tables: Sequence[TokenTable], asked: str | None) -> str:
    """Return the column of tags: the one asked for, else `upos` in CoNLL-U, else the last.

    Raises OptionError where a file does not have it.
    """
    chosen = asked or ("upos" if tables[0].format == "conllu" else tables[0].columns[-1])
    for table in tables:
        table.column(chosen)
    return chosen


def choose_word(table: TokenTable, asked: str | None) -> str:
    """Return the column of words: the one asked for, else one whose name says so, else the first."""
    if asked is not None:
        if asked not in table.columns:
            raise OptionError(f"--word {asked}: {table.name} has the columns {', '.join(table.columns)}")
        return asked
    return next((name for name in ("form", "word", "token", "text") if name in table.columns), table.columns[0])
