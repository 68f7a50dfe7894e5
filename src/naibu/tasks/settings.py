"""Files of settings: `task = "trees"`, and the task's options in the tables data, model and training."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from naibu.data import builtin
from naibu.data.files import is_share
from naibu.errors import OptionError
from naibu.storage import open_regular
from naibu.tasks.catalogue import TASKS, task_named

LARGEST = 10**6
"""Bytes of a file of settings that are read."""
FOUND = "run"
"""A table that is left alone: what a run wrote about itself beside its settings."""


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the task of a file of settings, and its options by name; a relative path in it is seen from the file.

    Raises OptionError for a file that cannot be read, and for a table or key that there is not, naming the nearest.
    """
    try:
        with open_regular(path) as file:
            tables = tomllib.loads(file.read(LARGEST).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"not TOML: {error}"
        raise OptionError(f"--settings {path}: {reason}") from None
    name = tables.pop("task", None)
    if name not in TASKS:
        raise OptionError(f"{path}: task = {name!r} has to be one of {', '.join(TASKS)}")
    task = task_named(name)
    if FOUND in tables and isinstance(training := tables.get("training"), dict) and "steps" in training:
        training.pop("minutes", None)  # what the minutes of a run became
    kinds = {"data": task.options, "model": task.model, "training": task.training}
    options: dict[str, Any] = {}
    for table, settings in tables.items():
        if table == FOUND:
            continue
        if table not in kinds or not isinstance(settings, dict):
            raise _unknown(path, f"[{table}]" if isinstance(settings, dict) else table, table, kinds)
        hints = get_type_hints(kinds[table])
        names = [field.name for field in fields(kinds[table])]
        for key, value in settings.items():
            key = f"{key}_" if f"{key}_" in names else key  # class, of which Python lets us say class_ alone
            if key not in names:
                raise _unknown(path, f"{key} in [{table}]", key, names)
            options[key] = (
                _beside(path, value)
                if not isinstance(value, float | int) and Path in (hints[key], *get_args(hints[key]))
                else value
            )
    return name, options


def _beside(path: Path, value: Any) -> Any:
    if isinstance(value, list):
        return [_beside(path, each) for each in value]
    there = path.parent / str(value)
    if is_share(value) and not there.exists():
        return str(value)
    return str(value) if str(value) == builtin.NAME and not there.exists() else str(there)


def _unknown(path: Path, what: str, name: str, known: Iterable[str]) -> OptionError:
    near = difflib.get_close_matches(name, list(known), n=1)
    meant = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
    return OptionError(f"{path}: there is no setting {what}{meant}")
