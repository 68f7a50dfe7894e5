"""The corpus that every machine has: the Python files of the standard library."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path

from naibu.data.files import SourceFile, open_files

NAME = "standard-library"

# Some systems install Python without its tests; left out everywhere, the corpus is nearly the same.
_LEFT_OUT = frozenset(
    ("site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__", "_distutils_hack")
)


def folder() -> Path:
    """Where this Python's standard library lies."""
    return Path(sysconfig.get_path("stdlib"))


def open_library() -> Iterator[SourceFile]:
    """The Python files of the standard library without its tests, sorted by path."""
    home = folder()
    for file in open_files(home):
        inside = Path(file.name).relative_to(home)
        if file.extension == ".py" and not _LEFT_OUT.intersection(inside.parts[:-1]):
            yield SourceFile(str(inside), file.extension, file.read)
