"""Tagged text opened: read, divided into training, validation and test, and numbered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from naibu.data.conllu import tree_labels
from naibu.data.examples import Array, Column, Data, Examples
from naibu.data.parts import drawn, share_of
from naibu.data.span_records import UnitName
from naibu.data.span_schemes import SchemeName
from naibu.data.tag_coder import TagCoder, choose_column, choose_word
from naibu.data.tagged_files import read_tables
from naibu.data.text_reading import digest_of_source
from naibu.data.token_table import TokenTable
from naibu.data.vector_file import Vectors, read_vectors
from naibu.errors import CorpusError, OptionError
from naibu.storage import digest_of

if TYPE_CHECKING:
    from naibu.data.batch import Batch

SHARE = 0.1
"""Of the data, for validation and test each, where nothing is asked for."""
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
        """Return tables end to end; without tags where they are not `tagged`. Raises as `TagCoder.encode`, `targets`."""
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


@dataclass(frozen=True, repr=False)
class TagsData(Data):
    """Tagged text in three parts; the data of the task `tags`.

    counts: of what was read. vectors: those that words begin with, None where they are drawn.
    """

    train: Tagged
    validation: Tagged
    test: Tagged
    coder: TagCoder
    counts: dict[str, int]
    vectors: Vectors | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What was counted."""
        return {"counts": self.counts}

    @property
    def symbols(self) -> tuple[str, ...]:
        """The words that have a number."""
        return self.coder.words

    def example(self) -> str:
        """Return the beginning of a test sentence."""
        return self.test.text(0)[:200] if len(self.test) else ""

    def beginning(self) -> dict[str, Array]:
        """Return the vectors of words that were given; NaN for a word that has none."""
        if self.vectors is None:
            return {}
        return {"vectors.words.weight": self.vectors.of(self.coder.words, lowercase=self.coder.lowercase)}


def open_tags(
    files: str | Path | Sequence[str | Path],
    *,
    column: str | None = None,
    columns: Sequence[str] = (),
    word: str | None = None,
    features: Sequence[str] = (),
    level: UnitName | None = None,
    validation: str | Path | float = SHARE,
    test: str | Path | float | None = None,
    stray: str = "repair",
    scheme: SchemeName = "IOB2",
    lowercase: bool = True,
    rare: int = 2,
    vectors: str | Path | None = None,
    seed: int = 1,
) -> TagsData:
    """Return tagged text in three parts.

    files: CoNLL-U, columns, or records with spans in JSON; folders and archives of them. column: what is told of each
    word. columns: names for columns that have none. word: the column that is read; features: columns read beside it.
    level: what a token of records is. validation, test: a file, or a share: whole documents where there are ten or
    more, else sentences; with a file for validation and none for test, and where the share is 0, the test part is the
    validation part. A validation share of 0 judges on the training part. stray: "repair", or "refuse" spans that have
    no beginning. scheme: how the network marks spans. rare: how often a word has to come to be known. vectors: a
    word2vec file with the vectors that words begin with. seed: of the division.

    Raises CorpusError for files that cannot be used, OptionError for options that cannot.
    """
    paths = [Path(each) for each in ([files] if isinstance(files, str | Path) else files)]
    if not paths:
        raise OptionError("no tagged text is named: give a file, a folder or an archive")
    if rare < 1 or seed < 0:
        told = f"--rare {rare}: must be at least 1" if rare < 1 else f"--split-seed {seed}: must be 0 or more"
        raise OptionError(told)
    test = (SHARE if share_of(validation, "validation") is not None else 0.0) if test is None else test
    options: dict[str, Any] = {
        "files": [str(path.resolve()) for path in paths],
        "column": column,
        "columns": list(columns),
        "word": word,
        "features": list(features),
        "level": level,
        "validation": _placed(validation, "validation"),
        "test": _placed(test, "test"),
        "stray": stray,
        "scheme": scheme,
        "lowercase": lowercase,
        "rare": rare,
        "vectors": None if vectors is None else str(Path(vectors).resolve()),
        "split_seed": seed,
    }
    asked = [name for name in (column, word, *features) if name is not None]
    own = {name: Path(options[name]) for name in ("validation", "test") if isinstance(options[name], str)}
    read: dict[str, list[TokenTable]] = {"train": []}
    for path in paths:
        read["train"] += read_tables(path, columns=columns, asked=asked, level=level)
    for name, path in own.items():
        if path in map(Path, options["files"]):
            raise OptionError(f"--{name} {path}: is a training file itself; give another file, or a share")
        read[name] = read_tables(path, columns=columns, asked=asked, level=level)
    return _opened(paths, read, options)


def _opened(paths: list[Path], read: Mapping[str, list[TokenTable]], options: dict[str, Any]) -> TagsData:
    tables = [table for some in read.values() for table in some]
    word, column = choose_word(tables[0], options["word"]), choose_column(tables, options["column"])
    if column == word:
        raise OptionError(f"--column {column}: is what is read; name another, or the words with --word")
    parts, by = _divided(read, options)
    vectors = None if options["vectors"] is None else read_vectors(Path(options["vectors"]))
    coder = TagCoder.of(
        read["train"],
        list(_by_table(read["train"], parts["train"])),
        word=word,
        column=column,
        features=options["features"],
        lowercase=options["lowercase"],
        rare=options["rare"],
        scheme=options["scheme"],
        known=() if vectors is None else vectors.words,
    )
    source = Source.of(tables, coder, repair=options["stray"] == "repair")
    train = Tagged(source, parts["train"])
    known = frozenset(train.words())
    validation, test = (Tagged(source, parts[name], known) for name in ("validation", "test"))
    test = validation if parts["test"] is parts["validation"] else test
    _check(train, coder, paths[0], options)
    name = paths[0].name or paths[0].resolve().name
    data = TagsData(
        name=name if len(paths) == 1 else f"{name} and {len(paths) - 1} more",
        task="tags",
        options=options,
        train=train,
        validation=validation,
        test=test,
        sizes=coder.sizes,
        coder=coder,
        asks=_asks(test if len(test) else train),
        fingerprint=digest_of(*(digest_of_source(Path(file)) for file in _files(options)), _apart(options)),
        found=[],
        counts=_counts(source, train, validation, test),
        vectors=vectors,
    )
    return replace(data, found=list(_described(data, by)))


def _divided(read: Mapping[str, list[TokenTable]], options: Mapping[str, Any]) -> tuple[dict[str, Array], str]:
    """Return the numbers of the sentences of each part, and how they were divided."""
    counts = {name: sum(len(table.documents) for table in some) for name, some in read.items()}
    shares = [0.0 if name in read else float(options[name]) for name in ("validation", "test")]
    lengths = np.concatenate([np.diff(table.starts) for table in read["train"]])
    found, by = drawn(documents_of(read["train"]), lengths, shares, options["split_seed"])
    parts = dict(zip(("train", "validation", "test"), found, strict=True))
    first = counts["train"]
    for name in ("validation", "test"):
        if name in read:
            parts[name] = np.arange(first, first + counts[name])
            first += counts[name]
    if not len(parts["test"]):
        parts["test"] = parts["validation"]
    return parts, "sentences" if by == "example" else "documents"


def _by_table(tables: Sequence[TokenTable], which: Array) -> Iterator[Array]:
    """Yield which sentences of each table are among some, counted within it."""
    first = 0
    for table in tables:
        count = len(table.documents)
        yield which[(which >= first) & (which < first + count)] - first
        first += count


def documents_of(tables: Sequence[TokenTable]) -> Array:
    """Return the number of the document of each sentence of tables end to end, int64 [sentence]."""
    found, first = list[Array](), 0
    for table in tables:
        found.append(np.array(table.documents, np.int64) + first)
        first += max(table.documents) + 1
    return np.concatenate(found)


def _check(train: Tagged, coder: TagCoder, path: Path, options: Mapping[str, Any]) -> None:
    """Raise CorpusError where there is nothing to learn."""
    if not len(train):
        raise CorpusError("no sentence is left to learn from; give more text, or smaller shares", path)
    different = np.unique(train.source.tags[train.tokens])
    if len(different) < 2:
        told = f"every word has the same tag, {coder.tags[int(different[0])]!r}: nothing can be learnt"
        raise CorpusError(f"{told}; name another column with --column ({', '.join(coder.columns)})", path)


def _counts(source: Source, train: Tagged, validation: Tagged, test: Tagged) -> dict[str, int]:
    parts = {"train": train, "validation": validation, "test": test}
    unknown = {f"unknown_tags_{name}": int((source.tags[part.tokens] < 0).sum()) for name, part in parts.items()}
    words = {f"unknown_words_{name}": int((source.x[part.tokens, 0] == 0).sum()) for name, part in parts.items()}
    sizes = {f"{name}_sentences": len(part) for name, part in parts.items()}
    return {**sizes, "forms": len(source.forms), "stray": len(source.stray), **unknown, **words}


def _described(data: TagsData, by: str) -> Iterator[tuple[str, str]]:
    coder, counts = data.coder, data.counts
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    yield "tagged text", data.name
    yield "read", coder.word + (f" and {', '.join(coder.features)}" if coder.features else "")
    if coder.scheme is None:
        yield "told", f"{coder.column}: {len(coder.tags)} tags"
    else:
        yield "told", f"{coder.column}: spans of {len(coder.kinds)} kinds, marked by {coder.written}"
    if counts["stray"]:
        yield "spans without a beginning", f"{counts['stray']:,}, given one"
    yield f"divided by {by}", ", ".join(
        f"{len(part):,} {name} ({int(part.lengths.sum()):,} tokens)" for name, part in parts.items()
    )
    if not len(data.validation):
        yield "validation", "none: the training part itself judges which weights are kept"
    if data.test is data.validation:
        yield "test", "the validation part, which also chooses when training ends: not unseen"
    yield "words", f"{len(coder.words):,} known of {counts['forms']:,} different ones"
    for what, note in (("words", ""), ("tags", "; left out of the loss, wrong in scores")):
        some = [f"{number:,} of {name}" for name in parts if (number := counts[f"unknown_{what}_{name}"])]
        if some:
            yield f"unknown {what}", ", ".join(some) + note
    if data.vectors is not None:
        there = int((~np.isnan(data.beginning()["vectors.words.weight"][:, 0])).sum())
        yield "vectors", f"{there:,} words begin with one of {data.vectors.size} numbers"


def _asks(part: Tagged) -> tuple[str, ...]:
    """Return the labels worth asking about: whether an entity has begun, where in its tree a word stands."""
    there = part.source.labels
    return (*(name for name in (BEGUN, *TREE) if name in there), "position")


def _categories(values: Sequence[str]) -> Column:
    names = [name for name, _ in Counter(values).most_common()]
    numbers = {name: number for number, name in enumerate(names)}
    return Column(np.array([numbers[value] for value in values], np.int32), tuple(names))


def _placed(value: str | Path | float, name: str) -> str | float:
    share = share_of(value, name)
    return str(Path(str(value)).resolve()) if share is None else share


def _files(options: Mapping[str, Any]) -> list[str]:
    own = [options[name] for name in ("validation", "test", "vectors") if isinstance(options[name], str)]
    return [*options["files"], *own]


def _apart(options: Mapping[str, Any]) -> str:
    """Return the options that say what is learnt, wherever files lie."""
    shares = [isinstance(options[name], str) or options[name] for name in ("validation", "test")]
    named = ("files", "validation", "test", "vectors")
    others = sorted((name, value) for name, value in options.items() if name not in named)
    return repr((len(options["files"]), shares, options["vectors"] is None, others))
