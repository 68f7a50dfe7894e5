"""The command line's door: reads what was typed, runs the command, and says a mistake in one line."""

from __future__ import annotations

import contextlib
import difflib
import functools
import io
import json
import operator
import os
import re
import shlex
import shutil
import sys
import textwrap
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import tyro
from tyro.conf import subcommand

import naibu
from naibu.commands import COMMANDS
from naibu.errors import NaibuError, OptionError
from naibu.storage import cannot_write, write_json

ABOUT = """Train a recurrent network, record everything inside it, and find out what each unit has learnt.

Begin with what every machine has; it takes a few minutes and ends with a page to look at:
$ naibu look standard-library --out looks/standard-library

Then your own treebank, source code or text:
$ naibu look treebank.mrg --form tagged --units 200 --minutes 10 --out looks/mine

The steps of look, one at a time: train, record, probe, intervene, report. Explained by naibu COMMAND --help;
naibu --version tells the version."""

WIDTH = 120
"""Columns of tables where no terminal says how many it has."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 0, 2 for an error said in one line, 130 after Ctrl-C."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an arrow on a terminal that has none is a ?, not an end
    try:
        if arguments in (["--version"], ["-V"]):
            print(f"naibu {naibu.__version__}")
        elif (command := parsed(arguments or ["--help"])) is not None:
            _execute(command, shlex.join(["naibu", *arguments]))
        sys.stdout.flush()
    except BrokenPipeError:
        return _nobody_reads()
    except SystemExit as ended:  # rich ends the program so when its output is closed
        return _nobody_reads() if ended.code == 1 else int(ended.code or 0)
    except NaibuError as error:
        return _said(str(error))
    except OSError as error:
        return _said(str(cannot_write(Path(error.filename or "--out"), error)))
    except KeyboardInterrupt as stopped:
        print("naibu:", str(stopped) or "stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def _said(message: str) -> int:
    print("naibu:", " ".join(message.split()), file=sys.stderr)
    return 2


def _nobody_reads() -> int:
    """Turn the closed standard output into one that takes anything, as Python flushes it once more at the end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def parsed(arguments: list[str]) -> Any:
    """Return the command that was typed, None where help was printed; raises OptionError for a mistyped one."""
    name, rest = arguments[0], arguments[1:]
    if name in ("-h", "--help"):
        _help()
        return None
    if name not in COMMANDS:
        kind = "option before a command" if name.startswith("-") else "command"
        meant = _meant(name, COMMANDS)
        raise OptionError(f"{name}: no such {kind}{meant}; the commands are {', '.join(COMMANDS)}")
    options = options_of(COMMANDS[name])
    for word in rest:
        flag = word.partition("=")[0]
        if word == "--":
            break
        if flag.startswith("--") and flag.replace("_", "-") not in (*options, "--help"):
            meant = _meant(flag, options)
            raise OptionError(f"{flag}: not an option of {name}{meant}; naibu {name} --help shows all")
        if "=" in word and options.get(flag.replace("_", "-")) is bool:
            raise OptionError(f"{word}: {flag} takes no value; leave the = and what follows away")
    said, shown = _captured(), _captured()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(shown):
            return tyro.cli(COMMANDS[name], prog=f"naibu {name}", args=rest)
    except SystemExit as ended:
        if ended.code in (0, None):
            print(folded(_text(shown)))
            return None
        raise OptionError(complaint(_text(said), name)) from None


def _captured() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=getattr(sys.stdout, "encoding", None) or "utf-8")


def _text(captured: io.TextIOWrapper) -> str:
    captured.seek(0)
    return captured.read()


def _help() -> None:
    first = {name: (kind.__doc__ or "").split("\n")[0] for name, kind in COMMANDS.items()}
    commands = (Annotated[kind, subcommand(name, description=first[name])] for name, kind in COMMANDS.items())
    union: Any = functools.reduce(operator.or_, commands)
    shown = _captured()
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(shown):
        tyro.cli(union, prog="naibu", description=ABOUT, args=["--help"])
    print(folded(_text(shown)))


def folded(text: str) -> str:
    """Return a help text whose paragraphs fit the terminal: tyro folds what is in its boxes, and nothing else."""
    width = shutil.get_terminal_size().columns
    lines = (line if line[:1] in "╭│╰$" else textwrap.fill(line, width) for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n")


def _meant(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""


def options_of(kind: type) -> dict[str, Any]:
    """Return the type of each option of a command, by its name as it is typed; CORPUS for a positional one."""
    hints = get_type_hints(kind, include_extras=True)
    found: dict[str, Any] = {}
    for each in fields(kind):
        annotated = hints[each.name]
        plain = get_args(annotated)[0] if hasattr(annotated, "__metadata__") else annotated
        if is_dataclass(plain):
            assert isinstance(plain, type)
            found |= options_of(plain)
        elif any("POSITIONAL" in str(mark).upper() for mark in getattr(annotated, "__metadata__", ())):
            found[each.name.upper()] = plain
        else:
            found["--" + each.name.replace("_", "-")] = plain
    return found


_KINDS = {int: "a whole number", float: "a number"}


def complaint(said: str, command: str) -> str:
    """Return in one line what tyro says in a box of several."""
    words = re.sub(r"\x1b\[[0-9;]*m|[\u2500-\u257f]|-{5,}", " ", said)
    words = re.sub(r"\s+", " ", words).strip()
    more = f"naibu {command} --help shows all"
    if found := re.search(r"Missing from naibu \S+: ?(\S+)", words):
        return f"{found[1]} is missing: naibu {command} {found[1]}; {more}"
    if found := re.search(r"Missing value for argument '([^']+)'", words):
        return f"{found[1]}: a value is missing; {more}"
    if found := re.search(r"invalid choice '(.*)' for argument '([^']+)'\. Expected one of \((.*?),?\)", words):
        option = found[2] if found[2].startswith("-") else command
        return f"{option} {found[1]}: must be one of {found[3]}".replace("'", "")
    if found := re.search(r"Error parsing ([^:]+): .* from \[(.*?)\].*tuple\[.*length (\d+) did .* count (\d+)", words):
        typed = " ".join([found[1].strip(), *re.findall(r"'(.*?)'", found[2])])
        return f"{typed}: takes {found[4]} values, not {found[3]}; {more}"
    if found := re.search(r"Error parsing ([^:]+): .*?'(.*?)'", words):
        option, value = found[1].strip(), found[2]
        kinds = {part for part in _KINDS if part in _parts(options_of(COMMANDS[command]).get(option))}
        must = _KINDS[kinds.pop()] if kinds else "a value of another kind"
        return f"{option} {value}: must be {must}"
    if found := re.search(r"Unrecognized (?:or misplaced )?options: (.*?) (?:Arguments are|Perhaps|For full)", words):
        return f"{found[1]}: more than {command} takes; {more}"
    return words


def _parts(annotated: Any) -> tuple[Any, ...]:
    return (annotated, *(part for inner in get_args(annotated) for part in _parts(inner)))


def _execute(command: Any, typed: str) -> None:
    from rich.console import Console

    holder = next((part for part in (command, *vars(command).values()) if hasattr(part, "json")), None)
    write_to = getattr(holder, "json", None)
    if write_to not in (None, "-"):
        _can_be_written(Path(write_to))
    result = command.execute(Console(stderr=write_to == "-", width=_columns()), typed)
    if write_to == "-":
        json.dump(result, sys.stdout, indent=1, ensure_ascii=False)
        print()
    elif write_to is not None:
        write_json(Path(write_to), result)


def _columns() -> int | None:
    """Return how many columns tables have, None where a terminal says so, or COLUMNS."""
    if os.environ.get("COLUMNS", "").isdigit():
        return None
    for stream in range(3):
        with contextlib.suppress(OSError):
            os.get_terminal_size(stream)
            return None
    return WIDTH


def _can_be_written(path: Path) -> None:
    """Raise OptionError before the work, not after it, where its outcome cannot be written."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        what = "it is a folder" if path.is_dir() else f"{folder} cannot be written to"
        raise OptionError(f"--json {path}: {what}; give the name of a file, or - for standard output")


if __name__ == "__main__":
    sys.exit(main())
