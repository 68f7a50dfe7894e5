"""Progress of long work: a bar with the time to go on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

Report = Callable[[float, float, str], None]
"""Called with what is done, what there is in all (0 where nobody knows), and a few words (loss 0.41)."""


def silent(done: float, total: float, words: str = "") -> None:
    """Report nothing."""


_outer: ContextVar[Report | None] = ContextVar("outer", default=None)


@contextmanager
def part_of(report: Report) -> Iterator[None]:
    """Let whatever would be `shown` inside be told to `report` instead: it is a part of longer work that is shown."""
    token = _outer.set(report)
    try:
        yield
    finally:
        _outer.reset(token)


@contextmanager
def shown(title: str, unit: str = "") -> Iterator[Report]:
    """Yield a report that shows progress on standard error under `title`, or as a part of longer work's."""
    outer = _outer.get()
    if outer is not None:
        yield outer
    elif sys.stderr.isatty():
        with _bar(title) as report:
            yield report
    else:
        yield _lines(title, unit)


@contextmanager
def shown_if_long(title: str, unit: str = "", seconds: float = 2.0) -> Iterator[Report]:
    """Yield a report that is `shown` once so many seconds have gone by, and says nothing of shorter work."""
    began, inner = time.monotonic(), list[Report]()
    with ExitStack() as held:

        def report(done: float, total: float, words: str = "") -> None:
            if not inner and time.monotonic() - began >= seconds:
                inner.append(held.enter_context(shown(title, unit)))
            for each in inner:
                each(done, total, words)

        yield report


@contextmanager
def _bar(title: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("to go"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[words]}"),
    )
    alike = sys.stdout.isatty()  # of a file, what is printed is not to go where the bar is, to standard error
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=alike) as progress:
        task = progress.add_task(title, total=None, words="")

        def report(done: float, total: float, words: str = "") -> None:
            progress.update(task, completed=done, total=total or None, words=words)

        yield report


def _lines(title: str, unit: str, seconds: float = 10.0) -> Report:
    last = time.monotonic()
    first: tuple[float, float] | None = None  # when the first report came, and how much was done: what came before
    # it (reading, a warm-up, an earlier run) says nothing of the pace

    def report(done: float, total: float, words: str = "") -> None:
        nonlocal last, first
        now = time.monotonic()
        if not total and now - last >= seconds:
            last = now
            print(f"{title}: {done:,.0f} {unit} so far {words}".rstrip(), file=sys.stderr)
        if first is None:
            first = now, done
        if (now - last < seconds and done < total) or not done or not total:
            return
        pace = (now - first[0]) / (done - first[1]) if done > first[1] else None
        to_go = "" if pace is None and done < total else f", {(pace or 0) * (total - done):.0f} s to go"
        last = now
        amount = f"{done:,.0f} of {total:,.0f} {unit}".strip()
        print(f"{title}: {done / total:.0%} ({amount}){to_go} {words}".rstrip(), file=sys.stderr)

    return report
