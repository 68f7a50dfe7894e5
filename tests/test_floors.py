"""The floors: a module imports only from floors below, or from its own folder."""

from __future__ import annotations

import ast
from pathlib import Path

import naibu

SOURCE = Path(naibu.__file__).parent
FLOORS = [
    {"errors", "config", "storage", "progress", "compiling", "trials", "version", "locks", "memory", "shown"},
    {"data", "cells"},
    {"models", "ngrams", "vectors", "online"},
    {"generation"},
    {"tasks"},
    {"runs"},
    {"training", "recording"},
    {"probes", "interventions", "gradients", "reporting", "drawing"},
    {"looking", "viewer", "bench", "sklearn"},
    {"papers"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
MEETING = {
    ("interventions", "probes"),
    ("reporting", "probes"),
    ("reporting", "interventions"),
    ("gradients", "probes"),
    ("reporting", "gradients"),
    ("viewer", "looking"),
}
"""Rooms of one floor that meet through result tables, and the viewer, which finds what looking left in a folder."""
WITHIN = {
    "storage": {"errors"},
    "config": {"errors"},
    "trials": {"errors", "progress"},
    "locks": {"errors", "storage"},
    "memory": {"errors"},
}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports(path: Path, *, at_once: bool = False) -> set[str]:
    """The modules of ours that a file imports; with `at_once` only those it imports while it is being imported."""
    tree, found = ast.parse(path.read_text(encoding="utf-8")), set()
    for node in tree.body if at_once else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"naibu.{alias.name}" for alias in node.names} if node.module == "naibu" else {node.module}
    return {name for name in found if name.startswith("naibu.")}


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def allowed(here: str, there: str) -> bool:
    if here == there or there.startswith("__"):
        return True
    if there in WITHIN.get(here, set()) or (here, there) in MEETING:
        return True
    return floor(there) < floor(here)


MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem != "__init__")


def test_imports_go_down():
    public, wrong = set(naibu.__all__), []
    for path in MODULES:
        here = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        for module in imports(path):
            there = room(module)
            if there in public and not (SOURCE / there).exists() and not (SOURCE / f"{there}.py").exists():
                wrong.append(f"{path}: {there} through the front door; import it from its own module")
            elif not allowed(here, there):
                wrong.append(f"{path} (floor {floor(here)}) imports {module} (floor {floor(there)})")
    assert not wrong, "\n".join(wrong)


def test_every_room_stands_on_a_floor():
    rooms = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__", "py"} == set().union(*FLOORS)


def test_the_guard_fires():
    assert not allowed("cells", "training")
    assert not allowed("data", "cells")
    assert not allowed("probes", "reporting")
    assert allowed("training", "models")


def test_no_circles():
    """Any module can be imported first: floors alone do not show a circle within a room."""
    names = {path: path.relative_to(SOURCE).with_suffix("").as_posix().replace("/", ".") for path in MODULES}
    graph = {name: imports(path, at_once=True) for path, name in names.items()}
    edges = {name: {m.removeprefix("naibu.") for m in found} & set(graph) for name, found in graph.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name not in done:
            for other in sorted(edges[name]):
                visit(other, (*trail, name))
            done.add(name)

    for name in sorted(edges):
        visit(name, ())
