"""How far several processes are, counted in one small file that all of them see."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from naibu.progress import Report

TRIALS, SEQUENCES, SHARE = range(3)


@dataclass(frozen=True)
class Tally:
    """A file of float64 [job 3]: trials ended, sequences trained, share done. Each job writes its own line only."""

    path: Path

    def begin(self, jobs: int) -> None:
        """Write a tally of zeros."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        np.zeros((jobs, 3)).tofile(self.path)

    def count(self, job: int, trials: int, sequences: int, share: float) -> None:
        """Write how far a job is."""
        if self.path.exists():
            self._open("r+")[job] = trials, sequences, share

    def read(self) -> np.ndarray:
        """Return the counts, [job 3]."""
        return np.array(self._open("r"))

    def end(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def _open(self, mode: str) -> np.ndarray:
        counts: np.ndarray = np.memmap(self.path, np.float64, mode=mode)  # type: ignore[call-overload]
        return counts.reshape(-1, 3)


def telling(tally: Tally, costs: Sequence[float], trials: int, report: Report) -> Report:
    """Return a report for `side_by_side` that says trials done, sequences a second and, by cost, what is to go.

    `trials` is how many there are to train; the first argument it is called with counts jobs and is not used.
    """
    began = time.monotonic()
    weights = np.asarray(costs, float)

    def tell(_: float, __: float, words: str = "") -> None:
        counts = tally.read()
        done = float((weights * counts[:, SHARE]).sum())
        pace = counts[:, SEQUENCES].sum() / max(time.monotonic() - began, 1e-9)
        said = f"{counts[:, TRIALS].sum():,.0f} of {trials:,} trials, {pace:,.0f} sequences/s"
        report(done, float(weights.sum()), f"{said}; {words}" if words else said)

    return tell
