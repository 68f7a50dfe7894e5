"""Every probe of a run's recording, its tables left in `results/`; of a large recording several side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from naibu import probes
from naibu.data.forms import Form
from naibu.errors import OptionError
from naibu.looking.of_words import asked_jobs, word_jobs
from naibu.looking.places import Places
from naibu.probes import tables
from naibu.probes.found import Search
from naibu.probes.passages import Passages, named_cells, passages
from naibu.probes.results import Correlation, Trajectories
from naibu.probes.search import search
from naibu.probes.timescales import applies, timescales
from naibu.progress import Report, shown, silent
from naibu.recording import Recording
from naibu.trials import run_parallel

DEPTHS = ("depth", "bracket_depth", "line_position")
"""What a depth is, by order of preference: of trees, of brackets in plain text, of a line."""
COMPARED = ("cell", "hidden", "update", "candidate")
"""Signals of the top layer whose regressions stand side by side, where the cell has them."""
MANY = 20_000_000
"""Values of one signal from which probes run side by side, each in a process of its own."""
MOST = 4
"""Such processes at a time; each holds a gigabyte or two."""
READING = ("passages", "trajectories")
"""What begins the names of probes that read the results of others."""
LONG = ("regression", "l1", "depth", "search")
"""What begins the names of those that take longest; they begin first."""

Key = tuple[str, str]
Job = tuple[str, Callable[[], Any]]


def depth_label(recording: Recording) -> str:
    """Return the label that counts as depth here: the first that takes more than one value in each part recorded."""
    split = np.asarray(recording.index.split)
    for name in DEPTHS:
        if name in recording.index.label_names:
            values = np.asarray(recording.index.label(name).values)
            if all(np.ptp(values[split == part]) > 0 for part in np.unique(split)):
                return name
    raise OptionError(f"none of the labels {', '.join(recording.index.label_names)} varies; a longer text is needed")


def probe_run(
    places: Places,
    category: str | None,
    *,
    label: str | None = None,
    parts: tuple[str, str] | None = None,
    word: str | None = None,
    missing_only: bool = False,
    workers: int = 1,
) -> None:
    """Run every probe on the run's recording and leave its tables in `results/`.

    `label` restricts it to the correlation of every unit with that label, `parts` to telling two parts of speech
    apart, `word` to the tokens of one word; `missing_only` leaves results alone that are there. All probes of a large
    recording run in so many `workers` at a time, processes of their own (0: as many as are worth their start).
    """
    recording, control = places.open_recordings()
    everything = label is None and parts is None and word is None
    if everything:
        jobs = list(_jobs(places, recording, control, category))
    else:
        jobs = list(_one_label(recording, control, label)) if label is not None else []
        jobs += asked_jobs(recording, control, top_layer(recording), parts, word)
    if missing_only:
        jobs = [job for job in jobs if not (places.folder_of(job[0]) / f"{job[0]}.json").exists()]
    if not jobs:
        return
    with places.timed("probe"), shown(f"{places.run.name}: probing", "probes") as progress:
        whole = len(jobs)
        apart = [name for name, _ in jobs if not name.startswith(READING)] if everything else []
        workers = (workers or _workers(recording)) if len(apart) > 1 else 1
        if workers > 1:
            apart.sort(key=lambda name: not name.startswith(LONG))
            probed = [ProbeJob(places, category, name) for name in apart]
            run_parallel(probed, workers, lambda done, _, names: progress(done, whole, names))
            jobs = [job for job in jobs if job[0].startswith(READING)]
        for done, (name, make) in enumerate(jobs, whole - len(jobs)):
            progress(done, whole, name)
            tables.save(make(), places.results, name)
        progress(whole, whole, "")


def _workers(recording: Recording) -> int:
    """Return how many processes are worth their start."""
    if recording.tokens * max(recording.units(key) for key in recording.keys()) < MANY:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST)


@dataclass(frozen=True)
class ProbeJob:
    """One probe of a run's recording, for a process of its own."""

    places: Places
    category: str | None
    name: str

    def finished(self) -> bool:
        """Return False: what is asked for is computed."""
        return False

    def run(self, progress: Report = silent) -> None:
        """Compute the probe and leave its tables; of its parts nothing is told."""
        progress(0, 1, self.name)
        recording, control = self.places.open_recordings()
        make = dict(_jobs(self.places, recording, control, self.category))[self.name]
        with threadpool_limits(1):
            tables.save(make(), self.places.results, self.name)


def _jobs(places: Places, recording: Recording, control: Recording | None, category: str | None) -> Iterator[Job]:
    top = top_layer(recording)
    depth = depth_label(recording)
    if recording.index.predicted is not None:
        yield "confusion", lambda: probes.confusion(recording, untrained=control)
    if recording.index.predicted is not None and Form(places.run.found["form"]).brackets:
        yield "bracket_prediction", lambda: probes.bracket_prediction(recording, control)
    yield "distributions", lambda: probes.distributions(recording, untrained=control)
    if applies(recording):
        yield "timescales", lambda: timescales(recording, untrained=control)
    yield "depth", lambda: probes.correlation(recording, depth, untrained=control)
    yield "search", lambda: search(recording, untrained=control)
    yield "passages", lambda: _passages(places, recording)
    for key in [(top, signal) for signal in COMPARED if (top, signal) in recording.keys()]:
        yield f"regression-{key[1]}", partial(probes.regression, recording, depth, key, untrained=control)
    for key in [(top, signal) for signal in ("cell", "hidden") if (top, signal) in recording.keys()]:
        yield f"trajectories-{key[1]}", partial(_trajectories, places, recording, key)
    yield from word_jobs(recording, control, top)
    if category is not None:
        yield "phrase", lambda: probes.correlation(recording, f"depth:{category}", untrained=control)
        yield "overlap", lambda: probes.overlap(recording, f"inside:{category}", untrained=control)
        for key in [(top, signal) for signal in ("cell", "hidden") if (top, signal) in recording.keys()][:1]:
            phrase = partial(probes.regression, recording, f"depth:{category}", key, untrained=control)
            yield "regression-phrase", phrase
            yield "l1", partial(probes.l1_path, recording, f"inside:{category}", key, untrained=control)


def _one_label(recording: Recording, control: Recording | None, label: str) -> Iterator[Job]:
    recording.index.label(label)  # says which labels there are, before anything is computed
    yield f"correlation-{label.replace(':', '-')}", lambda: probes.correlation(recording, label, untrained=control)


def _trajectories(places: Places, recording: Recording, key: Key) -> Trajectories:
    correlation = tables.load(Correlation, places.folder_of("depth"), "depth")
    return probes.trajectories(recording, key, [best_unit(correlation, key)], label=correlation.label)


def _passages(places: Places, recording: Recording) -> Passages:
    found = tables.load(Search, places.folder_of("search"), "search")
    cells = named_cells(found)
    if not cells:
        return Passages(found.run, (), np.zeros(0), ())
    return passages(recording, cells, seed=places.run.training.seed)


def top_layer(recording: Recording) -> str:
    """Return the name of the uppermost layer, forward direction."""
    layers = [layer for layer, _ in recording.keys() if not layer.endswith(".reverse")]
    return max(layers, key=lambda layer: int(layer.rsplit(".", 1)[1]))


def best_unit(correlation: Correlation, key: Key) -> int:
    """Return the unit of one signal that follows the label best on training sequences."""
    return next(found.pearson_unit for found in correlation.signals if (found.layer, found.signal) == key)
