"""What matching the units of several networks gives back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from naibu.probes.result import Result
from naibu.probes.results import Row, Rows, Score, Scores, result_row


@dataclass(frozen=True)
class Matches:
    """The units of one network, each with a partner in another, and how alike they are on test rows."""

    partner: np.ndarray  # int64 [unit of the first], units of the second, each once
    chosen: np.ndarray  # [unit], |r| on the rows the assignment was chosen on
    r: np.ndarray  # [unit], on test rows, sign kept; 0 where either unit never changes
    median: Scores  # of |r| over units
    above_7: Scores  # share of units with |r| above .7
    above_9: Scores  # the same for .9
    random: Scores  # the median |r| of a random one-to-one assignment

    def items(self) -> Iterator[tuple[str, Scores]]:
        """The statistics by name."""
        yield "median |r|", self.median
        yield "share above .7", self.above_7
        yield "share above .9", self.above_9
        yield "median |r|, random assignment", self.random


@dataclass(frozen=True)
class Pair:
    """Two networks."""

    first: str
    second: str
    trained: Matches
    untrained: Matches | None  # the same search and score on both networks before training


@dataclass(frozen=True)
class LabelMatch:
    """The unit of one network that follows a label best, and its partner in another network."""

    network: str
    other: str
    unit: int  # of `network`, chosen by its r with the label on the rows chosen on
    follows: Scores  # r of the unit with the label
    partner: int  # the unit of `other` it is matched with
    best: int  # the unit of `other` that follows the label best
    r: Scores  # of the unit with its partner
    nearest: int  # the unit of `other` with the largest |r| on the rows chosen on, whatever the assignment
    nearest_r: Scores  # of the unit with that one

    @property
    def same(self) -> bool:
        """Whether the partner is the other network's best unit; by chance once in as many times as there are units."""
        return self.partner == self.best


@dataclass(frozen=True)
class Matching(Result):
    """The units of several networks of one kind, matched one to one for every two networks."""

    run: str
    layer: str
    signal: str
    networks: tuple[str, ...]
    label: str | None
    fitted: Rows
    pairs: tuple[Pair, ...]
    labelled: tuple[LabelMatch, ...]  # both directions of every pair; empty without a label
    labelled_untrained: tuple[LabelMatch, ...]  # the same search in the networks before training

    def medians(self, *, untrained: bool = False, split: str = "test") -> np.ndarray:
        """The median |r| of matched units, [network network], symmetric; nan where there is none, 1 within one."""
        place = {name: k for k, name in enumerate(self.networks)}
        out = np.full((len(place), len(place)), np.nan)
        np.fill_diagonal(out, 1.0)
        for pair in self.pairs:
            matches = pair.untrained if untrained else pair.trained
            score = None if matches is None else _on(matches.median, split)
            if score is not None:
                a, b = place[pair.first], place[pair.second]
                out[a, b] = out[b, a] = score.value
        return out

    def rows(self) -> list[Row]:
        """One row per split, pair, trained or untrained, and statistic; then per label's unit and other network."""
        out: list[Row] = []
        for pair in self.pairs:
            for kind, matches in (("trained", pair.trained), ("untrained", pair.untrained)):
                for name, scores in matches.items() if matches is not None else ():
                    more: Row = {"first": pair.first, "second": pair.second, "networks": kind, "statistic": name}
                    out += self._rows(None, more, scores)
        for kind, m in (*(("trained", m) for m in self.labelled), *(("untrained", m) for m in self.labelled_untrained)):
            more = {"first": m.network, "second": m.other, "networks": kind, "label": self.label}
            more |= {"best": m.best, "same": int(m.same)}
            out += self._rows(m.unit, more | {"statistic": "r with the label"}, m.follows)
            out += self._rows(m.unit, more | {"statistic": "r with the partner", "partner": m.partner}, m.r)
            out += self._rows(m.unit, more | {"statistic": "r with the nearest", "partner": m.nearest}, m.nearest_r)
        return out

    def _rows(self, unit: int | None, more: Row, scores: Scores) -> list[Row]:
        return [result_row(self.run, split, self.layer, self.signal, unit, more, s) for split, s in scores.items()]


def _on(scores: Scores, split: str) -> Score | None:
    return scores.unseen if split == "unseen" else scores.test
