"""A formal language as data: which lengths are learnt, which judge, which are scored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from naibu.data.examples import Array, Data
from naibu.data.formal.catalogue import language_named
from naibu.data.formal.examples import EMPTY, Blocks, FormalExamples
from naibu.data.formal.language import Language
from naibu.data.vocabulary import Vocabulary
from naibu.errors import OptionError
from naibu.storage import digest_of

DRAWN = 2**20
"""Words that training draws before they come again, about; a block of 64 is of one length."""
ROWS = 64
JUDGED = 16
"""Words of each length in the validation part."""
LONGEST = 100_000
BEYOND = 12.5
"""How many times longer the longest words of the test part are than those that are learnt: 500 are of 40."""
VERSION = 1
"""Of the generators: a run goes on only with words that are drawn as those that it began with."""


@dataclass(frozen=True, repr=False)
class FormalData(Data):
    """A formal language in three parts."""

    @property
    def language(self) -> Language:
        """The language."""
        return language_named(self.options["language"])

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols in the order of their numbers, the empty one last."""
        return (*self.language.symbols, EMPTY)

    def example(self) -> str:
        """Return a word of the training part and its answer."""
        train = self.train
        assert isinstance(train, FormalExamples)
        lengths = train.blocks.lengths
        block = int(np.abs(lengths - min(10, int(lengths.max()))).argmin())
        word, answer = train.word(block * train.blocks.rows)
        return f"{' '.join(word)} → {' '.join(answer)}"


@dataclass(frozen=True)
class FormalCoder:
    """The symbols of a language, which are all that a run keeps of it."""

    symbols: tuple[str, ...]

    def save(self, folder: Path) -> None:
        """Write them into a run's folder."""
        Vocabulary(self.symbols).save(folder / "vocabulary.txt")


def open_formal(
    language: str,
    *,
    lengths: str = "1:40",
    test_lengths: str | None = None,
    per_length: int = 4,
    seed: int = 1,
) -> FormalData:
    """Return a formal language in three parts, of which words are drawn whenever they are read.

    language: one of `naibu.data.formal.catalogue.LANGUAGES`. lengths: of words that are learnt, and of those that
    judge training, FROM:TO or FROM:TO:BY; every length of which there are words with the same chance. test_lengths: of
    the test part; from one more than these to twelve and a half times the longest when not given. per_length: words of
    each length in the test part. seed: of all words.

    Raises OptionError for a language that there is not, and for lengths of which there is no word.
    """
    found = language_named(language)
    learnt = lengths_of(found, lengths, "--lengths")
    longest = int(parted(lengths, "--lengths")[1])
    asked = test_lengths or f"{longest + 1}:{min(LONGEST, int(BEYOND * longest) + 10 * (longest < 4))}"
    beyond = lengths_of(found, asked, "--test-lengths")
    if per_length < 1:
        raise OptionError(f"--per-length {per_length}: must be at least 1")
    if seed < 0:
        raise OptionError(f"--split-seed {seed}: must be 0 or more")
    options: dict[str, Any] = {
        "language": language,
        "lengths": lengths,
        "test_lengths": asked,
        "per_length": per_length,
        "split_seed": seed,
    }
    blocks = max(1, DRAWN // ROWS // len(learnt))
    train = FormalExamples(Blocks(found, np.tile(learnt, blocks), ROWS, (seed, 0)))
    validation = FormalExamples(Blocks(found, learnt, JUDGED, (seed, 1)))
    test = FormalExamples(Blocks(found, beyond, per_length, (seed, 2)))
    told = [
        ("language", f"{language}: {found.about}"),
        ("level", found.level),
        ("symbols", f"{len(found.symbols)} read, {len(found.answers)} told"),
        ("learnt", f"words of lengths {lengths}, drawn anew for every batch"),
        ("validation", f"{len(validation):,} words of these lengths"),
        ("test", f"{len(test):,} words of lengths {asked}"),
    ]
    symbols = (*found.symbols, EMPTY)
    return FormalData(
        name=language,
        task="formal",
        options=options,
        train=train,
        validation=validation,
        test=test,
        sizes={"input": len(symbols), "answers": len(found.answers)},
        coder=FormalCoder(symbols),
        asks=found.asks,
        fingerprint=digest_of("formal", str(VERSION), repr(sorted(options.items()))),
        found=told,
    )


def scored(language: Language, lengths: str, per_length: int, seed: int) -> FormalExamples:
    """Return words to score, so many of each length, drawn apart from those of every part.

    Raises OptionError for lengths of which there is no word.
    """
    return FormalExamples(Blocks(language, lengths_of(language, lengths, "--lengths"), per_length, (seed, 3)))


def lengths_of(language: Language, asked: str, option: str) -> Array:
    """Return the lengths FROM:TO of which a language has words, int64, rising. Raises OptionError for none."""
    first, last, by = parted(asked, option)
    found = np.array([length for length in range(first, last + 1, by) if language.fits(length)], np.int64)
    if not len(found):
        possible = [str(length) for length in range(1, 100) if language.fits(length)][:3]
        raise OptionError(f"{option} {asked}: {language.name} has no word so long; it has {', '.join(possible)} ...")
    return found


def parted(asked: str, option: str) -> tuple[int, int, int]:
    """Return the numbers of FROM:TO:BY, where BY may be left out, and TO. Raises OptionError for anything else."""
    found = re.fullmatch(r"(\d{1,6})(?::(\d{1,6})(?::(\d{1,6}))?)?", str(asked).strip())
    if not found or found[3] == "0":
        raise OptionError(f"{option} {asked}: must be FROM:TO, as 1:40, or FROM:TO:BY")
    first, last, by = int(found[1]), int(found[2] or found[1]), int(found[3] or 1)
    if first < 1 or last > LONGEST:
        raise OptionError(f"{option} {asked}: a length must be from 1 to {LONGEST}")
    if first > last:
        raise OptionError(f"{option} {asked}: goes from high to low; write {last}:{first}")
    return first, last, by
