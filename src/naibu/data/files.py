"""The files behind a path: one file, a folder or an archive, compressed or not; and their text."""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Any

from naibu.errors import CorpusError
from naibu.memory import check_memory
from naibu.progress import shown_if_long
from naibu.storage import open_regular

RATIO = 200
"""How many times its size a file may unpack to; text comes to ten times, seldom to fifty."""
TOO_MUCH = f"it unpacks to more than {RATIO} times its size; unpack it yourself, if it is meant so"
FREE = 16 * 2**20
"""Bytes that are unpacked whatever their ratio."""
MEMBERS = 100_000
"""The most members of an archive; of more a folder is made."""
PIECE = 2**20
LINE = 2**22
"""Characters after which a line that does not end is cut."""
_TAR = (".tar.gz", ".tgz", ".tar")
_UNREADABLE = (
    OSError,
    EOFError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    RuntimeError,
    ValueError,
    LookupError,
)
"""What the standard library raises for damaged files and archives (NotImplementedError is a RuntimeError)."""


@dataclass(frozen=True)
class SourceFile:
    """A file whose bytes are read when asked for.

    name: how errors and reports call it: the path as the user gave it, `archive:member` in an archive.
    extension: lower-case, that of the content: `.ptb` for `gum.ptb.gz`.
    """

    name: str
    extension: str
    read: Callable[[], bytes]
    path: Path | None = None
    """Where it lies by itself, None in an archive."""

    def pieces(self, size: int = 16 * 2**20) -> Iterator[bytes]:
        """Yield the content in pieces, one after the other; that of an archive at once. Raises CorpusError."""
        if self.path is None:
            yield self.read()
            return
        try:
            with open_regular(self.path) as file:
                packed = self.path.name.lower().endswith(".gz")
                plain: Any = _Bounded(gzip.GzipFile(fileobj=file), file) if packed else file
                while piece := plain.read(size):
                    yield piece
        except _UNREADABLE as error:
            raise CorpusError(f"cannot be read: {_reason(error)}", self.name) from None

    @property
    def size(self) -> int:
        """Bytes as it lies in a folder, 0 for a member of an archive."""
        return 0 if self.path is None else self.path.stat().st_size


def is_share(value: object) -> bool:
    """Return whether what stands where files may stand is a share of the data, a number: .1."""
    return str(value).replace(".", "", 1).isdigit()


def is_many(path: Path) -> bool:
    """Whether the path is a folder or an archive, where unusable source code is skipped rather than an error."""
    return path.is_dir() or path.name.lower().endswith((*_TAR, ".zip"))


def raw_files(path: Path) -> list[Path]:
    """Return the files on disk behind a path: those of a folder, else itself; CorpusError where it is missing."""
    if not path.exists():
        raise CorpusError("there is no such file or folder", path)
    return _walk(path) if path.is_dir() else [path]


def stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, times and sizes of all files under the path: what changes when the content does."""
    found = []
    for file in raw_files(path):
        status = file.stat()
        found.append((str(file), status.st_mtime_ns, status.st_size))
    return tuple(found)


def open_files(path: Path) -> Iterator[SourceFile]:
    """The files behind a path in a fixed order: a folder's sorted, an archive's as they lie in it.

    Each is to be read before the next is asked for. Raises CorpusError where the path is missing or empty, is a pipe or
    a device, for a damaged archive, and for what unpacks to more than `RATIO` times its size.
    """
    if not path.exists():
        raise CorpusError("there is no such file or folder (always there: standard-library)", path)
    if path.is_dir():
        yield from (_plain(file) for file in _walk(path))
        return
    name = path.name.lower()
    try:
        if name.endswith(_TAR):
            with open_regular(path) as packed:
                yield from _tar_members(path, packed)
        elif name.endswith(".zip"):
            with open_regular(path) as packed, zipfile.ZipFile(packed) as archive:
                for item in _limited(path, archive.infolist()):
                    if not item.is_dir() and not _hidden(item.filename):
                        yield _member(path, item.filename, partial(_unzipped, archive, item))
        else:
            yield _plain(path)
    except _UNREADABLE as error:
        raise CorpusError(f"cannot be read: {_reason(error)}", path) from None


def _tar_members(path: Path, packed: IO[bytes]) -> Iterator[SourceFile]:
    size = os.fstat(packed.fileno()).st_size
    zipped = packed.read(2) == b"\x1f\x8b"
    packed.seek(0)
    plain: Any = _Bounded(gzip.GzipFile(fileobj=packed), packed) if zipped else packed
    with tarfile.open(fileobj=plain, mode="r:") as archive:
        for member in _limited(path, archive):
            if member.isfile() and not _hidden(member.name):
                if not zipped and member.size > max(FREE, RATIO * size):
                    raise ValueError(f"{member.name} would be {member.size:,} bytes of an archive of {size:,}")
                yield _member(path, member.name, partial(_extracted, archive, member))


def _limited(path: Path, members: Any) -> Iterator[Any]:
    for number, member in enumerate(members):
        if number == MEMBERS:
            raise CorpusError(f"more than {MEMBERS:,} members; unpack it, and give the folder", path)
        yield member


class _Bounded(io.RawIOBase):
    """What is unpacked from a file, refused where it becomes too much for what has been read of the file."""

    def __init__(self, unpacked: Any, packed: IO[bytes]) -> None:
        self._unpacked, self._packed = unpacked, packed
        self._done = self._far = 0
        self._mark = (0, 0)  # unpacked and packed, some way back: a bomb may have an honest beginning

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes. Raises ValueError where they are more than `RATIO` allows."""
        if size is None or size < 0:
            return b"".join(iter(partial(self.read, PIECE), b""))
        data: bytes = self._unpacked.read(size)
        self._done += len(data)
        if self._done > self._far:
            self._far, place = self._done, self._packed.tell()
            unpacked, packed = self._far - self._mark[0], place - self._mark[1]
            if unpacked > 4 * FREE:
                self._mark = self._far, place
            if unpacked > FREE + RATIO * packed:
                raise ValueError(TOO_MUCH)
        return data

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True: from an earlier place on it is unpacked again."""
        return True

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place."""
        if whence == 0 and place > self._done:
            while self._done < place and self.read(min(PIECE, place - self._done)):
                pass
        else:
            self._done = self._unpacked.seek(place, whence)
        return self._done

    def tell(self) -> int:
        """Return the place."""
        return self._done


def _walk(folder: Path) -> list[Path]:
    found: list[Path] = []
    with shown_if_long(f"{folder}: looking for files (Ctrl-C stops)", "files") as progress:
        for place, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
            there = (Path(place, name) for name in sorted(names) if not name.startswith("."))
            found += [file for file in there if file.is_file()]
            progress(len(found), 0, "")
    return found


def _plain(file: Path) -> SourceFile:
    return SourceFile(str(file), _extension(file.name), partial(read_file, file), file)


def _member(archive: Path, member: str, read: Callable[[], bytes]) -> SourceFile:
    name = f"{archive}:{member}"
    return SourceFile(name, _extension(member), partial(_read, name, read))


def _extracted(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = archive.extractfile(member)
    return b"" if content is None else _whole(content)


def _unzipped(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> bytes:
    if item.file_size > FREE + RATIO * item.compress_size:
        raise ValueError(TOO_MUCH)
    with archive.open(item) as content:
        return _whole(content)


def _whole(content: IO[bytes] | io.RawIOBase) -> bytes:
    pieces, size = list[bytes](), 0
    while piece := content.read(PIECE):
        pieces.append(piece)
        size += len(piece)
        check_memory(size)
    return b"".join(pieces)


def read_file(path: str | Path, option: str = "") -> bytes:
    """The content of a file, unpacked where its name ends in .gz; `option` is where the user named it.

    Raises CorpusError where it cannot be read, is a pipe or a device, unpacks to more than `RATIO` times its size, or
    is larger than memory.
    """
    return _read(f"{option} {path}".lstrip(), partial(_of_disk, path))


def _of_disk(path: str | Path) -> bytes:
    with open_regular(path) as file:
        check_memory(2 * os.fstat(file.fileno()).st_size)
        return file.read()


def _read(name: str, read: Callable[[], bytes]) -> bytes:
    try:
        data = read()
        if not name.lower().endswith(".gz"):
            return data
        packed = io.BytesIO(data)
        return _whole(_Bounded(gzip.GzipFile(fileobj=packed), packed))
    except _UNREADABLE as error:
        raise CorpusError(f"cannot be read: {_reason(error)}", name) from None


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).partition("\n")[0]


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
    _refuse_binary(data, name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(error, name, 1) from None
    return with_line_ends(text)


def texts_of(file: SourceFile) -> Iterator[str]:
    """Yield the text of a file in pieces that end at line ends, as far as its lines are shorter than a piece.

    Raises CorpusError as `text_of`.
    """
    decoder, left, line, begun = codecs.getincrementaldecoder("utf-8")(), "", 1, False
    try:
        for piece in chain(file.pieces(), [b""]):
            if not begun:
                _refuse_binary(piece, file.name)
            text = left + decoder.decode(piece, final=not piece)
            text, begun = (text if begun or not text else text.removeprefix("\ufeff")), begun or bool(text)
            held = "\r" if piece and text.endswith("\r") else ""  # its \n may follow
            text = with_line_ends(text.removesuffix(held))
            cut = text.rfind("\n") + 1 or (len(text) if len(text) > LINE else 0)
            if not piece:
                cut = len(text)
            if cut:
                yield text[:cut]
            line += text.count("\n", 0, cut)
            left = text[cut:] + held
    except UnicodeDecodeError as error:
        raise _not_utf8(error, file.name, line + left.count("\n")) from None


def _refuse_binary(data: bytes, name: str) -> None:
    if is_binary(data):
        raise CorpusError("a binary file (or UTF-16), not text in UTF-8", name)


def _not_utf8(error: UnicodeDecodeError, name: str, line: int) -> CorpusError:
    """Return the error for bytes that begin in a line and are no UTF-8."""
    wrong, line = error.object[error.start], line + error.object.count(b"\n", 0, error.start)
    return CorpusError(f"not UTF-8 (byte 0x{wrong:02x}); convert it, as with iconv -f latin1 -t utf-8", name, line)


def with_line_ends(text: str) -> str:
    """The text with `\\n` at every line end, be it `\\r\\n` or `\\r` alone."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
