"""The files behind a path: one file, a folder or an archive, compressed or not; and their text."""

from __future__ import annotations

import gzip
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from naibu.errors import CorpusError

_TAR = (".tar.gz", ".tgz", ".tar")
_UNREADABLE = (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error, RuntimeError)


@dataclass(frozen=True)
class SourceFile:
    """A file whose bytes are read when asked for.

    name: how errors and reports call it: the path as the user gave it, `archive:member` in an archive.
    extension: lower-case, that of the content: `.ptb` for `gum.ptb.gz`.
    """

    name: str
    extension: str
    read: Callable[[], bytes]


def is_many(path: Path) -> bool:
    """Whether the path is a folder or an archive, where unusable source code is skipped rather than an error."""
    return path.is_dir() or path.name.lower().endswith((*_TAR, ".zip"))


def stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, times and sizes of all files under the path: what changes when the content does."""
    files = _walk(path) if path.is_dir() else [path]
    found = []
    for file in files:
        status = file.stat()
        found.append((str(file), status.st_mtime_ns, status.st_size))
    return tuple(found)


def open_files(path: Path) -> Iterator[SourceFile]:
    """The files behind a path in a fixed order: a folder's sorted, an archive's as they lie in it.

    Each is to be read before the next is asked for. Raises CorpusError where the path is missing or empty,
    and for a damaged archive.
    """
    if not path.exists():
        raise CorpusError("there is no such file or folder (always there: standard-library)", path)
    if path.is_dir():
        yield from (_plain(file) for file in _walk(path))
        return
    name = path.name.lower()
    try:
        if name.endswith(_TAR):
            with tarfile.open(path) as archive:
                for member in archive:
                    if member.isfile() and not _hidden(member.name):
                        yield _member(path, member.name, partial(_extracted, archive, member))
        elif name.endswith(".zip"):
            with zipfile.ZipFile(path) as packed:
                for item in packed.infolist():
                    if not item.is_dir() and not _hidden(item.filename):
                        yield _member(path, item.filename, partial(packed.read, item))
        else:
            yield _plain(path)
    except _UNREADABLE as error:
        raise CorpusError(f"cannot be read: {error}", path) from None


def _walk(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
        found += [Path(place, name) for name in sorted(names) if not name.startswith(".")]
    return [file for file in found if file.is_file()]


def _plain(file: Path) -> SourceFile:
    return SourceFile(str(file), _extension(file.name), partial(_read, str(file), file.read_bytes))


def _member(archive: Path, member: str, read: Callable[[], bytes]) -> SourceFile:
    name = f"{archive}:{member}"
    return SourceFile(name, _extension(member), partial(_read, name, read))


def _extracted(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = archive.extractfile(member)
    return b"" if content is None else content.read()


def _read(name: str, read: Callable[[], bytes]) -> bytes:
    try:
        data = read()
        return gzip.decompress(data) if name.lower().endswith(".gz") else data
    except _UNREADABLE as error:
        raise CorpusError(f"cannot be read: {error}", name) from None


def _extension(name: str) -> str:
    name = name.lower()
    return Path(name[:-3] if name.endswith(".gz") else name).suffix


def _hidden(member: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in member.split("/"))


def is_binary(data: bytes) -> bool:
    """Whether the bytes are no text in any encoding that keeps ASCII: they hold a zero byte."""
    return b"\0" in data[:65536]


def text_of(data: bytes, name: str) -> str:
    """The text of a UTF-8 file, with `\\n` at line ends.

    Raises CorpusError for a binary file and, with the line, for another encoding.
    """
    if is_binary(data):
        raise CorpusError("a binary file (or UTF-16), not text in UTF-8", name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8 (byte 0x{data[error.start]:02x}); convert it, as with iconv -f latin1 -t utf-8"
        raise CorpusError(message, name, line) from None
    return with_line_ends(text)


def with_line_ends(text: str) -> str:
    """The text with `\\n` at every line end, be it `\\r\\n` or `\\r` alone."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
