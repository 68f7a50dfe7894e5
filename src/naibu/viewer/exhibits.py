"""What is looked at: recordings, each with the run it is of where that is at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from naibu.errors import NaibuError, StoredError
from naibu.recording.files import OnDisk
from naibu.recording.recording import Recording
from naibu.recording.store import Key
from naibu.runs import Run, is_run, open_run
from naibu.viewer.numbers import plain
from naibu.viewer.sequence_table import SequenceTable

RECORDINGS, TRAINED, UNTRAINED = "recordings", "trained", "untrained"
LARGE = 2**23
"""Positions from which on columns are compared with their checksums when they are first read, not at the start."""

Kind = Literal["gate", "bounded", "free"]


@dataclass(frozen=True)
class Exhibit:
    """One recording that is shown.

    `run` is the run it is of, None where there is none at hand; `beginning` says that it is of the network before its
    first step.
    """

    name: str
    recording: Recording
    run: Run | None = None
    beginning: bool = False
    sequences: SequenceTable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sequences", SequenceTable(self.recording))

    @cached_property
    def named(self) -> list[dict[str, Any]]:
        """The units that a search has named, the label told best first; empty where there is none that can be read."""
        if self.run is None or self.beginning:
            return []
        from naibu.looking.places import Places
        from naibu.probes.found import Search

        try:
            search = Places(self.run).stored().get(Search, "search")
        except NaibuError:
            return []
        found = []
        for each in search.ordered() if search else []:
            score = each.best.scores.unseen or each.best.scores.test
            bare = each.controls.untrained
            control = None if bare is None else (bare.unseen or bare.test).value
            found.append(
                {
                    "label": each.label,
                    "layer": each.best.layer,
                    "signal": each.best.signal,
                    "unit": each.best.unit,
                    "rises": each.best.rises,
                    "statistic": each.statistic,
                    "value": plain(score.value),
                    "low": plain(score.low),
                    "high": plain(score.high),
                    "untrained": None if control is None else plain(control),
                }
            )
        return found

    @property
    def finding(self) -> str:
        """The sentence that a report says of the run's look, "" where none was written."""
        folder = None if self.run is None else self.run.path.parent
        path = None if folder is None else folder / "summary.json"
        if self.beginning or path is None or not path.is_file() or path.stat().st_size > 2**20:
            return ""
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            return ""
        found = said.get("finding") if isinstance(said, dict) else None
        return found if isinstance(found, str) else ""


def open_exhibits(paths: Sequence[Path]) -> list[Exhibit]:
    """Return what folders hold: every recording of a run, the trained network's first, or one recording.

    A look's folder stands for all of its runs; a recording in a run's folder brings the run. Raises StoredError where
    a folder is neither, and for a recording that is unfinished, damaged, newer, or of other weights than its run.
    """
    found = [exhibit for path in paths for exhibit in _opened(path)]
    names = [exhibit.name for exhibit in found]
    return [
        exhibit if names.count(exhibit.name) == 1 else _renamed(exhibit, f"{exhibit.name} ({number + 1})")
        for number, exhibit in enumerate(found)
    ]


def _renamed(exhibit: Exhibit, name: str) -> Exhibit:
    return Exhibit(name, exhibit.recording, exhibit.run, exhibit.beginning)


def _opened(path: Path) -> Iterator[Exhibit]:
    if is_run(path):
        yield from _of_run(open_run(path))
    elif (path / "manifest.json").exists():
        above = path.parent.parent
        run = open_run(above) if path.parent.name == RECORDINGS and is_run(above) else None
        yield _exhibit(path, run, path.name if run is None else f"{run.name}, {path.name}")
    elif runs := sorted(each for each in path.glob("*") if is_run(each)):
        for each in runs:
            yield from _of_run(open_run(each))
    elif (path / "runs").is_dir():
        yield from _opened(path / "runs")
    elif not path.is_dir():
        raise StoredError(f"{path}: not found; give the folder of a run (naibu train) or of a recording (naibu record)")
    else:
        raise StoredError(
            f"{path}: neither a run nor a recording; give the folder of one that naibu train or naibu record has made"
        )


def _of_run(run: Run) -> Iterator[Exhibit]:
    folder = run.path / RECORDINGS
    before = run.path.parent.parent / RECORDINGS / run.name  # as version 0.1 had it
    folders = sorted(each for each in folder.glob("*") if (each / "manifest.json").exists())
    folders = folders or [each for each in (before,) if (each / "manifest.json").exists()]
    if not folders:
        raise StoredError(f"{run.path}: nothing recorded yet; record it first: naibu record {run.path}")
    order = {TRAINED: 0, UNTRAINED: 2}
    folders.sort(key=lambda each: order.get(each.name, 1))
    for each in folders:
        name = run.name if each.name in (TRAINED, run.name) else f"{run.name}, {each.name}"
        yield _exhibit(each, run, name)


def _exhibit(path: Path, run: Run | None, name: str) -> Exhibit:
    """Return one recording; of an ended run it has to be of the weights that the run has."""
    recording = Recording.open(path, later=_tokens(path) > LARGE)
    _check_sizes(recording)
    beginning = path.name == UNTRAINED or path.name.endswith(f"-{UNTRAINED}")
    weights = recording.made_from.get("weights", "")
    if run is not None and not beginning and run.finished and weights and run.ended().weights not in ("", weights):
        raise StoredError(
            f"{path}: of other weights than {run.weights} has now; remove it, and record again: naibu record {run.path}"
        )
    return Exhibit(name, recording, run, beginning)


def _tokens(path: Path) -> int:
    from naibu.recording.files import Manifest

    return Manifest.read(path).tokens


def _check_sizes(recording: Recording) -> None:
    """Raise StoredError where a file of values is missing or of another size; none of them is read."""
    store = recording._store
    if isinstance(store, OnDisk):
        for number in range(len(store.spans)):
            for key in recording.keys():
                store.check(number, key)


def kind_of(signal: str, low: float, high: float) -> Kind:
    """Return on which scale a signal is drawn: from 0 to 1, from -1 to 1, or symmetric, from values that were seen."""
    if signal.endswith("_gate") and low >= 0 and high <= 1:
        return "gate"
    return "bounded" if low >= -1 and high <= 1 and signal in ("candidate", "hidden", "update") else "free"


def named_key(typed: str, recording: Recording) -> Key:
    """Return the layer and signal that a text LAYER/SIGNAL names. Raises OptionError that lists those there are."""
    layer, _, signal = typed.rpartition("/")
    recording.units((layer, signal))
    return layer, signal
