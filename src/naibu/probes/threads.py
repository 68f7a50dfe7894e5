"""How many threads a probe's matrix products use.

A product of some hundred units with a few thousand rows gains little from threads; and where other programs
use the same cores every product waits for the slowest thread: at load 4 on 2 cores the probes of 200 units
took ten times longer with two threads than with one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from naibu.probes.source import Source

WIDE = 512  # units from which the products of all units with all units are worth all threads

P = ParamSpec("P")
R = TypeVar("R")


def one_thread(probe: Callable[P, R]) -> Callable[P, R]:
    """The probe with its matrix products on one thread."""

    @wraps(probe)
    def limited(*args: P.args, **options: P.kwargs) -> R:
        with threadpool_limits(1, user_api="blas"):
            return probe(*args, **options)

    return limited


def one_thread_if_narrow(probe: Callable[Concatenate[Source, P], R]) -> Callable[Concatenate[Source, P], R]:
    """The probe on one thread for recordings with no signal of 512 units or more."""

    @wraps(probe)
    def limited(recording: Source, /, *args: P.args, **options: P.kwargs) -> R:
        wide = max(recording.units(key) for key in recording.keys()) >= WIDE
        with threadpool_limits(None if wide else 1, user_api="blas"):
            return probe(recording, *args, **options)

    return limited
