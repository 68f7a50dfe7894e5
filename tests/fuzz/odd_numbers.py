"""Odd numbers for every option that takes one: refused in one line, or taken, but never an exception or gigabytes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from damages import run

from naibu.commands import app

ODD = ("nan", "inf", "-inf", "0", "-1", "1e308", str(10**12), str(2**63 - 1), str(10**30))


def options() -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every command with the options of it that take a number."""
    for command in _commands(app):
        chain, bound = command
        for argument in bound.assemble_argument_collection():
            if {int, float} & set(_kinds(argument.hint)) and argument.names and argument.names[0].startswith("--"):
                yield chain, argument.names[0]


def _commands(parent: Any, chain: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in parent:
        if not name.startswith("-"):
            child = parent[name]
            if child.default_command is not None:
                yield (*chain, name), child
            yield from _commands(child, (*chain, name))


def _kinds(hint: Any) -> Iterator[Any]:
    yield hint
    for inner in get_args(hint):
        yield from _kinds(inner)


def typed(chain: tuple[str, ...], option: str, number: str, folder: Path, corpus: Path, network: Path) -> list[str]:
    """Return a command with one odd number, everything else being small."""
    words = [*chain]
    if chain[0] in ("train", "look"):
        words += [str(corpus)]
        words += [
            word for name, value in (("--units", "4"), ("--steps", "3")) if name != option for word in (name, value)
        ]
        words += ["--out", str(folder)]
    elif chain[0] in ("record", "probe", "intervene", "report", "colour", "check"):
        words += [str(network)]
    elif chain[0] == "gradients":
        words += [str(network), "--out", str(folder)]
    elif chain[0] == "bench":
        words += ["growth", "--quick"]
    elif chain[0] == "papers":
        words += ["--quick", "--out", str(folder)]
    return [*words, option, number]


def wrong_with(words: list[str], seconds: int = 6) -> str:
    """Run a command that is to be refused, or to be well, for some seconds at most; return what is wrong."""
    late = []

    def stop(*_: object) -> None:
        late.append(True)
        raise KeyboardInterrupt

    handled = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        status, said, error = run(words)
    except KeyboardInterrupt:  # within the command's last words
        status, said, error = 130, "", None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handled)
    if late:  # it was taken, and works; where it was stopped Python itself may fall over
        return ""
    if error is not None:
        return error[-500:]
    if status not in (0, 2, 130) or (status == 2 and said.count("naibu: ") != 1):
        return f"status {status}: {said[-300:]}"
    return ""
