"""What a report is made of: what is known of each network, and what the analyses of it say and show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from naibu.reporting.finding import Finding
from naibu.reporting.section import Section


@dataclass(frozen=True)
class Subject:
    """What is known of a run before anything is asked of it: its task, its data, how it was trained."""

    name: str  # of the run: "tagged-200"
    about: str  # what it was asked, from its task: "asked for the next symbol of ..."
    source: str = ""  # what its data is called: "Python's standard library"
    corpus: str = ""  # which data it was exactly: version, fingerprint, and by which version of naibu it was read
    differs: str = ""  # in what data and versions differ from those of the README's table, where they should not
    asks: tuple[str, ...] = ()  # labels worth asking about, the main one first
    singled_out: str | None = None  # the outcome worth a recall of its own: "ED"
    transitions: bool = False  # whether it scores answers that follow each other
    categorical: bool = True  # whether it chooses among answers, so that its loss is a mean of −log p
    options: Mapping[str, Any] = field(default_factory=dict)  # what its data was opened with
    reads: str = ""  # what of its data it read: "the words alone, without any bracket"
    notes: tuple[str, ...] = ()  # sentences on what is asked of it
    example: str = ""  # a short real sequence, symbols separated by spaces
    found: list[tuple[str, str]] = field(default_factory=list)  # what was found in the data, rows to show
    data: Mapping[str, Any] = field(default_factory=dict)  # numbers of the data, for scripts
    training: Mapping[str, str | int | float] = field(default_factory=dict)  # cell, units, layers, seconds ...
    metrics: list[dict[str, Any]] = field(default_factory=list)  # lines with step, loss, validation_loss
    seconds: Mapping[str, float] = field(default_factory=dict)  # of each stage
    seed: int = 1
    commands: Mapping[str, str] = field(default_factory=dict)  # "train", "record", ... -> what is typed

    @property
    def form(self) -> str:
        """How a corpus was written down: "brackets", "characters"; "" for other data."""
        return str(self.options.get("form", ""))

    @property
    def spaced(self) -> bool:
        """Whether its symbols are shown with blanks between them."""
        return spaced(self.options)


def spaced(options: Mapping[str, Any]) -> bool:
    """Return whether symbols of data opened with options are words and marks, shown with blanks between them."""
    return options.get("form") != "characters" and options.get("level", "word") == "word"


@dataclass(frozen=True)
class Opening:
    """The first screen: a finding and its proof, in a sentence and a picture each."""

    sentence: str
    proof: str
    figures: tuple[str, ...]
    strength: float  # how clear it is; the page opens with the clearest of its networks


@dataclass(frozen=True)
class Part:
    """One network in the report: everything the analyses have to say of it, in their order."""

    subject: Subject
    anchor: str  # begins every id on the page
    sections: tuple[Section, ...]
    findings: tuple[Finding, ...]
    lines: Mapping[str, str]  # rows of the table in the terminal
    missing: tuple[str, ...]  # what the analyses are called that have no result
    opening: Opening | None = None


@dataclass(frozen=True)
class Report:
    """A whole report: its networks, and when, with what and by which command it was made."""

    title: str
    made: str  # date and versions
    command: str  # the command line that made this report
    parts: tuple[Part, ...]

    def __repr__(self) -> str:
        return f"Report({self.title}: {', '.join(part.subject.name for part in self.parts)})"

    @property
    def opening(self) -> tuple[Part, Opening] | None:
        """The clearest finding of all networks, None where none was asked for."""
        found = [(part, part.opening) for part in self.parts if part.opening is not None]
        return max(found, key=lambda pair: pair[1].strength, default=None)
