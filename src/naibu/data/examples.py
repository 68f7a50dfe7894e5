"""What a network learns from or is judged on: examples with streams, each with values, lengths and labels a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from naibu.errors import OptionError
from naibu.shown import Row, Shown, drawn, some

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from naibu.data.batch import Batch

Array = npt.NDArray[Any]


class Column(NamedTuple):
    """Something known of every step: what was read, what holds there, what came out.

    values: [token]; float32 or int32 where numeric (NaN where not defined), int32 codes (-1 for none) where
        `names` is given.
    names: the names of the codes of a categorical column, None for a numeric one.
    """

    values: Array
    names: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        names = "" if self.names is None else f", {len(self.names)} names: {some(self.names)}"
        return f"Column([token] = {list(self.values.shape)}, {self.values.dtype}{names})"


class Examples(Shown, ABC):
    """One split: what is learnt from, or judged on. An example has one sequence in each stream."""

    streams: tuple[str, ...] = ("input",)
    """The names of the streams; the last is the one that is predicted."""

    @property
    def made_from(self) -> str:
        """Checksums of what labels come from besides the data; empty where all come from it."""
        return ""

    @property
    def singled_out(self) -> str | None:
        """The class that is worth a recall of its own: the end of a sentence; None where there is none."""
        return None

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def lengths_of(self, stream: str) -> Array:
        """Return the steps of every example, int64 [example]."""

    @property
    def lengths(self) -> Array:
        """The steps of every example in the stream that is predicted, int64 [example]."""
        return self.lengths_of(self.streams[-1])

    @abstractmethod
    def inputs(self, stream: str) -> Mapping[str, Column]:
        """Return what is read at every step: {"symbol": ...}, or {"volume": ..., "temperature": ...}."""

    @abstractmethod
    def labels(self, stream: str) -> tuple[str, ...]:
        """Return the names of what is known of every step beside what is read."""

    @abstractmethod
    def label(self, name: str, stream: str = "input") -> Column:
        """Return a label of every step. Raises OptionError that lists those that exist."""

    @abstractmethod
    def subset(self, which: Array, /) -> Examples:
        """Return the chosen examples, in the order given; numbers [example] or a mask."""

    @abstractmethod
    def batch(self, which: Array) -> Batch:
        """Return the chosen examples side by side, padded, every step of them."""

    def before(self, which: Array) -> Iterator[tuple[Array, Batch]]:
        """Yield, for some of the chosen examples at a time, their places among the chosen, int64 [row], and what stands
        before each and is read first, so that a state is there; nothing is predicted in it. The others begin from
        zeros, as all do by default."""
        return iter(())

    def classes(self) -> tuple[str, ...] | None:
        """Return the names of the classes that are predicted at every step, None where numbers are."""
        return None

    def rows(self) -> list[Row]:
        """Return a row for each stream: how many examples and steps, how long they are, what is known of each step."""
        found: list[Row] = []
        for stream in self.streams:
            lengths = self.lengths_of(stream)
            row: Row = {"stream": stream, "examples": len(self), "steps": int(lengths.sum())}
            for name, number in (("shortest", np.min), ("median", np.median), ("longest", np.max)):
                row[name] = int(number(lengths)) if len(lengths) else None
            found.append(row | {"labels": some(self.labels(stream), 20)})
        return found

    def seen(self) -> Array:
        """Return whether each example occurs in training too, bool [example]; False where that is not known."""
        return np.zeros(len(self), bool)


class Coder(Protocol):
    """What turns somebody's input into examples as the network's own were: vocabulary, tags, scaler."""

    def save(self, folder: Path) -> None:
        """Write it into a run's folder."""
        ...


@dataclass(frozen=True, repr=False)
class Data(Shown):
    """What was opened: three splits, and what has to be known to open a run of it again.

    task: which task reads it so; the command `naibu train TASK`. options: those it was opened with, as plain values
    that a file of settings can hold. sizes: what a model is built from: {"input": 8000}. asks: labels worth asking
    about, the main one first. fingerprint: of content and options, wherever the files lie. found: what was found, rows
    of a name and a text.
    """

    name: str
    task: str
    options: dict[str, Any]
    train: Examples
    validation: Examples
    test: Examples
    sizes: Mapping[str, int]
    coder: Coder
    asks: tuple[str, ...]
    fingerprint: str
    found: list[tuple[str, str]]

    @property
    def facts(self) -> dict[str, Any]:
        """What of it a run has to know without opening it again, as plain values by name; None is left out there."""
        return {}

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols in the order of their numbers; empty where none are read."""
        return ()

    def beginning(self) -> Mapping[str, Array]:
        """Return weights that come with the data and that a network begins with, vectors of words for example, by the
        name of the parameter; NaN where they are drawn."""
        return {}

    def with_symbols(self, symbols: tuple[str, ...]) -> Data:
        """Return the same data in which symbols have the numbers that they have in `symbols`.

        Raises OptionError for a symbol that is not among them and that no unknown one can stand for.
        """
        if symbols != self.symbols:
            raise OptionError(f"{self.name}: data of the task {self.task} cannot be numbered by other symbols")
        return self

    def rows(self) -> list[Row]:
        """Return what was found, a row of a name and a text for each."""
        return [{"found": name, "value": value} for name, value in self.found]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how many examples of each part have so many steps; return the axes."""
        parts = {name: getattr(self, name).lengths for name in ("train", "validation", "test")}
        return drawn("naibu.reporting.plots.prediction:plot_lengths", parts, ax)

    def __repr__(self) -> str:
        parts = ", ".join(f"{len(getattr(self, part)):,} {part}" for part in ("train", "validation", "test"))
        return f"{type(self).__name__}({self.name}, task {self.task}; examples: {parts})"

    def example(self) -> str:
        """Return a short piece of the test part, for people to read; empty where it is nothing to read."""
        return ""
