"""What a section is, and the pieces that several sections share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from naibu.probes.results import Rows, Scores
from naibu.reporting.markup import Markup, paragraph
from naibu.reporting.numbers import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONVENTION = "The label at a place is what is known once it has been read, the vector is the state after the same step."


@dataclass(frozen=True)
class Section:
    """A part of the page about one network and one question."""

    title: str
    reading: str  # what is measured and how to read it; shown once, with the first network
    figures: tuple[Markup, ...] = ()
    tables: tuple[Markup, ...] = ()
    says: str = ""  # what is seen, in a sentence computed from the result; its finding where empty
    key: str = ""  # its anchor: the name of the analysis
    command: str | None = None


class Pen:
    """Draws the panels of one section, each with a name of its own on the page; `name` begins every id."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.drawn = 0

    def __call__(
        self, draw: Callable[[Axes], object], label: str, size: tuple[float, float] = (3.5, 2.5), wide: bool = False
    ) -> Markup:
        from naibu.reporting.plots.canvas import drawn  # matplotlib loads when something is drawn

        self.drawn += 1
        return Markup(drawn(draw, size=size, name=f"{self.name}-figure-{self.drawn}", label=label, wide=wide))


def fitted_note(rows: Rows) -> str:
    """Say what a probe was fitted and scored on."""
    return (
        f"Chosen and fitted on {fitted_on(rows)} ({count(rows.train_tokens)} places in {count(rows.train_sequences)} "
        f"sequences), scored on {count(rows.test_tokens)} test places, of which {count(rows.unseen_tokens)} lie in "
        "unseen sequences."
    )


def fitted_on(rows: Rows) -> str:
    """Return what a probe was fitted on, in words."""
    return "training sequences" if rows.fitted_on == "train" else rows.fitted_on


def labelled_note(rows: Rows, more: str = "") -> Markup:
    """Return the note under a probe's table: what it was fitted and scored on, and which vector meets which label."""
    return paragraph(" ".join(part for part in (fitted_note(rows), CONVENTION, more) if part), "quiet")


def split_of(scores: Iterable[Scores | None]) -> str:
    """Return the split to draw and to compare controls on: unseen sequences where there are any."""
    return "unseen" if any(s is not None and s.unseen is not None for s in scores) else "test"


def where(split: str) -> str:
    """Return the sequences of a split in words."""
    return "unseen" if split == "unseen" else "all test"
