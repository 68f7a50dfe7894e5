"""The pages that are made from the program itself: every command as it says it, every public name by its docstring."""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from rich.console import Console

import naibu
from naibu.cells import init, kernels, wrappers  # noqa: F401  # so that they are attributes of naibu.cells
from naibu.cells.variants import LAYERS
from naibu.commands import app
from naibu.commands.parts import Usual

WIDTH = 80
"""Columns of the help on the page."""
ROOMS = (
    "probes",
    "interventions",
    "gradients",
    "recording",
    "runs",
    "data",
    "ngrams",
    "vectors",
    "training",
    "reporting",
    "bench",
    "sklearn",
)
"""Packages with public names of their own."""
BESIDE_CELLS = ("variants.layer_of", "init", "wrappers", "kernels.explain")
"""What the documents name of `naibu.cells`, after the cells."""


def pages() -> dict[str, str]:
    """Return every page that is made, by the name of its file, in Markdown."""
    apart = (*ROOMS, "cells", "papers")
    names = {"naibu": [name for name in naibu.__all__ if name not in apart]}
    names |= {f"naibu.{room}": importlib.import_module(f"naibu.{room}").__all__ for room in ROOMS}
    names["naibu.cells"] = [*_cells(), *BESIDE_CELLS]
    told: dict[str, str] = {}
    rooms = {f"reference/{title.split('.')[-1]}.md": _room(title, each, told) for title, each in names.items()}
    return {"commands.md": commands(), **rooms}


def commands() -> str:
    """Return what `--help-all` of every command prints, a heading each."""
    parts = ["# Every command\n\nWhat `naibu COMMAND --help-all` prints; `--help` has the usual options alone."]
    parts += [f"## {' '.join(('naibu', *words))}\n\n```text\n{printed(words)}\n```" for words in typed()]
    return "\n\n".join(parts)


def typed(words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command, each after the one it belongs to."""
    yield words
    group: Any = app
    for word in words:
        group = group[word]
    for name in group:
        if not name.startswith("-"):
            yield from typed((*words, name))


def printed(words: tuple[str, ...]) -> str:
    """Return the help of a command with all options, as a terminal of `WIDTH` columns shows it."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    before, Usual.everything = Usual.everything, True
    try:
        app.help_print(list(words), console=console)
    finally:
        Usual.everything = before
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _cells() -> list[str]:
    cells = dict.fromkeys(layer.cell_type for layer in LAYERS.values())
    return [f"{cell.__module__.removeprefix('naibu.cells.')}.{cell.__qualname__}" for cell in cells]


def _room(title: str, names: list[str], told: dict[str, str]) -> str:
    """Return the page of a package: what it is for, then each name where it is defined.

    Two names of one thing stand once; what an earlier page has told is linked. `told` says where that was.
    """
    module = importlib.import_module(title)
    called: dict[str, list[str]] = {}
    plain, before = [], []
    for name in names:
        value = attrgetter(name)(module)
        home = f"{value.__module__}.{value.__qualname__}" if callable(value) else getattr(value, "__name__", None)
        if home is None:
            plain.append(f"## {title}.{name}\n\n`{value!r}`")
        elif told.setdefault(home, title) != title:
            before.append(f"[{told[home]}.{name}]({told[home].split('.')[-1]}.md)")
        else:
            called.setdefault(home, []).append(f"{title}.{name}")
    here = [f"::: {home}\n    options:\n      heading: {', '.join(each)}" for home, each in called.items()]
    also = [f"The same as elsewhere: {', '.join(before)}."] if before else []
    return "\n\n".join([f"# {title}", module.__doc__ or "", *also, *here, *plain])
