"""The seam: who trains a row's trials, found by the name of its learner."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from naibu.online.trials import Listener, Trial
from naibu.papers.hochreiter1997.rows import Row

Obtain = Callable[[Row, Sequence[int], int, int, Listener], list[Trial]]
"""Trains the trials of these numbers from a seed, each for so many sequences at most, and tells the listener."""


def _memory_blocks() -> Obtain:
    from naibu.papers.hochreiter1997 import memory_blocks

    return memory_blocks.obtain


def _long_lags() -> Obtain:
    from naibu.papers.hochreiter1997 import long_lags

    return long_lags.obtain


def _streams() -> Obtain:
    from naibu.papers.hochreiter1997 import long_lags

    return long_lags.streams


def _competitors() -> Obtain:
    from naibu.papers.hochreiter1997 import competitors

    return competitors.obtain


def _today() -> Obtain:
    from naibu.papers.hochreiter1997 import today

    return today.today


LEARNERS: dict[str, Callable[[], Obtain]] = {
    "lstm": _memory_blocks,
    "lstm-symbols": _long_lags,
    "continual": _streams,
    "rtrl": _competitors,
    "bptt": _competitors,
    "elman": _competitors,
    "rcc": _competitors,
    "chunker": _competitors,
    "today": _today,
}
"""What is imported only once a row is trained: compilers and frameworks take their time."""


def learner_of(name: str) -> Obtain | None:
    """Return who trains the rows of this learner, None where nobody does."""
    found = LEARNERS.get(name)
    return None if found is None else found()
