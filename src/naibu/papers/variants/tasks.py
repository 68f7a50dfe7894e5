"""The two tasks, both of what every machine has: nested brackets and text, of Python's standard library."""

from __future__ import annotations

import ast
import os
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from naibu.data import builtin
from naibu.data.corpus import Corpus, open_corpus
from naibu.storage import write_text

DOCSTRINGS = "docstrings"


@dataclass(frozen=True)
class Task:
    """A corpus in a form; `path` without a slash and not built in lies under the folder of the work."""

    name: str
    title: str
    path: str
    form: str
    longest: int
    reader: str | None = None


NESTED = Task("nested", "functions as tagged brackets", builtin.NAME, "tagged", 150)
"""Real code, not a generated language: the optimal loss is not known, but which bracket may close is, and what a unit
knows of the depth can be set beside what `naibu look` shows of the same corpus."""
TEXT = Task("text", "docstrings as characters", DOCSTRINGS, "characters", 96, "text")
TASKS = (NESTED, TEXT)


def prepare(folder: Path, tasks: tuple[Task, ...] = TASKS) -> None:
    """Write what the tasks read and is not there yet under `folder`."""
    if any(task.path == DOCSTRINGS for task in tasks) and not (folder / DOCSTRINGS).exists():
        write_docstrings(folder / DOCSTRINGS)


def write_docstrings(folder: Path) -> None:
    """Write the docstrings of every module of the standard library, a file of plain text each, in reading order."""
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    for file in builtin.open_library():
        text = "\n\n".join(docstrings(file.read()))
        if text:
            name = Path(file.name).with_suffix("").as_posix().replace("/", ".")
            write_text(beside / f"{name}.txt", text + "\n")
    os.replace(beside, folder)


def docstrings(source: bytes) -> list[str]:
    """Return the docstrings of a module, its classes and functions; none where this Python cannot parse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(module) if isinstance(node, documented)]
    found = [(getattr(node, "lineno", 0), ast.get_docstring(node)) for node in nodes]
    return [text for _, text in sorted(found, key=lambda pair: pair[0]) if text]


@lru_cache(maxsize=4)
def corpus_of(task: Task, folder: Path) -> Corpus:
    """Return the task's corpus, divided by module: nothing that is scored is of a file that was learnt."""
    path = task.path if task.path == builtin.NAME or "/" in task.path else folder / task.path
    return open_corpus(path, form=task.form, longest=task.longest, reader=task.reader)
