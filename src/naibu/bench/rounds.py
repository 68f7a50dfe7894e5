"""Interleaved rounds: each contender in turn, again and again, so that a drifting machine hits all alike."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

CLOCK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
QUIET = 0.08
"""Share of the processors that other processes may use; above it a ratio is worth little."""


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


class Load:
    """How much of the machine other processes use: what /proc/stat says was done besides this process."""

    def __init__(self) -> None:
        self._begin()

    def read(self) -> float:
        """Return the share since the last reading, 0 to 1; nan where the system does not tell."""
        busy, own, began = self._busy, self._own, self._began
        self._begin()
        passed = max(self._began - began, 1e-9) * (os.cpu_count() or 1)
        return min(1.0, max(0.0, self._busy - busy - (self._own - own)) / passed)

    def _begin(self) -> None:
        self._busy, self._own, self._began = _busy(), time.process_time(), time.perf_counter()


def interleaved(
    contenders: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 9,
    seconds: float = 0.1,
    limit: float = float("inf"),
) -> Measured:
    """Return the median time of one call of each contender, measured in turn, round by round.

    A first call of each is not counted; in a round each is called for about `seconds`, at least once. Where
    `rounds` of them would take longer than `limit` seconds there are fewer, at least three. A round during
    which other processes used more than QUIET of the machine is repeated, half as many again at most; the
    quietest rounds count, and their mean load is told.
    """
    calls, together = {}, 0.0
    for name, call in contenders.items():
        call()
        began = time.perf_counter()
        call()
        once = max(time.perf_counter() - began, 1e-9)
        calls[name] = max(1, round(seconds / once))
        together += calls[name] * once
    rounds = int(min(rounds, max(3, limit / together)))
    done: list[tuple[float, dict[str, float]]] = []
    load = Load()
    while sum(not busy > QUIET for busy, _ in done) < rounds and len(done) < rounds + (rounds + 1) // 2:
        times = {name: _mean_seconds(call, calls[name]) for name, call in contenders.items()}
        done.append((load.read(), times))
    counted = sorted(done, key=lambda each: each[0])[:rounds]
    by_name = {name: [times[name] for _, times in counted] for name in contenders}
    medians = {name: statistics.median(values) for name, values in by_name.items()}
    spread = {name: _spread(values) / medians[name] for name, values in by_name.items()}
    return Measured(medians, spread, statistics.fmean(busy for busy, _ in counted), rounds)


def _mean_seconds(call: Callable[[], object], calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - began) / calls


def _spread(values: list[float]) -> float:
    if len(values) < 2:
        return 0.0
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
