"""What is to be looked into, and whether all of it is there already; light, so that this is said at once."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from naibu.config import ModelConfig, TrainingConfig
from naibu.data import builtin, files
from naibu.data.reading import is_builtin
from naibu.errors import CorpusError, NaibuError, StoredError
from naibu.storage import MALFORMED, as_json, damaged, digest_of_file, from_json, read_json, write_json
from naibu.tasks.catalogue import task_named
from naibu.version import __version__

if TYPE_CHECKING:
    from rich.table import Table

NOTE = "look.json"
"""The file that says what a folder looks into."""


@dataclass(frozen=True)
class Look:
    """What is looked into: a task's data, the networks, and where the work lies.

    `options` are of the class that the task has for them; of one of them, the form of trees, there may be several
    values, and then there are as many networks.
    """

    task: str
    options: Any
    model: ModelConfig
    training: TrainingConfig
    out: Path
    seeds: int = 1

    def networks(self) -> dict[str, Any]:
        """Return the options of every network, by what it is called."""
        return task_named(self.task).each(self.options)

    def source(self) -> dict[str, Any]:
        """Return task and options, wherever the command was typed; what networks differ in is left out."""
        several = task_named(self.task).several
        data = {name: _plain(value) for name, value in asdict(self.options).items() if name != several}
        return {"task": self.task, "data": data}

    def whole(self) -> dict[str, Any]:
        """Return all that decides what a finished look says, a stamp of the files included."""
        values = [each if isinstance(each, tuple) else (each,) for each in asdict(self.options).values()]
        stamps = [_stamp(value) for some in values for value in some if _is_file(value)]
        return {
            "naibu": __version__,
            "networks": list(self.networks()),
            "model": as_json(self.model),
            "training": as_json(self.training),
            "seeds": self.seeds,
            "stamp": hashlib.sha256(repr(stamps).encode()).hexdigest(),
        }


def _is_file(value: Any) -> bool:
    """Return whether a value names a file; a share of the data may stand where files do."""
    return isinstance(value, Path) and not files.is_share(value)


def _plain(value: Any) -> Any:
    if _is_file(value):
        return builtin.NAME if is_builtin(value) else str(value.resolve())
    return list(map(_plain, value)) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value


def _stamp(path: Path) -> object:
    if is_builtin(path):
        return platform.python_version(), str(builtin.folder())
    if not path.exists():
        raise CorpusError(f"there is no such file or folder (always there: {builtin.NAME})", path)
    return files.stamp(path.resolve())


def begin(asked: Look) -> None:
    """Note in the folder what it looks into.

    Raises StoredError where it looks into other data, or into the same with other options.
    """
    note, source = asked.out / NOTE, asked.source()
    if note.exists():
        _refuse_another(asked.out, read_json(note, "what this folder looks into"), source)
    else:
        write_json(note, source)


def _refuse_another(out: Path, there: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    try:
        task, before = from_json(str, there["task"]), dict(there["data"])
    except MALFORMED as error:
        raise damaged(out / NOTE, "what this folder looks into", error) from None
    after = now["data"]
    differing = [name for name in after if before.get(name) != after[name]]
    if task == now["task"] and not differing:
        return
    first = next(iter(after))
    if task != now["task"] or first in differing:
        what = f"the work on other data, {task} {before.get(first)}"
    else:
        flags = {name: f"--{name.replace('_', '-')}" for name in differing}
        options = (f"{flag} {_typed(before.get(name))} (now {_typed(after[name])})" for name, flag in flags.items())
        what = f"work with {', '.join(options)}"
    raise StoredError(f"--out {out}: holds {what}; give the same again to go on with it, or choose another --out")


def _typed(value: object) -> str:
    return "not given" if value is None or value is False else "given" if value is True else str(value)


def summary_if_finished(asked: Look) -> dict[str, Any] | None:
    """Return the summary of a look that is there, asked for in the same way, of unchanged files; else None."""
    page, summary, note = (asked.out / name for name in ("report.html", "summary.json", NOTE))
    if not (page.exists() and summary.exists() and note.exists()):
        return None
    try:
        now = {**asked.source(), "whole": asked.whole(), "files": files_of(asked.out)}
        if read_json(note, "what this folder looks into") != now:
            return None
    except (OSError, NaibuError):  # the corpus is gone or the note damaged: going on says so
        return None
    found: dict[str, Any] = read_json(summary, "the main numbers")
    return found if "table" in found else None


def files_of(out: Path) -> dict[str, str]:
    """Return what a finished look shows, and what it was made from: checksums of files, the sizes of large arrays."""
    files = [out / "report.html", out / "summary.json"]
    files += [path for path in sorted(out.glob("*/**/*")) if path.is_file() and not path.name.startswith(".")]
    return {
        str(path.relative_to(out)): f"{path.stat().st_size} bytes" if path.suffix == ".npy" else digest_of_file(path)
        for path in files
        if path.exists()
    }


def table_of(summary: dict[str, Any]) -> Table:
    """Return the table of a summary for the terminal, as it was when the summary was written."""
    from rich.table import Table
    from rich.text import Text

    table = Table("", title=Text(summary["title"]), title_justify="left")
    for name in summary["table"]["columns"]:
        table.add_column(Text(name), overflow="fold")
    for row in summary["table"]["rows"]:
        table.add_row(*(Text(cell) for cell in row))
    return table
