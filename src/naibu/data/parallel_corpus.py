"""A parallel corpus opened: pairs of lines read, divided into training, validation and test, and numbered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from naibu.data.events import Array, ranges
from naibu.data.examples import Data
from naibu.data.forms import UNKNOWN_WORD
from naibu.data.levels import (
    SUBWORD_LINE,
    Characters,
    Level,
    LevelName,
    Subwords,
    Words,
    subword_lines,
    train_subwords,
)
from naibu.data.parallel import STREAMS, Pairs, Sentences
from naibu.data.parallel_coder import ParallelCoder, check_longest, cut, with_both
from naibu.data.parallel_reading import Lines, read_pairs
from naibu.data.parts import share_of
from naibu.data.text_coder import TextCoder, numbers_of, vocabulary_of
from naibu.data.text_reading import digest_of_source
from naibu.data.vocabulary import Vocabulary
from naibu.errors import CorpusError, OptionError
from naibu.storage import digest_of

LONGEST = {"character": 1000, "word": 200, "subword": 400}
"""Symbols of a sentence at most, on either side."""
SYMBOLS = {"character": 10_000, "word": 30_000, "subword": 8_000}
"""Symbols of a vocabulary where nothing is asked for."""
SHARE = 0.02
"""Of the pairs, for validation and test each, where no file is given."""
LEAST = 2
"""Times that a word comes in training from which on it is known."""
FEWEST = 2
"""Pairs that each part has to have."""
NUMBERED = 2
"""Counts the ways in which symbols were numbered; networks of another are not read with these numbers."""


@dataclass(frozen=True)
class ParallelData(Data):
    """Pairs of sentences in three parts; the data of the task `translation`.

    counts: of what was read and left out.
    """

    train: Pairs
    validation: Pairs
    test: Pairs
    coder: ParallelCoder
    counts: dict[str, int]

    @property
    def facts(self) -> dict[str, Any]:
        """The level, and what was counted."""
        return {"level": self.options["level"], "counts": self.counts}

    def example(self) -> str:
        """Return a pair of the test part."""
        if not len(self.test):
            return ""
        pair = int(self.test.which[0])
        return f"{self.test.source.text(pair)} => {self.test.target.text(pair)}"


def open_parallel(
    pairs: str | Path | None = None,
    *,
    source: str | Path | None = None,
    target: str | Path | None = None,
    validation: Sequence[str | Path] = (),
    test: Sequence[str | Path] = (),
    level: LevelName = "subword",
    joint: bool = False,
    vocabulary: int = 0,
    longest: int = 0,
    seed: int = 1,
) -> ParallelData:
    """Return pairs of lines that translate each other as symbols in three parts.

    pairs: a file with a source, a tab and a target in each line; or source and target: two files whose lines belong
    together. validation, test: two such files, one of two columns, or a share of the pairs, drawn at random so that one
    source is in one part alone; without test, and with files for validation, the test part is the validation part.
    level: subword, word, or character. joint: both sides have one vocabulary, of the text of both. vocabulary: the most
    symbols of each, 0 for what suits the level. longest: symbols of a sentence; pairs with more are left out of
    training. seed: of the division.

    Raises CorpusError for files that cannot be used, OptionError for options that cannot.
    """
    files = _given(pairs, source, target)
    most = longest or LONGEST[level]
    if longest < 0 or vocabulary < 0 or seed < 0:
        bad = {"longest": longest, "vocabulary": vocabulary, "split-seed": seed}
        name, value = next((name, value) for name, value in bad.items() if value < 0)
        raise OptionError(f"--{name} {value}: must be 0 or more")
    asked = [_share_or_files(validation, "--validation"), _share_or_files(test, "--test")]
    if asked[0] is None:
        asked[0] = SHARE
    if asked[1] is None or _same_files(*asked):
        asked[1] = SHARE if isinstance(asked[0], float) else 0.0
    parts = [read_pairs(files, "--source" if source else "pairs")]
    for name, each in zip(("--validation", "--test"), asked, strict=True):
        if isinstance(each, list):
            _check_other(each, files, name)
            parts.append(read_pairs(each, name))
    lines = Lines(
        [x for part in parts for x in part.source], [x for part in parts for x in part.target], parts[0].files
    )
    chosen, how = _divided(lines, parts, asked, seed)
    options = {
        "pairs": str(files[0].resolve()) if len(files) == 1 else None,
        "source": str(files[0].resolve()) if len(files) == 2 else None,
        "target": str(files[1].resolve()) if len(files) == 2 else None,
        "validation": _plain(asked[0]),
        "test": _plain(asked[1]),
        "level": level,
        "joint": joint,
        "vocabulary": vocabulary,
        "longest": most,
        "split_seed": seed,
    }
    return _numbered(lines, parts, chosen, how, options, vocabulary or SYMBOLS[level])


def _numbered(
    lines: Lines, parts: list[Lines], chosen: list[Array], how: str, options: dict[str, Any], limit: int
) -> ParallelData:
    """Return the data, from all lines and which of them each part has."""
    train, validation, test = chosen
    sides = [lines.source, lines.target]
    level, most = options["level"], options["longest"]
    short = [k for k in train.tolist() if max(len(lines.source[k]), len(lines.target[k])) <= SUBWORD_LINE]
    levels = _levels(
        level, [[side[k] for k in short] for side in sides], limit, options["joint"], options["split_seed"]
    )
    cuts = [
        cut(text, each, partial(_named, parts, side)) for text, each, side in zip(sides, levels, STREAMS, strict=True)
    ]
    fits = np.all([np.diff(starts) <= most for _, starts in cuts], 0)
    fits[len(parts[0].source) :] = True  # files of their own are refused below
    long = sum(int((~fits[which]).sum()) for which in {id(which): which for which in chosen}.values())
    train, validation = train[fits[train]], validation[fits[validation]]
    test = validation if chosen[2] is chosen[1] else test[fits[test]]
    counts = [
        np.bincount(numbers[ranges(starts[train], np.diff(starts)[train])], minlength=len(each.table))
        for (numbers, starts), each in zip(cuts, levels, strict=True)
    ]
    if options["joint"]:
        counts = [counts[0] + counts[1]] * 2
    known = [_vocabulary(each, count, limit) for each, count in zip(levels, counts, strict=True)]
    sentences = [
        Sentences(*each, level_, words, numbers_of(level_, words))
        for each, level_, words in zip(cuts, levels, known, strict=True)
    ]
    source, target = sentences
    for part, which in zip(parts[1:], _of_files(parts), strict=True):
        held = np.intersect1d(which, np.concatenate([validation, test]))
        own = [replace(each, starts=each.starts[which[0] : which[-1] + 2]) for each in sentences]
        check_longest(part, own[0], own[1], held - which[0], most)
    for name, which in (("training", train), ("validation", validation), ("test", test)):
        if len(which) < FEWEST:
            left = f" ({long:,} are longer than --longest {most:,})" if long and name == "training" else ""
            message = f"{len(which)} pairs are too few for the {name} part{left}: at least {FEWEST} are needed"
            raise CorpusError(message, parts[0].files[0])
    there = {(lines.source[k], lines.target[k]) for k in train.tolist()}
    seen = [
        np.array([(lines.source[k], lines.target[k]) in there for k in which], bool) for which in (validation, test)
    ]
    made = [Pairs(source, target, which, before) for which, before in zip((validation, test), seen, strict=True)]
    held_out = made[0] if test is validation else made[1]
    names = [Path(path).name for path in dict.fromkeys(parts[0].files)]
    data = ParallelData(
        name=" and ".join(names),
        task="translation",
        options=options,
        train=Pairs(source, target, train, np.ones(len(train), bool)),
        validation=made[0],
        test=held_out,
        sizes={"source": len(known[0]), "target": len(known[1])},
        coder=ParallelCoder(*(TextCoder(words, each.fresh(), most) for words, each in zip(known, levels, strict=True))),
        asks=("words_left", "position", "since_punctuation"),
        fingerprint=_fingerprint(options),
        found=[],
        counts={
            "pairs": len(lines.source),
            "empty": len(lines.source) - sum(map(len, {id(which): which for which in chosen}.values())),
            "too_long": long,
            **{f"{name}_vocabulary": len(words) for name, words in zip(STREAMS, known, strict=True)},
            **_unknown(sentences, {"train": train, "validation": validation, "test": test}),
        },
    )
    return replace(data, found=list(_described(data, how)))


def _levels(level: str, lines: list[list[str]], limit: int, joint: bool, seed: int) -> list[Level]:
    """Return how each side is cut, from its training lines; the very same for both where they are joint."""
    if level == "subword":
        texts = [[*lines[0], *lines[1]]] if joint else lines
        found: list[Level] = [Subwords(train_subwords(subword_lines(text), limit, seed, "bpe")) for text in texts]
    else:
        found = [Words() if level == "word" else Characters() for _ in range(1 if joint else 2)]
    return found * 2 if joint else found


def _vocabulary(level: Level, counts: Array, limit: int) -> Vocabulary:
    """Return the symbols to be known: `<unk>`, the end of a sentence, then by falling frequency in training; of words
    those that come twice, so that <unk> comes in training too, of pieces of words all."""
    if level.name == "subword":
        table, first = level.table, [UNKNOWN_WORD, level.end]
        order = np.argsort(-counts, kind="stable").tolist()
        return Vocabulary((*first, *(table[number] for number in order if table[number] not in first)))
    few = counts < LEAST if level.name == "word" else counts < 1
    return vocabulary_of(level, np.where(few, 0, counts), limit)


def _divided(
    lines: Lines, parts: list[Lines], asked: list[float | list[Path] | None], seed: int
) -> tuple[list[Array], str]:
    """Return the pairs of training, validation and test, int64 [pair] each, and how they were divided in words."""
    files = _of_files(parts)
    both = with_both(lines)
    own = np.arange(len(parts[0].source))
    own = own[both[own]]
    code: dict[str, int] = {}
    sources = np.array([code.setdefault(lines.source[k], len(code)) for k in own.tolist()], np.int64)
    order = np.random.default_rng([seed, 0x9A14]).permutation(len(code))
    held, begin = list[Array](), 0
    for each in asked:
        if isinstance(each, list):
            which = files.pop(0)
            held.append(which[both[which]])
        elif each:
            count = max(FEWEST, round(each * len(code)))
            held.append(own[np.isin(sources, order[begin : begin + count])])
            begin += count
        else:
            held.append(held[0])
    train = own[np.isin(sources, order[begin:])]
    by = "pairs drawn at random" if isinstance(asked[0], float) else "split by file"
    return [train, *held], by


def _of_files(parts: list[Lines]) -> list[Array]:
    """Return the numbers of the pairs of every file but the first, among all."""
    ends = np.cumsum([len(part.source) for part in parts])
    return [np.arange(begin, end) for begin, end in pairwise(ends)]


def _unknown(sentences: list[Sentences], parts: dict[str, Array]) -> dict[str, int]:
    """Return how many symbols of each part and side are unknown, and how many are bytes of letters without a piece."""
    found = {}
    for name, which in parts.items():
        for side, each in zip(STREAMS, sentences, strict=True):
            ids = each.known(which)
            found[f"unknown_{name}_{side}"] = int((ids == each.vocabulary.unknown).sum())
            if each.level.name == "subword":
                bytes_ = np.array([symbol.startswith("<0x") for symbol in each.vocabulary.symbols])
                found[f"bytes_{name}_{side}"] = int(bytes_[ids].sum())
    return found


def _described(data: ParallelData, how: str) -> Iterator[tuple[str, str]]:
    count, level = data.counts, data.options["level"]
    parts = (("train", data.train), ("validation", data.validation), ("test", data.test))
    yield "pairs", f"{data.name}: {count['pairs']:,}"
    joint = ", joint" if data.options["joint"] else ""
    yield "level", f"{level}s{joint}; {count['source_vocabulary']:,} and {count['target_vocabulary']:,} symbols"
    yield how, ", ".join(f"{len(part):,} {name}" for name, part in parts)
    lengths = (data.train.lengths_of(side).mean() - 1 for side in STREAMS)
    yield "symbols of a sentence", " and ".join(f"{length:.1f}" for length in lengths) + " on average"
    if data.test is data.validation:
        yield "test", "the validation part, which also chooses when training ends: not unseen"
    if count["empty"]:
        yield "left out, a side is empty", f"{count['empty']:,} pairs"
    if count["too_long"]:
        yield f"left out, above --longest {data.options['longest']:,}", f"{count['too_long']:,} pairs"
    for kind, told in (("unknown", "unknown, read as <unk>"), ("bytes", "spelt in bytes")):
        named = ((f"{kind}_{part}_{side}", f"{part} {side}") for part, _ in parts for side in STREAMS)
        some = [f"{count[key]:,} of {name}" for key, name in named if count.get(key)]
        if some:
            yield told, ", ".join(some)
    doubled = int(data.test.seen().sum())
    if doubled:
        yield "test pairs that training has too", f"{doubled:,}"


def _given(pairs: str | Path | None, source: str | Path | None, target: str | Path | None) -> list[Path]:
    """Return the one file, or the two. Raises OptionError for none, and for one without its partner."""
    if pairs is not None and source is None and target is None:
        return [Path(pairs)]
    if pairs is None and source is not None and target is not None:
        return [Path(source), Path(target)]
    named = {"": pairs, "--source ": source, "--target ": target}
    told = ", ".join(f"{option}{path}" for option, path in named.items() if path is not None)
    told = f"{told}: is not what is needed" if told else "no pairs are named"
    raise OptionError(f"{told}; give --source FILE and --target FILE, or one file with a tab in each line")


def _share_or_files(given: Sequence[str | Path] | str | Path | float, option: str) -> float | list[Path] | None:
    """Return a share of the pairs, or files; None where nothing is given."""
    each = [given] if isinstance(given, str | Path | float | int) else list(given)
    if not each:
        return None
    share = share_of(str(each[0]), option.removeprefix("--"), "pairs", "files") if len(each) == 1 else None
    if share == 0 and option == "--validation":
        raise OptionError(f"{option} {each[0]}: must be files, or a share of the pairs from 0 to 0.5")
    return [Path(str(path)) for path in each] if share is None else share


def _same_files(one: object, other: object) -> bool:
    """Return whether two parts are asked for by the same files: then they are one part."""
    several = isinstance(one, list) and isinstance(other, list)
    return several and [path.resolve() for path in one] == [path.resolve() for path in other]  # type: ignore[attr-defined]


def _named(parts: Sequence[Lines], side: str, place: int) -> tuple[str | Path, int]:
    """Return the file and the line of a place among the lines of all files end to end."""
    for part in parts:
        if place < len(part.source):
            return part.named(side, place)
        place -= len(part.source)
    raise IndexError(place)


def _check_other(held: list[Path], files: list[Path], option: str) -> None:
    """Raise OptionError where what is scored is learnt too."""
    for path in held:
        if path.resolve() in [each.resolve() for each in files]:
            raise OptionError(f"{option} {path}: is learnt from; give another file, or a share of the pairs")


def _plain(asked: float | list[Path] | None) -> list[str]:
    return [str(path.resolve()) for path in asked] if isinstance(asked, list) else [f"{asked:g}"]


def _fingerprint(options: dict[str, Any]) -> str:
    """Return the checksum of content and options, wherever files lie."""
    files = [options[name] for name in ("pairs", "source", "target") if options[name]]
    held = [_share_or_files(options[name], name) for name in ("validation", "test")]
    files += [path for each in held if isinstance(each, list) for path in each]
    shares = [each if isinstance(each, float) else len(each or ()) for each in held]
    apart = ("pairs", "source", "target", "validation", "test")
    others = sorted((name, value) for name, value in options.items() if name not in apart)
    return digest_of(*(digest_of_source(Path(file)) for file in files), repr((NUMBERED, shares, others)))
