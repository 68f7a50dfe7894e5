"""What the probes of opening and closing brackets as next symbols give back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from naibu.probes.result import Result
from naibu.probes.results import Row, Rows, Score, Scores, result_row


@dataclass(frozen=True)
class KindPrediction:
    """How well the symbols of one kind are foreseen where they come next."""

    kind: str  # "open", "close", "later close", "word", "end"; see KINDS in bracket_prediction
    types: int  # different symbols of this kind among the test rows
    recall: Scores  # share of them that were the most probable symbol
    foreseen: Scores  # share of them where the most probable symbol was of the same kind, if not the same
    loss: Scores | None  # mean -ln p of them
    untrained: Scores | None  # recall of the untrained network
    untrained_loss: Scores | None
    majority: Scores  # recall of always saying the commonest symbol of this kind
    ngram: Scores  # recall of a table of the last two symbols


@dataclass(frozen=True)
class Asymmetry:
    """Opening less closing brackets, on the same resamples."""

    minus: str  # "close" or "later close"
    statistic: str  # "recall": below 0 means closings are better; "loss": above 0 means closings are better
    scores: Scores
    untrained: Scores | None
    ngram: Scores | None  # of recall only


@dataclass(frozen=True)
class CategoryPrediction:
    """Recall of both brackets of one category."""

    category: str  # "" where brackets have no names
    train_symbols: int  # brackets of it among the training rows, which the choice of categories rests on
    open: Scores
    close: Scores
    open_ngram: Scores
    close_ngram: Scores


@dataclass(frozen=True)
class BracketPrediction(Result):
    """Opening against closing brackets as next symbols of one network."""

    run: str
    fitted: Rows  # fitted: majority, table of two symbols, choice of categories
    kinds: tuple[KindPrediction, ...]
    differences: tuple[Asymmetry, ...]
    categories: tuple[CategoryPrediction, ...]  # the commonest first

    def of(self, kind: str) -> KindPrediction | None:
        """The line of a kind, None where no symbol of it comes."""
        return next((k for k in self.kinds if k.kind == kind), None)

    def difference(self, minus: str = "close", statistic: str = "recall") -> Asymmetry | None:
        """Opening less `minus`, None where it was not computed."""
        return next((d for d in self.differences if (d.minus, d.statistic) == (minus, statistic)), None)

    def rows(self) -> list[Row]:
        """One row per split, kind and statistic; then the differences; then the categories."""
        out: list[Row] = []
        for k in self.kinds:
            named: list[tuple[str, Scores | None]] = [("recall", k.recall), ("foreseen", k.foreseen), ("loss", k.loss)]
            named += [("untrained recall", k.untrained), ("untrained loss", k.untrained_loss)]
            named += [("majority recall", k.majority), ("2-gram recall", k.ngram)]
            out += self._rows(k.kind, None, named)
        for d in self.differences:
            named = [(d.statistic, d.scores), (f"untrained {d.statistic}", d.untrained)]
            named.append((f"2-gram {d.statistic}", d.ngram))
            out += self._rows(f"open minus {d.minus}", None, named)
        for c in self.categories:
            out += self._rows("open", c.category, (("recall", c.open), ("2-gram recall", c.open_ngram)))
            out += self._rows("close", c.category, (("recall", c.close), ("2-gram recall", c.close_ngram)))
        return out

    def _rows(self, kind: str, category: str | None, named: Sequence[tuple[str, Scores | None]]) -> list[Row]:
        out = []
        for statistic, scores in named:
            for split, score in scores.items() if scores is not None else ():
                out.append(_row(self.run, split, kind, statistic, score) | {"category": category})
        return out


@dataclass(frozen=True)
class ComparedKind:
    """The brackets of one kind, predicted by two networks on the same sentences."""

    kind: str  # "open", "close", "later close", "all"
    symbols: int  # brackets compared
    recall: tuple[Scores, Scores]  # of the first network, of the second
    recall_gain: Scores  # second less first, on the same resamples
    loss: tuple[Scores, Scores] | None
    loss_gain: Scores | None  # second less first: below 0 means the second is better


@dataclass(frozen=True)
class BracketComparison(Result):
    """The same brackets predicted by two networks that read the same sentences in different forms."""

    run: str  # of the first network
    other: str  # of the second
    sentences: int  # compared: their brackets are the same in both recordings
    unseen_sentences: int  # of these, in no training part of the two
    scored: tuple[int, int]  # test sentences of the first and of the second recording
    kinds: tuple[ComparedKind, ...]

    def of(self, kind: str) -> ComparedKind | None:
        """The line of a kind, None where no bracket of it was compared."""
        return next((k for k in self.kinds if k.kind == kind), None)

    def rows(self) -> list[Row]:
        """One row per split, kind and statistic."""
        out: list[Row] = []
        for k in self.kinds:
            named: list[tuple[str, str, Scores | None]] = [("recall", "second minus first", k.recall_gain)]
            named += [("recall", name, s) for name, s in zip((self.run, self.other), k.recall, strict=True)]
            named.append(("loss", "second minus first", k.loss_gain))
            named += [("loss", name, s) for name, s in zip((self.run, self.other), k.loss or (), strict=False)]
            for statistic, of, scores in named:
                for split, score in scores.items() if scores is not None else ():
                    out.append(_row(self.run, split, k.kind, statistic, score) | {"of": of, "other": self.other})
        return out


def _row(run: str, split: str, kind: str, statistic: str, score: Score) -> Row:
    return result_row(run, split, None, None, None, {"kind": kind, "statistic": statistic}, score)
