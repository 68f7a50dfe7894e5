"""One writer a folder: the second is told who the first is; what a killed writer left behind is cleared away."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from naibu.errors import StoredError
from naibu.storage import cannot_write

NAME = ".lock"
"""The file in a folder that its writer holds; it says who that is, and is gone when the writer is."""
LEFT = re.compile(r"\.[^/]+\.\d+\.part")
"""Names of files that `written_beside` had not finished when its process was killed."""

_held: dict[tuple[int, int], int] = {}
"""Folders (device and inode) that this process holds -> the thread that does."""


@contextmanager
def only_writer(folder: Path, *, own: bool = True) -> Iterator[None]:
    """Hold a folder, made where it is missing, as the only one that writes into it; one who holds it may do so again.

    Raises StoredError where another process or thread holds it, naming it; and, of a folder that is all our `own`,
    where links lie in it: what is written or removed through them would lie outside.
    """
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            status = folder.stat()
        except OSError as error:
            raise cannot_write(folder, error) from error
        place, me = (status.st_dev, status.st_ino), threading.get_ident()
        if _held.get(place) == me:
            yield
            return
        handle = _locked(folder)
        _held[place] = me
        held.callback(_let_go, folder, handle, place)
        _swept(folder, own)
        yield


def _locked(folder: Path) -> int:
    """Return the handle of the folder's lock, held. Raises StoredError where another holds it."""
    path = folder / NAME
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            _lock(handle)
            if os.fstat(handle).st_nlink and os.path.samestat(os.fstat(handle), path.stat()):
                break  # else its last holder has removed it meanwhile
            os.close(handle)
        except FileNotFoundError:
            os.close(handle)
        except BlockingIOError:
            found = _said_in(handle)
            os.close(handle)
            raise StoredError(
                f"{folder}: {_who(found)}; wait until it has ended, or choose another folder with --out"
            ) from None
        except OSError as error:
            warnings.warn(f"{folder}: cannot be locked ({error.strerror}); let no other job write there", stacklevel=4)
            break
    me = {"process": os.getpid(), "command": " ".join(sys.argv)[:300], "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    with suppress(OSError):  # on a full disk the second is told less
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, json.dumps(me).encode())
    return handle


def _said_in(handle: int) -> bytes:
    """Return what the holder of a lock says of itself, which it writes just after it has it."""
    for _ in range(10):
        with suppress(OSError):  # Windows lets nobody read what is locked
            if found := os.pread(handle, 1000, 0) if hasattr(os, "pread") else os.read(handle, 1000):
                return found
        time.sleep(0.05)
    return b""


def _who(found: bytes) -> str:
    try:
        said = json.loads(found)
        return f"process {said['process']} ({said['command']}) has been writing here since {said['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process is writing here"


def _lock(handle: int) -> None:
    """Lock an open file or raise BlockingIOError; the system lets go of it when the process ends, however it does."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EDEADLK):
                raise BlockingIOError from error
            raise
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _let_go(folder: Path, handle: int, place: tuple[int, int]) -> None:
    del _held[place]
    with suppress(OSError):  # the folder may be gone, and Windows removes no open file
        if os.path.samestat(os.fstat(handle), (folder / NAME).stat()):
            (folder / NAME).unlink()
    os.close(handle)


def _swept(folder: Path, own: bool) -> None:
    """Remove what a killed writer has left half-written; in a folder that is all ours, at any depth, refuse links."""
    try:
        for place, folders, names in os.walk(folder):
            busy = NAME in names and Path(place) != folder  # another may be writing there
            for name in (*folders, *names):
                path = Path(place, name)
                if own and path.is_symlink():
                    raise StoredError(f"{path}: is a link, which no run and no recording has; remove it")
                if name in names and LEFT.fullmatch(name) and not busy:
                    path.unlink(missing_ok=True)
            if not own:
                break
    except OSError as error:
        raise cannot_write(folder, error) from error
