"""Files of text read once, symbol by symbol: into memory, or into a file beside the runs where they are large."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from naibu.data import builtin, files
from naibu.data.events import Array
from naibu.data.levels import END, Level
from naibu.errors import CorpusError, StoredError
from naibu.progress import shown
from naibu.storage import digest_of, open_regular, read_json, write_json, written_beside

LARGE = 64 * 2**20
"""Bytes of files beyond which their symbols lie on disk; unpacked files count ten times."""
FOLDER, FORMAT = "symbols", 1
_PACKED = (".gz", ".tgz", ".zip")


@dataclass(frozen=True)
class Documents:
    """What was read: symbols [token], where each document begins (its line end first), and their names."""

    numbers: Array
    starts: Array
    names: tuple[str, ...]


def read_documents(paths: list[Path], level: Level, *, most: int | None, folder: Path | None) -> Documents:
    """Return the symbols of files, folders and archives, in the order given; the level's table has all of them then.

    most: bytes of text after which reading stops. folder: where symbols of large texts are
    kept from one time to the next, under the checksum of what they were read from; a temporary one where None. Raises
    CorpusError for what cannot be read and where there is no text.
    """
    size = sum(_size(path) for path in paths)
    if size <= LARGE:
        return _gathered(paths, level, np.dtype(np.uint32), most, None, size)
    key = digest_of(
        *(digest_of_source(path) for path in paths), level.key, repr((FORMAT, most, [p.name for p in paths]))
    )
    place = Path(tempfile.mkdtemp(prefix="naibu-")) if folder is None else folder / FOLDER
    named, own = place / f"{key[:16]}.json", level.fresh()
    found = _kept(named, own) if named.exists() else _written(named, own, paths, most, size)
    if folder is None:
        shutil.rmtree(place, ignore_errors=True)  # what is mapped stays until nobody looks at it
    if list(level.table) == list(level.fresh().table):
        level.begin_with(own.table)
        return found
    return replace(found, numbers=level.take(own.table)[found.numbers])  # numbered as what was read before


def _written(named: Path, level: Level, paths: list[Path], most: int | None, size: int) -> Documents:
    """Read into a file; once more, in larger numbers, where the table comes to be more than they can tell apart."""
    path = named.with_suffix(".symbols")
    for kind in map(np.dtype, (np.uint16, np.uint32)):
        fresh = level.fresh()
        with written_beside(path) as beside:
            found = _gathered(paths, fresh, kind, most, beside, size)
        if len(fresh.table) <= 2**16:
            break
    level.begin_with(fresh.table)
    about = {"kind": kind.str, "starts": found.starts.tolist(), "names": list(found.names), "table": list(level.table)}
    write_json(named, {**about, "content": digest_of_content(path)})
    return Documents(np.memmap(path, kind, "r"), found.starts, found.names)


def digest_of_source(path: Path) -> str:
    """Return `digest_of_content` of what is read, taken once as long as names, times and sizes are the same."""
    if str(path) == builtin.NAME and not path.exists():
        return digest_of_content(path)
    return _digest_once(path, files.stamp(path))


@lru_cache(maxsize=16)
def _digest_once(path: Path, stamp: object) -> str:
    return digest_of_content(path)


def digest_of_content(path: Path) -> str:
    """Return the checksum of all the bytes of a file, or of the files in a folder; the built-in text has its own."""
    found = xxhash.xxh3_128()
    if str(path) == builtin.NAME and not path.exists():
        for file in builtin.open_library():
            found.update(file.read())
        return str(found.hexdigest())
    for each in files.raw_files(path):
        found.update(str(each.relative_to(path)).encode("utf-8", "replace") if path.is_dir() else b"")
        try:
            with open_regular(each) as opened:
                while piece := opened.read(2**22):
                    found.update(piece)
        except OSError as error:
            raise CorpusError(f"cannot be read: {error.strerror or error}", each) from None
    return str(found.hexdigest())


def _size(path: Path) -> int:
    if str(path) == builtin.NAME and not path.exists():
        return 0
    packed = 10 if path.name.lower().endswith(_PACKED) else 1
    return packed * sum(file.stat().st_size for file in files.raw_files(path))


def _kept(named: Path, level: Level) -> Documents:
    """Return what was read another time. Raises StoredError where it is damaged."""
    about, path = read_json(named, "the symbols of a text", sealed=lambda _: True), named.with_suffix(".symbols")
    try:
        whole = digest_of_content(path) == about["content"]
        level.begin_with(about["table"])
        numbers = np.memmap(path, np.dtype(about["kind"]), "r")
        found = Documents(numbers, np.array(about["starts"], np.int64), tuple(about["names"]))
    except (CorpusError, KeyError, TypeError, ValueError) as error:
        raise StoredError(f"{path}: damaged ({error}); remove it, and it is made again") from None
    if not whole:
        raise StoredError(f"{path}: its content does not match its checksum; remove it, and it is made again")
    return found


def _gathered(
    paths: list[Path], level: Level, kind: np.dtype[Any], most: int | None, out: Path | None, size: int
) -> Documents:
    """Return the symbols of all documents; on disk they are in `out`, and the numbers returned are empty."""
    gathered = _Gathered(level, kind, out)
    told = f"reading {paths[0]}" if len(paths) == 1 else f"reading {len(paths)} files"
    with gathered, shown(told, "bytes") as progress:
        for name, piece in (each for path in paths for each in _pieces(path)):
            if name is not None:
                gathered.document(name)
            if most is not None and gathered.bytes + len(piece.encode("utf-8", "replace")) > most:
                gathered.text(piece.encode("utf-8", "replace")[: most - gathered.bytes].decode("utf-8", "ignore"))
                break
            gathered.text(piece)
            progress(min(gathered.bytes, size), size, "")
    found = gathered.found()
    if len(found.starts) < 2 or gathered.count == len(found.names):
        raise CorpusError("no text was found", paths[0])
    return found


def _pieces(path: Path) -> Iterator[tuple[str | None, str]]:
    """Yield the text of all documents in pieces, and the name of each with its first, an empty one."""
    for name, pieces in documents_of(path):
        yield name, ""
        yield from ((None, piece) for piece in pieces)


def documents_of(path: Path) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield name and text of every document behind a path, in pieces; in folders and archives, files of text alone."""
    if str(path) == builtin.NAME and not path.exists():
        yield from ((file.name, files.texts_of(file)) for file in builtin.open_library())
        return
    many = files.is_many(path)
    for file in files.open_files(path):
        if not many or not files.is_binary(next(file.pieces(files.PIECE), b"")):
            yield file.name, files.texts_of(file)


class _Gathered:
    """Symbols as they come, in memory or in a file."""

    def __init__(self, level: Level, kind: np.dtype[Any], out: Path | None) -> None:
        self.level, self.kind = level, kind
        self.count = self.bytes = 0
        self._parts: list[Array] = []
        self._file = None if out is None else out.open("wb")
        self._starts: list[int] = []
        self._names: list[str] = []

    def document(self, name: str) -> None:
        """Begin a document, with a line end that is read and never predicted."""
        self._starts.append(self.count)
        self._names.append(name)
        self._put(np.array([self.level.number(END)]))

    def text(self, piece: str) -> None:
        """Add a piece of text."""
        self.bytes += len(piece) if piece.isascii() else len(piece.encode("utf-8", "replace"))
        self._put(self.level.read(piece))

    def found(self) -> Documents:
        """Return what was gathered."""
        numbers = np.concatenate([np.zeros(0, self.kind), *self._parts])
        return Documents(numbers, np.array([*self._starts, self.count], np.int64), tuple(self._names))

    def __enter__(self) -> _Gathered:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def _put(self, numbers: Array) -> None:
        self.count += len(numbers)
        if self._file is None:
            self._parts.append(numbers.astype(self.kind))
        else:
            self._file.write(numbers.astype(self.kind).data)


def encoded(texts: Iterable[tuple[str, str]], level: Level) -> Documents:
    """Return symbols of named texts that are in memory."""
    gathered = _Gathered(level, np.dtype(np.uint32), None)
    for name, text in texts:
        gathered.document(name)
        gathered.text(text)
    return gathered.found()
