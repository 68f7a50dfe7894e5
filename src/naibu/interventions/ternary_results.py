"""What rounding the update costs: the same scores as it is and rounded, and the paired differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from naibu.probes.result import Result
from naibu.probes.results import Row, Score, Scores

ROUNDED = ("ternary", "threshold", "scaled")
"""The kinds that round the update to three levels."""
CONTROLS = ("halves", "signs", "dropped")


@dataclass(frozen=True)
class Rounding:
    """How well the network predicts with a signal rounded at every step, and how that compares with as it is.

    The changes are paired: the sentences drawn for an interval are the same for both networks.
    """

    kind: str  # "before", "ternary", "threshold", "scaled", "cell", "halves", "signs", "dropped"
    what: str  # in words: "update to −1, 0, 1"
    zero: float | None  # share of the update's values on training steps, as it is, that this makes 0
    loss: Scores  # mean -log p of the next symbol, natural logarithm
    loss_change: Scores | None  # rounded minus as it is, nats per symbol; None for "before"
    relative_change: Scores | None  # the same as a share of the loss as it is
    accuracy: Scores | None  # None where numbers are predicted
    accuracy_change: Scores | None
    end_recall: Scores | None  # share of ends of sequence (ED) that are predicted; None where there is no ED
    end_recall_change: Scores | None

    def perplexity_ratio(self) -> Scores | None:
        """Return the perplexity divided by that of the network as it is, exp of the change of loss."""
        if self.loss_change is None:
            return None
        unseen = self.loss_change.unseen
        return Scores(_exponent(self.loss_change.test), None if unseen is None else _exponent(unseen))


def _exponent(score: Score) -> Score:
    value, low, high = (float(np.exp(x)) for x in (score.value, score.low, score.high))
    return Score(value, low, high, score.n, score.sequences)


@dataclass(frozen=True)
class UnitLevels:
    """The levels -size, 0, size of each unit of one layer, from training steps."""

    layer: str
    threshold: np.ndarray  # [unit]
    size: np.ndarray  # [unit]


@dataclass(frozen=True)
class Ternary(Result):
    """What it costs to replace the update by three levels at every step, all layers at once."""

    run: str
    train_symbols: int  # training symbols on which thresholds and sizes were chosen
    train_sequences: int
    thresholds: np.ndarray  # [threshold], those tried
    train_loss: np.ndarray  # [threshold], loss on training sequences with each
    threshold: float  # the one with the least
    levels: tuple[UnitLevels, ...]
    roundings: tuple[Rounding, ...]

    def of(self, kind: str) -> Rounding | None:
        """Return the rounding of one kind, None where it was not made."""
        return next((rounding for rounding in self.roundings if rounding.kind == kind), None)

    def rows(self) -> list[Row]:
        """Return one row per split, rounding and statistic."""
        out: list[Row] = []
        for rounding in self.roundings:
            ratio = rounding.perplexity_ratio()
            named = {name: getattr(rounding, name) for name in _STATISTICS} | {"perplexity_ratio": ratio}
            for statistic, scores in named.items():
                for split, score in scores.items() if scores is not None else ():
                    row: Row = {"run": self.run, "split": split, "layer": "", "signal": _signal(rounding), "unit": ""}
                    row |= {"kind": rounding.kind, "what": rounding.what, "zero": rounding.zero}
                    row |= {"statistic": statistic, "value": score.value, "low": score.low, "high": score.high}
                    out.append(row | {"n": score.n, "sequences": score.sequences})
        return out


_STATISTICS = (
    "loss",
    "loss_change",
    "relative_change",
    "accuracy",
    "accuracy_change",
    "end_recall",
    "end_recall_change",
)


def _signal(rounding: Rounding) -> str:
    return {"before": "", "cell": "cell"}.get(rounding.kind, "update")
