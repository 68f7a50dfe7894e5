"""Running text opened: read, divided into training, validation and test, and numbered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from naibu.data import builtin
from naibu.data.events import Array
from naibu.data.examples import Data
from naibu.data.files import raw_files
from naibu.data.levels import END, Characters, Level, Subwords, Words, subword_lines, train_subwords
from naibu.data.parts import share_of
from naibu.data.python_text import is_python
from naibu.data.running_text import PIECE, Source, Text
from naibu.data.text_coder import TextCoder, numbers_of, vocabulary_of
from naibu.data.text_reading import Documents, digest_of_source, encoded, read_documents
from naibu.data.vector_file import Vectors, read_vectors
from naibu.data.vocabulary import Vocabulary
from naibu.errors import CorpusError, OptionError
from naibu.storage import digest_of

LONGEST = {"character": 1000, "word": 200, "subword": 400}
"""Steps of a passage at most."""
SYMBOLS = {"character": 10_000, "word": 30_000, "subword": 8_000}
"""Symbols of a vocabulary where nothing is asked for."""
DOCUMENTS = 20
"""Documents from which on whole ones are drawn for validation and test; of fewer the end of each is."""
SHARE = 0.05
"""Of the text, for validation and test each, where nothing is asked for."""
FEWEST = 20
"""Symbols that each part has to have."""
SUBWORD_TEXT = 2**26
"""Characters of training text from which subwords are found, at most."""
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)(?:i?B)?")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True)
class TextData(Data):
    """A text in three parts; the data of the task `text`.

    counts: of what was read. vectors: those that words begin with, None where they are drawn.
    """

    train: Text
    validation: Text
    test: Text
    coder: TextCoder
    counts: dict[str, int]
    vectors: Vectors | None = None

    @property
    def unknown_share(self) -> float:
        """The share of the test part's symbols that are `<unk>` to the network."""
        return self.counts["unknown_test"] / max(1, self.test.steps)

    def __repr__(self) -> str:
        parts = ", ".join(f"{getattr(self, part).steps:,} {part}" for part in ("train", "validation", "test"))
        return f"TextData({self.name}, {self.options['level']}s, {self.sizes['input']:,} different; {parts})"

    @property
    def facts(self) -> dict[str, Any]:
        """The level, and what was counted."""
        return {"level": self.options["level"], "unknown_share": self.unknown_share, "counts": self.counts}

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the vocabulary."""
        return self.coder.vocabulary.symbols

    def beginning(self) -> dict[str, Array]:
        """Return the vectors of words that were given; NaN for a symbol that has none."""
        return {} if self.vectors is None else {"embedding.weight": self.vectors.of(self.symbols)}

    def with_symbols(self, symbols: tuple[str, ...]) -> TextData:
        """Return the text numbered by other symbols; see `Data.with_symbols`. Subwords are those of their own model."""
        if symbols == self.symbols:
            return self
        if self.options["level"] == "subword":
            raise OptionError("--level subword: symbols are those of this text's own model, and no others")
        known, before = Vocabulary(symbols), self.train.source
        if before.level.end not in known.index:
            raise OptionError("the end of a line is not among the symbols given: they are of no running text")
        source = replace(before, vocabulary=known, ids=numbers_of(before.level, known))
        longest = self.options["longest"]
        train, validation, test = (
            Text(source, part.ranges, longest) for part in (self.train, self.validation, self.test)
        )
        totals = [source.counts(part.ranges) for part in (train, validation, test)]
        found = replace(
            self,
            train=train,
            validation=validation,
            test=validation if self.test is self.validation else test,
            sizes={"input": len(known)},
            coder=TextCoder(known, self.coder.level, longest),
            counts={**self.counts, "vocabulary": len(known), **_unknown(source, totals)},
        )
        rows = [name for name, _ in self.found]
        how = rows[rows.index("vocabulary") + 1]
        return replace(found, found=list(_described(found, how)))

    def example(self) -> str:
        """Return the beginning of a test passage."""
        return self.test.text(0)[:200] if len(self.test) else ""


class _Parts(NamedTuple):
    train: Array  # ranges, int64 [range 2]
    validation: Array
    test: Array
    how: str


def open_text(
    files: str | Path | Sequence[str | Path],
    *,
    level: str = "character",
    split: str = "spaces",
    validation: str | Path | float = SHARE,
    test: str | Path | float | None = None,
    vocabulary: int = 0,
    first: str | None = None,
    longest: int | None = None,
    vectors: str | Path | None = None,
    seed: int = 1,
    beside: Path | None = None,
) -> TextData:
    """Return a text as symbols in three parts.

    files: files, folders, archives of text, or the built-in `standard-library`. level: character, word, subword.
    split: words are what stands between spaces, or what the reader of plain text takes for words. validation, test: a
    file, or a share of the text: whole documents where there are 20 or more, else the end of each; with a file for
    validation and none for test, and where the share is 0, the test part is the validation part. vocabulary: the most
    symbols, 0 for what suits the level. first: read so much alone, as 100MB. longest: steps of a passage at most.
    vectors: a word2vec file with the vectors that words begin with. seed: of the division. beside: the
    folder where symbols of a large text are kept.

    Raises CorpusError for files that cannot be used, OptionError for options that cannot.
    """
    paths = [Path(each) for each in ([files] if isinstance(files, str | Path) else files)]
    if not paths:
        raise OptionError("no text is named: give a file, a folder or an archive")
    if level not in LONGEST:
        raise OptionError(f"--level {level}: must be one of {', '.join(LONGEST)}")
    most = longest or LONGEST[level]
    if most < 2 or vocabulary < 0 or seed < 0:
        bad = {"longest": most, "vocabulary": vocabulary, "split-seed": seed}
        name, value = next((name, value) for name, value in bad.items() if value < (2 if name == "longest" else 0))
        raise OptionError(f"--{name} {value}: must be {'at least 2' if name == 'longest' else '0 or more'}")
    if vectors is not None and level != "word":
        raise OptionError(f"--vectors {vectors}: are of words, and the symbols here are {level}s; add --level word")
    if test is None:  # beside a file for validation all of the text is learnt
        test = SHARE if share_of(validation, "validation", "text") is not None else 0.0
    shares = [share_of(validation, "validation", "text"), share_of(test, "test", "text")]
    own = [Path(str(each)) if share is None else None for each, share in zip((validation, test), shares, strict=True)]
    given = [path for path in own if path is not None]
    for name, path in zip(("validation", "test"), own, strict=True):
        if path is not None and path.exists() and not _on_disk([path]).isdisjoint(_on_disk(paths)):
            raise OptionError(f"--{name} {path}: is the training text itself; give another file, or a share of it")
    options = {
        "files": [_placed(path) for path in paths],
        "level": level,
        "split": split,
        "validation": _placed(own[0]) if own[0] is not None else shares[0],
        "test": _placed(own[1]) if own[1] is not None else shares[1],
        "vocabulary": vocabulary,
        "first": first,
        "longest": most,
        "vectors": None if vectors is None else str(Path(vectors).resolve()),
        "split_seed": seed,
    }
    begin = None if first is None else _amount(first)
    cutting: Level = Words("reader" if split == "reader" else "spaces") if level == "word" else Characters()
    read = read_documents(paths, cutting, most=begin, folder=beside)
    more = [read_documents([path], cutting, most=None, folder=beside) for path in given]
    joined = _joined([read, *more]) if more else read
    firsts = np.cumsum([0, len(read.names), *(len(each.names) for each in more)])
    parts = _divided(joined, firsts, own, shares, seed, cutting.number(END))
    if level == "subword":
        cutting, joined, parts = _in_subwords(joined, parts, cutting, vocabulary or SYMBOLS[level], seed)
    return _opened(paths, joined, parts, cutting, options, vocabulary or SYMBOLS[level])


def _opened(
    paths: list[Path], read: Documents, parts: _Parts, level: Level, options: dict[str, Any], limit: int
) -> TextData:
    plain = Source(read.numbers, read.starts, read.names, level, Vocabulary(()), np.zeros(0, np.int32))
    counts = [plain.counts(ranges) for ranges in parts[:3]]
    for name, found in zip(("training", "validation", "test"), counts, strict=True):
        if found.sum() < FEWEST:
            told = f"{int(found.sum())} symbols are too few for the {name} part: at least {FEWEST} are needed"
            raise CorpusError(f"{told}; give more text, or another --validation or --test", paths[0])
    if np.count_nonzero(counts[0]) < 2:
        raise CorpusError("the training text is one and the same symbol over and over: nothing can be learnt", paths[0])
    known = vocabulary_of(level, counts[0], limit)
    ids = numbers_of(level, known)
    source = replace(plain, vocabulary=known, ids=ids)
    for name, found in zip(("validation", "test"), counts[1:], strict=True):
        if not source.known(found):
            where = options[name] if isinstance(options[name], str) else f"the {name} part"
            raise CorpusError("none of its symbols is known from training", where)
    train, validation, test = (Text(source, ranges, options["longest"]) for ranges in parts[:3])
    if parts.test is parts.validation:
        test = validation
    name = paths[0].name or paths[0].resolve().name
    totals = {
        "files": len(set(read.names)),
        "symbols": sum(part.steps for part in {id(part): part for part in (train, validation, test)}.values()),
        "vocabulary": len(known),
        "different_symbols": len(level.table),
        **_unknown(source, counts),
    }
    given = read_vectors(Path(options["vectors"])) if options["vectors"] else None
    data = TextData(
        name=name if len(paths) == 1 else f"{name} and {len(paths) - 1} more",
        task="text",
        options=options,
        train=train,
        validation=validation,
        test=test,
        sizes={"input": len(known)},
        coder=TextCoder(known, level.fresh(), options["longest"]),
        asks=_asks(test),
        fingerprint=digest_of(*(digest_of_source(Path(file)) for file in _files(options)), _apart(options)),
        found=[],
        counts=totals,
        vectors=given,
    )
    return replace(data, found=list(_described(data, parts.how)))


def _unknown(source: Source, counts: Sequence[Array]) -> dict[str, int]:
    """Return how many symbols of each part are unknown, from how often each entry of the table comes in it."""
    names = ("unknown_train", "unknown_validation", "unknown_test")
    there = source.ids == source.vocabulary.unknown
    return {name: int(found[there].sum()) for name, found in zip(names, counts, strict=True)}


def _described(data: TextData, how: str) -> Iterator[tuple[str, str]]:
    count, level = data.counts, data.options["level"]
    parts = (("train", data.train), ("validation", data.validation), ("test", data.test))
    yield "text", data.name
    yield "level", f"{level}s" + (f" ({data.options['split']})" if level == "word" else "")
    yield "files", f"{count['files']:,}"
    yield "symbols", f"{count['symbols']:,}"
    yield "vocabulary", f"{count['vocabulary']:,} symbols; the text has {count['different_symbols']:,} different ones"
    yield how, ", ".join(f"{part.steps:,} {name}" for name, part in parts)
    if data.test is data.validation:
        yield "test", "the validation part, which also chooses when training ends: not unseen"
    unknown = [f"{count[f'unknown_{name}']:,} of {name}" for name, _ in parts if count[f"unknown_{name}"]]
    if unknown:
        yield "unknown, read as <unk>", ", ".join(unknown)
    if data.vectors is not None:
        there = int((~np.isnan(data.beginning()["embedding.weight"][:, 0])).sum())
        begun = f"{there:,} of {len(data.symbols):,} symbols begin with one of {data.vectors.size} numbers"
        yield "vectors", f"{begun}; the others are drawn"


def _asks(part: Text) -> tuple[str, ...]:
    """Return the labels worth asking about: what is nested where much is, and the place in the line."""
    if any(is_python(part.source.names[document]) for document in np.unique(part._documents)):
        return ("bracket_depth", "line_position")
    return ("line_position",)


def _divided(
    read: Documents, firsts: Array, own: list[Path | None], shares: list[float | None], seed: int, end: int
) -> _Parts:
    """Return the ranges of each part; documents from `firsts[1]` on are files of validation and test."""
    bounds = np.stack([read.starts[:-1], read.starts[1:]], 1)
    mine, files = bounds[: firsts[1]], [bounds[a:b] for a, b in pairwise(firsts[1:])]
    held = [share or 0.0 for share in shares]
    many = len(mine) >= DOCUMENTS
    train, validation, test = _drawn(mine, held, seed) if many else _ends(read.numbers, mine, held, end)
    if own[0] is not None:
        validation = files.pop(0)
    if own[1] is not None:
        test = files.pop(0)
    if not len(test):
        test = validation
    if own[0] is None and not held[0]:
        raise OptionError("--validation 0: training chooses its best weights on it; give a file or a share of the text")
    by = "split by file" if own[0] is not None else "whole documents" if many else "the end of the text held out"
    return _Parts(train, validation, test, by)


def _drawn(bounds: Array, shares: list[float], seed: int) -> tuple[Array, Array, Array]:
    """Return whole documents for each part, drawn at random; none that is as large as half of a part again."""
    sizes, left = bounds[:, 1] - bounds[:, 0], np.random.default_rng([seed, 0x7E47]).permutation(len(bounds)).tolist()
    held: list[list[int]] = []
    for share in shares:
        wanted, chosen, filled = share * sizes.sum(), list[int](), 0
        for document in left:
            if filled < wanted and filled + sizes[document] <= 1.2 * wanted:
                chosen.append(document)
                filled += int(sizes[document])
        if share and not chosen:
            chosen = [min(left, key=lambda document: (int(sizes[document]), document))]
        left = [document for document in left if document not in set(chosen)]
        held.append(chosen)
    return bounds[np.sort(left)], bounds[np.sort(held[0]).astype(np.int64)], bounds[np.sort(held[1]).astype(np.int64)]


def _ends(numbers: Array, bounds: Array, shares: list[float], end: int) -> tuple[Array, Array, Array]:
    """Return the beginning of each document for training, and its end for validation and test, cut at line ends."""
    parts: tuple[list[tuple[int, int]], ...] = ([], [], [])
    for begin, stop in bounds.tolist():
        steps, cuts = stop - begin - 1, [begin]
        for share in (sum(shares), shares[1]):
            wanted = begin + round(steps * (1 - share))
            cuts.append(max(cuts[-1], _line_end(numbers, wanted, begin, stop, end)))
        for part, low, high in zip(parts, cuts, [*cuts[1:], stop - 1], strict=True):
            if high > low:
                part.append((low, high + 1))  # the last is predicted, and read first by the part that follows
    found = [np.array(part, np.int64).reshape(-1, 2) for part in parts]
    return found[0], found[1], found[2]


def _line_end(numbers: Array, wanted: int, begin: int, stop: int, end: int) -> int:
    """Return the place of the last line end before one, or the place itself where the line is long."""
    if wanted >= stop - 1:
        return stop - 1
    low = max(begin, wanted - min(PIECE, (stop - begin) // 20))
    there = np.flatnonzero(numbers[low:wanted] == end)
    return low + int(there[-1]) if len(there) else wanted


def _joined(parts: list[Documents]) -> Documents:
    """Return documents of several readings one after the other, in memory unless they are large."""
    sizes = np.cumsum([0, *(len(part.numbers) for part in parts)])
    starts = [part.starts[:-1] + size for part, size in zip(parts, sizes[:-1], strict=True)]
    kind = np.result_type(*(part.numbers.dtype for part in parts))
    numbers = np.concatenate([np.asarray(part.numbers, kind) for part in parts])
    return Documents(numbers, np.concatenate([*starts, sizes[-1:]]), tuple(n for part in parts for n in part.names))


def _in_subwords(
    read: Documents, parts: _Parts, level: Level, size: int, seed: int
) -> tuple[Subwords, Documents, _Parts]:
    """Return the level, the text and its parts in subwords, which are found in training text alone."""

    def name_at(place: int) -> str:
        return read.names[int(np.searchsorted(read.starts, place, side="right")) - 1]

    pieces = Subwords(train_subwords(_lines(read, parts.train, level), size, seed))
    texts = [
        (name_at(low), level.spell(read.numbers[low + 1 : high], begins=True))
        for ranges in parts[:3]
        for low, high in ranges.tolist()
    ]
    found = encoded(texts, pieces)
    bounds = np.stack([found.starts[:-1], found.starts[1:]], 1)
    cuts = np.cumsum([len(ranges) for ranges in parts[:3]])
    train, validation, test = np.split(bounds, cuts[:2])
    return pieces, found, _Parts(train, validation, test, parts.how)


def _lines(read: Documents, ranges: Array, level: Level) -> Iterator[str]:
    """Yield lines of ranges, up to `SUBWORD_TEXT` characters."""
    left = SUBWORD_TEXT
    for low, high in ranges.tolist():
        for at in range(low + 1, high, PIECE):
            text = level.spell(read.numbers[at : min(high, at + PIECE)], begins=True)[:left]
            left -= len(text)
            yield from subword_lines(text.split("\n"))
            if left <= 0:
                return


def _amount(first: str) -> int:
    found = _AMOUNT.fullmatch(first.strip())
    size = float(found[1]) * _UNITS[found[2]] if found else 0
    if size < 1:
        raise OptionError(f"--first {first}: must be a number of bytes, as 100MB or 1.5GB")
    return round(size)


def _on_disk(paths: Iterable[Path]) -> set[Path]:
    there = (path for path in paths if path.exists())
    return {file.resolve() for path in there for file in raw_files(path)}


def _placed(path: Path) -> str:
    return builtin.NAME if str(path) == builtin.NAME and not path.exists() else str(path.resolve())


def _files(options: dict[str, Any]) -> list[str]:
    own = [options[name] for name in ("validation", "test") if share_of(options[name], name, "text") is None]
    return [*options["files"], *own, *([options["vectors"]] if options["vectors"] else [])]


def _apart(options: dict[str, Any]) -> str:
    """Return the options that say what is learnt, wherever files lie."""
    shares = [share_of(options[name], name, "text") for name in ("validation", "test")]
    named = ("files", "validation", "test", "vectors")
    others = sorted((name, value) for name, value in options.items() if name not in named)
    return repr((len(options["files"]), shares, others, *(["vectors"] if options["vectors"] else [])))
