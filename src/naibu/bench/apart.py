"""A call in a process of its own: what it gives, its seconds, and the most memory that it held."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from naibu.bench.held import peak
from naibu.bench.rounds import Load


@dataclass(frozen=True)
class Done:
    """What a call gave, and what it took."""

    value: Any
    seconds: float  # on the clock
    cpu_seconds: float  # of the processor: what other programs take is not in it
    peak_mb: float  # most anonymous memory, Python and the libraries included; nan if unknown
    load: float  # share of the machine that other processes used meanwhile


def apart(call: Callable[..., object], *arguments: object, limit: float | None = None) -> Done | None:
    """Return what a call of a module's function comes to in a new process, on one thread; None after `limit` seconds.

    Starting the process and loading libraries is not counted in the seconds. Raises RuntimeError where the call fails,
    or the process dies, as it does without memory.
    """
    here, there = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(there, call, arguments), daemon=True)
    process.start()
    there.close()
    try:
        if here.recv() != "begins" or not here.poll(limit):  # the limit begins where the seconds do
            return None
        found = here.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"{call.__name__}: its process ended with status {process.exitcode}") from None
    finally:
        process.terminate()
        process.join()
        here.close()
    if isinstance(found, str):
        raise RuntimeError(f"{call.__name__}: {found}")
    assert isinstance(found, Done)
    return found


def _work(pipe: Connection, call: Callable[..., object], arguments: tuple[object, ...]) -> None:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with contextlib.suppress(KeyboardInterrupt), threadpool_limits(1):
        pipe.send("begins")
        began, cpu, load = time.perf_counter(), time.process_time(), Load()
        try:
            with peak() as most:
                value = call(*arguments)
                taken = time.perf_counter() - began, time.process_time() - cpu, load.read()
        except Exception as error:
            pipe.send(f"{type(error).__name__}: {error}")
        else:
            pipe.send(Done(value, taken[0], taken[1], max(most), taken[2]))
