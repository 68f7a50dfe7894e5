"""What principal components of a signal give back: tokens, word types, one word's tokens, nearest neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from naibu.probes.baseline import Baseline
from naibu.probes.result import Result
from naibu.probes.results import Row, Rows, Score, Scores, result_row


@dataclass(frozen=True)
class Telling:
    """How often a linear discriminant of some coordinates says the right name."""

    name: str  # "components", "plane", "signs split"
    dimensions: int
    scores: Scores
    untrained: Scores | None  # the same from the components of the untrained network


@dataclass(frozen=True)
class Points:
    """Some tokens of the test rows, drawn with the seed, along the components."""

    symbols: tuple[str, ...]  # [point]
    tag: np.ndarray  # int64 [point], number in `tags`
    coordinates: np.ndarray  # float64 [point component], to 4 decimals
    split: np.ndarray  # float64 [point 2], in the plane of the split signs
    scale: float  # deviation of the first component, by which coordinates are divided before signs are split


@dataclass(frozen=True)
class Components(Result):
    """Tokens of each part of speech along the principal components of one signal."""

    run: str
    layer: str
    signal: str
    label: str
    fitted: Rows
    of: int  # units of the signal
    share: np.ndarray  # float64 [component], of all variance, on training rows
    classes: tuple[str, ...]  # the names told apart
    told_by: str | None  # the one symbol that gives the label away, see PartOfSpeech
    telling: tuple[Telling, ...]
    baselines: tuple[Baseline, ...]
    tags: tuple[str, ...]  # the names drawn, most frequent first
    points: Points

    def rows(self) -> list[Row]:
        """One row per split and telling or baseline, then one per component with its share of the variance."""
        out = _telling_rows(self, [(t.name, t) for t in self.telling], self.baselines)
        for k, share in enumerate(self.share):
            more: Row = {"statistic": f"variance of component {k + 1}", "value": float(share)}
            out.append(_row(self, "train", more))
        return out


@dataclass(frozen=True)
class Pair:
    """Two names whose word types should come apart along one component."""

    values: tuple[str, str]
    component: int  # from 0; chosen on half of the word types
    auc: Score  # on the other half: how often a word of the second name lies beyond one of the first; 1/2: chance
    untrained: Score | None  # the same search in the untrained network; on held-out types, so it may be below 1/2
    chosen_on: tuple[int, int]  # word types of each name in the half that the component was chosen on
    words: tuple[str, ...]  # the word types of the other half
    second: np.ndarray  # bool [type], whether they have the second name
    along: np.ndarray  # float64 [type], their coordinate, turned so that the second name lay above in the first half

    def ends(self, most: int) -> tuple[list[int], list[int]]:
        """The numbers of the word types lowest, and highest, along the component, outermost first."""
        order = np.argsort(self.along, kind="stable")
        return order[:most].tolist(), order[::-1][:most].tolist()


@dataclass(frozen=True)
class UniqueComponents(Result):
    """Word types, each once by its mean vector, along principal components of their own."""

    run: str
    layer: str
    signal: str
    label: str
    fitted: Rows
    first: int  # components of all tokens that were kept before
    least: int  # occurrences in training rows from which a word type is taken
    types: int  # taken; the most frequent of them follow
    share: np.ndarray  # float64 [component]
    tags: tuple[str, ...]
    words: tuple[str, ...]  # [type]
    tag: np.ndarray  # int64 [type], number in `tags` of the type's most frequent one
    count: np.ndarray  # int64 [type], occurrences in training rows
    coordinates: np.ndarray  # float64 [type component], to 4 decimals
    pairs: tuple[Pair, ...]

    def ends(self, component: int, most: int) -> tuple[list[int], list[int]]:
        """The numbers of the word types lowest, and highest, along a component, outermost first."""
        order = np.argsort(self.coordinates[:, component], kind="stable")
        return order[:most].tolist(), order[::-1][:most].tolist()

    def rows(self) -> list[Row]:
        """One row per pair, then one per word type with its first coordinates."""
        out: list[Row] = []
        for pair in self.pairs:
            for name, score in (("auc", pair.auc), ("untrained auc", pair.untrained)):
                if score is not None:
                    more: Row = {"statistic": name, "values": " / ".join(pair.values), "component": pair.component + 1}
                    out.append(_row(self, "train", more, score))
        for k, word in enumerate(self.words):
            more = {"statistic": "word", "symbol": word, "tag": self.tags[self.tag[k]], "n": int(self.count[k])}
            more |= {f"component {c + 1}": float(x) for c, x in enumerate(self.coordinates[k])}
            out.append(_row(self, "train", more))
        return out


@dataclass(frozen=True)
class WordTokens(Result):
    """All tokens of one word, by their part of speech."""

    run: str
    layer: str
    signal: str
    label: str
    word: str
    fitted: Rows
    share: np.ndarray  # float64 [component]
    tags: tuple[str, ...]  # most frequent in training rows first
    train_count: np.ndarray  # int64 [tag]
    test_count: np.ndarray  # int64 [tag]
    recall: np.ndarray  # float64 [tag], on test rows; nan without tokens there
    told_by: str | None  # the one symbol that gives the label away, see PartOfSpeech
    telling: tuple[Telling, ...]
    baselines: tuple[Baseline, ...]
    points: Points  # `split` is empty here

    def rows(self) -> list[Row]:
        """One row per split and telling or baseline, then one per name with its recall."""
        out = _telling_rows(self, [(t.name, t) for t in self.telling], self.baselines)
        for name, n, recall in zip(self.tags, self.test_count, self.recall, strict=True):
            out.append(_row(self, "test", {"statistic": "recall", "tag": name, "value": float(recall), "n": int(n)}))
        return [row | {"symbol": self.word} for row in out]


@dataclass(frozen=True)
class Neighbour:
    """A token near another."""

    row: int  # token number in the recording
    symbol: str
    tag: str
    cosine: float
    before: tuple[str, ...]  # the symbols read before it, of the same sequence


@dataclass(frozen=True)
class Query:
    """A token and those nearest to it among the test rows, first of any word, then of other words."""

    row: int
    symbol: str
    tag: str
    before: tuple[str, ...]
    usual: float  # median cosine with all test rows looked at: what no nearness at all gives
    nearest: tuple[Neighbour, ...]
    others: tuple[Neighbour, ...]  # of other words only


@dataclass(frozen=True)
class Neighbours(Result):
    """The nearest neighbours of some tokens by the cosine of their vectors."""

    run: str
    layer: str
    signal: str
    label: str
    looked_at: int  # test rows that could be a neighbour
    queries: tuple[Query, ...]

    def rows(self) -> list[Row]:
        """One row per query and neighbour."""
        out: list[Row] = []
        for q in self.queries:
            for kind, found in (("any word", q.nearest), ("other words", q.others)):
                for rank, near in enumerate(found, 1):
                    row = _row(self, "test", {"symbol": q.symbol, "tag": q.tag, "token": q.row, "among": kind})
                    row |= {"rank": rank, "neighbour": near.symbol, "neighbour_tag": near.tag}
                    out.append(row | {"neighbour_token": near.row, "value": near.cosine, "usual": q.usual})
        return out


def _row(
    result: Components | UniqueComponents | WordTokens | Neighbours, split: str, more: Row, score: Score | None = None
) -> Row:
    return result_row(result.run, split, result.layer, result.signal, None, {"label": result.label, **more}, score)


def _telling_rows(
    result: Components | WordTokens, telling: Iterable[tuple[str, Telling]], baselines: Iterable[Baseline]
) -> list[Row]:
    out: list[Row] = []
    for name, t in telling:
        for who, scores in (("", t.scores), ("untrained ", t.untrained)):
            for split, score in scores.items() if scores is not None else ():
                more: Row = {"statistic": f"{who}accuracy from {name}", "dimensions": t.dimensions}
                out.append(_row(result, split, more, score))
    for b in baselines:
        for split, score in b.scores.items():
            out.append(_row(result, split, {"statistic": b.name}, score))
    return out
