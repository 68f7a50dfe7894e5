"""Compiled functions that are kept on disk, in one folder for each state of the sources that they are made of."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])
_ONE_FOLDER = threading.RLock()


@cache
def cache_folder(*rooms: Path) -> Path:
    """Return the folder of what is compiled from the sources in these folders; a change of any gives another folder.

    The compiler itself looks at the one file a function is written in, never at those of the functions it calls.
    """
    import numba

    digest = hashlib.blake2b(digest_size=8)
    for path in [Path(__file__), *(path for room in rooms for path in sorted(room.glob("*.py")))]:
        if path.is_file():  # an editor's lock is none
            digest.update(path.read_bytes())
    digest.update(numba.__version__.encode())
    home = os.environ.get("NAIBU_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "naibu" / f"compiled-{digest.hexdigest()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError
    except OSError:
        user = os.getuid() if hasattr(os, "getuid") else 0
        folder = Path(tempfile.gettempdir()) / f"naibu-compiled-{user}-{digest.hexdigest()}"
        folder.mkdir(exist_ok=True)
    return folder


def folder_of(function: Callable[..., Any]) -> Path:
    """Return the folder of what is compiled from a function, from what it calls, and from all that lies beside them."""
    return cache_folder(*sorted(_rooms(function, set())))


@contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Let what is compiled be kept in a folder, which the compiler knows as a setting of the whole process."""
    from numba.core import config

    with _ONE_FOLDER:
        before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
        try:
            yield
        finally:
            config.CACHE_DIR = before


def compiled(function: F) -> F:
    """Return a function that is compiled at its first call and kept on disk, where it comes from a file.

    What is kept stands for the state of all sources beside its own, and beside those of the compiled functions that it
    names, and that they name; they have to be there before it.
    """
    return _compiled(function)


def compiled_in_any_order(function: F) -> F:
    """Return a function compiled as by `compiled`, whose sums may be taken in any order, so that several terms are
    taken at once; nothing else is let go, NaN and infinite numbers stay what they are."""
    return _compiled(function, fastmath={"reassoc", "contract"})


def _compiled(function: F, **options: Any) -> F:
    import numba

    if not Path(function.__code__.co_filename).is_file():  # typed at a prompt
        return cast(F, numba.njit(nogil=True, error_model="numpy", **options)(function))
    with kept_in(folder_of(function)):
        return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function))


def compiled_with(function: F, **names: Any) -> F:
    """Return a compiled copy of a function in which global names stand for other compiled functions.

    One loop can so be written once and compiled for each function that it calls. The copies are told apart, on disk
    and in the process, by the module and name of what they call.
    """
    home = sys.modules[function.__module__].__dict__
    copy = FunctionType(function.__code__, {**home, **names}, function.__name__, function.__defaults__)
    called = "_".join(f"{value.__module__}.{value.__qualname__}" for value in names.values()).replace(".", "_")
    copy.__qualname__ = f"{function.__qualname__}_{called}"
    copy.__module__, copy.__doc__ = function.__module__, function.__doc__
    return cast(F, compiled(copy))


def _rooms(function: Any, seen: set[Any]) -> set[Path]:
    """Return the folders of the sources of a function and of the compiled functions that it reaches by global names."""
    seen.add(function)
    rooms = {Path(function.__code__.co_filename).parent}
    for value in (function.__globals__.get(name) for name in function.__code__.co_names):
        inner = getattr(value, "py_func", getattr(value, "_defn", None))  # a compiled function, an intrinsic
        if isinstance(inner, FunctionType) and inner not in seen:
            rooms |= _rooms(inner, seen)
    return rooms
