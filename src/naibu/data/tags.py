"""Tagged text opened: read, divided into training, validation and test, and numbered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from naibu.data.examples import Array, Data
from naibu.data.parts import drawn, share_of
from naibu.data.span_records import UnitName
from naibu.data.span_schemes import SchemeName
from naibu.data.tag_coder import TagCoder, choose_column, choose_word
from naibu.data.tagged import BEGUN, TREE, Source, Tagged, documents_of
from naibu.data.tagged_files import read_tables
from naibu.data.text_reading import digest_of_source
from naibu.data.token_table import TokenTable
from naibu.data.vector_file import Vectors, read_vectors
from naibu.errors import CorpusError, OptionError
from naibu.storage import digest_of

SHARE = 0.1
"""Of the data, for validation and test each, where nothing is asked for."""


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
    options = {**options, "level": "character" if coder.pairs else "word"}
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
    yield (
        f"divided by {by}",
        ", ".join(f"{len(part):,} {name} ({int(part.lengths.sum()):,} tokens)" for name, part in parts.items()),
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
