"""Files that are whole or absent: written beside, then renamed."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

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
