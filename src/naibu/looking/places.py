"""Where the steps of a look leave their work under one folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from naibu.data.corpus import Corpus
from naibu.recording import Recording
from naibu.runs import Run
from naibu.storage import read_json, write_json


@dataclass(frozen=True)
class Places:
    """The folders of one run under `out`."""

    out: Path
    run: Run

    @property
    def recording(self) -> Path:
        """The recording of the trained network."""
        return self.out / "recordings" / self.run.name

    @property
    def untrained(self) -> Path:
        """The recording of the same network before its first step."""
        return self.out / "recordings" / f"{self.run.name}-untrained"

    @property
    def results(self) -> Path:
        """The tables of probes and interventions."""
        return self.out / "results" / self.run.name

    def corpus(self) -> Corpus:
        """Return the run's corpus, opened again; StoredError where its files have changed since."""
        corpus = self.run.data()
        assert isinstance(corpus, Corpus)
        return corpus

    def open_recordings(self) -> tuple[Recording, Recording | None]:
        """Return the recording and, where there is one, that of the untrained network."""
        trained = Recording.open(self.recording)
        return trained, Recording.open(self.untrained) if self.untrained.exists() else None

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds of a stage to those of the run."""
        began = perf_counter()
        yield
        path = self.results / "seconds.json"
        seconds = self.seconds()
        seconds[stage] = round(perf_counter() - began, 2)
        write_json(path, seconds)

    def seconds(self) -> dict[str, Any]:
        """Return the seconds each stage took, training included once it has ended."""
        path = self.results / "seconds.json"
        seconds: dict[str, Any] = read_json(path, "the seconds of each stage") if path.exists() else {}
        if self.run.finished:
            seconds = {"train": self.run.summary()["seconds"], **seconds}
        return seconds
