"""Where the steps of a look leave their work: inside the folder of the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from naibu.errors import StoredError
from naibu.locks import only_writer
from naibu.looking.analysis import Stored
from naibu.recording import Recording
from naibu.recording.files import Manifest
from naibu.runs import Run, is_run, list_runs, open_run
from naibu.storage import MALFORMED, damaged, from_json, read_json, write_json

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
        path = self.folder_of("corpus") / "corpus.json"
        found: dict[str, Any] = read_json(path, what, sealed=lambda _: self.run.format > 2)
        try:
            from_json(list[str], found.get("asks", []))
            from_json(str, found["example"])
            from_json(Sequence[tuple[str, str]], found["found"])
        except MALFORMED as error:
            raise damaged(path, what, error) from None
        return found

    def open_recordings(self) -> tuple[Recording, Recording | None]:
        """Return the recording and, where there is one, that of the untrained network.

        Raises StoredError where one is damaged, or was made from other weights than the run has.
        """
        trained = self.open_recording()
        return trained, Recording.open(self.untrained) if self.untrained.exists() else None

    def open_recording(self) -> Recording:
        """Return the recording of the trained network. Raises StoredError as `open_recordings`."""
        found = Recording.open(self.recording)
        weights = self._weights()
        if weights and found.made_from.get("weights", weights) != weights:
            raise StoredError(
                f"{self.recording}: of other weights than {self.run.weights} has now; remove it, and record again: "
                f"naibu record {self.run.path}"
            )
        return found

    def made_from(self) -> dict[str, str]:
        """Return the checksums of the weights and of the recording, of as much as is there and has one."""
        found = {"weights": self._weights()}
        if (self.recording / "manifest.json").exists():
            found["recording"] = Manifest.read(self.recording).digest
        return {kind: digest for kind, digest in found.items() if digest}

    def stored(self) -> Stored:
        """Return the results of the run that are there; those made from other weights or recordings are refused."""
        return Stored(self.folder_of, self.made_from())

    def _weights(self) -> str:
        return self.run.ended().weights if self.run.finished else ""

    @contextmanager
    def timed(self, stage: str, *, goes_on: bool = False) -> Iterator[None]:
        """Hold the run as its only writer, and add the seconds of a stage to those of the run, also of one broken off;
        with `goes_on` to those that an earlier call took for the first part of it."""
        with only_writer(self.run.path):
            began = perf_counter()
            before = self._seconds().get(stage, 0.0) if goes_on else 0.0
            try:
                yield
            except KeyboardInterrupt:
                self._took(stage, before + perf_counter() - began)
                raise
            self._took(stage, before + perf_counter() - began)

    def seconds(self) -> dict[str, Any]:
        """Return the seconds each stage took, training included once it has ended."""
        seconds = self._seconds()
        if self.run.finished:
            seconds = {"train": self.run.ended().seconds, **seconds}
        return seconds

    def _took(self, stage: str, seconds: float) -> None:
        write_json(self.results / "seconds.json", {**self._seconds(), stage: round(seconds, 2)})

    def _seconds(self) -> dict[str, float]:
        path, what = self.folder_of("seconds") / "seconds.json", "the seconds of each stage"
        found = read_json(path, what) if path.exists() else {}
        try:
            return {from_json(str, stage): float(seconds) for stage, seconds in found.items()}
        except MALFORMED as error:
            raise damaged(path, what, error) from None


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
