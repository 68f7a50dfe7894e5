"""Vectors of words in a file, as word2vec writes them: as text, or with the numbers in four bytes each."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from naibu.data.examples import Array
from naibu.data.files import read_file
from naibu.errors import CorpusError, OptionError
from naibu.storage import delivered

LARGEST = 65_536
"""Numbers of a vector, at most."""
_BYTES = 4


@dataclass(frozen=True)
class Vectors:
    """Words in the order of the file, and their vectors, float32 [word number]."""

    words: tuple[str, ...]
    values: Array

    def __repr__(self) -> str:
        return f"Vectors({len(self.words):,} words of {self.size} numbers)"

    def __len__(self) -> int:
        return len(self.words)

    @property
    def size(self) -> int:
        """How many numbers a vector has."""
        return int(self.values.shape[1])

    def of(self, words: Sequence[str], *, lowercase: bool = False) -> Array:
        """Return the vectors of words, float32 [word number], NaN for those that have none; with `lowercase` a word in
        small letters has the vector of the first that is it in whatever letters."""
        found = np.full((len(words), self.size), np.nan, np.float32)
        places = [self._places.get(word, self._lower.get(word, -1) if lowercase else -1) for word in words]
        there = np.array(places) >= 0
        found[there] = self.values[np.array(places)[there]]
        return found

    def place(self, word: str) -> int:
        """Return where a word stands, -1 where it is not there; one that is there only in other letters, small ones
        before capitals, stands for it."""
        found = self._places.get(word, self._places.get(word.lower(), -1))
        return found if found >= 0 else self._lower.get(word.lower(), -1)

    @cached_property
    def directions(self) -> Array:
        """Vectors of length 1, float32 [word number]; those of no length stay so."""
        lengths = np.linalg.norm(self.values, axis=1, keepdims=True)
        found: Array = self.values / np.where(lengths > 0, lengths, 1)
        return found

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: place for place, word in reversed(list(enumerate(self.words)))}

    @cached_property
    def _lower(self) -> dict[str, int]:
        return {word.lower(): place for place, word in reversed(list(enumerate(self.words)))}


def read_vectors(path: str | Path) -> Vectors:
    """Return the vectors of a file of word2vec, text or binary, whose first line says how many words and numbers.

    Raises CorpusError with the line (the word, in a binary file) where the head is none, where a line is torn or has
    other numbers, and where there are more or fewer words than the head says.
    """
    path = Path(path)
    data = read_file(path)
    head, _, rest = data.partition(b"\n")
    count, size = _head(head, path)
    text = _is_text(rest)
    words, values = (_text if text else _binary)(rest, count, size, path)
    if not words:
        raise CorpusError("no vectors: the head says that there is no word", path, 1)
    if not np.isfinite(values).all():
        place = int(np.flatnonzero(~np.isfinite(values).all(1))[0])
        line = place + 2 if text else None
        raise CorpusError(f"the vector of {words[place]!r} has a number that is none", path, line)
    return Vectors(tuple(words), values)


def write_vectors(vectors: Vectors, path: str | Path) -> None:
    """Write vectors as word2vec does: with numbers in four bytes each where the name ends in `.bin`, else as text that
    gives the same float32 numbers back.

    Raises OptionError for a word with a blank in it, which no such file can have, StoredError where nothing can be
    written.
    """
    apart = next((word for word in vectors.words if not word or any(letter in " \t\r\n" for letter in word)), None)
    if apart is not None:
        raise OptionError(f"the word {apart!r} is empty or has a blank in it, which a file of word2vec cannot have")
    path = Path(path)
    binary = path.suffix == ".bin"
    with delivered(path) as place, place.open("wb") as file:
        file.write(f"{len(vectors)} {vectors.size}\n".encode())
        for word, row in zip(vectors.words, vectors.values.astype("<f4"), strict=True):
            spelt = word.encode("utf-8", "replace")
            numbers = row.tobytes() if binary else " ".join([f"{each:.9g}" for each in row.tolist()]).encode()
            file.write(spelt + b" " + numbers + b"\n")


def _head(line: bytes, path: Path) -> tuple[int, int]:
    cells = line.split()
    if len(cells) != 2 or not all(cell.isdigit() for cell in cells) or not 1 <= int(cells[1]) <= LARGEST:
        shown = line[:40].decode("utf-8", "replace")
        raise CorpusError(f"no vectors: the first line has to say how many words and numbers, it is {shown!r}", path, 1)
    return int(cells[0]), int(cells[1])


def _is_text(rest: bytes) -> bool:
    """Return whether numbers are written out: behind the first line's word there are numbers alone."""
    cells = rest.partition(b"\n")[0].split()[1:]
    try:
        return len([float(cell) for cell in cells]) > 0
    except ValueError:
        return False


def _text(rest: bytes, count: int, size: int, path: Path) -> tuple[list[str], Array]:
    lines = rest.decode("utf-8", "replace").split("\n")
    if lines and not lines[-1]:
        lines = lines[:-1]
    elif lines and len(lines) == count:
        told = f"{path}, line {len(lines) + 1}: has no end; if the file was cut off there, its last number is wrong"
        warnings.warn(told, stacklevel=4)
    words, values = list[str](), np.empty((len(lines), size), np.float32)
    for number, line in enumerate(lines):
        cells = line.rstrip().split(" ")
        if len(cells) != size + 1:
            torn = " (the file ends here: it is torn)" if number == len(lines) - 1 else ""
            raise CorpusError(f"{len(cells) - 1} numbers, where the head says {size}{torn}", path, number + 2)
        try:
            values[number] = [float(cell) for cell in cells[1:]]
        except ValueError:
            raise CorpusError("a number that is none", path, number + 2) from None
        words.append(cells[0])
    if len(words) != count:
        raise CorpusError(f"{len(words):,} words, where the head says {count:,}", path)
    return words, values


def _binary(rest: bytes, count: int, size: int, path: Path) -> tuple[list[str], Array]:
    words, values, place = list[str](), np.empty((min(count, len(rest) // (_BYTES * size) + 1), size), np.float32), 0
    for number in range(count):
        end = rest.find(b" ", place)
        if end < 0 or end + 1 + _BYTES * size > len(rest):
            raise CorpusError(f"{number:,} words, where the head says {count:,}: the file is torn", path)
        words.append(rest[place:end].lstrip(b"\n").decode("utf-8", "replace"))
        values[number] = np.frombuffer(rest, "<f4", size, end + 1)
        place = end + 1 + _BYTES * size
    if rest[place:].strip(b"\n"):
        raise CorpusError(f"more than the {count:,} words that the head says", path)
    return words, values
