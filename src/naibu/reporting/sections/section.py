"""What a section is, and the pieces that several sections share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from naibu.probes.results import Controls, Rows, Score, Scores
from naibu.reporting.markup import Safe, paragraph, score_cell, table
from naibu.reporting.numbers import count
from naibu.reporting.words import on_split

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONVENTION = (
    "The label at a place is what is known once it has been read, the vector is the state after the same step."
)
CONTROLS = {"untrained": "untrained network", "position": "position alone", "random_label": "random label"}


@dataclass(frozen=True)
class Section:
    """A part of the page about one network and one question."""

    title: str
    reading: str  # what is measured and how to read it; shown once, with the first network
    figures: tuple[Safe, ...] = ()
    tables: tuple[Safe, ...] = ()
    says: str = ""  # what is seen, in a sentence computed from the result; its finding where empty
    switched: bool = False  # whether it holds what a reader can switch, by the page's one script
    key: str = ""  # its anchor: the name of the analysis
    command: str | None = None


class Pen:
    """Draws the panels of one section, each with a name of its own on the page; `name` begins every id."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.drawn = 0

    def __call__(
        self, draw: Callable[[Axes], object], label: str, size: tuple[float, float] = (3.5, 2.5), wide: bool = False
    ) -> Safe:
        from naibu.reporting.plots.canvas import drawn  # matplotlib loads when something is drawn

        self.drawn += 1
        return Safe(drawn(draw, size=size, name=f"{self.name}-figure-{self.drawn}", label=label, wide=wide))


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


def labelled_note(rows: Rows, more: str = "") -> Safe:
    """Return the note under a probe's table: what it was fitted and scored on, and which vector meets which label."""
    return paragraph(" ".join(part for part in (fitted_note(rows), CONVENTION, more) if part), "quiet")


def split_of(scores: Iterable[Scores | None]) -> str:
    """Return the split to draw and to compare controls on: unseen sequences where there are any."""
    return "unseen" if any(s is not None and s.unseen is not None for s in scores) else "test"


def where(split: str) -> str:
    """Return the sequences of a split in words."""
    return "unseen" if split == "unseen" else "all test"


# ---------------------------------------------------------------- tables of scores


@dataclass(frozen=True)
class Text:
    """A column of text."""

    head: str
    cells: Sequence[str]


@dataclass(frozen=True)
class Scored:
    """A column of scores; of `both` one column on all test sequences and one on unseen ones, where there are any.

    The others are of the split that `both` is judged on. `share` says which are shares, all or one by one.
    """

    head: str
    cells: Sequence[Scores | Score | None]
    share: bool | Sequence[bool] = False
    both: bool = False

    def on(self, split: str) -> list[str]:
        """Return the cells on one split; a score that is of one alone is given on any."""
        shares = [self.share] * len(self.cells) if isinstance(self.share, bool) else self.share
        scores = [on_split(s, split) if isinstance(s, Scores) else s for s in self.cells]
        return [score_cell(score, share) for score, share in zip(scores, shares, strict=True)]


Columns = Iterable[Text | Scored]


def score_table(caption: str, *columns: Text | Scored | Columns, names: int = 1) -> Safe:
    """Return a table of columns; the first `names` name its rows."""
    flat = [each for some in columns for each in ([some] if isinstance(some, (Text, Scored)) else some)]
    split = split_of(s for c in flat if isinstance(c, Scored) and c.both for s in c.cells if isinstance(s, Scores))
    shown = [pair for column in flat for pair in _shown(column, split)]
    rows = zip(*(cells for _, cells in shown), strict=True)
    return table([head for head, _ in shown], rows, caption, names)


def _shown(column: Text | Scored, split: str) -> Iterator[tuple[str, Sequence[str]]]:
    if isinstance(column, Text):
        yield column.head, column.cells
    elif column.both:
        for each in ("test", "unseen")[: 2 if split == "unseen" else 1]:
            yield ", ".join(part for part in (column.head, where(each)) if part), column.on(each)
    else:
        of_both = any(isinstance(s, Scores) for s in column.cells)
        yield column.head + (" (unseen)" if split == "unseen" and of_both else ""), column.on(split)


def control_columns(controls: Sequence[Controls], share: bool = False) -> list[Scored]:
    """Return a column for each control that any row has, in their usual order."""
    all_of = {field: [getattr(c, field) for c in controls] for field in CONTROLS}
    there = {field: scores for field, scores in all_of.items() if any(s is not None for s in scores)}
    return [Scored(f"control: {CONTROLS[field]}", scores, share) for field, scores in there.items()]


def layer_column(layers: Sequence[str]) -> list[Text]:
    """Return the column that names the layer of each row, none where all are of one."""
    return [Text("layer", layers)] if len(set(layers)) > 1 else []
