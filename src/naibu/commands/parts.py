"""What the commands share: options alike, how options are read and shown, and what a command is told."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from attrs import evolve
from cyclopts import App, ArgumentCollection, CoercionError, Group, Parameter
from cyclopts.config import Dict
from cyclopts.help import DefaultFormatter, HelpEntry, HelpPanel
from rich.console import Console
from rich.text import Text

from naibu.errors import OptionError
from naibu.tasks import settings

FileOrStandard = Annotated[str | None, Parameter(metavar="FILE", allow_leading_hyphen=True)]


@dataclass
class Typed:
    """Where a command prints and writes, and how it was typed."""

    json: FileOrStandard = None
    """Write the numbers here as JSON too; - for standard output."""
    console: Annotated[Console, Parameter(parse=False)] = field(init=False)
    command: Annotated[str, Parameter(parse=False)] = field(init=False)

    def say(self, what: str, path: Path) -> None:
        """Print where something lies; a folder named [b] is no markup, and a long path stays on one line."""
        self.console.print(f"{what}: {path}", markup=False, highlight=False, soft_wrap=True)


def flat(title: str, place: int) -> Parameter:
    """Return what makes every field of a dataclass an option, under a title of the help."""
    return Parameter(name="*", group=Group(title, sort_key=place))


class Usual(DefaultFormatter):
    """Help that shows, of what is learnt and how, the options that are usually given; all of them with --help-all."""

    everything = False
    """Whether --help-all was typed."""
    titles = ("Data", "Network", "Training")
    names = (
        "corpus",
        "files",
        "level",
        "validation",
        "form",
        "test",
        "category",
        "cell",
        "units",
        "layers",
        "dropout",
        "steps",
        "minutes",
        "seed",
        "source",
        "target",
        "class",
        "column",
        "time",
        "horizon",
        "known",
        "cache",
        "dynamic",
        "ngram",
        "beam",
        "alpha",
        "tokenize",
        "errors",
        "origins",
        "conformal",
        "words",
        "font",
        "read",
    )

    def __call__(self, console: Console, options: Any, panel: HelpPanel) -> None:
        """Print one box of options."""
        if not Usual.everything and (panel.title in self.titles or str(panel.title).startswith("Of ")):
            usual = {f"--{name}" for name in self.names}
            panel.entries = [each for each in panel.entries if usual & {*each.positive_names}]
        if not Usual.everything and panel.title == "Output":
            more = "All other options."
            panel.entries = [*panel.entries, HelpEntry(positive_names=("--help-all",), description=more)]
        panel.entries = [
            evolve(each, negative_names=()) if each.type is bool and each.default is None else each
            for each in panel.entries
        ]  # what is off need not be told how to be put off
        for each in panel.entries:
            text = getattr(each.description, "primary_renderable", None)
            if isinstance(text, Text):  # lines end where the terminal's do, not where the code's did
                text.plain = " ".join(text.plain.split())
        super().__call__(console, options, panel)


def _shown(default: Any) -> str | None:
    """Return a default as it is typed; None where nothing is said of it."""
    if isinstance(default, tuple):
        return ", ".join(map(str, default)) or None
    return None if default is None or default is False else str(default)


def from_settings(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill in the options that were not typed from the file that --settings names."""
    path = next((Path(a.tokens[-1].value) for a in arguments if "--settings" in a.names and a.tokens), None)
    if path is not None:
        task, options = settings.read(path)
        if task != commands[-1]:
            raise OptionError(f"--settings {path}: settings of task {task}; type naibu {commands[0]} {task}")
        options = {name.strip("_"): value for name, value in options.items()}  # as they are typed
        Dict(options, source=str(path), use_commands_as_keys=False)(app, commands, arguments)


def names_and_numbers(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Take names with commas between them as several; refuse 1.5 as a whole number, which cyclopts would round."""
    for argument in arguments:
        kinds = list(_kinds(argument.hint))
        if int in kinds and float not in kinds:
            for token in (each for each in argument.tokens if "." in each.value):
                raise CoercionError(argument=argument, token=token, target_type=int)
        if Literal in kinds and tuple in kinds:
            typed = [each.evolve(value=name) for each in argument.tokens for name in each.value.split(",")]
            argument.tokens[:] = typed


def _kinds(hint: Any) -> Iterator[Any]:
    yield get_origin(hint) or hint
    for inner in get_args(hint):
        yield from _kinds(inner)


def added(app: App, function: Callable[..., Any], name: str | None = None, **options: Any) -> None:
    """Make a function a command; the help is its docstring, in lines as long as the terminal's."""
    app.command(function, name=name, help=unfolded(inspect.getdoc(function) or ""), **options)


def unfolded(text: str) -> str:
    """Return a text with paragraphs in one line each, and without its arguments, which have a box of their own."""
    paragraphs = text.partition("\n\nArgs:")[0].split("\n\n")
    return "\n\n".join(each if each.startswith(("$ ", "- ")) else " ".join(each.split()) for each in paragraphs)


USUAL = Parameter(negative_iterable=(), negative_none=(), show_default=_shown)
UNTOLD = Typed()
FLAT = Parameter(name="*")
Told = Annotated[Typed, FLAT]
RUNS = "Folders of trained networks; that of a look stands for all of its networks."
Runs = Annotated[tuple[Path, ...], Parameter(help=RUNS)]
