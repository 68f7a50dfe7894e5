"""`naibu papers`: a sub-command for every paper of the catalogue, with its own options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import App, Group, Parameter

from naibu.commands.parts import FLAT, UNTOLD, Told, added, flat, unfolded
from naibu.papers.catalogue import PAPERS, Effort, Paper

ABOUT = """Run a paper's experiments and set the obtained figures beside the published ones.

What is finished stays under --out; Ctrl-C loses at most what is under way, and the same command goes on.

$ naibu papers
$ naibu papers hochreiter1997 --quick"""
EFFORT = Effort()


def command_of(name: str, paper: Paper) -> Callable[..., Any]:
    """Return the command of a paper."""

    def command(asked: Any = None, *, effort: Annotated[Effort, FLAT] = EFFORT, told: Told = UNTOLD) -> Any:
        from naibu.papers.runner import run

        how = paper.reproduction(asked if asked or paper.options is None else paper.options())
        rows, left = run(how, effort.out / name, paper.title, quick=effort.quick, workers=effort.workers)
        for table in left.tables:
            told.console.print(table)
        if left.note:
            told.console.print(left.note, markup=False, highlight=False)
        for what, path in left.files.items():
            told.say(what, path)
        return [asdict(row) for row in rows]

    own = Parameter(parse=False) if paper.options is None else flat("This paper", 1)
    command.__annotations__["asked"] = Annotated[paper.options or Any, own]
    command.__doc__ = inspect.getdoc(paper.reproduction)
    return command


papers = App(name="papers", help=unfolded(ABOUT), group_commands=Group("Papers"))
for name, paper in PAPERS.items():
    added(papers, command_of(name, paper), name, group_parameters=Group("Every paper", sort_key=2))
