"""Every analysis of a run's recording, its tables left in `results/`; of a large recording several side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from naibu.looking.analyses.catalogue import ANALYSES
from naibu.looking.analyses.following import correlation_ask
from naibu.looking.analyses.part_of_speech import parts_ask
from naibu.looking.analyses.word_tokens import word_asks
from naibu.looking.analysis import Ask, Probed
from naibu.looking.places import Places
from naibu.looking.subject import subject_of
from naibu.probes import tables
from naibu.progress import Report, shown, silent
from naibu.recording import Recording
from naibu.trials import run_parallel

MANY = 20_000_000
"""Values of one signal from which probes run side by side, each in a process of its own."""
MOST = 4
"""Such processes at a time; each holds a gigabyte or two."""


def probe_run(
    places: Places,
    *,
    label: str | None = None,
    parts: tuple[str, str] | None = None,
    word: str | None = None,
    missing_only: bool = False,
    workers: int = 1,
) -> None:
    """Ask of the run's recording whatever applies and leave the tables in `results/`.

    `label` restricts it to the correlation of every unit with that label, `parts` to telling two parts of speech
    apart, `word` to the tokens of one word; `missing_only` leaves results alone that are there. All analyses of a large
    recording run in so many `workers` at a time, processes of their own (0: as many as are worth their start).
    """
    probed = probed_of(places)
    everything = label is None and parts is None and word is None
    asks = list(_all(probed) if everything else _by_name(probed, label, parts, word))
    if missing_only:
        results = places.stored()
        asks = [ask for ask in asks if not results.intact(ask.name)]
    if not asks:
        return
    with places.timed("probe", goes_on=missing_only), shown(f"{places.run.name}: probing", "probes") as progress:
        whole = len(asks)
        apart = [ask for ask in asks if not ask.reads] if everything else []
        workers = (workers or _workers(probed)) if len(apart) > 1 else 1
        if workers > 1:
            apart.sort(key=lambda ask: not ask.long)
            probing = [ProbeJob(places, ask.name) for ask in apart]
            run_parallel(probing, workers, lambda done, _, names: progress(done, whole, names))
            asks = [ask for ask in asks if ask.reads]
        for done, ask in enumerate(asks, whole - len(asks)):
            progress(done, whole, ask.name)
            tables.save(ask.make(), places.results, ask.name, places.made_from())
        progress(whole, whole, "")


def probed_of(places: Places) -> Probed:
    """Return what the analyses of a recorded run are computed from."""
    return Probed(*places.open_recordings(), subject_of(places), places.stored(), places.run)


def _workers(probed: Probed) -> int:
    """Return how many processes are worth their start."""
    recording = probed.recording
    if recording.tokens * max(recording.units(key) for key in recording.keys()) < MANY:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST)


@dataclass(frozen=True)
class ProbeJob:
    """One analysis of a run's recording, for a process of its own."""

    places: Places
    name: str

    def finished(self) -> bool:
        """Return False: what is asked for is computed."""
        return False

    def run(self, progress: Report = silent) -> None:
        """Compute it and leave its tables; of its parts nothing is told."""
        progress(0, 1, self.name)
        make = next(ask.make for ask in _all(probed_of(self.places)) if ask.name == self.name)
        with threadpool_limits(1):
            tables.save(make(), self.places.results, self.name, self.places.made_from())


def _all(probed: Probed) -> Iterator[Ask]:
    for analysis in ANALYSES:
        if analysis.suits(probed.subject):
            yield from analysis.asks(probed)


def _by_name(probed: Probed, label: str | None, parts: tuple[str, str] | None, word: str | None) -> Iterator[Ask]:
    if label is not None:
        yield correlation_ask(*_in_stream(probed, label))
    if parts is not None:
        yield parts_ask(probed, parts)
    if word is not None:
        yield from word_asks(probed, word)


def _in_stream(probed: Probed, label: str) -> tuple[Probed, str, str]:
    """Return what is asked of a label: of which recording, under which name, which label; `source:verb` is that of a
    stream beside."""
    stream, _, own = label.partition(":")
    name, recording, control = f"correlation-{label.replace(':', '-')}", probed.recording, probed.control
    if not (own and isinstance(recording, Recording) and stream in recording.beside):
        return probed, name, label
    other = control.beside.get(stream) if isinstance(control, Recording) else None
    return replace(probed, recording=recording.beside[stream], control=other), name, own
