"""The tasks by name; a file of the catalogue is read when its task is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from naibu.errors import OptionError

if TYPE_CHECKING:
    from naibu.tasks.task import Task

_TASKS = {
    "trees": "naibu.tasks.trees:Trees",
    "text": "naibu.tasks.text:Text",
    "translation": "naibu.tasks.translation:Translation",
    "classes": "naibu.tasks.classes:Classes",
    "tags": "naibu.tasks.tags:Tags",
    "series": "naibu.tasks.series:Series",
    "strokes": "naibu.tasks.strokes:Handwriting",
    "formal": "naibu.tasks.formal:Formal",
    "recovery": "naibu.tasks.recovery:Recovery",
}
"""Name -> module and class."""

TASKS: tuple[str, ...] = tuple(_TASKS)


def task_named(name: str) -> Task:
    """Return a task. Raises OptionError that lists those there are."""
    if name not in _TASKS:
        raise OptionError(f"{name}: no such task; there are {', '.join(_TASKS)}")
    module, _, kind = _TASKS[name].partition(":")
    task: Task = getattr(importlib.import_module(module), kind)()
    return task
