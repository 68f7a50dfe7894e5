"""Where the steps of a look leave their work: inside the folder of the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from naibu.recording import Recording
from naibu.runs import Run, is_run, list_runs, open_run
from naibu.storage import read_json, write_json

TRAINED, UNTRAINED = "trained", "untrained"


@dataclass(frozen=True)
class Places:
    """The folders of one run, inside its own."""

    run: Run

    @property
    def recordings(self) -> Path:
        """Where recordings are written, each in a folder of its name."""
        return self.run.path / "recordings"

    @property
    def recording(self) -> Path:
        """The recording of the trained network."""
        return self._found(f"recordings/{TRAINED}", f"recordings/{self.run.name}")

    @property
    def untrained(self) -> Path:
        """The recording of the same network before its first step, beside that of the trained one."""
        there = self.recording
        return there.with_name(UNTRAINED if there.name == TRAINED else f"{there.name}-untrained")

    @property
    def results(self) -> Path:
        """Where the tables of probes and interventions are written."""
        return self.run.path / "results"

    def folder_of(self, name: str) -> Path:
        """Return the folder from which a result is read."""
        return self._found(f"results/{name}.json", f"results/{self.run.name}/{name}.json").parent

    def _found(self, inside: str, beside: str) -> Path:
        """Return a place inside the run's folder, or where version 0.1 had it: beside the folder `runs`."""
        own, before = self.run.path / inside, self.run.path.parent.parent / beside
        return before if self.run.path.parent.name == "runs" and before.exists() and not own.exists() else own

    def facts(self) -> dict[str, Any]:
        """Return what was found in the corpus when it was last opened for the run."""
        what = "what was found in the corpus; it is written by: naibu record"
        found: dict[str, Any] = read_json(self.folder_of("corpus") / "corpus.json", what)
        return found

    def open_recordings(self) -> tuple[Recording, Recording | None]:
        """Return the recording and, where there is one, that of the untrained network."""
        trained = Recording.open(self.recording)
        return trained, Recording.open(self.untrained) if self.untrained.exists() else None

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds of a stage to those of the run."""
        began = perf_counter()
        yield
        seconds = self.seconds()
        seconds[stage] = round(perf_counter() - began, 2)
        write_json(self.results / "seconds.json", seconds)

    def seconds(self) -> dict[str, Any]:
        """Return the seconds each stage took, training included once it has ended."""
        path = self.folder_of("seconds") / "seconds.json"
        seconds: dict[str, Any] = read_json(path, "the seconds of each stage") if path.exists() else {}
        if self.run.finished:
            seconds = {"train": self.run.summary()["seconds"], **seconds}
        return seconds


def places_in(folders: Sequence[Path]) -> list[Places]:
    """Return the runs that folders are, or hold: a look's folder stands for all of its networks.

    Raises StoredError where one is neither.
    """
    runs: dict[Path, Run] = {}
    for folder in folders:
        old = folder / "runs"
        found = [open_run(folder)] if is_run(folder) else list_runs(old if old.is_dir() else folder)
        runs |= {run.path: run for run in found}
    return [Places(run) for run in runs.values()]
