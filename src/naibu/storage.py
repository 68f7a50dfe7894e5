"""Files that are whole or absent, and known again by a checksum; dataclasses as JSON and back."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, BinaryIO, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import tomli_w
import xxhash

from naibu.errors import OptionError, StoredError

MOST = 200 * 2**20
"""Bytes of the largest text of ours that is read back; it is read whole."""
DIGEST = "digest"
"""The key under which a JSON file of ours has the checksum of all that is beside it."""
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError)
"""What is raised where stored values are not of the form that is read."""


def digest_of(*parts: Any) -> str:
    """Return the checksum (XXH3, 128 bits) of bytes and texts one after the other: of damage, not of malice."""
    found = xxhash.xxh3_128()
    for part in parts:
        found.update(_encoded(part) if isinstance(part, str) else part)
    return str(found.hexdigest())


def digest_of_file(path: Path) -> str:
    """Return the checksum of a file's content, its size in words beyond `MOST`, "" where it cannot be read."""
    found = xxhash.xxh3_128()
    try:
        with open_regular(path) as file:
            if (size := os.fstat(file.fileno()).st_size) > MOST:
                return f"{size} bytes"
            while piece := file.read(2**20):
                found.update(piece)
    except OSError:
        return ""
    return str(found.hexdigest())


def copied(source: BinaryIO, path: Path) -> str:
    """Write what can be read from a source to a file, piece by piece; return its checksum."""
    found = xxhash.xxh3_128()
    with path.open("wb") as file:
        while piece := source.read(2**20):
            found.update(piece)
            file.write(piece)
    return str(found.hexdigest())


def seal_of(name: str, value: Any, *, ordered: bool = True) -> str:
    """Return the checksum of plain values under a name, however they are set out; TOML may change their order."""
    return digest_of(name, "\n", json.dumps(value, sort_keys=not ordered))


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the place of `path` when the block ends well.

    For files of ours. Raises StoredError, and leaves nothing behind, where the disk is full, the folder cannot be
    written, or a link, a device or a pipe has the name.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise StoredError(f"{path}: is a link, or no file; it is not written to: remove it")
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        beside.chmod(0o644)  # safetensors makes its files readable by their owner alone
        os.replace(beside, path)
    except BaseException as error:
        with suppress(OSError):  # a parent of the path may be a file
            beside.unlink()
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        if "No space left" in str(error):  # safetensors wraps the operating system's error in its own
            raise cannot_write(path, OSError(errno.ENOSPC, "No space left on device")) from error
        raise


@contextmanager
def delivered(path: Path) -> Iterator[Path]:
    """Yield a path to write to for a file that the user named, as `written_beside` does.

    A link is followed; a device or a pipe is written into. Raises StoredError as `written_beside`.
    """
    place = path.absolute()
    if place.parts[1:2] in (("dev",), ("proc",)) or (path.exists() and not path.is_file()):
        try:
            yield path
        except OSError as error:
            raise cannot_write(path, error) from error
    else:
        with written_beside(path.resolve() if path.is_symlink() else path) as beside:
            yield beside


def cannot_write(path: Path, error: OSError) -> StoredError:
    """Return the one-line error for a file that could not be written."""
    if error.errno == errno.ENOSPC:
        return StoredError(
            f"{path}: the disk is full; free some space and run the same command again: it goes on from here"
        )
    return StoredError(f"{path}: cannot be written ({error.strerror or error}); choose another folder with --out")


def check_writable(path: Path, option: str) -> None:
    """Raise OptionError, before long work rather than after it, where a file cannot be written to."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if str(path).startswith("-"):
        what = "that is an option"
    elif path.is_dir():
        what = "it is a folder"
    elif not folder.is_dir() or not os.access(folder, os.W_OK):
        what = f"{folder} cannot be written to"
    else:
        return
    raise OptionError(f"{option} {path}: {what}; give the name of a file, or - for standard output")


def write_text(path: Path, text: str) -> None:
    """Write a text file of ours, whole or not at all; the name of a file that is no UTF-8 keeps its bytes in it."""
    with written_beside(path) as beside:
        beside.write_bytes(_encoded(text))


def sealed_page(text: str) -> str:
    """Return a page with the checksum of all of it in a comment at its end."""
    return f"{text.rstrip()}\n<!-- {digest_of(text.rstrip())} -->\n"


def is_sealed_page(path: Path) -> bool:
    """Return whether a page is as `sealed_page` left it."""
    with suppress(StoredError):
        text, _, seal = read_text(path, "a page").rpartition("\n<!-- ")
        return seal == f"{digest_of(text)} -->\n"
    return False


def deliver_text(path: Path, text: str) -> None:
    """Write a text file that the user named; see `delivered`."""
    with delivered(path) as place:
        place.write_bytes(_encoded(text))


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file of ours, whole or not at all; a dictionary with its checksum."""
    write_text(path, json_text({DIGEST: seal_of(path.name, value), **value} if isinstance(value, dict) else value))


def deliver_json(path: Path, value: Any) -> None:
    """Write a JSON file that the user named; see `delivered`. A dictionary has its checksum."""
    deliver_text(path, json_text({DIGEST: seal_of(path.name, value), **value} if isinstance(value, dict) else value))


def json_text(value: Any) -> str:
    """Return a value as the text of a JSON file."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=True) + "\n"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a pair, or bytes of a name that is no UTF-8: written as escapes
        return json.dumps(value, indent=1, allow_nan=True) + "\n"
    return text


def open_regular(path: str | Path) -> BinaryIO:
    """Open a file to read its bytes; OSError where it is a folder, a device or a pipe, which is never waited for."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a file", str(path))
    return open(handle, "rb")


def read_text(path: Path, what: str) -> str:
    """Return a text file of ours; `what` names it in the error. Raises StoredError where it is missing or damaged."""
    try:
        with open_regular(path) as file:
            data = file.read(MOST + 1)
        if len(data) > MOST:
            raise ValueError("too large")
        return data.decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        raise StoredError(f"{path}: not found; this should be {what}") from None
    except (OSError, ValueError) as error:
        raise damaged(path, what, getattr(error, "strerror", None) or error) from None


def damaged(path: Path, what: str, reason: object) -> StoredError:
    """Return the one-line error for a file of ours that is not as it was written."""
    said = (
        f"no {reason}" if isinstance(reason, KeyError) else str(reason).splitlines()[0] if str(reason) else "no value"
    )
    return StoredError(f"{path}: damaged ({said[:200]}); this should be {what}; remove it and run the step again")


def read_json(path: Path, what: str, kind: type[Any] = dict, *, sealed: Callable[[Any], bool] = lambda _: False) -> Any:
    """Return what a JSON file of ours holds, a `kind`; `what` names it in the error ("a run's configuration").

    Raises StoredError where it is missing, damaged or of another kind, where its checksum is another, and where it has
    none though it should be `sealed`, which files of older versions are not.
    """
    try:
        found = json.loads(read_text(path, what))
        if not isinstance(found, kind):
            raise TypeError(f"it holds a {type(found).__name__}")
        seal = found.pop(DIGEST, None) if isinstance(found, dict) else None
        if seal is None and sealed(found):
            raise ValueError("it has no checksum")
        if seal is not None and seal != seal_of(path.name, found):
            raise ValueError("its content does not match its checksum")
    except MALFORMED as error:
        raise damaged(path, what, error) from None
    return found


def as_json(value: Any) -> Any:
    """Return a dataclass, whatever is in it, as lists, dictionaries, numbers and strings; an array keeps its type."""
    if isinstance(value, np.ndarray):
        return {"type": str(value.dtype), "shape": list(value.shape), "values": value.ravel().tolist()}
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value):
        return {f.name: as_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (list, tuple)):
        return [as_json(inner) for inner in value]
    return value


def from_json(kind: Any, written: Any) -> Any:
    """Return the value of the annotated type `kind` that `as_json` was given.

    A field that is not written has its default: an older file lacks what was added since; a class that was written in
    another form has `of_old`, which turns it into today's. A path stays text. Raises one of MALFORMED
    where `written` is no such value, or has a field that `kind` lacks.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        others = [option for option in inner if option is not NoneType]
        if written is None and len(others) < len(inner):
            return None
        for option in others[:-1]:
            with suppress(*MALFORMED):
                return from_json(option, written)
        return from_json(others[-1], written)
    if kind is np.ndarray:
        return _array(written["values"], np.dtype(written["type"]), written["shape"])
    if is_dataclass(kind):
        written = kind.of_old(written) if hasattr(kind, "of_old") else written
        hints = get_type_hints(kind)
        if unknown := set(written) - set(hints):
            raise TypeError(f"unknown: {', '.join(sorted(unknown))}")
        there = [f.name for f in fields(kind) if f.name in written or f.default is MISSING]
        return kind(**{name: from_json(hints[name], written[name]) for name in there})  # type: ignore[operator]
    if origin is Literal or kind is Path:
        if kind is not Path and written not in inner:
            raise TypeError(f"{written!r} is none of {', '.join(map(str, inner))}")
        return written
    if origin is Sequence:
        return [from_json(inner[0], value) for value in written]
    if origin is tuple:
        written = [written] if isinstance(written, str) else written  # one of several that may be given
        kinds = [inner[0]] * len(written) if inner[-1] is Ellipsis else inner
        return tuple(from_json(each, value) for each, value in zip(kinds, written, strict=True))
    if type(written) is not kind and kind(written) != written:
        raise TypeError(f"{written!r} is no {kind.__name__}")
    return kind(written)


def _array(values: list[Any], kind: np.dtype[Any], shape: list[int]) -> np.ndarray:
    """Return a stored array, its memory bounded by the values that are there."""
    count = math.prod(shape)
    if kind.kind not in "biufU" or count != len(values) or kind.itemsize * count > MOST * 8:
        raise ValueError(f"an array of type {kind} and shape {shape} with {len(values)} values")
    return np.array(values, kind).reshape(shape)


def write_toml(path: Path, value: dict[str, Any]) -> None:
    """Write a TOML file, whole or not at all; what is None is left out, for TOML has no word for it."""
    write_text(path, tomli_w.dumps(plain(value)))


def plain(value: Any) -> Any:
    """Return settings as they are when written and read again: without None, tuples as lists, paths as text."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if each is not None}
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return what a TOML file of ours holds; `what` names it in the error. Raises StoredError as `read_json`."""
    try:
        return tomllib.loads(read_text(path, what))
    except MALFORMED as error:
        raise damaged(path, what, error) from None
