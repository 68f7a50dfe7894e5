"""What an analysis is: one question to a network, its computation and all that is told of its answer, said once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from naibu.data.corpus import DEPTHS
from naibu.errors import OptionError, StoredError
from naibu.looking.labels import is_depth
from naibu.probes import tables
from naibu.probes.results import Scores
from naibu.probes.source import Key, Source
from naibu.reporting.content import Subject
from naibu.reporting.finding import Finding
from naibu.reporting.section import Pen, Section
from naibu.runs import Run

CHIEF = ("cell", "hidden")
"""Signals that are looked at alone, where the cell has them; the first stands for the others."""

R = TypeVar("R")
Numbers = dict[str, Any]


class Results(Protocol):
    """The results of one network that are there, by name."""

    def get(self, kind: type[R], name: str, /) -> R | None:
        """Return a result, None where there is none of that name."""
        ...


@dataclass(frozen=True)
class Stored:
    """The results that lie in folders, by name; `made_from` says what they have to be made from."""

    folder_of: Callable[[str], Path]
    made_from: Mapping[str, str] = field(default_factory=dict)

    def get(self, kind: type[R], name: str, /) -> R | None:
        """Return a result, None where it was not computed; StoredError where it is damaged, or made from others."""
        folder = self.folder_of(name)
        there = (folder / f"{name}.json").exists()
        return tables.load(kind, folder, name, self.made_from) if there else None

    def intact(self, name: str) -> bool:
        """Return whether a result is there, undamaged, and made from what is there now."""
        try:
            return tables.is_made_from(self.folder_of(name), name, self.made_from)
        except StoredError:
            return False


class Ask(NamedTuple):
    """One result to be computed, and the name it is stored under."""

    name: str
    make: Callable[[], Any]
    long: bool = False  # whether it takes long, so that it begins first
    reads: bool = False  # whether it reads the results of others, so that it comes after them


@dataclass(frozen=True)
class Probed:
    """What analyses are computed from: a recording, that of the network before training, what is known of the run, and
    the run, None for a network of somebody else."""

    recording: Source
    control: Source | None
    subject: Subject
    results: Results
    run: Run | None = None

    @cached_property
    def top(self) -> str:
        """The name of the uppermost layer."""
        return top_layer(self.recording)

    def keys(self, signals: Iterable[str]) -> list[Key]:
        """Return the keys of those signals that the uppermost layer has."""
        return [(self.top, signal) for signal in signals if (self.top, signal) in self.recording.keys()]

    def needed(self, kind: type[R], name: str) -> R:
        """Return a result that another is made from; StoredError where it was not computed."""
        found = self.results.get(kind, name)
        if found is None:
            raise StoredError(f"{name}: not computed, and a result that reads it was asked for; probe again")
        return found

    def asked(self) -> list[str]:
        """Return the labels worth asking about that were recorded, the main one first."""
        return [label for label in self.subject.asks if label in self.recording.index.label_names]

    @cached_property
    def main(self) -> str | None:
        """The main label: the first number worth asking about that takes more than one value in each part recorded.

        Of nested text, the first that is, or stands for, the depth. None where nothing asked about is a number;
        OptionError where none of the numbers varies.
        """
        depths = [label for label in self.asked() if label in DEPTHS]
        numbers = depths or [name for name in self.asked() if self.recording.index.label(name).names is None]
        varying = next((label for label in numbers if self.varies(label)), None)
        if varying is None and numbers:
            raise OptionError(f"none of the labels {', '.join(numbers)} varies; record more sequences, or longer ones")
        return varying

    @property
    def phrase(self) -> str | None:
        """The depth of the phrase that is looked at; None where there is none."""
        return next((label for label in self.asked() if label.startswith("depth:")), None)

    @cached_property
    def two_valued(self) -> str | None:
        """The first label worth asking about that takes two values, depths aside; None where there is none."""
        some = (label for label in self.asked() if not is_depth(label))
        return next((label for label in some if len(self.values(label)) == 2 and self.varies(label)), None)

    def varies(self, label: str) -> bool:
        """Return whether a label takes more than one value in each part of the recording."""
        split = np.asarray(self.recording.index.split)
        return all(len(self.values(label, split == part)) > 1 for part in np.unique(split))

    def values(self, label: str, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the different values of a label in some rows, none left out."""
        found = self.recording.index.label(label)
        values = np.asarray(found.values)[rows]
        return np.unique(values[~np.isnan(values)] if found.names is None else values[values >= 0])


def top_layer(recording: Source) -> str:
    """Return the name of the uppermost layer, forward direction."""
    layers = [layer for layer, _ in recording.keys() if not layer.endswith(".reverse")]
    return max(layers, key=lambda layer: int(number) if (number := layer.rpartition(".")[2]).isdigit() else -1)


def asked_of(
    name: str, probe: Callable[..., Any], applies: Callable[[Probed], bool] = lambda _: True
) -> Callable[[Probed], Iterator[Ask]]:
    """Return what asks one probe of a recording, with the untrained network as its control, where it applies."""

    def asks(probed: Probed) -> Iterator[Ask]:
        if applies(probed):
            yield Ask(name, partial(probe, probed.recording, untrained=probed.control))

    return asks


def predicted(probed: Probed) -> bool:
    """Return whether it is known what the network predicted."""
    return probed.recording.index.predicted is not None


@dataclass(frozen=True)
class Analysis(Generic[R]):
    """One question, said once: whoever computes it, shows it or writes it down reads this and nothing else."""

    name: str
    """Of its result on disk, its anchor on the page, its key in summary.json."""
    title: str
    """What it is called among what is not in a report."""
    result: type[R]
    """What is found; stored under the name, or put together by `read`."""
    section: Callable[[R, Pen], Section]
    """What the page shows."""
    finding: Callable[[R], Finding] | None = None
    """What it says in a sentence or two, that something was found or that it was not."""
    asks: Callable[[Probed], Iterable[Ask]] = lambda _: ()
    """What is computed of a recording; nothing where it does not apply, or where another command computes it."""
    read: Callable[[Results, Subject], R | None] | None = None
    """What puts the result together, where it is made of several that are stored."""
    numbers: Callable[[R], Numbers] = lambda _: {}
    """Its main numbers under fixed names, for scripts."""
    scores: Callable[[R], Mapping[str, Scores | None]] = lambda _: {}
    """The measures that it scores the network by."""
    lines: Callable[[R], Mapping[str, str]] = lambda _: {}
    """Its lines of the table in the terminal."""
    suits: Callable[[Subject], bool] = lambda _: True
    """Whether it can be asked of such a run at all, whatever was recorded of it."""
    command: str = "naibu probe {run}"
    """What is typed to compute it again."""

    def found(self, results: Results, subject: Subject) -> R | None:
        """Return its result, None where there is none."""
        return results.get(self.result, self.name) if self.read is None else self.read(results, subject)
