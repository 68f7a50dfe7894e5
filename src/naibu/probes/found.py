"""What a search gives back: for every label the unit that tells it best, with its controls."""

from __future__ import annotations

from dataclasses import dataclass

from naibu.probes.result import Result
from naibu.probes.results import Controls, Row, Rows, Score, Scores


@dataclass(frozen=True)
class Best:
    """A unit chosen for a label on training rows, and its score on test rows, turned as on training rows."""

    layer: str
    signal: str
    unit: int
    rises: bool  # whether it is higher where the label holds, or is larger, on training rows
    train: float  # the statistic on training rows, turned so that it is not below chance
    scores: Scores  # on test rows, below chance where the unit misleads there


@dataclass(frozen=True)
class Found:
    """One label: the best unit of all signals, and of each."""

    label: str
    statistic: str  # "auc", area under the ROC curve, chance .5; or "spearman", rank correlation, chance 0
    values: tuple[str, str] | None  # names of the two values of the label, None for a numeric one
    share: float | None  # of test rows where a two-valued label holds
    best: Best
    signals: tuple[Best, ...]  # in the order of the recording
    untrained: Best | None  # the same search in an untrained network
    controls: Controls  # of the best unit; `untrained` is the score of the one above
    symbol: Scores  # the label's mean for each symbol type, from training rows, as if it were a unit
    p: float  # corrected for all units and signals searched, not for the number of labels
    fitted: Rows

    def of(self, signal: str) -> Best | None:
        """The best unit of one signal, of the layer where it is best; None where it was not recorded."""
        some = [best for best in self.signals if best.signal == signal]
        return max(some, key=lambda best: best.train) if some else None


def on_split(scores: Scores, split: str) -> Score | None:
    """The score on one split, None where there is none."""
    return scores.test if split == "test" else scores.unseen


@dataclass(frozen=True)
class Search(Result):
    """The named cells of a network."""

    run: str
    searched: int  # units of all layers and signals, among which each best one was chosen
    permutations: int
    tokens: int  # training tokens that the choice rests on, at most
    found: tuple[Found, ...]
    skipped: tuple[str, ...]  # labels that were not searched, with the reason

    def ordered(self) -> list[Found]:
        """What was found, the label told best first: labels of two values by their AUC, then numbers by their rank."""
        return sorted(self.found, key=lambda found: (found.statistic != "auc", -found.best.train))

    def label(self, name: str) -> Found | None:
        """What was found for one label, None where it was not searched."""
        return next((found for found in self.found if found.label == name), None)

    def rows(self) -> list[Row]:
        """One row per label and split."""
        out: list[Row] = []
        for found in self.found:
            best, bare = found.best, found.untrained
            for split, score in best.scores.items():
                out.append(
                    {
                        "run": self.run,
                        "split": split,
                        "layer": best.layer,
                        "signal": best.signal,
                        "unit": best.unit,
                        "label": found.label,
                        "statistic": found.statistic,
                        "value": score.value,
                        "low": score.low,
                        "high": score.high,
                        "rises": int(best.rises),
                        "train": best.train,
                        **found.controls.columns(split),
                        "symbol": None if (alone := on_split(found.symbol, split)) is None else alone.value,
                        "untrained_signal": None if bare is None else bare.signal,
                        "untrained_unit": None if bare is None else bare.unit,
                        "p": found.p,
                        "searched": self.searched,
                        "permutations": self.permutations,
                        "share": found.share,
                        "n": score.n,
                        "sequences": score.sequences,
                    }
                )
        return out
