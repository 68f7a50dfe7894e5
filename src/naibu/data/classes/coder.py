"""What turns rows into the examples of a network: the names of classes, and the vocabulary or the scale."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import xxhash

from naibu.data.classes.examples import ClassExamples, NumberExamples, TextExamples
from naibu.data.classes.rows import KindName, Row, Rows
from naibu.data.events import Array
from naibu.data.levels import Level
from naibu.data.text_coder import TextCoder, numbers_of
from naibu.data.vocabulary import Vocabulary
from naibu.errors import CorpusError
from naibu.storage import MALFORMED, damaged, open_regular, read_json, write_json, written_beside

FILE, LEARNT = "classes.json", "learnt.npy"
WHAT = "the classes of a network"
FLOAT32 = 3e38


class ClassCoder(ABC):
    """What rows become. `names` are the classes in the order of their codes; `learnt`, uint64, sorted, says of what was
    learnt what it was, so that it is known again."""

    kind: KindName
    names: tuple[str, ...]
    learnt: Array
    longest: int

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write it into a run's folder."""

    @abstractmethod
    def examples(self, rows: Rows | Sequence[Row], *, classless: bool = False) -> ClassExamples:
        """Return rows as examples. Raises CorpusError, with file and line, for one that a network cannot read, and for
        a class that is none of `names`; with `classless` rows may be without one."""

    def codes(self, rows: Sequence[Row], classless: bool) -> Array:
        """Return the codes of the rows' classes, int32, -1 for those without one where these may be."""
        index = {name: code for code, name in enumerate(self.names)}
        for row in rows:
            if row.label is None and classless:
                continue
            if not row.label:
                raise CorpusError("there is no class here; each example has to have one", row.file, row.line or None)
            if row.label not in index:
                raise CorpusError(
                    f"the class {row.label!r} does not occur in training, which has {_listed(self.names)}; leave it "
                    "out, or learn it too",
                    row.file,
                    row.line or None,
                )
        return np.array([-1 if row.label is None else index[row.label] for row in rows], np.int32)

    def known(self, digests: Array) -> Array:
        """Return which digests are of what was learnt, bool."""
        place = np.searchsorted(self.learnt, digests)
        place = np.minimum(place, max(0, len(self.learnt) - 1))
        found: Array = self.learnt[place] == digests if len(self.learnt) else np.zeros(len(digests), bool)
        return found

    def _save_learnt(self, folder: Path) -> None:
        with written_beside(folder / LEARNT) as beside, beside.open("wb") as file:
            np.save(file, self.learnt)


@dataclass(frozen=True, eq=False)
class TextClassCoder(ClassCoder):
    """Texts: how they are cut into symbols, and which of these are known."""

    names: tuple[str, ...]
    vocabulary: Vocabulary
    level: Level
    case: bool
    longest: int
    learnt: Array
    kind = "text"

    def save(self, folder: Path) -> None:
        """Write classes, vocabulary, and the subword model where there is one."""
        TextCoder(self.vocabulary, self.level, self.longest).save(folder)
        about = {"kind": self.kind, "names": list(self.names), "longest": self.longest, "case": self.case}
        write_json(folder / FILE, about | {"level": self.level.name, "split": getattr(self.level, "split", "spaces")})
        self._save_learnt(folder)

    def examples(self, rows: Rows | Sequence[Row], *, classless: bool = False) -> TextExamples:
        """Return texts as examples; see `ClassCoder.examples`."""
        found = rows.rows if isinstance(rows, Rows) else rows
        level = self.level.fresh()
        numbers = [cut(row, level, self.case, self.longest) for row in found]
        ids = numbers_of(level, self.vocabulary)
        codes = self.codes(found, classless)
        digests = np.array([digest(spelt(level, each)) for each in numbers], np.uint64)
        return TextExamples(
            *end_to_end(numbers, np.uint32), codes, self.names, level, self.vocabulary, ids, self.known(digests)
        )


@dataclass(frozen=True, eq=False)
class NumberClassCoder(ClassCoder):
    """Series: which channels there are, and by what they are scaled.

    mean, spread: of each channel in training, float64 [channel]. change: the root mean square of the change from step
    to step, of scaled numbers, [channel]. changes: whether changes are read too. masked: whether it is read too which
    numbers are missing.
    """

    names: tuple[str, ...]
    channels: tuple[str, ...]
    mean: Array
    spread: Array
    change: Array
    changes: bool
    masked: bool
    longest: int
    learnt: Array
    kind = "numbers"

    @property
    def features(self) -> tuple[str, ...]:
        """The names of what is read at every step."""
        changes = tuple(f"change of {name}" for name in self.channels) if self.changes else ()
        return (*self.channels, *changes, *(f"{name} missing" for name in self.channels if self.masked))

    def save(self, folder: Path) -> None:
        """Write classes, channels and scale."""
        about: dict[str, Any] = {"kind": self.kind, "names": list(self.names), "longest": self.longest}
        about |= {"channels": list(self.channels), "changes": self.changes, "masked": self.masked}
        write_json(folder / FILE, about | {name: getattr(self, name).tolist() for name in ("mean", "spread", "change")})
        self._save_learnt(folder)

    def scaled(self, value: Array) -> Array:
        """Return what is read of a series [time channel], float32 [time feature]: each channel less its mean in
        training and in its standard deviations, 0 where it is missing; then its change since the step before (0 at the
        first, and beside what is missing) in its root mean square; then 1 where it is missing."""
        scaled = (value - self.mean) / self.spread
        there = ~np.isnan(scaled)
        parts = [np.where(there, scaled, 0.0)]
        if self.changes:
            change = np.diff(scaled, axis=0, prepend=scaled[:1]) / self.change
            parts.append(np.nan_to_num(change))
        if self.masked:
            parts.append((~there).astype(np.float64))
        return np.concatenate(parts, axis=1).astype(np.float32)

    def examples(self, rows: Rows | Sequence[Row], *, classless: bool = False) -> NumberExamples:
        """Return series as examples; see `ClassCoder.examples`. Raises CorpusError too for other channels, and for what
        is missing where nothing was in training."""
        if isinstance(rows, Rows) and rows.channels != self.channels:
            what = f"{len(rows.channels)} channels ({', '.join(rows.channels)})"
            raise CorpusError(f"{what}, where the network reads {', '.join(self.channels)}", rows.rows[0].file)
        found = rows.rows if isinstance(rows, Rows) else rows
        values, digests = [], []
        for row in found:
            value = series(row, self.longest)
            if not self.masked and np.isnan(value).any():
                raise CorpusError(
                    "a value is missing; in training none was, so the network cannot read it: leave the series out",
                    row.file,
                    row.line or None,
                )
            values.append(self.scaled(value))
            digests.append(digest(value.tobytes()))
        codes, known = self.codes(found, classless), self.known(np.array(digests, np.uint64))
        joined, starts = end_to_end(values, np.float32, (0, len(self.features)))
        return NumberExamples(joined, starts, codes, self.names, self.features, known)


def load_coder(folder: Path) -> TextClassCoder | NumberClassCoder:
    """Return the coder of a run. Raises StoredError or CorpusError where a part is missing or damaged."""
    about = read_json(folder / FILE, WHAT, sealed=lambda _: True)
    try:
        with open_regular(folder / LEARNT) as file:
            learnt = np.load(file, allow_pickle=False)
        if learnt.dtype != np.uint64 or learnt.ndim != 1:
            raise ValueError(f"{LEARNT} holds {learnt.dtype}")
        names, longest = tuple(map(str, about["names"])), int(about["longest"])
        if about["kind"] == "text":
            text = TextCoder.load(folder, {"level": about["level"], "split": about["split"], "longest": longest})
            return TextClassCoder(names, text.vocabulary, text.level, bool(about["case"]), longest, learnt)
        mean, spread, change = (np.array(about[name], np.float64) for name in ("mean", "spread", "change"))
        channels, changes, masked = tuple(map(str, about["channels"])), bool(about["changes"]), bool(about["masked"])
        return NumberClassCoder(names, channels, mean, spread, change, changes, masked, longest, learnt)
    except (*MALFORMED, OSError) as error:
        raise damaged(folder / FILE, WHAT, error) from None


def cut(row: Row, level: Level, case: bool, longest: int) -> Array:
    """Return the numbers of a text's symbols in a level's table, its end last. Raises CorpusError for an empty one."""
    text = cast(str, row.value).strip()
    if not text:
        raise CorpusError("an empty text; each example has to have one", row.file, row.line or None)
    numbers = level.read((text if case else text.lower()) + "\n")
    return np.concatenate([numbers[:longest], numbers[-1:]]) if 0 < longest < len(numbers) - 1 else numbers


def spelt(level: Level, numbers: Array) -> bytes:
    """Return the symbols of a text as bytes that are the same wherever it is read."""
    table = level.table
    return "\x00".join(table[number] for number in numbers.tolist()).encode("utf-8", "replace")


def series(row: Row, longest: int) -> Array:
    """Return the numbers of a series as they are read. Raises CorpusError for one without any, and beyond float32."""
    value = np.asarray(row.value, np.float64)
    value = value[:longest] if longest else value
    if not len(value) or np.isnan(value).all():
        raise CorpusError("a series without a number", row.file, row.line or None)
    if (np.abs(np.nan_to_num(value)) > FLOAT32).any():
        raise CorpusError("a number beyond 3e38 in size", row.file, row.line or None)
    return value


def digest(content: bytes) -> int:
    """Return by what a sequence is known again, 64 bits."""
    return int(xxhash.xxh3_64_intdigest(content))


def keys_of(values: Sequence[Array]) -> list[Hashable]:
    """Return of every row what is equal where a network would read the same."""
    return [(value.shape, value.tobytes()) for value in values]


def end_to_end(parts: Sequence[Array], kind: Any, empty: tuple[int, ...] = (0,)) -> tuple[Array, Array]:
    """Return arrays end to end, and where each begins, int64 [part + 1]."""
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts], dtype=np.int64)]).astype(np.int64)
    return np.concatenate([np.zeros(empty, kind), *parts]).astype(kind, copy=False), starts


def _listed(names: Sequence[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def options_of_table(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return which options say how files are read, for `Asked`."""
    names = ("format", "text", "class_", "id", "time", "fine", "whole")
    found = {name: options.get(name) for name in names if options.get(name) is not None}
    return {**found, "features": tuple(options.get("features") or ())}


def check_classes(names: Sequence[str], where: str | Path) -> None:
    """Raise CorpusError where there are fewer than two classes."""
    if len(names) < 2:
        one = f"one class alone, {names[0]!r}" if names else "no class"
        raise CorpusError(f"{one}; there is nothing to tell apart", where)


def ordered(names: set[str]) -> tuple[str, ...]:
    """Return the names of classes in order: of whole numbers by size, else by the alphabet."""
    if all(name.lstrip("-").isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))
