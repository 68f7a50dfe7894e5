"""Files that are whole or absent, written beside, then renamed; dataclasses as JSON and back."""

from __future__ import annotations

import errno
import json
import os
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import tomli_w

from naibu.errors import OptionError, StoredError


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the place of `path` when the block ends well.

    Raises StoredError, and leaves nothing behind, where the disk is full or the folder cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
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
    """Write a text file, whole or not at all."""
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=True) + "\n")


def read_json(path: Path, what: str) -> Any:
    """Return what a JSON file of ours holds; `what` names it in the error ("a run's configuration").

    Raises StoredError where it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoredError(f"{path}: not found; this should be {what}") from None
    except (OSError, ValueError) as error:
        raise StoredError(
            f"{path}: damaged ({error}); this should be {what}; remove it and run the step again"
        ) from None


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
    another form has `of_old`, which turns it into today's. A path stays text. Raises KeyError, TypeError or ValueError
    where `written` is no such value, or has a field that `kind` lacks.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (other,) = (option for option in inner if option is not NoneType)
        return None if written is None else from_json(other, written)
    if kind is np.ndarray:
        return np.array(written["values"], np.dtype(written["type"])).reshape(written["shape"])
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
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoredError(f"{path}: not found; this should be {what}") from None
    except (OSError, ValueError) as error:
        raise StoredError(f"{path}: damaged ({error}); this should be {what}") from None
