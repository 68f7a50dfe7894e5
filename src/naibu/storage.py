"""Files that are whole or absent: written beside, then renamed."""

from __future__ import annotations

import errno
import json
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import tomli_w

from naibu.errors import StoredError


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
