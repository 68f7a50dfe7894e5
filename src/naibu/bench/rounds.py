"""Interleaved rounds: each contender in turn, again and again, so that a drifting machine hits all alike."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

CLOCK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Measured:
    """What some rounds of several contenders gave."""

    seconds: dict[str, float]  # median of one call, by contender
    spread: dict[str, float]  # (third quartile - first) / median
    load: float  # share of the machine's processors that other processes used meanwhile, 0 to 1; nan if unknown
    rounds: int

    def ratio(self, contender: str, peer: str) -> float:
        """Return how many times as fast as the peer the contender is."""
        return self.seconds[peer] / self.seconds[contender]


def interleaved(contenders: Mapping[str, Callable[[], object]], *, rounds: int = 9, seconds: float = 0.1) -> Measured:
    """Return the median time of one call of each contender, measured in turn, round by round.

    A first call of each is not counted; in a round each is called for about `seconds`. Load is what
    /proc/stat says the machine did besides this process: above 0.08 the ratios are worth little.
    """
    calls = {}
    for name, call in contenders.items():
        call()
        began = time.perf_counter()
        call()
        calls[name] = max(1, round(seconds / max(time.perf_counter() - began, 1e-9)))
    times: dict[str, list[float]] = {name: [] for name in contenders}
    busy, own, began = _busy(), time.process_time(), time.perf_counter()
    for _ in range(rounds):
        for name, call in contenders.items():
            start = time.perf_counter()
            for _ in range(calls[name]):
                call()
            times[name].append((time.perf_counter() - start) / calls[name])
    passed, used = time.perf_counter() - began, time.process_time() - own
    load = (_busy() - busy - used) / (passed * (os.cpu_count() or 1))
    medians = {name: statistics.median(values) for name, values in times.items()}
    spread = {name: _spread(values) / medians[name] for name, values in times.items()}
    return Measured(medians, spread, max(0.0, load), rounds)


def _spread(values: list[float]) -> float:
    first, _, third = statistics.quantiles(values, n=4)
    return third - first


def _busy() -> float:
    """Return the seconds of work all processors have done since the machine started."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return float("nan")
    user, nice, system, _, _, irq, soft, *_ = (int(field) for field in fields)
    return (user + nice + system + irq + soft) / CLOCK
