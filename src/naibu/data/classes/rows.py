"""What is read of a file of classes: rows, each a sequence and its class, before anything is numbered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from naibu.data.events import Array
from naibu.errors import CorpusError

FormatName = Literal[
    "column", "folders", "files", "tab", "blank", "trees", "ts", "points", "drawings", "geolife", "ngsim"
]
FORMATS: tuple[FormatName, ...] = get_args(FormatName)
KindName = Literal["text", "numbers"]


class Row(NamedTuple):
    """One sequence as it was read.

    value: a text, or numbers float64 [time channel], NaN where one is missing. label: its class, None where the file
    says none. file, line: where it stands, line 0 where it is a file of its own. group: what may not be divided, a
    sentence and its phrases; -1 for none. whole: whether it may be scored; a phrase is only learnt. name: what it is
    called in a table of points, by its id.
    """

    value: str | Array
    label: str | None
    file: str
    line: int
    group: int = -1
    whole: bool = True
    name: str = ""

    @property
    def place(self) -> str:
        """Where it stands, as errors say it."""
        return f"{self.file}, line {self.line}" if self.line else self.file


@dataclass(frozen=True)
class Rows:
    """All rows of some files. `notes` say in a name and a text each what was done with what was found."""

    kind: KindName
    format: FormatName
    rows: list[Row]
    channels: tuple[str, ...] = ()
    notes: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """What to look for in files: see the options of `naibu train classes`, whose names these are."""

    format: FormatName | None = None
    text: str | None = None
    class_: str | None = None
    id: str | None = None
    time: str | None = None
    features: tuple[str, ...] = ()
    fine: bool = False
    whole: bool = False
    known: tuple[str, ...] = ()
    """Classes of a trained network, by which a line that begins with a class is told from a text alone."""


def with_class(rows: Sequence[Row]) -> None:
    """Raise CorpusError for the first row that has no class."""
    for row in rows:
        if row.label is None or not row.label.strip():
            raise CorpusError("there is no class here; each example has to have one", row.file, row.line or None)
