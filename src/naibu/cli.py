"""The command line's door: reads what was typed, runs the command, and says a mistake in one line."""

from __future__ import annotations

import contextlib
import difflib
import io
import json
import os
import shlex
import signal
import sys
import threading
import warnings
from dataclasses import is_dataclass
from pathlib import Path

from cyclopts import CoercionError, CycloptsError, MissingArgumentError, UnknownOptionError, UnusedCliTokensError
from rich.console import Console

from naibu.commands import app
from naibu.commands.learning import with_standard_input, with_task
from naibu.commands.parts import Typed, Usual
from naibu.config import check_number, check_numbers
from naibu.errors import NaibuError
from naibu.storage import cannot_write, check_writable, deliver_text, json_text

WIDTH = 120
"""Columns of tables where no terminal says how many it has."""
KINDS = {int: "a whole number", float: "a number"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 0, 2 for an error said in one line, 130 after Ctrl-C."""
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed before the start
            setattr(sys, stream, open(os.devnull, "w"))  # noqa: SIM115
        elif isinstance(found := getattr(sys, stream), io.TextIOWrapper):
            found.reconfigure(errors="replace")  # an arrow on a terminal that has none is a ?, not an end
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it loses no more than with Ctrl-C
    warnings.formatwarning = lambda message, *_, **__: f"note: {message}\n"
    try:
        run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return _nobody_reads()
    except SystemExit as ended:  # rich ends the program so when its output is closed
        return _nobody_reads() if ended.code == 1 else int(ended.code or 0)
    except CycloptsError as error:
        return _said(mistake(error))
    except NaibuError as error:
        return _said(str(error))
    except OSError as error:
        return _said(str(cannot_write(Path(error.filename or "standard output"), error)))
    except KeyboardInterrupt as stopped:
        print("naibu:", str(stopped) or "stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def run(words: list[str]) -> None:
    """Run what was typed, and write what it returns where --json says."""
    Usual.everything = "--help-all" in words
    words = with_standard_input(["--help" if word == "--help-all" else word for word in words])
    with_its_task, note = with_task(words)
    usual = Console(width=_columns())
    command, bound, _ = app.parse_args(with_its_task, console=usual, exit_on_error=False, print_error=False)
    told = bound.arguments.get("told", Typed())
    told.command = shlex.join(["naibu", *words])
    told.console = usual if told.json != "-" else Console(width=_columns(), stderr=True)
    if told.json not in (None, "-"):
        check_writable(Path(told.json), "--json")
    if note:
        told.console.print(note, markup=False, highlight=False, soft_wrap=True)
    if "told" in bound.signature.parameters:  # not where help is asked for
        bound.arguments["told"] = told
    for name, value in bound.arguments.items():
        check_numbers(value) if is_dataclass(value) else check_number(name, value)
    result = command(*bound.args, **bound.kwargs)
    if told.json == "-":
        json.dump(result, sys.stdout, indent=1, ensure_ascii=False)
        print()
    elif told.json is not None:
        deliver_text(Path(told.json), json_text(result))


def mistake(error: CycloptsError) -> str:
    """Return what was mistyped, and what to do; where cyclopts says neither well, in words of our own."""
    command = " ".join(["naibu", *(error.command_chain or ())])
    match error:
        case UnknownOptionError(token=token, argument_collection=options):
            option = token.keyword or token.value
            if option in ("--out", "--run") and command != "naibu bench":
                return f"{option}: a network is named by its folder: {command} looks/mine/tagged-200, for example"
            near = difflib.get_close_matches(option, [name for each in options for name in each.names], 1, 0.7)
            meant = f"did you mean {near[0]}?" if near else f"{command} --help shows all"
            return f"{option}: not an option of {command}; {meant}"
        case UnusedCliTokensError(unused_tokens=[*words]):
            return f"{' '.join(words)}: more than {command} takes; {command} --help shows all"
        case MissingArgumentError(argument=missing) if missing and not missing.tokens and missing.index == 0:
            name = missing.name.lstrip("-").upper()
            return f"{name} is missing: {command} {name}; {command} --help shows all"
        case CoercionError(target_type=kind, token=token) if token and kind in KINDS:
            source = "" if token.source == "cli" else f"{token.source}: "
            return f"{source}{token.keyword} {token.value}: must be {KINDS[kind]}"
    return str(error)


def _said(message: str) -> int:
    with contextlib.suppress(OSError):  # standard error may be full or closed
        print("naibu:", " ".join(message.split()), file=sys.stderr)
    return 2


def _nobody_reads() -> int:
    """Turn the closed standard output into one that takes anything, as Python flushes it once more at the end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _columns() -> int | None:
    """Return how many columns tables have, None where a terminal says so, or COLUMNS."""
    return None if "COLUMNS" in os.environ or any(map(os.isatty, range(3))) else WIDTH
