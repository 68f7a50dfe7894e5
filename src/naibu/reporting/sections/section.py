"""What a section is, and the pieces that several sections share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from naibu.probes.results import Controls, Rows, Scores
from naibu.reporting.content import NetworkPart
from naibu.reporting.markup import Markup, paragraph, score_cell
from naibu.reporting.numbers import count
from naibu.reporting.words import on_split

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONVENTION = (
    "The label at a position is the structure after its symbol has been read, the vector is the state after the "
    "same symbol."
)
CONTROL_NAMES = {"untrained": "untrained network", "position": "position alone", "random_label": "random label"}


@dataclass(frozen=True)
class Section:
    """A part of the page about one network and one question."""

    key: str  # "depth": its anchor, and the command that makes it
    title: str
    reading: str  # what is measured and how to read it; shown once, with the first network
    says: str  # what is seen, in a sentence computed from the result
    figures: tuple[Markup, ...]
    tables: tuple[Markup, ...]
    command: str | None


class Pen:
    """Draws the panels of one section, each with a name of its own on the page."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.drawn = 0

    def __call__(
        self, draw: Callable[[Axes], object], label: str, size: tuple[float, float] = (3.5, 2.5), wide: bool = False
    ) -> Markup:
        from naibu.reporting.plots.canvas import drawn  # matplotlib loads when something is drawn

        self.drawn += 1
        return drawn(draw, size=size, name=f"{self.name}-{self.drawn}", label=label, wide=wide)


def command_for(part: NetworkPart, *keys: str) -> str | None:
    """Return the command of the first of some section keys that has one."""
    return next((part.commands[key] for key in keys if part.commands.get(key)), None)


def fitted_note(rows: Rows) -> str:
    """Say what a probe was fitted and scored on."""
    where = "training sequences" if rows.fitted_on == "train" else rows.fitted_on
    return (
        f"Chosen and fitted on {where} ({count(rows.train_tokens)} symbols in {count(rows.train_sequences)} "
        "sequences), "
        f"scored on {count(rows.test_tokens)} test symbols, of which {count(rows.unseen_tokens)} lie in unseen "
        "sequences."
    )


def labelled_note(rows: Rows, more: str = "") -> Markup:
    """Return the note under a probe's table: what it was fitted and scored on, and which vector meets which label."""
    return paragraph(" ".join(part for part in (fitted_note(rows), CONVENTION, more) if part), "quiet")


def has_unseen(scores: Sequence[Scores | None]) -> bool:
    """Return whether any of some scores is also given for unseen sequences."""
    return any(s is not None and s.unseen is not None for s in scores)


def split_of(scores: Sequence[Scores | None]) -> str:
    """Return the split to draw and to compare controls on: unseen sequences where there are any."""
    return "unseen" if has_unseen(scores) else "test"


def score_heads(unseen: bool) -> list[str]:
    """Return the headings over a score."""
    return ["all test", "unseen"] if unseen else ["all test"]


def score_cells(scores: Scores | None, unseen: bool, as_share: bool = False) -> list[Markup]:
    """Return a score's cells: on all test sequences, and on the unseen ones where the table has them."""
    splits = ("test", "unseen") if unseen else ("test",)
    return [score_cell(on_split(scores, split), as_share) for split in splits]


def control_fields(controls: Sequence[Controls]) -> list[str]:
    """Return the controls that any row of a table has, in their usual order."""
    return [field for field in CONTROL_NAMES if any(getattr(c, field) is not None for c in controls)]


def control_heads(fields: Sequence[str], split: str) -> list[str]:
    """Return the headings over the controls; they name the split where there are two."""
    return [f"control: {CONTROL_NAMES[field]}" + (" (unseen)" if split == "unseen" else "") for field in fields]


def control_cells(controls: Controls, fields: Sequence[str], split: str, as_share: bool = False) -> list[Markup]:
    """Return the cells of the controls on one split."""
    return [score_cell(on_split(getattr(controls, field), split), as_share) for field in fields]
