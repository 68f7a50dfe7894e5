"""Trials on disk, sixteen at most to a file: trained side by side, kept as they end, skipped by the next call."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naibu.errors import StoredError
from naibu.online.trials import Trace, Trial
from naibu.papers.hochreiter1997 import traces
from naibu.papers.hochreiter1997.learners import learner_of
from naibu.papers.hochreiter1997.rows import Row
from naibu.progress import Report, silent
from naibu.storage import as_json, from_json, read_json, write_json

TOGETHER = 16
"""Trials of a file; compiled learners train as many at the cost of one."""


@dataclass(frozen=True)
class Stored:
    """What a file holds: what was asked, the trials that ended, and the processor's time for them."""

    asked: dict[str, Any]
    trials: list[Trial]
    seconds: float


@dataclass(frozen=True)
class Block:
    """Up to sixteen trials of a row that train side by side; a job that can travel to another process."""

    folder: Path
    row: Row
    seed: int
    numbers: tuple[int, ...]

    @property
    def name(self) -> str:
        """What it is called while it is under way."""
        return f"{self.row.experiment}: {self.row.row}"

    @property
    def asked(self) -> dict[str, Any]:
        """What the trials' numbers depend on."""
        return {**self.row.settings, "seed": self.seed}

    @property
    def path(self) -> Path:
        """Where its trials lie."""
        return folder_of(self.folder, self.row) / f"{digest(self.asked)}-{self.numbers[0] // TOGETHER}.json"

    def stored(self) -> Stored:
        """Return what is there. Raises StoredError for a damaged file, or one of other settings."""
        if not self.path.exists():
            return Stored(self.asked, [], 0.0)
        return read_stored(self.path)

    def missing(self) -> list[int]:
        """Return the numbers of the trials that are not there."""
        there = {trial.number for trial in self.stored().trials}
        return [number for number in self.numbers if number not in there]

    def finished(self) -> bool:
        """Return whether all trials are there."""
        return not self.missing()

    def run(self, progress: Report = silent) -> None:
        """Train the trials that are missing, and keep each as soon as it ends."""
        obtain = learner_of(self.row.learner)
        assert obtain is not None
        keeper = Keeper(self, progress)
        try:
            for trial in obtain(self.row, self.missing(), self.seed, self.row.cap, keeper):
                keeper.finished(trial)
        finally:
            keeper.write()


class Keeper:
    """The listener of a block: writes trials as they end, counts, and says how far the work is."""

    def __init__(self, block: Block, progress: Report) -> None:
        self.block, self.progress = block, progress
        self.before = block.stored()
        self.ended: dict[int, Trial] = {}
        self.sequences = 0
        self.wanted = len(block.missing())
        self.began = time.process_time()

    def trained(self, sequences: int) -> None:
        """Count sequences as they are trained."""
        self.sequences += sequences
        self._tell()

    def finished(self, trial: Trial) -> None:
        """Keep a trial, on disk at once; the same one told again changes nothing."""
        if trial.number not in self.ended:
            self.ended[trial.number] = trial
            self.write()
            self._tell()

    def traced(self, number: int, trace: Trace) -> None:
        """Keep what happened inside the first solved network."""
        path = traces.path_of(folder_of(self.block.folder, self.block.row), digest(self.block.asked))
        if not path.exists():
            traces.write(path, trace, number)

    def write(self) -> None:
        """Write all trials there are; nothing where none has ended."""
        if self.ended:
            seconds = round(self.before.seconds + time.process_time() - self.began, 2)
            trials = sorted([*self.before.trials, *self.ended.values()], key=lambda trial: trial.number)
            found = {"asked": self.block.asked, "seconds": seconds, "trials": as_json(trials)}
            write_json(self.block.path, found)

    def _tell(self) -> None:
        under_way = max(0, self.sequences - sum(trial.sequences for trial in self.ended.values()))
        done = len(self.ended) + under_way / self.block.row.cap
        self.progress(min(self.wanted, done), self.wanted, "")


def blocks_of(folder: Path, row: Row, seed: int) -> list[Block]:
    """Return a row's trials in files of sixteen; trial k is always in the same one."""
    firsts = range(0, row.trials, TOGETHER)
    return [Block(folder, row, seed, tuple(range(k, min(k + TOGETHER, row.trials)))) for k in firsts]


def trials_of(folder: Path, row: Row, seed: int) -> tuple[list[Trial], float]:
    """Return the row's trials that are there, and the seconds that were spent on them.

    Where a file holds more trials than are asked for, the seconds are shared out by the steps trained.
    """
    trials: list[Trial] = []
    seconds = 0.0
    for block in blocks_of(folder, row, seed):
        stored = block.stored()
        mine = [trial for trial in stored.trials if trial.number in block.numbers]
        trials += mine
        seconds += stored.seconds * len(mine) / max(1, len(stored.trials))
    return trials, seconds


def folder_of(folder: Path, row: Row) -> Path:
    """Return where the trials of a row lie, whatever they were asked with."""
    return folder / "trials" / row.key


def digest(asked: dict[str, Any]) -> str:
    """Return a name for settings."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]


def read_stored(path: Path) -> Stored:
    """Return what a file of trials holds. Raises StoredError where it is damaged."""
    found: Any = read_json(path, "the trials of a row")
    try:
        return Stored(found["asked"], [from_json(Trial, trial) for trial in found["trials"]], float(found["seconds"]))
    except (KeyError, TypeError, ValueError) as error:
        raise StoredError(f"{path}: not trials of this version ({error}); remove it to train them again") from None


def stored_by_settings(folder: Path, row: Row) -> Iterator[Stored]:
    """Yield all trials of a row that are there, together for each of the settings they were asked with."""
    together: dict[str, list[Stored]] = {}
    for path in sorted(folder_of(folder, row).glob("*-*.json"), key=_number):
        together.setdefault(path.stem.rpartition("-")[0], []).append(read_stored(path))
    for parts in together.values():
        yield Stored(parts[0].asked, [trial for p in parts for trial in p.trials], sum(p.seconds for p in parts))


def _number(path: Path) -> tuple[str, int]:
    name, _, number = path.stem.rpartition("-")
    return name, int(number) if number.isdigit() else -1


def by_cost(blocks: Iterable[Block]) -> list[Block]:
    """Return the blocks, those that take longest first, so that no process waits for the other at the end."""
    return sorted(blocks, key=lambda block: -cost(block.row, block.numbers))


STEP = {"lstm": 0.02, "elman": 0.3, "rcc": 1.0, "chunker": 1.0, "today": 0.8, "continual": 0.2}
"""Microseconds that a step of one trial takes, about, 0.1 for the others; to share out the work and to guess the time
to go, nothing else."""
REBER_STEPS, OTHER_STEPS = 12, 105


def cost(row: Row, numbers: Sequence[int]) -> float:
    """Return about how many seconds trials of a row take."""
    mean, task = row.published.get("sequences"), row.task
    sequences = min(row.cap, 2 * mean) if isinstance(mean, (int, float)) else row.cap
    length = task.get("lag") or task.get("q") or task.get("p") or OTHER_STEPS
    steps = sequences * (REBER_STEPS if task["name"] == "reber" else int(length))
    return 1 + 1e-6 * STEP.get(row.learner, 0.1) * float(row.learning.get("most_steps", steps)) * len(numbers)
