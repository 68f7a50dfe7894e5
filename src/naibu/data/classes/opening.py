"""Sequences with classes opened: read, divided into training, validation and test, numbered or scaled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from naibu.data.classes import division
from naibu.data.classes.coder import (
    NumberClassCoder,
    TextClassCoder,
    check_classes,
    cut,
    digest,
    end_to_end,
    keys_of,
    options_of_table,
    ordered,
    series,
    spelt,
)
from naibu.data.classes.examples import ClassExamples, TextExamples, of_class
from naibu.data.classes.reading import read_rows
from naibu.data.classes.rows import Asked, Row, Rows, with_class
from naibu.data.events import Array
from naibu.data.examples import Data
from naibu.data.levels import Characters, Level, Subwords, Words, train_subwords
from naibu.data.parts import share_of
from naibu.data.text_coder import numbers_of, vocabulary_of
from naibu.data.text_corpus import SYMBOLS
from naibu.data.text_reading import digest_of_source
from naibu.data.vocabulary import Vocabulary
from naibu.errors import CorpusError, OptionError
from naibu.storage import digest_of

LONG_WORD = 15.0
"""Characters of a word on the mean from which on texts are no words between blanks: Japanese, names."""
FEWEST_WORD = 2
"""How often a word has to come in training to be known by itself."""


@dataclass(frozen=True, repr=False)
class ClassData(Data):
    """Sequences with classes in three parts; the data of the task `classes`.

    counts: of examples by class, in training, validation and test.
    """

    train: ClassExamples
    validation: ClassExamples
    test: ClassExamples
    coder: TextClassCoder | NumberClassCoder
    counts: dict[str, tuple[int, int, int]]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of texts, none of series."""
        return self.coder.vocabulary.symbols if isinstance(self.coder, TextClassCoder) else ()

    def with_symbols(self, symbols: tuple[str, ...]) -> Data:
        """Return texts numbered by other symbols; see `Data.with_symbols`."""
        if symbols == self.symbols or not isinstance(self.coder, TextClassCoder):
            return super().with_symbols(symbols)
        known = Vocabulary(symbols)
        parts = []
        for part in (self.train, self.validation, self.test):
            assert isinstance(part, TextExamples)
            parts.append(part.numbered_by(known, numbers_of(part.level, known)))
        sizes = {**self.sizes, "input": len(known)}
        coder = replace(self.coder, vocabulary=known)
        return replace(self, train=parts[0], validation=parts[1], test=parts[2], sizes=sizes, coder=coder)

    @property
    def facts(self) -> dict[str, Any]:
        """What is read, and how many examples each class has."""
        return {"kind": self.coder.kind, "classes": {name: list(found) for name, found in self.counts.items()}}

    def example(self) -> str:
        """Return a text of the test part; nothing of series."""
        if not isinstance(self.test, TextExamples) or not len(self.test):
            return ""
        return f"{self.test.text(0)[:200]} [{self.test.names[self.test.codes[0]]}]"


class _Parts(NamedTuple):
    train: list[Row]
    validation: list[Row]
    test: list[Row]
    notes: list[tuple[str, str]]


def open_classes(
    files: str | Path | Sequence[str | Path],
    *,
    text: str | None = None,
    class_: str | None = None,
    format: str | None = None,
    level: str | None = None,
    split: str = "reader",
    case: bool = False,
    whole: bool = False,
    fine: bool = False,
    id: str | None = None,
    time: str | None = None,
    features: Sequence[str] = (),
    no_changes: bool = False,
    validation: str | Path | float | None = None,
    test: str | Path | float | None = None,
    vocabulary: int = 0,
    longest: int = 0,
    seed: int = 1,
) -> ClassData:
    """Return sequences with a class each, in three parts; the arguments are the options of `naibu train classes`.

    files: files, folders or archives. format: their layout, found from the content when not given. text, class_, id,
    time, features: columns of tables. validation, test: a file, or a share of the examples; nothing is held out for
    validation where it is 0, or not given and there are fewer than 500 examples. Sequences that come again are learnt
    once, never in two parts; those of several classes are left out; a test file is scored as it is, and what occurs in
    it is not learnt.

    Raises CorpusError for files that cannot be used, with the line, OptionError for options that cannot.
    """
    paths = [Path(each) for each in ([files] if isinstance(files, str | Path) else files)]
    if not paths:
        raise OptionError("no file is named: give files, a folder or an archive")
    for name, value in (("vocabulary", vocabulary), ("longest", longest), ("split-seed", seed)):
        if value < 0:
            raise OptionError(f"--{name} {value}: must be 0 or more")
    options: dict[str, Any] = {
        "files": [str(path.resolve()) for path in paths],
        "text": text,
        "class_": class_,
        "format": format,
        "level": level,
        "split": split,
        "case": case,
        "whole": whole,
        "fine": fine,
        "id": id,
        "time": time,
        "features": list(features),
        "no_changes": no_changes,
        "validation": _placed(validation, "validation"),
        "test": _placed(test, "test"),
        "vocabulary": vocabulary,
        "longest": longest,
        "split_seed": seed,
    }
    asked = Asked(**options_of_table(options))
    read = read_rows(paths, asked)
    options["format"] = read.format
    with_class(read.rows)
    named: dict[str, Rows] = {}
    for part in ("validation", "test"):
        if isinstance(options[part], str):
            named[part] = read_rows([Path(options[part])], replace(asked, format=read.format, whole=True))
            with_class(named[part].rows)
            if named[part].channels != read.channels:
                raise CorpusError(
                    f"other channels than {paths[0].name}: {', '.join(named[part].channels)}", options[part]
                )
    if read.kind == "text":
        options["level"] = level or chosen_level([str(row.value) for row in read.rows if row.whole])
    return _opened(paths, read, named, options)


def _opened(paths: list[Path], read: Rows, named: dict[str, Rows], options: dict[str, Any]) -> ClassData:
    level = _level(options) if read.kind == "text" else None

    def value(row: Row) -> Array:
        if level is None:
            return series(row, options["longest"])
        return cut(row, level, options["case"], options["longest"])

    rows = {"train": read.rows} | {part: some.rows for part, some in named.items()}
    values = {part: [value(row) for row in some] for part, some in rows.items()}
    chosen, notes = _divided(rows, {part: keys_of(some) for part, some in values.items()}, options)
    where = {part: part if part in named else "train" for part in chosen}
    taken = {part: [rows[where[part]][k] for k in chosen[part]] for part in chosen}
    if level is not None and options["level"] == "subword":  # found in training text alone
        level = _subwords(taken["train"], options)
        parts = {part: list(map(value, some)) for part, some in taken.items()}
    else:
        parts = {part: [values[where[part]][k] for k in chosen[part]] for part in chosen}
    for part in ("train", "test"):
        if not taken[part]:
            raise CorpusError(f"no example is left for the {part} part; give more, or another --test", paths[0])
    name = paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more"
    data = _numbered(name, taken, parts, read.channels, level, options)
    fingerprint = digest_of(*(digest_of_source(Path(file)) for file in _files(options)), _apart(options))
    return replace(data, fingerprint=fingerprint, found=_described(data, [*read.notes, *notes]))


def data_of_rows(read: Rows) -> ClassData:
    """Return rows that were not read from files as data all of which are learnt, as they are; texts at the level that
    suits them."""
    level = chosen_level([str(row.value) for row in read.rows]) if read.kind == "text" else None
    options: dict[str, Any] = {
        "level": level,
        "split": "reader",
        "case": False,
        "longest": 0,
        "vocabulary": 0,
        "no_changes": False,
    }
    options |= {"format": read.format, "files": [read.rows[0].file]}
    cutting = None if level is None else _level(options)
    values = [series(row, 0) if cutting is None else cut(row, cutting, False, 0) for row in read.rows]
    empty: dict[str, list[Any]] = {"validation": [], "test": []}
    taken, parts = {"train": read.rows, **empty}, {"train": values, **empty}
    return _numbered("rows", taken, parts, read.channels, cutting, options)


def _numbered(
    name: str,
    taken: dict[str, list[Row]],
    parts: dict[str, list[Array]],
    channels: tuple[str, ...],
    level: Level | None,
    options: dict[str, Any],
) -> ClassData:
    """Return rows of three parts, and what is read of them, as data; without what is found and their fingerprint."""
    names = ordered({str(row.label) for row in taken["train"]})
    check_classes(names, options["files"][0])
    coder, examples = (
        _numbers(taken, parts, names, channels, options)
        if level is None
        else _texts(taken, parts, names, level, options)
    )
    counted = [Counter(str(row.label) for row in taken[part]) for part in ("train", "validation", "test")]
    counts = {each: (counted[0][each], counted[1][each], counted[2][each]) for each in names}
    chief = max(names, key=lambda each: counts[each][0]) if len(names) > 2 else names[-1]
    sizes = {"numbers" if level is None else "input": _width(coder), "classes": len(names)}
    asks = (of_class(chief, names), "steps_left")
    return ClassData(
        name,
        "classes",
        options,
        **examples,
        sizes=sizes,
        coder=coder,
        asks=asks,
        fingerprint="",
        found=[],
        counts=counts,
    )


def _width(coder: TextClassCoder | NumberClassCoder) -> int:
    return len(coder.vocabulary) if isinstance(coder, TextClassCoder) else len(coder.features)


def _divided(
    rows: dict[str, list[Row]], keys: dict[str, list[Hashable]], options: dict[str, Any]
) -> tuple[dict[str, list[int]], list[tuple[str, str]]]:
    """Return the numbers of the rows of each part, in their own file's, and what is to be said of it."""
    found = division.once(rows["train"], keys["train"])
    notes = _notes(found)
    parts: dict[str, list[int]] = {part: list(range(len(some))) for part, some in rows.items() if part != "train"}
    elsewhere = {keys[part][k] for part, some in parts.items() for k in some}
    kept = [k for k in found.kept if keys["train"][k] not in elsewhere]
    if len(kept) < len(found.kept):
        notes.append(("in another part too", f"{len(found.kept) - len(kept):,} examples, which are not learnt"))
    count = sum(rows["train"][k].whole for k in kept)
    for part, usual in (("test", division.SHARE), ("validation", division.VALIDATION)):
        if part in parts:
            continue
        share = options[part]
        if share is None:
            small = part == "validation" and count < division.SMALL
            share = 0.0 if small else usual
            if small:
                told = f"none of fewer than {division.SMALL} examples: the weights of the last step are kept"
                notes.append(("validation", told))
        left = sum(rows["train"][k].whole for k in kept)
        share = min(1.0, share * count / max(1, left))  # of all, not of what the other part left
        parts[part] = _held(rows["train"], kept, share, options["split_seed"] + (part == "validation"))
        groups = {rows["train"][k].group for k in parts[part]} - {-1}
        gone = set(parts[part])
        kept = [k for k in kept if k not in gone and rows["train"][k].group not in groups]
    return {**parts, "train": kept}, notes


def _held(rows: Sequence[Row], kept: Sequence[int], share: float, seed: int) -> list[int]:
    """Return which of the rows kept are held out; of what may be scored alone, phrases are not."""
    whole = [k for k in kept if rows[k].whole]
    held = division.held_out([str(rows[k].label) for k in whole], [rows[k].group for k in whole], share, seed)
    return [k for k, out in zip(whole, held.tolist(), strict=True) if out]


def _notes(found: division.Once) -> list[tuple[str, str]]:
    notes = []
    if found.repeated:
        notes.append(("repeated", f"{found.repeated:,} examples that came before are left out"))
    if found.contradicting:
        told = f"{found.contradicting:,} different ones are left out; the first: {found.example}"
        notes.append(("of several classes", told))
    return notes


def _texts(
    taken: dict[str, list[Row]],
    parts: dict[str, list[Array]],
    names: tuple[str, ...],
    level: Level,
    options: dict[str, Any],
) -> tuple[TextClassCoder, dict[str, ClassExamples]]:
    joined = {part: end_to_end(values, np.uint32) for part, values in parts.items()}
    counts = np.bincount(joined["train"][0], minlength=len(level.table))
    if level.name == "word":
        counts[counts < FEWEST_WORD] = 0
    vocabulary = vocabulary_of(level, counts, options["vocabulary"] or SYMBOLS[options["level"]])
    ids = numbers_of(level, vocabulary)
    learnt = np.unique(np.array([digest(spelt(level, each)) for each in parts["train"]], np.uint64))
    coder = TextClassCoder(names, vocabulary, level.fresh(), options["case"], options["longest"], learnt)
    return coder, {
        part: TextExamples(
            *joined[part],
            coder.codes(taken[part], False),
            names,
            level,
            vocabulary,
            ids,
            None if part == "train" else coder.known(np.array([digest(spelt(level, v)) for v in values], np.uint64)),
        )
        for part, values in parts.items()
    }


def _numbers(
    taken: dict[str, list[Row]],
    parts: dict[str, list[Array]],
    names: tuple[str, ...],
    channels: tuple[str, ...],
    options: dict[str, Any],
) -> tuple[NumberClassCoder, dict[str, ClassExamples]]:
    train = np.concatenate(parts["train"])
    masked = bool(np.isnan(train).any())  # training alone decides what is read
    empty = np.isnan(train).all(axis=0)
    if empty.any():
        raise CorpusError(f"the channel {channels[int(empty.argmax())]} has no number in training", options["files"][0])
    mean, spread = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    spread = np.where(spread > 1e-12 * np.maximum(1, np.abs(mean)), spread, 1.0)
    steps = np.concatenate([np.diff((value - mean) / spread, axis=0) for value in parts["train"]])
    change = np.sqrt(np.nan_to_num(np.nanmean(np.square(steps), axis=0))) if len(steps) else np.ones(len(channels))
    change = np.where(change > 0, change, 1.0)
    learnt = np.unique(np.array([digest(value.tobytes()) for value in parts["train"]], np.uint64))
    coder = NumberClassCoder(
        names, channels, mean, spread, change, not options["no_changes"], masked, options["longest"], learnt
    )
    return coder, {part: coder.examples(some) for part, some in taken.items()}


def chosen_level(texts: Sequence[str]) -> str:
    """Return at which level texts are read where nobody says: characters where they are single words, or have words so
    long that blanks cannot be what parts them, else words."""
    words = [len(text.split()) for text in texts]
    long = sum(map(len, texts)) / max(1, sum(words)) > LONG_WORD
    return "character" if np.median(words) <= 1 or long else "word"


def _level(options: dict[str, Any]) -> Level:
    """Return the level at which texts are read; of subwords, which are still to be found, that of characters."""
    if options["level"] == "word":
        return Words("spaces" if options["format"] == "trees" or options["split"] == "spaces" else "reader")
    return Characters()


def _subwords(rows: Sequence[Row], options: dict[str, Any]) -> Subwords:
    lines = (str(row.value) if options["case"] else str(row.value).lower() for row in rows)
    return Subwords(train_subwords(lines, options["vocabulary"] or SYMBOLS["subword"], options["split_seed"]))


def _described(data: ClassData, notes: list[tuple[str, str]]) -> list[tuple[str, str]]:
    coder, parts = data.coder, (("train", data.train), ("validation", data.validation), ("test", data.test))
    rows = [("data", data.name), ("layout", str(data.options["format"]))]
    if isinstance(coder, TextClassCoder):
        rows.append(("read as", f"{data.options['level']}s, {'capitals apart' if coder.case else 'in small letters'}"))
        rows.append(("vocabulary", f"{len(coder.vocabulary):,} symbols"))
        unknown = coder.vocabulary.unknown
        shares = [float(np.mean(part.inputs("input")["symbol"].values == unknown)) for _, part in parts if len(part)]
        rows.append(("unknown, read as <unk>", f"{shares[-1]:.1%} of test"))
    else:
        more = f" and {len(coder.features) - 12} more" if len(coder.features) > 12 else ""
        rows.append(("read at every step", ", ".join(coder.features[:12]) + more))
    lengths = data.train.lengths
    rows.append(("steps of an example", f"{lengths.min():,} to {lengths.max():,}, median {int(np.median(lengths)):,}"))
    rows.append(("examples", ", ".join(f"{len(part):,} {name}" for name, part in parts)))
    listed = sorted(data.counts.items(), key=lambda each: -each[1][0])
    told = ", ".join(f"{name} {found[0]:,}" for name, found in listed[:12])
    rows.append((f"{len(listed)} classes, in training", told + f" and {len(listed) - 12} more" * (len(listed) > 12)))
    return [*rows, *notes]


def _placed(value: str | Path | float | None, name: str) -> str | float | None:
    if value is None:
        return None
    share = share_of(value, name, "examples")
    if share is None:
        return str(Path(str(value)).resolve())
    if name == "test" and not share:
        raise OptionError("--test 0: nothing would be scored; give a file, or a share of the examples")
    return share


def _files(options: dict[str, Any]) -> list[str]:
    return [*options["files"], *(options[part] for part in ("validation", "test") if isinstance(options[part], str))]


def _apart(options: dict[str, Any]) -> str:
    """Return the options that say what is learnt, wherever files lie."""
    others = sorted((name, value) for name, value in options.items() if name not in ("files", "validation", "test"))
    shares = [None if isinstance(options[part], str) else options[part] for part in ("validation", "test")]
    return repr((len(options["files"]), shares, others))
