"""Tables of scores by columns: on all test sequences and on unseen ones, with the controls beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from naibu.probes.results import Controls, Score, Scores
from naibu.reporting.markup import Markup, score_cell, table
from naibu.reporting.section import split_of, where
from naibu.reporting.words import layer_name, on_split

CONTROLS = {"untrained": "untrained network", "position": "position alone", "random_label": "random label"}


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


def score_table(caption: str, *columns: Text | Scored | Columns, names: int = 1) -> Markup:
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
    return [Text("layer", [layer_name(layer) for layer in layers])] if len(set(layers)) > 1 else []
